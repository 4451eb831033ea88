//! Shows something to who reads it, by what no program of the workspace has: a development dependency, and a file outside of
//! the package.

fn main() {
    println!("{} {}", shown::framed(include_str!("../../shown.txt")), common::features());
}
