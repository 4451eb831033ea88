//! Tells the program which features the script has.

fn main() {
    println!("cargo:rustc-env=SCRIPT_FEATURES={}", common::features());
    println!("cargo:rerun-if-changed=build.rs");
}
