//! What the client asks for: the options of `docker buildx build`, parsed once.
//!
//! BuildKit hands them over as strings in the environment. Below this module nobody sees a string again: platforms
//! are platforms, addresses are addresses. Options that nobody knows are kept for a build that is handed on, and
//! otherwise ignored, as every frontend does. Nothing here talks to BuildKit or reads a file.

mod address;
mod contexts;
mod environment;
mod values;

use std::collections::BTreeMap;
use std::net::IpAddr;

use buildkit_llb::{Exec, Network, Platform, ProxyEnv, ResolveMode, Resources, SessionId, Tmpfs};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::gateway::CacheImport;
pub use address::{GitAddress, redacted};
pub use contexts::{Contexts, MainContext, NamedContext};
pub use environment::Environment;
use values::Values;

/// The entry file when the client names none.
pub const FILENAME_DEFAULT: &str = "Cargo.toml";

/// One build as the client asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The client: whose directories, secrets and agents are meant.
    pub session: SessionId,
    /// The entry file: `--file`, relative to the directory that the client shares for it.
    pub filename: String,
    /// What to build: `--target`.
    pub target: Option<String>,
    /// Where compilers run.
    pub build_platform: Platform,
    /// What to build for: `--platform`, or the build platform. Never empty, in the client's order, without repeats.
    pub platforms: Vec<Platform>,
    /// Whether the result is one for each platform, even if there is only one.
    pub multi_platform: bool,
    /// `--build-arg`.
    pub build_args: BTreeMap<String, String>,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
    /// `--no-cache`, `--no-cache-filter`.
    pub no_cache: NoCache,
    /// `--pull`.
    pub resolve_mode: ResolveMode,
    /// `--cache-from`.
    pub cache_imports: Vec<CacheImport>,
    /// Where files come from.
    pub contexts: Contexts,
    /// What every step gets.
    pub sandbox: Sandbox,
    /// A question instead of a build: `--call`, for example `frontend.targets`.
    pub subrequest: Option<String>,
    /// The time to put on everything, in seconds since 1970: the build argument `SOURCE_DATE_EPOCH`.
    pub source_date_epoch: Option<u64>,
    /// Separates the cache mounts of those who share a daemon.
    pub cache_namespace: String,
    /// `--sbom` with its parameters.
    pub sbom: Option<BTreeMap<String, String>>,
    /// `--provenance`, asked for and not only made by default.
    pub provenance: bool,
    /// The name of the image that this frontend was started from, as the user wrote it after `# syntax=`.
    pub frontend_image: Option<String>,
    /// When the build began, in milliseconds since 1970.
    pub started: u64,
    /// Every option as it came, to hand a build on.
    pub options: BTreeMap<String, String>,
}

/// Which steps run though their results are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoCache {
    /// None.
    Off,
    /// All.
    All,
    /// Those of these targets.
    Targets(Vec<String>),
}

impl NoCache {
    /// Whether the steps of this target run in any case.
    pub fn covers(&self, target: &str) -> bool {
        match self {
            Self::Off => false,
            Self::All => true,
            Self::Targets(names) => names.iter().any(|name| name.eq_ignore_ascii_case(target)),
        }
    }
}

/// What the client wants of the containers that steps run in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sandbox {
    /// `--network`; absent leaves it to the step.
    pub network: Option<Network>,
    /// `--add-host`.
    pub extra_hosts: Vec<(String, IpAddr)>,
    /// `--shm-size`.
    pub shm_bytes: Option<u64>,
    /// `--ulimit`.
    pub ulimits: Vec<Ulimit>,
    /// `--cgroup-parent`.
    pub cgroup_parent: String,
    /// The build argument `BUILDKIT_SANDBOX_HOSTNAME`.
    pub hostname: String,
    /// The build arguments `HTTP_PROXY` and its like.
    pub proxy: ProxyEnv,
    /// Limits on memory and CPUs: `memory`, `cpuquota` and their like.
    pub resources: Option<Resources>,
}

/// A limit of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ulimit {
    /// `nofile`, `core`, …
    pub name: String,
    /// What applies; -1 is unlimited.
    pub soft: i64,
    /// Up to where a process may raise it.
    pub hard: i64,
}

impl Sandbox {
    /// Sets all this on a step, but for the network: whether a step may have one is the step's own matter.
    pub fn apply<Out>(&self, mut exec: Exec<Out>) -> Exec<Out> {
        for (host, address) in &self.extra_hosts {
            exec = exec.extra_host(host, *address);
        }
        for limit in &self.ulimits {
            exec = exec.ulimit(&limit.name, limit.soft, limit.hard);
        }
        if !self.cgroup_parent.is_empty() {
            exec = exec.cgroup_parent(&self.cgroup_parent);
        }
        if !self.hostname.is_empty() {
            exec = exec.hostname(&self.hostname);
        }
        if let Some(bytes) = self.shm_bytes {
            exec = exec.mount("/dev/shm", Tmpfs::default().size(bytes));
        }
        if let Some(resources) = &self.resources {
            exec = exec.resources(resources);
        }
        exec.proxy(&self.proxy)
    }
}

impl Request {
    /// Reads the client's options.
    ///
    /// # Errors
    /// Every option that cannot be understood.
    pub fn parse(environment: &Environment) -> Result<Self, Diagnostics> {
        let mut gathered = Vec::new();
        let mut values = Values::new(&environment.options, &mut gathered);

        let build_platform = environment.platforms.first().cloned().unwrap_or_else(Platform::host);
        let mut platforms = values.platforms();
        if platforms.is_empty() {
            platforms.push(build_platform.clone());
        }
        let request = Self {
            session: SessionId::new(environment.session.as_str()),
            filename: values.text("filename").unwrap_or_else(|| FILENAME_DEFAULT.to_owned()),
            target: values.text("target"),
            multi_platform: values.multi_platform(platforms.len()),
            build_platform,
            platforms,
            build_args: values.prefixed("build-arg:"),
            labels: values.prefixed("label:"),
            no_cache: values.no_cache(),
            resolve_mode: values.resolve_mode(),
            cache_imports: values.cache_imports(),
            contexts: Contexts::parse(&mut values),
            sandbox: Sandbox {
                network: values.network(),
                extra_hosts: values.extra_hosts(),
                shm_bytes: values.number("shm-size", "--shm-size").filter(|bytes| *bytes > 0),
                ulimits: values.ulimits(),
                cgroup_parent: values.text("cgroup-parent").unwrap_or_default(),
                hostname: values
                    .text("build-arg:BUILDKIT_SANDBOX_HOSTNAME")
                    .or_else(|| values.text("hostname"))
                    .unwrap_or_default(),
                proxy: values.proxy(),
                resources: values.resources(),
            },
            subrequest: values.text("requestid"),
            source_date_epoch: values.number("build-arg:SOURCE_DATE_EPOCH", "SOURCE_DATE_EPOCH"),
            cache_namespace: values.text("build-arg:BUILDKIT_CACHE_MOUNT_NS").unwrap_or_default(),
            sbom: values.sbom(),
            provenance: values.provenance(),
            frontend_image: values.text("cmdline").or_else(|| values.text("source")),
            started: environment.started,
            options: environment.options.clone(),
        };
        Diagnostics::check(request, gathered)
    }

    /// The named context that stands for an image, a target or a name, if the client gave one: `--build-context`.
    /// One for this platform goes before one for all.
    pub fn named_context(&self, name: &str, platform: &Platform) -> Option<&NamedContext> {
        self.contexts.find(name, platform).map(|(_, context)| context)
    }

    /// The platform, if the build is for one only.
    ///
    /// # Errors
    /// Says what was asked for when it is more.
    pub fn single_platform(&self) -> Result<&Platform, Diagnostic> {
        match self.platforms.as_slice() {
            [platform] => Ok(platform),
            several => {
                let names: Vec<_> = several.iter().map(|platform| format!("`{platform}`")).collect();
                Err(Diagnostic::error(
                    Code::UnsupportedOption,
                    format!("this needs one platform, `--platform` names {}", names.join(", ")),
                )
                .help("build for one platform at a time"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
