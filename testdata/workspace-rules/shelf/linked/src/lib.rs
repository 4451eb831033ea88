//! Reached by a link.

/// Its name.
pub const NAME: &str = "linked";
