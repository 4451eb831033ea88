//! Where the calls of a recording are kept until cargo is done: one file each, written by as many processes.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::process;

use longshore_helper::recording::Call;

use crate::problem::{Doing, Problem, Result};
use crate::{files, tree};

const SUFFIX: &str = ".call.json";

/// Adds one call to the recording.
pub(crate) fn write_call(recording: &Path, call: &Call) -> Result<()> {
    let text = serde_json::to_vec(call)
        .map_err(|error| Problem::new(format!("failed to write a call as JSON: {error}")))?;
    // Process ids come round again in a long recording, so one alone is no unique name.
    let mut round = 0;
    loop {
        let path = recording.join(format!("{}-{round}{SUFFIX}", process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => return file.write_all(&text).doing("write", &path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => round += 1,
            Err(error) => return Err(error).doing("create", &path),
        }
    }
}

/// All calls, in an order that does not depend on who was faster, each once.
pub(super) fn collect(recording: &Path) -> Result<Vec<Call>> {
    let mut calls: Vec<Call> = Vec::new();
    for name in tree::names(recording).doing("list", recording)? {
        if name.to_string_lossy().ends_with(SUFFIX) {
            calls.push(files::read_json(&recording.join(name))?);
        }
    }
    calls.sort();
    calls.dedup();
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use longshore_helper::recording::CallKind;

    use super::*;

    #[test]
    fn calls_come_back_sorted_and_once() {
        let call = |kind, argument: &str| Call {
            kind,
            exe: String::new(),
            args: vec![argument.to_owned()],
            cwd: "/".to_owned(),
            env: BTreeMap::new(),
        };
        let recording = tempfile::tempdir().unwrap();
        std::fs::write(recording.path().join("ambient.json"), "{}").unwrap();
        let script = call(CallKind::BuildScript, "a");
        for call in [&script, &call(CallKind::Rustc, "b"), &call(CallKind::Rustc, "a"), &script] {
            write_call(recording.path(), call).unwrap();
        }
        let expected = [call(CallKind::Rustc, "a"), call(CallKind::Rustc, "b"), script];
        assert_eq!(collect(recording.path()).unwrap(), expected);
    }
}
