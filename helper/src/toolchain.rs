//! What `longshore-helper toolchain` is asked, and what it answers: what a toolchain file wants of the image it runs in.

use serde::{Deserialize, Serialize};

/// Has rustup install what the image lacks. Without rustup, what is there is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolchainRequest {
    /// The file that asks, for messages.
    pub file: String,
    /// The toolchain as rustup names it: `nightly-2026-01-05`; `None` for the image's own.
    pub channel: Option<String>,
    /// Components besides those that every toolchain has.
    pub components: Vec<String>,
    /// Triples whose standard library is wanted.
    pub targets: Vec<String>,
    /// The directory that [`REPORT_FILE`] is written to.
    pub output: String,
}

/// The file that holds a [`ToolchainReport`].
pub const REPORT_FILE: &str = "toolchain.json";

/// What is there when all is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolchainReport {
    /// The first line of `rustc -vV`, with its commit and date; empty where there is no rustc.
    pub rustc: String,
    /// Components that are not there, since nothing installs them.
    pub components: Vec<String>,
    /// Targets whose standard library is not there, likewise.
    pub targets: Vec<String>,
}
