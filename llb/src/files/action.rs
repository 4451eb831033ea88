//! The five file actions and their options. Plain values; `marshal` makes the op of them.

use crate::files::Owner;
use crate::path;
use crate::state::State;

/// One action of [`Files`](crate::Files).
#[derive(Debug, Clone)]
pub struct Action(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Mkdir(Mkdir),
    Write(Write),
    Copy(Box<Copy>),
    Remove(Remove),
    Symlink(Symlink),
}

/// Makes a directory.
#[must_use = "an action does nothing until it is added"]
#[derive(Debug, Clone)]
pub struct Mkdir {
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) parents: bool,
    pub(crate) owner: Owner,
    pub(crate) seconds: Option<i64>,
}

impl Mkdir {
    /// The directory `path`, whose parent has to be there.
    pub fn new(path: impl AsRef<str>, mode: u32) -> Mkdir {
        let path = path::clean(path.as_ref());
        Mkdir { path, mode, parents: false, owner: Owner::default(), seconds: None }
    }

    /// Makes the directories above it as well, and takes it as it is where it is there already.
    pub fn parents(mut self) -> Mkdir {
        self.parents = true;
        self
    }
}

/// Writes a file.
#[must_use = "an action does nothing until it is added"]
#[derive(Debug, Clone)]
pub struct Write {
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) owner: Owner,
    pub(crate) seconds: Option<i64>,
}

impl Write {
    /// The file `path` with these bytes.
    pub fn new(path: impl AsRef<str>, mode: u32, data: impl Into<Vec<u8>>) -> Write {
        let path = path::clean(path.as_ref());
        Write { path, mode, data: data.into(), owner: Owner::default(), seconds: None }
    }
}

/// Makes a symlink.
#[must_use = "an action does nothing until it is added"]
#[derive(Debug, Clone)]
pub struct Symlink {
    pub(crate) target: String,
    pub(crate) path: String,
    pub(crate) owner: Owner,
    pub(crate) seconds: Option<i64>,
}

impl Symlink {
    /// The symlink `path` that points to `target`, which may be relative and need not be there.
    pub fn new(target: impl Into<String>, path: impl AsRef<str>) -> Symlink {
        let path = path::clean(path.as_ref());
        Symlink { target: target.into(), path, owner: Owner::default(), seconds: None }
    }
}

/// Removes a file or directory.
#[must_use = "an action does nothing until it is added"]
#[derive(Debug, Clone)]
pub struct Remove {
    pub(crate) path: String,
    pub(crate) allow_missing: bool,
    pub(crate) wildcard: bool,
}

impl Remove {
    /// The file or directory `path`, which has to be there.
    pub fn new(path: impl AsRef<str>) -> Remove {
        Remove { path: path::clean(path.as_ref()), allow_missing: false, wildcard: false }
    }

    /// Does nothing where it is not there.
    pub fn allow_missing(mut self) -> Remove {
        self.allow_missing = true;
        self
    }

    /// Takes `*`, `?` and `[…]` in the path as patterns.
    pub fn wildcard(mut self) -> Remove {
        self.wildcard = true;
        self
    }
}

/// Copies a file or directory of another state. The cache key holds the contents of what is copied, and not where in
/// the other state it was.
#[must_use = "an action does nothing until it is added"]
#[derive(Debug, Clone)]
pub struct Copy {
    pub(crate) from: State,
    pub(crate) src: String,
    pub(crate) dest: String,
    pub(crate) mode: Mode,
    pub(crate) owner: Owner,
    pub(crate) seconds: Option<i64>,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) required: Vec<String>,
    pub(crate) wildcard: bool,
    pub(crate) allow_empty_wildcard: bool,
    pub(crate) follow_symlinks: bool,
    pub(crate) contents: bool,
    pub(crate) parents: bool,
    pub(crate) unpack: bool,
    pub(crate) replace: bool,
}

/// Permission bits of what is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    Keep,
    Bits(u32),
    Symbolic(String),
}

impl Copy {
    /// `src` of the other state to `dest`; a `dest` that ends in a slash is a directory to copy into.
    pub fn new(from: &State, src: impl AsRef<str>, dest: impl AsRef<str>) -> Copy {
        Copy {
            from: from.clone(),
            src: path::clean(src.as_ref()),
            dest: path::clean_destination(dest.as_ref()),
            mode: Mode::Keep,
            owner: Owner::default(),
            seconds: None,
            include: Vec::new(),
            exclude: Vec::new(),
            required: Vec::new(),
            wildcard: false,
            allow_empty_wildcard: false,
            follow_symlinks: false,
            contents: false,
            parents: false,
            unpack: false,
            replace: false,
        }
    }

    /// Gives everything these permission bits.
    pub fn mode(mut self, mode: u32) -> Copy {
        self.mode = Mode::Bits(mode);
        self
    }

    /// Changes permission bits as `chmod` does: `u=rwX,go=rX`.
    pub fn symbolic_mode(mut self, mode: impl Into<String>) -> Copy {
        self.mode = Mode::Symbolic(mode.into());
        self
    }

    /// Copies only what matches one of the patterns below `src`.
    pub fn include<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Copy {
        self.include.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Leaves out what matches one of the patterns below `src`, even where an include pattern matches.
    pub fn exclude<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Copy {
        self.exclude.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Fails unless these paths are among what the include patterns find.
    pub fn required<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Copy {
        self.required.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Takes `*`, `?` and `[…]` in `src` as patterns.
    pub fn wildcard(mut self) -> Copy {
        self.wildcard = true;
        self
    }

    /// Copies nothing where no path matches the wildcard; otherwise that fails.
    pub fn allow_empty_wildcard(mut self) -> Copy {
        self.allow_empty_wildcard = true;
        self
    }

    /// Copies what a symlink at `src` points to.
    pub fn follow_symlinks(mut self) -> Copy {
        self.follow_symlinks = true;
        self
    }

    /// Copies what is in the directory `src`, not the directory.
    pub fn contents(mut self) -> Copy {
        self.contents = true;
        self
    }

    /// Makes the directories above `dest`.
    pub fn parents(mut self) -> Copy {
        self.parents = true;
        self
    }

    /// Unpacks `src` where it is a tar archive, compressed or not.
    pub fn unpack(mut self) -> Copy {
        self.unpack = true;
        self
    }

    /// Replaces what is at `dest` where it is of another type; otherwise that fails.
    pub fn replace(mut self) -> Copy {
        self.replace = true;
        self
    }
}

macro_rules! made_of_files {
    ($($action:ident),+) => {
        $(impl $action {
            /// Who owns what is made.
            pub fn owner(mut self, owner: Owner) -> $action {
                self.owner = owner;
                self
            }

            /// The time that what is made gets, in seconds since 1970. A copy otherwise keeps the times of its source,
            /// and the others take the time of the build.
            pub fn timestamp(mut self, seconds: i64) -> $action {
                self.seconds = Some(seconds);
                self
            }
        })+
    };
}

made_of_files!(Mkdir, Write, Symlink, Copy);

macro_rules! into_action {
    ($($action:ident),+) => {
        $(impl From<$action> for Action {
            fn from(action: $action) -> Action {
                Action(Kind::$action(action))
            }
        })+
    };
}

into_action!(Mkdir, Write, Symlink, Remove);

impl From<Copy> for Action {
    fn from(copy: Copy) -> Action {
        Action(Kind::Copy(Box::new(copy)))
    }
}
