//! What only examples and tests use.

/// The text in a frame.
pub fn framed(text: &str) -> String {
    format!("[{}]", text.trim())
}
