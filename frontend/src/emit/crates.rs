//! Locked packages as sources: downloaded by BuildKit itself, checked against the lock file, unpacked where they are used.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{
    Annotate, Bind, Copy, Digest, Files as FileOp, Git, GitUrl, Http, HttpUrl, ProgressGroup, State,
};
use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use super::known_by_origin;
use crate::{
    lock::{Lock, LockedPackage, LockedRepository},
    registry::{self, Download, Registry},
};

/// Where the packages of one source come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What cargo's configuration calls the source; a name of our own where it does not.
    pub name: String,
    /// How packages are had.
    pub provision: Provision,
}

/// How packages of a source are had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provision {
    /// From a server.
    Download {
        /// Addresses.
        download: Download,
        /// The secret that holds the server's token.
        token: Option<String>,
    },
    /// From a directory of the build context that has one for each package.
    Directory {
        /// Its path.
        at: Utf8PathBuf,
        /// Paths of packages, by name and version: all that the lock file names are there.
        packages: BTreeMap<(String, String), Utf8PathBuf>,
    },
    /// From archives in a directory of the build context.
    Archives(Utf8PathBuf),
    /// The lock file's own: a repository.
    Repository,
}

/// How the files of a package are had.
///
/// What a vertex has unpacked ends with it. As a vertex of its own it would be a blob of the exported cache, as large as
/// what is compiled of it: BuildKit exports whatever ran in the same build (`solver/edge.go`, `execOp`), but not
/// downloads, which anybody can have (`solver/exporter.go`, `ExportRoots`).
#[derive(Debug, Clone)]
pub enum Files {
    /// In an archive.
    Archive(Archive),
    /// In a directory, which is the last part of the place where they belong.
    Directory(State),
}

/// An archive, as a file of a filesystem.
#[derive(Debug, Clone)]
pub struct Archive {
    state: State,
    path: String,
    /// SHA-256, hex, as the lock file has it.
    pub checksum: String,
    /// BuildKit compares it with the checksum: `http.checksum` of its sources (`source/http/source.go`).
    pub is_checked: bool,
}

impl Archive {
    /// To be mounted as a file.
    pub fn bind(&self) -> Bind {
        known_by_origin(&self.state).subpath(&self.path)
    }
}

/// What the lock file pins, as filesystems.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Packages, by where they lie in vertices.
    pub crates: BTreeMap<Utf8PathBuf, Files>,
    /// Checkouts.
    pub repositories: BTreeMap<LockedRepository, State>,
    /// What tells cargo of the directories that these make up.
    pub cargo_config: String,
    /// Directories of the build context that hold packages of other sources, and are no part of a member around them.
    pub vendored: BTreeSet<Utf8PathBuf>,
}

impl Locked {
    /// The packages that are had as archives, in order: where each belongs, and its archive.
    pub fn archives(&self) -> impl Iterator<Item = (&Utf8Path, &Archive)> {
        self.crates.iter().filter_map(|(place, files)| match files {
            Files::Archive(archive) => Some((place.as_path(), archive)),
            Files::Directory(_) => None,
        })
    }

    /// Everything in the lock file. `providers` has an entry for each of its sources.
    pub fn new(lock: &Lock, providers: &BTreeMap<String, Provider>, context: &State) -> Self {
        let mut crates = BTreeMap::new();
        let mut cloned = BTreeSet::new();
        let mut groups = BTreeMap::new();
        for package in &lock.packages {
            let source = package.registry.as_str();
            let group = groups.entry(source).or_insert_with(|| group(lock, &package.registry));
            let directory = package.directory();
            let state = match &providers[source].provision {
                Provision::Download { download, token } => {
                    downloaded(package, download, token.as_deref(), group)
                }
                Provision::Directory { packages, .. } => {
                    let key = (package.name.clone(), package.version.clone());
                    Files::Directory(vendored(context, &packages[&key], &directory))
                }
                Provision::Archives(at) => copied(package, context, at, group),
                Provision::Repository => unreachable!("no repository provides packages of a registry"),
            };
            crates.insert(package.place(), state);
        }
        for package in &lock.git {
            if let Provision::Directory { packages, .. } = &providers[&package.source].provision {
                let directory = format!("{}-{}", package.name, package.version);
                let key = (package.name.clone(), package.version.clone());
                let place = Utf8PathBuf::from(registry::directory_of(&package.source)).join(&directory);
                crates.insert(place, Files::Directory(vendored(context, &packages[&key], &directory)));
            } else {
                cloned.insert(&package.repository);
            }
        }
        let is_replaced = |source: &str| {
            providers.get(source).is_some_and(|provider| provider.provision != Provision::Repository)
        };
        cloned.extend(
            lock.unused.iter().filter(|(source, _)| !is_replaced(source)).map(|(_, repository)| repository),
        );
        let vendored = providers.values().filter_map(|provider| match &provider.provision {
            Provision::Directory { at, .. } | Provision::Archives(at) => Some(at.clone()),
            Provision::Download { .. } | Provision::Repository => None,
        });
        Self {
            crates,
            repositories: repositories(&cloned),
            cargo_config: cargo_config(providers),
            vendored: vendored.collect(),
        }
    }
}

/// Configuration in which every source but repositories is replaced by the directory of its packages. Tables that the
/// workspace's own configuration has are completed under their name: cargo takes no two for one source.
fn cargo_config(providers: &BTreeMap<String, Provider>) -> String {
    let mut sources = Table::new();
    let mut replace = |name: &str, source: Table, by: String, directory: String| {
        let mut source = source;
        source.insert("replace-with".to_owned(), Value::String(by.clone()));
        sources.insert(name.to_owned(), Value::Table(source));
        let directory = Table::from_iter([("directory".to_owned(), Value::String(directory))]);
        sources.insert(by, Value::Table(directory));
    };
    let crates_io = Registry::crates_io();
    replace("crates-io", Table::new(), "longshore".to_owned(), crates_io.directory());
    let others = providers.iter().filter(|(source, provider)| {
        **source != crates_io.as_str() && provider.provision != Provision::Repository
    });
    for (number, (source, provider)) in others.enumerate() {
        let mut described = Table::new();
        let mut describe = |key: &str, value: &str| {
            described.insert(key.to_owned(), Value::String(value.to_owned()));
        };
        let directory = match Registry::parse(source) {
            Some(registry) => {
                describe("registry", registry.address());
                registry.directory()
            }
            None => {
                let (url, reference) = registry::repository_of(source).unwrap_or((source, None));
                describe("git", url);
                if let Some((kind, name)) = reference {
                    describe(kind, &name);
                }
                registry::directory_of(source)
            }
        };
        replace(&provider.name, described, format!("longshore-{}", number + 1), directory);
    }
    Table::from_iter([("source".to_owned(), Value::Table(sources))]).to_string()
}

/// Every repository at its commit, with submodules and `.git`, as cargo checks it out. Authentication is BuildKit's: the
/// secrets `GIT_AUTH_TOKEN` and `GIT_AUTH_HEADER`, the agent of `--ssh default`.
fn repositories(wanted: &BTreeSet<&LockedRepository>) -> BTreeMap<LockedRepository, State> {
    let group = ProgressGroup::new(format!("[crates] {} repositories", wanted.len()));
    let states = wanted.iter().map(|repository| {
        let url = GitUrl::parse(&repository.url).expect("checked when the lock file was read");
        let title = repository.title();
        let state = Git::new(&url, &repository.commit)
            .keep_git_dir()
            .labeled(format!("git:{}", title.replace(' ', "-")))
            .named(format!("[crates] clone {title}"))
            .grouped(&group)
            .export_cache(false)
            .state();
        ((*repository).clone(), state)
    });
    states.collect()
}

fn group(lock: &Lock, registry: &Registry) -> ProgressGroup {
    let count = lock.packages.iter().filter(|package| package.registry == *registry).count();
    let from = if registry.is_crates_io() { "crates.io" } else { registry.address() };
    ProgressGroup::new(format!("[crates] {count} packages from {from}"))
}

/// A package of a server.
fn downloaded(
    package: &LockedPackage,
    download: &Download,
    token: Option<&str>,
    group: &ProgressGroup,
) -> Files {
    let LockedPackage { name, version, checksum, .. } = package;
    let directory = package.directory();
    let archive = format!("{directory}.crate");
    let url = HttpUrl::parse(download.address(name, version, checksum))
        .expect("names and versions of a lock file make an address");
    let digest = Digest::sha256(checksum).expect("checked when the lock file was read");
    let mut http = Http::new(&url, &digest).filename(&archive);
    if let Some(token) = token {
        http = http.auth_header_secret(token);
    }
    let state = http
        .labeled(format!("download:{directory}"))
        .named(format!("[crates] download {name} {version}"))
        .grouped(group)
        .export_cache(false)
        .state();
    let path = format!("/{archive}");
    Files::Archive(Archive { state, path, checksum: checksum.clone(), is_checked: true })
}

/// A package of a local registry: its archive, out of the build context.
fn copied(package: &LockedPackage, context: &State, at: &Utf8PathBuf, group: &ProgressGroup) -> Files {
    let directory = package.directory();
    let path = format!("/{directory}.crate");
    let state = FileOp::on(&State::SCRATCH)
        .add(Copy::new(context, format!("/{at}{path}"), path.as_str()))
        .labeled(format!("archive:{directory}"))
        .named(format!("[crates] {at}{path}"))
        .grouped(group)
        .export_cache(false)
        .state();
    Files::Archive(Archive { state, path, checksum: package.checksum.clone(), is_checked: false })
}

/// A package of a directory source, as it lies there: cargo itself checks its files against its list of checksums.
fn vendored(context: &State, from: &Utf8PathBuf, directory: &str) -> State {
    FileOp::on(&State::SCRATCH)
        .add(Copy::new(context, format!("/{from}"), format!("/{directory}")).contents())
        .labeled(format!("vendored:{directory}"))
        .named(format!("[crates] {from}"))
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
            registry: Registry::crates_io(),
            checksum: "a".repeat(64),
        };
        let lock = Lock { packages: vec![package], git: Vec::new(), unused: Vec::new() };
        let download = Provision::Download { download: Download::crates_io(), token: None };
        let provider = Provider { name: "crates-io".to_owned(), provision: download };
        let providers = BTreeMap::from([(Registry::crates_io().as_str().to_owned(), provider)]);
        let locked = Locked::new(&lock, &providers, &State::SCRATCH);
        let Files::Archive(Archive { state, .. }) = &locked.crates[&lock.packages[0].place()] else {
            panic!("it is downloaded")
        };
        let graph = state.definition().to_string();
        assert!(graph.contains("/jemalloc-sys/0.5.4+5.3.0/download"), "{graph}");
    }
}
