//! `Cargo.lock`: which packages a build may use, and the checksum that pins each of them.
//!
//! Reads text, knows nothing of downloads or of BuildKit. From version 2 of the format on every registry package carries its
//! `checksum`; version 1 has them in a table of their own (cargo's `core/resolver/encode.rs`).

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{GitUrl, SourceFile, Span};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics},
    registry::Registry,
};

/// The packages of a lock file that come from outside the workspace, sorted by name and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Registry packages.
    pub packages: Vec<LockedPackage>,
    /// Packages of git dependencies.
    pub git: Vec<GitPackage>,
    /// Repositories of patches that nothing uses, each with its source: cargo opens them all the same
    /// (`register_patch_entries` in its `ops/resolve.rs`).
    pub unused: Vec<(String, LockedRepository)>,
}

/// One package of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitPackage {
    /// Package name.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// The source without the commit: `git+URL?branch=main`.
    pub source: String,
    /// The repository it is in.
    pub repository: LockedRepository,
}

/// A commit that the lock file pins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedRepository {
    /// The repository's address, as in the manifest.
    pub url: String,
    /// The commit, 40 hex digits (64 where the repository uses SHA-256).
    pub commit: String,
}

impl LockedRepository {
    /// Reads what cargo calls a git source: `git+URL?branch=main#COMMIT` (its `SourceId::as_url`). `None` for any other.
    pub fn parse(source: &str) -> Option<Self> {
        let (address, commit) = source.strip_prefix("git+")?.split_once('#')?;
        let is_commit =
            matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        let url = address.split_once('?').map_or(address, |(url, _)| url);
        is_commit.then(|| Self { url: url.to_owned(), commit: commit.to_ascii_lowercase() })
    }

    /// The repository's name and the commit, as cargo calls a checkout.
    pub fn title(&self) -> String {
        let name = self.url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
        format!("{} {}", name.strip_suffix(".git").unwrap_or(name), &self.commit[..7])
    }
}

/// One package that the lock file pins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedPackage {
    /// Package name.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// Where it is published.
    pub registry: Registry,
    /// SHA-256 of the `.crate` file, 64 lower-case hex digits.
    pub checksum: String,
}

impl LockedPackage {
    /// The directory that the package's `.crate` file holds.
    pub fn directory(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// Where it lies in vertices.
    pub fn place(&self) -> Utf8PathBuf {
        Utf8PathBuf::from(self.registry.directory()).join(self.directory())
    }
}

#[derive(Deserialize)]
struct RawLock {
    #[serde(default)]
    package: Vec<RawPackage>,
    /// Of version 1: `checksum NAME VERSION (SOURCE)` for each package, and nothing of later ones.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    patch: RawPatch,
}

#[derive(Default, Deserialize)]
struct RawPatch {
    #[serde(default)]
    unused: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

impl Lock {
    /// Reads the text of a `Cargo.lock`.
    ///
    /// # Errors
    /// The text is no TOML or no lock file, or a package comes from where this version cannot fetch it.
    pub fn parse(file: &SourceFile) -> Result<Lock, Diagnostics> {
        let text = String::from_utf8_lossy(file.text());
        let raw: RawLock = toml::from_str(&text).map_err(|error| {
            let diagnostic = Diagnostic::error(
                Code::LockSyntax,
                format!("`Cargo.lock` is not a lock file: {}", error.message()),
            )
            .help("restore it, or delete it and run `cargo generate-lockfile`, and commit it");
            match error.span() {
                Some(span) => diagnostic.at(&file.span(span)),
                None => diagnostic,
            }
        })?;

        let mut packages = Vec::new();
        let mut git = Vec::new();
        let mut problems = Vec::new();
        for mut package in raw.package {
            let Some(source) = package.source else { continue };
            let (name, version) = (package.name.clone(), package.version.clone());
            // Only where something is wrong: the place is looked for from the start of the text.
            let at = |diagnostic: Diagnostic| match find_package(&text, &name, &version) {
                Some(range) => diagnostic.at(&file.span(range)),
                None => diagnostic,
            };
            let repository =
                LockedRepository::parse(&source).filter(|found| GitUrl::parse(&found.url).is_ok());
            let registry = Registry::parse(&source);
            if repository.is_none() && registry.is_none() {
                problems.push(at(Diagnostic::error(
                    Code::UnsupportedSource,
                    format!(
                        "package `{}` comes from `{source}`, and only registries and repositories that BuildKit can fetch from \
                         are supported",
                        package.name
                    ),
                )
                .help("depend on a published version, or move the package into the workspace as a path dependency")));
                continue;
            }
            if !is_name(&package.name) || !is_version(&package.version) {
                problems.push(at(Diagnostic::error(
                    Code::LockSyntax,
                    format!("`{} {}` is no package name and version", package.name, package.version),
                )));
                continue;
            }
            if let Some(repository) = repository {
                let source = source.split('#').next().unwrap_or_default().to_owned();
                git.push(GitPackage { name: package.name, version: package.version, source, repository });
                continue;
            }
            let Some(registry) = registry else { continue };
            let key = format!("checksum {} {} ({source})", package.name, package.version);
            match package.checksum.take().or_else(|| raw.metadata.get(&key).cloned()) {
                Some(checksum) if is_sha256(&checksum) => {
                    let RawPackage { name, version, .. } = package;
                    packages.push(LockedPackage { name, version, registry, checksum });
                }
                _ => problems.push(at(Diagnostic::error(
                    Code::LockSyntax,
                    format!("package `{}` has no SHA-256 checksum in `Cargo.lock`", package.name),
                )
                .help(
                    "run `cargo update --workspace`, which writes it in the present format, and commit it",
                ))),
            }
        }
        packages.sort();
        packages.dedup();
        git.sort();
        git.dedup();
        let unused = raw.patch.unused.iter().filter_map(|package| {
            let source = package.source.as_deref()?;
            let repository = LockedRepository::parse(source)?;
            GitUrl::parse(&repository.url).ok()?;
            Some((source.split('#').next().unwrap_or_default().to_owned(), repository))
        });
        let unused = unused.collect();
        Diagnostics::check(Lock { packages, git, unused }, problems)
    }

    /// The registry package that lies at a place in vertices.
    pub fn at(&self, place: &Utf8Path) -> Option<&LockedPackage> {
        self.packages.iter().find(|package| package.place() == place)
    }

    /// Names of sources: of registries as they are, of repositories without a commit.
    pub fn sources(&self) -> BTreeSet<&str> {
        let registries = self.packages.iter().map(|package| package.registry.as_str());
        registries.chain(self.git.iter().map(|package| package.source.as_str())).collect()
    }
}

/// Where the lock file names a package.
pub fn place_of(file: &SourceFile, name: &str, version: &str) -> Option<Span> {
    find_package(&String::from_utf8_lossy(file.text()), name, version).map(|range| file.span(range))
}

/// What crates.io takes as a name.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Characters of a semantic version.
fn is_version(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The `name = …` line of a package, for the snippet.
fn find_package(text: &str, name: &str, version: &str) -> Option<std::ops::Range<usize>> {
    let needle = format!("name = \"{name}\"\nversion = \"{version}\"");
    let start = text.find(&needle)?;
    Some(start..start + needle.find('\n').unwrap_or(needle.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn parse(text: &str) -> Result<Lock, Diagnostics> {
        Lock::parse(&SourceFile::new("Cargo.lock", "TOML", text.as_bytes()))
    }

    #[test]
    fn registry_packages_are_listed_sorted_and_members_are_not() {
        let sum = "a".repeat(64);
        let lock = parse(&format!(
            "version = 4\n\n[[package]]\nname = \"zed\"\nversion = \"1.0.0\"\nsource = \"{CRATES_IO}\"\nchecksum = \"{sum}\"\n\n\
             [[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\n\
             [[package]]\nname = \"itoa\"\nversion = \"1.0.15\"\nsource = \"{CRATES_IO}\"\nchecksum = \"{sum}\"\n"
        ))
        .unwrap();
        let names: Vec<_> = lock.packages.iter().map(LockedPackage::directory).collect();
        assert_eq!(names, ["itoa-1.0.15", "zed-1.0.0"]);
    }

    #[test]
    fn packages_of_repositories_are_listed_with_their_commit() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let package = |name: &str, query: &str| {
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\nsource = \"git+https://example.org/a/x.git{query}#{commit}\"\n"
            )
        };
        let lock = parse(&(package("x", "?branch=main") + &package("y", "") + &package("z", "?rev=0123456")))
            .unwrap();
        let expected =
            LockedRepository { url: "https://example.org/a/x.git".to_owned(), commit: commit.to_owned() };
        assert_eq!(expected.title(), "x 0123456");
        let found: Vec<_> = lock.git.iter().map(|it| (it.source.as_str(), &it.repository)).collect();
        let url = "git+https://example.org/a/x.git";
        let sources = [format!("{url}?branch=main"), url.to_owned(), format!("{url}?rev=0123456")];
        assert_eq!(found, sources.iter().map(|source| (source.as_str(), &expected)).collect::<Vec<_>>());
    }

    #[test]
    fn patches_that_nothing_uses_have_repositories_too() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let url = "https://example.org/a/x.git";
        let lock = parse(&format!(
            "[[patch.unused]]\nname = \"x\"\nversion = \"0.1.0\"\nsource = \"git+{url}#{commit}\"\n\n\
             [[patch.unused]]\nname = \"y\"\nversion = \"0.1.0\"\n"
        ))
        .unwrap();
        let repository = LockedRepository { url: url.to_owned(), commit: commit.to_owned() };
        assert_eq!(lock.unused, [(format!("git+{url}"), repository)]);
        assert!(lock.git.is_empty(), "nothing is compiled of it");
    }

    #[test]
    fn other_registries_are_listed_with_their_index() {
        let (sum, other) = ("a".repeat(64), "sparse+https://crates.example.org/index/");
        let package = |source: &str| {
            format!(
                "[[package]]\nname = \"x\"\nversion = \"1.0.0\"\nsource = \"{source}\"\nchecksum = \"{sum}\"\n"
            )
        };
        let lock = parse(&(package(CRATES_IO) + &package(other))).unwrap();
        assert_eq!(lock.sources(), BTreeSet::from([CRATES_IO, other]));
        let places: Vec<_> = lock.packages.iter().map(LockedPackage::place).collect();
        assert_eq!(places[0], "/vendor/x-1.0.0");
        assert!(places[1].starts_with("/registries") && places[1].ends_with("x-1.0.0"), "{places:?}");
        assert_eq!(lock.at(&places[1]).unwrap().registry.as_str(), other);
    }

    #[test]
    fn what_cannot_be_fetched_is_refused_at_its_line() {
        for source in [
            "git+https://example.org/x#abc",
            "git+file:///x#0123456789abcdef0123456789abcdef01234567",
            "registry+file:///srv/index",
        ] {
            let text = format!("[[package]]\nname = \"x\"\nversion = \"0.1.0\"\nsource = \"{source}\"\n");
            let error = parse(&text).unwrap_err();
            let first = error.iter().next().unwrap();
            assert_eq!(
                (first.code, first.primary().unwrap().to_string()),
                (Code::UnsupportedSource, "Cargo.lock:2".to_owned())
            );
        }
    }

    #[test]
    fn the_first_version_has_checksums_in_a_table() {
        let sum = "a".repeat(64);
        let lock = parse(&format!(
            "[[package]]\nname = \"x\"\nversion = \"1.0.0\"\nsource = \"{CRATES_IO}\"\n\n\
             [metadata]\n\"checksum x 1.0.0 ({CRATES_IO})\" = \"{sum}\"\n"
        ));
        assert_eq!(lock.unwrap().packages[0].checksum, sum);
    }

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        for (name, version) in [("a b", "1.0.0"), ("../x", "1.0.0"), ("x", "../1"), ("", "1.0.0")] {
            let sum = "a".repeat(64);
            let text = format!(
                "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{CRATES_IO}\"\nchecksum = \"{sum}\"\n"
            );
            assert!(parse(&text).is_err(), "{name} {version}");
        }
    }

    #[test]
    fn a_missing_checksum_is_refused() {
        let text = format!("[[package]]\nname = \"x\"\nversion = \"0.1.0\"\nsource = \"{CRATES_IO}\"\n");
        assert!(parse(&text).is_err());
    }
}
