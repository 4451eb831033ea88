use std::process;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    eprintln!("the price list is empty: add at least one line to prices.csv");
    process::exit(1);
}
