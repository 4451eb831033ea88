//! Addresses of contexts on the network: which are repositories, and what of a repository is meant.
//!
//! As clients read them (frontend/dockerfile/dfgitutil, `ParseGitRef`; util/gitutil, `ParseURL`).

use std::fmt;

use buildkit_llb::GitUrl;
use percent_encoding::percent_decode_str;

use super::values::boolean;

/// A repository and what of it is meant: `https://host/repository.git#REF:DIRECTORY`, or the same as a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitAddress {
    /// The repository.
    pub url: GitUrl,
    /// A branch, tag or commit; empty for what the repository itself checks out.
    pub reference: String,
    /// The directory to use, relative to the repository's root; empty for all of it.
    pub subdir: String,
    /// The commit that the reference must be; empty when any will do.
    pub checksum: String,
    /// Whether `.git` is part of the checkout.
    pub keep_git_dir: bool,
    /// Whether submodules are part of the checkout.
    pub submodules: bool,
    /// Whether files have the time of the commit and not that of the checkout.
    pub commit_times: bool,
    /// Whether `checksum` itself is fetched, even if the reference has moved since.
    pub fetch_by_commit: bool,
}

impl GitAddress {
    /// Reads an address that [`is_git`].
    ///
    /// # Errors
    /// What is wrong with it, to follow ", ".
    pub(super) fn parse(address: &str) -> Result<GitAddress, String> {
        let (head, fragment) = address.split_once('#').unwrap_or((address, ""));
        let (remote, query) = head.split_once('?').unwrap_or((head, ""));
        let is_url = remote.contains("://") || remote.starts_with(GITHUB);
        let scheme = if remote.starts_with(GITHUB) { "https://" } else { "" };
        let url = GitUrl::parse(&format!("{scheme}{remote}")).map_err(|error| error.to_string())?;
        // In `user@host:path#REF` nothing is escaped.
        let fragment = if is_url { decode(fragment)? } else { fragment.to_owned() };
        let (reference, subdir) = fragment.split_once(':').unwrap_or((&fragment, ""));
        let mut parsed = GitAddress {
            url,
            reference: reference.to_owned(),
            subdir: subdir.trim_matches('/').to_owned(),
            checksum: String::new(),
            keep_git_dir: false,
            submodules: true,
            commit_times: false,
            fetch_by_commit: false,
        };
        parsed.apply(query)?;
        Ok(parsed)
    }

    fn apply(&mut self, query: &str) -> Result<(), String> {
        let mut seen: Vec<String> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decode_query(key)?, decode_query(value)?);
            if seen.contains(&key) {
                return Err(format!("whose `{key}` has several values"));
            }
            let flag = || match value.as_str() {
                "" => Ok(true),
                text => boolean(text)
                    .ok_or_else(|| format!("whose `{key}` is `{value}`, expected `true` or `false`")),
            };
            match key.as_str() {
                "keep-git-dir" => self.keep_git_dir = flag()?,
                "submodules" => self.submodules = flag()?,
                "fetch-by-commit" => self.fetch_by_commit = flag()?,
                "ref" | "tag" | "branch" | "subdir" | "checksum" | "commit" | "mtime" if value.is_empty() => {
                    return Err(format!("whose `{key}` has no value"));
                }
                "branch" if seen.iter().any(|other| other == "tag") => return Err(BRANCH_AND_TAG.to_owned()),
                "tag" if seen.iter().any(|other| other == "branch") => return Err(BRANCH_AND_TAG.to_owned()),
                "ref" => set(&mut self.reference, &value)?,
                "tag" => set(&mut self.reference, &below("refs/tags/", &value))?,
                "branch" => set(&mut self.reference, &below("refs/heads/", &value))?,
                "subdir" => set(&mut self.subdir, value.trim_matches('/'))?,
                "checksum" | "commit" => set(&mut self.checksum, &value)?,
                "mtime" => match value.as_str() {
                    "commit" => self.commit_times = true,
                    "checkout" => self.commit_times = false,
                    _ => return Err(format!("whose `mtime` is `{value}`, expected `checkout` or `commit`")),
                },
                _ => return Err(format!("whose `{key}` is not known")),
            }
            seen.push(key);
        }
        Ok(())
    }
}

/// In the form with a fragment, without names and passwords: progress and messages show it.
impl fmt::Display for GitAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(self.url.as_str()))?;
        match (self.reference.as_str(), self.subdir.as_str()) {
            ("", "") => Ok(()),
            (reference, "") => write!(f, "#{reference}"),
            (reference, subdir) => write!(f, "#{reference}:{subdir}"),
        }
    }
}

const GITHUB: &str = "github.com/";

const BRANCH_AND_TAG: &str = "which names both a branch and a tag";

/// What a repository's address says twice has to be the same.
fn set(field: &mut String, value: &str) -> Result<(), String> {
    if !field.is_empty() && field != value {
        return Err(format!("which says both `{field}` and `{value}`"));
    }
    value.clone_into(field);
    Ok(())
}

fn below(prefix: &str, name: &str) -> String {
    if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") }
}

fn decode_query(text: &str) -> Result<String, String> {
    decode(&text.replace('+', " "))
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| format!("whose `{text}` is not text"))
}

/// Whether an address is one of a file on the web, unless it [`is_git`].
pub(super) fn is_http(address: &str) -> bool {
    address.starts_with("http://") || address.starts_with("https://")
}

/// Whether an address is one of a repository.
pub(super) fn is_git(address: &str) -> bool {
    if ["git://", "ssh://", GITHUB].iter().any(|start| address.starts_with(start)) {
        return true;
    }
    if is_http(address) {
        let path = address.split(['#', '?']).next().unwrap_or(address);
        return path.ends_with(".git");
    }
    // `git@github.com:owner/name`, but not `docker-image://…@sha256:…`.
    let user_and_host = address.split_once(':').map(|(head, _)| head).filter(|head| !head.contains('/'));
    user_and_host.is_some_and(|head| {
        head.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
    })
}

/// An address without the name and password that it may carry, as BuildKit itself shows it (util/urlutil).
pub fn redacted(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        // A name alone is no secret: `ssh://git@host`.
        Some((user, _)) if user.contains(':') => {
            format!("{scheme}://xxxxx:xxxxx@{}", &rest[user.len() + 1..])
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(address: &str, expected: Expect) {
        assert!(is_git(address), "{address}");
        let text = match GitAddress::parse(address) {
            Err(why) => why,
            Ok(git) => {
                let flags = [
                    ("keep-git-dir", git.keep_git_dir),
                    ("no-submodules", !git.submodules),
                    ("commit-times", git.commit_times),
                    ("fetch-by-commit", git.fetch_by_commit),
                ];
                let mut text = format!("{} | {} | {}", git.url, git.reference, git.subdir);
                if !git.checksum.is_empty() {
                    text += &format!(" | is {}", git.checksum);
                }
                for (name, _) in flags.iter().filter(|(_, set)| *set) {
                    text += &format!(" | {name}");
                }
                text
            }
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn a_fragment_names_reference_and_directory() {
        check("https://e.com/a.git", expect!["https://e.com/a.git |  | "]);
        check("https://e.com/a.git#release/1.2", expect!["https://e.com/a.git | release/1.2 | "]);
        check("https://e.com/a.git#b/c:/d/e/", expect!["https://e.com/a.git | b/c | d/e"]);
        check("https://e.com/a.git#:d%20e", expect!["https://e.com/a.git |  | d e"]);
        check("github.com/o/n#main", expect!["https://github.com/o/n | main | "]);
        check("git@e.com:o/n.git#a%20b", expect!["git@e.com:o/n.git | a%20b | "]);
    }

    #[test]
    fn a_query_names_everything() {
        check("https://e.com/a.git?ref=v1&subdir=/d", expect!["https://e.com/a.git | v1 | d"]);
        check("https://e.com/a.git?tag=v1+1", expect!["https://e.com/a.git | refs/tags/v1 1 | "]);
        check("git@e.com:o/n?branch=b&subdir=d", expect!["git@e.com:o/n | refs/heads/b | d"]);
        check("https://e.com/a.git?subdir=d#v1:d", expect!["https://e.com/a.git | v1 | d"]);
        check(
            "https://e.com/a.git?fetch-by-commit&checksum=abc&mtime=commit&keep-git-dir=1&submodules=false",
            expect![
                "https://e.com/a.git |  |  | is abc | keep-git-dir | no-submodules | commit-times | fetch-by-commit"
            ],
        );
    }

    #[test]
    fn what_contradicts_itself_or_is_unknown_is_refused() {
        check("https://e.com/a.git?ref=v1#v2", expect!["which says both `v2` and `v1`"]);
        check("https://e.com/a.git?ref=v1&tag=v1", expect!["which says both `v1` and `refs/tags/v1`"]);
        check("https://e.com/a.git?tag=v1&branch=v1", expect!["which names both a branch and a tag"]);
        check("https://e.com/a.git?ref=a&ref=a", expect!["whose `ref` has several values"]);
        check("https://e.com/a.git?tag", expect!["whose `tag` has no value"]);
        check(
            "https://e.com/a.git?mtime=now",
            expect!["whose `mtime` is `now`, expected `checkout` or `commit`"],
        );
        check(
            "https://e.com/a.git?submodules=no",
            expect!["whose `submodules` is `no`, expected `true` or `false`"],
        );
        check("https://e.com/a.git?depth=1", expect!["whose `depth` is not known"]);
    }

    #[test]
    fn passwords_are_not_shown() {
        for (address, shown) in [
            ("https://u:p@e.com/a.git", "https://xxxxx:xxxxx@e.com/a.git"),
            ("ssh://git@e.com/a", "ssh://git@e.com/a"),
            ("https://e.com/a@b:c", "https://e.com/a@b:c"),
        ] {
            assert_eq!(redacted(address), shown);
        }
        let git = GitAddress::parse("https://u:p@e.com/a.git#main:d").unwrap();
        assert_eq!(git.to_string(), "https://xxxxx:xxxxx@e.com/a.git#main:d");
    }
}
