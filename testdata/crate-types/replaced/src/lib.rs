//! In place of a published package.

/// Its name.
pub fn name() -> &'static str {
    "replaced"
}
