//! `Cargo.lock`: which packages a build may use, and the checksum that pins each of them.
//!
//! Reads text, knows nothing of downloads or of BuildKit. Versions 3 and 4 of the format carry a `checksum` on
//! every registry package (cargo's `core/resolver/encode.rs`).

use buildkit_llb::SourceFile;
use serde::Deserialize;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};

/// The source string of crates.io in a lock file.
pub const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The packages of a lock file that come from outside the workspace, sorted by name and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Registry packages.
    pub packages: Vec<LockedPackage>,
}

/// One package that the lock file pins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedPackage {
    /// Package name.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// SHA-256 of the `.crate` file, 64 lower-case hex digits.
    pub checksum: String,
}

impl LockedPackage {
    /// The directory that the package's `.crate` file holds, and where it is mounted below [`crate::paths::VENDOR`].
    pub fn directory(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

#[derive(Deserialize)]
struct RawLock {
    #[serde(default)]
    package: Vec<RawPackage>,
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
        let mut problems = Vec::new();
        for package in raw.package {
            let Some(source) = package.source else { continue };
            let place = find_package(&text, &package.name, &package.version);
            let at = |diagnostic: Diagnostic| match &place {
                Some(range) => diagnostic.at(&file.span(range.clone())),
                None => diagnostic,
            };
            if source != CRATES_IO {
                problems.push(at(Diagnostic::error(
                    Code::UnsupportedSource,
                    format!("package `{}` comes from `{source}`, and only crates.io is supported", package.name),
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
            match package.checksum {
                Some(checksum) if is_sha256(&checksum) => {
                    packages.push(LockedPackage { name: package.name, version: package.version, checksum });
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
        Diagnostics::check(Lock { packages }, problems)
    }
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
    fn a_git_package_is_refused_at_its_line() {
        let error = parse(
            "[[package]]\nname = \"x\"\nversion = \"0.1.0\"\nsource = \"git+https://example.org/x#abc\"\n",
        )
        .unwrap_err();
        assert_eq!(error.iter().next().map(|d| d.code), Some(Code::UnsupportedSource));
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
