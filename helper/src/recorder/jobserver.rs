//! A jobserver for the recorded cargo: not to share CPUs with anybody, but for how cargo starts processes because of it.
//!
//! A cargo that makes its own jobserver hands it down as two file descriptors, by code that runs between `fork` and
//! `exec`, and so it forks: for each call of rustc the kernel copies the page tables of a process that holds the whole
//! graph, and throws them away. Where a named pipe is inherited nothing is handed down (`Client::configure` of the crate
//! `jobserver`, which cargo uses), and the standard library starts children without a copy. With 700 packages that is a
//! third of the time. The pipe is named as GNU make 4.4 names it, which cargo understands since 1.75.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::environment::Environment;
use crate::problem::{Doing, Result};
use crate::slots;

/// In the recording's directory.
const PIPE_FILE: &str = "jobserver";

/// Gone when dropped: cargo must not outlive it.
pub(super) struct Jobserver {
    path: PathBuf,
    /// Keeps the tokens in the pipe while nobody else has it open.
    _pipe: File,
}

impl Jobserver {
    /// One token for each CPU, and with cargo's own that is one more than there are: children do next to nothing, and
    /// one of them can start while cargo thinks.
    pub(super) fn start(recording: &Path) -> Result<Self> {
        let path = recording.join(PIPE_FILE);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .map_err(io::Error::from)
            .doing("create", &path)?;
        // With both ends open, opening does not wait for another process.
        let mut pipe = OpenOptions::new().read(true).write(true).open(&path).doing("open", &path)?;
        pipe.write_all(&vec![b'|'; slots::parallelism()]).doing("write", &path)?;
        Ok(Jobserver { path, _pipe: pipe })
    }

    /// Tells a cargo that is yet to be started.
    pub(super) fn offer(&self, environment: &mut Environment) {
        // These come first where they are set, and say where the jobserver of another `make` is.
        for name in ["CARGO_MAKEFLAGS", "MFLAGS"] {
            environment.remove(OsStr::new(name));
        }
        let jobs = slots::parallelism() + 1;
        let flags = format!("-j{jobs} --jobserver-auth=fifo:{}", self.path.display());
        environment.insert("MAKEFLAGS".into(), flags.into());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn tokens_wait_in_the_pipe_that_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let jobserver = Jobserver::start(directory.path()).unwrap();
        let mut environment =
            Environment::from([("CARGO_MAKEFLAGS".into(), "-j --jobserver-auth=3,4".into())]);
        jobserver.offer(&mut environment);
        assert!(!environment.contains_key(OsStr::new("CARGO_MAKEFLAGS")));
        let flags = environment[OsStr::new("MAKEFLAGS")].to_str().unwrap().to_owned();
        let path = flags.split_once("fifo:").unwrap().1;
        let mut pipe = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let mut tokens = vec![0; slots::parallelism()];
        pipe.read_exact(&mut tokens).unwrap();
        assert!(tokens.iter().all(|token| *token == b'|'), "{tokens:?}");
    }
}
