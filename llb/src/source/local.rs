//! Directories of the client. A local source has a new key in every build, so what uses it should copy from it first:
//! the copy's contents are then the key.

use std::fmt;

use crate::caps::Cap;
use crate::json;
use crate::meta::{Notes, annotated};
use crate::source::{Attrs, source};
use crate::state::State;

/// The client's session: whose directories are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    /// A session by its id.
    pub fn new(id: impl Into<String>) -> SessionId {
        SessionId(id.into())
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the client finds the files that changed since an earlier transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differ {
    /// Not at all: everything is sent.
    None,
    /// By size, time, mode, owner and link target; an edit that keeps these is missed.
    Metadata,
}

/// A directory of the client.
#[must_use = "a local source does nothing until `state` is called"]
#[derive(Debug, Clone)]
pub struct Local {
    name: String,
    attrs: Attrs,
    notes: Notes,
}

impl Local {
    /// The directory that the client of this session knows by `name`.
    pub fn new(name: impl Into<String>, session: &SessionId) -> Local {
        Local::with(name, "local.session", session.as_str(), Cap::SOURCE_LOCAL_SESSION)
    }

    /// A directory without a fixed session; `id` tells builds apart.
    pub fn unique(name: impl Into<String>, id: &str) -> Local {
        Local::with(name, "local.unique", id, Cap::SOURCE_LOCAL_UNIQUE)
    }

    fn with(name: impl Into<String>, key: &str, value: &str, cap: Cap) -> Local {
        let mut local = Local { name: name.into(), attrs: Attrs::default(), notes: Notes::default() };
        local.notes.need(Cap::SOURCE_LOCAL);
        local.set(key, value, cap);
        local
    }

    fn set(&mut self, key: &str, value: impl Into<String>, cap: Cap) {
        let value = value.into();
        if !value.is_empty() {
            self.attrs.set(key, value);
            self.notes.need(cap);
        }
    }

    fn set_list<S: AsRef<str>>(&mut self, key: &str, items: impl IntoIterator<Item = S>, cap: Cap) {
        let items: Vec<S> = items.into_iter().collect();
        if !items.is_empty() {
            self.set(key, json::array(&items), cap);
        }
    }

    /// Sends only what matches one of the patterns. The last call counts.
    pub fn include<S: AsRef<str>>(mut self, patterns: impl IntoIterator<Item = S>) -> Local {
        self.set_list("local.includepattern", patterns, Cap::SOURCE_LOCAL_INCLUDE);
        self
    }

    /// Leaves out what matches; a pattern with `!` takes files back in, so the order of patterns matters.
    pub fn exclude<S: AsRef<str>>(mut self, patterns: impl IntoIterator<Item = S>) -> Local {
        self.set_list("local.excludepatterns", patterns, Cap::SOURCE_LOCAL_EXCLUDE);
        self
    }

    /// Sends only these paths and what they link to.
    pub fn follow_paths<S: AsRef<str>>(mut self, paths: impl IntoIterator<Item = S>) -> Local {
        self.set_list("local.followpaths", paths, Cap::SOURCE_LOCAL_FOLLOW_PATHS);
        self
    }

    /// Reuses what another build sent under the same hint. Sources with other patterns need another hint, or they
    /// delete each other's files.
    pub fn shared_key_hint(mut self, hint: &str) -> Local {
        self.set("local.sharedkeyhint", hint, Cap::SOURCE_LOCAL_SHARED_KEY_HINT);
        self
    }

    /// How changed files are found. An old daemon that does not know this compares metadata.
    pub fn differ(mut self, differ: Differ) -> Local {
        self.attrs.set(
            "local.differ",
            match differ {
                Differ::None => "none",
                Differ::Metadata => "metadata",
            },
        );
        self
    }

    /// Sends the names, sizes and modes of all files, but contents only of those that match one of `contents`. The
    /// names are in the file `.fsutil-metadata`.
    pub fn metadata_only<S: AsRef<str>>(mut self, contents: impl IntoIterator<Item = S>) -> Local {
        self.set("local.metadatatransfer", "true", Cap::SOURCE_LOCAL_METADATA);
        self.set_list("local.metadatatransferexclude", contents, Cap::SOURCE_LOCAL_METADATA);
        self
    }

    /// The directory.
    #[must_use]
    pub fn state(self) -> State {
        source(format!("local://{}", self.name), None, self.attrs, self.notes)
    }
}

annotated!(Local);
