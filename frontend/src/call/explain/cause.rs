//! Why a vertex of the new plan has another key than any vertex of the earlier one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{command, index};
use crate::call::plan::{Document, Package, Source, Vertex};

/// What changed. The order is that of the answer: what concerns most comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "cause")]
pub enum Cause {
    /// The toolchain image is another.
    Toolchain {
        /// Its digest before.
        from: String,
        /// Its digest now.
        to: String,
    },
    /// The helper is another.
    Helper,
    /// The package has another version.
    Version {
        /// Its name.
        package: String,
        /// Its version before.
        from: String,
        /// Its version now.
        to: String,
    },
    /// There was no such package.
    Added {
        /// Name and version.
        package: String,
    },
    /// The package was there, but this vertex of it was not: a binary, or the package for the other side.
    NewVertex {
        /// The vertex's name.
        vertex: String,
    },
    /// The same version has another checksum in `Cargo.lock`.
    Checksum {
        /// Name and version.
        package: String,
    },
    /// A member's own files changed.
    Files {
        /// Its name.
        package: String,
        /// New files.
        added: BTreeSet<String>,
        /// Files that are no more.
        removed: BTreeSet<String>,
        /// Files with other contents.
        changed: BTreeSet<String>,
    },
    /// A member sees other files outside its directory.
    Outside {
        /// Its name.
        package: String,
        /// Paths that it did not see.
        added: BTreeSet<String>,
        /// Paths that it no longer sees.
        removed: BTreeSet<String>,
    },
    /// Other features are on.
    Features {
        /// Name and version of the package.
        package: String,
        /// Features that were off.
        added: BTreeSet<String>,
        /// Features that were on.
        removed: BTreeSet<String>,
    },
    /// A flag of rustc has another value. Each flag is a cause of its own, since a profile changes other ones for
    /// each package.
    FlagChanged {
        /// Before, with its name: `-C opt-level=2`.
        from: String,
        /// Now.
        to: String,
    },
    /// A flag of rustc that was not there.
    FlagAdded {
        /// With its value.
        flag: String,
    },
    /// A flag of rustc that is no more.
    FlagGone {
        /// With its value.
        flag: String,
    },
    /// An environment variable is another.
    Environment {
        /// Its name.
        variable: String,
        /// Its value before; `None` when it was not set.
        from: Option<String>,
        /// Its value now; `None` when it is not set.
        to: Option<String>,
    },
    /// The commands differ in another way: their order, a step more or less, what cargo made its hash of.
    Commands,
}

impl Cause {
    /// Name and version of the package that this one took the place of.
    pub(super) fn replaced(&self) -> Option<(&str, &str)> {
        match self {
            Cause::Version { package, from, .. } => Some((package, from)),
            _ => None,
        }
    }
}

/// For every vertex of `now`, why its own key is another; empty when only its inputs may be, or nothing is.
pub(super) fn of_vertices(before: &Document, now: &Document) -> Vec<BTreeSet<Cause>> {
    let known = index(before);
    let positions = index(now);
    let everywhere = everywhere(before, now);
    let mut all: Vec<BTreeSet<Cause>> = Vec::new();
    let mut runs: Vec<bool> = Vec::new();
    for vertex in &now.vertices {
        let mut causes = everywhere.clone();
        let earlier = known.get(vertex.id.as_str()).map(|index| &before.vertices[*index]);
        let sees_another = vertex.inputs.iter().any(|input| runs[positions[input.as_str()]]);
        match earlier {
            None => {
                causes.insert(of_new(before, now, vertex));
            }
            Some(earlier) => {
                causes.extend(of_source(before, now, vertex));
                causes.extend(of_commands(earlier, vertex, now));
                // Cargo's hashes follow from what a unit uses; they are a cause only where nothing else is.
                let is_explained = !causes.is_empty() || sees_another || earlier.inputs != vertex.inputs;
                if earlier.request != vertex.request && !is_explained {
                    causes.insert(Cause::Commands);
                }
            }
        }
        // An input less is a mount less, which no cause of its own shows.
        let lost_input = earlier.is_some_and(|earlier| earlier.inputs != vertex.inputs);
        if lost_input && causes.is_empty() && !sees_another {
            causes.insert(Cause::Commands);
        }
        runs.push(sees_another || !causes.is_empty());
        all.push(causes);
    }
    all
}

fn everywhere(before: &Document, now: &Document) -> BTreeSet<Cause> {
    let mut causes = BTreeSet::new();
    let (from, to) = (&before.settings.toolchain_digest, &now.settings.toolchain_digest);
    if from != to {
        causes.insert(Cause::Toolchain { from: from.clone(), to: to.clone() });
    }
    if let (Some(from), Some(to)) = (&before.settings.helper, &now.settings.helper)
        && from != to
    {
        causes.insert(Cause::Helper);
    }
    causes
}

fn of_new(before: &Document, now: &Document, vertex: &Vertex) -> Cause {
    let package = &now.packages[&vertex.package];
    if before.packages.contains_key(&vertex.package) {
        return Cause::NewVertex { vertex: vertex.name.clone() };
    }
    // The version that is gone took place of: the nearest below in the order of the keys, which is good enough to
    // be read, since a package rarely loses two versions at once.
    let gone = before.packages.iter().filter(|(key, other)| {
        other.name == package.name
            && is_member(other) == is_member(package)
            && !now.packages.contains_key(*key)
    });
    match gone.map(|(_, other)| other).next_back() {
        Some(other) => Cause::Version {
            package: package.name.clone(),
            from: other.version.clone(),
            to: package.version.clone(),
        },
        None => Cause::Added { package: label(package) },
    }
}

fn is_member(package: &Package) -> bool {
    matches!(package.source, Source::Member { .. })
}

fn label(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

fn of_source(before: &Document, now: &Document, vertex: &Vertex) -> Vec<Cause> {
    let package = &now.packages[&vertex.package];
    let Some(earlier) = before.packages.get(&vertex.package) else { return Vec::new() };
    match (&earlier.source, &package.source) {
        (
            Source::Member { outside: from, files: files_from, .. },
            Source::Member { outside: to, files: files_to, .. },
        ) => {
            let mut causes = Vec::new();
            if let (Some(from), Some(to)) = (files_from, files_to) {
                causes.extend(of_files(&package.name, from, to));
            }
            if from != to {
                let paths =
                    |set: BTreeSet<_>| set.into_iter().map(|path: &camino::Utf8PathBuf| path.to_string());
                causes.push(Cause::Outside {
                    package: package.name.clone(),
                    added: paths(to.difference(from).collect()).collect(),
                    removed: paths(from.difference(to).collect()).collect(),
                });
            }
            causes
        }
        (from, to) if from != to => vec![Cause::Checksum { package: label(package) }],
        _ => Vec::new(),
    }
}

fn of_files(package: &str, from: &BTreeMap<String, String>, to: &BTreeMap<String, String>) -> Option<Cause> {
    let only = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
        a.keys().filter(|path| !b.contains_key(*path)).cloned().collect()
    };
    let differs = |(path, digest): &(&String, &String)| from.get(*path).is_some_and(|other| other != *digest);
    let changed = to.iter().filter(differs).map(|(path, _)| path.clone()).collect();
    (from != to).then(|| Cause::Files {
        package: package.to_owned(),
        added: only(to, from),
        removed: only(from, to),
        changed,
    })
}

fn of_commands(earlier: &Vertex, vertex: &Vertex, now: &Document) -> Vec<Cause> {
    if earlier.request == vertex.request {
        return Vec::new();
    }
    let mut causes = Vec::new();
    let (added, removed) = differences(&command::features(earlier), &command::features(vertex));
    if !(added.is_empty() && removed.is_empty()) {
        let package = label(&now.packages[&vertex.package]);
        causes.push(Cause::Features { package, added, removed });
    }
    causes.extend(flags(&command::flags(earlier), &command::flags(vertex)));
    causes.extend(variables(earlier, vertex));
    causes
}

/// Flags that differ, those of one name as one: `-C opt-level=3` was `-C opt-level=2`.
fn flags(from: &BTreeSet<String>, to: &BTreeSet<String>) -> Vec<Cause> {
    let (added, removed) = differences(from, to);
    let name = |flag: &str| flag.split('=').next().unwrap_or_default().to_owned();
    let mut by_name: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for flag in removed {
        by_name.entry(name(&flag)).or_default().0.push(flag);
    }
    for flag in added {
        by_name.entry(name(&flag)).or_default().1.push(flag);
    }
    let mut causes = Vec::new();
    for (from, to) in by_name.into_values() {
        if let ([from], [to]) = (from.as_slice(), to.as_slice()) {
            causes.push(Cause::FlagChanged { from: from.clone(), to: to.clone() });
            continue;
        }
        causes.extend(from.into_iter().map(|flag| Cause::FlagGone { flag }));
        causes.extend(to.into_iter().map(|flag| Cause::FlagAdded { flag }));
    }
    causes
}

/// What only the second has, and what only the first.
fn differences(from: &BTreeSet<String>, to: &BTreeSet<String>) -> (BTreeSet<String>, BTreeSet<String>) {
    (to.difference(from).cloned().collect(), from.difference(to).cloned().collect())
}

fn variables(earlier: &Vertex, vertex: &Vertex) -> Vec<Cause> {
    let (from, to) = (command::environment(earlier), command::environment(vertex));
    // A step more or less is seen in the flags; its variables would only be noise.
    let in_both = |step: &str| [earlier, vertex].iter().all(|it| it.steps.iter().any(|own| own.name == step));
    let keys: BTreeSet<(&str, &str)> = from.keys().chain(to.keys()).copied().collect();
    keys.into_iter()
        .filter(|key| from.get(key) != to.get(key) && in_both(key.0))
        .map(|key| Cause::Environment {
            variable: key.1.to_owned(),
            from: from.get(&key).map(ToString::to_string),
            to: to.get(&key).map(ToString::to_string),
        })
        .collect()
}
