//! One exec per vertex of the plan, and one copy per member: the boundary that keeps members apart.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{Annotate, Bind, Copy, Files, Mount, Sharing, Span, State};
use camino::{Utf8Path, Utf8PathBuf};
use longshore_helper::spec::Step;

use super::Workshop;
use crate::{
    listing::{Kind, Listing},
    paths,
    plan::{Part, Plan, VertexId},
    units::{Origin, PackageIx, Side, UnitGraph},
};

/// What the vertices take from outside the plan.
#[derive(Debug, Clone)]
pub struct Sources<'a> {
    /// Locked packages by directory.
    pub crates: &'a BTreeMap<String, State>,
    /// The build context.
    pub context: &'a State,
    /// Its names.
    pub listing: &'a Listing,
    /// For each member in use: files and directories outside its own that it sees too.
    pub outside: &'a BTreeMap<PackageIx, BTreeSet<Utf8PathBuf>>,
    /// For each member: the place in its manifest that asked for it.
    pub spans: &'a BTreeMap<PackageIx, Span>,
    /// Directories of all members, relative to the workspace root.
    pub members: &'a BTreeSet<Utf8PathBuf>,
    /// Before the ids of members' cache mounts: namespace, workspace, target, profile, toolchain.
    pub cache_prefix: &'a str,
}

/// The outputs of `wanted`, which must hold the inputs of all it holds.
pub fn packages(
    workshop: &Workshop,
    graph: &UnitGraph,
    plan: &Plan,
    wanted: &BTreeSet<VertexId>,
    sources: &Sources<'_>,
) -> BTreeMap<VertexId, State> {
    let mut members: BTreeMap<PackageIx, State> = BTreeMap::new();
    let mut outputs: BTreeMap<VertexId, State> = BTreeMap::new();
    // Ids are in order of dependency.
    for id in wanted {
        let vertex = plan.vertex(*id);
        let package = graph.package(vertex.package);
        let request = serde_json::to_string(&vertex.spec).expect("a spec can be written as JSON");
        let mut exec =
            workshop.helper("build", &request).mount(longshore_helper::SLOTS_DIR, Workshop::slots());
        // Build scripts may write beside their sources, as cargo lets them; what they write there ends with the vertex.
        let writable = vertex.spec.steps.iter().any(|step| matches!(step, Step::BuildScript(_)));
        let source = |bind: Bind| if writable { bind.discard() } else { bind };
        exec = match &package.origin {
            Origin::Locked { directory } => exec.mount(
                format!("{}/{directory}", paths::VENDOR),
                source(Bind::new(&sources.crates[directory]).subpath(&format!("/{directory}"))),
            ),
            Origin::Member { directory } => {
                let own = members
                    .entry(vertex.package)
                    .or_insert_with(|| member(directory, &package.name, vertex.package, sources));
                exec.mount(paths::WORKSPACE, source(Bind::new(own))).mount(
                    paths::MEMBER_CACHE,
                    Mount::cache(
                        format!("{}/{}", sources.cache_prefix, cache_name(&package.key, vertex.side)),
                        Sharing::Shared,
                    ),
                )
            }
        };
        for input in &vertex.inputs {
            exec = exec.mount(plan.vertex(*input).output(), &outputs[input]);
        }
        let mut exec = exec
            .output(vertex.output(), &State::SCRATCH)
            .labeled(format!("build:{}", vertex.output().trim_start_matches('/')))
            .named(name(graph, plan, *id));
        if let Some(span) = sources.spans.get(&vertex.package) {
            exec = exec.at(span);
        }
        outputs.insert(*id, exec.run());
    }
    outputs
}

/// What the user reads: `[build] serde 1.0.228`, `[build] serde 1.0.228 (host)`, `[build] server 0.1.0 (bin "server")`.
fn name(graph: &UnitGraph, plan: &Plan, id: VertexId) -> String {
    let vertex = plan.vertex(id);
    let package = graph.package(vertex.package);
    let kind = if package.member_directory().is_some() { "member" } else { "crate" };
    let detail = match (&vertex.part, vertex.side) {
        (Part::Bin(name), _) => format!(" (bin \"{name}\")"),
        (Part::Library, Side::Host) => " (host)".to_owned(),
        (Part::Library, Side::Target) => String::new(),
    };
    format!("[{kind}] {} {}{detail}", package.name, package.version)
}

fn cache_name(key: &str, side: Side) -> String {
    match side {
        Side::Host => format!("{key}/host"),
        Side::Target => format!("{key}/target"),
    }
}

/// A member's own files, at their places in the workspace: its directory less nested members and cargo's output, and
/// what it names outside. Nothing else of the context can reach its vertices, so nothing else changes their keys.
fn member(directory: &Utf8Path, name: &str, package: PackageIx, sources: &Sources<'_>) -> State {
    let nested: Vec<String> = sources
        .members
        .iter()
        .filter(|other| {
            *other != directory && (directory.as_str().is_empty() || other.starts_with(directory))
        })
        .map(|other| other.strip_prefix(directory).unwrap_or(other).to_string())
        .chain(["target".to_owned()])
        .collect();
    let at = format!("/{directory}");
    let mut files = Files::on(&State::SCRATCH)
        .add(Copy::new(sources.context, at.as_str(), at.as_str()).contents().parents().exclude(nested));
    for path in sources.outside.get(&package).into_iter().flatten() {
        let from = format!("/{path}");
        let copy = Copy::new(sources.context, from.as_str(), from.as_str()).parents();
        files = files.add(match sources.listing.kind(path) {
            Some(Kind::Directory) => copy.contents(),
            _ => copy,
        });
    }
    files.labeled(format!("source:{name}")).named(format!("[member] {name}: own files")).state()
}
