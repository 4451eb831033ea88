//! Registries: what cargo calls them, and how it asks them for a package.
//!
//! Pure. Addresses and templates are as in the Cargo book, "Registry Index"; a lock file calls a registry by its index,
//! `registry+URL` for a repository and `sparse+URL/` for files over HTTP (cargo's `SourceId::as_url`).

use buildkit_llb::{Digest, GitUrl, HttpUrl};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::paths;

/// crates.io in a lock file, whichever way its index is read.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Where crates.io serves packages, as the `dl` of its index says; cargo appends `/NAME/VERSION/download`.
pub const CRATES_IO_DOWNLOAD: &str = "https://static.crates.io/crates";

/// Digits of an index's digest in the name of the directory of its packages, as many as cargo has.
const DIGEST_DIGITS: usize = 16;

/// A registry, as a lock file writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Registry(String);

/// How the index of a registry is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Index {
    /// Files, of which this is `config.json`.
    Sparse(HttpUrl),
    /// A repository that holds it.
    Git(GitUrl),
}

impl Registry {
    /// crates.io.
    pub fn crates_io() -> Self {
        Self(CRATES_IO.to_owned())
    }

    /// Reads what a lock file calls a source; `None` for what is no registry, or is none that BuildKit could ask.
    pub fn parse(source: &str) -> Option<Self> {
        let registry = Self(source.to_owned());
        registry.index().map(|_| registry)
    }

    /// The registry of an index, as cargo's configuration writes one: `https://…`, `sparse+https://…/`.
    pub fn of_index(index: &str) -> Option<Self> {
        let is_sparse = index.starts_with("sparse+");
        Self::parse(&if is_sparse { index.to_owned() } else { format!("registry+{index}") })
    }

    /// As in the lock file.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is crates.io, which needs no asking.
    pub fn is_crates_io(&self) -> bool {
        self.0 == CRATES_IO
    }

    /// The index's address, as cargo's configuration writes it.
    pub fn address(&self) -> &str {
        self.0.strip_prefix("registry+").unwrap_or(&self.0)
    }

    /// Whether both names stand for one index.
    pub fn is_same_index(&self, other: &Registry) -> bool {
        let plain = |registry: &Registry| {
            let text = registry.0.trim_end_matches('/');
            text.strip_suffix(".git").unwrap_or(text).to_ascii_lowercase()
        };
        plain(self) == plain(other)
    }

    /// The index; present in every value that [`Registry::parse`] gives.
    pub fn index(&self) -> Option<Index> {
        match (self.0.strip_prefix("sparse+"), self.0.strip_prefix("registry+")) {
            (Some(url), _) => {
                let url = format!("{}/config.json", url.trim_end_matches('/'));
                HttpUrl::parse(url).ok().map(Index::Sparse)
            }
            (_, Some(url)) => GitUrl::parse(url).ok().map(Index::Git),
            _ => None,
        }
    }

    /// Where its packages lie in vertices.
    pub fn directory(&self) -> String {
        if self.is_crates_io() { paths::VENDOR.to_owned() } else { directory_of(&self.0) }
    }
}

/// Where the packages of any source but crates.io lie in vertices: `HOST-DIGEST`, as cargo calls such directories.
pub fn directory_of(source: &str) -> String {
    let host = source.split("://").nth(1).unwrap_or(source).split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or(host);
    let is_plain = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-');
    let host: String = host.chars().take_while(is_plain).collect();
    let digest = Digest::of(source.as_bytes());
    format!("{}/{host}-{}", paths::REGISTRIES, &digest.hex()[..DIGEST_DIGITS])
}

/// What a registry says of itself, in `config.json` at the root of its index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Download {
    /// Address of an archive, with markers.
    dl: String,
    /// Nothing is given to who shows no token.
    #[serde(rename = "auth-required", default)]
    pub auth_required: bool,
}

impl Download {
    /// That of crates.io.
    pub fn crates_io() -> Self {
        Self { dl: CRATES_IO_DOWNLOAD.to_owned(), auth_required: false }
    }

    /// Reads `config.json`.
    ///
    /// # Errors
    /// It is no JSON, has no `dl`, or one that BuildKit cannot fetch from.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let download: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let example = download.address("a", "0.0.0", &"0".repeat(64));
        HttpUrl::parse(example).map_err(|_| format!("`dl` is `{}`, and no address of HTTP", download.dl))?;
        Ok(download)
    }

    /// Where a package's archive is; without a marker cargo appends `/NAME/VERSION/download`.
    pub fn address(&self, name: &str, version: &str, checksum: &str) -> String {
        let prefix = prefix(name);
        let markers = [
            ("{crate}", name),
            ("{version}", version),
            ("{prefix}", &prefix),
            ("{lowerprefix}", &prefix.to_lowercase()),
            ("{sha256-checksum}", checksum),
        ];
        if !markers.iter().any(|(marker, _)| self.dl.contains(marker)) {
            return format!("{}/{name}/{version}/download", self.dl);
        }
        markers.iter().fold(self.dl.clone(), |address, (marker, value)| address.replace(marker, value))
    }
}

/// The directory of a package in an index: `1`, `2`, `3/a`, `ab/cd`.
fn prefix(name: &str) -> String {
    // Names are ASCII; see `lock`.
    match name.len() {
        0 | 1 => "1".to_owned(),
        2 => "2".to_owned(),
        3 => format!("3/{}", &name[..1]),
        _ => format!("{}/{}", &name[..2], &name[2..4]),
    }
}

/// The address of a repository that a lock file names (`git+URL?branch=NAME`), and what of it is meant: `branch`, `tag` or `rev`,
/// with its name. Lock files of version 4 have names escaped, as forms have them (`GitReference` in cargo's `core/source_id.rs`).
pub fn repository_of(source: &str) -> Option<(&str, Option<(&str, String)>)> {
    let repository = source.strip_prefix("git+")?;
    let Some((url, query)) = repository.split_once('?') else { return Some((repository, None)) };
    let reference = query.split('&').find_map(|pair| {
        let (kind, name) = pair.split_once('=')?;
        let name = name.replace('+', " ");
        let name = percent_decode_str(&name).decode_utf8_lossy().into_owned();
        ["branch", "tag", "rev"].contains(&kind).then_some((kind, name))
    });
    Some((url, reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_asked_for_as_cargo_does() {
        for (dl, name, expected) in [
            ("https://a.example/dl", "itoa", "https://a.example/dl/itoa/1.0.0+2/download"),
            ("https://a.example/{crate}-{version}.crate", "itoa", "https://a.example/itoa-1.0.0+2.crate"),
            (
                "https://a.example/{prefix}/{lowerprefix}/{crate}",
                "MyLib",
                "https://a.example/My/Li/my/li/MyLib",
            ),
            ("https://a.example/{prefix}/x", "abc", "https://a.example/3/a/x"),
            ("https://a.example/{prefix}/x", "ab", "https://a.example/2/x"),
            ("https://a.example/{sha256-checksum}", "a", "https://a.example/c0ffee"),
        ] {
            let json = format!(r#"{{"dl": "{dl}", "api": null}}"#);
            let download = Download::parse(json.as_bytes()).unwrap();
            assert!(!download.auth_required);
            assert_eq!(download.address(name, "1.0.0+2", "c0ffee"), expected);
        }
        assert!(
            Download::parse(br#"{"dl": "https://a.example", "auth-required": true}"#).unwrap().auth_required
        );
    }

    #[test]
    fn names_of_branches_are_read_as_cargo_writes_them() {
        let url = "https://a.example/x";
        for (query, expected) in [
            ("", None),
            ("?branch=main", Some(("branch", "main"))),
            ("?branch=release%2F1.2", Some(("branch", "release/1.2"))),
            ("?tag=v1%2Bx", Some(("tag", "v1+x"))),
            ("?rev=0123456", Some(("rev", "0123456"))),
        ] {
            let expected = expected.map(|(kind, name)| (kind, name.to_owned()));
            assert_eq!(repository_of(&format!("git+{url}{query}")), Some((url, expected)));
        }
        assert_eq!(repository_of("registry+https://a.example/x"), None);
    }

    #[test]
    fn what_is_no_answer_of_a_registry_is_refused() {
        for json in ["", "<html>", "{}", r#"{"dl": "file:///srv"}"#, r#"{"dl": "{crate}"}"#] {
            assert!(Download::parse(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn registries_are_told_apart_by_their_index() {
        let parse = |text| Registry::parse(text).unwrap();
        let sparse = parse("sparse+https://me@crates.example.org:8080/index/");
        assert_eq!(
            sparse.index(),
            Some(Index::Sparse(
                HttpUrl::parse("https://me@crates.example.org:8080/index/config.json").unwrap()
            ))
        );
        assert!(sparse.directory().starts_with("/registries/crates.example.org-"), "{}", sparse.directory());
        assert_ne!(sparse.directory(), parse("sparse+https://crates.example.org/other/").directory());
        assert_eq!(Registry::crates_io().directory(), "/vendor");
        assert!(matches!(parse("registry+ssh://git@example.org/index").index(), Some(Index::Git(_))));
        assert!(
            parse("registry+https://a.example/i.git")
                .is_same_index(&Registry::of_index("https://a.example/i").unwrap())
        );
        assert_eq!(
            Registry::of_index("sparse+https://a.example/").unwrap().address(),
            "sparse+https://a.example/"
        );
        for text in ["git+https://a.example", "sparse+file:///x", "registry+../x", "path+file:///x", ""] {
            assert_eq!(Registry::parse(text), None, "{text}");
        }
    }
}
