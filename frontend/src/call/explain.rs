//! `frontend.explain`: what decides whether a vertex runs again, and, against an earlier plan, what a change makes run.
//!
//! Works on [`Document`]s alone, so that a plan of last week is as good as one of now. Says what *may* run: BuildKit
//! goes by contents, so that a dependent does not run when what it sees comes out the same.

mod cause;
mod command;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Answer,
    plan::{Document, Package, Source, Vertex},
};
pub use cause::Cause;

/// What changed between two plans, and what that makes run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Each cause with the vertices that it changes itself and those that depend on them, as indices into the new
    /// document's vertices.
    pub groups: BTreeMap<Cause, Affected>,
    /// Packages of the earlier plan that are no more, unless another version took their place: `name version`.
    pub removed: BTreeSet<String>,
    /// Settings that differ: name, before, now. What they do shows in the causes.
    pub settings: Vec<(&'static str, String, String)>,
    /// Members whose own files could not be compared, since a plan does not have their digests.
    pub not_compared: BTreeSet<String>,
}

/// The vertices that a cause makes run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// Those whose own key it changes.
    pub own: BTreeSet<usize>,
    /// Those that see one of these, directly or not.
    pub dependents: BTreeSet<usize>,
}

impl Changes {
    /// Compares `now` with an earlier plan.
    pub fn between(before: &Document, now: &Document) -> Changes {
        let mut groups: BTreeMap<Cause, Affected> = BTreeMap::new();
        for (index, causes) in cause::of_vertices(before, now).into_iter().enumerate() {
            for cause in causes {
                groups.entry(cause).or_default().own.insert(index);
            }
        }
        let users = users(now);
        for affected in groups.values_mut() {
            affected.dependents = dependents(&affected.own, &users);
        }
        let replaced: BTreeSet<(&str, &str)> = groups.keys().filter_map(Cause::replaced).collect();
        let is_removed = |package: &&Package| {
            !now.packages
                .values()
                .any(|other| (&other.name, &other.version) == (&package.name, &package.version))
                && !replaced.contains(&(package.name.as_str(), package.version.as_str()))
        };
        let removed = before.packages.values().filter(is_removed);
        Changes {
            removed: removed.map(|package| format!("{} {}", package.name, package.version)).collect(),
            settings: settings(before, now),
            not_compared: not_compared(before, now),
            groups,
        }
    }

    /// Every vertex that runs again.
    pub fn run_again(&self) -> BTreeSet<usize> {
        self.groups.values().flat_map(|affected| affected.own.union(&affected.dependents).copied()).collect()
    }

    /// Those that are compiled along, since they are one in the graph with one that runs again. They come out the same, and
    /// nothing that sees them runs for that.
    pub fn along(&self, now: &Document) -> BTreeSet<usize> {
        let again = self.run_again();
        let bundles: BTreeSet<&str> =
            again.iter().filter_map(|index| now.vertices[*index].bundle.as_deref()).collect();
        let is_along = |vertex: &Vertex| vertex.bundle.as_deref().is_some_and(|name| bundles.contains(name));
        let all = now.vertices.iter().enumerate().filter(|(_, vertex)| is_along(vertex));
        all.map(|(index, _)| index).filter(|index| !again.contains(index)).collect()
    }
}

/// The keys of all vertices; with an earlier plan, what changed since and what that makes run.
///
/// JSON: `toolchain`, `toolchainDigest`, `helper` and `vertices` with one key each; with an earlier plan `changes`,
/// which has `vertices` (their number), `runAgain` and `compiledAlong` (ids), `causes` (a [`Cause`] with its `vertices` and `dependents`),
/// `removed`, `settings` and `notCompared`.
pub fn answer(now: &Document, before: Option<&Document>) -> Answer {
    let keys: Vec<Value> = now.vertices.iter().map(|vertex| json!(Key::of(now, vertex))).collect();
    let mut json = json!({
        "toolchain": now.settings.toolchain,
        "toolchainDigest": now.settings.toolchain_digest,
        "helper": now.settings.helper,
        "vertices": keys,
    });
    let text = match before {
        None => text::keys(now),
        Some(before) => {
            let changes = Changes::between(before, now);
            json["changes"] = described(now, &changes);
            text::changes(now, &changes)
        }
    };
    Answer::new(json, text)
}

fn described(now: &Document, changes: &Changes) -> Value {
    let ids = |indices: &BTreeSet<usize>| -> Vec<&str> {
        indices.iter().map(|index| now.vertices[*index].id.as_str()).collect()
    };
    let groups = changes.groups.iter().map(|(cause, affected)| {
        let mut group = json!(cause);
        group["vertices"] = json!(ids(&affected.own));
        group["dependents"] = json!(ids(&affected.dependents));
        group
    });
    let settings =
        changes.settings.iter().map(|(name, from, to)| json!({"name": name, "from": from, "to": to}));
    json!({
        "vertices": now.vertices.len(),
        "runAgain": ids(&changes.run_again()),
        "compiledAlong": ids(&changes.along(now)),
        "causes": groups.collect::<Vec<_>>(),
        "removed": changes.removed,
        "settings": settings.collect::<Vec<_>>(),
        "notCompared": changes.not_compared,
    })
}

/// What a vertex's key holds, besides the toolchain and the helper, which all have in common.
#[derive(Debug, Serialize)]
struct Key<'a> {
    id: &'a str,
    name: &'a str,
    source: &'a Source,
    features: BTreeSet<String>,
    /// Names of the variables.
    environment: BTreeSet<&'a str>,
    /// Digest of the command lines and all else that the helper is told.
    request: &'a str,
    inputs: &'a [String],
}

impl<'a> Key<'a> {
    fn of(document: &'a Document, vertex: &'a Vertex) -> Key<'a> {
        let of_steps = vertex.steps.iter().flat_map(|step| step.env.keys());
        Key {
            id: &vertex.id,
            name: &vertex.name,
            source: &document.packages[&vertex.package].source,
            features: command::features(vertex),
            environment: vertex.env.keys().chain(of_steps).map(String::as_str).collect(),
            request: &vertex.request,
            inputs: &vertex.inputs,
        }
    }
}

/// For every vertex, those that see its output.
fn users(document: &Document) -> Vec<Vec<usize>> {
    let index: BTreeMap<&str, usize> = index(document);
    let mut users = vec![Vec::new(); document.vertices.len()];
    for (user, vertex) in document.vertices.iter().enumerate() {
        for input in vertex.inputs.iter().filter_map(|input| index.get(input.as_str())) {
            users[*input].push(user);
        }
    }
    users
}

/// Where each vertex stands, by its id.
fn index(document: &Document) -> BTreeMap<&str, usize> {
    document.vertices.iter().enumerate().map(|(index, vertex)| (vertex.id.as_str(), index)).collect()
}

fn dependents(own: &BTreeSet<usize>, users: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<usize> = own.iter().copied().collect();
    while let Some(next) = open.pop() {
        for user in &users[next] {
            if !own.contains(user) && seen.insert(*user) {
                open.push(*user);
            }
        }
    }
    seen
}

fn settings(before: &Document, now: &Document) -> Vec<(&'static str, String, String)> {
    let (a, b) = (&before.settings, &now.settings);
    [
        ("toolchain", &a.toolchain, &b.toolchain),
        ("cargo", &a.cargo, &b.cargo),
        ("host", &a.host, &b.host),
        ("target", &a.target, &b.target),
        ("profile", &a.profile, &b.profile),
    ]
    .into_iter()
    .filter(|(_, a, b)| a != b)
    .map(|(name, a, b)| (name, a.clone(), b.clone()))
    .collect()
}

fn not_compared(before: &Document, now: &Document) -> BTreeSet<String> {
    let has_files = |package: &Package| !matches!(package.source, Source::Member { files: None, .. });
    let both = now.packages.iter().filter_map(|(key, package)| Some((package, before.packages.get(key)?)));
    both.filter(|(a, b)| !(has_files(a) && has_files(b))).map(|(package, _)| package.name.clone()).collect()
}

#[cfg(test)]
mod tests;
