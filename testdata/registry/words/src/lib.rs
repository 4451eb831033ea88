//! A word.

/// What to say first.
pub fn greeting() -> &'static str {
    "ahoy"
}
