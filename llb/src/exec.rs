//! Commands in containers. The type of an [`Exec`] says which states it yields.

pub(crate) mod marshal;
pub(crate) mod mount;
pub(crate) mod outputs;

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::net::IpAddr;

use crate::exec::mount::{ContentCache, Kind, Mount};
use crate::exec::outputs::{Outputs, PushOutput, Slot};
use crate::meta::{Notes, Resources, sealed};
use crate::path;
use crate::platform::Platform;
use crate::state::State;

/// Which network a command sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    /// One of its own, with a way out.
    #[default]
    Sandbox,
    /// That of the daemon's host; the user has to allow it.
    Host,
    /// None.
    None,
}

/// Proxies for a command. They are set as environment variables and not part of the cache key. Empty means not set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyEnv {
    /// `HTTP_PROXY`.
    pub http: String,
    /// `HTTPS_PROXY`.
    pub https: String,
    /// `FTP_PROXY`.
    pub ftp: String,
    /// `NO_PROXY`.
    pub no: String,
    /// `ALL_PROXY`.
    pub all: String,
}

/// A command to run. `Out` lists the outputs that were asked for; [`run`](Exec::run) returns one [`State`] for each:
/// none, one, or a tuple. What another op may not depend on (a cache, a secret, a temporary filesystem) yields no
/// state at all.
///
/// ```
/// use buildkit_llb::{Exec, Image, ImageRef, Mount, Platform, Sharing, State};
///
/// let linux = Platform::parse("linux/amd64").unwrap();
/// let base = Image::new(&ImageRef::parse("debian:12").unwrap(), &linux).state();
/// let (root, out) = Exec::modify(&linux, &base, ["make", "install", "DESTDIR=/out"])
///     .env("MAKEFLAGS", "-s")
///     .mount("/root/.cache", Mount::cache("make", Sharing::Shared))
///     .output("/out", &State::SCRATCH)
///     .run();
/// assert_eq!((root.index(), out.index()), (0, 1));
/// ```
#[must_use = "an exec does nothing until `run` turns it into states"]
#[derive(Debug, Clone)]
pub struct Exec<Out = ()> {
    draft: Box<Draft>,
    out: PhantomData<Out>,
}

/// Everything that was asked for. Sorted maps: the order of the builder's calls is not part of the digest.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    platform: Platform,
    args: Vec<String>,
    cwd: String,
    user: String,
    hostname: String,
    env: BTreeMap<String, String>,
    extra_hosts: BTreeMap<String, Vec<IpAddr>>,
    ulimits: BTreeMap<String, (i64, i64)>,
    cgroup_parent: String,
    proxy: ProxyEnv,
    exit_codes: BTreeSet<i32>,
    network: Network,
    insecure: bool,
    devices: BTreeMap<String, bool>,
    secret_env: BTreeMap<String, (String, bool)>,
    mounts: BTreeMap<String, Kind>,
    /// The destinations of the outputs, in the order in which the states are returned.
    outputs: Vec<String>,
    notes: Notes,
}

impl Exec {
    /// A command on a root that it cannot change. Scratch, which cannot be mounted read-only as a root, is writable, and
    /// what becomes of it is dropped.
    #[track_caller]
    pub fn new<A: Into<String>>(
        platform: &Platform,
        root: &State,
        args: impl IntoIterator<Item = A>,
    ) -> Exec<()> {
        Exec::with_root(platform, Mount::from(root).0, args)
    }

    /// A command that may change its root; the changed root is its first output, which costs a snapshot even when
    /// nobody uses it.
    #[track_caller]
    pub fn modify<A: Into<String>>(
        platform: &Platform,
        root: &State,
        args: impl IntoIterator<Item = A>,
    ) -> Exec<(Slot,)> {
        let mut exec = Exec::with_root(platform, Kind::Output { base: root.clone() }, args);
        exec.draft.outputs.push("/".to_owned());
        exec
    }
}

impl<Out> Exec<Out> {
    #[track_caller]
    fn with_root<A: Into<String>>(
        platform: &Platform,
        root: Kind,
        args: impl IntoIterator<Item = A>,
    ) -> Exec<Out> {
        let args: Vec<String> = args.into_iter().map(Into::into).collect();
        assert!(!args.is_empty(), "an exec needs a command");
        let draft = Draft {
            platform: platform.clone(),
            args,
            cwd: "/".to_owned(),
            user: String::new(),
            hostname: String::new(),
            env: BTreeMap::new(),
            extra_hosts: BTreeMap::new(),
            ulimits: BTreeMap::new(),
            cgroup_parent: String::new(),
            proxy: ProxyEnv::default(),
            exit_codes: BTreeSet::new(),
            network: Network::default(),
            insecure: false,
            devices: BTreeMap::new(),
            secret_env: BTreeMap::new(),
            mounts: BTreeMap::from([("/".to_owned(), root)]),
            outputs: Vec::new(),
            notes: Notes::default(),
        };
        Exec { draft: Box::new(draft), out: PhantomData }
    }

    /// Sets an environment variable. An image's own variables are not set unless they are set here.
    #[track_caller]
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let key = key.into();
        assert!(
            !key.is_empty() && !key.contains('='),
            "`{key}` cannot be the name of an environment variable"
        );
        self.draft.env.insert(key, value.into());
        self
    }

    /// Sets several environment variables.
    #[track_caller]
    pub fn envs<K: Into<String>, V: Into<String>>(mut self, vars: impl IntoIterator<Item = (K, V)>) -> Self {
        for (key, value) in vars {
            self = self.env(key, value);
        }
        self
    }

    /// The working directory; by default `/`. A relative one counts from there.
    pub fn cwd(mut self, path: &str) -> Self {
        self.draft.cwd = path::clean(path);
        self
    }

    /// The user, as a name or id, with `:group` if need be; by default root.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.draft.user = user.into();
        self
    }

    /// The name that the machine seems to have.
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.draft.hostname = name.into();
        self
    }

    /// Adds a line to `/etc/hosts`. The address is not part of the cache key.
    pub fn extra_host(mut self, name: impl Into<String>, address: IpAddr) -> Self {
        self.draft.extra_hosts.entry(name.into()).or_default().push(address);
        self
    }

    /// Sets a limit (`nofile`, `nproc` …).
    pub fn ulimit(mut self, name: impl Into<String>, soft: i64, hard: i64) -> Self {
        self.draft.ulimits.insert(name.into(), (soft, hard));
        self
    }

    /// The cgroup to run below.
    pub fn cgroup_parent(mut self, path: impl Into<String>) -> Self {
        self.draft.cgroup_parent = path.into();
        self
    }

    /// Proxies for the command.
    pub fn proxy(mut self, proxy: &ProxyEnv) -> Self {
        self.draft.proxy = proxy.clone();
        self
    }

    /// The exit codes that count as success; by default 0 alone.
    pub fn exit_codes(mut self, codes: impl IntoIterator<Item = i32>) -> Self {
        self.draft.exit_codes = codes.into_iter().collect();
        self
    }

    /// Which network the command sees.
    pub fn network(mut self, network: Network) -> Self {
        self.draft.network = network;
        self
    }

    /// No network.
    pub fn offline(self) -> Self {
        self.network(Network::None)
    }

    /// All privileges; the user has to allow it.
    pub fn insecure(mut self) -> Self {
        self.draft.insecure = true;
        self
    }

    /// A device by its CDI name, `vendor.com/class=name`; the user has to allow it.
    pub fn device(mut self, name: impl Into<String>, optional: bool) -> Self {
        self.draft.devices.insert(name.into(), optional);
        self
    }

    /// Sets an environment variable to the value of a secret.
    pub fn secret_env(mut self, key: impl Into<String>, secret: impl Into<String>, optional: bool) -> Self {
        self.draft.secret_env.insert(key.into(), (secret.into(), optional));
        self
    }

    /// Limits memory and CPUs. They are not part of the cache key.
    pub fn resources(mut self, resources: &Resources) -> Self {
        self.draft.notes.resources = Some(resources.clone());
        self
    }

    /// Whether the contents of the root are its part of the cache key, and not only what it was made from.
    pub fn root_content_cache(mut self, setting: ContentCache) -> Self {
        if let Some(Kind::Bind { content_cache, .. }) = self.draft.mounts.get_mut("/") {
            *content_cache = setting;
        }
        self
    }

    /// Mounts something whose changes no other op can see. A state is mounted read-only.
    ///
    /// # Panics
    /// When `at` is not absolute, or something is mounted there already.
    #[track_caller]
    pub fn mount(mut self, at: impl AsRef<str>, mount: impl Into<Mount>) -> Self {
        self.add_mount(at.as_ref(), mount.into().0);
        self
    }

    /// Mounts a writable copy of `base` and yields what it holds when the command is done.
    ///
    /// # Panics
    /// When `at` is not absolute, or something is mounted there already.
    #[track_caller]
    pub fn output(mut self, at: impl AsRef<str>, base: &State) -> Exec<Out::Next>
    where
        Out: PushOutput,
    {
        let at = self.add_mount(at.as_ref(), Kind::Output { base: base.clone() });
        self.draft.outputs.push(at);
        Exec { draft: self.draft, out: PhantomData }
    }

    #[track_caller]
    fn add_mount(&mut self, at: &str, kind: Kind) -> String {
        let at = path::absolute(at, "mount point");
        let taken = self.draft.mounts.insert(at.clone(), kind);
        assert!(taken.is_none(), "two mounts at `{at}`");
        at
    }

    /// Finishes the op: one state for each output, in the order in which they were asked for.
    pub fn run(self) -> Out::States
    where
        Out: Outputs,
    {
        Out::collect(&mut self.draft.finish().into_iter())
    }
}

impl<Out> sealed::Annotated for Exec<Out> {
    fn notes(&mut self) -> &mut Notes {
        &mut self.draft.notes
    }
}
