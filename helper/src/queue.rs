//! Who waits for a slot, in the order in which they should go.
//!
//! Everyone that waits has a named pipe in a directory of the slots' cache mount; the names sort by priority, then by time.
//! A byte in the pipe calls its owner. A pipe that nobody reads was left by somebody who was killed, and is removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

/// In the directory of the slots.
const DIRECTORY: &str = "queue";

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
        let name = format!("{:010}-{now:030}-{}-{number}", u32::MAX - priority, process::id());
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

fn first(directory: &Path) -> Option<String> {
    let names = fs::read_dir(directory).ok()?;
    names.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).min()
}

/// Without waiting for the other end.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits() as i32).open(path)
}
