//! Formats what it generates, and tells the program which toolchain it saw.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    let generated = Path::new(&env::var_os("OUT_DIR").unwrap()).join("generated.rs");
    fs::write(&generated, "pub const ANSWER:u32=42;").unwrap();
    let formatted = Command::new("rustfmt").arg(&generated).status();
    assert!(formatted.is_ok_and(|status| status.success()), "rustfmt is not there");
    println!("cargo:rustc-env=TOOLCHAIN={}", env::var("RUSTUP_TOOLCHAIN").unwrap_or_default());
    println!("cargo:rerun-if-changed=build.rs");
}
