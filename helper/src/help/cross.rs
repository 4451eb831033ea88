//! For a toolchain image that cannot compile for the platform that was asked for.

use longshore_helper::spec::{Spec, Step};

/// For an error that rustc reported: the target's standard library or its linker is not there.
pub(super) fn for_compile_error(message: &str, spec: &Spec) -> Option<String> {
    let target = target(spec)?;
    if ["std", "core"].iter().any(|name| message.starts_with(&format!("can't find crate for `{name}`"))) {
        let linker = args(spec).find_map(|arg| arg.strip_prefix("linker="));
        let tools = linker.and_then(package).into_iter().collect();
        return Some(extend(&format!("has no standard library for `{target}`"), Some(target), tools));
    }
    let linker = message.strip_prefix("linker `")?.strip_suffix("` not found")?;
    package(linker).map(|package| extend(&format!("has no `{linker}`"), None, vec![package]))
}

/// For a build script that failed: the `cc` crate found no compiler for the target.
pub(super) fn for_failed_script(said: &str, spec: &Spec) -> Option<String> {
    let lines = said.lines().map(str::trim);
    // `failed to find tool "NAME"`; before cc 1.2 `Failed to find tool. Is `NAME` installed?`
    let tool = lines
        .filter(|line| line.to_ascii_lowercase().contains("failed to find tool"))
        .find_map(|line| line.split(['"', '`']).find(|word| package(word).is_some()))?;
    // A standard library that is there already is not added again.
    package(tool).map(|package| extend(&format!("has no `{tool}`"), target(spec), vec![package]))
}

/// The triple that the package's vertex compiles for; on the host's side none is given.
fn target(spec: &Spec) -> Option<&str> {
    args(spec).skip_while(|arg| *arg != "--target").nth(1)
}

fn args(spec: &Spec) -> impl Iterator<Item = &str> {
    spec.steps
        .iter()
        .filter_map(|step| match step {
            Step::Rustc(step) => Some(&step.args),
            Step::BuildScript(_) => None,
        })
        .flatten()
        .map(String::as_str)
}

/// Debian's package that has a compiler of the GNU toolchain (`aarch64-linux-gnu-gcc`), or musl's.
fn package(tool: &str) -> Option<String> {
    if tool == "musl-gcc" {
        return Some("musl-tools".to_owned());
    }
    let (prefix, compiler) = tool.rsplit_once('-')?;
    if !prefix.contains("-linux-gnu") || !["gcc", "g++"].contains(&compiler) {
        return None;
    }
    // Names of packages have no underscores: `gcc-x86-64-linux-gnu`.
    Some(format!("{compiler}-{}", prefix.replace('_', "-")))
}

fn extend(lacks: &str, target: Option<&str>, packages: Vec<String>) -> String {
    let mut commands = Vec::new();
    if let Some(target) = target {
        commands.push(format!("rustup target add {target}"));
    }
    if !packages.is_empty() {
        commands.push(format!("apt-get update && apt-get install -y {}", packages.join(" ")));
    }
    format!(
        "the toolchain image {lacks}; build one that has, and name it with `toolchain = \"…\"` or give it to bake as \
         `contexts = {{ \"rust:1.95-bookworm\" = \"target:…\" }}`:\n    FROM rust:1.95-bookworm\n    RUN {}",
        commands.join(" && ")
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use longshore_helper::spec::{Rustc, TargetKind};

    use super::*;

    fn spec(args: &[&str]) -> Spec {
        Spec {
            package: "app 0.1.0".to_owned(),
            member: None,
            output: "/t/app-0.1.0".to_owned(),
            cache: None,
            env: BTreeMap::new(),
            dependencies: Vec::new(),
            report: None,
            unpack: None,
            ledger: None,
            pass_env: Vec::new(),
            yields: Vec::new(),
            secret_env: Vec::new(),
            files: Vec::new(),
            sysroot: None,
            heavy: None,
            steps: vec![Step::Rustc(Rustc {
                name: "app (lib)".to_owned(),
                args: args.iter().map(ToString::to_string).collect(),
                overridden: 0,
                cwd: "/ws".to_owned(),
                env: BTreeMap::new(),
                target: TargetKind::Lib,
                has_lib_beside: false,
                script: None,
                dependency_scripts: Vec::new(),
            })],
        }
    }

    #[test]
    fn a_missing_standard_library_comes_with_the_lines_that_add_it() {
        let cross = ["--target", "aarch64-unknown-linux-gnu", "-C", "linker=aarch64-linux-gnu-gcc"];
        let expected = "the toolchain image has no standard library for `aarch64-unknown-linux-gnu`; build one that \
                        has, and name it with `toolchain = \"…\"` or give it to bake as `contexts = { \
                        \"rust:1.95-bookworm\" = \"target:…\" }`:\n    FROM rust:1.95-bookworm\n    RUN rustup target \
                        add aarch64-unknown-linux-gnu && apt-get update && apt-get install -y gcc-aarch64-linux-gnu";
        for message in ["can't find crate for `std`", "can't find crate for `core`"] {
            assert_eq!(for_compile_error(message, &spec(&cross)).as_deref(), Some(expected));
        }
        let wasm = spec(&["--target", "wasm32-wasip1"]);
        let text = for_compile_error("can't find crate for `std`", &wasm).unwrap();
        assert!(text.ends_with("RUN rustup target add wasm32-wasip1"), "{text}");
    }

    #[test]
    fn other_crates_and_the_hosts_side_have_no_such_remedy() {
        let cross = spec(&["--target", "aarch64-unknown-linux-gnu"]);
        assert_eq!(for_compile_error("can't find crate for `standard`", &cross), None);
        assert_eq!(for_compile_error("linker `my-linker` not found", &cross), None);
        assert_eq!(for_compile_error("can't find crate for `std`", &spec(&[])), None);
    }

    #[test]
    fn missing_compilers_are_named_with_their_package() {
        let cross = spec(&["--target", "x86_64-unknown-linux-gnu"]);
        let linker = for_compile_error("linker `x86_64-linux-gnu-gcc` not found", &cross).unwrap();
        assert!(
            linker.ends_with("RUN apt-get update && apt-get install -y gcc-x86-64-linux-gnu"),
            "{linker}"
        );
        for (said, package) in [
            (
                "\n  error occurred in cc-rs: failed to find tool \"aarch64-linux-gnu-gcc\": No such",
                "gcc-aarch64-linux-gnu",
            ),
            ("Failed to find tool. Is `arm-linux-gnueabihf-g++` installed?", "g++-arm-linux-gnueabihf"),
            ("failed to find tool \"musl-gcc\": No such file or directory (os error 2)", "musl-tools"),
        ] {
            let text = for_failed_script(said, &cross).unwrap();
            assert!(text.ends_with(&format!("-y {package}")), "{text}");
        }
        assert_eq!(for_failed_script("failed to find tool \"protoc\"", &cross), None);
    }
}
