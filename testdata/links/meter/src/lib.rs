//! A safe face for the native library.

/// The version that the native library's build script found.
pub const NATIVE_VERSION: &str = env!("METER_VERSION");

/// Measures once.
pub fn measure() -> i32 {
    meter_sys::measure()
}
