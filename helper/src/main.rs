//! The helper binary.
fn main() {}
