//! Says what the repository's package says.

fn main() {
    println!("{}", one::said());
}
