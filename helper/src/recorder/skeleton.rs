//! Puts the workspace together in which cargo plans: the real manifests, and empty files for everything else. Cargo finds
//! targets by the names of files (`util/toml/targets.rs`; the Cargo book, "Target auto-discovery") and reads none of them.

use std::fs::OpenOptions;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use crate::problem::{Doing, Problem, Result};
use crate::tree;

/// Copies `skeleton` to `workspace` and creates the files that `names` lists, one a line, and the links to directories,
/// where there are none.
pub(super) fn lay_out(
    skeleton: &Path,
    names: &Path,
    links: &[(String, String)],
    workspace: &Path,
) -> Result<()> {
    tree::copy(skeleton, workspace).doing("copy the manifests from", skeleton)?;
    let root = workspace.canonicalize().doing("find", workspace)?;
    let names = fs::read_to_string(names).doing("read", names)?;
    for name in names.lines().filter(|name| !name.is_empty()) {
        let path = place(&root, name)?;
        unless_there(OpenOptions::new().write(true).create_new(true).open(&path).map(drop), &path)?;
    }
    // The frontend gives none that leads out of the workspace.
    for (name, target) in links {
        let path = place(&root, name)?;
        unless_there(symlink(target, &path), &path)?;
    }
    Ok(())
}

fn unless_there(created: io::Result<()>, path: &Path) -> Result<()> {
    match created {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error).doing("create", path),
        _ => Ok(()),
    }
}

/// Copies the manifests of a checkout of a git dependency, and creates the files that cargo finds targets by, empty.
pub(super) fn copy_manifests(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).doing("create", to)?;
    for name in tree::names(from).doing("list", from)? {
        let (source, copy) = (from.join(&name), to.join(&name));
        let kind = fs::symlink_metadata(&source).doing("look at", &source)?.file_type();
        if kind.is_dir() {
            if name != Path::new(".git") {
                copy_manifests(&source, &copy)?;
            }
        } else if kind.is_symlink() {
            let target = fs::read_link(&source).doing("read", &source)?;
            symlink(target, &copy).doing("create", &copy)?;
        } else if name == Path::new("Cargo.toml") {
            fs::copy(&source, &copy).doing("copy", &source)?;
        } else if decides_a_target(&name) {
            fs::write(&copy, "").doing("create", &copy)?;
        }
    }
    Ok(())
}

/// Cargo finds targets by the names of sources, and `readme` by `README*`.
fn decides_a_target(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "rs")
        || name.file_stem().is_some_and(|stem| stem == "README")
}

/// The path of a name, in a directory that is there.
fn place(root: &Path, name: &str) -> Result<PathBuf> {
    let mut parts = Vec::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(escapes(name)),
        }
    }
    let Some(file) = parts.pop() else {
        return Err(Problem::new(format!("the list of source files names the workspace itself: `{name}`")));
    };
    let mut directory = root.to_owned();
    for part in parts {
        directory = enter(root, &directory.join(part), name)?;
    }
    Ok(directory.join(file))
}

/// Creates the directory where there is none. One that is reached through a link must not lead out.
fn enter(root: &Path, directory: &Path, name: &str) -> Result<PathBuf> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error).doing("create", directory),
        Err(_) => {
            let real = directory.canonicalize().doing("find", directory)?;
            if real.starts_with(root) { Ok(real) } else { Err(escapes(name)) }
        }
        Ok(()) => Ok(directory.to_owned()),
    }
}

fn escapes(name: &str) -> Problem {
    Problem::new(format!("the list of source files names `{name}`, which lies outside of the workspace"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        root: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir_all(root.path().join("skeleton/crates/a")).unwrap();
            fs::write(root.path().join("skeleton/crates/a/Cargo.toml"), "manifest").unwrap();
            Case { root }
        }

        fn path(&self, path: &str) -> PathBuf {
            self.root.path().join(path)
        }

        fn lay_out(&self, names: &str) -> Result<()> {
            fs::write(self.path("names"), names).unwrap();
            let links = [("crates/linked".to_owned(), "a".to_owned())];
            lay_out(&self.path("skeleton"), &self.path("names"), &links, &self.path("ws"))
        }
    }

    #[test]
    fn manifests_keep_their_text_and_sources_are_empty() {
        let case = Case::new();
        symlink("a", case.path("skeleton/crates/b")).unwrap();
        case.lay_out("crates/a/Cargo.toml\ncrates/a/src/lib.rs\n\ncrates/b/src/main.rs\nbuild.rs\n").unwrap();
        assert_eq!(fs::read_to_string(case.path("ws/crates/a/Cargo.toml")).unwrap(), "manifest");
        assert_eq!(fs::read_link(case.path("ws/crates/b")).unwrap(), Path::new("a"));
        assert_eq!(fs::read_link(case.path("ws/crates/linked")).unwrap(), Path::new("a"));
        for empty in ["ws/crates/a/src/lib.rs", "ws/crates/a/src/main.rs", "ws/build.rs"] {
            assert_eq!(fs::read(case.path(empty)).unwrap(), b"", "{empty}");
        }
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in ["../x", "/etc/x", "a/../../x"] {
            let problem = Case::new().lay_out(name).unwrap_err().to_string();
            assert!(problem.contains("outside of the workspace"), "{name}: {problem}");
        }
        let case = Case::new();
        fs::create_dir(case.path("elsewhere")).unwrap();
        symlink(case.path("elsewhere"), case.path("skeleton/out")).unwrap();
        assert!(case.lay_out("out/x").unwrap_err().to_string().contains("outside of the workspace"));
        assert!(!case.path("elsewhere/x").exists());
    }

    #[test]
    fn a_file_in_the_place_of_a_directory_is_named() {
        let problem = Case::new().lay_out("crates/a/Cargo.toml/x").unwrap_err().to_string();
        assert!(problem.contains("crates/a/Cargo.toml"), "{problem}");
    }
}
