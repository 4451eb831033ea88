//! Words, version 1.0.0.

/// What to say first.
pub fn greeting() -> &'static str {
    "hail"
}
