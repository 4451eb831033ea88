//! A directory of testdata as tests see it: what the client would send, and what cargo said about it.
//!
//! Knows files, and nothing of BuildKit.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One project, in memory, so that a test can take a file away or add a line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Project {
    /// What the client has, by path relative to the root.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Symbolic links, and what each says.
    pub(crate) links: BTreeMap<String, String>,
    /// What the recording vertex wrote, by name; empty when nothing was recorded.
    pub(crate) recorded: BTreeMap<String, Vec<u8>>,
    /// The client's options.
    pub(crate) case: Case,
}

/// `case.toml`: what the user passes besides the files. Other tests read the file too, for keys of their own.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Case {
    /// `--target`.
    pub(crate) target: Option<String>,
    /// `--build-arg`.
    #[serde(default)]
    pub(crate) build_args: BTreeMap<String, String>,
}

/// Where the cases are.
pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

impl Project {
    /// The case of that name.
    pub(crate) fn load(name: &str) -> Project {
        let root = testdata().join(name);
        let mut project = Project::default();
        for (path, text) in read_below(&root) {
            // What tests know about the project is not part of it, and git ignores cargo's output.
            if let Some(name) = path.strip_prefix("recorded/") {
                project.recorded.insert(name.to_owned(), text);
            } else if path == "case.toml" {
                let text = String::from_utf8(text).unwrap();
                project.case =
                    toml::from_str(&text).unwrap_or_else(|error| panic!("{name}/case.toml: {error}"));
            } else if !path.starts_with("expect/") && !path.starts_with("target/") && path != ".gitignore" {
                project.files.insert(path, text);
            }
        }
        assert!(!project.files.is_empty(), "testdata/{name} is empty");
        project
    }
}

/// Every file below a directory, by path relative to it.
fn read_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in
            fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}
