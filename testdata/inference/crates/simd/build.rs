//! Compiles the kernel and links it.

fn main() {
    println!("cargo::rerun-if-changed=src/dot.c");
    // No C library for it is at hand; the crate does without.
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        return;
    }
    cc::Build::new()
        .file("src/dot.c")
        .std("c99")
        // A fused multiply-add rounds once where two instructions round twice, so that answers
        // would differ between processors.
        .flag("-ffp-contract=off")
        .warnings_into_errors(true)
        .compile("dot");
}
