//! Digests of values and of trees of files. They stay within one cache and one version of the helper.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{fmt, fs};

use crate::tree;

/// Deeper than any real tree; a link that leads back to its own parent ends here.
const DEPTH_MAX: usize = 64;

/// What one digest may read. A script that names `/usr` as its input is faster run than compared.
const FILES_MAX: usize = 20_000;
const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// 128 bits, from two independent runs of the standard library's hash function over the same input.
#[derive(Clone)]
pub(super) struct Digest {
    halves: [DefaultHasher; 2],
    files_left: usize,
    bytes_left: u64,
}

/// What a link stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Itself: two trees are equal when copies of them would be.
    Kept,
    /// What it leads to: a reader sees that.
    Followed,
}

impl Digest {
    pub(super) fn new(purpose: &str) -> Self {
        let halves = [DefaultHasher::new(), DefaultHasher::new()];
        let mut digest = Digest { halves, files_left: FILES_MAX, bytes_left: BYTES_MAX };
        digest.halves[1].write_u8(1);
        digest.add(purpose.as_bytes());
        digest.add(env!("CARGO_PKG_VERSION").as_bytes());
        digest
    }

    /// One that reads everything, however much that is.
    pub(super) fn of_everything(purpose: &str) -> Self {
        Digest { files_left: usize::MAX, bytes_left: u64::MAX, ..Self::new(purpose) }
    }

    /// Adds one value; where it ends is part of the digest.
    pub(super) fn add(&mut self, value: &[u8]) {
        for half in &mut self.halves {
            half.write_usize(value.len());
            half.write(value);
        }
    }

    /// Adds that a value is not there, which is no value.
    pub(super) fn add_absent(&mut self) {
        for half in &mut self.halves {
            half.write_usize(usize::MAX);
        }
    }

    /// Adds what is at `path`, with everything below it. Times and owners do not count.
    pub(super) fn add_tree(&mut self, path: &Path, links: Links) -> io::Result<()> {
        self.add_tree_at(path, links, &|_| false, 0)
    }

    /// Adds a tree, links kept, without what is left out by its path.
    pub(super) fn add_tree_without(
        &mut self,
        path: &Path,
        left_out: &dyn Fn(&Path) -> bool,
    ) -> io::Result<()> {
        self.add_tree_at(path, Links::Kept, left_out, 0)
    }

    fn add_tree_at(
        &mut self,
        path: &Path,
        links: Links,
        left_out: &dyn Fn(&Path) -> bool,
        depth: usize,
    ) -> io::Result<()> {
        if depth > DEPTH_MAX {
            return Err(io::Error::other(format!("`{}` is nested too deeply", path.display())));
        }
        self.files_left = self.files_left.checked_sub(1).ok_or_else(|| too_much(path))?;
        let mut metadata = fs::symlink_metadata(path)?;
        if metadata.is_symlink() {
            self.add(b"link");
            self.add(fs::read_link(path)?.as_os_str().as_bytes());
            if links == Links::Kept {
                return Ok(());
            }
            metadata = fs::metadata(path)?;
        }
        if metadata.is_dir() {
            self.add(b"directory");
            let mut names = tree::names(path)?;
            names.retain(|name| !left_out(&path.join(name)));
            self.add(&names.len().to_le_bytes());
            for name in names {
                self.add(name.as_os_str().as_bytes());
                self.add_tree_at(&path.join(name), links, left_out, depth + 1)?;
            }
            Ok(())
        } else if metadata.is_file() {
            let is_executable = metadata.permissions().mode() & 0o111 != 0;
            self.add(if is_executable { b"program" } else { b"file" });
            self.add_file(path)
        } else {
            Err(io::Error::other(format!("`{}` is not a file, directory or link", path.display())))
        }
    }

    fn add_file(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            // The empty chunk at the end marks where the file ends.
            self.add(&buffer[..read]);
            self.bytes_left = self.bytes_left.checked_sub(read as u64).ok_or_else(|| too_much(path))?;
            if read == 0 {
                return Ok(());
            }
        }
    }
}

fn too_much(path: &Path) -> io::Error {
    io::Error::other(format!("there is too much to compare, up to `{}`", path.display()))
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.halves[0].finish(), self.halves[1].finish())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn of(path: &Path, links: Links) -> String {
        let mut digest = Digest::new("test");
        digest.add_tree(path, links).unwrap();
        digest.to_string()
    }

    #[test]
    fn where_values_end_counts() {
        let digest = |values: &[&str]| {
            let mut digest = Digest::new("test");
            values.iter().for_each(|value| digest.add(value.as_bytes()));
            digest.to_string()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_eq!(digest(&["ab"]), digest(&["ab"]));
        let text = digest(&["ab"]);
        assert_ne!(text[..16], text[16..]);
    }

    #[test]
    fn contents_names_and_modes_count_and_times_do_not() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "one").unwrap();
        let before = of(root.path(), Links::Kept);
        File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(std::time::SystemTime::UNIX_EPOCH)
            .unwrap();
        assert_eq!(of(root.path(), Links::Kept), before);
        fs::write(&file, "two").unwrap();
        assert_ne!(of(root.path(), Links::Kept), before);
        fs::write(&file, "one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert_ne!(of(root.path(), Links::Kept), before);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(root.path().join("other"), "").unwrap();
        assert_ne!(of(root.path(), Links::Kept), before);
    }

    #[test]
    fn what_is_too_much_to_compare_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        File::create(&file).unwrap().set_len(1000).unwrap();
        let mut digest = Digest::new("test");
        digest.bytes_left = 1500;
        digest.add_tree(&file, Links::Kept).unwrap();
        assert!(digest.add_tree(&file, Links::Kept).is_err());
        let mut digest = Digest::new("test");
        digest.files_left = 1;
        assert!(digest.add_tree(root.path(), Links::Kept).is_err());
    }

    #[test]
    fn links_are_followed_only_when_asked_and_loops_end() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("file"), "one").unwrap();
        symlink(elsewhere.path(), root.path().join("link")).unwrap();
        let before = [of(root.path(), Links::Kept), of(root.path(), Links::Followed)];
        fs::write(elsewhere.path().join("file"), "two").unwrap();
        assert_eq!(of(root.path(), Links::Kept), before[0]);
        assert_ne!(of(root.path(), Links::Followed), before[1]);
        symlink(".", root.path().join("loop")).unwrap();
        assert!(Digest::new("test").add_tree(root.path(), Links::Followed).is_err());
    }
}
