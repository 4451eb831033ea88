//! Files, read and written whole.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::problem::{Doing, Problem, Result};

/// Writes `value` as JSON that a person can read, one item a line.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| Problem::new(format!("failed to write `{}` as JSON: {error}", path.display())))?;
    text.push(b'\n');
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).doing("create", parent)?;
    }
    fs::write(path, text).doing("write", path)
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
