//! Keys and changes as a person reads them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Affected, Cause, Changes, Key};
use crate::call::{
    count,
    plan::{Document, Source},
};

/// How many names a line lists before it counts the rest.
const NAMES_MAX: usize = 12;

/// What each vertex's key holds.
pub(super) fn keys(document: &Document) -> String {
    let settings = &document.settings;
    let mut text = format!(
        "{}. Each runs again when something changes that is listed for it.\n\nall of them\n",
        count(document.vertices.len(), "vertex", "vertices")
    );
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "    toolchain    {} ({})", settings.toolchain, short(&settings.toolchain_digest));
    if let Some(helper) = &settings.helper {
        let _ = writeln!(text, "    helper       {}", short(helper));
    }
    for vertex in &document.vertices {
        let key = Key::of(document, vertex);
        let _ = writeln!(text, "\n{}", key.name);
        let _ = writeln!(text, "    source       {}", source(key.source));
        if !key.features.is_empty() {
            let _ = writeln!(text, "    features     {}", join(&key.features));
        }
        let steps = count(vertex.steps.len(), "command", "commands");
        let variables = count(key.environment.len(), "variable", "variables");
        let _ = writeln!(text, "    runs         {steps} with {variables} ({})", short(key.request));
        if !key.inputs.is_empty() {
            let name = |id: &String| document.vertices.iter().find(|vertex| &vertex.id == id);
            let names = key.inputs.iter().filter_map(name).map(|vertex| vertex.name.clone()).collect();
            let _ = writeln!(text, "    sees         {}", list(&names));
        }
    }
    text
}

fn source(source: &Source) -> String {
    match source {
        Source::Locked { checksum } => format!("Cargo.lock, checksum {}", short(checksum)),
        Source::Git { url, commit } => format!("Cargo.lock, {url} at {}", short(commit)),
        Source::Member { directory, outside, files } => {
            let directory = if directory.is_empty() { "the workspace's root" } else { directory };
            let files = files.as_ref().map(|files| format!(" ({})", count(files.len(), "file", "files")));
            let outside = outside.iter().map(|path| format!(", {path}"));
            format!("{directory}{}{}", files.unwrap_or_default(), outside.collect::<String>())
        }
    }
}

/// What changed, and what that makes run.
pub(super) fn changes(now: &Document, changes: &Changes) -> String {
    let all = now.vertices.len();
    let limits = if changes.not_compared.is_empty() { "" } else { ", edits of sources aside" };
    let mut text = match changes.run_again().len() {
        0 if !limits.is_empty() => {
            format!("none of {} runs again{limits}\n", count(all, "vertex", "vertices"))
        }
        0 => format!("none of {} runs again\n", count(all, "vertex", "vertices")),
        1 => format!("1 of {} runs again\n", count(all, "vertex", "vertices")),
        many => format!("{many} of {} run again\n", count(all, "vertex", "vertices")),
    };
    if !changes.settings.is_empty() {
        text.push('\n');
    }
    for (name, from, to) in &changes.settings {
        let _ = writeln!(text, "{name}: {from} -> {to}");
    }
    for (cause, affected) in &changes.groups {
        let _ = writeln!(text, "\n{}", headline(cause));
        text += &vertices(now, affected);
    }
    let along = changes.along(now);
    if !along.is_empty() {
        let names = along.iter().map(|index| now.vertices[*index].name.clone()).collect();
        let _ = writeln!(text, "\ncompiled along, in the same steps: {}", list(&names));
    }
    if !changes.removed.is_empty() {
        let _ = writeln!(text, "\nno longer there: {}", list(&changes.removed));
    }
    if !changes.not_compared.is_empty() {
        let _ = writeln!(
            text,
            "\nfiles not compared, since a plan has no digests of them: {}",
            list(&changes.not_compared)
        );
    }
    text
}

fn vertices(now: &Document, affected: &Affected) -> String {
    let names = |indices: &BTreeSet<usize>| -> BTreeSet<String> {
        indices.iter().map(|index| now.vertices[*index].name.clone()).collect()
    };
    if affected.own.len() == now.vertices.len() {
        return "    all vertices\n".to_owned();
    }
    let mut text = format!("    {}\n", list(&names(&affected.own)));
    if !affected.dependents.is_empty() {
        let number = count(affected.dependents.len(), "dependent", "dependents");
        let _ = writeln!(text, "    then {number}: {}", list(&names(&affected.dependents)));
    }
    text
}

fn headline(cause: &Cause) -> String {
    match cause {
        Cause::Toolchain { from, to } => format!("the toolchain image: {} -> {}", short(from), short(to)),
        Cause::Helper => "the frontend's helper is another".to_owned(),
        Cause::Version { package, from, to } => format!("{package}: {from} -> {to}"),
        Cause::Added { package } => format!("{package} is new"),
        Cause::NewVertex { vertex } => format!("{vertex} was not built before"),
        Cause::Checksum { package } => format!("{package} comes from elsewhere, or has another checksum"),
        Cause::Files { package, added, removed, changed } => {
            let mut parts = Vec::new();
            for (what, paths) in [("changed", changed), ("new", added), ("gone", removed)] {
                if !paths.is_empty() {
                    parts.push(format!("{what} {}", list(paths)));
                }
            }
            format!("files of {package}: {}", parts.join("; "))
        }
        Cause::Outside { package, added, removed } => {
            format!("files outside {package}: {}", signed(added, removed))
        }
        Cause::Features { package, added, removed } => {
            format!("features of {package}: {}", signed(added, removed))
        }
        Cause::FlagChanged { from, to } => format!("flag `{from}` -> `{to}`"),
        Cause::FlagAdded { flag } => format!("flag `{flag}` added"),
        Cause::FlagGone { flag } => format!("flag `{flag}` gone"),
        Cause::Environment { variable, from, to } => {
            let shown = |value: &Option<String>| match value {
                Some(value) => format!("{value:?}"),
                None => "not set".to_owned(),
            };
            format!("variable {variable}: {} -> {}", shown(from), shown(to))
        }
        Cause::Commands => "the commands, in their order or in what cargo makes its hash of".to_owned(),
    }
}

/// `+new -gone`.
fn signed(added: &BTreeSet<String>, removed: &BTreeSet<String>) -> String {
    let added = added.iter().map(|text| format!("+{text}"));
    let removed = removed.iter().map(|text| format!("-{text}"));
    added.chain(removed).collect::<Vec<_>>().join(" ")
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The names, in order; of many only the first.
fn list(names: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_MAX).map(String::as_str).collect();
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

/// The first twelve digits, which tell two digests apart for the eye.
fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}
