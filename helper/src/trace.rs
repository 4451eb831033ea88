//! What a vertex says of itself where it is traced: which processes it ran, exactly, and what came of them.
//!
//! One line of standard error for each event, [`LINE_PREFIX`] and JSON, so that it can be read out of a build's progress.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::recording::CallKind;

/// Set on vertices that are to be traced; its value only tells one trace from another.
pub const TRACE_ENV: &str = "LONGSHORE_TRACE";

/// What each line begins with.
pub const LINE_PREFIX: &str = "longshore-trace: ";

/// One line of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// A process was started.
    Ran(Ran),
    /// A file is part of the vertex's output.
    Made(Made),
}

/// A process, as the kernel was asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// Compiler or build script.
    pub kind: CallKind,
    /// The program.
    pub program: String,
    /// Its arguments, without the program; those of an argument file one by one.
    pub args: Vec<String>,
    /// Its working directory.
    pub cwd: String,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Where it is.
    pub file: String,
    /// SHA-256 of its contents, hex.
    pub sha256: String,
}

impl Event {
    /// Reads a line of a vertex's log; `None` for a line that is no part of a trace.
    pub fn parse(line: &str) -> Option<Event> {
        serde_json::from_str(line.strip_prefix(LINE_PREFIX)?).ok()
    }
}
