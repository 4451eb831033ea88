//! Prints a price list.

fn main() {
    println!("tea 3.20");
}
