//! Names of images, in the one full form that BuildKit's parts agree on.

use std::fmt;

use crate::digest::Digest;

const DOCKER_HUB: &str = "docker.io";

/// `docker.io/library/rust:1.95-slim`: a registry, a repository, and a tag or digest or both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl ImageRef {
    /// Reads a name as users write it: `rust`, `rust:1.95`, `registry.example.com/team/app@sha256:…`.
    ///
    /// # Errors
    /// When the text is no name of an image.
    ///
    /// ```
    /// use buildkit_llb::ImageRef;
    /// assert_eq!(ImageRef::parse("rust").unwrap().to_string(), "docker.io/library/rust:latest");
    /// assert_eq!(ImageRef::parse("localhost/app:1").unwrap().to_string(), "localhost/app:1");
    /// ```
    pub fn parse(text: &str) -> Result<ImageRef, InvalidImageRef> {
        let invalid = || InvalidImageRef(text.to_owned());
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            // Looks like the id of an image, which is no name.
            return Err(invalid());
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest).map_err(|_| invalid())?)),
            None => (text, None),
        };
        let (registry, rest) = match rest.split_once('/') {
            Some((first, rest)) if is_registry(first) => (first, rest),
            _ => (DOCKER_HUB, rest),
        };
        let registry = if registry == "index.docker.io" { DOCKER_HUB } else { registry };
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        let repository = match repository {
            name if registry == DOCKER_HUB && !name.contains('/') => format!("library/{name}"),
            name => name.to_owned(),
        };
        let valid = is_host(registry)
            && repository.split('/').all(is_component)
            && registry.len() + 1 + repository.len() <= 255
            && tag.is_none_or(is_tag);
        if !valid {
            return Err(invalid());
        }
        let tag = match (tag, &digest) {
            (Some(tag), _) => Some(tag.to_owned()),
            (None, Some(_)) => None,
            (None, None) => Some("latest".to_owned()),
        };
        Ok(ImageRef { registry: registry.to_owned(), repository, tag, digest })
    }

    /// The registry, `docker.io`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in the registry, `library/rust`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag. A name without tag and digest has the tag `latest`.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest that pins the image.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same image, pinned.
    #[must_use]
    pub fn with_digest(mut self, digest: &Digest) -> ImageRef {
        self.digest = Some(digest.clone());
        self
    }

    /// The short form that users know: `rust:1.95`, without what the full form adds.
    #[must_use]
    pub fn familiar(&self) -> String {
        let full = self.to_string();
        let name = full.strip_prefix("docker.io/").unwrap_or(&full);
        name.strip_prefix("library/").unwrap_or(name).to_owned()
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// A text that names no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidImageRef(String);

impl fmt::Display for InvalidImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not the name of an image, expected `name:tag` or `registry/name:tag`", self.0)
    }
}

impl std::error::Error for InvalidImageRef {}

/// Whether the first part of a name is a registry and not a part of the repository.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_address =
        |inner: &str| !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => is_address(inner),
        None => host.split('.').all(is_part),
    };
    host && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Lower-case letters and digits, with `.`, `_`, `__` or dashes between them.
fn is_component(text: &str) -> bool {
    let separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let inner = separators.filter(|separator| !separator.is_empty());
    let ends = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    ends(text.as_bytes().first())
        && ends(text.as_bytes().last())
        && inner.into_iter().all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|byte| byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn names_become_full_names() {
        for (text, full) in [
            ("rust", "docker.io/library/rust:latest"),
            ("rust:1.95-slim", "docker.io/library/rust:1.95-slim"),
            ("team/app", "docker.io/team/app:latest"),
            ("docker.io/rust", "docker.io/library/rust:latest"),
            ("index.docker.io/team/app:1", "docker.io/team/app:1"),
            ("localhost/app", "localhost/app:latest"),
            ("127.0.0.1:5055/app:x", "127.0.0.1:5055/app:x"),
            ("[::1]:5000/app:x", "[::1]:5000/app:x"),
            (
                "registry.example.net/distroless/cc-debian12:nonroot",
                "registry.example.net/distroless/cc-debian12:nonroot",
            ),
            ("Registry/app", "Registry/app:latest"),
            ("a_b/c__d.e--f", "docker.io/a_b/c__d.e--f:latest"),
        ] {
            assert_eq!(ImageRef::parse(text).unwrap().to_string(), full, "{text}");
        }
    }

    #[test]
    fn a_digest_needs_no_tag_and_keeps_one() {
        let pinned = ImageRef::parse(&format!("rust@{SHA}")).unwrap();
        assert_eq!(pinned.to_string(), format!("docker.io/library/rust@{SHA}"));
        assert_eq!(pinned.tag(), None);
        let both = ImageRef::parse(&format!("rust:1@{SHA}")).unwrap();
        assert_eq!(both, ImageRef::parse("rust:1").unwrap().with_digest(&Digest::parse(SHA).unwrap()));
        assert_eq!(both.familiar(), format!("rust:1@{SHA}"));
        assert_eq!(
            ImageRef::parse("registry.example.com/a/b").unwrap().familiar(),
            "registry.example.com/a/b:latest"
        );
    }

    #[test]
    fn other_texts_are_refused() {
        let long_tag = format!("a:{}", "x".repeat(129));
        for text in [
            "",
            "Rust",
            "rust:",
            "rust: 1",
            "a//b",
            "/a",
            "a/",
            "-a",
            "a-",
            "a___b",
            "a._b",
            "host:x/a",
            "a@sha256:00",
            "https://a/b",
            &SHA[7..],
            &long_tag,
        ] {
            assert!(ImageRef::parse(text).is_err(), "{text}");
        }
    }
}
