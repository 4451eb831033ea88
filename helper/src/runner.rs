//! `longshore-helper build`: builds the packages of one vertex, each step after step while holding a slot.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use longshore_helper::report::{WARNINGS_FILE, Warning};
use longshore_helper::spec::{Bundle, Heavy, Spec, Step};

use crate::console::{self, say};
use crate::environment::{self, Environment};
use crate::problem::{Doing, Result};
use crate::{
    archive, files, ledger, mtime, rustc, schedule, script_run, slots, sources, tokens, tracer, unusable,
};

/// How the user's code fared. What there is to say about a failure has been said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// It would fail again.
    Failed,
    /// A process ended by a signal or a mistake of its own: the next time may be another.
    Broken,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> ExitCode {
        match verdict {
            Verdict::Passed => ExitCode::SUCCESS,
            Verdict::Failed | Verdict::Broken => ExitCode::FAILURE,
        }
    }
}

/// Variables that would make a child behave as if cargo were waiting for it, or bring a wrapper along. The first three say
/// where a jobserver is (`Client::from_env` of the crate `jobserver`). Of the others, cargo keeps `RUSTFLAGS` from build
/// scripts, and passes wrappers on only where it has them itself (`build_work` in its `core/compiler/custom_build.rs`).
pub(crate) const NOT_FOR_CHILDREN: [&str; 6] =
    ["CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS"];

/// Builds the packages of a vertex, then makes the output reproducible.
pub(crate) fn build(bundle: &Bundle) -> Result<Verdict> {
    let output = Path::new(&bundle.output);
    fs::create_dir_all(output).doing("create", output)?;
    let verdict = match bundle.packages.as_slice() {
        [alone] => package(alone)?,
        several => schedule::all(several, slots::parallelism(), in_bundle)?,
    };
    mtime::normalise(output)?;
    Ok(verdict)
}

/// Builds a package of a bundle of several. That it cannot be compiled stops those that use it, and not the others.
fn in_bundle(spec: &Spec) -> Result<Verdict> {
    let (verdict, said) = console::heard(|| package(spec));
    match verdict? {
        Verdict::Failed if !unusable::is_of_the_moment(&said) => {
            unusable::mark(spec, &said)?;
            say!("note: {} is left out: what uses it will fail, and nothing else", spec.package);
            Ok(Verdict::Passed)
        }
        verdict => Ok(verdict),
    }
}

/// Runs a package's steps until one fails.
fn package(spec: &Spec) -> Result<Verdict> {
    let output = Path::new(&spec.output);
    fs::create_dir_all(output).doing("create", output)?;
    if let Some(why) = unusable::below(spec) {
        say!("{why}");
        return Ok(Verdict::Failed);
    }
    let mut environment = environment::base();
    for name in NOT_FOR_CHILDREN {
        environment.remove(OsStr::new(name));
    }
    environment::extend_with_recorded(&mut environment, &spec.env, spec);

    let arrived = Instant::now();
    let slot = slots::take(spec.heavy.is_some());
    let started = Instant::now();
    tokens::offer(&mut environment, jobs(spec) - 1);
    if let Some(place) = &spec.unpack {
        archive::unpack(Path::new(place))?;
    }
    sources::show(spec)?;
    let mut warnings = Vec::new();
    for step in &spec.steps {
        let verdict = match step {
            Step::Rustc(step) => rustc::run(spec, step, &environment, &mut warnings)?,
            Step::BuildScript(step) => script_run::run(spec, step, &environment, &mut warnings)?,
        };
        if verdict != Verdict::Passed {
            return Ok(verdict);
        }
    }
    drop(slot);
    sources::refuse_written(spec)?;
    tracer::made(output)?;
    if let Some(report) = &spec.report {
        write_report(Path::new(report), warnings)?;
    }
    if let Some(key) = &spec.ledger {
        ledger::note(key, started.elapsed(), output);
    }
    // For whoever reads the log: why a vertex took long. It is also the proof that the vertex ran, and was not
    // taken from a cache.
    say!(
        "longshore: {} took {:.1} s, after {:.1} s for a slot",
        spec.package,
        started.elapsed().as_secs_f32(),
        (started - arrived).as_secs_f32()
    );
    Ok(Verdict::Passed)
}

/// How many processes or threads a step of the package may have at work.
pub(crate) fn jobs(spec: &Spec) -> usize {
    match spec.heavy {
        Some(Heavy::Toolkit) => slots::heavy(),
        Some(Heavy::Lto) | None => slots::count(),
    }
}

/// Keeps the warnings, for builds that find this vertex in the cache and do not see them.
fn write_report(directory: &Path, mut warnings: Vec<Warning>) -> Result<()> {
    fs::create_dir_all(directory).doing("create", directory)?;
    if !warnings.is_empty() {
        warnings.sort();
        warnings.dedup();
        files::write_json(&directory.join(WARNINGS_FILE), &warnings)?;
    }
    mtime::normalise(directory)
}

/// The compiler to start: cargo bypasses rustup's proxy when it can, which saves a process per call (`GlobalContext::get_tool`
/// in its `util/context/mod.rs`).
pub(crate) fn rustc_program(environment: &Environment) -> PathBuf {
    let variable = |name: &str| environment.get(OsStr::new(name)).map(PathBuf::from);
    if let (Some(home), Some(toolchain)) = (variable("RUSTUP_HOME"), variable("RUSTUP_TOOLCHAIN")) {
        let direct = home.join("toolchains").join(toolchain).join("bin/rustc");
        if direct.is_file() {
            return direct;
        }
    }
    PathBuf::from("rustc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustc_is_started_directly_when_rustup_says_where_it_is() {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("toolchains/stable/bin");
        let mut environment = Environment::new();
        environment.insert("RUSTUP_HOME".into(), home.path().into());
        environment.insert("RUSTUP_TOOLCHAIN".into(), "stable".into());
        assert_eq!(rustc_program(&environment), Path::new("rustc"));
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("rustc"), "").unwrap();
        assert_eq!(rustc_program(&environment), bin.join("rustc"));
    }
}
