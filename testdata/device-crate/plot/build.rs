//! Device code in the form that it is embedded in: one file for each architecture.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

fn main() {
    let mut list = String::from("&[\n");
    // One architecture has no name after the variable's.
    let given = env::vars().filter(|(name, _)| name.starts_with("CARGO_CDYLIB_FILE_KERNELS"));
    let given: Vec<_> = if env::var_os("CARGO_FEATURE_GPU").is_some() { given.collect() } else { Vec::new() };
    for (name, path) in given {
        println!("cargo::rerun-if-env-changed={name}");
        println!("cargo::rerun-if-changed={path}");
        writeln!(list, "    include_bytes!({path:?}),").unwrap();
    }
    list.push(']');
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("device_code.rs"), list).unwrap();
}
