//! Never runs: the manifest says so.

fn main() {
    panic!("it ran");
}
