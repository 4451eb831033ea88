//! Gives every file of an output the same modification time, so that equal contents make equal layers.

use std::path::Path;
use std::{fs, io};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::problem::{Doing, Result};
use crate::tree;

/// The time that cargo gives to the files of a packaged crate (2006-07-24T01:21:28Z; `tar` in its
/// `ops/cargo_package/mod.rs`, `DETERMINISTIC_TIMESTAMP` of the crate `tar`); some tools reject the epoch.
const MTIME_SECONDS: i64 = 1_153_704_088;

/// Sets the modification time of `directory` and of everything below it; links are not followed.
pub(crate) fn normalise(directory: &Path) -> Result<()> {
    visit(directory).doing("set modification times below", directory)
}

fn visit(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        for name in tree::names(path)? {
            visit(&path.join(name))?;
        }
    }
    let time = Timespec { tv_sec: MTIME_SECONDS, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn files_directories_and_dangling_links_get_the_time() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("a/b/file"), "x").unwrap();
        symlink("nowhere", root.path().join("a/link")).unwrap();
        normalise(root.path()).unwrap();
        for path in ["", "a", "a/b", "a/b/file", "a/link"] {
            let metadata = fs::symlink_metadata(root.path().join(path)).unwrap();
            assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (MTIME_SECONDS, 0), "{path}");
        }
    }
}
