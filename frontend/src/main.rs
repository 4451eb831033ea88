//! The frontend binary.
fn main() {}
