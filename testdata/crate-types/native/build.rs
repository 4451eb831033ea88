//! Makes a shared library, which whatever is linked with it needs when it runs: a build script, or rustc with a macro.

use std::env;
use std::fs;
use std::process::Command;

fn main() {
    let out = env::var("OUT_DIR").unwrap();
    fs::write(format!("{out}/native.c"), "int native_answer(void) { return 42; }\n").unwrap();
    let library = format!("{out}/libnative.so");
    let args = ["-shared", "-fPIC", "-o", &library, &format!("{out}/native.c")];
    assert!(Command::new("cc").args(args).status().unwrap().success());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=dylib=native");
}
