//! Checkouts of git repositories.

use std::fmt;

use crate::caps::Cap;
use crate::meta::{Notes, annotated};
use crate::path;
use crate::source::{Attrs, source};
use crate::state::State;

/// The address of a repository: `https://host/path`, `http://…`, `git://…`, `ssh://user@host/path`, or `user@host:path`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitUrl {
    remote: String,
    /// Host and path: what the daemon's identifier has, so that one repository over two protocols is one source.
    place: String,
    is_ssh: bool,
}

impl GitUrl {
    /// Reads an address. A query and a fragment are left out: what they say belongs into [`Git`]'s own options.
    ///
    /// # Errors
    /// When it is none of the forms above.
    pub fn parse(url: &str) -> Result<GitUrl, InvalidGitUrl> {
        let invalid = || InvalidGitUrl(url.to_owned());
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(invalid());
        }
        let remote = &url[..url.find(['#', '?']).unwrap_or(url.len())];
        let (is_ssh, authority, path) = match remote.split_once("://") {
            Some((scheme @ ("http" | "https" | "git" | "ssh"), rest)) => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                (scheme == "ssh", authority, path)
            }
            Some(_) => return Err(invalid()),
            None => {
                let (authority, path) = remote.split_once(':').ok_or_else(invalid)?;
                // `host:path` alone could as well be a path or a Windows drive.
                if !authority.contains('@') || authority.contains('/') {
                    return Err(invalid());
                }
                (true, authority, path)
            }
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if host.is_empty() {
            return Err(invalid());
        }
        Ok(GitUrl { remote: remote.to_owned(), place: format!("{host}{}", path::clean(path)), is_ssh })
    }

    /// What git is given to fetch from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.remote
    }
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.remote)
    }
}

/// A text that is no address of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidGitUrl(String);

impl fmt::Display for InvalidGitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not the address of a git repository, expected `https://host/path` or `ssh://user@host/path`",
            self.0
        )
    }
}

impl std::error::Error for InvalidGitUrl {}

/// A checkout of a commit, without its `.git`.
#[must_use = "a git source does nothing until `state` is called"]
#[derive(Debug, Clone)]
pub struct Git {
    url: GitUrl,
    reference: String,
    subdir: String,
    attrs: Attrs,
    notes: Notes,
}

impl Git {
    /// A commit of a repository; a branch or tag works as well, and is looked up in each build.
    pub fn new(url: &GitUrl, reference: impl Into<String>) -> Git {
        let mut git = Git {
            url: url.clone(),
            reference: reference.into(),
            subdir: String::new(),
            attrs: Attrs::default(),
            notes: Notes::default(),
        };
        git.notes.need(Cap::SOURCE_GIT);
        git = git.set("git.fullurl", url.as_str(), Some(Cap::SOURCE_GIT_FULL_URL));
        // The names that BuildKit's own client asks for; they are used where the user has such secrets.
        git.attrs.set("git.authtokensecret", "GIT_AUTH_TOKEN");
        git.attrs.set("git.authheadersecret", "GIT_AUTH_HEADER");
        if url.is_ssh { git.ssh("default") } else { git }
    }

    fn set(mut self, key: &str, value: impl Into<String>, cap: Option<Cap>) -> Git {
        let value = value.into();
        if !value.is_empty() {
            self.attrs.set(key, value);
            self.notes.caps.extend(cap);
        }
        self
    }

    /// Takes one directory of the repository.
    pub fn subdir(mut self, path: &str) -> Git {
        self.subdir = path::clean(path)[1..].to_owned();
        self
    }

    /// Fails unless the reference is this commit.
    pub fn checksum(self, commit: &str) -> Git {
        self.set("git.checksum", commit, Some(Cap::SOURCE_GIT_CHECKSUM))
    }

    /// Fetches the commit of [`checksum`](Git::checksum) itself, even if the branch or tag has moved since.
    pub fn fetch_by_commit(self) -> Git {
        self.set("git.fetchbycommit", "true", Some(Cap::SOURCE_GIT_FETCH_BY_COMMIT))
    }

    /// Keeps the `.git` directory.
    pub fn keep_git_dir(self) -> Git {
        self.set("git.keepgitdir", "true", Some(Cap::SOURCE_GIT_KEEP_DIR))
    }

    /// Leaves submodules out.
    pub fn skip_submodules(self) -> Git {
        self.set("git.skipsubmodules", "true", Some(Cap::SOURCE_GIT_SKIP_SUBMODULES))
    }

    /// Gives all files the time of the commit, not that of the checkout.
    pub fn commit_times(self) -> Git {
        self.set("git.mtime", "commit", Some(Cap::SOURCE_GIT_MTIME))
    }

    /// The secret that holds an access token; by default `GIT_AUTH_TOKEN`, if the user has it.
    pub fn auth_token_secret(self, secret: &str) -> Git {
        self.set("git.authtokensecret", secret, Some(Cap::SOURCE_GIT_HTTP_AUTH))
    }

    /// The secret that holds an `Authorization` header; by default `GIT_AUTH_HEADER`, if the user has it.
    pub fn auth_header_secret(self, secret: &str) -> Git {
        self.set("git.authheadersecret", secret, Some(Cap::SOURCE_GIT_HTTP_AUTH))
    }

    /// The agent to use for ssh; by default `default`. Other protocols use none.
    pub fn ssh(self, id: &str) -> Git {
        if !self.url.is_ssh {
            return self;
        }
        self.set("git.mountsshsock", id, Some(Cap::SOURCE_GIT_SSH_SOCK))
    }

    /// The host keys to accept, as lines of a `known_hosts` file. Without them the daemon accepts any.
    pub fn known_hosts(self, lines: &str) -> Git {
        let lines = lines.trim_end_matches('\n');
        if !self.url.is_ssh || lines.is_empty() {
            return self;
        }
        self.set("git.knownsshhosts", format!("{lines}\n"), Some(Cap::SOURCE_GIT_KNOWN_HOSTS))
    }

    /// The checkout.
    #[must_use]
    pub fn state(self) -> State {
        let mut identifier = format!("git://{}", self.url.place);
        if !self.reference.is_empty() || !self.subdir.is_empty() {
            identifier = format!("{identifier}#{}", self.reference);
        }
        if !self.subdir.is_empty() {
            identifier = format!("{identifier}:{}", self.subdir);
        }
        source(identifier, None, self.attrs, self.notes)
    }
}

annotated!(Git);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_is_one_place_over_all_protocols() {
        for url in [
            "https://example.com/team/app.git",
            "http://user:word@example.com/team/app.git?x=1#main",
            "ssh://git@example.com/team/app.git",
            "git://example.com//team/app.git/",
            "git@example.com:team/app.git",
        ] {
            assert_eq!(GitUrl::parse(url).unwrap().place, "example.com/team/app.git", "{url}");
        }
        assert_eq!(GitUrl::parse("ssh://git@h:22/a").unwrap().place, "h:22/a");
    }

    #[test]
    fn other_texts_are_refused() {
        for url in ["", "app", "/srv/app.git", "c:\\app", "ftp://h/a", "https://", "https://h/a b", "a/b@c:d"]
        {
            assert!(GitUrl::parse(url).is_err(), "{url}");
        }
    }
}
