use std::path::Path;
use std::{env, fs};

fn main() {
    let schema = fs::read_to_string("../../schema/report.txt").expect("the schema is there");
    // No literal leads there, so the manifest declares these with `inputs`.
    let words = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .ancestors()
        .nth(2)
        .expect("two directories up is the workspace")
        .join("words");
    let mut count = 0;
    for entry in fs::read_dir(&words).expect("the words are there") {
        let entry = entry.expect("a directory can be read");
        if entry.path().extension().is_some_and(|extension| extension == "txt") {
            count += fs::read_to_string(entry.path()).expect("words are text").lines().count();
        }
    }
    println!("cargo::rustc-env=SCHEMA={}", schema.trim());
    println!("cargo::rustc-env=WORDS={count}");
    println!("cargo::rerun-if-changed={}", words.display());
    println!("cargo::rerun-if-changed=../../schema/report.txt");
}
