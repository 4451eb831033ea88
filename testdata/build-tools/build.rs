//! Has every tool make something.

use std::{env, path::PathBuf};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    prost_build::compile_protos(&["proto/cargo.proto"], &["proto"]).expect("protoc compiles the schema");

    let built = cmake::Config::new("native").build();
    println!("cargo::rustc-link-search=native={}", built.join("lib").display());
    println!("cargo::rustc-link-lib=static=tonnage");

    println!("cargo::rerun-if-changed=native");
    let bindings = bindgen::Builder::default().header("native/tonnage.h").allowlist_function("tonnage");
    let bindings = bindings.generate().expect("libclang reads the header");
    bindings.write_to_file(out.join("tonnage.rs")).expect("OUT_DIR can be written");
}
