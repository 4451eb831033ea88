//! A directory with letters beyond ASCII.

/// What a file of such a name holds.
pub const NAME: &str = include_str!("größe.txt");
