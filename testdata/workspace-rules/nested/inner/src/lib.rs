//! In the directory of another.

/// Its name.
pub const NAME: &str = "inner";
