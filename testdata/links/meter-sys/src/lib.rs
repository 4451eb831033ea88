//! The native library as it is.

unsafe extern "C" {
    fn meter_measure() -> i32;
}

/// Measures once.
pub fn measure() -> i32 {
    // SAFETY: the function takes nothing and touches nothing.
    unsafe { meter_measure() }
}
