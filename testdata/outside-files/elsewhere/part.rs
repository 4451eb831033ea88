//! Reads a file outside of its own directory, too.

/// Where it is read from.
pub fn places() -> &'static str {
    include_str!("../schema/places.txt").trim()
}
