//! For what runs during the build.

extern "C" {
    fn native_answer() -> i32;
}

/// What the shared library says.
pub fn answer() -> i32 {
    // SAFETY: it takes nothing and returns a number.
    unsafe { native_answer() }
}
