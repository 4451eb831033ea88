//! Says what a registry's package says.

fn main() {
    println!("{}", words::greeting());
}
