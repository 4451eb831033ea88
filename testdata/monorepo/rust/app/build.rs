//! Reads a file that programs in other languages are made of as well.

use std::{env, fs, path::Path};

fn main() {
    let proto = env::var("PROTO").expect("cargo's configuration sets it");
    println!("cargo::rerun-if-changed={proto}");
    let text = fs::read_to_string(proto).expect("the schema is there");
    let messages = text.lines().filter(|line| line.starts_with("message ")).count();
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets it")).join("messages.txt");
    fs::write(out, messages.to_string()).expect("OUT_DIR can be written");
}
