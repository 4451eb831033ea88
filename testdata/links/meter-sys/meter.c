int meter_measure(void) { return 42; }
