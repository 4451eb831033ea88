//! Has a `build.rs` that is none.

/// Its name.
pub const NAME: &str = "no script";
