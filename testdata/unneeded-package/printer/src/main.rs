//! Prints a number.

fn main() {
    println!("{}", hex::encode([42]));
}
