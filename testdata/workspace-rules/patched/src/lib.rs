//! In place of the package of that name.

/// The other has none.
pub const PATCHED: &str = "patched";
