//! Compiles C without any crate's help.

use std::env;
use std::fs;
use std::process::Command;

fn run(program: &str, args: &[&str]) {
    assert!(Command::new(program).args(args).status().unwrap().success(), "{program} {args:?}");
}

fn main() {
    let out = env::var("OUT_DIR").unwrap();
    // Not what one should do, and cargo lets scripts do it.
    fs::write("beside.txt", "written by a script").unwrap();
    run("cc", &["-c", "-fPIC", "answer.c", "-o", &format!("{out}/answer.o")]);
    run("ar", &["crsD", &format!("{out}/libanswer.a"), &format!("{out}/answer.o")]);
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static:-bundle=answer");
    println!("cargo:old-style=old");
    println!("cargo::metadata=new_style=new");
}
