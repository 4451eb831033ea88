//! Bounds how many vertices compile at once: BuildKit starts every vertex that is ready.
//!
//! A slot is an advisory lock on one of N files in a cache mount that all vertices share. The kernel drops it when
//! the process ends, however it ends, so nothing can leak. The holder of a lock on one more file, the turnstile, is the only
//! one that looks for a free slot; everyone else sleeps in the kernel. It hands the turnstile to whoever should go first (see
//! [`queue`](crate::queue)): what the longest chain of vertices waits for.

use std::fs::{File, OpenOptions};
use std::net::Ipv4Addr;
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs, io, thread};

use longshore_helper::{PRIORITY_HOST, PRIORITY_MAX, SLOTS_DIR};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::console::say;
use crate::memory;
use crate::problem::{Doing, Problem, Result};
use crate::queue::Place;

/// Puts the slots elsewhere, for tests.
pub(crate) const SLOTS_DIR_ENV: &str = "LONGSHORE_SLOTS_DIR";

const TURNSTILE: &str = "turnstile";

/// How long the holder of the turnstile sleeps between two looks: short next to any rustc, long next to N syscalls.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// How long who waits sleeps unless it is called: the one that was to call it may have been killed.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// How long who waits for memory sleeps between two looks: there are few, and what they wait for takes long.
const HEAVY_INTERVAL: Duration = Duration::from_millis(50);

/// Held until dropped; without slots to take it holds nothing.
#[derive(Debug)]
pub(crate) struct Slot {
    _files: Vec<File>,
}

/// Where the slots' cache mount lies.
pub(crate) fn directory() -> PathBuf {
    env::var_os(SLOTS_DIR_ENV).map_or_else(|| PathBuf::from(SLOTS_DIR), PathBuf::from)
}

/// Waits for a slot; before that, if it is for something heavy, until few others that are heavy are at work.
pub(crate) fn take(is_heavy: bool) -> Slot {
    let directory = directory();
    if !directory.is_dir() {
        return Slot { _files: Vec::new() };
    }
    let take = || {
        // First, so that nobody waits for memory while it holds a slot.
        let heavy = is_heavy.then(|| take_heavy(&directory, heavy())).transpose()?;
        let slot = take_in(&directory, count(), priority())?;
        Ok(heavy.into_iter().chain([slot]).collect())
    };
    let files = take().unwrap_or_else(|problem: Problem| {
        // Slots only save memory and time: a build that could not take one is still correct.
        say!("note: building without a slot: {problem}");
        Vec::new()
    });
    Slot { _files: files }
}

/// How many slots there are: as many as CPUs, or as the memory is enough for.
pub(crate) fn count() -> usize {
    parallelism().min(memory::compilers())
}

/// How many slots are for what is heavy.
pub(crate) fn heavy() -> usize {
    count().min(memory::heavy())
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

fn take_heavy(directory: &Path, count: usize) -> Result<File> {
    let mut files =
        (0..count).map(|index| open(directory, &format!("heavy-{index}"))).collect::<Result<Vec<_>>>()?;
    loop {
        for index in 0..files.len() {
            match retry(|| flock(&files[index], FlockOperation::NonBlockingLockExclusive)) {
                Ok(()) => return Ok(files.swap_remove(index)),
                Err(Errno::WOULDBLOCK) => {}
                Err(error) => return Err(cannot_lock(directory, error)),
            }
        }
        thread::sleep(HEAVY_INTERVAL);
    }
}

pub(crate) fn take_in(directory: &Path, count: usize, priority: u32) -> Result<File> {
    let mut slots =
        (0..count).map(|index| open(directory, &index.to_string())).collect::<Result<Vec<_>>>()?;
    let turnstile = open(directory, TURNSTILE)?;
    // Who has no place in the queue goes when the turnstile is free.
    let place = Place::take(directory, priority).ok();
    loop {
        let entered = match &place {
            Some(_) => flock(&turnstile, FlockOperation::NonBlockingLockExclusive),
            None => retry(|| flock(&turnstile, FlockOperation::LockExclusive)),
        };
        match entered {
            Ok(()) => {
                if let Some(slot) =
                    look(&mut slots, place.as_ref()).map_err(|error| cannot_lock(directory, error))?
                {
                    drop(turnstile);
                    if let Some(place) = place {
                        place.leave();
                    }
                    return Ok(slot);
                }
                retry(|| flock(&turnstile, FlockOperation::Unlock))
                    .map_err(|error| cannot_lock(directory, error))?;
            }
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(error) => return Err(cannot_lock(directory, error)),
        }
        if let Some(place) = &place {
            place.call_first();
            place.wait(WAIT_MAX);
        }
    }
}

/// Behind the turnstile: looks for a free slot until there is one, or somebody should go first.
fn look(slots: &mut Vec<File>, place: Option<&Place>) -> rustix::io::Result<Option<File>> {
    loop {
        if place.is_some_and(|place| !place.is_first()) {
            return Ok(None);
        }
        for index in 0..slots.len() {
            match retry(|| flock(&slots[index], FlockOperation::NonBlockingLockExclusive)) {
                Ok(()) => return Ok(Some(slots.swap_remove(index))),
                Err(Errno::WOULDBLOCK) => {}
                Err(error) => return Err(error),
            }
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// What this vertex was told to be its priority; the lowest where it was told none.
fn priority() -> u32 {
    static PRIORITY: OnceLock<u32> = OnceLock::new();
    *PRIORITY.get_or_init(|| priority_in(&fs::read_to_string("/etc/hosts").unwrap_or_default()))
}

fn priority_in(hosts: &str) -> u32 {
    let told = hosts.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let address: Ipv4Addr = words.next()?.parse().ok()?;
        words.any(|name| name == PRIORITY_HOST).then(|| u32::from(address) & PRIORITY_MAX)
    });
    told.unwrap_or(0)
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
        take_in(directory.path(), 1, 0).unwrap();
        assert!(path.metadata().unwrap().is_file());
    }

    #[test]
    fn a_slot_is_free_again_when_dropped_and_only_then() {
        let directory = tempfile::tempdir().unwrap();
        let first = take_in(directory.path(), 2, 0).unwrap();
        let second = take_in(directory.path(), 2, 0).unwrap();
        let probe = open(directory.path(), "0").unwrap();
        assert_eq!(flock(&probe, FlockOperation::NonBlockingLockExclusive), Err(Errno::WOULDBLOCK));
        drop(first);
        assert_eq!(flock(&probe, FlockOperation::NonBlockingLockExclusive), Ok(()));
        drop(second);
    }

    #[test]
    fn what_is_heavy_waits_for_what_is() {
        let directory = tempfile::tempdir().unwrap();
        let held = take_heavy(directory.path(), 1).unwrap();
        // What is not goes on.
        take_in(directory.path(), 2, 0).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| take_heavy(directory.path(), 1).unwrap());
            thread::sleep(3 * HEAVY_INTERVAL);
            assert!(!waiting.is_finished());
            drop(held);
            waiting.join().unwrap();
        });
        let both = [0, 1].map(|_| take_heavy(directory.path(), 2).unwrap());
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn a_priority_is_an_address() {
        let hosts = "127.0.0.1\tlocalhost\n::1 localhost\n0.1.0.2\tlongshore-priority\n";
        assert_eq!(priority_in(hosts), 0x0001_0002);
        assert_eq!(priority_in("127.0.0.1 localhost\n"), 0);
    }

    #[test]
    fn what_matters_most_goes_first() {
        let directory = tempfile::tempdir().unwrap();
        let held = take_in(directory.path(), 1, 0).unwrap();
        let order = std::sync::Mutex::new(Vec::new());
        thread::scope(|scope| {
            for priority in [3, 1, 9, 5] {
                let (order, directory) = (&order, directory.path());
                scope.spawn(move || {
                    let slot = take_in(directory, 1, priority).unwrap();
                    order.lock().unwrap().push(priority);
                    drop(slot);
                });
            }
            while fs::read_dir(directory.path().join("queue")).map_or(0, Iterator::count) < 4 {
                thread::sleep(LOOK_INTERVAL);
            }
            drop(held);
        });
        assert_eq!(order.into_inner().unwrap(), [9, 5, 3, 1]);
        assert_eq!(fs::read_dir(directory.path().join("queue")).unwrap().count(), 0);
    }

    #[test]
    fn who_was_killed_while_it_waited_stops_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let dead = Place::take(directory.path(), 9).unwrap();
        dead.die();
        assert_eq!(fs::read_dir(directory.path().join("queue")).unwrap().count(), 1);
        take_in(directory.path(), 1, 1).unwrap();
        assert_eq!(fs::read_dir(directory.path().join("queue")).unwrap().count(), 0);
    }
}
