//! The one door to BuildKit.
//!
//! A frontend is a client of the daemon that started it: it solves graphs, reads files out of the results, resolves
//! images, warns, and in the end returns a result or an error. [`Gateway`] is that contract in the words of the
//! phases that use it, [`grpc::Client`] keeps it over a connection, [`stdio`] is the connection that BuildKit makes,
//! and [`fake`] is a daemon for tests. Nothing here knows what is built.

pub mod caught;
pub mod error;
pub mod fake;
pub mod grpc;
pub mod stdio;
pub mod together;

use std::collections::BTreeMap;

use buildkit_llb::{CapSet, Definition, Digest, ImageRef, Platform, ResolveMode, SessionId, Span};
use buildkit_proto::{gateway, pb, rpc};

use crate::diagnostic::Diagnostic;
pub use caught::caught;
pub use error::{Error, Failure};
pub use together::together;

/// The largest message that BuildKit sends or takes, in bytes. Daemons before v0.14 took a quarter of it.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// What a frontend can ask of BuildKit.
#[expect(async_fn_in_trait, reason = "the frontend runs on one thread, so no future has to be `Send`")]
pub trait Gateway {
    /// What the daemon can do as a gateway: names like `source.metaresolver`.
    fn caps(&self) -> &CapSet;

    /// What the daemon can run.
    fn llb_caps(&self) -> &CapSet;

    /// The platforms of the daemon's default worker; the first one is its own, others are emulated.
    fn platforms(&self) -> &[Platform];

    /// Hands a graph to the daemon. Nothing runs before the reference is read from or returned, unless
    /// `options.evaluate` says so.
    async fn solve(&self, definition: &Definition, options: &SolveOptions) -> Result<Reference, Error>;

    /// Lets another frontend build.
    async fn solve_frontend(&self, forward: &Forward) -> Result<BuildResult, Error>;

    /// Runs what the reference stands for, if nothing did yet.
    async fn evaluate(&self, reference: &Reference) -> Result<(), Error>;

    /// The whole file, whatever its size. A path that does not exist is an error that
    /// [`is_not_found`](Error::is_not_found).
    async fn read_file(&self, reference: &Reference, path: &str) -> Result<Vec<u8>, Error>;

    /// The first bytes of a file, at most so many.
    async fn read_start(&self, reference: &Reference, path: &str, bytes_max: usize)
    -> Result<Vec<u8>, Error>;

    /// The entries of one directory whose names match `pattern` (empty matches all), not of those below it.
    async fn read_dir(
        &self,
        reference: &Reference,
        path: &str,
        pattern: &str,
    ) -> Result<Vec<FileStat>, Error>;

    /// What a path is.
    async fn stat_file(&self, reference: &Reference, path: &str) -> Result<FileStat, Error>;

    /// An image's digest and config, without pulling it.
    async fn resolve_image(&self, query: &ImageQuery) -> Result<ResolvedImage, Error>;

    /// The graphs that the client hands in by name: results of other builds, an in-memory context.
    async fn inputs(&self) -> Result<BTreeMap<String, pb::Definition>, Error>;

    /// Tells the user something without stopping the build.
    async fn warn(&self, warning: &Warning) -> Result<(), Error>;

    /// Ends the build well. When the daemon does not take the result, it is told why, so that the user learns it.
    async fn return_result(self, result: BuildResult) -> Result<(), Error>;

    /// Ends the build with an error, whose typed details reach the client as they are.
    async fn return_error(self, error: rpc::Status) -> Result<(), Error>;
}

/// A filesystem that the daemon has or can make.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reference {
    id: String,
    definition: Option<pb::Definition>,
}

impl Reference {
    /// An empty filesystem.
    pub const SCRATCH: Reference = Reference { id: String::new(), definition: None };

    /// What the daemon calls it; empty for scratch.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether this is an empty filesystem; there is nothing to read in it.
    pub fn is_scratch(&self) -> bool {
        self.id.is_empty()
    }

    /// As it stands in messages: the id alone, for the daemon reads nothing else, and graphs are what fills a message.
    pub fn to_proto(&self) -> gateway::Ref {
        gateway::Ref { id: self.id.clone(), def: None }
    }

    /// The graph behind it, as the daemon has it; to build on what another frontend returned.
    pub fn definition(&self) -> Option<&pb::Definition> {
        self.definition.as_ref()
    }
}

/// How to solve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SolveOptions {
    /// Run it now, and fail now if it fails.
    pub evaluate: bool,
    /// Caches to look in. The daemon adds none by itself, so every solve that should profit has to name them.
    pub cache_imports: Vec<CacheImport>,
}

/// A cache to look in: `--cache-from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheImport {
    /// `registry`, `local`, `gha`, …
    pub kind: String,
    /// Its settings, such as `ref`.
    pub attrs: BTreeMap<String, String>,
}

/// A build handed on to another frontend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forward {
    /// `dockerfile.v0` or `gateway.v0`.
    pub frontend: String,
    /// All options that it sees: it inherits none.
    pub options: BTreeMap<String, String>,
    /// Graphs that it can refer to as `input:NAME`.
    pub inputs: BTreeMap<String, pb::Definition>,
    /// Caches to look in.
    pub cache_imports: Vec<CacheImport>,
}

/// What a build yields, ours or another frontend's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildResult {
    /// The filesystems.
    pub references: References,
    /// What is told about them: `containerimage.config`, `refs.platforms`, …
    pub metadata: BTreeMap<String, Vec<u8>>,
    /// Statements about the filesystem of each platform.
    pub attestations: BTreeMap<String, gateway::Attestations>,
}

/// The filesystems of a result.
#[derive(Clone, Debug, PartialEq)]
pub enum References {
    /// One, for a build that asked for one platform or none.
    Single(Reference),
    /// One for each platform, by its id (`linux/arm64`).
    Platforms(BTreeMap<String, Reference>),
}

impl Default for References {
    fn default() -> Self {
        Self::Single(Reference::SCRATCH)
    }
}

/// A question about an image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageQuery {
    /// Its name; for an OCI layout a name for messages that carries the digest.
    pub reference: ImageRef,
    /// The platform whose config is wanted.
    pub platform: Platform,
    /// Where to look the tag up.
    pub resolve_mode: ResolveMode,
    /// What the progress shows: `[internal] load metadata for …`.
    pub log_name: String,
    /// Where the image is, when it is in an OCI layout of the client's.
    pub oci_layout: Option<OciStore>,
}

/// An OCI layout that the client shares.
#[derive(Clone, Debug, PartialEq)]
pub struct OciStore {
    /// Whose client.
    pub session: SessionId,
    /// Which of its layouts.
    pub store: String,
}

/// An image as a registry knows it now.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedImage {
    /// The name to use: a source policy may have replaced the one asked for.
    pub reference: ImageRef,
    /// The digest of its manifest or index. An image that only the daemon's own store has may be without one: dockerd
    /// knows an image that it built or loaded by its config alone (moby daemon/internal/builder-next/adapters/containerimage).
    pub digest: Option<Digest>,
    /// Its config, JSON.
    pub config: Vec<u8>,
}

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// The name within the directory that was read, or the path that was asked for.
    pub path: String,
    /// Directory, file, or another kind.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: u32,
    /// In bytes.
    pub size: u64,
}

/// The kinds of files that a frontend tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link and what it says.
    Symlink(String),
    /// A socket, a pipe, a device.
    Other,
}

/// Something to tell the user without stopping the build.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Warning {
    /// One line.
    pub short: String,
    /// Further lines.
    pub detail: Vec<String>,
    /// Where to read more.
    pub url: String,
    /// The lines that it is about.
    pub span: Option<Span>,
    /// The vertex that it is about: the one that loaded the file.
    pub vertex: Option<Digest>,
}

impl From<&Diagnostic> for Warning {
    fn from(diagnostic: &Diagnostic) -> Self {
        // The form in which the Dockerfile frontend shows lints (frontend/dockerfile/linter), which tools look for.
        let mut short = format!("{}: {}", diagnostic.code, diagnostic.message);
        if let Some(span) = diagnostic.primary() {
            short.push_str(&format!(" (line {})", span.lines().start()));
        }
        let help = diagnostic.help.iter().map(|help| format!("help: {help}"));
        Self {
            short,
            detail: std::iter::once(diagnostic.code.description().to_owned()).chain(help).collect(),
            url: String::new(),
            span: diagnostic.primary().cloned(),
            vertex: None,
        }
    }
}
