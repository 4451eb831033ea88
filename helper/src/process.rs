//! Runs a child and keeps what it says.

use std::io::{self, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

/// A child that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Runs `command` without input, keeps its stdout, and shows its stderr as it comes while keeping that too.
pub(crate) fn run_showing_stderr(command: &mut Command) -> io::Result<Finished> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    // Both pipes are drained at the same time: a child that fills one while we wait on the other would hang.
    let (stdout, stderr) = thread::scope(|scope| {
        let shown = scope.spawn(move || show(stderr));
        let mut kept = Vec::new();
        let read = stdout.read_to_end(&mut kept).map(|_| kept);
        (read, shown.join().expect("showing stderr does not panic"))
    });
    Ok(Finished { status: child.wait()?, stdout: stdout?, stderr: stderr? })
}

fn show(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(kept),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = &buffer[..read];
        kept.extend_from_slice(bytes);
        // A log that nobody reads any more is no reason to fail the build.
        let _ = io::stderr().write_all(bytes);
    }
}
