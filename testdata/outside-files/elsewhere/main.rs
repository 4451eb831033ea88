//! A program whose package lies elsewhere.

mod part;

fn main() {
    println!("{}", part::places());
}
