//! Runs rustc once, and shows what it says as cargo would (`rustc` and `on_stderr_line` in its `core/compiler/mod.rs`).

mod arguments;
mod diagnostics;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::{env, fs};

use longshore_helper::NO_CACHE_ENV;
use longshore_helper::recording::CallKind;
use longshore_helper::report::Warning;
use longshore_helper::spec::{Rustc, Spec, TargetKind};

use self::diagnostics::{Level, Line, Tally};
use crate::console::say;
use crate::environment::{self, Environment};
use crate::problem::{Doing, Problem, Result};
use crate::reuse::Incremental;
use crate::runner::{self, Verdict};
use crate::{help, library_path, sources, sysroot, tracer, tree};

/// What the kernel answers when arguments and environment are too long (E2BIG).
const TOO_LONG: i32 = 7;

/// Runs the step in `environment`, which already has what all steps share.
pub(crate) fn run(
    spec: &Spec,
    step: &Rustc,
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<Verdict> {
    let scripts = arguments::read_scripts(step)?;
    let mut args = arguments::all(spec, step, &scripts);
    let is_cached = env::var_os(NO_CACHE_ENV).is_none();
    let incremental = if is_cached { Incremental::open(&mut args) } else { None };
    if incremental.is_none() {
        Incremental::forgo(&mut args);
    }
    let mut environment = environment.clone();
    environment::extend_with_recorded(&mut environment, &step.env, spec);
    library_path::add(&mut environment, &spec.dependencies, None)?;
    if let Some(own) = &scripts.own {
        for (name, value) in &own.env {
            environment.insert(name.into(), value.into());
        }
    }
    if let (Some(sysroot), Some(target)) = (&spec.sysroot, sysroot::target_of(&args)) {
        if let Some(directory) = sysroot::directory(Path::new(sysroot), target) {
            args.extend(["--sysroot".to_owned(), directory]);
        }
        // What makes a function a kernel is unstable for every device.
        environment.insert(sysroot::BOOTSTRAP.into(), "1".into());
    }
    let directories = output_directories(&args);
    for directory in &directories {
        fs::create_dir_all(directory).doing("create", directory)?;
    }

    let program = runner::rustc_program(&environment);
    tracer::ran(spec, CallKind::Rustc, &program, &args, &step.cwd, &environment);
    let (mut child, argument_file) = spawn(&program, &args, spec, step, &environment)?;
    let stderr = child.stderr.take().expect("stderr is piped");
    let (tally, helps) = show(stderr, spec, step, is_coloured(&environment), warnings)?;
    let status = child.wait().map_err(|error| Problem::io("wait for rustc", &error))?;
    if let Some(file) = argument_file {
        fs::remove_file(&file).doing("remove", &file)?;
    }

    let name = described(&step.name);
    if status.success() {
        if let Some(error) = incremental.and_then(|state| state.keep().err()) {
            say!("note: could not keep what rustc needs to compile {name} incrementally: {error}");
        }
        if let Some(warnings) = tally.generated() {
            say!("warning: {name} generated {warnings}");
        }
        if step.target == TargetKind::ProcMacro {
            library_path::keep_linked(Path::new(&spec.output), &spec.dependencies)?;
        }
        sources::after_rustc(spec, &step.target, &environment, &directories)?;
        for directory in &directories {
            remove_dep_info(directory)?;
        }
        return Ok(Verdict::Passed);
    }
    say!("error: could not compile {name}{}", tally.due_to());
    if tally.errors == 0 || status.code().is_none() {
        say!("\nCaused by:\n  process didn't exit successfully: `{}` ({status})", program.display());
    }
    if let Some(text) = help::killed(status) {
        say!("help: {text}");
    }
    for (index, text) in helps.iter().enumerate() {
        if !helps[..index].contains(text) {
            say!("help: {text}");
        }
    }
    // A compiler that found errors ends with 1.
    Ok(if status.code() == Some(1) { Verdict::Failed } else { Verdict::Broken })
}

/// `serde (lib)` as cargo writes it: `` `serde` (lib) `` (`descriptive_pkg_name` in its `core/compiler/mod.rs`,
/// `Target::description_named` in `core/manifest.rs`).
fn described(name: &str) -> String {
    match name.split_once(" (") {
        Some((package, target)) => format!("`{package}` ({target}"),
        None => format!("`{name}`"),
    }
}

/// Starts rustc; where the arguments are too long for the kernel, with a file that holds them, as cargo does
/// (`ProcessBuilder::retry_with_argfile` in its crate `cargo-util`).
fn spawn(
    program: &Path,
    args: &[String],
    spec: &Spec,
    step: &Rustc,
    environment: &Environment,
) -> Result<(Child, Option<PathBuf>)> {
    let start = |args: &[OsString]| {
        Command::new(program)
            .args(args)
            .current_dir(&step.cwd)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
    };
    let cannot = |error: io::Error| {
        let hint = if Path::new(&step.cwd).is_dir() { "" } else { ": its working directory does not exist" };
        let what = format!("start `{}` in `{}`{hint}", program.display(), step.cwd);
        Problem::io(what, &error)
    };
    let plain: Vec<OsString> = args.iter().map(OsString::from).collect();
    match start(&plain) {
        Ok(child) => return Ok((child, None)),
        Err(error) if error.raw_os_error() == Some(TOO_LONG) => {}
        Err(error) => return Err(cannot(error)),
    }
    if let Some(arg) = args.iter().find(|arg| arg.contains('\n')) {
        return Err(Problem::new(format!(
            "the arguments of {} are too long for the kernel, and one has a line break, which a file of arguments \
             cannot hold: `{arg}`",
            described(&step.name)
        )));
    }
    // The packages of a bundle run at the same time, and the name of a package's output is its own.
    let own = Path::new(&spec.output).file_name().unwrap_or_default();
    let file = env::temp_dir().join(format!("longshore-args-{}", own.to_string_lossy()));
    let file = match fs::write(&file, args.join("\n")) {
        Ok(()) => file,
        // A vertex without a writable /tmp still has its output.
        Err(_) => {
            let file = Path::new(&spec.output).join("longshore-args");
            fs::write(&file, args.join("\n")).doing("write", &file)?;
            file
        }
    };
    let mut at = OsString::from("@");
    at.push(&file);
    let child = start(&[at]).map_err(cannot)?;
    Ok((child, Some(file)))
}

/// Shows stderr line by line; gives back the counts, and what could help.
fn show(
    stderr: ChildStderr,
    spec: &Spec,
    step: &Rustc,
    coloured: bool,
    warnings: &mut Vec<Warning>,
) -> Result<(Tally, Vec<String>)> {
    let mut tally = Tally::default();
    let mut helps = Vec::new();
    let mut reader = BufReader::new(stderr);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read =
            reader.read_until(b'\n', &mut bytes).map_err(|error| Problem::io("read from rustc", &error))?;
        if read == 0 {
            return Ok((tally, helps));
        }
        let line = String::from_utf8_lossy(&bytes);
        match diagnostics::read_line(line.trim_end_matches('\n')) {
            Line::Silent => {}
            Line::Verbatim(text) => say!("{text}"),
            Line::Diagnostic { level, said, rendered } => {
                say!("{}", if coloured { &rendered } else { &said.rendered });
                tally.count(level);
                match level {
                    Level::Error => helps.extend(help::for_compile_error(&said.message, spec, &step.cwd)),
                    Level::Warning => {
                        let file = in_workspace(&said.file, &step.cwd, spec);
                        warnings.push(Warning { file, ..said });
                    }
                    Level::Other => {}
                }
            }
        }
    }
}

/// A file that rustc names, relative to its own working directory or absolute, as the user would: relative to the root of
/// the build context.
fn in_workspace(file: &str, cwd: &str, spec: &Spec) -> String {
    let Some(member) = spec.member.as_ref().filter(|_| !file.is_empty()) else { return file.to_owned() };
    let path = Path::new(cwd).join(file);
    path.strip_prefix(&member.workspace).map_or_else(|_| file.to_owned(), |path| path.display().to_string())
}

/// cargo's own variable, which a user can set for a build: nobody can see from here whether the client has colours.
fn is_coloured(environment: &Environment) -> bool {
    environment.get(OsStr::new("CARGO_TERM_COLOR")).is_some_and(|value| value == "always")
}

/// Where rustc is told to write.
fn output_directories(args: &[String]) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--out-dir" {
            directories.extend(rest.next().map(PathBuf::from));
        } else if let Some(directory) = arg.strip_prefix("--out-dir=") {
            directories.push(PathBuf::from(directory));
        } else if arg == "-o" {
            directories.extend(rest.next().and_then(|file| Path::new(file).parent()).map(Path::to_owned));
        }
    }
    directories.retain(|directory| !directory.as_os_str().is_empty());
    directories
}

/// cargo reads dep-info to judge staleness; BuildKit does that here, and nobody reads it.
fn remove_dep_info(directory: &Path) -> Result<()> {
    for name in tree::names(directory).doing("list", directory)? {
        if name.extension().is_some_and(|extension| extension == "d") {
            let path = directory.join(name);
            fs::remove_file(&path).doing("remove", &path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_cargo_does() {
        assert_eq!(described("serde (lib)"), "`serde` (lib)");
        assert_eq!(described("app (bin \"my-server\")"), "`app` (bin \"my-server\")");
        assert_eq!(described("app"), "`app`");
    }

    #[test]
    fn output_directories_are_found_in_every_spelling() {
        let args = ["--out-dir", "/a", "--out-dir=/b", "-o", "/c/app", "-o", "app"].map(str::to_owned);
        assert_eq!(output_directories(&args), [Path::new("/a"), Path::new("/b"), Path::new("/c")]);
    }
}
