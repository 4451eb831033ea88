//! Says what it was made with.

fn main() {
    println!("script: {}", env!("SCRIPT_FEATURES"));
    println!("program: {}", common::features());
    println!("{} {}", env!("SCRIPT_ANSWER"), macros::answer!());
    println!("{}, {}, {}", cfg_if::name(), archive::add(1, 2), quiet::name());
}
