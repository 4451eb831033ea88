//! `longshore-helper record`: lets the real cargo plan a build, and writes down what it would have run.
//!
//! Nothing is compiled. cargo runs with this binary as its rustc wrapper (see `wrapper.rs`), which creates empty
//! outputs; its build scripts are this binary too (see `stub.rs`). What a call means is for the frontend to say.

mod ambient;
mod calls;
mod jobserver;
mod metadata;
pub(crate) mod repositories;
mod skeleton;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs, thread};

use longshore_helper::recording::{
    Excerpt, FAILURE_FILE, Failure, METADATA_FILE, RECORDING_FILE, RecordRequest, Recording,
};

pub(crate) use self::calls::write_call;
use self::jobserver::Jobserver;
use crate::environment::{self, Environment};
use crate::problem::{Doing, Problem, Result};
use crate::{ansi, archive, files, unusable};

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

impl Refusal {
    /// With what `rustc -vV` printed, if it was asked before: what cargo takes depends on how old it is.
    fn with_rustc(self, version: Option<&Vec<u8>>) -> Self {
        match (self, version) {
            (Refusal::Cargo(failure), Some(version)) => {
                Refusal::Cargo(Failure { rustc: text(version.clone()), ..failure })
            }
            (refusal, _) => refusal,
        }
    }
}

/// Does what the request asks; a refusal of cargo's is a result like any other.
pub(crate) fn record(request: &RecordRequest) -> Result<()> {
    let output = Path::new(&request.output);
    fs::create_dir_all(output).doing("create", output)?;
    match run_cargo(request) {
        Ok(recording) => files::write_dense_json(&output.join(RECORDING_FILE), &recording),
        Err(Refusal::Cargo(failure)) => files::write_json(&output.join(FAILURE_FILE), &failure),
        Err(Refusal::Problem(problem)) => Err(problem),
    }
}

fn run_cargo(request: &RecordRequest) -> std::result::Result<Recording, Refusal> {
    let tree = Path::new(&request.workspace);
    skeleton::lay_out(Path::new(&request.skeleton), Path::new(&request.names), &request.links, tree)?;
    let workspace = &tree.join(&request.root);
    let sizes = lay_out_packages(request)?;
    write_cargo_config(&request.cargo_config)?;
    let recording = prepare_recording_directory(Path::new(&request.target_dir))?;
    let mut environment = cargo_environment(request, &recording)?;
    repositories::offer(&request.repositories, &recording, &mut environment)?;
    let jobserver = Jobserver::start(&recording)?;
    jobserver.offer(&mut environment);
    ambient::save(&recording, &environment)?;

    let [rustc, cargo, metadata, _] = ask_cargo(request, workspace, &environment)?;
    let metadata_file = Path::new(&request.output).join(METADATA_FILE);
    files::write_dense_json(&metadata_file, &metadata::shortened(&metadata)?)?;

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
        // Or one would wait for the other's lock: who resolves holds that of `CARGO_HOME` (`resolve_with_previous` in
        // cargo's `ops/resolve.rs`, `util/cache_lock.rs`). cargo's configuration is named on the command line.
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
        let said = tell(answer.unwrap_or_else(&build), environment);
        told.push(said.map_err(|refusal| refusal.with_rustc(told.first()))?);
    }
    Ok(told.try_into().expect("as many answers as questions"))
}

/// Lays out what cargo reads of packages that came as archives, and returns the sizes of these.
fn lay_out_packages(request: &RecordRequest) -> std::result::Result<BTreeMap<String, u64>, Refusal> {
    let mut excerpts: BTreeMap<String, Excerpt> = BTreeMap::new();
    for file in &request.excerpts {
        excerpts.append(&mut files::read_json(Path::new(file))?);
    }
    let mut sizes = BTreeMap::new();
    for (place, checksum) in &request.archives {
        let Some(excerpt) = excerpts.get(place) else {
            return Err(Problem::new(format!("no excerpt has `{place}`")).into());
        };
        // Those of the workspace nobody has compared with the lock file yet.
        if excerpt.checksum != *checksum {
            return Err(Refusal::Cargo(changed(Path::new(place), checksum, &excerpt.checksum)));
        }
        archive::lay_out(excerpt, Path::new(place))?;
        sizes.insert(place.clone(), excerpt.bytes);
    }
    Ok(sizes)
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
        rustc: String::new(),
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
/// the host, through whatever wrapper the cargo configuration names (`build_resolve_graph` in cargo's
/// `ops/cargo_output_metadata.rs`, `TargetInfo::new` in `core/compiler/build_context/target_info.rs`).
fn cargo_environment(request: &RecordRequest, recording: &Path) -> Result<Environment> {
    let mut environment = environment::base();
    // How cargo talks must not depend on the image. (`-vv` even changes `--cap-lints`, by `add_cap_lints` in cargo's
    // `core/compiler/mod.rs`, but no variable stands for it: `GlobalContext::configure` in `util/context/mod.rs`.)
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
    let stderr = ansi::strip(&String::from_utf8_lossy(&finished.stderr));
    if unusable::is_of_the_moment(&stderr) {
        return Err(Problem::new(format!(
            "`{command}` failed for want of something on the builder; build again"
        ))
        .into());
    }
    Err(Refusal::Cargo(Failure { command, status, stderr, rustc: String::new() }))
}

fn not_found(program: &str, path: Option<&OsString>) -> Failure {
    let path = path.map(|path| path.to_string_lossy()).unwrap_or_default();
    Failure {
        command: program.to_owned(),
        status: -1,
        stderr: format!("there is no `{program}` in the image: `PATH` is `{path}`\n"),
        rustc: String::new(),
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
    fn what_the_machine_lacks_is_no_refusal() {
        let told = |script: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]);
            tell(Ok(("cargo".to_owned(), shell.output().unwrap())), &Environment::new())
        };
        assert!(matches!(told("echo no such package >&2; exit 101"), Err(Refusal::Cargo(_))));
        let killed =
            "echo \"process didn't exit successfully: rustc (signal: 9, SIGKILL: kill)\" >&2; exit 101";
        assert!(matches!(told(killed), Err(Refusal::Problem(_))));
        assert!(matches!(told("kill -9 $$"), Err(Refusal::Problem(_))));
    }

    #[test]
    fn commands_are_shown_as_they_would_be_typed() {
        let args = ["build", "--features", "a b", "it's", ""].map(str::to_owned);
        assert_eq!(as_typed("cargo", &args), r"cargo build --features 'a b' 'it'\''s' ''");
    }

    /// A request for one package, whose archive was found to be `found`.
    fn request(root: &Path, found: &str) -> RecordRequest {
        let place = root.join("vendor/a-1.0.0").to_string_lossy().into_owned();
        let excerpt = Excerpt {
            checksum: found.to_owned(),
            bytes: 7,
            manifest: Some("[package]\n".to_owned()),
            names: vec!["src/lib.rs".to_owned()],
        };
        let excerpts = root.join("0.json");
        files::write_json(&excerpts, &BTreeMap::from([(&place, excerpt)])).unwrap();
        RecordRequest {
            skeleton: String::new(),
            names: String::new(),
            links: Vec::new(),
            workspace: String::new(),
            root: String::new(),
            target_dir: String::new(),
            output: String::new(),
            cargo_config: String::new(),
            archives: [(place, "cafe".to_owned())].into(),
            excerpts: vec![excerpts.to_string_lossy().into_owned()],
            repositories: Vec::new(),
            metadata_args: Vec::new(),
            build_args: Vec::new(),
        }
    }

    #[test]
    fn packages_are_laid_out_as_excerpts_have_them() {
        let root = tempfile::tempdir().unwrap();
        let Ok(sizes) = lay_out_packages(&request(root.path(), "cafe")) else { panic!("it is refused") };
        assert_eq!(sizes.into_values().collect::<Vec<_>>(), [7]);
        let read = |path: &str| fs::read_to_string(root.path().join("vendor/a-1.0.0").join(path)).unwrap();
        assert_eq!(read("Cargo.toml"), "[package]\n");
        assert_eq!(read("src/lib.rs"), "");
        assert_eq!(read(".cargo-checksum.json"), r#"{"files":{},"package":"cafe"}"#);
    }

    #[test]
    fn an_archive_that_is_not_the_locked_one_is_refused_and_a_missing_excerpt_is_ours() {
        let root = tempfile::tempdir().unwrap();
        let Err(Refusal::Cargo(failure)) = lay_out_packages(&request(root.path(), "beef")) else {
            panic!("it is laid out")
        };
        assert!(failure.stderr.contains("`a-1.0.0`: it is beef, and `Cargo.lock` has cafe"), "{failure:?}");
        let none = RecordRequest { excerpts: Vec::new(), ..request(root.path(), "cafe") };
        assert!(matches!(lay_out_packages(&none), Err(Refusal::Problem(_))));
    }

    #[test]
    fn host_is_read_from_the_verbose_version() {
        assert_eq!(host("rustc 1.95.0\nhost: a-b-c\nrelease: 1.95.0\n"), Ok("a-b-c".to_owned()));
        assert!(host("rustc 1.95.0\n").is_err());
    }
}
