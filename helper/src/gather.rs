//! What `longshore-helper gather` is asked, and what it writes: texts of many files in one.
//!
//! To read a file of a solved filesystem BuildKit mounts it (`ReadFile` in its `cache/util/fsutil.go`), about a millisecond
//! each time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// File of the output that holds [`Gathered`].
pub const GATHERED_FILE: &str = "gathered.json";

/// Texts by path. What is not UTF-8 in them is replaced.
pub type Gathered = BTreeMap<String, String>;

/// Asks for the files that have some word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatherRequest {
    /// What the files lie below.
    pub root: String,
    /// Paths below it. What is not there is passed over.
    pub files: Vec<String>,
    /// The others need not be read.
    pub words: Vec<String>,
    /// Where the result is written.
    pub output: String,
}
