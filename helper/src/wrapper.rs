//! The helper as `RUSTC_WRAPPER`: writes down what rustc was to do, and leaves what cargo expects to find after it.
//!
//! Questions that cargo asks the compiler (`-vV`, `--print …`) go to the real one.

mod outputs;
mod unit;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use longshore_helper::recording::{Call, CallKind};

use self::outputs::{Output, OutputKind};
use self::unit::Unit;
use crate::problem::{Doing, Problem, Result};
use crate::recorder;

/// `args[0]` is the compiler that cargo would have started, or the workspace's own wrapper around `args[1]`
/// (`Rustc::process` and `Rustc::workspace_process` in cargo's `util/rustc.rs`; the Cargo book, "Environment Variables").
pub(crate) fn run(recording: &Path, args: Vec<OsString>) -> Result<ExitCode> {
    let Some((rustc, args)) = args.split_first() else {
        return Err(Problem::new("started as a rustc wrapper, but without the compiler to wrap"));
    };
    // A wrapper that the cargo configuration names is left out. It cannot be taken from cargo either, because its path is
    // part of what cargo hashes into `-C metadata` of members, as that of `RUSTC_WRAPPER` is not (`compute_metadata` in
    // `core/compiler/build_runner/compilation_files.rs`).
    let (rustc, args) = match args.split_first() {
        Some((wrapped, rest)) if is_program(wrapped) => (wrapped, rest),
        _ => (rustc, args),
    };
    let texts = args.iter().map(|arg| text(arg)).collect::<Result<Vec<_>>>()?;
    let texts = expand_argument_files(texts)?;
    let Some(unit) = Unit::parse(&texts) else {
        return Err(ask(rustc, args));
    };
    let cwd = env::current_dir().map_err(|error| Problem::io("find the working directory", &error))?;
    let call = Call {
        kind: CallKind::Rustc,
        exe: String::new(),
        args: texts,
        cwd: text(cwd.as_os_str())?,
        env: recorder::recorded_environment(recording)?,
    };
    recorder::write_call(recording, &call)?;
    for output in outputs::of(&unit, |crate_type| file_names(rustc, &unit, crate_type)) {
        create(&unit, &output)?;
        if unit.artifacts_as_json {
            notify(&output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// cargo's own first argument is always an option (`build_base_args` in `core/compiler/mod.rs`, `Rustc::new` in
/// `util/rustc.rs`), `-` (`TargetInfo::new` in `core/compiler/build_context/target_info.rs`), or a file of arguments.
fn is_program(arg: &OsStr) -> bool {
    let arg = arg.to_string_lossy();
    !arg.starts_with('-') && !arg.starts_with('@')
}

/// Becomes the real compiler; returns only when that fails.
fn ask(rustc: &OsStr, args: &[OsString]) -> Problem {
    let error = Command::new(rustc).args(args).env_remove(recorder::RECORDING_ENV).exec();
    Problem::io(format_args!("start `{}`", rustc.to_string_lossy()), &error)
}

fn text(value: &OsStr) -> Result<String> {
    match value.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(Problem::new(format!(
            "cargo passes `{}` to rustc, which is not UTF-8 and cannot be recorded",
            value.to_string_lossy()
        ))),
    }
}

/// cargo puts the arguments into a file when they are too long for the kernel: one a line, without quoting
/// (`ProcessBuilder::build_command_with_argfile` in its crate `cargo-util`).
fn expand_argument_files(args: Vec<String>) -> Result<Vec<String>> {
    let mut expanded = Vec::with_capacity(args.len());
    for arg in args {
        match arg.strip_prefix('@') {
            Some(path) => {
                let text = fs::read_to_string(path).doing("read the arguments in", Path::new(path))?;
                expanded.extend(text.lines().map(str::to_owned));
            }
            None => expanded.push(arg),
        }
    }
    Ok(expanded)
}

/// How the real compiler names the outputs of this crate type on a platform with names of its own: what stands around `___`,
/// which is how cargo finds out too (`TargetInfo::new` and `parse_crate_type` in its
/// `core/compiler/build_context/target_info.rs`).
fn file_names(rustc: &OsStr, unit: &Unit, crate_type: &str) -> Vec<String> {
    let stem = format!("{}{}", unit.crate_name, unit.extra_filename);
    let mut command = Command::new(rustc);
    command.args(["-", "--crate-name", "___", "--print=file-names", "--crate-type", crate_type]);
    if let Some(target) = &unit.target {
        command.args(["--target", target]);
    }
    command.env_remove(recorder::RECORDING_ENV);
    match process_output(&mut command) {
        Some(names) => names.lines().map(|name| name.replacen("___", &stem, 1)).collect(),
        // cargo passes over an output that it does not find (`link_targets` in its `core/compiler/mod.rs`), so a name too
        // few is no failure.
        None => Vec::new(),
    }
}

fn process_output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn create(unit: &Unit, output: &Output) -> Result<()> {
    if let Some(parent) = output.path.parent() {
        fs::create_dir_all(parent).doing("create", parent)?;
    }
    match fs::remove_file(&output.path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).doing("replace", &output.path);
        }
        _ => {}
    }
    if output.kind == OutputKind::Link && unit.is_build_script() {
        let helper = env::current_exe().map_err(|error| Problem::io("find the helper's own path", &error))?;
        return symlink(helper, &output.path).doing("create", &output.path);
    }
    let contents = match output.kind {
        OutputKind::DepInfo => outputs::dep_info(&output.path, &unit.source),
        OutputKind::Metadata | OutputKind::Link => String::new(),
    };
    fs::write(&output.path, contents).doing("write", &output.path)
}

/// Tells cargo that an output is there, as rustc does: for a library's metadata, those who wait for it may start (`on_stderr_line_inner`
/// in cargo's `core/compiler/mod.rs`; the rustc book, "JSON Output").
fn notify(output: &Output) -> Result<()> {
    let mut line = serde_json::json!({
        "$message_type": "artifact",
        "artifact": output.path.to_string_lossy(),
        "emit": output.kind.emit(),
    })
    .to_string();
    line.push('\n');
    io::stderr().write_all(line.as_bytes()).map_err(|error| Problem::io("tell cargo about an output", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argument_files_are_expanded_in_place() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("args");
        fs::write(&file, "--cfg\nfeature=\"a b\"\n").unwrap();
        let args = vec!["first".to_owned(), format!("@{}", file.display()), "last".to_owned()];
        let expanded = expand_argument_files(args).unwrap();
        assert_eq!(expanded, ["first", "--cfg", "feature=\"a b\"", "last"]);
        assert!(expand_argument_files(vec!["@/nowhere".to_owned()]).is_err());
    }
}
