//! Compiles the shader for the version that the environment names.

use std::env;
use std::fs;
use std::path::Path;

use naga::back::spv;
use naga::front::wgsl;
use naga::valid::{Capabilities, ValidationFlags, Validator};

fn main() {
    println!("cargo::rerun-if-changed=src/scale.wgsl");
    println!("cargo::rerun-if-env-changed=SPIRV_VERSION");
    let out = Path::new(&env::var_os("OUT_DIR").unwrap()).join("scale.spv");
    // `spv1.3`; without a GPU there is nothing to compile for.
    let Ok(version) = env::var("SPIRV_VERSION") else { return fs::write(out, []).unwrap() };
    let minor: u8 = version.strip_prefix("spv1.").and_then(|minor| minor.parse().ok()).expect("a version");
    let module = wgsl::parse_str(include_str!("src/scale.wgsl")).unwrap();
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module).unwrap();
    let options = spv::Options { lang_version: (1, minor), ..Default::default() };
    let words = spv::write_vec(&module, &info, &options, None).unwrap();
    let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    fs::write(out, bytes).unwrap();
}
