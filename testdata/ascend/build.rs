//! A kernel would be compiled for this processor; here the program only says which it is.

fn main() {
    println!("cargo::rerun-if-env-changed=SOC_VERSION");
    let soc = std::env::var("SOC_VERSION").unwrap_or_else(|_| "no processor".to_owned());
    println!("cargo::rustc-env=COMPILED_FOR={soc}");
}
