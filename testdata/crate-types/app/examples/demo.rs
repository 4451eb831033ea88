//! Shows something to who reads it. Images are not made of examples.

fn main() {
    println!("{}", common::features());
}
