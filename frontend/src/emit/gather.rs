//! Texts of many files in one: a vertex that reads what would be a request to BuildKit for each file.

use buildkit_llb::{Annotate, Bind, Copy, Files, State};
use camino::Utf8Path;
use longshore_helper::gather::GatherRequest;

use super::{Prefix, Workshop};

/// Where the vertex has the files.
const SOURCES: &str = "/longshore/sources";
const OUTPUT: &str = "/longshore/gathered";

/// The files of a directory that are gathered: paths relative to the root of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory<'a> {
    /// It.
    pub path: &'a Utf8Path,
    /// Files in it.
    pub files: Vec<&'a Utf8Path>,
}

/// A vertex whose output has the texts of those files that have one of `words` ([`longshore_helper::gather`]). It runs again
/// when one of them changes, and never because of another.
pub fn gather(workshop: &Workshop, context: &State, directories: &[Directory<'_>], words: &[&str]) -> State {
    let files: Vec<&Utf8Path> = directories.iter().flat_map(|directory| &directory.files).copied().collect();
    let request = GatherRequest {
        root: SOURCES.to_owned(),
        files: files.iter().map(ToString::to_string).collect(),
        words: words.iter().map(ToString::to_string).collect(),
        output: OUTPUT.to_owned(),
    };
    let request = serde_json::to_string(&request).expect("strings can be written as JSON");
    let copies = directories.iter().map(|Directory { path, files }| {
        let at = format!("/{path}");
        let own = files.iter().map(|file| file.strip_prefix(path).unwrap_or(file).as_str());
        Copy::new(context, at.as_str(), at.as_str()).contents().parents().include(own)
    });
    let sources = copies
        .fold(Files::on(&State::SCRATCH), Files::add)
        .labeled("sources")
        .named(format!("[plan] collect {} sources", files.len()))
        .export_cache(false)
        .state();
    workshop
        .helper("gather", &request)
        .mount(SOURCES, Bind::new(&sources))
        .output(OUTPUT, &State::SCRATCH)
        .labeled("gathered")
        .named(format!("{} read {} sources", Prefix::default().of("plan"), files.len()))
        .run()
}
