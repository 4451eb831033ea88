//! Capabilities: what a daemon says it can do, and what each op needs. The builders add what they use; nobody writes
//! a list by hand.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use buildkit_proto::apicaps;

/// One capability of the LLB interface, by BuildKit's name for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cap(Cow<'static, str>);

macro_rules! caps {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal;)+) => {
        impl Cap {
            $($(#[doc = $doc])+ pub const $name: Cap = Cap(Cow::Borrowed($id));)+
        }
    };
}

caps! {
    /// Images as sources.
    SOURCE_IMAGE = "source.image";
    /// Forcing a pull.
    SOURCE_IMAGE_RESOLVE_MODE = "source.image.resolvemode";
    /// Only the lowest layers of an image.
    SOURCE_IMAGE_LAYER_LIMIT = "source.image.layerlimit";
    /// An image whose manifest must have a given digest.
    SOURCE_IMAGE_CHECKSUM = "source.image.checksum";
    /// Directories of the client.
    SOURCE_LOCAL = "source.local";
    /// Directories of the client, found by a unique id in place of a session.
    SOURCE_LOCAL_UNIQUE = "source.local.unique";
    /// Directories of the client of one session.
    SOURCE_LOCAL_SESSION = "source.local.sessionid";
    /// Include patterns on a local source.
    SOURCE_LOCAL_INCLUDE = "source.local.includepatterns";
    /// Paths whose symlinks are followed by the client.
    SOURCE_LOCAL_FOLLOW_PATHS = "source.local.followpaths";
    /// Exclude patterns on a local source.
    SOURCE_LOCAL_EXCLUDE = "source.local.excludepatterns";
    /// Reusing an earlier transfer of another session.
    SOURCE_LOCAL_SHARED_KEY_HINT = "source.local.sharedkeyhint";
    /// Choosing how changed files are found.
    SOURCE_LOCAL_DIFFER = "source.local.differ";
    /// Names and sizes of all files, contents of some.
    SOURCE_LOCAL_METADATA = "source.local.metadatatransfer";
    /// Git repositories.
    SOURCE_GIT = "source.git";
    /// Git checkouts that keep their `.git`.
    SOURCE_GIT_KEEP_DIR = "source.git.keepgitdir";
    /// Git remotes with a full URL.
    SOURCE_GIT_FULL_URL = "source.git.fullurl";
    /// Credentials for git over HTTP.
    SOURCE_GIT_HTTP_AUTH = "source.git.httpauth";
    /// Host keys for git over ssh.
    SOURCE_GIT_KNOWN_HOSTS = "source.git.knownsshhosts";
    /// An ssh agent for git.
    SOURCE_GIT_SSH_SOCK = "source.git.mountsshsock";
    /// A directory inside a repository.
    SOURCE_GIT_SUBDIR = "source.git.subdir";
    /// A commit that a git ref must resolve to.
    SOURCE_GIT_CHECKSUM = "source.git.checksum";
    /// Leaving submodules out.
    SOURCE_GIT_SKIP_SUBMODULES = "source.git.skipsubmodules";
    /// Choosing modification times of a checkout.
    SOURCE_GIT_MTIME = "source.git.mtime";
    /// Fetching a commit without asking what a ref points to.
    SOURCE_GIT_FETCH_BY_COMMIT = "source.git.fetchbycommit";
    /// Files over HTTP.
    SOURCE_HTTP = "source.http";
    /// Credentials for HTTP.
    SOURCE_HTTP_AUTH = "source.http.auth";
    /// Checksums of files over HTTP.
    SOURCE_HTTP_CHECKSUM = "source.http.checksum";
    /// Permission bits of files over HTTP.
    SOURCE_HTTP_PERM = "source.http.perm";
    /// Owners of files over HTTP; BuildKit's name for it is misspelt.
    SOURCE_HTTP_OWNER = "soruce.http.uidgid";
    /// Request headers.
    SOURCE_HTTP_HEADER = "source.http.header";
    /// Images in an OCI layout of the client.
    SOURCE_OCI_LAYOUT = "source.ocilayout";
    /// Running commands.
    EXEC = "exec.meta.base";
    /// A cgroup to run below.
    EXEC_CGROUP_PARENT = "exec.meta.cgroup.parent";
    /// A network mode.
    EXEC_NETWORK = "exec.meta.network";
    /// Proxy variables that stay out of the cache key.
    EXEC_PROXY = "exec.meta.proxyenv";
    /// Running with all privileges.
    EXEC_SECURITY = "exec.meta.security";
    /// A `PATH` where the environment has none.
    EXEC_DEFAULT_PATH = "exec.meta.setsdefaultpath";
    /// Ulimits.
    EXEC_ULIMIT = "exec.meta.ulimit";
    /// Devices by CDI name.
    EXEC_CDI = "exec.meta.cdi";
    /// Memory and CPU limits.
    EXEC_LINUX_RESOURCES = "exec.meta.linux.resources";
    /// Exit codes other than 0 that count as success.
    EXEC_VALID_EXIT_CODES = "exec.validexitcode";
    /// Environment variables that hold secrets.
    EXEC_SECRET_ENV = "exec.secretenv";
    /// Mounts of other vertices.
    EXEC_MOUNT_BIND = "exec.mount.bind";
    /// Writable mounts whose changes are dropped.
    EXEC_MOUNT_DISCARD = "exec.mount.bind.readwrite-nooutput";
    /// Cache mounts.
    EXEC_MOUNT_CACHE = "exec.mount.cache";
    /// How cache mounts are shared.
    EXEC_MOUNT_CACHE_SHARING = "exec.mount.cache.sharing";
    /// Choosing whether a mount's contents are part of the cache key.
    EXEC_MOUNT_CONTENT_CACHE = "exec.mount.cache.content";
    /// Mounts of one path of a vertex.
    EXEC_MOUNT_SELECTOR = "exec.mount.selector";
    /// Temporary filesystems.
    EXEC_MOUNT_TMPFS = "exec.mount.tmpfs";
    /// Their size.
    EXEC_MOUNT_TMPFS_SIZE = "exec.mount.tmpfs.size";
    /// Secrets as files.
    EXEC_MOUNT_SECRET = "exec.mount.secret";
    /// Agent sockets.
    EXEC_MOUNT_SSH = "exec.mount.ssh";
    /// File actions.
    FILE = "file.base";
    /// Wildcards when removing.
    FILE_RM_WILDCARD = "file.rm.wildcard";
    /// Patterns when copying.
    FILE_COPY_PATTERNS = "file.copy.includeexcludepatterns";
    /// Paths that a copy with patterns must find.
    FILE_COPY_REQUIRED = "file.copy.requiredpaths";
    /// Copying over a path of another type.
    FILE_COPY_REPLACE = "file.copy.alwaysreplaceexistingdestpaths";
    /// Symlinks.
    FILE_SYMLINK = "file.symlink.create";
    /// Stacking filesystems.
    MERGE = "mergeop";
    /// The changes between two filesystems.
    DIFF = "diffop";
    /// Ordering without data.
    PASSTHROUGH = "passthroughop";
    /// Constraints on workers.
    CONSTRAINTS = "constraints";
    /// Platforms on ops.
    PLATFORM = "platform";
    /// Ops that always run.
    META_IGNORE_CACHE = "meta.ignorecache";
    /// Names and other texts on ops.
    META_DESCRIPTION = "meta.description";
    /// Choosing which results are exported to a cache.
    META_EXPORT_CACHE = "meta.exportcache";
}

impl Cap {
    /// A capability by its name, for what has no constant here.
    #[must_use]
    pub fn named(id: impl Into<String>) -> Cap {
        Cap(Cow::Owned(id.into()))
    }

    /// BuildKit's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a daemon can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CapSet {
    enabled: BTreeSet<Cap>,
    /// Known to the daemon but switched off, with its reason.
    disabled: BTreeMap<Cap, String>,
}

impl CapSet {
    /// A set of enabled capabilities.
    pub fn new(enabled: impl IntoIterator<Item = Cap>) -> CapSet {
        CapSet { enabled: enabled.into_iter().collect(), disabled: BTreeMap::new() }
    }

    /// The list of a daemon's answer. A capability counts when it is present and enabled.
    #[must_use]
    pub fn from_proto(caps: &[apicaps::ApiCap]) -> CapSet {
        let mut set = CapSet::default();
        for cap in caps {
            let id = Cap::named(cap.id.clone());
            if cap.enabled {
                set.enabled.insert(id);
            } else {
                let reasons = [&cap.disabled_reason_msg, &cap.disabled_reason];
                let reason = reasons.into_iter().find(|reason| !reason.is_empty());
                set.disabled.insert(id, reason.map_or_else(|| "disabled".to_owned(), String::clone));
            }
        }
        set
    }

    /// Whether the daemon can do this.
    #[must_use]
    pub fn supports(&self, cap: &Cap) -> bool {
        self.enabled.contains(cap)
    }

    /// Why the daemon has switched this off, where it says so.
    #[must_use]
    pub fn disabled_reason(&self, cap: &Cap) -> Option<&str> {
        self.disabled.get(cap).map(String::as_str)
    }
}

/// One op that needs what the daemon cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingCap {
    /// The op, by its name or label.
    pub op: String,
    /// What it needs.
    pub cap: Cap,
    /// The daemon's reason, where it gives one.
    pub reason: Option<String>,
}

impl fmt::Display for MissingCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` needs the BuildKit capability `{}`", self.op, self.cap)?;
        match &self.reason {
            Some(reason) => write!(f, ", which this daemon has switched off: {reason}"),
            None => write!(f, ", which this daemon does not have"),
        }
    }
}

/// All that [`Definition::check`](crate::Definition::check) found; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingCaps(pub(crate) Vec<MissingCap>);

impl MissingCaps {
    /// Each op with each capability that it lacks, in the order of the definition.
    #[must_use]
    pub fn as_slice(&self) -> &[MissingCap] {
        &self.0
    }
}

impl fmt::Display for MissingCaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, missing) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{missing}")?;
        }
        Ok(())
    }
}

impl std::error::Error for MissingCaps {}
