fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::metadata=include={}/include", std::env::var("CARGO_MANIFEST_DIR").unwrap());
}
