//! What a recording holds, and that it is the same every time.

use std::collections::BTreeSet;
use std::fs;

use longshore_helper::recording::{Call, CallKind, Failure, RecordRequest};

use crate::support::{toolchain, write};
use crate::workspace::Workspace;

const HOST_ARGS: [&str; 4] = ["build", "--offline", "--workspace", "--target"];

fn host() -> String {
    let version = std::process::Command::new(toolchain().join("rustc")).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn value<'a>(call: &'a Call, option: &str) -> Option<&'a str> {
    let at = call.args.iter().position(|arg| arg == option)?;
    call.args.get(at + 1).map(String::as_str)
}

#[test]
fn every_unit_and_every_build_script_is_recorded_with_what_cargo_set() {
    let workspace = Workspace::new();
    let host = host();
    let recording =
        workspace.recording(&[&HOST_ARGS[..], &[&host]].concat(), &[("TRACEPARENT", "00-secret")]);
    assert_eq!(recording.host, host);
    assert!(recording.rustc.starts_with("rustc ") && recording.cargo.starts_with("cargo "));

    let (rustc, scripts): (Vec<_>, Vec<_>) =
        recording.calls.iter().partition(|call| call.kind == CallKind::Rustc);
    let crates: Vec<_> = rustc.iter().filter_map(|call| value(call, "--crate-name")).collect();
    for (name, count) in
        [("app", 1), ("my_app", 1), ("base", 1), ("derive", 1), ("plugin", 1), ("build_script_build", 2)]
    {
        assert_eq!(crates.iter().filter(|krate| **krate == name).count(), count, "{name} in {crates:?}");
    }
    assert_eq!(crates.len(), 7, "{crates:?}");

    let app = rustc.iter().find(|call| value(call, "--crate-name") == Some("app")).unwrap();
    assert_eq!(app.cwd, workspace.path("ws").to_str().unwrap());
    assert!(app.args.contains(&"app/src/lib.rs".to_owned()));
    assert_eq!(value(app, "--target"), Some(host.as_str()));
    // A library waits for the metadata of its dependencies only, which shows that cargo saw the notifications.
    assert!(app.args.iter().any(|arg| arg.starts_with("base=") && arg.ends_with(".rmeta")), "{:?}", app.args);
    for (name, expected) in
        [("CARGO_PKG_NAME", "app"), ("CARGO_PKG_DESCRIPTION", ""), ("GREETING", ""), ("CARGO_LIKE", "1")]
    {
        assert_eq!(app.env.get(name).map(String::as_str), Some(expected), "{name}");
    }
    assert!(app.env["OUT_DIR"].starts_with(workspace.path("target").to_str().unwrap()));

    assert_eq!(scripts.len(), 2);
    let script = scripts.iter().find(|call| call.env["CARGO_PKG_NAME"] == "app").unwrap();
    assert_eq!(script.cwd, workspace.path("ws/app").to_str().unwrap());
    assert!(script.exe.ends_with("/build-script-build") && script.args.is_empty(), "{script:?}");
    for (name, expected) in [
        ("TARGET", host.as_str()),
        ("CARGO_FEATURE_LOUD", "1"),
        ("CARGO_ENCODED_RUSTFLAGS", ""),
        ("DEBUG", "true"),
    ] {
        assert_eq!(script.env.get(name).map(String::as_str), Some(expected), "{name}");
    }
    let names: BTreeSet<_> = recording.calls.iter().flat_map(|call| call.env.keys()).collect();
    for name in [
        "TRACEPARENT",
        "RUSTC_WRAPPER",
        "CARGO_MAKEFLAGS",
        "NUM_JOBS",
        "LD_LIBRARY_PATH",
        "CARGO_HOME",
        "PATH",
    ] {
        assert!(!names.contains(&name.to_owned()), "{name}");
    }
    assert!(!names.iter().any(|name| name.starts_with("LONGSHORE_")));

    let metadata: serde_json::Value =
        serde_json::from_slice(&fs::read(workspace.path("output/metadata.json")).unwrap()).unwrap();
    assert_eq!(metadata["packages"].as_array().unwrap().len(), 4);
    let kept: Vec<_> = fs::read_dir(workspace.path("output")).unwrap().collect();
    assert_eq!(kept.len(), 2, "only results are left in the output");
}

#[test]
fn two_recordings_are_the_same_bytes() {
    let workspace = Workspace::new();
    let mut results = Vec::new();
    for (jobs, more) in [
        (
            "-j1",
            [("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("HOSTNAME", "a")],
        ),
        (
            "-j8",
            [("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("HOSTNAME", "b")],
        ),
        ("-j3", [("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:///x"), ("CARGO_TERM_VERBOSE", "true")]),
    ] {
        workspace.recording(&["build", "--offline", "--workspace", "--release", jobs], &more);
        let read = |name: &str| fs::read_to_string(workspace.path("output").join(name)).unwrap();
        results.push([read("recording.json"), read("metadata.json")]);
    }
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

#[test]
fn a_wrapper_of_the_workspace_is_not_run() {
    let workspace = Workspace::new();
    let config = workspace.path("skeleton/.cargo/config.toml");
    let mut text = fs::read_to_string(&config).unwrap();
    text.push_str("[build]\nrustc-workspace-wrapper = \"/no/such/wrapper\"\n");
    write(&config, &text);
    let recording = workspace.recording(&["build", "--offline", "--workspace"], &[]);
    assert_eq!(recording.calls.len(), 9);
    for call in recording.calls {
        assert!(
            !call.args.iter().any(|arg| arg.contains("wrapper") || arg.ends_with("/rustc")),
            "{:?}",
            call.args
        );
    }
}

#[test]
fn configuration_is_found_through_links_and_includes() {
    let workspace = Workspace::new();
    let config = workspace.path("skeleton/.cargo/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::remove_file(&config).unwrap();
    // Beside the link, and not beside what it leads to.
    write(&workspace.path("skeleton/ci/cargo.toml"), &format!("include = [\"flags.toml\"]\n{text}"));
    write(&workspace.path("skeleton/.cargo/flags.toml"), "[build]\nrustflags = [\"--cfg=included\"]\n");
    std::os::unix::fs::symlink("../ci/cargo.toml", &config).unwrap();
    let recording = workspace.recording(&["build", "--offline", "--workspace"], &[]);
    assert!(recording.calls.iter().any(|call| call.args.iter().any(|arg| arg == "--cfg=included")));
}

fn failure(workspace: &Workspace, request: &RecordRequest, more: &[(&str, &str)]) -> Failure {
    let (passed, stderr) = workspace.record(request, more);
    assert!(passed, "{stderr}");
    assert!(!workspace.path("output/recording.json").exists());
    serde_json::from_slice(&fs::read(workspace.path("output/failure.json")).unwrap()).unwrap()
}

#[test]
fn what_cargo_refuses_is_a_result() {
    let workspace = Workspace::new();
    let request = workspace.request();
    let build_args = ["build", "--offline", "-p", "no such"].map(str::to_owned).to_vec();
    let refused = failure(&workspace, &RecordRequest { build_args, ..request.clone() }, &[]);
    assert_eq!(refused.command, "cargo build --offline -p 'no such'");
    assert_eq!(refused.status, 101);
    assert!(refused.stderr.contains("no such"), "{}", refused.stderr);
    assert!(refused.rustc.starts_with("rustc ") && refused.rustc.contains("\nhost: "), "{}", refused.rustc);

    write(&workspace.path("skeleton/app/Cargo.toml"), "[package]\nname = 1\n");
    let refused = failure(&workspace, &request, &[("CARGO_TERM_COLOR", "always")]);
    assert_eq!(refused.command, "cargo metadata --format-version 1 --offline");
    assert!(refused.stderr.contains("app/Cargo.toml"), "{}", refused.stderr);
    assert!(!refused.stderr.contains('\u{1b}'), "{:?}", refused.stderr);
}

#[test]
fn an_image_without_a_toolchain_is_a_result() {
    let workspace = Workspace::new();
    let refused = failure(&workspace, &workspace.request(), &[("PATH", "/nonexistent")]);
    assert_eq!((refused.command.as_str(), refused.status, refused.rustc.as_str()), ("rustc", -1, ""));
    assert_eq!(refused.stderr, "there is no `rustc` in the image: `PATH` is `/nonexistent`\n");
}

#[test]
fn our_own_problems_are_no_results() {
    let workspace = Workspace::new();
    let request = RecordRequest { names: "/nonexistent".to_owned(), ..workspace.request() };
    let (passed, stderr) = workspace.record(&request, &[]);
    assert!(!passed);
    assert!(stderr.starts_with("error: failed to read `/nonexistent`"), "{stderr}");
    assert!(!workspace.path("output/failure.json").exists());
}
