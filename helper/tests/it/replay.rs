//! Builds what was recorded, and compares each call of rustc with the one that cargo makes itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use longshore_helper::recording::{Call, CallKind, Recording};
use longshore_helper::spec::{BuildScript, LinkArgTarget, Rustc, Spec, Step, TargetKind};

use crate::support::{alone, finished, helper, path, text, toolchain, write_program};
use crate::workspace::{PRINTED, Workspace};

const BUILD: [&str; 3] = ["build", "--offline", "--workspace"];

/// Variables that differ between a build by cargo and one by the helper, and may.
const MAY_DIFFER: [&str; 16] = [
    "CARGO_MAKEFLAGS",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_HOME",
    "CARGO_NET_OFFLINE",
    "CARGO_TARGET_DIR",
    "CARGO_TERM_COLOR",
    "HOME",
    "LD_LIBRARY_PATH",
    "LOG",
    "OLDPWD",
    "PATH",
    "PWD",
    "RUSTC_WRAPPER",
    "SHLVL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

fn value<'a>(call: &'a Call, option: &str) -> Option<&'a str> {
    let at = call.args.iter().position(|arg| arg == option)?;
    call.args.get(at + 1).map(String::as_str)
}

/// The recorded calls of one package as the steps of its vertex.
fn steps(recording: &Recording, package: &str, base_script: Option<&String>) -> Vec<Step> {
    let calls: Vec<_> = recording.calls.iter().filter(|call| call.env["CARGO_PKG_NAME"] == package).collect();
    let run = calls.iter().find(|call| call.kind == CallKind::BuildScript);
    let script = run.map(|run| format!("{}.json", run.env["OUT_DIR"]));
    let mut steps: Vec<(u8, Step)> = Vec::new();
    for call in &calls {
        let crate_name = value(call, "--crate-name").unwrap_or_default();
        let is_script = crate_name == "build_script_build";
        let target = match value(call, "--crate-type") {
            None => continue,
            Some("bin") if is_script => TargetKind::BuildScript,
            Some("bin") => TargetKind::Bin(call.env["CARGO_BIN_NAME"].clone()),
            Some("proc-macro") => TargetKind::ProcMacro,
            Some("cdylib") => TargetKind::Cdylib,
            Some(_) => TargetKind::Lib,
        };
        let order = match &target {
            TargetKind::BuildScript => 0,
            TargetKind::Bin(_) => 3,
            _ => 2,
        };
        let links = !is_script && package != "derive";
        steps.push((
            order,
            Step::Rustc(Rustc {
                name: format!("{package} ({crate_name})"),
                args: without_dependency_paths(&call.args),
                overridden: 0,
                cwd: call.cwd.clone(),
                env: call.env.clone(),
                has_lib_beside: matches!(target, TargetKind::Bin(_)),
                target,
                script: script.clone().filter(|_| !is_script),
                dependency_scripts: base_script.filter(|_| links).cloned().into_iter().collect(),
            }),
        ));
        if let (true, Some(run), Some(script)) = (is_script, run, &script) {
            let directory = value(call, "--out-dir").unwrap();
            let extra = call.args.iter().find_map(|arg| arg.strip_prefix("extra-filename=")).unwrap();
            steps.push((
                1,
                Step::BuildScript(BuildScript {
                    name: format!("{package} (build script)"),
                    exe: format!("{directory}/{crate_name}{extra}"),
                    cwd: run.cwd.clone(),
                    env: run.env.clone(),
                    out_dir: run.env["OUT_DIR"].clone(),
                    script: script.clone(),
                    links_of_dependencies: base_script
                        .map(|path| ("base-c".to_owned(), path.clone()))
                        .into_iter()
                        .collect(),
                    is_told: false,
                    double_colon: true,
                    link_targets: calls
                        .iter()
                        .filter_map(|call| call.env.get("CARGO_BIN_NAME"))
                        .map(|bin| LinkArgTarget::SingleBin(bin.clone()))
                        .collect(),
                }),
            ));
        }
    }
    steps.sort_by_key(|(order, _)| *order);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn without_dependency_paths(args: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for arg in args {
        if arg.starts_with("dependency=") && kept.last().is_some_and(|flag| flag == "-L") {
            kept.pop();
        } else {
            kept.push(arg.clone());
        }
    }
    kept
}

/// A `rustc` that writes down its arguments and its environment before it becomes the real one.
fn write_logging_rustc(workspace: &Workspace) {
    let rustc = toolchain().join("rustc");
    let log = r#"case "$*" in *"--crate-name ___"*) ;; *"--crate-name "*)
printf '%s\0' "$@" > "$LOG/$$.args"; env -0 > "$LOG/$$.env";; esac"#;
    let shell = format!("{log}\nexec {} \"$@\"", rustc.display());
    write_program(&workspace.path("logging/rustc"), &shell);
}

fn logging_path(workspace: &Workspace) -> OsString {
    let mut logging = workspace.path("logging").into_os_string();
    logging.push(":");
    logging.push(path());
    logging
}

/// Per crate and its metadata hash: arguments and environment.
type Log = BTreeMap<String, (Vec<String>, BTreeMap<String, String>)>;

fn read_log(directory: &Path) -> Log {
    let mut log = Log::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "args") {
            continue;
        }
        let split = |path: &Path| -> Vec<String> {
            let text = fs::read_to_string(path).unwrap();
            text.split_terminator('\0').map(str::to_owned).collect()
        };
        let args = without_dependency_paths(&split(&path));
        let environment: BTreeMap<String, String> = split(&path.with_extension("env"))
            .iter()
            .filter_map(|line| line.split_once('='))
            .filter(|(name, _)| !MAY_DIFFER.contains(name) && *name != "_")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let name = args.iter().position(|arg| arg == "--crate-name").map(|at| args[at + 1].clone()).unwrap();
        let hash = args.iter().find(|arg| arg.starts_with("metadata=")).unwrap();
        assert_eq!(log.insert(format!("{name} {hash}"), (args, environment)), None);
    }
    log
}

fn build_with_cargo(workspace: &Workspace) -> Log {
    workspace.remove_outputs();
    let log = workspace.path("log-cargo");
    fs::create_dir_all(&log).unwrap();
    let output = Command::new(toolchain().join("cargo"))
        .args(BUILD)
        .current_dir(workspace.path("ws"))
        .env_clear()
        .env("PATH", logging_path(workspace))
        .env("HOME", workspace.path("home"))
        .env("CARGO_HOME", workspace.path("cargo-home"))
        .env("CARGO_TARGET_DIR", workspace.path("target"))
        .env("LOG", &log)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    read_log(&log)
}

fn build_with_helper(workspace: &Workspace, recording: &Recording) -> (Log, String) {
    workspace.remove_outputs();
    let log = workspace.path("log-helper");
    fs::create_dir_all(&log).unwrap();
    let run = recording
        .calls
        .iter()
        .find(|call| call.kind == CallKind::BuildScript && call.env["CARGO_PKG_NAME"] == "base")
        .unwrap();
    let base_script = format!("{}.json", run.env["OUT_DIR"]);
    let deps = text(&workspace.path("target/debug/deps"));
    let mut said = String::new();
    for package in ["base", "derive", "plugin", "app"] {
        let spec = Spec {
            report: None,
            unpack: None,
            ledger: None,
            pass_env: Vec::new(),
            yields: Vec::new(),
            secret_env: Vec::new(),
            files: Vec::new(),
            sysroot: None,
            heavy: None,
            package: format!("{package} 0.1.0"),
            member: Some(longshore_helper::spec::Member {
                directory: package.to_owned(),
                workspace: text(&workspace.path("ws")),
            }),
            output: deps.clone(),
            cache: None,
            env: BTreeMap::new(),
            dependencies: Vec::new(),
            steps: steps(recording, package, Some(&base_script).filter(|_| package != "base")),
        };
        let mut command = helper("build", &alone(&spec));
        command.env("PATH", logging_path(workspace)).env("LOG", &log);
        let (passed, stderr) = finished(command.output().unwrap());
        assert!(passed, "{package}: {stderr}");
        said.push_str(&stderr);
    }
    (read_log(&log), said)
}

/// Before 1.88, cargo put what scripts of dependencies said after all that the package's own said, and search paths
/// in `OUT_DIR` in no special place. The helper follows the later order with every cargo.
fn arranges_as_we_do(cargo: &str) -> bool {
    let minor = cargo.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    minor.is_some_and(|minor| minor >= 88)
}

fn sorted(args: &[String]) -> Vec<&String> {
    let mut args: Vec<_> = args.iter().collect();
    args.sort();
    args
}

#[test]
fn what_was_recorded_builds_as_cargo_builds_it() {
    let workspace = Workspace::new();
    let recording = workspace.recording(&BUILD, &[]);
    workspace.fill();
    write_logging_rustc(&workspace);

    let cargo = build_with_cargo(&workspace);
    let (helper, said) = build_with_helper(&workspace, &recording);
    assert_eq!(helper.keys().collect::<Vec<_>>(), cargo.keys().collect::<Vec<_>>());
    assert_eq!(helper.len(), 7);
    for (unit, (args, environment)) in &helper {
        let (cargo_args, cargo_environment) = &cargo[unit];
        match arranges_as_we_do(&recording.cargo) {
            true => assert_eq!(args, cargo_args, "{unit}"),
            false => assert_eq!(sorted(args), sorted(cargo_args), "{unit}"),
        }
        for (name, value) in cargo_environment {
            if !name.starts_with("LONGSHORE_") {
                assert_eq!(environment.get(name), Some(value), "{unit}: {name}");
            }
        }
    }
    assert!(said.contains("warning: app@0.1.0: look here"), "{said}");

    let deps = workspace.path("target/debug/deps");
    let names: Vec<_> =
        fs::read_dir(&deps).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.ends_with(".d")), "{names:?}");
    let app = names.iter().find(|name| name.starts_with("my_app-")).unwrap();
    let output = Command::new(deps.join(app)).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), PRINTED);
}
