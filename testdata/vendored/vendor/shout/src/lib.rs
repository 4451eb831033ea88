//! Loud words.

/// The same, for those who are far away.
pub fn loudly(text: &str) -> String {
    text.to_uppercase()
}
