//! Says what was baked into it.

mod edited;
mod untouched;

fn main() {
    println!(
        "{} code={} {}",
        include!(concat!(env!("OUT_DIR"), "/said.rs")),
        edited::says(),
        untouched::says()
    );
}
