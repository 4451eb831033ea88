fn main() {
    // `DEP_<LINKS>_<KEY>`: only the build scripts of direct dependents get it.
    let version = std::env::var("DEP_METER_VERSION").expect("meter-sys says its version");
    println!("cargo::rustc-env=METER_VERSION={version}");
    println!("cargo::rerun-if-changed=build.rs");
}
