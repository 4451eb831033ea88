//! Who waits for a slot, in the order in which they should go.
//!
//! Everyone that waits has a named pipe in a directory of the slots' cache mount; the names sort by priority, then by time.
//! A byte in the pipe calls its owner. A pipe that nobody reads was left by somebody who was killed, and is removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

/// In the directory of the slots.
const DIRECTORY: &str = "queue";

/// How long the parts of a name are that it is sorted by: any `u32`, any time in nanoseconds.
const PRIORITY_DIGITS: usize = 10;
const TIME_DIGITS: usize = 30;

/// A place in the queue, until it is left or dropped.
#[derive(Debug)]
pub(crate) struct Place {
    directory: PathBuf,
    name: String,
    pipe: File,
}

impl Place {
    /// Queues up behind all that have this priority or a higher one.
    pub(crate) fn take(slots: &Path, priority: u32) -> io::Result<Place> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let directory = slots.join(DIRECTORY);
        fs::create_dir_all(&directory)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        // Processes of different containers have equal ids.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let priority = u32::MAX - priority;
        let name = format!("{priority:0PRIORITY_DIGITS$}-{now:0TIME_DIGITS$}-{}-{number}", process::id());
        let path = directory.join(&name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // With both ends open, it never ends.
        let pipe = open(&path, OpenOptions::new().read(true).write(true))?;
        Ok(Place { directory, name, pipe })
    }

    /// Whether nobody should go before.
    pub(crate) fn is_first(&self) -> bool {
        first(&self.directory).is_none_or(|first| first >= self.name)
    }

    /// Calls whoever should go first, unless that is this one.
    pub(crate) fn call_first(&self) {
        call_first(&self.directory, &self.name);
    }

    /// Sleeps until it is called, or for so long.
    pub(crate) fn wait(&self, most: Duration) {
        let most = Timespec { tv_sec: most.as_secs() as i64, tv_nsec: most.subsec_nanos().into() };
        let _ = poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&most));
        // Several calls are one.
        let _ = (&self.pipe).read(&mut [0; 64]);
    }

    /// Leaves, and calls the next.
    pub(crate) fn leave(self) {
        let directory = self.directory.clone();
        drop(self);
        call_first(&directory, LAST);
    }

    /// As if its process were killed.
    #[cfg(test)]
    pub(crate) fn die(self) {
        let kept = self.directory.join("kept");
        fs::rename(self.directory.join(&self.name), &kept).unwrap();
        let path = self.directory.join(&self.name);
        drop(self);
        fs::rename(kept, path).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.directory.join(&self.name));
    }
}

/// Sorts behind every name.
const LAST: &str = "~";

/// Calls the first whose name sorts before this one.
fn call_first(directory: &Path, before: &str) {
    while let Some(first) = first(directory).filter(|first| first.as_str() < before) {
        let path = directory.join(first);
        let called = open(&path, OpenOptions::new().write(true)).and_then(|mut pipe| pipe.write_all(b"+"));
        match called {
            // It has been called more often than a pipe has room for.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Ok(()) => return,
            // Nobody reads it.
            Err(_) if fs::remove_file(&path).is_ok() => {}
            Err(_) => return,
        }
    }
}

/// Whatever else lies there was put there by a build script or a macro, and waits for nothing.
fn first(directory: &Path) -> Option<String> {
    let entries = fs::read_dir(directory).ok()?;
    let names = entries.filter_map(|entry| {
        let entry = entry.ok().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_fifo()))?;
        entry.file_name().into_string().ok().filter(|name| is_place(name))
    });
    names.min()
}

/// Whether a name is one that [`Place::take`] gives.
fn is_place(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    parts.len() == 4
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && (parts[0].len(), parts[1].len()) == (PRIORITY_DIGITS, TIME_DIGITS)
}

/// Without waiting for the other end.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits() as i32).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_put_there_is_in_nobodys_way() {
        let slots = tempfile::tempdir().unwrap();
        let place = Place::take(slots.path(), 1).unwrap();
        let at = |name: &str| slots.path().join(DIRECTORY).join(name);
        fs::write(at("!"), "").unwrap();
        fs::create_dir(at("0")).unwrap();
        mknodat(CWD, at("0000000000-1-2-3"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        fs::write(at(&format!("{}-{}-1-1", "0".repeat(PRIORITY_DIGITS), "0".repeat(TIME_DIGITS))), "")
            .unwrap();
        assert!(place.is_first());
        let sooner = Place::take(slots.path(), 2).unwrap();
        assert!(sooner.is_first() && !place.is_first());
    }
}
