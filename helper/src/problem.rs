//! What went wrong outside of the user's code: a sentence for stderr.
//!
//! Failures of cargo, rustc and build scripts are not problems of the helper: they have types of their own.

use std::path::Path;
use std::{fmt, io};

/// One sentence, in the form that follows `error: `.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem(String);

pub(crate) type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Problem(message.into())
    }

    /// `what` fits after "failed to".
    pub(crate) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Problem(format!("failed to {what}: {error}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what was being done to which path when an operation failed.
pub(crate) trait Doing<T> {
    fn doing(self, verb: &str, path: &Path) -> Result<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, verb: &str, path: &Path) -> Result<T> {
        self.map_err(|error| Problem::io(format_args!("{verb} `{}`", path.display()), &error))
    }
}
