//! Git dependencies, for a cargo that has no network: this binary as the program `git` that cargo fetches with.
//!
//! BuildKit has the repositories checked out at the commits of `Cargo.lock`. Where cargo wants them depends on its
//! version (`git/db/NAME-HASH` below `CARGO_HOME`, cargo's `sources/git/source.rs`, `ident`); that it fetches with the
//! program `git` (`net.git-fetch-with-cli`), in that directory, tells. The fetch copies the objects, and lays the checkout out
//! beside: a checkout that cargo finds there at the right commit it takes as it is (`sources/git/utils.rs`, `copy_to`).

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use longshore_helper::recording::Repository;

use super::skeleton;
use crate::environment::Environment;
use crate::problem::{Doing, Problem, Result};
use crate::{files, tree};

/// In the recording's directory: the repositories, for the processes that cargo starts.
const LIST_FILE: &str = "repositories.json";

/// In the recording's directory: where `git` lies.
const PROGRAMS: &str = "programs";

/// What cargo leaves in a checkout that is complete, and looks for (`GitCheckout::is_fresh` in `sources/git/utils.rs`).
const READY_FILE: &str = ".cargo-ok";

/// How much of a commit's name cargo calls its checkout by (`GitDatabase::to_short_id` in `sources/git/utils.rs`, by
/// libgit2's `git_object_short_id`). It takes more where another object of the repository begins alike; then it finds
/// nothing here, and makes a checkout itself.
const SHORT_COMMIT: usize = 7;

/// Has cargo fetch with this binary, where there is anything to fetch.
pub(super) fn offer(
    repositories: &[Repository],
    recording: &Path,
    environment: &mut Environment,
) -> Result<()> {
    if repositories.is_empty() {
        return Ok(());
    }
    files::write_json(&recording.join(LIST_FILE), &repositories)?;
    let programs = recording.join(PROGRAMS);
    fs::create_dir(&programs).doing("create", &programs)?;
    let helper = env::current_exe().map_err(|error| Problem::io("find the helper's own path", &error))?;
    let git = programs.join("git");
    symlink(helper, &git).doing("create", &git)?;
    let path = environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let path = env::join_paths(std::iter::once(programs).chain(env::split_paths(&path)))
        .map_err(|error| Problem::new(format!("`PATH` cannot be added to: {error}")))?;
    environment.insert("PATH".into(), path);
    environment.insert("CARGO_NET_GIT_FETCH_WITH_CLI".into(), "true".into());
    // What there is no network for is not asked for either: every registry is a directory.
    environment.remove(OsStr::new("CARGO_NET_OFFLINE"));
    Ok(())
}

/// Whether this process was started as `git`.
pub(crate) fn stands_for_git(program: &Path) -> bool {
    program.file_name() == Some(OsStr::new("git"))
}

/// `git fetch … URL REFSPEC…` in a bare repository of cargo's; everything else that cargo asks of git may wait.
pub(crate) fn git(recording: &Path, args: &[OsString]) -> Result<ExitCode> {
    if args.first().map(OsString::as_os_str) != Some(OsStr::new("fetch")) {
        return Ok(ExitCode::SUCCESS);
    }
    let all: Vec<Repository> = files::read_json(&recording.join(LIST_FILE))?;
    let asked: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let known: Vec<&Repository> =
        all.iter().filter(|known| asked.iter().any(|arg| is_same(arg, &known.url))).collect();
    if known.is_empty() {
        let url = asked.iter().find(|arg| arg.contains("://") || arg.contains('@'));
        // Cargo shows it as git's own words.
        eprintln!("fatal: `{}` is not in Cargo.lock", url.map_or("the repository", String::as_str));
        return Ok(ExitCode::FAILURE);
    }
    let database = env::current_dir().map_err(|error| Problem::io("find the working directory", &error))?;
    for repository in known {
        fill(&database, repository)?;
        check_out(&database, repository)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// With and without `.git` and a slash at the end it is one repository (cargo's `util/canonical_url.rs`).
fn is_same(a: &str, b: &str) -> bool {
    let plain = |url: &str| {
        let url = url.trim_end_matches('/');
        url.strip_suffix(".git").unwrap_or(url).to_owned()
    };
    plain(a) == plain(b)
}

/// Copies the objects of a checkout into cargo's database.
fn fill(database: &Path, repository: &Repository) -> Result<()> {
    let from = Path::new(&repository.at).join(".git");
    let objects = from.join("objects");
    tree::copy_new(&objects, &database.join("objects")).doing("copy the objects in", &objects)?;
    // The commits whose parents are not there. A database with several checkouts has all their lines.
    let shallow = match fs::read_to_string(from.join("shallow")) {
        Ok(lines) => lines,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).doing("read", &from.join("shallow")),
    };
    let file = database.join("shallow");
    let before = fs::read_to_string(&file).unwrap_or_default();
    fs::write(&file, before + &shallow).doing("write", &file)
}

/// Lays out what cargo reads of a checkout: manifests, and empty sources. Git's own directory stays where it is.
fn check_out(database: &Path, repository: &Repository) -> Result<()> {
    let at = Path::new(&repository.at);
    let ident = database.file_name().unwrap_or_default();
    let home = database.parent().and_then(Path::parent).unwrap_or(database);
    let short = repository.commit.get(..SHORT_COMMIT).unwrap_or(&repository.commit);
    let checkout: PathBuf = home.join("checkouts").join(ident).join(short);
    fs::create_dir_all(&checkout).doing("create", &checkout)?;
    skeleton::copy_manifests(at, &checkout)?;
    let pointer = checkout.join(".git");
    fs::write(&pointer, format!("gitdir: {}\n", at.join(".git").display())).doing("write", &pointer)?;
    let ready = checkout.join(READY_FILE);
    fs::write(&ready, "").doing("write", &ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_several_addresses() {
        assert!(is_same("https://example.org/a/b.git", "https://example.org/a/b/"));
        assert!(!is_same("https://example.org/a/b", "https://example.org/a/bb"));
    }
}
