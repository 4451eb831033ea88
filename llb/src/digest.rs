//! Content digests (`sha256:…`): names of vertices, checksums of sources. Knows nothing of ops.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use sha2::Digest as _;

/// An algorithm and a hex value, `sha256:e3b0…`. Cloning bumps an `Arc`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Arc<str>);

impl Digest {
    /// The sha256 digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        let mut text = String::with_capacity("sha256:".len() + 64);
        text.push_str("sha256:");
        push_hex(&mut text, &sha2::Sha256::digest(bytes));
        Digest(text.into())
    }

    /// Reads `sha256:…`, `sha384:…` or `sha512:…` with a value in lower-case hex.
    ///
    /// # Errors
    /// When the algorithm is another one, or the value has the wrong length or other characters.
    pub fn parse(text: &str) -> Result<Digest, InvalidDigest> {
        let invalid = || InvalidDigest(text.to_owned());
        let (algorithm, value) = text.split_once(':').ok_or_else(invalid)?;
        let digits = match algorithm {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ => return Err(invalid()),
        };
        let hex = value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex && value.len() == digits { Ok(Digest(text.into())) } else { Err(invalid()) }
    }

    /// Reads the bare hex value of a sha256, the form in which Cargo's lock file has it.
    ///
    /// # Errors
    /// When `hex` is not 64 digits of lower-case hex.
    pub fn sha256(hex: &str) -> Result<Digest, InvalidDigest> {
        Digest::parse(&format!("sha256:{hex}")).map_err(|_| InvalidDigest(hex.to_owned()))
    }

    /// The whole digest, algorithm included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value without its algorithm.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, value)| value)
    }
}

/// Appends `bytes` in lower-case hex.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidDigest(String);

impl fmt::Display for InvalidDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a digest, expected `sha256:` and 64 hex digits", self.0)
    }
}

impl std::error::Error for InvalidDigest {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_known_one() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), empty);
        assert_eq!(Digest::parse(empty), Ok(Digest::of(b"")));
        assert_eq!(Digest::sha256(&empty[7..]), Ok(Digest::of(b"")));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "sha256", "sha256:", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
            assert!(Digest::parse(text).is_err(), "{text}");
        }
        let upper = format!("sha256:{}", "A".repeat(64));
        let error = Digest::parse(&upper).unwrap_err().to_string();
        assert_eq!(error, format!("`{upper}` is not a digest, expected `sha256:` and 64 hex digits"));
    }
}
