//! Copies and walks directory trees. Symbolic links are kept as links.

use std::io;
use std::path::{Path, PathBuf};
use std::{fs, os::unix};

/// Copies everything in `from` into the directory `to`, which is created where it is missing.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for name in names(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        let kind = fs::symlink_metadata(&from)?.file_type();
        if kind.is_dir() {
            copy(&from, &to)?;
        } else if kind.is_symlink() {
            unix::fs::symlink(fs::read_link(&from)?, &to)?;
        } else if kind.is_file() {
            fs::copy(&from, &to)?;
        } else {
            return Err(io::Error::other(format!("`{}` is not a file, directory or link", from.display())));
        }
    }
    Ok(())
}

/// Links every file below `from` into the directory `to`, which is created where it is missing. There must be nothing but
/// files and directories.
pub(crate) fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for name in names(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        let kind = fs::symlink_metadata(&from)?.file_type();
        if kind.is_dir() {
            link(&from, &to)?;
        } else if kind.is_file() {
            fs::hard_link(&from, &to)?;
        } else {
            return Err(io::Error::other(format!("`{}` is not a file or directory", from.display())));
        }
    }
    Ok(())
}

/// Copies what is not there yet. Files of one name are taken to be equal, as git's objects are.
pub(crate) fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for name in names(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        if fs::metadata(&from)?.is_dir() {
            copy_new(&from, &to)?;
        } else if !to.exists() {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

/// Copies every file below `from` into the directory `to`, in place of what has the same name.
pub(crate) fn copy_over(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for name in names(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        if fs::metadata(&from)?.is_dir() {
            copy_over(&from, &to)?;
            continue;
        }
        match fs::remove_file(&to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::copy(&from, &to)?,
        };
    }
    Ok(())
}

/// Removes everything in `directory`, but not itself: it may be a mount point.
pub(crate) fn clear(directory: &Path) -> io::Result<()> {
    for name in names(directory)? {
        let path = directory.join(name);
        if fs::symlink_metadata(&path)?.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The names in `directory`, sorted, so that nothing depends on the order in which a filesystem lists them.
pub(crate) fn names(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = fs::read_dir(directory)?
        .map(|entry| Ok(PathBuf::from(entry?.file_name())))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}
