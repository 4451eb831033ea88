//! Projects of testdata, copied to where they can be edited.
//!
//! Knows the layout of the repository, and the workspace `inference` well enough to make a variant of it that no
//! cache has seen.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;

use crate::{Result, note};

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is not at the root")
}

/// A directory of testdata.
pub(crate) fn testdata(name: &str) -> PathBuf {
    repository().join("testdata").join(name)
}

/// A number that no earlier run has used, so that no cache knows what carries it.
pub(crate) fn nonce() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    now.as_nanos() as u64 / 1000
}

/// A copy of a project, deleted when dropped.
#[derive(Debug)]
pub(crate) struct Project {
    owner: TempDir,
    directory: PathBuf,
}

impl Project {
    /// A copy of a directory of testdata, without what the tests themselves keep there.
    pub(crate) fn of_testdata(name: &str) -> Result<Self> {
        Self::copy_of(&testdata(name), name)
    }

    /// A copy of a directory.
    pub(crate) fn copy_of(from: &Path, name: &str) -> Result<Self> {
        let owner = TempDir::with_prefix("longshore-e2e-")?;
        // In a directory of its own: a temporary directory itself cannot be read by others.
        let directory = owner.path().join(name);
        copy(from, &directory)?;
        Ok(Self { owner, directory })
    }

    /// Another copy.
    pub(crate) fn copy(&self) -> Result<Self> {
        let name = self.directory.file_name().and_then(|name| name.to_str()).expect("named by us");
        Self::copy_of(&self.directory, name)
    }

    /// Deletes it: for one that is never dropped.
    pub(crate) fn remove(&self) {
        let directory = self.owner.path();
        if let Err(error) = fs::remove_dir_all(directory) {
            note!("{} is left behind: {error}", directory.display());
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.directory
    }

    /// A file's text.
    pub(crate) fn read(&self, file: &str) -> Result<String> {
        Ok(fs::read_to_string(self.directory.join(file)).map_err(|error| format!("{file}: {error}"))?)
    }

    /// Writes a file, with its directory.
    pub(crate) fn write(&self, file: &str, data: impl AsRef<[u8]>) -> Result {
        let path = self.directory.join(file);
        fs::create_dir_all(path.parent().expect("a file is in a directory"))?;
        fs::write(path, data)?;
        Ok(())
    }

    /// Replaces text that must be there.
    pub(crate) fn replace(&self, file: &str, from: &str, to: &str) -> Result {
        let text = self.read(file)?;
        assert!(text.contains(from), "{file} does not contain {from:?} any more");
        self.write(file, text.replace(from, to))
    }

    /// Adds text at the end.
    pub(crate) fn append(&self, file: &str, text: &str) -> Result {
        let old = self.read(file)?;
        self.write(file, old + text)
    }
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if ["target", "expect", "recorded"].iter().any(|skipped| name == *skipped) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else if entry.file_type()?.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// A copy of `inference` of which nothing is in any cache: its profile has a name of its own and flags of its own, for
/// build scripts and procedural macros too. It optimizes nothing, so it is quick to build; it has some debug information,
/// which holds paths.
pub(crate) fn unseen_inference() -> Result<Project> {
    let project = Project::of_testdata("inference")?;
    let nonce = nonce();
    let table = "[workspace.metadata.longshore]\n";
    project.replace("Cargo.toml", table, &format!("{table}profile = \"e2e-{nonce}\"\n"))?;
    // More units than any crate is split into: the number changes every key and no code.
    let units = 1_000_000 + nonce % 1_000_000_000;
    project.append(
        "Cargo.toml",
        &format!(
            "\n[profile.e2e-{nonce}]\ninherits = \"dev\"\ndebug = \"line-tables-only\"\nincremental = false\ncodegen-units = {units}\n\
             \n[profile.e2e-{nonce}.build-override]\ncodegen-units = {units}\n"
        ),
    )?;
    Ok(project)
}

/// The packages of a lock file that need this one, itself included, as `name version`.
pub(crate) fn dependents(lock: &str, package: &str) -> Result<BTreeSet<String>> {
    let lock: toml::Table = lock.parse()?;
    let packages = lock["package"].as_array().ok_or("the lock file has no packages")?;
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    for entry in packages.iter().filter(|entry| text(entry, "name") == package) {
        found.insert((text(entry, "name"), text(entry, "version")));
    }
    assert_eq!(found.len(), 1, "`{package}` should be locked once");
    loop {
        let before = found.len();
        for entry in packages {
            let dependencies = entry.get("dependencies").and_then(toml::Value::as_array);
            // `name`, or `name version` where there are several of the name.
            let needs_one =
                dependencies.into_iter().flatten().filter_map(toml::Value::as_str).any(|needed| {
                    let (name, version) = needed.split_once(' ').unwrap_or((needed, ""));
                    found.iter().any(|one| one.0 == name && (version.is_empty() || one.1 == version))
                });
            if needs_one {
                found.insert((text(entry, "name"), text(entry, "version")));
            }
        }
        if found.len() == before {
            return Ok(found.into_iter().map(|(name, version)| format!("{name} {version}")).collect());
        }
    }
}
