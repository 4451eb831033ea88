//! Greets the name given as first argument, or the world, and says which version does so.

use std::env;

fn main() {
    let name = env::args().nth(1).unwrap_or_else(|| "world".to_owned());
    println!("Hello, {name}! This is {} {}.", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
}
