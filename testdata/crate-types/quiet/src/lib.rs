//! Has no build script.

/// Its name.
pub fn name() -> &'static str {
    "quiet"
}
