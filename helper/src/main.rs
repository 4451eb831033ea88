//! The helper binary: recorder and runner inside build containers.
//!
//! It is started in several ways: as `excerpt`, `gather`, `record`, `build`, `contents`, `install`, `sysroot`, `toolchain`, `finish` and `summary` by the frontend's vertices, and, while a recording is under
//! way, by cargo as its rustc wrapper and in the place of a build script. Nothing here knows LLB or BuildKit.

mod ansi;
mod archive;
mod console;
mod device;
mod elf;
mod environment;
mod excerpts;
mod files;
mod finisher;
mod gatherer;
mod help;
mod installer;
mod ledger;
mod library_path;
mod loader;
mod memory;
mod mtime;
mod problem;
mod process;
mod queue;
mod recorder;
mod request;
mod reuse;
mod runner;
mod rustc;
mod rustup;
mod schedule;
mod script;
mod script_run;
mod slots;
mod sources;
mod stamp;
mod stub;
mod sysroot;
mod tokens;
mod tracer;
mod tree;
mod unusable;
mod wrapper;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, panic};

use crate::console::say;
use crate::problem::{Problem, Result};
use crate::recorder::repositories;

/// What `sysexits.h` calls an internal software error.
const EXIT_INTERNAL_ERROR: u8 = 70;

const USAGE: &str = "usage: longshore-helper excerpt | gather | record | build | contents | install | sysroot | toolchain | finish | summary | --version (the request is in LONGSHORE_REQUEST_0, _1, …)";

fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        say!("internal error: {info}");
        say!("please report this, with the lines above, as a bug of longshore-helper {}", version());
    }));
    match panic::catch_unwind(run) {
        Ok(Ok(code)) => code,
        Ok(Err(problem)) => {
            say!("error: {problem}");
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::from(EXIT_INTERNAL_ERROR),
    }
}

fn run() -> Result<ExitCode> {
    let mut args = env::args_os();
    let program = args.next().map(PathBuf::from).unwrap_or_default();
    let args: Vec<OsString> = args.collect();
    if let Some(recording) = env::var_os(recorder::RECORDING_ENV) {
        let recording = PathBuf::from(recording);
        let done = if stub::stands_for_build_script(&program) {
            stub::run(&recording, &program, &args)
        } else if repositories::stands_for_git(&program) {
            repositories::git(&recording, &args)
        } else {
            wrapper::run(&recording, args)
        };
        return done.inspect_err(|problem| recorder::report(&recording, problem));
    }
    match args.first().and_then(|command| command.to_str()) {
        Some("excerpt") => {
            excerpts::write(&request::read()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some("gather") => {
            gatherer::gather(&request::read()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some("record") => {
            recorder::record(&request::read()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some("build") => Ok(runner::build(&request::read()?)?.into()),
        Some("contents") => {
            reuse::contents::write(&request::read()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some("finish") => Ok(finisher::finish(&request::read()?)?.into()),
        Some("install") => Ok(installer::install(&request::read()?)?.into()),
        Some("sysroot") => Ok(sysroot::build(&request::read()?)?.into()),
        Some("toolchain") => Ok(rustup::provide(&request::read()?)?.into()),
        Some("summary") => {
            ledger::summarise(&request::read()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some("--version") => {
            writeln!(io::stdout(), "longshore-helper {}", version())
                .map_err(|error| Problem::io("write to stdout", &error))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => Err(Problem::new(format!("no such command: `{other}`; {USAGE}"))),
        None => Err(Problem::new(USAGE)),
    }
}

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
