//! Counts the words of a greeting.

/// How many words the greeting has.
pub fn words() -> u32 {
    "hello world"
}
