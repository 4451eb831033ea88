//! Words, version 2.0.0.

/// What to say first.
pub fn greeting() -> &'static str {
    "good day"
}
