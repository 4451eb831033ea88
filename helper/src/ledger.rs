//! The ledger: how long vertices took and how large their outputs are, kept for those who ask later.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_helper::report::{
    Entry, LEDGER_DIR, SUMMARY_FILE, Summary, SummaryRequest, WARNINGS_FILE, Warning,
};

use crate::console::say;
use crate::problem::{Doing, Result};
use crate::{files, mtime, slots, tree};

/// Above this many entries, old ones go.
const ENTRIES_MAX: usize = 10_000;

/// What counts as old then.
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

fn directory() -> PathBuf {
    slots::directory().join(LEDGER_DIR)
}

/// Writes down a vertex that has just ended. Nobody needs it, so nothing fails when it cannot be written.
pub(crate) fn note(key: &str, took: Duration, output: &Path) {
    let written = try_note(&directory(), key, took, output);
    if let Err(error) = written {
        say!("note: could not write down how long this took: {error}");
    }
}

fn try_note(directory: &Path, key: &str, took: Duration, output: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let finished = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let entry = Entry {
        seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
        bytes: size(output)?,
        finished: u64::try_from(finished.as_millis()).unwrap_or(u64::MAX),
    };
    // Whoever reads finds the old entry or the new one, never half of one.
    let unfinished = directory.join(format!(".{key}.{}", std::process::id()));
    fs::write(&unfinished, serde_json::to_vec(&entry)?)?;
    fs::rename(&unfinished, directory.join(format!("{key}.json")))?;
    forget_old(directory)
}

fn forget_old(directory: &Path) -> io::Result<()> {
    let names = tree::names(directory)?;
    if names.len() <= ENTRIES_MAX {
        return Ok(());
    }
    for name in names {
        let path = directory.join(name);
        let age = fs::metadata(&path)
            .and_then(|data| data.modified())
            .map(|time| time.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age > AGE_MAX) {
            // Another vertex may do the same.
            drop(fs::remove_file(&path));
        }
    }
    Ok(())
}

/// Bytes of all files below a directory, or of the file; links count as nothing, files with several names once.
fn size(path: &Path) -> io::Result<u64> {
    fn visit(path: &Path, seen: &mut BTreeMap<(u64, u64), ()>) -> io::Result<u64> {
        let data = fs::symlink_metadata(path)?;
        if data.is_dir() {
            return tree::names(path)?.into_iter().map(|name| visit(&path.join(name), seen)).sum();
        }
        let is_new = data.is_file() && seen.insert((data.dev(), data.ino()), ()).is_none();
        Ok(if is_new { data.len() } else { 0 })
    }
    visit(path, &mut BTreeMap::new())
}

/// Adds the files below a directory, by their paths from `root`.
fn digests(root: &Path, directory: &Path, files: &mut BTreeMap<String, String>) -> io::Result<()> {
    for name in tree::names(&root.join(directory))? {
        let below = directory.join(name);
        let path = root.join(&below);
        let kind = fs::symlink_metadata(&path)?.file_type();
        if kind.is_dir() {
            digests(root, &below, files)?;
            continue;
        }
        let data = if kind.is_symlink() {
            fs::read_link(&path)?.into_os_string().into_vec()
        } else {
            fs::read(&path)?
        };
        files.insert(below.to_string_lossy().into_owned(), files::sha256_of(&data));
    }
    Ok(())
}

/// `longshore-helper summary`: what the ledger says about these vertices, and how large these directories are.
pub(crate) fn summarise(request: &SummaryRequest) -> Result<()> {
    let directory = directory();
    let mut summary = Summary::default();
    for key in &request.keys {
        let data = files::read_regular(&directory.join(format!("{key}.json"))).ok();
        if let Some(entry) = data.and_then(|data| serde_json::from_slice::<Entry>(&data).ok()) {
            summary.entries.insert(key.clone(), entry);
        }
    }
    for measured in &request.measured {
        let path = Path::new(measured);
        summary.sizes.push(size(path).doing("measure", path)?);
    }
    for report in &request.reports {
        let directory = Path::new(report);
        for name in tree::names(directory).doing("list", directory)? {
            let file = directory.join(name).join(WARNINGS_FILE);
            if file.is_file() {
                summary.warnings.extend(files::read_json::<Vec<Warning>>(&file)?);
            }
        }
    }
    for digested in &request.digested {
        let root = Path::new(digested);
        let mut files = BTreeMap::new();
        digests(root, Path::new(""), &mut files).doing("read", root)?;
        summary.digests.push(files);
    }
    summary.warnings.sort();
    summary.warnings.dedup();
    let output = Path::new(&request.output);
    fs::create_dir_all(output).doing("create", output)?;
    files::write_json(&output.join(SUMMARY_FILE), &summary)?;
    mtime::normalise(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_can_be_read() {
        let owner = tempfile::tempdir().unwrap();
        let output = owner.path().join("output");
        fs::create_dir_all(output.join("below")).unwrap();
        fs::write(output.join("below/a"), "12345").unwrap();
        fs::hard_link(output.join("below/a"), output.join("again")).unwrap();
        let ledger = owner.path().join("ledger");
        try_note(&ledger, "key", Duration::from_millis(1500), &output).unwrap();
        let entry: Entry = serde_json::from_slice(&fs::read(ledger.join("key.json")).unwrap()).unwrap();
        assert_eq!((entry.seconds, entry.bytes), (1.5, 5));
        assert!(entry.finished > 1_700_000_000_000, "milliseconds: {}", entry.finished);
        assert_eq!(tree::names(&ledger).unwrap().len(), 1, "nothing unfinished is left");
    }
}
