//! Files, read and written whole.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::problem::{Doing, Problem, Result};

/// Writes `value` as JSON that a person can read, one item a line.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| Problem::new(format!("failed to write `{}` as JSON: {error}", path.display())))?;
    text.push(b'\n');
    write(path, text)
}

/// The same without the spaces: what is read through BuildKit takes as long as it has bytes.
pub(crate) fn write_dense_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_vec(value)
        .map_err(|error| Problem::new(format!("failed to write `{}` as JSON: {error}", path.display())))?;
    write(path, text)
}

fn write(path: &Path, text: Vec<u8>) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).doing("create", parent)?;
    }
    fs::write(path, text).doing("write", path)
}

/// The contents of a file that others than the helper can put something else in the place of: nothing is followed or waited for.
pub(crate) fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let mut file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut data = Vec::new();
    file.read_to_end(&mut data)?;
    Ok(data)
}

/// SHA-256 of a file's contents, in hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    fs::read(path).doing("read", path).map(|data| sha256_of(&data))
}

/// SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256_of(data: &[u8]) -> String {
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what [`write_json`] wrote.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read(path).doing("read", path)?;
    serde_json::from_slice(&text)
        .map_err(|error| Problem::new(format!("`{}` is not what the helper writes: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn only_a_file_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("file"), "text").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(read_regular(&at("file")).unwrap(), b"text");
        for other in ["link", "pipe", "missing", "."] {
            assert!(read_regular(&at(other)).is_err(), "{other}");
        }
    }
}
