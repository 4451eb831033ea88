//! Says one of everything that a build script can say to cargo.

use std::env;
use std::fs;
use std::path::Path;

fn main() {
    let out = env::var("OUT_DIR").unwrap();
    fs::write(Path::new(&out).join("generated.rs"), "pub const GENERATED: &str = \"generated\";").unwrap();
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=GREETING");
    println!("cargo::rustc-env=FROM_SCRIPT=a value = with signs");
    println!("cargo:rustc-cfg=of_the_script");
    println!("cargo::rustc-check-cfg=cfg(of_the_script, values(none(), \"x\"))");
    println!("cargo::rustc-link-arg=-Wl,--hash-style=gnu");
    println!("cargo::rustc-link-arg-bins=-Wl,-z,now");
    println!("cargo::rustc-link-arg-bin=flags-app=-Wl,-z,relro");
    println!("cargo:rustc-flags=-L /usr/lib -l dylib=m");
    println!("cargo::warning=said by a script");
    // Metadata of dependencies, in both syntaxes, and of one whose script the configuration replaces.
    for (name, value) in [
        ("DEP_ANSWER_OLD_STYLE", "old"),
        ("DEP_ANSWER_NEW_STYLE", "new"),
        ("GREETING", "hello"),
        ("EMPTY", ""),
        ("OTEL_SERVICE_NAME", "mine"),
        ("CARGO_PKG_HOMEPAGE", "https://example.org"),
        ("PROFILE", "release"),
        ("OPT_LEVEL", "1"),
        ("DEBUG", "true"),
    ] {
        assert_eq!(env::var(name).as_deref(), Ok(value), "{name}");
    }
    assert!(Path::new(&env::var("HERE").unwrap()).is_absolute());
    assert!(env::var("RUSTC_LINKER").unwrap().ends_with("tools/our-gcc"));
    assert_eq!(env::var("CARGO_ENCODED_RUSTFLAGS").unwrap().split('\x1f').count(), 4);
}
