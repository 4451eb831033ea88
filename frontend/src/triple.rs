//! Platforms to Rust's target triples. Pure.

use buildkit_llb::Platform;

use crate::diagnostic::{Code, Diagnostic};

/// The triple that rustc calls a platform's dynamically linked glibc target.
///
/// # Errors
/// There is none, or none that is supported.
pub fn of(platform: &Platform) -> Result<&'static str, Diagnostic> {
    match (platform.os(), platform.architecture(), platform.variant()) {
        ("linux", "amd64", "") => Ok("x86_64-unknown-linux-gnu"),
        ("linux", "arm64", _) => Ok("aarch64-unknown-linux-gnu"),
        _ => {
            Err(Diagnostic::error(Code::UnsupportedOption, format!("platform `{platform}` is not supported"))
                .help("build for `linux/amd64` or `linux/arm64`"))
        }
    }
}
