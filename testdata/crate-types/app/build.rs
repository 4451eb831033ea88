//! Tells the program which features the script has, and what a shared library says while it runs. What is no program is linked
//! in another way.

fn main() {
    println!("cargo:rustc-env=SCRIPT_FEATURES={}", common::features());
    println!("cargo:rustc-env=SCRIPT_ANSWER={}", native::answer());
    for kind in ["tests", "benches"] {
        println!("cargo:rustc-link-arg-{kind}=-Wl,--no-such-option");
    }
    println!("cargo:rustc-link-arg-examples=-Wl,--defsym=of_examples=1");
    println!("cargo:rerun-if-changed=build.rs");
}
