//! Reuses what a member's build script produced, when nothing that it declared as its input has changed.
//!
//! Only contents count, never times. An entry of the cache is found by everything that went into the run: the
//! script's own executable, its environment, the files its member sees (without the crate's own sources), what the
//! scripts of its dependencies told it and produced, and then, per entry, the files and variables that the script itself named in `rerun-if-*`. A script that named none always
//! runs, as does one whose inputs are missing: cargo does the same (the Cargo book, "Change Detection"; `LocalFingerprint` in
//! its `core/compiler/fingerprint/mod.rs`), by times where this goes by contents. What is reused is the whole `OUT_DIR`, checked
//! against its digest while it is copied; otherwise the script starts with an empty one, not with its old files. What a
//! script writes elsewhere, beside its sources for one, ends with the vertex: nothing is kept of such a run.
//!
//! The cache mount may be shared by builds that run at the same time and may be emptied at any moment, so entries
//! appear by one rename, are never changed, and every failure to read or to write one only means that the script runs.
//! The image with the C compiler and everything else that a script may find must be part of the mount's identity.

pub(crate) mod contents;
mod digest;
mod incremental;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fs, io, process};

use longshore_helper::HOST_OUTPUTS;
use longshore_helper::spec::{BuildScript, ScriptOutput, Spec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use self::digest::{Digest, Links};
pub(crate) use self::incremental::Incremental;
use crate::environment::Environment;
use crate::tree;

/// Below the member's cache mount, beside what else is kept there.
const DIRECTORY: &str = "build-script";
const ENTRY_FILE: &str = "entry";
const OUT_DIRECTORY: &str = "out";
const UNFINISHED_PREFIX: &str = "unfinished-";

/// Enough for going back and forth between two branches and two sets of features.
const ENTRIES_MAX: usize = 4;

/// Nobody needs longer to store one entry.
const UNFINISHED_AGE_MAX: Duration = Duration::from_secs(60 * 60);

/// The cache, and the part of the key that is known before the script runs.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    key: String,
}

/// What [`ENTRY_FILE`] holds, after a line with its digest.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Of the run: where the entry lies proves nothing.
    key: String,
    /// Digest of the declared inputs, which [`ScriptOutput`] lists.
    inputs: String,
    /// Digest of the copy of `OUT_DIR`.
    out: String,
    output: ScriptOutput,
}

impl Cache {
    /// The cache for this run; `None` if the member has none, or the run cannot be identified.
    pub(crate) fn open(
        spec: &Spec,
        step: &BuildScript,
        links_metadata: &BTreeMap<String, String>,
        links_outputs: &[ScriptOutput],
    ) -> Option<Cache> {
        let directory = Path::new(spec.cache.as_ref()?).join(DIRECTORY);
        let key = key(spec, step, links_metadata, links_outputs).ok()?;
        make_directory(&directory).ok()?;
        Some(Cache { directory, key })
    }

    /// Fills `out_dir`, which is empty, from a valid entry. It is empty again if there is none.
    pub(crate) fn restore(&self, step: &BuildScript, environment: &Environment) -> Option<ScriptOutput> {
        let out_dir = Path::new(&step.out_dir);
        for name in tree::names(&self.directory).ok()? {
            if !name.to_string_lossy().starts_with(&self.key) {
                continue;
            }
            let path = self.directory.join(name);
            match self.restore_entry(&path, step, environment) {
                Ok(Some(output)) => {
                    // The youngest entries stay.
                    let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
                    return Some(output);
                }
                Ok(None) => {}
                Err(_) => {
                    let _ = tree::clear(out_dir);
                    let _ = discard(&path);
                }
            }
        }
        None
    }

    /// `Ok(None)` if the inputs have changed; an error if the entry is damaged.
    fn restore_entry(
        &self,
        path: &Path,
        step: &BuildScript,
        environment: &Environment,
    ) -> io::Result<Option<ScriptOutput>> {
        let entry: Entry = unseal(&fs::read(path.join(ENTRY_FILE))?)?;
        if entry.key != self.key {
            return Err(io::Error::other("the entry is another's"));
        }
        if !inputs(&entry.output, step, environment).is_ok_and(|inputs| inputs == entry.inputs) {
            return Ok(None);
        }
        let out_dir = Path::new(&step.out_dir);
        tree::copy(&path.join(OUT_DIRECTORY), out_dir)?;
        if digest_of_copy(out_dir)? != entry.out {
            return Err(io::Error::other("the stored OUT_DIR is damaged"));
        }
        Ok(Some(entry.output))
    }

    /// Keeps what a run produced.
    pub(crate) fn store(
        &self,
        step: &BuildScript,
        environment: &Environment,
        output: &ScriptOutput,
    ) -> io::Result<()> {
        if output.rerun_if_changed.is_empty() && output.rerun_if_env_changed.is_empty() {
            return Ok(());
        }
        // Inputs that are missing, too many or unreadable: nothing to compare with, so nothing to keep.
        let Ok(inputs) = inputs(output, step, environment) else {
            return Ok(());
        };
        let unfinished = self.directory.join(unfinished());
        let stored = self.store_at(&unfinished, inputs, step, output);
        if stored.is_err() {
            let _ = fs::remove_dir_all(&unfinished);
        }
        stored?;
        self.make_room()
    }

    fn store_at(
        &self,
        unfinished: &Path,
        inputs: String,
        step: &BuildScript,
        output: &ScriptOutput,
    ) -> io::Result<()> {
        let out = unfinished.join(OUT_DIRECTORY);
        tree::copy(Path::new(&step.out_dir), &out)?;
        let name = format!("{}-{inputs}", self.key);
        let (key, out) = (self.key.clone(), digest_of_copy(&out)?);
        let entry = Entry { key, inputs, out, output: output.clone() };
        fs::write(unfinished.join(ENTRY_FILE), seal(&entry)?)?;
        let stored = self.directory.join(name);
        if stored.exists() {
            // Of equal inputs as far as is known: what was made last is what the user last saw, with `--no-cache` for one.
            match discard(&stored) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match fs::rename(unfinished, &stored) {
            // Another build stored the same at the same time.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                ) =>
            {
                fs::remove_dir_all(unfinished)
            }
            other => other,
        }
    }

    fn make_room(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for name in tree::names(&self.directory)? {
            let path = self.directory.join(&name);
            let modified = fs::metadata(&path)?.modified()?;
            if !name.to_string_lossy().starts_with(UNFINISHED_PREFIX) {
                entries.push((modified, path));
            } else if modified.elapsed().is_ok_and(|age| age > UNFINISHED_AGE_MAX) {
                fs::remove_dir_all(path)?;
            }
        }
        entries.sort();
        for (_, path) in entries.iter().rev().skip(ENTRIES_MAX) {
            discard(path)?;
        }
        Ok(())
    }
}

/// A name that nobody else has at the same time: processes of different containers have equal ids.
fn unfinished() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{UNFINISHED_PREFIX}{now:040}-{}", process::id())
}

/// Takes an entry out of the way first, so that nobody finds it half removed.
fn discard(entry: &Path) -> io::Result<()> {
    let aside = entry.with_file_name(unfinished());
    fs::rename(entry, &aside)?;
    match fs::symlink_metadata(&aside)?.is_dir() {
        true => fs::remove_dir_all(aside),
        false => fs::remove_file(aside),
    }
}

/// A directory of the cache mount, also where something else has its name.
fn make_directory(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_dir()) {
        fs::remove_file(path)?;
    }
    fs::create_dir_all(path)
}

/// Digest of what a script can write to besides `OUT_DIR`: the member's files, and the vertex's output. `None` where that
/// is too much to compare.
pub(crate) fn surroundings(spec: &Spec, step: &BuildScript) -> Option<String> {
    let mut digest = Digest::new("surroundings");
    let out_dir = Path::new(&step.out_dir);
    let places = spec.member.iter().map(|member| &member.workspace).chain([&spec.output]);
    for place in places.map(Path::new).filter(|place| place.exists()) {
        digest.add_tree_without(place, &|path| path == out_dir).ok()?;
    }
    Some(digest.to_string())
}

/// A record's text, behind its digest: a file that was cut off must not be taken for a whole one.
fn seal(entry: &impl Serialize) -> io::Result<String> {
    let json = serde_json::to_string(entry)?;
    let mut digest = Digest::new("entry");
    digest.add(json.as_bytes());
    Ok(format!("{digest}\n{json}"))
}

fn unseal<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    let damaged = || io::Error::other("the record is damaged");
    let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
    let (sealed, json) = text.split_once('\n').ok_or_else(damaged)?;
    let mut digest = Digest::new("entry");
    digest.add(json.as_bytes());
    if digest.to_string() != sealed {
        return Err(damaged());
    }
    Ok(serde_json::from_str(json)?)
}

fn digest_of_copy(directory: &Path) -> io::Result<String> {
    let mut digest = Digest::new("out");
    digest.add_tree(directory, Links::Kept)?;
    Ok(digest.to_string())
}

fn key(
    spec: &Spec,
    step: &BuildScript,
    links_metadata: &BTreeMap<String, String>,
    links_outputs: &[ScriptOutput],
) -> io::Result<String> {
    let mut digest = Digest::new("key");
    digest.add_tree(Path::new(&step.exe), Links::Followed)?;
    for value in [&spec.package, &step.cwd, &step.out_dir] {
        digest.add(value.as_bytes());
    }
    digest.add(&[u8::from(step.double_colon)]);
    digest.add(&serde_json::to_vec(&step.link_targets)?);
    // What the vertex was given from outside; of a secret only the digest is kept.
    for name in &spec.pass_env {
        digest.add(name.as_bytes());
        digest.add(env::var_os(name).unwrap_or_default().as_encoded_bytes());
    }
    for path in &spec.files {
        digest.add(path.as_bytes());
        add_if_there(&mut digest, Path::new(path))?;
    }
    for variables in [&spec.env, &step.env, links_metadata] {
        digest.add(&variables.len().to_le_bytes());
        for (name, value) in variables {
            digest.add(name.as_bytes());
            digest.add(value.as_bytes());
        }
    }
    // Scripts read files that they do not declare, and two projects may share a mount: everything the member sees
    // counts, but for the sources of its crate. Those are what people edit, and a script that reads them undeclared
    // is not run again by cargo either.
    if let Some(member) = &spec.member {
        let workspace = Path::new(&member.workspace);
        let sources = workspace.join(&member.directory).join("src");
        digest.add_tree_without(workspace, &|path| {
            path.starts_with(&sources)
                && !path.is_dir()
                && path.extension().is_some_and(|found| found == "rs")
        })?;
    }
    // A dependency's paths are the same from build to build, what lies there is not.
    let named = links_metadata.values().flat_map(|value| paths_in(value));
    let produced = links_outputs.iter().map(|output| output.out_dir.as_str());
    for path in named.chain(produced).map(Path::new).filter(|path| path.is_absolute()) {
        add_if_there(&mut digest, path)?;
    }
    // What the script was made from may read its own files when it runs: those that its packages' scripts made, and sources
    // (see `sources.rs`). Its own bytes do not tell.
    for output in spec.dependencies.iter().map(Path::new).filter(|output| output.starts_with(HOST_OUTPUTS)) {
        for name in tree::names(output).unwrap_or_default() {
            let path = output.join(name);
            if path.is_dir() {
                digest.add(path.as_os_str().as_encoded_bytes());
                digest.add_tree(&path, Links::Kept)?;
            }
        }
    }
    Ok(digest.to_string())
}

/// What may be absolute paths in a value: `/a:/b`, `/a;/b`, `-I/a -L/b`.
fn paths_in(value: &str) -> impl Iterator<Item = &str> {
    value.split([':', ';', ',', '=', ' ', '\n']).filter_map(|part| part.find('/').map(|start| &part[start..]))
}

fn add_if_there(digest: &mut Digest, path: &Path) -> io::Result<()> {
    match path.exists() {
        true => digest.add_tree(path, Links::Followed),
        false => {
            digest.add_absent();
            Ok(())
        }
    }
}

/// Digest of what the script named in `rerun-if-*`. Missing files are an error: cargo runs such a script every time.
fn inputs(output: &ScriptOutput, step: &BuildScript, environment: &Environment) -> io::Result<String> {
    let mut digest = Digest::new("inputs");
    for path in &output.rerun_if_changed {
        digest.add(path.as_bytes());
        digest.add_tree(&Path::new(&step.cwd).join(path), Links::Followed)?;
    }
    for name in &output.rerun_if_env_changed {
        digest.add(name.as_bytes());
        match environment.get(OsStr::new(name)) {
            Some(value) => digest.add(value.as_encoded_bytes()),
            None => digest.add_absent(),
        }
    }
    Ok(digest.to_string())
}

#[cfg(test)]
mod tests;
