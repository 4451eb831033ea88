//! Recordings for tests, from a few lines that say who compiles what against whom.
//!
//! A line is `PACKAGE UNIT SIDE -> PACKAGE…`. `name` is a member, `name@version` a locked package, `sys=z` a member
//! with `links = "z"`. The units are `lib`, `cdylib`, `ffi` (shared and static), `proc`, `bin` and `run`; `run` stands for the build script's
//! compilation and its run, and gives the package's units on that side their `OUT_DIR`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;
use longshore_helper::recording::{Call, CallKind, Recording};
use serde_json::{Value, json};

use super::{Side, UnitGraph, UnitId, UnitKind};
use crate::paths;

/// The graph that the lines describe.
pub(crate) fn graph(lines: &str) -> UnitGraph {
    let (recording, metadata) = recording(lines);
    UnitGraph::new(&recording, &metadata).unwrap()
}

/// The units that are a package's library.
const LIBRARIES: [&str; 4] = ["lib", "proc", "cdylib", "ffi"];

#[derive(Clone, Copy)]
struct Package<'a> {
    /// As written.
    text: &'a str,
    name: &'a str,
    version: &'a str,
    is_member: bool,
    links: Option<&'a str>,
}

fn package(text: &str) -> Package<'_> {
    let (text, links) = match text.split_once('=') {
        Some((text, links)) => (text, Some(links)),
        None => (text, None),
    };
    let (name, version, is_member) = match text.split_once('@') {
        Some((name, version)) => (name, version, false),
        None => (text, "1.0.0", true),
    };
    Package { text, name, version, is_member, links }
}

impl Package<'_> {
    fn root(&self) -> String {
        if self.is_member {
            format!("{}/{}", paths::WORKSPACE, self.name)
        } else {
            format!("{}/{}-{}", paths::VENDOR, self.name, self.version)
        }
    }

    fn krate(&self) -> String {
        self.name.replace('-', "_")
    }
}

fn directory(side: &str, what: &str) -> String {
    let middle = if side == "target" { "/triple" } else { "" };
    format!("{}{middle}/release/{what}", paths::RECORDING_TARGET)
}

fn extra(package: &Package<'_>, side: &str) -> String {
    let origin = if package.is_member { "m" } else { "l" };
    format!("-{side}{origin}{}", package.version.replace('.', ""))
}

/// What cargo would have recorded, and its metadata.
pub(crate) fn recording(lines: &str) -> (Recording, Metadata) {
    let lines: Vec<Vec<&str>> = lines
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|words: &Vec<_>| !words.is_empty())
        .collect();
    let runs: BTreeSet<(&str, &str)> = lines
        .iter()
        .filter(|words| words[1] == "run")
        .map(|words| (package(words[0]).text, words[2]))
        .collect();
    let units: BTreeMap<&str, &str> = lines
        .iter()
        .filter(|words| LIBRARIES.contains(&words[1]))
        .map(|words| (package(words[0]).text, words[1]))
        .collect();

    let mut calls = BTreeSet::new();
    let mut packages: BTreeMap<&str, Value> = BTreeMap::new();
    for words in &lines {
        let [text, unit, side, ..] = words[..] else { panic!("a line has three words: {words:?}") };
        let own = package(text);
        let externs = words.iter().skip(4).map(|dep| {
            let dep = package(dep);
            let unit = units.get(dep.text).unwrap_or_else(|| panic!("nothing compiles `{}`", dep.text));
            let (side, extension) = if *unit == "proc" { ("host", "so") } else { (side, "rlib") };
            format!(
                "{}={}/lib{}{}.{extension}",
                dep.krate(),
                directory(side, "deps"),
                dep.krate(),
                extra(&dep, side)
            )
        });
        let out_dir = directory(side, &format!("build/{}{}/out", own.name, extra(&own, side)));
        let mut env = BTreeMap::from([("CARGO_MANIFEST_DIR".to_owned(), own.root())]);
        if runs.contains(&(own.text, side)) {
            env.insert("OUT_DIR".to_owned(), out_dir);
        }
        if unit == "run" {
            let scripts = directory("host", &format!("build/{}{}", own.name, extra(&own, "host")));
            let compile =
                ["--crate-name", "build_script_build", "--crate-type", "bin", "--out-dir", &scripts];
            let own_env = BTreeMap::from([("CARGO_MANIFEST_DIR".to_owned(), own.root())]);
            calls.insert(call(CallKind::Rustc, "", compile.map(str::to_owned).to_vec(), own_env));
            calls.insert(call(
                CallKind::BuildScript,
                &format!("{scripts}/build-script-build"),
                Vec::new(),
                env,
            ));
        } else {
            let types: &[&str] = match unit {
                "proc" => &["proc-macro"],
                "cdylib" => &["cdylib", "rlib"],
                "ffi" => &["staticlib", "cdylib"],
                other => &[other],
            };
            let mut args = vec!["--crate-name".to_owned(), own.krate()];
            args.extend(types.iter().flat_map(|kind| ["--crate-type".to_owned(), (*kind).to_owned()]));
            args.extend(["--out-dir".to_owned(), directory(side, "deps")]);
            args.extend(["-C".to_owned(), format!("extra-filename={}", extra(&own, side))]);
            if side == "target" {
                args.extend(["--target".to_owned(), "triple".to_owned()]);
            }
            args.extend(externs.flat_map(|path| ["--extern".to_owned(), path]));
            if unit == "bin" {
                env.insert("CARGO_BIN_NAME".to_owned(), own.name.to_owned());
            }
            calls.insert(call(CallKind::Rustc, "", args, env));
        }
        let entry = packages.entry(own.text).or_insert_with(|| described(&own));
        if own.links.is_some() {
            entry["links"] = own.links.into();
        }
        if let Some(kind) = LIBRARIES.contains(&unit).then_some(unit) {
            let kind = if kind == "proc" { "proc-macro" } else { kind };
            entry["targets"] = json!([{
                "name": own.krate(), "kind": [kind], "crate_types": [kind], "src_path": format!("{}/src/lib.rs", own.root()),
            }]);
        }
    }
    let packages: Vec<Value> = packages.into_values().collect();
    let metadata = json!({
        "packages": packages, "workspace_members": [], "workspace_root": paths::WORKSPACE,
        "target_directory": paths::RECORDING_TARGET, "version": 1, "resolve": null,
    });
    let recording = Recording {
        rustc: "rustc 1.95.0".to_owned(),
        cargo: "cargo 1.95.0".to_owned(),
        host: "triple".to_owned(),
        sizes: BTreeMap::new(),
        calls: calls.into_iter().collect(),
    };
    (recording, serde_json::from_value(metadata).unwrap())
}

fn described(package: &Package<'_>) -> Value {
    json!({
        "name": package.name, "version": package.version, "id": package.root(), "targets": [], "features": {},
        "manifest_path": format!("{}/Cargo.toml", package.root()), "dependencies": [], "edition": "2024",
    })
}

fn call(kind: CallKind, exe: &str, args: Vec<String>, env: BTreeMap<String, String>) -> Call {
    Call { kind, exe: exe.to_owned(), args, cwd: paths::WORKSPACE.to_owned(), env }
}

/// `app bin target`: how a unit is written in the lines, so that tests can compare.
pub(crate) fn shown(graph: &UnitGraph, id: UnitId) -> String {
    let unit = graph.unit(id);
    let package = graph.package(unit.package);
    let kind = match &unit.kind {
        UnitKind::BuildScript => "script",
        UnitKind::RunBuildScript => "run",
        UnitKind::ProcMacro => "proc",
        UnitKind::Lib { cdylib: true } => "cdylib",
        UnitKind::Lib { cdylib: false } => "lib",
        UnitKind::Bin(_) => "bin",
        UnitKind::Example(_) => "example",
    };
    let side = match unit.side {
        Side::Host => "host",
        Side::Target => "target",
    };
    format!("{} {kind} {side}", package.key.trim_end_matches("-1.0.0"))
}

/// The unit of that description.
pub(crate) fn find(graph: &UnitGraph, description: &str) -> UnitId {
    let mut found = graph.iter().map(|(id, _)| id).filter(|id| shown(graph, *id) == description);
    found.next().unwrap_or_else(|| panic!("there is no unit `{description}`"))
}
