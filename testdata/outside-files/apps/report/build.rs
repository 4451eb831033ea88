use std::path::Path;
use std::{env, fs};

fn main() {
    let schema = fs::read_to_string("../../schema/report.txt").expect("the schema is there");
    // The directory before a path, or what cargo is told of it, may stand in the same literal.
    let manifest_dir = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let units =
        fs::read_to_string(format!("{manifest_dir}/../../schema/units.txt")).expect("the units are there");
    let places = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/places.txt"));
    let places = places.expect("the places are there");
    // No literal leads there, so the manifest declares these with `inputs`.
    let words = Path::new(&manifest_dir)
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
    // What the linker is told is relative to the workspace, where cargo runs rustc.
    println!("cargo::rustc-link-arg-bins=-Wl,--dynamic-list=link/report.list");
    println!("cargo::rustc-env=SCHEMA={}", schema.trim());
    println!("cargo::rustc-env=WORDS={count}");
    println!("cargo::rustc-env=UNITS={} with {} places", units.trim(), places.trim());
    println!("cargo::rerun-if-changed={}", words.display());
    println!("cargo::rerun-if-changed=../../schema/units.txt");
    println!("cargo::rerun-if-changed=../../schema/report.txt");
}
