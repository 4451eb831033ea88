//! A jobserver for what a vertex runs, whose tokens are slots: rustc's threads and the processes of build scripts count like
//! vertices, and all of a daemon together never run more than there are CPUs.
//!
//! A vertex holds a slot while it compiles; that is the token that every client of a jobserver has to begin with. Slots that
//! nobody else wants become tokens in a pipe, one after the other as they are taken from it, and are taken back out of it as
//! soon as somebody waits for a slot. So a vertex with nothing for a second thread to do keeps no more than one from others.
//! Without a jobserver, each rustc would run a thread for each of 16 codegen units.
//!
//! The pipe has two inherited file descriptors, as cargo's has: `make` before 4.4 knows no named pipes
//! (GNU make, "POSIX Jobserver Interaction").

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionread};

use crate::console::say;
use crate::environment::Environment;
use crate::slots::{self, Spare};

/// How often slots are given out or taken back: rarely next to what a codegen unit takes, often next to what people notice.
const INTERVAL: Duration = Duration::from_millis(20);

/// How many tokens wait in the pipe for somebody to need them.
const UNUSED_MAX: u64 = 1;

/// Both ends of the pipe, open as long as this process is: children inherit them.
struct Pipe {
    reader: PipeReader,
    writer: PipeWriter,
}

/// Tells a child of the jobserver; the first child starts it, with at most `tokens_max` tokens. Without slots there is none.
pub(crate) fn offer(environment: &mut Environment, tokens_max: usize) {
    static PIPE: OnceLock<Option<Pipe>> = OnceLock::new();
    let started = PIPE.get_or_init(|| {
        let directory = slots::directory();
        if !directory.is_dir() {
            return None;
        }
        start(&directory, tokens_max)
            .map_err(|error| say!("note: building without a jobserver: {error}"))
            .ok()
    });
    if let Some(pipe) = started {
        let auth = format!("{},{}", pipe.reader.as_raw_fd(), pipe.writer.as_raw_fd());
        // As the crate `jobserver` writes it, which cargo uses.
        let flags = format!("-j --jobserver-fds={auth} --jobserver-auth={auth}");
        environment.insert(OsStr::new("CARGO_MAKEFLAGS").into(), flags.into());
    }
}

fn start(directory: &Path, given_max: usize) -> io::Result<Pipe> {
    let (reader, writer) = io::pipe()?;
    fcntl_setfd(&reader, FdFlags::empty())?;
    fcntl_setfd(&writer, FdFlags::empty())?;
    // Opened once more, so that only this end of it never waits.
    let own = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits() as i32)
        .open(format!("/proc/self/fd/{}", reader.as_raw_fd()))?;
    let spare =
        Spare::new(directory, slots::count()).map_err(|problem| io::Error::other(problem.to_string()))?;
    let tokens = Tokens { spare, given: Vec::new(), given_max, reader: own, writer: writer.try_clone()? };
    thread::Builder::new().name("tokens".to_owned()).spawn(move || tokens.serve())?;
    Ok(Pipe { reader, writer })
}

struct Tokens {
    spare: Spare,
    /// A slot for each token that is in the pipe or with a child.
    given: Vec<File>,
    given_max: usize,
    reader: File,
    writer: PipeWriter,
}

impl Tokens {
    /// Until the process ends.
    fn serve(mut self) {
        loop {
            if self.turn().is_err() {
                return;
            }
            thread::sleep(INTERVAL);
        }
    }

    fn turn(&mut self) -> io::Result<()> {
        let is_wanted = self.spare.is_wanted();
        let kept = if is_wanted { 0 } else { UNUSED_MAX };
        // Those in use come back when their users are done.
        while ioctl_fionread(&self.reader)? > kept {
            if !self.take_back() {
                break;
            }
            if is_wanted {
                return Ok(());
            }
        }
        if !is_wanted
            && ioctl_fionread(&self.reader)? < UNUSED_MAX
            && self.given.len() < self.given_max
            && let Some(slot) = self.spare.take()
        {
            self.given.push(slot);
            self.writer.write_all(b"+")?;
        }
        Ok(())
    }

    /// Frees the slot of a token that is in the pipe, if somebody did not take it first.
    fn take_back(&mut self) -> bool {
        let is_taken = !self.given.is_empty() && self.reader.read(&mut [0]).is_ok_and(|bytes| bytes == 1);
        if is_taken {
            self.given.pop();
        }
        is_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `count` slots.
    fn tokens(directory: &Path, count: usize) -> (Tokens, PipeReader) {
        let (reader, writer) = io::pipe().unwrap();
        let own = OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::NONBLOCK.bits() as i32)
            .open(format!("/proc/self/fd/{}", reader.as_raw_fd()))
            .unwrap();
        let spare = Spare::new(directory, count).unwrap();
        (Tokens { spare, given: Vec::new(), given_max: count, reader: own, writer }, reader)
    }

    fn turns(tokens: &mut Tokens, times: usize) {
        for _ in 0..times {
            tokens.turn().unwrap();
        }
    }

    /// A child takes all that it can get.
    fn use_all(tokens: &mut Tokens, pipe: &mut PipeReader) {
        for _ in 0..20 {
            tokens.turn().unwrap();
            if ioctl_fionread(&tokens.reader).unwrap() > 0 {
                pipe.read_exact(&mut [0]).unwrap();
            }
        }
    }

    #[test]
    fn free_slots_become_tokens_and_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let (mut tokens, mut pipe) = tokens(directory.path(), 3);
        let held = slots::take_in(directory.path(), 3, 0).unwrap();
        use_all(&mut tokens, &mut pipe);
        assert_eq!(tokens.given.len(), 2);
        drop(held);
        use_all(&mut tokens, &mut pipe);
        assert_eq!(tokens.given.len(), 3);
    }

    #[test]
    fn of_tokens_that_nobody_uses_one_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let (mut tokens, mut pipe) = tokens(directory.path(), 16);
        turns(&mut tokens, 20);
        assert_eq!(tokens.given.len(), 1);
        use_all(&mut tokens, &mut pipe);
        assert_eq!(tokens.given.len(), 16);
        // Their users are done.
        tokens.writer.write_all(&[b'+'; 16]).unwrap();
        turns(&mut tokens, 1);
        assert_eq!(tokens.given.len(), 1);
    }

    #[test]
    fn there_are_no_more_tokens_than_are_allowed() {
        let directory = tempfile::tempdir().unwrap();
        let (mut tokens, _pipe) = tokens(directory.path(), 3);
        tokens.given_max = 1;
        turns(&mut tokens, 5);
        assert_eq!(tokens.given.len(), 1);
    }

    #[test]
    fn tokens_that_nobody_uses_are_slots_again_when_one_is_wanted() {
        let directory = tempfile::tempdir().unwrap();
        let (mut tokens, mut pipe) = tokens(directory.path(), 2);
        turns(&mut tokens, 5);
        // A child uses one of them.
        pipe.read_exact(&mut [0]).unwrap();
        turns(&mut tokens, 5);
        assert_eq!(tokens.given.len(), 2);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| slots::take_in(directory.path(), 2, 0).unwrap());
            while !waiting.is_finished() {
                tokens.turn().unwrap();
                thread::sleep(Duration::from_millis(1));
            }
            let slot = waiting.join().unwrap();
            assert_eq!(tokens.given.len(), 1, "the one that is in use");
            drop(slot);
        });
    }

    #[test]
    fn children_are_told_of_file_descriptors_that_they_inherit() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = start(directory.path(), 1).unwrap();
        for end in [pipe.reader.as_raw_fd(), pipe.writer.as_raw_fd()] {
            let status =
                std::process::Command::new("test").arg("-e").arg(format!("/proc/self/fd/{end}")).status();
            assert!(status.unwrap().success());
        }
    }
}
