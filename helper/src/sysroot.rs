//! `longshore-helper sysroot`: the standard library of a device.
//!
//! rustup has one for some devices; for others it is compiled from its source, as `-Zbuild-std` of cargo's does (the Cargo
//! book, "Unstable Features"; `detect_sysroot_src_path` in `core/compiler/standard_lib.rs` says where the source lies), by
//! cargo itself: on a package without any code, whose dependencies are then laid out as rustc expects a sysroot. So the
//! device's own crates need no `-Zbuild-std`, and all of one device share one library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use longshore_helper::spec::Sysroot;

use crate::console::say;
use crate::environment;
use crate::problem::{Doing, Problem, Result};
use crate::runner::{self, Verdict};
use crate::{mtime, slots, tree};

/// Has rustc and cargo take what is unstable (`UnstableFeatures::from_environment` in rustc's crate `rustc_feature`,
/// `channel` in cargo's `core/features.rs`). Their own library is compiled with it (`build_base_args` in cargo's
/// `core/compiler/mod.rs`).
pub(crate) const BOOTSTRAP: &str = "RUSTC_BOOTSTRAP";

/// What of the standard library runs without an operating system.
const CRATES: &str = "core,alloc";

const WORK: &str = "/tmp/longshore-sysroot";

/// The triple that these arguments compile for.
pub(crate) fn target_of(args: &[String]) -> Option<&str> {
    args.iter().skip_while(|arg| *arg != "--target").nth(1).map(String::as_str)
}

/// What to pass as `--sysroot`; `None` where the toolchain's own has a library for `target`.
pub(crate) fn directory(sysroot: &Path, target: &str) -> Option<String> {
    libraries(sysroot, target).is_dir().then(|| sysroot.display().to_string())
}

fn libraries(sysroot: &Path, target: &str) -> PathBuf {
    sysroot.join("lib/rustlib").join(target).join("lib")
}

/// Compiles it, unless the toolchain has it.
pub(crate) fn build(request: &Sysroot) -> Result<Verdict> {
    let output = Path::new(&request.output);
    fs::create_dir_all(output).doing("create", output)?;
    let toolchain = toolchain()?;
    if !archives(&libraries(&toolchain, &request.target)).is_empty() {
        return Ok(Verdict::Passed);
    }
    let target = &request.target;
    let source = toolchain.join("lib/rustlib/src/rust/library");
    let vendored = source.join("vendor");
    if !source.join("core/src/lib.rs").is_file() {
        say!("error: the toolchain image has no standard library for `{target}`, and not its source either");
        say!(
            "help: add one of them to the image: `rustup target add {target}`, where there is one, or `rustup component \
             add rust-src`"
        );
        return Ok(Verdict::Failed);
    }
    let work = Path::new(WORK);
    let write = |name: &str, text: &str| {
        let path = work.join(name);
        fs::create_dir_all(path.parent().unwrap_or(work)).doing("create", work)?;
        fs::write(&path, text).doing("write", &path)
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"nothing\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[profile.release]\npanic = \"abort\"\n\n[workspace]\n",
    )?;
    write("src/lib.rs", "#![no_std]\n")?;
    let mut environment = environment::base();
    for name in runner::NOT_FOR_CHILDREN {
        environment.remove(std::ffi::OsStr::new(name));
    }
    let mut cargo = Command::new("cargo");
    cargo.current_dir(work).env_clear().envs(&environment).stdin(Stdio::null());
    cargo
        .env(BOOTSTRAP, "1")
        .env("CARGO_HOME", work.join("home"))
        .env("CARGO_TARGET_DIR", work.join("target"))
        .env("CARGO_ENCODED_RUSTFLAGS", request.rustflags.join("\u{1f}"));
    cargo.args(["build", "--quiet", "--release", "--offline", "--target", target.as_str()]);
    cargo.arg(format!("-Zbuild-std={CRATES}"));
    if vendored.is_dir() {
        cargo.args(["--config", "source.crates-io.replace-with=\"vendored\""]);
        cargo.arg("--config").arg(format!("source.vendored.directory=\"{}\"", vendored.display()));
    }
    let slot = slots::take(false);
    let status = cargo.status().map_err(|error| Problem::io("start `cargo`", &error))?;
    drop(slot);
    if !status.success() {
        say!("error: the standard library of `{target}` could not be compiled");
        if !vendored.is_dir() {
            say!(
                "help: the image's `rust-src` lacks the packages that the library depends on; a newer one has them"
            );
        }
        return Ok(Verdict::Failed);
    }
    let into = libraries(output, target);
    fs::create_dir_all(&into).doing("create", &into)?;
    for archive in archives(&work.join("target").join(target).join("release/deps")) {
        let name = archive.file_name().unwrap_or_default();
        if name.to_string_lossy().starts_with("libnothing") {
            continue;
        }
        fs::copy(&archive, into.join(name)).doing("copy", &archive)?;
    }
    mtime::normalise(output)?;
    Ok(Verdict::Passed)
}

/// Where the toolchain's own standard libraries lie.
fn toolchain() -> Result<PathBuf> {
    let rustc = runner::rustc_program(&environment::base());
    let asked = Command::new(&rustc).args(["--print", "sysroot"]).output();
    let asked = asked.map_err(|error| Problem::io(format!("start `{}`", rustc.display()), &error))?;
    if !asked.status.success() {
        let said = String::from_utf8_lossy(&asked.stderr).trim().to_owned();
        return Err(Problem::new(format!("rustc does not say where its libraries are: {said}")));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim()))
}

/// The libraries in a directory, sorted; none where there is no such directory.
fn archives(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = tree::names(directory)
        .unwrap_or_default()
        .into_iter()
        .map(|name| directory.join(name))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rlib"))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_of_the_toolchains_own_needs_no_sysroot() {
        let root = tempfile::tempdir().unwrap();
        let args = ["--crate-name", "k", "--target", "nvptx64-nvidia-cuda"].map(str::to_owned);
        assert_eq!(target_of(&args), Some("nvptx64-nvidia-cuda"));
        assert_eq!(target_of(&args[..3]), None);
        assert_eq!(directory(root.path(), "nvptx64-nvidia-cuda"), None);
        fs::create_dir_all(libraries(root.path(), "nvptx64-nvidia-cuda")).unwrap();
        assert_eq!(directory(root.path(), "nvptx64-nvidia-cuda"), Some(root.path().display().to_string()));
    }
}
