//! Command lines and environments as far as a user decides them: without what follows from other changes.
//!
//! Cargo writes a hash of a unit and of all that it uses into `-C metadata` and into file names, so that every
//! dependent of a changed package has another command line. Those parts are left out here.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::plan::{Step, Vertex};

/// Options of rustc whose value is the next argument, as cargo writes them.
const WITH_VALUE: [&str; 10] = [
    "-C",
    "-L",
    "-Z",
    "-l",
    "--cap-lints",
    "--cfg",
    "--check-cfg",
    "--crate-name",
    "--crate-type",
    "--target",
];

/// The features of the package, as they stand in `--cfg`.
pub(super) fn features(vertex: &Vertex) -> BTreeSet<String> {
    let words = vertex.steps.iter().flat_map(|step| &step.argv);
    words.filter_map(|word| feature(word)).map(str::to_owned).collect()
}

fn feature(word: &str) -> Option<&str> {
    word.strip_prefix("feature=\"")?.strip_suffix('"')
}

/// Each step's flags. Which features are declared (`--check-cfg`) and which are on is told by [`features`].
pub(super) fn flags(vertex: &Vertex) -> BTreeSet<String> {
    vertex.steps.iter().flat_map(flags_of).collect()
}

fn flags_of(step: &Step) -> Vec<String> {
    let mut flags = Vec::new();
    // The program itself is the toolchain's rustc, or a build script whose file name is a hash.
    let mut words = step.argv.iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--out-dir" => {
                words.next();
            }
            "--extern" => {
                let name = words.next().and_then(|value| value.split('=').next());
                flags.extend(name.map(|name| format!("--extern {name}")));
            }
            option if WITH_VALUE.contains(&option) => {
                let value = words.next().map(String::as_str).unwrap_or_default();
                if !is_hash(value) && feature(value).is_none() {
                    flags.push(format!("{option} {value}"));
                }
            }
            _ => flags.push(word.clone()),
        }
    }
    flags
}

fn is_hash(value: &str) -> bool {
    value.starts_with("metadata=") || value.starts_with("extra-filename=")
}

/// Every variable of every step. What follows from the features and from cargo's hashes is left out.
pub(super) fn environment(vertex: &Vertex) -> BTreeMap<(&str, &str), &str> {
    let of_steps = vertex.steps.iter().flat_map(|step| {
        let all = vertex.env.iter().chain(&step.env);
        all.map(|(name, value)| ((step.name.as_str(), name.as_str()), value.as_str()))
    });
    let follows =
        |name: &str| name == "OUT_DIR" || name == "CARGO_CFG_FEATURE" || name.starts_with("CARGO_FEATURE_");
    of_steps.filter(|((_, name), _)| !follows(name)).collect()
}
