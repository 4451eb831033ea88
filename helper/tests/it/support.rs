//! Starts the helper as a vertex would: with a request, and with nothing else from this process's environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use longshore_helper::spec::{Bundle, Spec};
use longshore_helper::wire::{self, REQUEST_ENV_PREFIX};
use serde::Serialize;

/// The helper with `request` and a clean environment.
pub(crate) fn helper(command: &str, request: &impl Serialize) -> Command {
    let mut helper = Command::new(env!("CARGO_BIN_EXE_longshore-helper"));
    helper.arg(command).env_clear().env("PATH", path()).env("LONGSHORE_SLOTS_DIR", "/nonexistent");
    let json = serde_json::to_string(request).unwrap();
    for (index, piece) in wire::encode(&json).into_iter().enumerate() {
        helper.env(format!("{REQUEST_ENV_PREFIX}{index}"), piece);
    }
    helper
}

/// Builds `spec` and gives back whether it passed, and what there was on stderr: less the last line, with which every
/// build that passes says how long it took.
pub(crate) fn build(spec: &Spec) -> (bool, String) {
    let (passed, mut stderr) = finished(helper("build", &alone(spec)).output().unwrap());
    let last = stderr.lines().last().unwrap_or_default();
    let is_time = last.starts_with(&format!("longshore: {} took ", spec.package));
    assert_eq!(is_time, passed, "{stderr}");
    if is_time {
        stderr.truncate(stderr.len() - last.len() - 1);
    }
    (passed, stderr)
}

/// The vertex of a package that has one to itself.
pub(crate) fn alone(spec: &Spec) -> Bundle {
    Bundle { output: spec.output.clone(), packages: vec![spec.clone()] }
}

pub(crate) fn finished(output: Output) -> (bool, String) {
    let stderr = String::from_utf8(output.stderr).unwrap();
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 1)), "{code:?}: {stderr}");
    (code == Some(0), stderr)
}

/// Where the toolchain's programs really are: the tests' `PATH` may lead to rustup's proxies.
pub(crate) fn toolchain() -> &'static Path {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    BIN.get_or_init(|| {
        let output = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap();
        let sysroot = String::from_utf8(output.stdout).unwrap();
        Path::new(sysroot.trim()).join("bin")
    })
}

pub(crate) fn path() -> OsString {
    let mut path = OsString::from(toolchain());
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    path
}

/// A spec without steps for a member in `/ws/crates/app`.
pub(crate) fn spec(root: &Path) -> Spec {
    Spec {
        report: None,
        unpack: None,
        ledger: None,
        pass_env: Vec::new(),
        yields: Vec::new(),
        secret_env: Vec::new(),
        files: Vec::new(),
        sysroot: None,
        heavy: None,
        package: "app 0.1.0".to_owned(),
        member: Some(longshore_helper::spec::Member {
            directory: "crates/app".to_owned(),
            workspace: text(&root.join("ws")),
        }),
        output: text(&root.join("t/app-0.1.0")),
        cache: None,
        env: std::collections::BTreeMap::new(),
        dependencies: Vec::new(),
        steps: Vec::new(),
    }
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub(crate) fn write(path: &Path, contents: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, contents).unwrap();
}

/// A build script that is a shell script: what matters to the helper is what a script prints.
pub(crate) fn write_program(path: &Path, shell: &str) {
    use std::os::unix::fs::PermissionsExt;
    write(path, &format!("#!/bin/sh\n{shell}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
