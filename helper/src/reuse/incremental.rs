//! rustc's incremental state of one unit, kept in the member's cache mount.
//!
//! rustc takes object files out of its state without a look, so a damaged one ends in a wrong program. It therefore never
//! works on what is kept, but on links to it whose contents were compared with their digests, and what it leaves there is
//! kept by one rename, in place of the state before. Kept files are not changed: rustc links what it goes on with into its
//! new session, and removes what it writes anew first (`compiler/rustc_incremental/src/persist`). Builds at the same
//! time have a working state each; the last one stays.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::digest::{Digest, Links};
use super::{ENTRY_FILE, UNFINISHED_PREFIX, discard, make_directory, seal, unfinished, unseal};
use crate::tree;

/// How the value of rustc's `-C` begins.
const ARGUMENT: &str = "incremental=";

/// Beside [`ENTRY_FILE`], which holds the digests of its files.
const STATE_DIRECTORY: &str = "state";
const KEPT_PREFIX: &str = "kept-";

/// No compiler works longer.
const UNFINISHED_AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The digest of each file, by its path.
type Digests = BTreeMap<String, String>;

/// A state that rustc may work on. What is not kept is removed.
#[derive(Debug)]
pub(crate) struct Incremental {
    /// Of the unit: kept states, and those that are worked on.
    directory: PathBuf,
    working: PathBuf,
    /// What is known by its inode, as its contents were compared.
    known: BTreeMap<u64, String>,
}

impl Incremental {
    /// Points the argument for rustc to a working state, with what is kept of the unit if that is whole. Without the
    /// argument, or where the mount cannot be used, there is none.
    pub(crate) fn open(args: &mut [String]) -> Option<Self> {
        let unit = unit(args)?;
        let at = codegen(args, ARGUMENT)?;
        let argument = &mut args[at];
        let all = Path::new(&argument[ARGUMENT.len()..]);
        let directory = all.join(unit);
        make_directory(all).and_then(|()| make_directory(&directory)).ok()?;
        let working = directory.join(unfinished());
        fs::create_dir(&working).ok()?;
        let mut state = Self { directory, working, known: BTreeMap::new() };
        state.restore().ok()?;
        *argument = format!("{ARGUMENT}{}", state.files().to_str()?);
        Some(state)
    }

    /// Takes the argument away.
    pub(crate) fn forgo(args: &mut Vec<String>) {
        if let Some(at) = codegen(args, ARGUMENT) {
            args.drain(at - 1..=at);
        }
    }

    /// Keeps what rustc left.
    pub(crate) fn keep(self) -> io::Result<()> {
        let mut digests = Digests::new();
        for (name, inode) in files(&self.files())? {
            let digest = match self.known.get(&inode) {
                Some(digest) => digest.clone(),
                None => digest_of(&self.files().join(&name))?,
            };
            digests.insert(name, digest);
        }
        fs::write(self.working.join(ENTRY_FILE), seal(&digests)?)?;
        let name = self.working.file_name().unwrap_or_default().to_string_lossy();
        let name = name.replacen(UNFINISHED_PREFIX, KEPT_PREFIX, 1);
        fs::rename(&self.working, self.directory.join(&name))?;
        for other in tree::names(&self.directory)? {
            let (path, other) = (self.directory.join(&other), other.to_string_lossy().into_owned());
            let is_old = || Ok::<_, io::Error>(fs::symlink_metadata(&path)?.modified()?.elapsed());
            if !other.starts_with(UNFINISHED_PREFIX) {
                if other != name {
                    discard(&path)?;
                }
            } else if is_old()?.is_ok_and(|age| age > UNFINISHED_AGE_MAX) {
                discard(&path)?;
            }
        }
        Ok(())
    }

    fn files(&self) -> PathBuf {
        self.working.join(STATE_DIRECTORY)
    }

    /// Links the youngest state that is whole. An error if the directory for it cannot be made.
    fn restore(&mut self) -> io::Result<()> {
        let mut kept = tree::names(&self.directory)?;
        kept.retain(|name| name.to_string_lossy().starts_with(KEPT_PREFIX));
        for name in kept.iter().rev() {
            let kept = self.directory.join(name);
            match self.link(&kept) {
                Ok(known) => {
                    self.known = known;
                    return Ok(());
                }
                Err(_) => {
                    tree::clear(&self.working)?;
                    let _ = discard(&kept);
                }
            }
        }
        fs::create_dir_all(self.files())
    }

    /// Links first and compares then: what is linked cannot go away any more.
    fn link(&self, kept: &Path) -> io::Result<BTreeMap<u64, String>> {
        let digests: Digests = unseal(&fs::read(kept.join(ENTRY_FILE))?)?;
        tree::link(&kept.join(STATE_DIRECTORY), &self.files())?;
        let files = files(&self.files())?;
        if !files.keys().eq(digests.keys()) {
            return Err(io::Error::other("files are missing, or there are more"));
        }
        let mut known = BTreeMap::new();
        for ((name, inode), digest) in files.into_iter().zip(digests.into_values()) {
            if digest_of(&self.files().join(name))? != digest {
                return Err(io::Error::other("a file is damaged"));
            }
            known.insert(inode, digest);
        }
        Ok(known)
    }
}

impl Drop for Incremental {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.working);
    }
}

/// What rustc itself goes by: the name of the crate, and cargo's `-C metadata`.
fn unit(args: &[String]) -> Option<String> {
    let name = args.iter().skip_while(|arg| *arg != "--crate-name").nth(1)?;
    let metadata = &args[codegen(args, "metadata=")?]["metadata=".len()..];
    let unit = format!("{name}-{metadata}");
    unit.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char)).then_some(unit)
}

/// Where the value of a `-C` lies that begins so. cargo writes flag and value apart, and `--extern` has values of the same form,
/// with the names of the user's dependencies.
fn codegen(args: &[String], prefix: &str) -> Option<usize> {
    (1..args.len()).find(|at| args[at - 1] == "-C" && args[*at].starts_with(prefix))
}

/// The files below a directory, by their paths, each with its inode.
fn files(directory: &Path) -> io::Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    let mut open = vec![String::new()];
    while let Some(at) = open.pop() {
        for name in tree::names(&directory.join(&at))? {
            let path = format!("{at}/{}", name.display()).trim_start_matches('/').to_owned();
            let metadata = fs::symlink_metadata(directory.join(&path))?;
            match metadata.file_type() {
                kind if kind.is_dir() => open.push(path),
                kind if kind.is_file() => drop(found.insert(path, metadata.ino())),
                _ => return Err(io::Error::other(format!("`{path}` is not a file or directory"))),
            }
        }
    }
    Ok(found)
}

fn digest_of(file: &Path) -> io::Result<String> {
    let mut digest = Digest::new("state");
    digest.add_tree(file, Links::Kept)?;
    Ok(digest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Mount(tempfile::TempDir);

    impl Mount {
        fn args(&self) -> Vec<String> {
            let directory = format!("incremental={}", self.0.path().join("incremental").display());
            ["--crate-name", "app", "-C", "metadata=12ab", "-C", &directory].map(str::to_owned).to_vec()
        }

        fn open(&self) -> Incremental {
            Incremental::open(&mut self.args()).unwrap()
        }

        /// A compiler that writes these files anew, as rustc does.
        fn compile(&self, files: &[(&str, &str)]) {
            let state = self.open();
            for (name, text) in files {
                let path = state.files().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let _ = fs::remove_file(&path);
                fs::write(path, text).unwrap();
            }
            state.keep().unwrap();
        }

        /// What the next compiler finds.
        fn found(&self) -> Vec<(String, String)> {
            let state = self.open();
            let read = |name: String| {
                let text = fs::read_to_string(state.files().join(&name)).unwrap();
                (name, text)
            };
            files(&state.files()).unwrap().into_keys().map(read).collect()
        }

        fn names(&self) -> Vec<String> {
            let names = tree::names(&self.0.path().join("incremental/app-12ab")).unwrap();
            names.into_iter().map(|name| name.display().to_string()).collect()
        }

        fn kept(&self) -> PathBuf {
            let [name] = self.names().try_into().unwrap();
            self.0.path().join("incremental/app-12ab").join(name)
        }
    }

    fn mount() -> Mount {
        Mount(tempfile::tempdir().unwrap())
    }

    fn texts(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_was_left_is_found_and_one_state_stays() {
        let mount = mount();
        mount.compile(&[("s-1/a.o", "one"), ("s-1/b.o", "one")]);
        mount.compile(&[("s-1/a.o", "two")]);
        assert_eq!(mount.names().len(), 1, "{:?}", mount.names());
        assert_eq!(mount.found(), texts(&[("s-1/a.o", "two"), ("s-1/b.o", "one")]));
        assert_eq!(mount.found().len(), 2, "looking changes nothing");
    }

    #[test]
    fn a_damaged_state_is_thrown_away() {
        type Damage = fn(&Path);
        let damages: [(&str, Damage); 7] = [
            ("edited", |kept| fs::write(kept.join("state/s-1/a.o"), "two").unwrap()),
            ("cut off", |kept| fs::write(kept.join("state/s-1/a.o"), "on").unwrap()),
            ("missing", |kept| fs::remove_file(kept.join("state/s-1/a.o")).unwrap()),
            ("more", |kept| fs::write(kept.join("state/s-1/c.o"), "one").unwrap()),
            ("without a record", |kept| fs::remove_file(kept.join("entry")).unwrap()),
            ("with an empty record", |kept| fs::write(kept.join("entry"), "").unwrap()),
            ("a file", |kept| {
                fs::remove_dir_all(kept).unwrap();
                fs::write(kept, "").unwrap();
            }),
        ];
        for (what, damage) in damages {
            let mount = mount();
            mount.compile(&[("s-1/a.o", "one"), ("s-1/b.o", "one")]);
            damage(&mount.kept());
            assert_eq!(mount.found(), [], "{what}");
            assert_eq!(mount.names(), Vec::<String>::new(), "{what}");
            mount.compile(&[("s-1/a.o", "one")]);
            assert_eq!(mount.found().len(), 1, "{what}");
        }
    }

    #[test]
    fn builds_at_the_same_time_do_not_see_each_other() {
        let mount = mount();
        mount.compile(&[("a.o", "one")]);
        let (first, second) = (mount.open(), mount.open());
        fs::remove_file(first.files().join("a.o")).unwrap();
        fs::write(first.files().join("a.o"), "first").unwrap();
        first.keep().unwrap();
        assert_eq!(fs::read_to_string(second.files().join("a.o")).unwrap(), "one");
        // It failed.
        drop(second);
        assert_eq!(mount.found(), texts(&[("a.o", "first")]));
    }

    #[test]
    fn rustc_is_pointed_to_it_if_it_was_asked_to() {
        let mount = mount();
        let mut args = mount.args();
        let state = Incremental::open(&mut args).unwrap();
        assert_eq!(args[5], format!("incremental={}", state.files().display()));
        assert!(state.files().is_dir());
        args.truncate(4);
        assert!(Incremental::open(&mut args).is_none());
    }

    #[test]
    fn a_dependency_of_that_name_is_not_the_argument() {
        let mount = mount();
        let external = ["--extern".to_owned(), "incremental=/t/incremental/libincremental.rlib".to_owned()];
        let with: Vec<String> = external.iter().cloned().chain(mount.args()).collect();
        let mut args = with.clone();
        Incremental::open(&mut args).unwrap();
        assert_eq!(args[..2], external);
        args = with;
        Incremental::forgo(&mut args);
        assert_eq!(args[2..], mount.args()[..4]);
        assert_eq!(args[..2], external);
        let before = args.clone();
        assert!(Incremental::open(&mut args).is_none());
        Incremental::forgo(&mut args);
        assert_eq!(args, before);
    }

    #[test]
    fn a_directory_of_the_mount_replaces_what_has_its_name() {
        let mount = mount();
        fs::write(mount.0.path().join("incremental"), "").unwrap();
        mount.compile(&[("a.o", "one")]);
        let unit = mount.0.path().join("incremental/app-12ab");
        fs::remove_dir_all(&unit).unwrap();
        std::os::unix::fs::symlink("/nowhere", &unit).unwrap();
        assert_eq!(mount.found(), []);
    }
}
