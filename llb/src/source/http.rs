//! Files over HTTP. With a checksum the cache key is known without a request.

use std::fmt;

use crate::caps::Cap;
use crate::digest::Digest;
use crate::meta::{Notes, annotated};
use crate::source::{Attrs, source};
use crate::state::State;

/// A URL that starts with `http://` or `https://`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it has another scheme, no host, or blanks.
    pub fn parse(url: impl Into<String>) -> Result<HttpUrl, InvalidHttpUrl> {
        let url = url.into();
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']));
        let blank = url.chars().any(|c| c.is_whitespace() || c.is_control());
        if has_host && !blank { Ok(HttpUrl(url)) } else { Err(InvalidHttpUrl(url)) }
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no HTTP URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidHttpUrl(String);

impl fmt::Display for InvalidHttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a URL that can be downloaded, expected `https://host/path`", self.0)
    }
}

impl std::error::Error for InvalidHttpUrl {}

/// One downloaded file.
#[must_use = "an HTTP source does nothing until `state` is called"]
#[derive(Debug, Clone)]
pub struct Http {
    url: HttpUrl,
    attrs: Attrs,
    notes: Notes,
}

impl Http {
    /// The file at a URL, which must have this checksum.
    pub fn new(url: &HttpUrl, checksum: &Digest) -> Http {
        Http::unpinned(url).set("http.checksum", checksum.as_str(), Some(Cap::SOURCE_HTTP_CHECKSUM))
    }

    /// Whatever is at a URL today. Each build asks the server.
    pub fn unpinned(url: &HttpUrl) -> Http {
        let mut notes = Notes::default();
        notes.need(Cap::SOURCE_HTTP);
        Http { url: url.clone(), attrs: Attrs::default(), notes }
    }

    fn set(mut self, key: &str, value: impl Into<String>, cap: Option<Cap>) -> Http {
        let value = value.into();
        if !value.is_empty() {
            self.attrs.set(key, value);
            self.notes.caps.extend(cap);
        }
        self
    }

    /// The file's name; by default the last part of the URL, or what the server says.
    pub fn filename(self, name: &str) -> Http {
        self.set("http.filename", name, None)
    }

    /// The file's permission bits; by default 600.
    pub fn mode(self, mode: u32) -> Http {
        self.set("http.perm", format!("0{:o}", mode & 0o777), Some(Cap::SOURCE_HTTP_PERM))
    }

    /// The file's owner; by default 0 and 0.
    pub fn owner(self, uid: u32, gid: u32) -> Http {
        let text = |id: u32| if id == 0 { String::new() } else { id.to_string() };
        self.set("http.uid", text(uid), Some(Cap::SOURCE_HTTP_OWNER)).set(
            "http.gid",
            text(gid),
            Some(Cap::SOURCE_HTTP_OWNER),
        )
    }

    /// The secret that holds the value of the `Authorization` header.
    pub fn auth_header_secret(self, secret: &str) -> Http {
        self.set("http.authheadersecret", secret, Some(Cap::SOURCE_HTTP_AUTH))
    }

    /// The `Accept` header.
    pub fn accept(self, value: &str) -> Http {
        self.set("http.header.accept", value, Some(Cap::SOURCE_HTTP_HEADER))
    }

    /// The `User-Agent` header.
    pub fn user_agent(self, value: &str) -> Http {
        self.set("http.header.user-agent", value, Some(Cap::SOURCE_HTTP_HEADER))
    }

    /// A directory that holds the file.
    #[must_use]
    pub fn state(self) -> State {
        source(self.url.0, None, self.attrs, self.notes)
    }
}

annotated!(Http);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_http_are_taken() {
        for url in ["https://a", "http://127.0.0.1:80/a?b#c"] {
            assert!(HttpUrl::parse(url).is_ok(), "{url}");
        }
        for url in ["", "a", "ftp://a/b", "https://", "https:///a", "https://a b", "git://a/b"] {
            assert!(HttpUrl::parse(url).is_err(), "{url}");
        }
    }
}
