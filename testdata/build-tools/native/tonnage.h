/* What fits into so many holds. */
unsigned tonnage(unsigned holds);
