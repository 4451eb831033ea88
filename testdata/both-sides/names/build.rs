fn main() {
    println!("cargo::rustc-env=NAME=ada");
    println!("cargo::rerun-if-changed=build.rs");
}
