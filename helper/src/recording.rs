//! What `longshore-helper record` is asked, and what it writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// File of the output that holds the [`Recording`].
pub const RECORDING_FILE: &str = "recording.json";
/// File of the output that holds what `cargo metadata --format-version 1` printed, without what is long and read by nobody:
/// `resolve`, and dependencies, features and `metadata` of packages that have a `source`.
pub const METADATA_FILE: &str = "metadata.json";
/// File of the output that holds a [`Failure`]; it exists only when cargo refused.
pub const FAILURE_FILE: &str = "failure.json";

/// File of the output that holds an [`Excerpt`] of each package, by where it belongs.
pub const EXCERPTS_FILE: &str = "packages.json";

/// Asks `longshore-helper excerpt` for what cargo reads of packages when it plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcerptRequest {
    /// Packages whose archives are mounted ([`crate::archive_of`]): where each belongs, and the checksum of the archive
    /// where that has been compared already.
    pub archives: BTreeMap<String, Option<String>>,
    /// Where the result is written.
    pub output: String,
}

/// What cargo reads of a package when it plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// SHA-256 of the archive, hex.
    pub checksum: String,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Text of `Cargo.toml`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Paths of files that are looked for and not read: sources, where the manifest does not name them all, and READMEs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// Asks for a recording of one `cargo build`.
///
/// The vertex has: `skeleton` read-only, `workspace` and `target_dir` writable and empty,
/// `CARGO_HOME` writable and empty, `output` writable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRequest {
    /// Directory with the real manifests, lock file and cargo configuration, laid out as in the workspace.
    pub skeleton: String,
    /// File with one path per line, relative to the workspace: files to create empty unless the skeleton has them.
    pub names: String,
    /// Symbolic links to directories, and what each says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<(String, String)>,
    /// Where the workspace is put together.
    pub workspace: String,
    /// The directory in it where cargo runs; empty for itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub root: String,
    /// `CARGO_TARGET_DIR`.
    pub target_dir: String,
    /// Where the results are written.
    pub output: String,
    /// Text of `$CARGO_HOME/config.toml`: source replacement and the like.
    pub cargo_config: String,
    /// Packages that came as archives: where each belongs, and its checksum in `Cargo.lock`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub archives: BTreeMap<String, String>,
    /// Files with an [`Excerpt`] of each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excerpts: Vec<String>,
    /// Git repositories that `Cargo.lock` names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<Repository>,
    /// What comes after `cargo metadata --format-version 1`.
    pub metadata_args: Vec<String>,
    /// What comes after `cargo`: `build`, `--locked`, …
    pub build_args: Vec<String>,
}

/// A repository, checked out at a commit, with its `.git`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// Its address, as `Cargo.lock` has it.
    pub url: String,
    /// The commit.
    pub commit: String,
    /// Where it lies.
    pub at: String,
}

/// Everything cargo would have run, sorted, without anything that differs between two recordings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// What `rustc -vV` printed.
    pub rustc: String,
    /// What `cargo -V` printed.
    pub cargo: String,
    /// Host triple, from `rustc -vV`.
    pub host: String,
    /// Bytes of the archive of each package that came as one, by where it belongs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sizes: BTreeMap<String, u64>,
    /// Sorted by kind, then arguments, then environment.
    pub calls: Vec<Call>,
}

/// One process that cargo started.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Call {
    /// Compiler or build script.
    pub kind: CallKind,
    /// For a build script the path of the executable; empty for rustc.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub exe: String,
    /// Arguments, without the program itself. Argument files (`@path`) are already expanded.
    pub args: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// The variables that cargo set: those that differ from the environment in which cargo itself was started,
    /// less what describes the recording and not the build (`RUSTC_WRAPPER`, jobserver, `LD_LIBRARY_PATH`, …).
    /// Empty values are kept: `CARGO_ENCODED_RUSTFLAGS=""` must stay set.
    pub env: BTreeMap<String, String>,
}

/// What kind of process a [`Call`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallKind {
    /// The compiler, on one unit.
    Rustc,
    /// A build script.
    BuildScript,
}

/// cargo refused: the vertex still succeeds, so that the frontend can say it well and at the right place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The command, as a user would type it: `cargo metadata …`, or `cargo` when there is no cargo at all.
    pub command: String,
    /// Exit status, or -1 when there was none.
    pub status: i32,
    /// What it wrote to stderr, without colours.
    pub stderr: String,
    /// What `rustc -vV` printed; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rustc: String,
}

/// Variables that describe the recording, the machine or the jobserver, and not the build.
///
/// cargo sets `NUM_JOBS` and the wrappers for build scripts (`build_work` in its `core/compiler/custom_build.rs`), and for
/// all processes `LD_LIBRARY_PATH` (`Compilation::fill_env` in `core/compiler/compilation.rs`) and `CARGO_MAKEFLAGS`
/// (`Client::configure` of the crate `jobserver`). rustup's proxies set `CARGO_HOME`, `LD_LIBRARY_PATH` and
/// `RUST_RECURSION_COUNT` (`Toolchain::set_env` in its `src/toolchain.rs`), and `RUSTUP_TOOLCHAIN_SOURCE` (its
/// `src/cli/proxy_mode.rs`). The others are what the recorder sets, and `MFLAGS`, another name for `MAKEFLAGS`.
const NOT_OF_THE_BUILD: [&str; 12] = [
    "CARGO_HOME",
    "CARGO_MAKEFLAGS",
    "CARGO_NET_OFFLINE",
    "CARGO_TARGET_DIR",
    "LD_LIBRARY_PATH",
    "MAKEFLAGS",
    "MFLAGS",
    "NUM_JOBS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTUP_TOOLCHAIN_SOURCE",
    "RUST_RECURSION_COUNT",
];

/// The same, for families of variables. When cargo starts, the crate `git2` looks for certificates and sets `SSL_CERT_*` for
/// the whole process (`init_git` in cargo's `src/bin/cargo/main.rs`, `openssl_env_init` in the crate's `src/lib.rs`). What
/// BuildKit adds is not among them: cargo itself is started without, so where a child has it, the user's `[env]` does.
const NOT_OF_THE_BUILD_PREFIXES: [&str; 4] = ["CARGO_BUILD_", "CARGO_TERM_", "LONGSHORE_", "SSL_CERT_"];

/// Whether a variable that cargo gave a process is no part of what was recorded, since it describes the recording itself: what a
/// user sets it to in `[env]` has no effect.
pub fn describes_recording(name: &str) -> bool {
    NOT_OF_THE_BUILD.contains(&name)
        || NOT_OF_THE_BUILD_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
