//! Lines for people, on standard error.

use std::io::{self, Write as _};

/// Says a line, or several, in one piece.
///
/// BuildKit's client keeps the last lines of a failed step, and of a piece of output that ends within a line only the last
/// (`util/progress/progressui/printer.go`). `eprintln!` writes every part of its format by itself, and what is between
/// two such parts may be all that a person gets to see of an error.
macro_rules! say {
    ($($text:tt)*) => { $crate::console::write(format!($($text)*)) };
}
pub(crate) use say;

/// Writes the text and a newline at once. There is nobody to tell when that fails.
pub(crate) fn write(mut text: String) {
    text.push('\n');
    let _ = io::stderr().write_all(text.as_bytes());
}
