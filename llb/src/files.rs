//! File actions that the daemon does itself, without a container. Several make one op; they carry no platform.

pub(crate) mod action;
mod marshal;

use crate::files::action::{Action, Copy, Kind, Mkdir, Remove, Symlink, Write};
use crate::meta::{Notes, annotated};
use crate::state::State;

/// File actions on top of a state, done in the order of the calls.
///
/// ```
/// use buildkit_llb::{Copy, Files, State};
///
/// let source = Files::on(&State::SCRATCH).write("/app", 0o755, "#!/bin/sh\n").state();
/// let image = Files::on(&State::SCRATCH)
///     .mkdir("/usr/local/bin", 0o755)
///     .add(Copy::new(&source, "/app", "/usr/local/bin/").mode(0o555))
///     .symlink("app", "/usr/local/bin/app.old")
///     .state();
/// assert_ne!(image, source);
/// ```
#[must_use = "file actions do nothing until `state` is called"]
#[derive(Debug, Clone)]
pub struct Files {
    base: State,
    actions: Vec<Action>,
    notes: Notes,
}

impl Files {
    /// Actions on a copy of `base`.
    pub fn on(base: &State) -> Files {
        Files { base: base.clone(), actions: Vec::new(), notes: Notes::default() }
    }

    /// Adds an action.
    ///
    /// # Panics
    /// When the owner of a new file is given by name and the base is scratch, where no name can be looked up.
    #[track_caller]
    #[expect(clippy::should_implement_trait, reason = "adding actions to a list is no arithmetic")]
    pub fn add(mut self, action: impl Into<Action>) -> Files {
        let action = action.into();
        if let (true, Some(name)) = (self.base.is_scratch(), action.owner_name()) {
            panic!("the owner `{name}` cannot be looked up in scratch; give a number");
        }
        self.actions.push(action);
        self
    }

    /// Makes a directory and those above it.
    pub fn mkdir(self, path: impl AsRef<str>, mode: u32) -> Files {
        self.add(Mkdir::new(path, mode).parents())
    }

    /// Copies a file or directory of another state.
    pub fn copy(self, from: &State, src: impl AsRef<str>, dest: impl AsRef<str>) -> Files {
        self.add(Copy::new(from, src, dest))
    }

    /// Writes a file.
    pub fn write(self, path: impl AsRef<str>, mode: u32, data: impl Into<Vec<u8>>) -> Files {
        self.add(Write::new(path, mode, data))
    }

    /// Removes a file or directory.
    pub fn remove(self, path: impl AsRef<str>) -> Files {
        self.add(Remove::new(path))
    }

    /// Makes a symlink at `path` that points to `target`.
    pub fn symlink(self, target: impl Into<String>, path: impl AsRef<str>) -> Files {
        self.add(Symlink::new(target, path))
    }

    /// The base with all actions done. Without actions it is the base itself.
    #[must_use]
    pub fn state(self) -> State {
        if self.actions.is_empty() {
            return self.base;
        }
        marshal::finish(&self.base, &self.actions, self.notes)
    }
}

annotated!(Files);

/// Owner of new files. What is not given stays root's, or the source's in a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: Option<User>,
    /// The group.
    pub group: Option<User>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// By number.
    Id(u32),
    /// By name, looked up in the base's `/etc/passwd` or `/etc/group`.
    Name(String),
}

impl Owner {
    /// A user and a group by number.
    #[must_use]
    pub fn ids(uid: u32, gid: u32) -> Owner {
        Owner { user: Some(User::Id(uid)), group: Some(User::Id(gid)) }
    }

    /// Reads `user`, `user:group` or `:group`, each a number or a name; `root` is the number 0 anywhere.
    #[must_use]
    pub fn parse(text: &str) -> Owner {
        let part = |part: &str| match part {
            "" => None,
            "root" => Some(User::Id(0)),
            part => Some(part.parse().map_or_else(|_| User::Name(part.to_owned()), User::Id)),
        };
        match text.split_once(':') {
            Some((user, group)) => Owner { user: part(user), group: part(group) },
            None => Owner { user: part(text), group: None },
        }
    }

    fn name(&self) -> Option<&str> {
        [&self.user, &self.group].into_iter().flatten().find_map(|user| match user {
            User::Id(_) => None,
            User::Name(name) => Some(name.as_str()),
        })
    }
}

impl Action {
    fn owner_name(&self) -> Option<&str> {
        match &self.0 {
            Kind::Mkdir(mkdir) => mkdir.owner.name(),
            Kind::Write(write) => write.owner.name(),
            Kind::Copy(copy) => copy.owner.name(),
            Kind::Symlink(symlink) => symlink.owner.name(),
            Kind::Remove(_) => None,
        }
    }
}
