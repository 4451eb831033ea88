//! Includes a file of a submodule, far outside of its own directory.

/// The words.
pub fn said() -> String {
    format!("says: {}", include_str!("../../../words/words.txt").trim())
}
