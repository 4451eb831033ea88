//! `longshore-helper record`: lets the real cargo plan a build, and writes down what it would have run.
//!
//! Nothing is compiled. cargo runs with this binary as its rustc wrapper (see `wrapper.rs`), which creates empty
//! outputs; its build scripts are this binary too (see `stub.rs`). What a call means is for the frontend to say.

mod ambient;
mod calls;
mod jobserver;
pub(crate) mod repositories;
mod skeleton;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs, thread};

use longshore_helper::recording::{
    FAILURE_FILE, Failure, METADATA_FILE, RECORDING_FILE, RecordRequest, Recording,
};

pub(crate) use self::calls::write_call;
use self::jobserver::Jobserver;
use crate::environment::{self, Environment};
use crate::problem::{Doing, Problem, Result};
use crate::{ansi, archive, files, slots};

/// Set while a recording is under way: the directory in which it grows.
pub(crate) const RECORDING_ENV: &str = "LONGSHORE_RECORDING";

/// Below the target directory, which holds nothing else that is kept.
const RECORDING_DIRECTORY: &str = ".longshore-recording";

/// In the recording's directory: what went wrong in a process that cargo had started.
const PROBLEM_FILE: &str = "problem";

/// Leaves word of a problem for the process that records; cargo only sees that its child failed.
pub(crate) fn report(recording: &Path, problem: &Problem) {
    let _ = fs::write(recording.join(PROBLEM_FILE), problem.to_string());
}

/// What cargo said no to, or a problem of our own.
enum Refusal {
    Cargo(Failure),
    Problem(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal::Problem(problem)
    }
}

/// Does what the request asks; a refusal of cargo's is a result like any other.
pub(crate) fn record(request: &RecordRequest) -> Result<()> {
    let output = Path::new(&request.output);
    fs::create_dir_all(output).doing("create", output)?;
    match run_cargo(request) {
        Ok(recording) => files::write_json(&output.join(RECORDING_FILE), &recording),
        Err(Refusal::Cargo(failure)) => files::write_json(&output.join(FAILURE_FILE), &failure),
        Err(Refusal::Problem(problem)) => Err(problem),
    }
}

fn run_cargo(request: &RecordRequest) -> std::result::Result<Recording, Refusal> {
    let tree = Path::new(&request.workspace);
    skeleton::lay_out(Path::new(&request.skeleton), Path::new(&request.names), &request.links, tree)?;
    let workspace = &tree.join(&request.root);
    let sizes = lay_out_archives(&request.archives)?;
    write_cargo_config(&request.cargo_config)?;
    let recording = prepare_recording_directory(Path::new(&request.target_dir))?;
    let mut environment = cargo_environment(request, &recording)?;
    repositories::offer(&request.repositories, &recording, &mut environment)?;
    let jobserver = Jobserver::start(&recording)?;
    jobserver.offer(&mut environment);
    ambient::save(&recording, &environment)?;

    let [rustc, cargo, metadata, _] = ask_cargo(request, workspace, &environment)?;
    let metadata_file = Path::new(&request.output).join(METADATA_FILE);
    fs::write(&metadata_file, metadata).doing("write", &metadata_file)?;

    let (rustc, cargo) = (text(rustc), text(cargo));
    let host = host(&rustc)?;
    drop(jobserver);
    let calls = calls::collect(&recording)?;
    fs::remove_dir_all(&recording).doing("remove", &recording)?;
    Ok(Recording { rustc, cargo, host, sizes, calls })
}

/// What the toolchain is, what the workspace is, and what would be run: the answers on stdout, in this order. Nobody needs
/// what another finds out, so all are asked at once, but for one case: repositories are fetched by who asks for the
/// workspace, and what builds finds them.
fn ask_cargo(
    request: &RecordRequest,
    workspace: &Path,
    environment: &Environment,
) -> std::result::Result<[Vec<u8>; 4], Refusal> {
    let mut metadata_args = vec!["metadata".to_owned(), "--format-version".to_owned(), "1".to_owned()];
    let fetches = !request.repositories.is_empty();
    // With `--offline` cargo would not try to fetch.
    metadata_args.extend(request.metadata_args.iter().filter(|arg| !fetches || *arg != "--offline").cloned());
    let mut beside = environment.clone();
    if !fetches && let Some(home) = environment.get(OsStr::new("CARGO_HOME")) {
        // Or one would wait for the other's lock. cargo's configuration is named on the command line.
        beside.insert("CARGO_HOME".into(), Path::new(home).join("beside").into());
    }
    let version = |program, option: &str| ask(program, &[option.to_owned()], workspace, environment);
    let metadata = || ask("cargo", &metadata_args, workspace, &beside);
    let build = || ask("cargo", &request.build_args, workspace, environment);
    let answers = thread::scope(|scope| {
        let rustc = scope.spawn(|| version("rustc", "-vV"));
        let cargo = scope.spawn(|| version("cargo", "-V"));
        let metadata = scope.spawn(metadata);
        let built = (!fetches).then(&build);
        let join = |asked: thread::ScopedJoinHandle<'_, Answer>| asked.join().expect("asking does not panic");
        let [rustc, cargo, metadata] = [rustc, cargo, metadata].map(join);
        [Some(rustc), Some(cargo), Some(metadata), built]
    });
    // The first that was refused is told of, and no other: mostly they say the same.
    let mut told = Vec::new();
    for answer in answers {
        told.push(tell(answer.unwrap_or_else(&build), environment)?);
    }
    Ok(told.try_into().expect("as many answers as questions"))
}

/// Lays out what cargo reads of packages that came as archives, on all CPUs. Those of the workspace nobody has compared with
/// the lock file yet.
fn lay_out_archives(
    archives: &BTreeMap<String, String>,
) -> std::result::Result<BTreeMap<String, u64>, Refusal> {
    let all: Vec<(&String, &String)> = archives.iter().collect();
    let share = all.len().div_ceil(slots::parallelism()).max(1);
    let lay_out = |part: &[(&String, &String)]| {
        let sizes = part.iter().map(|(place, checksum)| {
            let at = Path::new(place);
            let found = archive::checksum(at)?;
            if found != **checksum {
                return Err(Refusal::Cargo(changed(at, checksum, &found)));
            }
            Ok(((*place).clone(), archive::lay_out(at, checksum)?))
        });
        sizes.collect::<std::result::Result<Vec<_>, Refusal>>()
    };
    thread::scope(|scope| {
        let parts: Vec<_> = all.chunks(share).map(|part| scope.spawn(move || lay_out(part))).collect();
        let mut sizes = BTreeMap::new();
        for part in parts {
            sizes.extend(part.join().expect("unpacking does not panic")?);
        }
        Ok(sizes)
    })
}

/// What cargo says of an archive that is not the one in the lock file (cargo's `sources/registry/download.rs`), and more.
fn changed(place: &Path, expected: &str, found: &str) -> Failure {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    Failure {
        command: "cargo fetch --locked".to_owned(),
        status: 101,
        stderr: format!(
            "error: failed to verify the checksum of `{name}`: it is {found}, and `Cargo.lock` has {expected}\n"
        ),
    }
}

/// What the calling process must leave out of what it passes on, and what it must record.
pub(crate) fn recorded_environment(recording: &Path) -> Result<BTreeMap<String, String>> {
    ambient::difference_to_saved(recording)
}

fn write_cargo_config(text: &str) -> Result<()> {
    let Some(home) = env::var_os("CARGO_HOME") else {
        return Err(Problem::new("`CARGO_HOME` is not set; it must name a writable, empty directory"));
    };
    let home = PathBuf::from(home);
    fs::create_dir_all(&home).doing("create", &home)?;
    let file = home.join("config.toml");
    fs::write(&file, text).doing("write", &file)
}

fn prepare_recording_directory(target_dir: &Path) -> Result<PathBuf> {
    let directory = target_dir.join(RECORDING_DIRECTORY);
    fs::create_dir_all(target_dir).doing("create", target_dir)?;
    // What an interrupted recording left must not get into this one.
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).doing("remove", &directory);
        }
        _ => {}
    }
    fs::create_dir(&directory).doing("create", &directory)?;
    Ok(directory)
}

/// The environment of every command of a recording. `cargo metadata` gets the wrapper too, since it asks rustc about
/// the host, through whatever wrapper the cargo configuration names.
fn cargo_environment(request: &RecordRequest, recording: &Path) -> Result<Environment> {
    let mut environment = environment::base();
    // How cargo talks must not depend on the image: `-vv` even changes `--cap-lints`.
    environment.retain(|name, _| !name.to_string_lossy().starts_with("CARGO_TERM_"));
    for (name, value) in [
        ("CARGO_TARGET_DIR", request.target_dir.as_str()),
        ("CARGO_BUILD_BUILD_DIR", request.target_dir.as_str()),
        ("CARGO_NET_OFFLINE", "true"),
        ("CARGO_TERM_COLOR", "never"),
        ("CARGO_TERM_PROGRESS_WHEN", "never"),
    ] {
        environment.insert(name.into(), value.into());
    }
    let helper = env::current_exe().map_err(|error| Problem::io("find the helper's own path", &error))?;
    environment.insert("RUSTC_WRAPPER".into(), helper.into());
    environment.insert(RECORDING_ENV.into(), recording.into());
    Ok(environment)
}

/// A command, and how it ended; in place of the latter what kept it from starting.
type Answer = std::result::Result<(String, Output), Refusal>;

fn ask(program: &str, args: &[String], workspace: &Path, environment: &Environment) -> Answer {
    let mut command = Command::new(program);
    command.args(args).current_dir(workspace).env_clear().envs(environment).stdin(Stdio::null());
    match command.output() {
        Ok(finished) => Ok((as_typed(program, args), finished)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Refusal::Cargo(not_found(program, environment.get(OsStr::new("PATH")))))
        }
        Err(error) => Err(Problem::io(format_args!("start `{program}`"), &error).into()),
    }
}

/// Shows what a command had to say to people, and returns the rest.
fn tell(answer: Answer, environment: &Environment) -> std::result::Result<Vec<u8>, Refusal> {
    let (command, finished) = answer?;
    // A log that nobody reads any more is no reason to fail the build.
    let _ = io::stderr().write_all(&finished.stderr);
    if finished.status.success() {
        return Ok(finished.stdout);
    }
    // Neither cargo's word nor the user's mistake: the vertex must fail, or its failure would be cached as a result.
    if let Some(recording) = environment.get(OsStr::new(RECORDING_ENV))
        && let Ok(problem) = fs::read_to_string(Path::new(recording).join(PROBLEM_FILE))
    {
        return Err(Problem::new(problem).into());
    }
    let Some(status) = finished.status.code() else {
        return Err(Problem::new(format!(
            "`{command}` was killed, most likely because the builder ran out of memory; build again"
        ))
        .into());
    };
    Err(Refusal::Cargo(Failure {
        command,
        status,
        stderr: ansi::strip(&String::from_utf8_lossy(&finished.stderr)),
    }))
}

fn not_found(program: &str, path: Option<&OsString>) -> Failure {
    let path = path.map(|path| path.to_string_lossy()).unwrap_or_default();
    Failure {
        command: program.to_owned(),
        status: -1,
        stderr: format!("there is no `{program}` in the image: `PATH` is `{path}`\n"),
    }
}

/// The command as a user would type it in a shell.
fn as_typed(program: &str, args: &[String]) -> String {
    let mut line = program.to_owned();
    for arg in args {
        line.push(' ');
        let plain = |char: char| char.is_ascii_alphanumeric() || "-_=/.,:@+%".contains(char);
        if !arg.is_empty() && arg.chars().all(plain) {
            line.push_str(arg);
        } else {
            line.push('\'');
            line.push_str(&arg.replace('\'', r"'\''"));
            line.push('\'');
        }
    }
    line
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn host(rustc: &str) -> Result<String> {
    match rustc.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) => Ok(host.trim().to_owned()),
        None => Err(Problem::new(format!("`rustc -vV` names no host: {rustc}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_they_would_be_typed() {
        let args = ["build", "--features", "a b", "it's", ""].map(str::to_owned);
        assert_eq!(as_typed("cargo", &args), r"cargo build --features 'a b' 'it'\''s' ''");
    }

    #[test]
    fn host_is_read_from_the_verbose_version() {
        assert_eq!(host("rustc 1.95.0\nhost: a-b-c\nrelease: 1.95.0\n"), Ok("a-b-c".to_owned()));
        assert!(host("rustc 1.95.0\n").is_err());
    }
}
