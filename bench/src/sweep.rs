//! Keeps the registry from growing by gigabytes each round: removes caches of this program's, and the blobs that then
//! belong to nothing. Only for the registry of `scripts/engine`, whose files lie on this machine.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{Result, files};

/// Removes a repository, and those of its blobs that no other links to. `data` is the registry's directory; where it is
/// not there, the registry is not ours, and stays as it is.
///
/// # Errors
/// Files cannot be removed.
pub fn sweep(data: &Path, repository: &str) -> Result {
    let root = data.join("docker/registry/v2");
    let repositories = root.join("repositories");
    let own = repositories.join(repository);
    if !own.exists() {
        return Ok(());
    }
    let gone = linked(&own)?;
    files::empty(&own)?;
    // What nobody links to may be on its way to somebody else's repository.
    for digest in gone.difference(&linked(&repositories)?) {
        let blob = root.join("blobs/sha256").join(digest.get(..2).unwrap_or_default()).join(digest);
        if blob.exists() {
            fs::remove_dir_all(blob)?;
        }
    }
    Ok(())
}

/// Digests that repositories below a directory link to.
fn linked(below: &Path) -> Result<BTreeSet<String>> {
    let mut linked = BTreeSet::new();
    for directory in directories_named("sha256", below)? {
        for entry in fs::read_dir(directory)? {
            linked.insert(entry?.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(linked)
}

fn directories_named(name: &str, below: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![below.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true if entry.file_name() == name => found.push(entry.path()),
                true => open.push(entry.path()),
                false => {}
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_of_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("docker/registry/v2");
        let make = |path: &str| files::write(&root.join(path), "x").unwrap();
        make("repositories/bench/a/_layers/sha256/aa11/link");
        make("repositories/bench/a/_layers/sha256/bb22/link");
        make("repositories/other/_manifests/revisions/sha256/bb22/link");
        make("blobs/sha256/aa/aa11/data");
        make("blobs/sha256/bb/bb22/data");
        make("blobs/sha256/cc/cc33/data");
        sweep(directory.path(), "bench").unwrap();
        assert!(!root.join("blobs/sha256/aa/aa11").exists());
        assert!(root.join("blobs/sha256/bb/bb22/data").exists());
        assert!(root.join("blobs/sha256/cc/cc33/data").exists(), "it was never this repository's");
        sweep(&directory.path().join("none"), "bench").unwrap();
    }
}
