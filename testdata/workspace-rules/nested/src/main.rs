//! A member with another in its directory.

fn main() {
    println!("around {}", inner::NAME);
}
