//! Locked packages as sources: downloaded by BuildKit itself, checked against the lock file, unpacked once.

use std::collections::BTreeMap;

use buildkit_llb::{Annotate, Copy, Digest, Files, Git, GitUrl, Http, HttpUrl, ProgressGroup, State};

use crate::lock::{Lock, LockedPackage, LockedRepository};

/// What the lock file pins, as filesystems.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Packages of registries, by directory.
    pub crates: BTreeMap<String, State>,
    /// Checkouts.
    pub repositories: BTreeMap<LockedRepository, State>,
}

impl Locked {
    /// Everything in the lock file.
    pub fn new(lock: &Lock) -> Self {
        Self { crates: crates(lock), repositories: repositories(lock) }
    }
}

/// Every repository at its commit, with submodules and `.git`, as cargo checks it out. Authentication is BuildKit's: the
/// secrets `GIT_AUTH_TOKEN` and `GIT_AUTH_HEADER`, the agent of `--ssh default`.
fn repositories(lock: &Lock) -> BTreeMap<LockedRepository, State> {
    let group = ProgressGroup::new(format!("[crates] {} repositories", lock.repositories.len()));
    let states = lock.repositories.iter().map(|repository| {
        let url = GitUrl::parse(&repository.url).expect("checked when the lock file was read");
        let title = repository.title();
        let state = Git::new(&url, &repository.commit)
            .keep_git_dir()
            .labeled(format!("git:{}", title.replace(' ', "-")))
            .named(format!("[crates] clone {title}"))
            .grouped(&group)
            .export_cache(false)
            .state();
        (repository.clone(), state)
    });
    states.collect()
}

/// Where crates.io serves packages, as the `dl` of its index says; cargo appends `/NAME/VERSION/download`.
pub const CRATES_IO_DOWNLOAD: &str = "https://static.crates.io/crates";

/// Every locked package, unpacked.
///
/// They are not meant for exported caches: what is compiled of them is enough there, and the rest can be had from where
/// it came from. BuildKit heeds that where they did not run in the same build; a build from nothing exports them too,
/// since the exporter of a result just made is not told (`solver/edge.go`, `makeExportable` and `execOp`).
///
/// The state's root holds one directory, [`LockedPackage::directory`].
fn crates(lock: &Lock) -> BTreeMap<String, State> {
    let group = ProgressGroup::new(format!("[crates] {} packages from crates.io", lock.packages.len()));
    lock.packages.iter().map(|package| (package.directory(), unpacked(package, &group))).collect()
}

fn unpacked(package: &LockedPackage, group: &ProgressGroup) -> State {
    let directory = package.directory();
    let archive = format!("{directory}.crate");
    let url = HttpUrl::parse(format!("{CRATES_IO_DOWNLOAD}/{}/{}/download", package.name, package.version))
        .expect("names and versions of a lock file make an address");
    let checksum = Digest::sha256(&package.checksum).expect("checked when the lock file was read");
    let downloaded = Http::new(&url, &checksum)
        .filename(&archive)
        .labeled(format!("download:{directory}"))
        .named(format!("[crates] download {} {}", package.name, package.version))
        .grouped(group)
        .export_cache(false)
        .state();
    Files::on(&State::SCRATCH)
        .add(Copy::new(&downloaded, format!("/{archive}"), "/").unpack())
        // Cargo reads a directory source only with this file; an empty list of files turns its own check off, and
        // the archive's checksum is what the lock file is compared with (cargo's `sources/directory.rs`).
        .write(
            format!("/{directory}/.cargo-checksum.json"),
            0o644,
            format!(r#"{{"files":{{}},"package":"{}"}}"#, package.checksum),
        )
        .labeled(format!("unpack:{directory}"))
        .named(format!("[crates] unpack {} {}", package.name, package.version))
        .grouped(group)
        .export_cache(false)
        .state()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// crates.io serves `1.0.0+5.3.0` by that very name; escaped, there is none.
    #[test]
    fn versions_with_a_plus_are_asked_for_as_they_are() {
        let package = LockedPackage {
            name: "jemalloc-sys".to_owned(),
            version: "0.5.4+5.3.0".to_owned(),
            checksum: "a".repeat(64),
        };
        let lock = Lock { packages: vec![package], repositories: Vec::new() };
        let graph = crates(&lock)["jemalloc-sys-0.5.4+5.3.0"].definition().to_string();
        assert!(graph.contains("/jemalloc-sys/0.5.4+5.3.0/download"), "{graph}");
    }
}
