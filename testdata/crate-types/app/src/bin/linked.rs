//! A program that needs a library at run time.

fn main() {
    println!("{}", dynamic::name());
}
