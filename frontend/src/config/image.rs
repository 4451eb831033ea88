//! What an image is like besides its programs.

use std::collections::BTreeMap;
use std::fmt;

use buildkit_llb::{Digest, HttpUrl, ImageRef, Owner, Span};

/// The image under the binaries when the user names none. Its glibc is not older than the toolchain's.
pub const BASE_DEFAULT: &str = "debian:bookworm-slim";

/// Whom the image runs as when the user says nothing: nobody that owns a file in it.
pub const USER_DEFAULT: &str = "65532:65532";

/// The name of an image, as one writes it after `FROM`.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageName {
    /// The name.
    pub reference: ImageRef,
    /// Where the user wrote it; absent for a default.
    pub span: Option<Span>,
}

impl ImageName {
    pub(super) fn builtin(reference: &str) -> Self {
        Self { reference: ImageRef::parse(reference).expect("a default is the name of an image"), span: None }
    }
}

/// What binaries are put on.
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// What fits: nothing under programs that are linked statically, [`BASE_DEFAULT`] under others.
    Fitting,
    /// Nothing: `base = "scratch"`.
    Scratch,
    /// An image.
    Image(ImageName),
}

impl Base {
    /// The image that is used under programs of which all, or not all, are linked statically.
    pub fn image(&self, is_static: bool) -> Option<ImageName> {
        match self {
            Base::Scratch => None,
            Base::Fitting if is_static => None,
            Base::Fitting => Some(ImageName::builtin(BASE_DEFAULT)),
            Base::Image(name) => Some(name.clone()),
        }
    }
}

/// What an image is like besides its binary.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageSettings {
    /// What the binaries are put on.
    pub base: Base,
    /// `user` or `user:group`, names or numbers.
    pub user: String,
    /// The working directory; absent leaves the base image's.
    pub workdir: Option<String>,
    /// Environment variables, on top of the base image's.
    pub env: BTreeMap<String, String>,
    /// Labels, on top of those made from the manifest.
    pub labels: BTreeMap<String, String>,
    /// Ports that the program listens on.
    pub expose: Vec<ExposedPort>,
    /// The command; absent means the binary itself.
    pub entrypoint: Option<Vec<String>>,
    /// Arguments for the entrypoint.
    pub cmd: Vec<String>,
    /// Directories that hold data.
    pub volumes: Vec<String>,
    /// What the program is told to end with.
    pub stop_signal: Option<String>,
    /// How to see that the program is well; absent leaves the base image's.
    pub healthcheck: Option<Healthcheck>,
    /// Files of the build context.
    pub files: Vec<FileEntry>,
    /// Downloads.
    pub assets: Vec<Asset>,
    /// Whether CA certificates are put in; absent is what fits the base.
    pub certificates: Option<bool>,
    /// What becomes of shared libraries that programs need.
    pub libraries: Libraries,
    /// Version and revision are written into programs that have room for it.
    pub stamp: bool,
    /// Arguments with which the image is run once before it ships; empty for not at all.
    pub smoke: Vec<String>,
}

impl Default for ImageSettings {
    fn default() -> Self {
        Self {
            base: Base::Fitting,
            user: USER_DEFAULT.to_owned(),
            workdir: None,
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            expose: Vec::new(),
            entrypoint: None,
            cmd: Vec::new(),
            volumes: Vec::new(),
            stop_signal: None,
            healthcheck: None,
            files: Vec::new(),
            assets: Vec::new(),
            certificates: None,
            libraries: Libraries::Check,
            stamp: false,
            smoke: Vec::new(),
        }
    }
}

/// What one package's image changes about [`ImageSettings`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageOverrides {
    /// Replaces the workspace's.
    pub base: Option<Base>,
    /// Replaces the workspace's.
    pub user: Option<String>,
    /// Replaces the workspace's.
    pub workdir: Option<String>,
    /// Added to the workspace's; wins where both set a variable.
    pub env: BTreeMap<String, String>,
    /// Added to the workspace's; wins where both set a label.
    pub labels: BTreeMap<String, String>,
    /// Replaces the workspace's.
    pub expose: Option<Vec<ExposedPort>>,
    /// Replaces the binary.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the workspace's.
    pub cmd: Option<Vec<String>>,
    /// Replaces the workspace's.
    pub volumes: Option<Vec<String>>,
    /// Replaces the workspace's.
    pub stop_signal: Option<String>,
    /// Replaces the workspace's.
    pub healthcheck: Option<Healthcheck>,
    /// Added to the workspace's.
    pub files: Vec<FileEntry>,
    /// Added to the workspace's.
    pub assets: Vec<Asset>,
    /// Replaces the workspace's.
    pub certificates: Option<bool>,
    /// Replaces the workspace's.
    pub libraries: Option<Libraries>,
    /// Replaces the workspace's.
    pub stamp: Option<bool>,
    /// Replaces the workspace's.
    pub smoke: Option<Vec<String>>,
}

impl ImageSettings {
    /// These settings as one package wants them.
    #[must_use]
    pub fn with(&self, overrides: &ImageOverrides) -> Self {
        let mut settings = self.clone();
        let overrides = overrides.clone();
        settings.env.extend(overrides.env);
        settings.labels.extend(overrides.labels);
        settings.files.extend(overrides.files);
        settings.assets.extend(overrides.assets);
        settings.base = overrides.base.unwrap_or(settings.base);
        settings.user = overrides.user.unwrap_or(settings.user);
        settings.workdir = overrides.workdir.or(settings.workdir);
        settings.expose = overrides.expose.unwrap_or(settings.expose);
        settings.cmd = overrides.cmd.unwrap_or(settings.cmd);
        settings.entrypoint = overrides.entrypoint.or(settings.entrypoint);
        settings.volumes = overrides.volumes.unwrap_or(settings.volumes);
        settings.stop_signal = overrides.stop_signal.or(settings.stop_signal);
        settings.smoke = overrides.smoke.unwrap_or(settings.smoke);
        settings.healthcheck = overrides.healthcheck.or(settings.healthcheck);
        settings.certificates = overrides.certificates.or(settings.certificates);
        settings.libraries = overrides.libraries.unwrap_or(settings.libraries);
        settings.stamp = overrides.stamp.unwrap_or(settings.stamp);
        settings
    }
}

/// A port and its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExposedPort {
    /// 1 to 65535.
    pub port: u16,
    /// What is spoken on it.
    pub protocol: Protocol,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// As image configs write it: `8080/tcp`.
impl fmt::Display for ExposedPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        };
        write!(f, "{}/{protocol}", self.port)
    }
}

/// How to see that a program is well: `HEALTHCHECK` of a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    /// Not at all, whatever the base image says.
    Off,
    /// By running something.
    Run {
        /// What runs.
        command: HealthCommand,
        /// Between two runs, in nanoseconds; absent is Docker's default, as for those below.
        interval: Option<u64>,
        /// Until a run counts as failed, in nanoseconds.
        timeout: Option<u64>,
        /// In which failures do not count, in nanoseconds.
        start_period: Option<u64>,
        /// Between two runs in the start period, in nanoseconds.
        start_interval: Option<u64>,
        /// How many failures in a row make the container unhealthy.
        retries: Option<u32>,
    },
}

/// What a health check runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthCommand {
    /// A program with its arguments.
    Exec(Vec<String>),
    /// A line for the image's shell.
    Shell(String),
}

/// Files of the build context that an image has.
#[derive(Clone, Debug, PartialEq)]
pub struct FileEntry {
    /// A path or glob, relative to the root of the build context.
    pub from: String,
    /// An absolute path; with a `/` at the end, the directory to put files into.
    pub to: String,
    /// Whose they are.
    pub owner: Owner,
    /// Permission bits; absent keeps what they have.
    pub mode: Option<u32>,
    /// Where the user wrote it.
    pub span: Span,
}

/// A download that an image has, in a layer of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// Where from.
    pub url: HttpUrl,
    /// What it must be.
    pub sha256: Digest,
    /// An absolute path.
    pub to: String,
    /// It is an archive, and `to` the directory for what is in it.
    pub unpack: bool,
    /// Whose it is.
    pub owner: Owner,
    /// Permission bits; absent is 644, or what the archive says.
    pub mode: Option<u32>,
    /// Where the user wrote it.
    pub span: Span,
}

/// What becomes of shared libraries that programs need and the base does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Libraries {
    /// One that is missing is an error.
    Check,
    /// Those that are missing come along from the toolchain image.
    Copy,
    /// Nobody looks.
    Ignore,
}
