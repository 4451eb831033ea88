//! `longshore-helper contents`: what a toolchain holds that comes from a directory, a repository or another build. What was
//! kept with one such toolchain must not be taken for another's, and their names are the same.

use std::path::Path;
use std::{fs, io};

use longshore_helper::spec::{CONTENTS_FILE, Contents};

use super::digest::Digest;
use crate::problem::{Doing, Result};

/// Writes the digest.
pub(crate) fn write(request: &Contents) -> Result<()> {
    let mut digest = Digest::of_everything("contents");
    for directory in &request.directories {
        add(&mut digest, Path::new(directory)).doing("read what is in", Path::new(directory))?;
    }
    let output = Path::new(&request.output);
    fs::create_dir_all(output).doing("create", output)?;
    let file = output.join(CONTENTS_FILE);
    fs::write(&file, digest.to_string()).doing("write", &file)?;
    crate::mtime::normalise(output)
}

/// Devices and sockets are left out: compilers take nothing from them.
fn add(digest: &mut Digest, directory: &Path) -> io::Result<()> {
    digest.add_tree_without(directory, &|path| {
        let kind = fs::symlink_metadata(path).map(|metadata| metadata.file_type());
        kind.is_ok_and(|kind| !kind.is_dir() && !kind.is_file() && !kind.is_symlink())
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn every_file_counts_and_sockets_do_not() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let digest = || {
            let directories = ["first", "second"].map(|name| path(name).display().to_string()).to_vec();
            write(&Contents { directories, output: path("out").display().to_string() }).unwrap();
            fs::read_to_string(path("out").join(CONTENTS_FILE)).unwrap()
        };
        fs::create_dir(path("first")).unwrap();
        fs::create_dir(path("second")).unwrap();
        fs::write(path("first/rustc"), "old").unwrap();
        let old = digest();
        let _socket = UnixListener::bind(path("second/socket")).unwrap();
        assert_eq!(digest(), old);
        fs::write(path("first/rustc"), "new").unwrap();
        assert_ne!(digest(), old);
        fs::rename(path("first/rustc"), path("second/rustc")).unwrap();
        fs::write(path("second/rustc"), "old").unwrap();
        assert_ne!(digest(), old);
    }
}
