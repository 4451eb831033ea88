//! Bounds how many vertices compile at once: BuildKit starts every vertex that is ready.
//!
//! A slot is an advisory lock on one of N files in a cache mount that all vertices share. The kernel drops it when
//! the process ends, however it ends, so nothing can leak. Who waits queues up on one more file, the turnstile: its
//! holder is the only one that looks for a free slot, everyone else sleeps in the kernel.

use std::fs::{File, OpenOptions};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, io, thread};

use longshore_helper::SLOTS_DIR;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::console::say;
use crate::problem::{Doing, Problem, Result};

/// Puts the slots elsewhere, for tests.
pub(crate) const SLOTS_DIR_ENV: &str = "LONGSHORE_SLOTS_DIR";

const TURNSTILE: &str = "turnstile";

/// How long the holder of the turnstile sleeps between two looks: short next to any rustc, long next to N syscalls.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Held until dropped; without slots to take it holds nothing.
#[derive(Debug)]
pub(crate) struct Slot {
    _file: Option<File>,
}

/// Where the slots' cache mount lies.
pub(crate) fn directory() -> PathBuf {
    env::var_os(SLOTS_DIR_ENV).map_or_else(|| PathBuf::from(SLOTS_DIR), PathBuf::from)
}

/// Waits for a slot.
pub(crate) fn take() -> Slot {
    let directory = directory();
    if !directory.is_dir() {
        return Slot { _file: None };
    }
    match take_in(&directory, parallelism()) {
        Ok(file) => Slot { _file: Some(file) },
        // Slots only save memory and time: a build that could not take one is still correct.
        Err(problem) => {
            say!("note: building without a slot: {problem}");
            Slot { _file: None }
        }
    }
}

/// How many CPUs this vertex may use.
pub(crate) fn parallelism() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Takes slots without waiting for them, where nobody does.
#[derive(Debug)]
pub(crate) struct Spare {
    directory: PathBuf,
    count: usize,
    turnstile: File,
}

impl Spare {
    /// Of `count` slots.
    pub(crate) fn new(directory: &Path, count: usize) -> Result<Self> {
        Ok(Spare { directory: directory.to_owned(), count, turnstile: open(directory, TURNSTILE)? })
    }

    /// Whether somebody waits for a slot, or looks for one at this moment.
    pub(crate) fn is_wanted(&self) -> bool {
        match retry(|| flock(&self.turnstile, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => retry(|| flock(&self.turnstile, FlockOperation::Unlock)).is_err(),
            Err(_) => true,
        }
    }

    /// A slot that nobody holds.
    pub(crate) fn take(&self) -> Option<File> {
        (0..self.count)
            .filter_map(|index| open(&self.directory, &index.to_string()).ok())
            .find(|slot| retry(|| flock(slot, FlockOperation::NonBlockingLockExclusive)).is_ok())
    }
}

pub(crate) fn take_in(directory: &Path, count: usize) -> Result<File> {
    let mut slots =
        (0..count).map(|index| open(directory, &index.to_string())).collect::<Result<Vec<_>>>()?;
    let turnstile = open(directory, TURNSTILE)?;
    retry(|| flock(&turnstile, FlockOperation::LockExclusive))
        .map_err(|error| cannot_lock(directory, error))?;
    loop {
        for index in 0..slots.len() {
            match retry(|| flock(&slots[index], FlockOperation::NonBlockingLockExclusive)) {
                Ok(()) => return Ok(slots.swap_remove(index)),
                Err(Errno::WOULDBLOCK) => {}
                Err(error) => return Err(cannot_lock(directory, error)),
            }
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

fn open(directory: &Path, name: &str) -> Result<File> {
    let path = directory.join(name);
    // The standard library opens with O_CLOEXEC, so no child inherits the lock and keeps it beyond our end.
    // Every vertex can write here, so what lies there is not trusted: a pipe would make the open wait for ever, and
    // a link would lead elsewhere.
    let open = || {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits() as i32)
            .open(&path)?;
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("not a regular file")),
        }
    };
    open()
        .or_else(|_| {
            fs::remove_file(&path)?;
            open()
        })
        .doing("open", &path)
}

fn retry(mut operation: impl FnMut() -> rustix::io::Result<()>) -> rustix::io::Result<()> {
    loop {
        match operation() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

fn cannot_lock(directory: &Path, error: Errno) -> Problem {
    Problem::io(format_args!("lock a slot in `{}`", directory.display()), &error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(TURNSTILE);
        let status = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(status.success());
        std::os::unix::fs::symlink("/nowhere", directory.path().join("0")).unwrap();
        take_in(directory.path(), 1).unwrap();
        assert!(path.metadata().unwrap().is_file());
    }

    #[test]
    fn a_slot_is_free_again_when_dropped_and_only_then() {
        let directory = tempfile::tempdir().unwrap();
        let first = take_in(directory.path(), 2).unwrap();
        let second = take_in(directory.path(), 2).unwrap();
        let probe = open(directory.path(), "0").unwrap();
        assert_eq!(flock(&probe, FlockOperation::NonBlockingLockExclusive), Err(Errno::WOULDBLOCK));
        drop(first);
        assert_eq!(flock(&probe, FlockOperation::NonBlockingLockExclusive), Ok(()));
        drop(second);
    }
}
