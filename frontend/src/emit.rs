//! From a plan to LLB. Pure and total: everything that can be wrong was found before.
//!
//! The only phase, besides `context`, that uses LLB's builders.

pub mod builder;
pub mod contents;
pub mod crates;
pub mod device;
mod excerpts;
pub mod gather;
pub mod grants;
pub mod image;
pub mod launcher;
pub mod package;
pub mod record;
pub mod summary;

use std::collections::BTreeMap;

use crate::request::Sandbox;
use buildkit_llb::{Bind, ContentCache, Exec, Mount, Platform, Sharing, Slot, State};
use camino::Utf8Path;
use longshore_helper::{
    HELPER_PATH, SLOTS_DIR,
    wire::{self, REQUEST_ENV_PREFIX},
};

/// How the steps for one platform or device are told from those for another, where a build has several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix(Option<String>);

impl Prefix {
    /// Of the steps for `platform`.
    pub fn new(platform: &Platform, all: &[Platform]) -> Self {
        Self((all.len() > 1).then(|| platform.to_string()))
    }

    /// Of the steps for one of an image's architectures: `[cuda-sm80 crate]`.
    #[must_use]
    pub fn with(&self, part: &str) -> Self {
        let before = self.0.iter().map(|name| format!("{name} ")).collect::<String>();
        Self(Some(format!("{before}{part}")))
    }

    /// Of the steps that compile what runs on a device.
    pub fn of_device(name: &str) -> Self {
        Self(Some(name.to_owned()))
    }

    /// What a step's name begins with: `[crate]`, or `[linux/arm64 crate]` as in the names of Dockerfiles' steps.
    pub fn of(&self, kind: &str) -> String {
        match &self.0 {
            Some(name) => format!("[{name} {kind}]"),
            None => format!("[{kind}]"),
        }
    }
}

/// What every vertex that runs the helper has in common.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The platform that vertices run on.
    pub build_platform: Platform,
    /// The toolchain image, pinned.
    pub toolchain: State,
    /// Its environment: `PATH`, `CARGO_HOME`, ….
    pub toolchain_env: BTreeMap<String, String>,
    /// A filesystem that holds the helper, and where.
    pub helper: (State, String),
    /// What the client wants of containers.
    pub sandbox: Sandbox,
}

impl Workshop {
    /// An exec that runs `helper COMMAND` on a request: no network, root read-only, `/tmp` in memory.
    fn helper(&self, command: &str, request: &str) -> Exec {
        self.dressed(
            Exec::new(&self.build_platform, &self.toolchain, [HELPER_PATH, command]).offline(),
            request,
        )
    }

    /// The same with a root that it may change.
    fn changing_root(&self, command: &str, request: &str) -> Exec<(Slot,)> {
        self.dressed(Exec::modify(&self.build_platform, &self.toolchain, [HELPER_PATH, command]), request)
    }

    fn dressed<Out>(&self, exec: Exec<Out>, request: &str) -> Exec<Out> {
        let (helper, path) = &self.helper;
        let mut exec = exec
            .cwd("/")
            // Selected by file: another frontend image with the same helper has the same cache keys.
            .mount(HELPER_PATH, Mount::subpath(helper, path))
            .mount("/tmp", Mount::tmpfs());
        for (name, value) in &self.toolchain_env {
            exec = exec.env(name, value);
        }
        for (index, piece) in wire::encode(request).into_iter().enumerate() {
            exec = exec.env(format!("{REQUEST_ENV_PREFIX}{index}"), piece);
        }
        self.sandbox.apply(exec)
    }

    /// The cache mount that holds the slots: one for the whole daemon, so that builds at the same time share them.
    fn slots() -> Mount {
        Mount::cache(SLOTS_DIR.trim_start_matches('/'), Sharing::Shared)
    }
}

/// A mount by which a vertex's key holds what made `state`, not what is in it.
///
/// BuildKit hashes what is mounted, so that whatever comes out the same is reused though something before it ran anew.
/// That is wasted on what cannot come out the same; and it is harmful where many steps make the same thing, as members
/// without a warning do: an exported cache then names every step that ever led there, and BuildKit imports none whose
/// description is over 1 MiB (`cache/remotecache/import.go`).
fn known_by_origin(state: &State) -> Bind {
    Bind::new(state).content_cache(ContentCache::Off)
}

/// A package that is mounted at `place`, out of the state that holds it by the last part of that.
fn unpacked(state: &State, place: &Utf8Path) -> Bind {
    known_by_origin(state).subpath(&format!("/{}", place.file_name().unwrap_or_default()))
}
