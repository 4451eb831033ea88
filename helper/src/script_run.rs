//! Runs a build script once, or reuses what it produced before. What cargo does is in `build_work` of its
//! `core/compiler/custom_build.rs`; what scripts may count on, in the Cargo book, "Environment Variables".

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use longshore_helper::NO_CACHE_ENV;
use longshore_helper::recording::CallKind;
use longshore_helper::report::Warning;
use longshore_helper::spec::{BuildScript, ScriptOutput, Spec};

use crate::console::say;
use crate::environment::{self, Environment};
use crate::problem::{Doing, Problem, Result};
use crate::process::{self, Finished};
use crate::reuse::{self, Cache};
use crate::runner::{self, Verdict};
use crate::script::{self, Dialect, Said};
use crate::sources::{self, Snapshot};
use crate::{files, help, library_path, tracer};

/// How many of the last lines of stderr are shown again.
const STDERR_AGAIN: usize = 5;

/// Runs the step in `environment`, which already has what all steps share.
pub(crate) fn run(
    spec: &Spec,
    step: &BuildScript,
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<Verdict> {
    let out_dir = Path::new(&step.out_dir);
    fs::create_dir_all(out_dir).doing("create", out_dir)?;
    let links = read_links(step)?;
    let metadata = links_metadata(&links);
    let environment = script_environment(spec, step, environment, &metadata)?;
    let links_outputs: Vec<ScriptOutput> = links.into_iter().map(|(_, output)| output).collect();

    let cache = Cache::open(spec, step, &metadata, &links_outputs);
    let known = cache.as_ref().filter(|_| env::var_os(NO_CACHE_ENV).is_none());
    if let Some(output) = known.and_then(|cache| cache.restore(step, &environment)) {
        say!("note: reusing what the build script of {} produced; its inputs have not changed", spec.package);
        show_warnings(spec, &output.warnings);
        warnings.extend(said(&output.warnings));
        sources::after_script(spec, step, &output)?;
        files::write_json(Path::new(&step.script), &output)?;
        return Ok(Verdict::Passed);
    }

    tracer::ran(spec, CallKind::BuildScript, Path::new(&step.exe), &[], &step.cwd, &environment);
    let before = cache.as_ref().and_then(|_| reuse::surroundings(spec, step));
    let sources = Snapshot::new(spec)?;
    let finished = start(step, &environment)?;
    let is_alone = before.is_some() && before == reuse::surroundings(spec, step);
    if !finished.status.success() {
        show_failure(spec, &finished);
        return Ok(if finished.status.code().is_some() { Verdict::Failed } else { Verdict::Broken });
    }
    let dialect = Dialect {
        package: &spec.package,
        double_colon: step.double_colon,
        bootstrap: is_bootstrap_allowed(&finished.stdout, spec, &environment),
        link_targets: &step.link_targets,
    };
    let Said { mut output, errors } = match script::parse(&finished.stdout, dialect) {
        Ok(said) => said,
        Err(message) => {
            say!("error: {message}");
            return Ok(Verdict::Failed);
        }
    };
    if !errors.is_empty() {
        show_messages(spec, &output.warnings, &errors);
        say!("error: build script of `{}` logged errors", spec.package);
        return Ok(Verdict::Failed);
    }
    output.out_dir.clone_from(&step.out_dir);
    show_warnings(spec, &output.warnings);
    warnings.extend(said(&output.warnings));
    sources::after_writing(spec, &sources)?;
    sources::after_script(spec, step, &output)?;
    files::write_json(Path::new(&step.script), &output)?;
    let cache = cache.filter(|_| is_alone);
    if let Some(error) = cache.and_then(|cache| cache.store(step, &environment, &output).err()) {
        say!("note: could not keep what the build script of {} produced: {error}", spec.package);
    }
    Ok(Verdict::Passed)
}

/// The `links` names of the direct dependencies, each with what its script said.
fn read_links(step: &BuildScript) -> Result<Vec<(String, ScriptOutput)>> {
    step.links_of_dependencies
        .iter()
        .map(|(links, path)| Ok((links.clone(), files::read_json(Path::new(path))?)))
        .collect()
}

/// `DEP_<LINKS>_<KEY>`; of two values for one name the later one counts, as in cargo (the Cargo book, "The `links`
/// Manifest Key").
fn links_metadata(links: &[(String, ScriptOutput)]) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (links, output) in links {
        for (key, value) in &output.metadata {
            variables.insert(format!("DEP_{}_{}", envify(links), envify(key)), value.clone());
        }
    }
    variables
}

/// How cargo makes a part of a variable's name (`envify` in `core/compiler/mod.rs`).
fn envify(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).map(|char| if char == '-' { '_' } else { char }).collect()
}

fn script_environment(
    spec: &Spec,
    step: &BuildScript,
    environment: &Environment,
    links_metadata: &BTreeMap<String, String>,
) -> Result<Environment> {
    let mut environment = environment.clone();
    environment.insert("NUM_JOBS".into(), runner::jobs(spec).to_string().into());
    environment::extend_with_recorded(&mut environment, &step.env, spec);
    environment::extend(&mut environment, links_metadata);
    environment.insert("OUT_DIR".into(), step.out_dir.clone().into());
    let toolchain = toolchain_libraries(&environment);
    library_path::add(&mut environment, &spec.dependencies, toolchain)?;
    Ok(environment)
}

/// Where the toolchain's own shared libraries for the host lie, if rustup says where the toolchain is: cargo adds its
/// `sysroot_host_libdir` for scripts (`Compilation::fill_env` in `core/compiler/compilation.rs`).
fn toolchain_libraries(environment: &Environment) -> Option<PathBuf> {
    let program = runner::rustc_program(environment);
    let sysroot = program.parent().and_then(Path::parent)?;
    let host = environment.get(OsStr::new("HOST"))?;
    let directory = sysroot.join("lib/rustlib").join(host).join("lib");
    directory.is_dir().then_some(directory)
}

fn start(step: &BuildScript, environment: &Environment) -> Result<Finished> {
    let mut command = Command::new(&step.exe);
    command.current_dir(&step.cwd).env_clear().envs(environment);
    process::run_showing_stderr(&mut command).map_err(|error| {
        Problem::io(format_args!("start {} (`{}` in `{}`)", step.name, step.exe, step.cwd), &error)
    })
}

/// Setting `RUSTC_BOOTSTRAP` is an error on stable toolchains only, and not where the user has set it for the package
/// already (`BuildOutput::parse` in cargo's `core/compiler/custom_build.rs`). Cargo takes the channel to be its own, or
/// `dev` where the variable is 1 (`channel` in `core/features.rs`), and compares other values with the crate name of the
/// package's library.
fn is_bootstrap_allowed(stdout: &[u8], spec: &Spec, environment: &Environment) -> bool {
    const VARIABLE: &str = "RUSTC_BOOTSTRAP";
    // Asking the toolchain for its channel takes a process, so first see whether it matters.
    if !String::from_utf8_lossy(stdout).contains(VARIABLE) {
        return false;
    }
    if let Some(value) = environment.get(OsStr::new(VARIABLE)) {
        let package = spec.package.split(' ').next().unwrap_or_default().replace('-', "_");
        let value = value.to_string_lossy();
        if value == "1" || value.split(',').any(|name| name == package) {
            return true;
        }
    }
    let mut command = Command::new(runner::rustc_program(environment));
    command.arg("-V").env_clear().envs(environment);
    command.output().is_ok_and(|output| {
        let version = String::from_utf8_lossy(&output.stdout);
        version.contains("-nightly") || version.contains("-dev")
    })
}

fn show_failure(spec: &Spec, finished: &Finished) {
    let said = script::messages(&finished.stdout);
    show_messages(spec, &said.output.warnings, &said.errors);
    let stdout = String::from_utf8_lossy(&finished.stdout);
    let stderr = String::from_utf8_lossy(&finished.stderr);
    show_stdout(&stdout, &stderr);
    say!("error: failed to run custom build command for `{}` ({})", spec.package, finished.status);
    let all = format!("{stdout}\n{stderr}");
    if let Some(text) = help::for_failed_script(&all, spec) {
        say!("help: {text}");
    }
    if let Some(text) = help::killed(finished.status) {
        say!("help: {text}");
    }
}

/// What it wrote to stdout for people. What it wrote to stderr has been shown as it came, and comes last once more:
/// clients end with the last ten lines of a failing step, and the reason has to be among them.
fn show_stdout(stdout: &str, stderr: &str) {
    let lines: Vec<&str> = stdout.lines().filter(|line| !line.starts_with("cargo:")).collect();
    if lines.iter().all(|line| line.trim().is_empty()) {
        return;
    }
    say!("  --- stdout");
    for line in lines {
        say!("  {line}");
    }
    let last: Vec<&str> = stderr.lines().collect();
    let last = &last[last.len().saturating_sub(STDERR_AGAIN)..];
    if !last.is_empty() {
        say!("  --- stderr");
    }
    for line in last {
        say!("  {line}");
    }
}

/// Warnings are for those who can do something about them.
fn show_warnings(spec: &Spec, warnings: &[String]) {
    if spec.member.is_some() {
        show_messages(spec, warnings, &[]);
    }
}

fn said(messages: &[String]) -> impl Iterator<Item = Warning> {
    messages.iter().map(|message| Warning {
        message: message.lines().next().unwrap_or_default().to_owned(),
        rendered: format!("warning: {message}"),
        ..Warning::default()
    })
}

fn show_messages(spec: &Spec, warnings: &[String], errors: &[String]) {
    let package = spec.package.replacen(' ', "@", 1);
    for text in warnings {
        say!("warning: {package}: {text}");
    }
    for text in errors {
        say!("error: {package}: {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_becomes_variables_and_the_last_value_counts() {
        let metadata = [("root", "/a"), ("include-dir", "/i"), ("root", "/b")];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let output = ScriptOutput { metadata, ..ScriptOutput::default() };
        let variables = links_metadata(&[("open-ssl".to_owned(), output)]);
        let expected = [("DEP_OPEN_SSL_INCLUDE_DIR", "/i"), ("DEP_OPEN_SSL_ROOT", "/b")];
        assert_eq!(variables, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}
