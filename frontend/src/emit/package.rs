//! The graphs of packages: one exec per vertex of the plan, or for several that share one.

mod vertex;

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{Bind, Span, State};
use camino::Utf8PathBuf;

use self::vertex::Together;
use super::{Prefix, Workshop, crates::Locked, grants::Grants, known_by_origin};
use crate::{
    listing::Listing,
    manifest::SeenManifest,
    plan::{Plan, VertexId, priority::priorities},
    request::NoCache,
    units::{PackageIx, Side, UnitGraph},
};

/// What the vertices take from outside the plan.
#[derive(Debug, Clone)]
pub struct Sources<'a> {
    /// What the lock file pins.
    pub locked: &'a Locked,
    /// The build context.
    pub context: &'a State,
    /// Its names.
    pub listing: &'a Listing,
    /// For each member in use: files and directories outside its own that it sees too.
    pub outside: &'a BTreeMap<PackageIx, BTreeSet<Utf8PathBuf>>,
    /// For each member: a file in its directory that its steps do not see.
    pub hidden: &'a BTreeMap<PackageIx, Utf8PathBuf>,
    /// For each member: manifests that its steps see in another form than they have in the build context.
    pub manifests: &'a BTreeMap<PackageIx, Vec<SeenManifest>>,
    /// For each member: the place in its manifest that asked for it.
    pub spans: &'a BTreeMap<PackageIx, Span>,
    /// Directories of all members, relative to the workspace root.
    pub members: &'a BTreeSet<Utf8PathBuf>,
    /// Before the ids of members' cache mounts.
    pub cache_prefix: &'a CachePrefix,
    /// Before the names of vertices for the image's platform.
    pub prefix: &'a Prefix,
    /// For each member: what its steps see besides its files.
    pub grants: &'a BTreeMap<PackageIx, Grants>,
    /// Variables of cargo's configuration that give way to those that a package is given.
    pub yielding_env: &'a BTreeSet<String>,
    /// What vertices see that compile for an accelerator.
    pub toolkit: Option<&'a Toolkit>,
    /// The standard library of what is compiled for, where it is a device.
    pub sysroot: Option<&'a State>,
    /// Which vertices run though their results are known: `--no-cache`, `--no-cache-filter`.
    pub no_cache: &'a NoCache,
    /// Tells this build from all others.
    pub build: &'a str,
    /// Steps say what they run; the value tells one such build from another.
    pub trace: Option<&'a str>,
}

/// What the id of a member's cache mount begins with: namespace, workspace, triple, profile, toolchain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachePrefix {
    /// For what runs on the build platform: the same whatever platform the image is for, so that images share it.
    pub host: String,
    /// For what runs on the image's platform.
    pub target: String,
}

impl CachePrefix {
    fn of(&self, side: Side) -> &str {
        match side {
            Side::Host => &self.host,
            Side::Target => &self.target,
        }
    }
}

/// The toolkit of an accelerator. Who does not see it has the same key for every accelerator.
#[derive(Debug, Clone, Default)]
pub struct Toolkit {
    /// Its name, and that of the architecture.
    pub name: String,
    /// What the cache mounts of members that see it have after their names: it, and which image it comes from.
    pub cache: String,
    /// Who sees it.
    pub seen_by: BTreeSet<VertexId>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Files.
    pub seen: Vec<Seen>,
}

/// Files that steps see.
#[derive(Debug, Clone)]
pub struct Seen {
    /// A filesystem.
    pub files: State,
    /// What of it; all where there is none.
    pub from: Option<String>,
    /// Where.
    pub to: String,
}

/// What a vertex makes.
#[derive(Debug, Clone)]
pub struct Output {
    /// What its package's dependents and images use.
    pub files: State,
    /// What there is to tell about it, a member's warnings: apart, so that they are part of nobody's key.
    pub report: Option<State>,
    /// What its entry in the ledger is called.
    pub ledger: String,
}

/// The graphs of packages.
#[derive(Debug, Clone, Default)]
pub struct Packages {
    /// What vertices make.
    pub outputs: BTreeMap<VertexId, Output>,
    /// Members' own files.
    pub own: BTreeMap<PackageIx, State>,
}

/// The graph of `wanted`, which must hold the inputs of all it holds, and all of every bundle.
pub fn packages(
    workshop: &Workshop,
    graph: &UnitGraph,
    plan: &Plan,
    wanted: &BTreeSet<VertexId>,
    sources: &Sources<'_>,
) -> Packages {
    let mut made = Packages::default();
    let priorities = priorities(graph, plan);
    for ids in plan.together(wanted) {
        let priority = priorities[plan.vertex(ids[0]).shared_output()];
        let together = Together { graph, plan, ids: &ids, priority };
        let outputs = together.vertex(workshop, sources, &mut made);
        made.outputs.extend(ids.into_iter().zip(outputs));
    }
    made
}

impl Toolkit {
    /// What is seen of it, and where.
    pub fn mounts(&self) -> impl Iterator<Item = (&str, Bind)> {
        self.seen.iter().map(|seen| {
            let bind = known_by_origin(&seen.files);
            (seen.to.as_str(), seen.from.iter().fold(bind, |bind, from| bind.subpath(from)))
        })
    }
}

/// What the user reads: `[crate] serde 1.0.228`, `[crate] serde 1.0.228 (host)`, `[member] server 0.1.0 (bin "server")`.
pub fn name(graph: &UnitGraph, plan: &Plan, id: VertexId, prefix: &Prefix) -> String {
    let vertex = plan.vertex(id);
    let package = graph.package(vertex.package);
    let kind = if package.member_directory().is_some() { "member" } else { "crate" };
    let prefix = match vertex.side {
        // The same whatever the image's platform.
        Side::Host => Prefix::default().of(kind),
        Side::Target => prefix.of(kind),
    };
    format!("{prefix} {} {}{}", package.name, package.version, vertex.detail())
}

/// The id of a member's cache mount; `None` for other vertices.
pub fn cache_id(
    graph: &UnitGraph,
    plan: &Plan,
    id: VertexId,
    prefix: &CachePrefix,
    toolkit: Option<&Toolkit>,
) -> Option<String> {
    let vertex = plan.vertex(id);
    let package = graph.package(vertex.package);
    let prefix = prefix.of(vertex.side);
    // Objects for one architecture must not be taken for another's.
    let toolkit = toolkit.map(|toolkit| format!("/{}", toolkit.cache)).unwrap_or_default();
    package.member_directory().map(|_| format!("{prefix}/{}{toolkit}", cache_name(&package.key, vertex.side)))
}

fn cache_name(key: &str, side: Side) -> String {
    match side {
        Side::Host => format!("{key}/host"),
        Side::Target => format!("{key}/target"),
    }
}
