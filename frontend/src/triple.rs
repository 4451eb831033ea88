//! Platforms to Rust's target triples. Pure.
//!
//! The triples are those of <https://doc.rust-lang.org/rustc/platform-support.html>; every one has a standard library to
//! install, so that nothing but its own code is compiled for it.

use buildkit_llb::Platform;

use crate::diagnostic::{Code, Diagnostic};

/// The triple that rustc calls a platform's target: on Linux the dynamically linked glibc one.
///
/// # Errors
/// There is none, or none that is supported.
pub fn of(platform: &Platform) -> Result<&'static str, Diagnostic> {
    match (platform.os(), platform.architecture(), platform.variant()) {
        ("linux", "amd64", "" | "v2" | "v3" | "v4") => Ok("x86_64-unknown-linux-gnu"),
        ("linux", "arm64", _) => Ok("aarch64-unknown-linux-gnu"),
        ("linux", "arm", "v7" | "v8") => Ok("armv7-unknown-linux-gnueabihf"),
        ("linux", "arm", "v6") => Ok("arm-unknown-linux-gnueabihf"),
        ("linux", "386", _) => Ok("i686-unknown-linux-gnu"),
        ("linux", "riscv64", _) => Ok("riscv64gc-unknown-linux-gnu"),
        ("linux", "ppc64le", _) => Ok("powerpc64le-unknown-linux-gnu"),
        ("linux", "s390x", _) => Ok("s390x-unknown-linux-gnu"),
        ("linux", "loong64", _) => Ok("loongarch64-unknown-linux-gnu"),
        ("wasi" | "wasip1", "wasm" | "wasm32", _) => Ok("wasm32-wasip1"),
        _ => {
            Err(Diagnostic::error(Code::UnsupportedOption, format!("platform `{platform}` is not supported"))
                .help(
                    "build for `linux/amd64` (or `/v2` to `/v4`), `linux/arm64`, `linux/arm/v7`, `linux/arm/v6`, \
                     `linux/386`, `linux/riscv64`, `linux/ppc64le`, `linux/s390x`, `linux/loong64` or `wasi/wasm`",
                ))
        }
    }
}

/// The triple that is compiled for a platform: the first of `wanted` that runs there; with none wanted, [`of`] it.
///
/// # Errors
/// Nothing that is wanted runs there, or the platform has no triple. Where the wish stands is for the caller to add.
pub fn chosen(platform: &Platform, wanted: &[String]) -> Result<String, Diagnostic> {
    let usual = of(platform)?;
    if wanted.is_empty() {
        return Ok(usual.to_owned());
    }
    if let Some(triple) = wanted.iter().find(|triple| runs_on(triple, platform)) {
        return Ok(triple.clone());
    }
    let names: Vec<String> = wanted.iter().map(|triple| format!("`{triple}`")).collect();
    let message = match names.as_slice() {
        [one] => format!("a program for {one} does not run on `{platform}`"),
        several => format!("programs for none of {} run on `{platform}`", several.join(", ")),
    };
    let mut fitting = vec![format!("`{usual}`")];
    if platform.os() == "linux" {
        fitting.push(format!("`{}`", usual.replace("-gnu", "-musl")));
    }
    Err(Diagnostic::error(Code::InvalidValue, message)
        .help(format!("for `{platform}` write {}, or choose another `--platform`", fitting.join(" or "))))
}

/// Whether programs for `triple` run on `platform`, as far as their names tell.
fn runs_on(triple: &str, platform: &Platform) -> bool {
    let (architecture, rest) = triple.split_once('-').unwrap_or((triple, ""));
    // Parts of a triple may be left out (`wasm32-wasip1`), so the system is found by its name.
    let systems = match platform.os() {
        "linux" => ["linux"].as_slice(),
        _ => ["wasi", "wasip1"].as_slice(),
    };
    if !rest.split('-').any(|part| systems.contains(&part)) {
        return false;
    }
    match (platform.architecture(), platform.variant()) {
        ("amd64", _) => architecture == "x86_64",
        ("arm64", _) => architecture == "aarch64",
        ("arm", "v6") => ["arm", "armv5te"].contains(&architecture),
        ("arm", _) => ["armv7", "thumbv7neon", "arm", "armv5te"].contains(&architecture),
        ("386", _) => ["i586", "i686"].contains(&architecture),
        ("riscv64", _) => architecture.starts_with("riscv64"),
        ("ppc64le", _) => architecture == "powerpc64le",
        ("s390x", _) => architecture == "s390x",
        ("loong64", _) => architecture == "loongarch64",
        ("wasm" | "wasm32", _) => architecture == "wasm32",
        _ => false,
    }
}

/// The `-C target-cpu` that a platform's variant stands for: the x86-64 levels, which rustc names as they are named.
///
/// What it makes of ARM's variants is in the triple.
pub fn cpu(platform: &Platform) -> Option<&'static str> {
    match (platform.architecture(), platform.variant()) {
        ("amd64", "v2") => Some("x86-64-v2"),
        ("amd64", "v3") => Some("x86-64-v3"),
        ("amd64", "v4") => Some("x86-64-v4"),
        _ => None,
    }
}

/// Whether programs for `triple` need neither loader nor C library at run time unless flags say otherwise.
///
/// rustc's musl targets link statically by default (<https://doc.rust-lang.org/reference/linkage.html>).
pub fn is_static(triple: &str) -> bool {
    triple.contains("-musl") || triple.starts_with("wasm")
}

/// What rustc puts after the name of a program.
pub fn executable_suffix(triple: &str) -> &'static str {
    if triple.starts_with("wasm") { ".wasm" } else { "" }
}

/// What rustc calls a `cdylib` or `staticlib` of this name for `triple`: `libengine.so`, `engine.wasm`, `kernels.ptx`.
pub fn library(triple: Option<&str>, crate_type: &str, name: &str) -> String {
    let architecture = triple.and_then(|triple| triple.split('-').next()).unwrap_or_default();
    match (crate_type, architecture) {
        ("staticlib", _) => format!("lib{name}.a"),
        (_, "wasm32" | "wasm64") => format!("{name}.wasm"),
        (_, "nvptx64") => format!("{name}.ptx"),
        (_, "amdgcn") => format!("{name}.elf"),
        _ => format!("lib{name}.so"),
    }
}

/// What Debian's cross compilers for `triple` put before their names, as in `aarch64-linux-gnu-gcc`; the same compilers
/// link programs for musl, which brings what differs. `None` where Debian has no such compiler.
pub fn tool_prefix(triple: &str) -> Option<&'static str> {
    let (architecture, rest) = triple.split_once('-')?;
    if !rest.contains("linux-") {
        return None;
    }
    match architecture {
        "x86_64" => Some("x86_64-linux-gnu"),
        "aarch64" => Some("aarch64-linux-gnu"),
        "arm" | "armv5te" | "armv7" | "thumbv7neon" if rest.ends_with("hf") => Some("arm-linux-gnueabihf"),
        "arm" | "armv5te" | "armv7" => Some("arm-linux-gnueabi"),
        "i586" | "i686" => Some("i686-linux-gnu"),
        "riscv64gc" | "riscv64a23" => Some("riscv64-linux-gnu"),
        "powerpc64le" => Some("powerpc64le-linux-gnu"),
        "s390x" => Some("s390x-linux-gnu"),
        "loongarch64" => Some("loongarch64-linux-gnu"),
        _ => None,
    }
}

/// The directory below `/usr/lib` in which Debian installs libraries for `triple`; `None` where it has none, musl's
/// targets among them.
pub fn multiarch(triple: &str) -> Option<&'static str> {
    match tool_prefix(triple)? {
        _ if triple.contains("-musl") => None,
        // Debian names these libraries after the oldest processor, and the compiler after the one it compiles for.
        "i686-linux-gnu" => Some("i386-linux-gnu"),
        prefix => Some(prefix),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn platform(text: &str) -> Platform {
        Platform::parse(text).unwrap()
    }

    #[test]
    fn every_platform_has_its_triple_and_tools() {
        let text: String = [
            "linux/amd64",
            "linux/amd64/v3",
            "linux/arm64",
            "linux/arm64/v9",
            "linux/arm",
            "linux/arm/v6",
            "linux/386",
            "linux/riscv64",
            "linux/ppc64le",
            "linux/s390x",
            "linux/loong64",
            "wasi/wasm",
            "wasip1/wasm",
        ]
        .map(|name| {
            let triple = of(&platform(name)).unwrap();
            assert!(runs_on(triple, &platform(name)), "{name}");
            let or_none = |word: Option<&'static str>| word.unwrap_or("-");
            format!(
                "{name}: {triple} {} {} {}\n",
                or_none(cpu(&platform(name))),
                or_none(tool_prefix(triple)),
                or_none(multiarch(triple))
            )
        })
        .concat();
        expect![[r#"
            linux/amd64: x86_64-unknown-linux-gnu - x86_64-linux-gnu x86_64-linux-gnu
            linux/amd64/v3: x86_64-unknown-linux-gnu x86-64-v3 x86_64-linux-gnu x86_64-linux-gnu
            linux/arm64: aarch64-unknown-linux-gnu - aarch64-linux-gnu aarch64-linux-gnu
            linux/arm64/v9: aarch64-unknown-linux-gnu - aarch64-linux-gnu aarch64-linux-gnu
            linux/arm: armv7-unknown-linux-gnueabihf - arm-linux-gnueabihf arm-linux-gnueabihf
            linux/arm/v6: arm-unknown-linux-gnueabihf - arm-linux-gnueabihf arm-linux-gnueabihf
            linux/386: i686-unknown-linux-gnu - i686-linux-gnu i386-linux-gnu
            linux/riscv64: riscv64gc-unknown-linux-gnu - riscv64-linux-gnu riscv64-linux-gnu
            linux/ppc64le: powerpc64le-unknown-linux-gnu - powerpc64le-linux-gnu powerpc64le-linux-gnu
            linux/s390x: s390x-unknown-linux-gnu - s390x-linux-gnu s390x-linux-gnu
            linux/loong64: loongarch64-unknown-linux-gnu - loongarch64-linux-gnu loongarch64-linux-gnu
            wasi/wasm: wasm32-wasip1 - - -
            wasip1/wasm: wasm32-wasip1 - - -
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn other_platforms_are_refused() {
        for name in ["windows/amd64", "darwin/arm64", "linux/mips64le", "linux/amd64/v9"] {
            let refused = of(&platform(name)).unwrap_err();
            assert_eq!(refused.code, Code::UnsupportedOption, "{name}");
            assert!(refused.message.contains(name), "{name}");
        }
    }

    #[test]
    fn of_several_triples_the_one_that_runs_there_is_chosen() {
        let wanted = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"].map(str::to_owned);
        for (name, triple) in [("linux/amd64/v2", &wanted[0]), ("linux/arm64", &wanted[1])] {
            assert_eq!(&chosen(&platform(name), &wanted).unwrap(), triple);
        }
        assert_eq!(chosen(&platform("linux/arm"), &[]).unwrap(), "armv7-unknown-linux-gnueabihf");
        let old = ["arm-unknown-linux-musleabihf".to_owned()];
        assert_eq!(
            chosen(&platform("linux/arm/v7"), &old).unwrap(),
            old[0],
            "newer processors run older code"
        );
    }

    #[test]
    fn a_triple_of_another_platform_is_refused_with_those_that_fit() {
        let refused = |name: &str, wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            let refused = chosen(&platform(name), &wanted).unwrap_err();
            assert_eq!(refused.code, Code::InvalidValue);
            refused.to_string()
        };
        let text = [
            refused("linux/arm64", &["x86_64-unknown-linux-musl"]),
            refused("linux/arm/v6", &["armv7-unknown-linux-gnueabihf", "x86_64-unknown-linux-gnu"]),
            refused("linux/amd64", &["x86_64-pc-windows-gnu"]),
            refused("wasi/wasm", &["wasm32-unknown-unknown"]),
        ]
        .join("\n");
        expect![[r#"
            a program for `x86_64-unknown-linux-musl` does not run on `linux/arm64`
            help: for `linux/arm64` write `aarch64-unknown-linux-gnu` or `aarch64-unknown-linux-musl`, or choose another `--platform`
            programs for none of `armv7-unknown-linux-gnueabihf`, `x86_64-unknown-linux-gnu` run on `linux/arm/v6`
            help: for `linux/arm/v6` write `arm-unknown-linux-gnueabihf` or `arm-unknown-linux-musleabihf`, or choose another `--platform`
            a program for `x86_64-pc-windows-gnu` does not run on `linux/amd64`
            help: for `linux/amd64` write `x86_64-unknown-linux-gnu` or `x86_64-unknown-linux-musl`, or choose another `--platform`
            a program for `wasm32-unknown-unknown` does not run on `wasi/wasm`
            help: for `wasi/wasm` write `wasm32-wasip1`, or choose another `--platform`"#]]
        .assert_eq(&text);
    }

    #[test]
    fn musl_and_wasm_need_no_libraries_of_the_image() {
        assert!(is_static("x86_64-unknown-linux-musl") && is_static("wasm32-wasip1"));
        assert!(!is_static("x86_64-unknown-linux-gnu"));
        assert_eq!(executable_suffix("wasm32-wasip1"), ".wasm");
        assert_eq!(multiarch("aarch64-unknown-linux-musl"), None);
        assert_eq!(tool_prefix("aarch64-unknown-linux-musl"), Some("aarch64-linux-gnu"));
    }
}
