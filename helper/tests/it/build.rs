//! Builds specs made by hand: what is shown when something fails, what is reused, what is left behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use longshore_helper::spec::{BuildScript, Rustc, ScriptOutput, Spec, Step, TargetKind};

use crate::support::{alone, build, helper, spec, text, write, write_program};

fn rustc(root: &Path, more: &[&str]) -> Step {
    let args = "--crate-name app --edition=2021 crates/app/src/lib.rs --error-format=json \
                --json=diagnostic-rendered-ansi,artifacts,future-incompat --crate-type lib \
                --emit=dep-info,metadata,link -C metadata=1 -C extra-filename=-1 --out-dir";
    let mut args: Vec<_> = args.split(' ').filter(|arg| !arg.is_empty()).map(str::to_owned).collect();
    args.push(text(&root.join("t/app-0.1.0")));
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    Step::Rustc(Rustc {
        name: "app (lib)".to_owned(),
        args,
        overridden: 0,
        cwd: text(&root.join("ws")),
        env: BTreeMap::new(),
        target: TargetKind::Lib,
        has_lib_beside: false,
        script: None,
        dependency_scripts: Vec::new(),
    })
}

fn script(root: &Path) -> BuildScript {
    BuildScript {
        name: "app (build script)".to_owned(),
        exe: text(&root.join("build-script-build")),
        cwd: text(&root.join("ws/crates/app")),
        env: BTreeMap::new(),
        out_dir: text(&root.join("t/app-0.1.0/out")),
        script: text(&root.join("t/app-0.1.0/script.json")),
        links_of_dependencies: Vec::new(),
        is_told: false,
        double_colon: true,
        link_targets: vec![],
    }
}

fn library(source: &str, more: &[&str]) -> (tempfile::TempDir, bool, String) {
    let root = tempfile::tempdir().unwrap();
    write(&root.path().join("ws/crates/app/src/lib.rs"), source);
    let spec = Spec { steps: vec![rustc(root.path(), more)], ..spec(root.path()) };
    let (passed, stderr) = build(&spec);
    (root, passed, stderr)
}

/// Runs a build script that is this shell script.
fn shell(root: &Path, shell: &str) -> (bool, String) {
    write_program(&root.join("build-script-build"), shell);
    fs::create_dir_all(root.join("ws/crates/app")).unwrap();
    build(&Spec { steps: vec![Step::BuildScript(script(root))], ..spec(root) })
}

#[test]
fn an_output_is_reproducible_and_without_dep_info() {
    let (root, passed, stderr) = library("pub fn unused() { let x = 1; }", &[]);
    assert!(passed, "{stderr}");
    assert!(stderr.contains("warning: unused variable: `x`"), "{stderr}");
    assert!(stderr.ends_with("warning: `app` (lib) generated 1 warning\n"), "{stderr}");
    assert!(!stderr.contains('\u{1b}') && !stderr.contains("artifact"), "{stderr:?}");
    let output = root.path().join("t/app-0.1.0");
    let mut names: Vec<_> = fs::read_dir(&output)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["libapp-1.rlib", "libapp-1.rmeta"]);
    for name in names {
        assert_eq!(fs::metadata(output.join(&name)).unwrap().mtime(), 1_153_704_088, "{name}");
    }
}

#[test]
fn a_package_that_is_no_members_leaves_nothing_for_members() {
    let root = tempfile::tempdir().unwrap();
    let written = root.path().join("t/app-0.1.0/written/ws/build.rs");
    let directory = text(written.parent().unwrap());
    let script_text = format!("mkdir -p {directory} && echo bad > {directory}/build.rs");
    assert!(shell(root.path(), &script_text).0);
    assert!(written.exists(), "a member's own");
    let steps = vec![Step::BuildScript(script(root.path()))];
    let (passed, stderr) = build(&Spec { member: None, steps, ..spec(root.path()) });
    assert!(passed, "{stderr}");
    assert!(!written.exists());
}

#[test]
fn errors_end_in_cargos_words() {
    let (_root, passed, stderr) = library("pub fn f() -> u8 { \"\" }\npub fn g() { let x = 1; }", &[]);
    assert!(!passed);
    assert!(stderr.contains("error[E0308]: mismatched types"), "{stderr}");
    let expected = "error: could not compile `app` (lib) due to 1 previous error";
    assert!(stderr.lines().any(|line| line.starts_with(expected)), "{stderr}");
    assert!(!stderr.contains("aborting due to"), "{stderr}");
}

#[test]
fn a_file_outside_of_the_member_is_named_with_its_remedy() {
    let (_root, passed, stderr) =
        library("pub const X: &str = include_str!(\"../../../shared/x.txt\");", &[]);
    assert!(!passed);
    let expected = "help: `shared/x.txt` is outside of `crates/app`; if it exists, and `.dockerignore` does not \
                    exclude it, add to `crates/app/Cargo.toml`:\n    [package.metadata.longshore]\n    inputs = [\"shared/x.txt\"]\n";
    assert!(stderr.ends_with(expected), "{stderr}");
}

#[test]
fn a_broken_command_line_is_shown_as_such() {
    let (_root, passed, stderr) = library("", &["-C", "no-such-option"]);
    assert!(!passed);
    assert!(stderr.contains("no-such-option"), "{stderr}");
    assert!(stderr.contains("error: could not compile `app` (lib)"), "{stderr}");
}

#[test]
fn arguments_too_long_for_the_kernel_go_through_a_file() {
    let features: String = (0..20_000).map(|index| format!("\"feature-{index}\", ")).collect();
    let values = format!("cfg(feature, values({features}))");
    assert!(values.len() > 128 * 1024);
    let (root, passed, stderr) = library("pub fn f() {}", &["--check-cfg", &values]);
    assert!(passed, "{stderr}");
    assert!(root.path().join("t/app-0.1.0/libapp-1.rlib").exists());
}

#[test]
fn directives_reach_the_file_for_later_steps() {
    let root = tempfile::tempdir().unwrap();
    let (passed, stderr) = shell(
        root.path(),
        "echo seen >&2; echo cargo:rustc-cfg=x; echo cargo::metadata=a=b; echo x > $OUT_DIR/y",
    );
    assert!(passed, "{stderr}");
    assert_eq!(stderr, "seen\n");
    let output = fs::read(root.path().join("t/app-0.1.0/script.json")).unwrap();
    let output: ScriptOutput = serde_json::from_slice(&output).unwrap();
    assert_eq!(output.cfgs, ["x"]);
    assert_eq!(output.metadata, [("a".to_owned(), "b".to_owned())]);
    assert_eq!(output.out_dir, text(&root.path().join("t/app-0.1.0/out")));
    assert_eq!(fs::read_to_string(root.path().join("t/app-0.1.0/out/y")).unwrap(), "x\n");
}

#[test]
fn a_failed_script_is_shown_with_what_it_said() {
    let root = tempfile::tempdir().unwrap();
    let (passed, stderr) = shell(
        root.path(),
        "echo on stdout; echo cargo:warning=careful; echo 'curl: (6) Could not resolve host: example.org' >&2; exit 7",
    );
    assert!(!passed);
    for expected in [
        "curl: (6) Could not resolve host: example.org\n",
        "warning: app@0.1.0: careful\n",
        "  --- stdout\n  on stdout\n  --- stderr\n  curl: (6) Could not resolve host: example.org\n\
         error: failed to run custom build command for `app 0.1.0` (exit status: 7)\n",
        "help: packages are compiled without network, and the build script of app 0.1.0 tried to use it",
    ] {
        assert!(stderr.contains(expected), "{expected:?} in {stderr}");
    }
}

#[test]
fn what_a_script_reports_fails_the_build() {
    let root = tempfile::tempdir().unwrap();
    let (passed, stderr) = shell(root.path(), "echo cargo::error=need a newer libfoo");
    assert!(!passed);
    assert_eq!(
        stderr,
        "error: app@0.1.0: need a newer libfoo\nerror: build script of `app 0.1.0` logged errors\n"
    );
    let (passed, stderr) = shell(root.path(), "echo cargo::no-such=x");
    assert!(!passed);
    assert!(stderr.contains("unknown key: `no-such`"), "{stderr}");
}

#[test]
fn what_a_script_starts_gets_tokens() {
    let root = tempfile::tempdir().unwrap();
    write_program(&root.path().join("build-script-build"), "env > $OUT_DIR/env");
    fs::create_dir_all(root.path().join("ws/crates/app")).unwrap();
    fs::create_dir_all(root.path().join("slots")).unwrap();
    let spec = Spec { steps: vec![Step::BuildScript(script(root.path()))], ..spec(root.path()) };
    let mut command = helper("build", &alone(&spec));
    command.env("LONGSHORE_SLOTS_DIR", root.path().join("slots"));
    assert!(command.output().unwrap().status.success());
    let env = fs::read_to_string(root.path().join("t/app-0.1.0/out/env")).unwrap();
    let value = |name: &str| env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let flags = value("CARGO_MAKEFLAGS").unwrap_or_else(|| panic!("no jobserver in {env}"));
    assert!(flags.contains("--jobserver-auth="), "{flags}");
    assert_eq!(value("MAKEFLAGS"), None, "as cargo, which leaves that to the script");
    assert!(
        value("NUM_JOBS").and_then(|jobs| jobs.parse::<u32>().ok()).is_some_and(|jobs| jobs > 0),
        "{env}"
    );
}

#[test]
fn private_variables_reach_no_child_and_the_specs_do() {
    let root = tempfile::tempdir().unwrap();
    write_program(&root.path().join("build-script-build"), "env > $OUT_DIR/env");
    fs::create_dir_all(root.path().join("ws/crates/app")).unwrap();
    let mut step = script(root.path());
    step.env.insert("OWN".to_owned(), String::new());
    let env = [("SHARED".to_owned(), "1".to_owned())].into();
    let spec = Spec { env, steps: vec![Step::BuildScript(step)], ..spec(root.path()) };
    let mut command = helper("build", &alone(&spec));
    command.env("TRACEPARENT", "00-x").env("OTEL_X", "1").env("RUSTFLAGS", "-x").env("AMBIENT", "1");
    assert!(command.output().unwrap().status.success());
    let env = fs::read_to_string(root.path().join("t/app-0.1.0/out/env")).unwrap();
    let names: Vec<_> = env.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    for name in ["OWN", "SHARED", "AMBIENT", "PATH", "NUM_JOBS", "OUT_DIR"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for name in ["TRACEPARENT", "OTEL_X", "RUSTFLAGS", "LONGSHORE_REQUEST_0", "LONGSHORE_SLOTS_DIR"] {
        assert!(!names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
fn a_members_build_script_runs_again_only_when_its_inputs_changed() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    write_program(
        &path("build-script-build"),
        &format!(
            "echo run >> {}; cat input > $OUT_DIR/copy; echo cargo:rerun-if-changed=input; echo cargo:warning=w",
            path("runs").display()
        ),
    );
    let input = path("ws/crates/app/input");
    let change = |text: &str| {
        write(&input, text);
        File::options().write(true).open(&input).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    let mut spec = Spec { cache: Some(text(&path("cache"))), ..spec(root.path()) };
    spec.steps = vec![Step::BuildScript(script(root.path()))];
    let mut expected_runs = 0;
    for (contents, runs) in [("one", true), ("one", false), ("two", true), ("one", false), ("two", false)] {
        change(contents);
        // Every vertex starts with an empty output.
        let _ = fs::remove_dir_all(path("t"));
        let (passed, stderr) = build(&spec);
        assert!(passed, "{stderr}");
        assert!(stderr.contains("warning: app@0.1.0: w"), "{stderr}");
        assert_eq!(stderr.contains("note: reusing"), !runs, "{stderr}");
        expected_runs += usize::from(runs);
        assert_eq!(fs::read_to_string(path("runs")).unwrap().lines().count(), expected_runs, "{contents}");
        assert_eq!(fs::read_to_string(path("t/app-0.1.0/out/copy")).unwrap(), contents);
        assert!(path("t/app-0.1.0/script.json").exists());
    }
}

#[test]
fn builds_at_the_same_time_share_a_cache() {
    let root = tempfile::tempdir().unwrap();
    write_program(
        &root.path().join("build-script-build"),
        "cat input > $OUT_DIR/copy; echo cargo:rerun-if-changed=input",
    );
    let mut children = Vec::new();
    for index in 0..6 {
        let own = root.path().join(index.to_string());
        write(&own.join("ws/crates/app/input"), "same");
        let mut step = script(&own);
        step.exe = text(&root.path().join("build-script-build"));
        let cache = Some(text(&root.path().join("cache")));
        let spec = Spec { cache, steps: vec![Step::BuildScript(step)], ..spec(&own) };
        children.push((own, helper("build", &alone(&spec)).spawn().unwrap()));
    }
    for (own, mut child) in children {
        assert!(child.wait().unwrap().success());
        assert_eq!(fs::read_to_string(own.join("t/app-0.1.0/out/copy")).unwrap(), "same");
    }
}

#[test]
fn misuse_is_explained() {
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longshore-helper"));
        let output = command.args(args).env_clear().output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, stdout, _) = run(&["--version"]);
    assert_eq!((code, stdout), (Some(0), format!("longshore-helper {}\n", env!("CARGO_PKG_VERSION"))));
    for (args, expected) in [
        (&["build"][..], "error: there is no request: `LONGSHORE_REQUEST_0` is not set\n"),
        (&["bulid"], "error: no such command: `bulid`; usage: "),
        (&[], "error: usage: longshore-helper excerpt | gather | record | build | contents | "),
    ] {
        let (code, _, stderr) = run(args);
        assert_eq!(code, Some(1));
        assert!(stderr.starts_with(expected), "{stderr}");
    }
}
