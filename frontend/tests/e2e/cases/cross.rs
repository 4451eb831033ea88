//! Platforms other than the builder's: compiled here, run by an emulator or a runtime of their own.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    Result,
    build::{Build, Order},
    engine::{Container, Engine, Output},
    note,
    project::{Project, testdata},
};

/// Has the standard libraries, the linkers, and what runs programs of other platforms.
pub(super) const TOOLCHAIN: &str = "longshore/rust-cross:debian";

/// For amd64 and arm64.
pub(super) const BASE: &str = "longshore/base-cross:debian";

/// A build on the cross toolchain, whose filesystems go to a directory.
fn build(project: &Path, platforms: &str, to: &Path, more: &[&str]) -> Result<Build> {
    let toolchain = format!("rust:1.95-bookworm=docker-image://{TOOLCHAIN}");
    let base = format!("debian:bookworm-slim=docker-image://{BASE}");
    let output = format!("type=local,dest={}", to.display());
    Order::build(&Engine::of_environment(), project, "cross")
        .args(["--platform", platforms, "--output", &output])
        .args(["--build-context", &toolchain, "--build-context", &base])
        .args(more.iter().copied())
        .must()
}

/// A container of the toolchain, with a directory of the host's at `/root/it`.
fn beside(directory: &Path) -> Result<Container> {
    let container = Engine::of_environment().start(&[], TOOLCHAIN, &["sleep", "600"])?;
    container.copy_in(directory, "/root/it")?;
    Ok(container)
}

fn says(output: &Output) -> &str {
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    output.stdout.trim_end()
}

/// What `readelf` says of a program: its machine, and whether a loader has to start it.
fn elf(container: &Container, program: &str) -> Result<(String, bool)> {
    let header = container.exec(&[], &["readelf", "--file-header", "--program-headers", program])?;
    let text = says(&header);
    let machine = text.lines().find_map(|line| line.trim().strip_prefix("Machine:"));
    Ok((machine.unwrap_or_default().trim().to_owned(), text.contains("INTERP")))
}

/// Macros and build scripts run here and are compiled once; what is for a platform has its name.
pub(crate) fn two_platforms_share_what_runs_here() -> Result {
    let project = Project::of_testdata("cross")?;
    let to = tempfile::tempdir()?;
    // Of this project nothing may be cached, or nothing would be said about what runs.
    let built = build(project.path(), "linux/amd64,linux/arm64", to.path(), &["--no-cache"])?;
    built.assert_nothing_twice();
    let ran: BTreeSet<&str> = built.progress.compiled().into_keys().collect();
    for expected in [
        "[crate] cc 1.",
        "[member] words 0.1.0 (host)",
        "[linux/amd64 crate] libz-sys 1.",
        "[linux/arm64 crate] libz-sys 1.",
        r#"[linux/amd64 member] cross 0.1.0 (bin "cross")"#,
        r#"[linux/arm64 member] cross 0.1.0 (bin "cross")"#,
    ] {
        assert!(ran.iter().any(|name| name.starts_with(expected)), "no `{expected}`: {ran:#?}");
    }
    let container = beside(to.path())?;
    let program = "/root/it/linux_arm64/usr/local/bin/cross";
    assert_eq!(elf(&container, program)?, ("AArch64".to_owned(), true));
    let said = container.exec(&[], &["qemu-aarch64", "-L", "/root/it/linux_arm64", program])?;
    assert!(says(&said).starts_with("ACROSS, aarch64: zlib 1.3"), "{}", said.stdout);
    let program = "/root/it/linux_amd64/usr/local/bin/cross";
    assert_eq!(elf(&container, program)?, ("Advanced Micro Devices X86-64".to_owned(), true));
    let said = container.exec(&[], &["chroot", "/root/it/linux_amd64", "/usr/local/bin/cross"])?;
    assert!(says(&said).starts_with("ACROSS, x86_64: zlib 1.3"), "{}", said.stdout);
    Ok(())
}

/// One name for both, each with a configuration of its own.
pub(crate) fn an_index_has_an_image_for_each() -> Result {
    let to = tempfile::tempdir()?;
    let output = format!("type=oci,tar=false,dest={}", to.path().display());
    build(
        &testdata("cross"),
        "linux/amd64,linux/arm64",
        to.path(),
        &["--provenance=false", "--output", &output],
    )?;
    let read = |path: &str| -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&fs::read(to.path().join(path))?)?)
    };
    let blob = |digest: &serde_json::Value| {
        read(&format!("blobs/{}", digest.as_str().unwrap_or_default().replace(':', "/")))
    };
    let index = blob(&read("index.json")?["manifests"][0]["digest"])?;
    let manifests = index["manifests"].as_array().ok_or("no manifests")?;
    let platforms: Vec<String> = manifests
        .iter()
        .map(|manifest| {
            let config = blob(&blob(&manifest["digest"])?["config"]["digest"])?;
            assert_eq!(config["architecture"], manifest["platform"]["architecture"]);
            Ok(format!("{}/{}", config["os"], config["architecture"]).replace('"', ""))
        })
        .collect::<Result<_>>()?;
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    Ok(())
}

/// On nothing at all, and with no loader in it.
pub(crate) fn static_programs_for_another_platform() -> Result {
    let to = tempfile::tempdir()?;
    let flags = "RUSTFLAGS=-C target-feature=+crt-static";
    build(&testdata("cross"), "linux/arm64", to.path(), &["--build-arg", flags])?;
    assert!(!to.path().join("lib").exists() && !to.path().join("usr/lib").exists(), "it has no base");
    let container = beside(to.path())?;
    let program = "/root/it/usr/local/bin/cross";
    assert_eq!(elf(&container, program)?, ("AArch64".to_owned(), false));
    let said = container.exec(&[], &["qemu-aarch64", program])?;
    assert!(says(&said).starts_with("ACROSS, aarch64: zlib 1.3"), "{}", said.stdout);
    Ok(())
}

/// For musl: static without a flag, with C that was compiled for it, on nothing at all.
pub(crate) fn static_for_musl() -> Result {
    let project = Project::of_testdata("cross")?;
    let target = "\n[workspace.metadata.longshore]\ntarget = [\"x86_64-unknown-linux-musl\"]\n";
    project.append("Cargo.toml", target)?;
    let to = tempfile::tempdir()?;
    let output = format!("type=local,dest={}", to.path().display());
    Order::build(&Engine::of_environment(), project.path(), "cross")
        .args(["--output", &output])
        .args(["--build-context", "rust:1.95-bookworm=docker-image://longshore/rust-musl:debian"])
        .must()?;
    assert!(!to.path().join("lib").exists() && !to.path().join("usr/lib").exists(), "it has no base");
    let container = beside(to.path())?;
    let program = "/root/it/usr/local/bin/cross";
    assert_eq!(elf(&container, program)?, ("Advanced Micro Devices X86-64".to_owned(), false));
    let said = container.exec(&[], &[program])?;
    assert!(says(&said).starts_with("ACROSS, x86_64: zlib 1.3"), "{}", said.stdout);
    // glibc's name is in everything that is linked with it.
    let found = container.exec(&[], &["grep", "-c", "GNU C Library", program])?;
    assert_eq!(found.stdout.trim(), "0");
    Ok(())
}

/// `linux/amd64/v3` lets the compiler use what such processors have.
pub(crate) fn a_level_of_the_processor() -> Result {
    build(&testdata("cross"), "linux/amd64", tempfile::tempdir()?.path(), &[])?;
    let to = tempfile::tempdir()?;
    let built = build(&testdata("cross"), "linux/amd64/v3", to.path(), &[])?;
    // What runs on the builder is compiled for any processor, and was.
    let compiled = built.progress.compiled();
    assert!(!compiled.keys().any(|name| name.contains("(host)")), "{compiled:#?}");
    if !fs::read_to_string("/proc/cpuinfo")?.contains(" avx2") {
        note!("this processor has no AVX2: the program is not run");
        return Ok(());
    }
    let container = beside(to.path())?;
    let said = container.exec(&[], &["chroot", "/root/it", "/usr/local/bin/cross"])?;
    assert!(says(&said).starts_with("ACROSS, x86_64 with AVX2: zlib 1.3"), "{}", said.stdout);
    Ok(())
}

/// A module, run by Node's WASI.
pub(crate) fn web_assembly() -> Result {
    let to = tempfile::tempdir()?;
    build(&testdata("hello"), "wasi/wasm", to.path(), &[])?;
    let runner = r"
        const { readFileSync } = require('node:fs');
        const { WASI } = require('node:wasi');
        const wasi = new WASI({ version: 'preview1', args: ['hello', 'Grace'], returnOnExit: true });
        WebAssembly.instantiate(readFileSync('/root/it/usr/local/bin/hello.wasm'), wasi.getImportObject())
            .then(({ instance }) => process.exit(wasi.start(instance)));
    ";
    let container = beside(to.path())?;
    let said = container.exec(&[], &["node", "--no-warnings", "-e", runner])?;
    assert_eq!(says(&said), "Hello, Grace! This is hello 0.1.0.");
    Ok(())
}
