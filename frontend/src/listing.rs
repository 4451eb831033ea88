//! The names of everything in the build context, without the contents.
//!
//! With `local.metadatatransfer` the client sends the stat of every path; BuildKit leaves them in `.fsutil-metadata`
//! as repeated (length as little-endian u32, `fsutil.types.Stat`) (fsutil `receive.go`). Pure.

use std::{collections::BTreeMap, ops::Bound};

use buildkit_proto::fstypes::Stat;
use camino::{Utf8Path, Utf8PathBuf};
use prost::Message;

use crate::outside;

/// File in a metadata-only source that lists what the client has.
pub const METADATA_FILE: &str = ".fsutil-metadata";

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, or something stranger.
    Other,
}

/// Every path of the context, relative, `/`-separated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    entries: BTreeMap<Utf8PathBuf, Kind>,
    /// What each symbolic link says.
    links: BTreeMap<Utf8PathBuf, String>,
}

/// The listing that BuildKit wrote cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the list of files in the build context is cut off after {0} bytes")]
pub struct BadListing(usize);

/// As many links in a row as Linux follows.
const LINKS_MAX: usize = 40;

// Go's `os.FileMode` bits, which `Stat.mode` carries.
const GO_MODE_DIR: u32 = 1 << 31;
const GO_MODE_TYPE: u32 = GO_MODE_DIR | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19;

impl Listing {
    /// Reads the contents of [`METADATA_FILE`]. Names that are not UTF-8 are left out: the daemon writes them as they are
    /// (vtprotobuf, with which fsutil marshals a `Stat`, does not look), and no source of cargo's has one.
    ///
    /// # Errors
    /// The data ends inside an entry.
    pub fn parse(data: &[u8]) -> Result<Listing, BadListing> {
        let mut listing = Listing::default();
        let mut at = 0;
        while at < data.len() {
            let bad = || BadListing(at);
            let length = data.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
            let end = at + 4 + length.ok_or_else(bad)? as usize;
            if let Ok(stat) = Stat::decode(data.get(at + 4..end).ok_or_else(bad)?) {
                listing.insert(&stat.path, kind_of(stat.mode), stat.linkname);
            }
            at = end;
        }
        Ok(listing)
    }

    /// Adds a path; `link` is what a symbolic link says, and otherwise empty. (The client names the first of several
    /// hard links there too, which are files like any other.)
    pub fn insert(&mut self, path: &str, kind: Kind, link: String) {
        if kind == Kind::Other && !link.is_empty() {
            self.links.insert(path.into(), link);
        }
        self.entries.insert(path.into(), kind);
    }

    /// Symbolic links below a directory, each with what it leads to in one step, relative to the root. Links that
    /// lead out of the context or say an absolute path are left out.
    pub fn links_below<'a>(
        &'a self,
        directory: &'a Utf8Path,
    ) -> impl Iterator<Item = (&'a Utf8Path, Utf8PathBuf)> {
        self.links
            .iter()
            .filter(move |(path, _)| directory.as_str().is_empty() || path.starts_with(directory))
            .filter_map(|(path, text)| {
                let beside = path.parent().unwrap_or(Utf8Path::new(""));
                Some((path.as_path(), outside::normalise(beside, text)?))
            })
    }

    /// Symbolic links that lead to a directory of the context, each with what it says: cargo finds packages and targets
    /// through them.
    pub fn directory_links(&self) -> impl Iterator<Item = (&Utf8Path, &str)> {
        let links = self.links.iter().map(|(path, text)| (path.as_path(), text.as_str()));
        links.filter(|(path, _)| self.kind(&self.resolved(path)) == Some(Kind::Directory))
    }

    /// Where a path leads when the links on its way are followed; itself where they lead nowhere.
    pub fn resolved(&self, path: &Utf8Path) -> Utf8PathBuf {
        let mut path = path.to_owned();
        for _ in 0..LINKS_MAX {
            let linked = path.ancestors().find_map(|above| Some((above.to_owned(), self.links.get(above)?)));
            let Some((link, text)) = linked else { break };
            let beside = link.parent().unwrap_or(Utf8Path::new(""));
            let (Some(target), Ok(rest)) = (outside::normalise(beside, text), path.strip_prefix(&link))
            else {
                break;
            };
            path = if rest.as_str().is_empty() { target } else { target.join(rest) };
        }
        path
    }

    /// The links on a path's way, and where it ends when all are followed as the kernel does; `None` where it leads out
    /// of the context, or in circles. Nothing has to be there.
    pub fn walked(&self, path: &Utf8Path) -> Option<(Vec<Utf8PathBuf>, Utf8PathBuf)> {
        let mut open: Vec<&str> = path.as_str().split('/').rev().collect();
        let mut links = Vec::new();
        let mut at = Utf8PathBuf::new();
        if path.is_absolute() {
            return None;
        }
        while let Some(part) = open.pop() {
            match part {
                "" | "." => {}
                ".." => {
                    if !at.pop() {
                        return None;
                    }
                }
                part => {
                    at.push(part);
                    let Some(text) = self.links.get(&at) else { continue };
                    if links.len() == LINKS_MAX || text.starts_with('/') {
                        return None;
                    }
                    links.push(at.clone());
                    at.pop();
                    open.extend(text.split('/').rev());
                }
            }
        }
        Some((links, at))
    }

    /// What `path` is, or `None` when there is nothing.
    pub fn kind(&self, path: &Utf8Path) -> Option<Kind> {
        if path.as_str().is_empty() {
            return Some(Kind::Directory);
        }
        self.entries.get(path).copied()
    }

    /// A regular file or a link is there.
    pub fn has_file(&self, path: &str) -> bool {
        self.kind(Utf8Path::new(path)).is_some_and(|kind| kind != Kind::Directory)
    }

    /// Every file and link, sorted.
    pub fn files(&self) -> impl Iterator<Item = &Utf8Path> {
        self.entries.iter().filter(|(_, kind)| **kind != Kind::Directory).map(|(path, _)| path.as_path())
    }

    /// Every file below a directory, or the one that has its path.
    pub fn files_below<'a>(&'a self, directory: &'a Utf8Path) -> impl Iterator<Item = &'a Utf8Path> {
        // Sorted by components: what lies below stands behind it.
        let behind = (Bound::Included(directory), Bound::Unbounded);
        let below = self.entries.range::<Utf8Path, _>(behind);
        let below = below.take_while(move |(path, _)| path.starts_with(directory));
        below.filter(|(_, kind)| **kind != Kind::Directory).map(|(path, _)| path.as_path())
    }
}

impl<P: Into<Utf8PathBuf>> FromIterator<(P, Kind)> for Listing {
    fn from_iter<I: IntoIterator<Item = (P, Kind)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(path, kind)| (path.into(), kind)).collect();
        Listing { entries, links: BTreeMap::new() }
    }
}

/// Whether a file is one for the loader, by its name: `libx.so`, `libx.so.1`.
pub fn is_shared_library(file: &Utf8Path) -> bool {
    file.extension() == Some("so") || file.file_name().is_some_and(|name| name.contains(".so."))
}

fn kind_of(mode: u32) -> Kind {
    match mode & GO_MODE_TYPE {
        GO_MODE_DIR => Kind::Directory,
        0 => Kind::File,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(path: &str, mode: u32) -> Vec<u8> {
        let stat = Stat { path: path.to_owned(), mode, ..Stat::default() }.encode_to_vec();
        let mut data = (stat.len() as u32).to_le_bytes().to_vec();
        data.extend(stat);
        data
    }

    #[test]
    fn entries_are_read_with_their_kind() {
        let data =
            [framed("src", GO_MODE_DIR | 0o755), framed("src/main.rs", 0o644), framed("l", 1 << 27)].concat();
        let listing = Listing::parse(&data).unwrap();
        assert_eq!(listing.kind(Utf8Path::new("src")), Some(Kind::Directory));
        assert_eq!(listing.kind(Utf8Path::new("l")), Some(Kind::Other));
        assert!(listing.has_file("src/main.rs"));
        assert_eq!(listing.files_below(Utf8Path::new("src")).count(), 1);
    }

    #[test]
    fn links_lead_somewhere_in_the_context_or_nowhere() {
        let mut listing = Listing::default();
        for (path, link) in
            [("a/b/up", "../../README.md"), ("a/b/out", "../../../x"), ("a/b/abs", "/etc/passwd"), ("c", "a")]
        {
            listing.insert(path, Kind::Other, link.to_owned());
        }
        listing.insert("a/b/hard", Kind::File, "a/b/other".to_owned());
        let found: Vec<_> =
            listing.links_below(Utf8Path::new("a")).map(|(from, to)| format!("{from} -> {to}")).collect();
        assert_eq!(found, ["a/b/up -> README.md"]);
    }

    #[test]
    fn links_to_directories_are_followed_and_circles_end() {
        let mut listing: Listing =
            [("shelf/a/src", Kind::Directory), ("shelf/a", Kind::Directory)].into_iter().collect();
        for (path, link) in
            [("crates/a", "../shelf/b"), ("shelf/b", "a"), ("x", "y"), ("y", "x"), ("file", "shelf/none")]
        {
            listing.insert(path, Kind::Other, link.to_owned());
        }
        assert_eq!(listing.resolved(Utf8Path::new("crates/a/src")), "shelf/a/src");
        let found: Vec<_> =
            listing.directory_links().map(|(path, text)| format!("{path} -> {text}")).collect();
        assert_eq!(found, ["crates/a -> ../shelf/b", "shelf/b -> a"]);
        assert_eq!(listing.kind(&listing.resolved(Utf8Path::new("x"))), Some(Kind::Other));
    }

    #[test]
    fn a_path_is_walked_as_the_kernel_walks_it() {
        let mut listing = Listing::default();
        for (path, link) in
            [("a/in", "../b/c"), ("b/c/to", "./file"), ("out", "../x"), ("abs", "/x"), ("x", "y"), ("y", "x")]
        {
            listing.insert(path, Kind::Other, link.to_owned());
        }
        let walked = |path: &str| {
            let (links, end) = listing.walked(Utf8Path::new(path))?;
            Some(format!("{} {end}", links.iter().map(|link| link.as_str()).collect::<Vec<_>>().join(" ")))
        };
        assert_eq!(walked("a/in/to").as_deref(), Some("a/in b/c/to b/c/file"));
        assert_eq!(
            walked("a/in/../d").as_deref(),
            Some("a/in b/d"),
            "`..` of a link is that of what it leads to"
        );
        assert_eq!(walked("a/../d/./e").as_deref(), Some(" d/e"));
        assert_eq!(walked("a/..").as_deref(), Some(" "));
        for nowhere in ["..", "out/d", "abs", "/a", "x/d"] {
            assert_eq!(walked(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn what_lies_below_a_directory_is_found_and_what_is_called_alike_is_not() {
        let paths = ["a-b/x", "a/b/y", "a/z", "a.rs", "ab", "b"];
        let listing: Listing = paths.map(|path| (path, Kind::File)).into_iter().collect();
        let below =
            |directory: &'static str| listing.files_below(Utf8Path::new(directory)).collect::<Vec<_>>();
        assert_eq!(below("a"), ["a/b/y", "a/z"]);
        assert_eq!(below("a/z"), ["a/z"]);
        assert_eq!(below("").len(), paths.len());
        assert!(below("c").is_empty());
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_left_out() {
        let mut data = framed("a.rs", 0o644);
        let mut odd = framed("cafe.txt", 0o644);
        let at = odd.iter().position(|byte| *byte == b'e').unwrap();
        odd[at] = 0xe9;
        data.extend(odd);
        data.extend(framed("z.rs", 0o644));
        let listing = Listing::parse(&data).unwrap();
        assert_eq!(listing.files().collect::<Vec<_>>(), ["a.rs", "z.rs"]);
    }

    #[test]
    fn a_cut_off_listing_is_refused() {
        let data = framed("src/main.rs", 0o644);
        for cut in 1..data.len() {
            assert!(Listing::parse(&data[..cut]).is_err(), "cut at {cut}");
        }
    }
}
