//! Compiles the layer for every topology that the environment names, with the compiler in libtpu, and writes a table of
//! the results for the program to embed.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/layer.mlir");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let mut table = String::from("&[\n");
    for (at, (topology, executable)) in executables().into_iter().enumerate() {
        let file = out.join(format!("{at}.tpu"));
        fs::write(&file, executable).unwrap();
        table += &format!("    ({topology:?}, include_bytes!({file:?})),\n");
    }
    fs::write(out.join("executables.rs"), table + "]\n").unwrap();
}

#[cfg(not(feature = "tpu"))]
fn executables() -> Vec<(String, Vec<u8>)> {
    Vec::new()
}

#[cfg(feature = "tpu")]
fn executables() -> Vec<(String, Vec<u8>)> {
    use pjrt::{CompileOptions, Program, ProgramFormat};

    let api = pjrt::plugin(wanted("TPU_LIBRARY_PATH")).load().expect("libtpu does not load");
    let layer = Program::new(ProgramFormat::MLIR, fs::read("src/layer.mlir").unwrap());
    let topologies = wanted("LONGSHORE_TPU_TOPOLOGIES");
    let compile = |name: &str| {
        let topology =
            api.create_topology(name, vec![]).unwrap_or_else(|error| panic!("no topology `{name}`: {error}"));
        let executable = api
            .compile(&layer, &topology, CompileOptions::new(), None)
            .unwrap_or_else(|error| panic!("not compiled for `{name}`: {error}"));
        (name.to_owned(), executable.serialize().bytes().to_vec())
    };
    topologies.split(',').map(compile).collect()
}

#[cfg(feature = "tpu")]
fn wanted(name: &str) -> String {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}
