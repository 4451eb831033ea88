//! A library like any other.

/// Its name.
pub fn name() -> &'static str {
    "shared"
}
