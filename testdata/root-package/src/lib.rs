#![doc = include_str!("../README.md")]

/// What is on sale.
pub fn offer() -> String {
    format!("one thing for {}", price::format(250))
}
