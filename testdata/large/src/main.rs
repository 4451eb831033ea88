//! Links with all that it names.

fn main() {
    println!("large");
}
