//! Copying and writing files, with errors that name them.

use std::{fs, path::Path};

use crate::Result;

/// A file's text.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Writes a file, in directories that may be missing.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, text: &str) -> Result {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Copies a directory to a place where nothing is, without entries of these names.
///
/// # Errors
/// Something cannot be read or written.
pub fn copy(from: &Path, to: &Path, without: &[&str]) -> Result {
    fs::create_dir_all(to)?;
    let entries = fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if without.iter().any(|left_out| name == *left_out) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name), without)?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// An empty directory, whatever was there.
///
/// # Errors
/// It cannot be emptied.
pub fn empty(directory: &Path) -> Result {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    Ok(fs::create_dir_all(directory)?)
}
