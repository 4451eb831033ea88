//! What a command finds at a path beside its root: other states, caches, secrets. [`Exec::output`](crate::Exec::output)
//! makes the one kind of mount that yields a state, and it is not here.

use crate::path;
use crate::state::State;

/// A mount whose changes no other op can see.
#[derive(Debug, Clone)]
pub struct Mount(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Bind { state: State, subpath: String, writable: bool, content_cache: ContentCache },
    Output { base: State },
    Cache { id: String, sharing: Sharing, base: State },
    Tmpfs { bytes_max: i64 },
    Secret { id: String, file: AccessFile },
    Ssh { id: String, socket: AccessFile },
}

/// How a secret or an agent's socket appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccessFile {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
    pub(crate) optional: bool,
}

/// Whether the contents of a mount are its part of the cache key, or what it was made from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ContentCache {
    /// The contents, where that is safe: read-only and dropped mounts other than the root.
    #[default]
    Default,
    /// The contents. The daemon refuses this where it is not safe.
    On,
    /// What it was made from.
    Off,
}

/// What happens when several commands want the same cache mount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// They use it at the same time.
    #[default]
    Shared,
    /// Each gets one of its own.
    Private,
    /// They wait for each other.
    Locked,
}

impl Mount {
    /// One file or directory of a state, read-only.
    #[must_use]
    pub fn subpath(state: &State, subpath: &str) -> Mount {
        Bind::new(state).subpath(subpath).into()
    }

    /// A writable copy of a state that is dropped when the command is done.
    #[must_use]
    pub fn discard(state: &State) -> Mount {
        Bind::new(state).discard().into()
    }

    /// A directory that the daemon keeps between builds, under this id.
    #[track_caller]
    #[must_use]
    pub fn cache(id: impl Into<String>, sharing: Sharing) -> Mount {
        Cache::new(id).sharing(sharing).into()
    }

    /// A directory in memory.
    #[must_use]
    pub fn tmpfs() -> Mount {
        Tmpfs::default().into()
    }

    /// A file with a secret of the user.
    pub fn secret(id: impl Into<String>) -> Secret {
        Secret::new(id)
    }

    /// The socket of an ssh agent of the user.
    pub fn ssh(id: impl Into<String>) -> Ssh {
        Ssh::new(id)
    }
}

/// Read-only, the common case.
impl From<&State> for Mount {
    fn from(state: &State) -> Mount {
        Bind::new(state).into()
    }
}

/// A mount of another state.
#[must_use = "a bind does nothing until it is mounted"]
#[derive(Debug, Clone)]
pub struct Bind {
    state: State,
    subpath: String,
    writable: bool,
    content_cache: ContentCache,
}

impl Bind {
    /// A state, read-only.
    pub fn new(state: &State) -> Bind {
        let content_cache = ContentCache::default();
        Bind { state: state.clone(), subpath: String::new(), writable: false, content_cache }
    }

    /// Only this file or directory of the state. The cache key then holds its contents alone.
    pub fn subpath(mut self, path: &str) -> Bind {
        let cleaned = path::clean(path);
        self.subpath = if cleaned == "/" { String::new() } else { cleaned };
        self
    }

    /// Writable, but all changes are dropped.
    pub fn discard(mut self) -> Bind {
        self.writable = true;
        self
    }

    /// What stands for the mount in the cache key.
    pub fn content_cache(mut self, setting: ContentCache) -> Bind {
        self.content_cache = setting;
        self
    }
}

impl From<Bind> for Mount {
    fn from(bind: Bind) -> Mount {
        let Bind { state, subpath, writable, content_cache } = bind;
        Mount(Kind::Bind { state, subpath, writable, content_cache })
    }
}

/// A directory that the daemon keeps between builds. It is not part of the cache key: what a command leaves there must
/// never be what matters.
#[must_use = "a cache does nothing until it is mounted"]
#[derive(Debug, Clone)]
pub struct Cache {
    id: String,
    sharing: Sharing,
    base: State,
}

impl Cache {
    /// The cache of this id, shared.
    #[track_caller]
    pub fn new(id: impl Into<String>) -> Cache {
        let id = id.into();
        assert!(!id.is_empty(), "a cache mount needs an id");
        Cache { id, sharing: Sharing::default(), base: State::SCRATCH }
    }

    /// What happens when several commands want it.
    pub fn sharing(mut self, sharing: Sharing) -> Cache {
        self.sharing = sharing;
        self
    }

    /// What the cache holds at first. It is part of the cache's identity: another base is another, empty cache.
    pub fn base(mut self, base: &State) -> Cache {
        self.base = base.clone();
        self
    }
}

impl From<Cache> for Mount {
    fn from(cache: Cache) -> Mount {
        let Cache { id, sharing, base } = cache;
        Mount(Kind::Cache { id, sharing, base })
    }
}

/// A directory in memory.
#[must_use = "a tmpfs does nothing until it is mounted"]
#[derive(Debug, Clone, Copy, Default)]
pub struct Tmpfs {
    bytes_max: i64,
}

impl Tmpfs {
    /// Holds no more than this.
    pub fn size(mut self, bytes_max: u64) -> Tmpfs {
        self.bytes_max = i64::try_from(bytes_max).unwrap_or(i64::MAX);
        self
    }
}

impl From<Tmpfs> for Mount {
    fn from(tmpfs: Tmpfs) -> Mount {
        Mount(Kind::Tmpfs { bytes_max: tmpfs.bytes_max })
    }
}

/// A file with a secret of the user. Its value is not part of the cache key.
#[must_use = "a secret does nothing until it is mounted"]
#[derive(Debug, Clone)]
pub struct Secret {
    id: String,
    file: AccessFile,
}

impl Secret {
    /// The secret of this id, readable by root alone.
    pub fn new(id: impl Into<String>) -> Secret {
        Secret { id: id.into(), file: AccessFile { uid: 0, gid: 0, mode: 0o400, optional: false } }
    }

    /// No file where the user has no such secret; otherwise the build fails.
    pub fn optional(mut self) -> Secret {
        self.file.optional = true;
        self
    }

    /// Permission bits of the file.
    pub fn mode(mut self, mode: u32) -> Secret {
        self.file.mode = mode;
        self
    }

    /// Owner of the file.
    pub fn owner(mut self, uid: u32, gid: u32) -> Secret {
        (self.file.uid, self.file.gid) = (uid, gid);
        self
    }
}

impl From<Secret> for Mount {
    fn from(Secret { id, file }: Secret) -> Mount {
        Mount(Kind::Secret { id, file })
    }
}

/// The socket of an ssh agent of the user. `SSH_AUTH_SOCK` points to the first one unless it is set otherwise.
#[must_use = "an agent does nothing until it is mounted"]
#[derive(Debug, Clone)]
pub struct Ssh {
    id: String,
    socket: AccessFile,
}

impl Ssh {
    /// The agent of this id; `default` is the usual one.
    pub fn new(id: impl Into<String>) -> Ssh {
        Ssh { id: id.into(), socket: AccessFile { uid: 0, gid: 0, mode: 0o600, optional: false } }
    }

    /// No socket where the user has no such agent; otherwise the build fails.
    pub fn optional(mut self) -> Ssh {
        self.socket.optional = true;
        self
    }

    /// Permission bits of the socket.
    pub fn mode(mut self, mode: u32) -> Ssh {
        self.socket.mode = mode;
        self
    }

    /// Owner of the socket.
    pub fn owner(mut self, uid: u32, gid: u32) -> Ssh {
        (self.socket.uid, self.socket.gid) = (uid, gid);
        self
    }
}

impl From<Ssh> for Mount {
    fn from(Ssh { id, socket }: Ssh) -> Mount {
        Mount(Kind::Ssh { id, socket })
    }
}
