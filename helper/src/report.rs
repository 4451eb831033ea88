//! What there is to tell about a vertex besides its output: warnings, how long it took, how large it is.
//!
//! Warnings of a member lie in a file of their own output, so that they are there when the vertex is not run again. Times
//! and sizes lie in the ledger, a directory of the slots' cache mount: they are for people, and no key depends on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The file in a report's directory that holds a list of [`Warning`]s; absent when there are none.
pub const WARNINGS_FILE: &str = "warnings.json";

/// The directory of the slots' cache mount that holds the ledger.
pub const LEDGER_DIR: &str = "ledger";

/// The file in the output of a summary that holds a [`Summary`].
pub const SUMMARY_FILE: &str = "summary.json";

/// One warning of a compiler or build script.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// Relative to the workspace root; empty when the warning is about no file.
    pub file: String,
    /// Counted from one; zero when the warning is about no line.
    pub line: u32,
    /// The last line that it is about.
    pub line_end: u32,
    /// The name of the lint, such as `unused_variables`; empty when there is none.
    pub code: String,
    /// In one line.
    pub message: String,
    /// As rustc shows it, without colours.
    pub rendered: String,
}

/// What is known of a vertex's last run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// How long its steps took, in seconds, without waiting for a slot.
    pub seconds: f64,
    /// Size of its output, in bytes.
    pub bytes: u64,
    /// When it ended, in milliseconds since 1970.
    pub finished: u64,
}

/// What `longshore-helper summary` is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryRequest {
    /// Entries of the ledger that are wanted.
    pub keys: Vec<String>,
    /// Directories whose size is wanted.
    pub measured: Vec<String>,
    /// Directories with reports of vertices: a directory for each, which may have a [`WARNINGS_FILE`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
    /// Directories of whose files the digests are wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digested: Vec<String>,
    /// Where to write the answer.
    pub output: String,
    /// When the build began, in milliseconds since 1970, which makes it ask anew: without, what was answered to the same
    /// question may be the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

/// The answer to a [`SummaryRequest`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Entries of the ledger, those that are there.
    pub entries: BTreeMap<String, Entry>,
    /// Sizes of the measured directories, in bytes, in the order of the request.
    pub sizes: Vec<u64>,
    /// What the reports have, each once, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// For each of the digested directories: its files by path, and the SHA-256 of each in hexadecimal; of a link, that of
    /// what it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<BTreeMap<String, String>>,
}
