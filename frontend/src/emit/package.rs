//! One exec per vertex of the plan, and one copy per member: the boundary that keeps members apart.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{Annotate, Bind, Copy, Digest, Exec, Files, Mount, Sharing, Span, State};
use camino::{Utf8Path, Utf8PathBuf};
use longshore_helper::{
    spec::{Spec, Step, TargetKind},
    trace::TRACE_ENV,
};

use super::{
    Prefix, Workshop,
    crates::Locked,
    grants::{Grants, grant},
    known_by_origin, unpacked,
};
use crate::{
    listing::{Kind, Listing},
    outside, paths,
    plan::{Part, Plan, Vertex, VertexId},
    request::NoCache,
    units::{Origin, PackageIx, Side, UnitGraph},
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

/// The graph of `wanted`, which must hold the inputs of all it holds.
pub fn packages(
    workshop: &Workshop,
    graph: &UnitGraph,
    plan: &Plan,
    wanted: &BTreeSet<VertexId>,
    sources: &Sources<'_>,
) -> Packages {
    let mut members: BTreeMap<PackageIx, State> = BTreeMap::new();
    let mut outputs: BTreeMap<VertexId, Output> = BTreeMap::new();
    // Ids are in order of dependency.
    for id in wanted {
        let vertex = plan.vertex(*id);
        let package = graph.package(vertex.package);
        // Build scripts may write beside their sources, as cargo lets them; what they write there ends with the vertex.
        let writable = vertex.spec.steps.iter().any(|step| matches!(step, Step::BuildScript(_)));
        let source = |bind: Bind| if writable { bind.discard() } else { bind };
        let own = match &package.origin {
            Origin::Locked { place } => &sources.locked.crates[place],
            Origin::Git { repository, .. } => &sources.locked.repositories[repository],
            Origin::Member { directory } => members
                .entry(vertex.package)
                .or_insert_with(|| member(directory, &package.name, vertex.package, sources)),
        };
        let grants = sources.grants.get(&vertex.package);
        let toolkit = sources.toolkit.filter(|toolkit| toolkit.seen_by.contains(id));
        let sysroot = sources.sysroot.filter(|_| vertex.side == Side::Target);
        let given = Given { grants, toolkit, sysroot };
        let request = request(vertex, &outputs, given, sources.cache_prefix.of(vertex.side));
        let mut exec =
            workshop.helper("build", &request.json).mount(longshore_helper::SLOTS_DIR, Workshop::slots());
        exec = match &package.origin {
            Origin::Locked { place } => exec.mount(place, source(unpacked(own, place))),
            // The whole of it, as cargo has it: what a package names beside itself is there.
            Origin::Git { checkout, .. } => exec.mount(checkout, source(known_by_origin(own))),
            Origin::Member { .. } => exec.mount(paths::WORKSPACE, source(Bind::new(own))).mount(
                paths::MEMBER_CACHE,
                Mount::cache(
                    cache_id(graph, plan, *id, sources.cache_prefix, toolkit)
                        .expect("it is a member's vertex"),
                    Sharing::Shared,
                ),
            ),
        };
        if !matches!(package.origin, Origin::Member { .. })
            && let Some(files) = configured_files(&vertex.spec, grants, sources)
        {
            exec = exec.mount(paths::WORKSPACE, Bind::new(&files));
        }
        for input in &vertex.inputs {
            let below = plan.vertex(*input);
            let files = &outputs[input].files;
            exec = exec.mount(
                below.output(),
                // What is locked is compiled anew only when it is another version or is compiled otherwise, and then
                // comes out different. A member may be edited in its tests only.
                match graph.package(below.package).origin {
                    Origin::Locked { .. } | Origin::Git { .. } => known_by_origin(files),
                    Origin::Member { .. } => Bind::new(files),
                },
            );
        }
        if let Some(toolkit) = toolkit {
            exec = show(exec, toolkit);
        }
        // What is one package's own goes before what all see.
        if let Some(grants) = grants {
            exec = grant(exec, grants, workshop);
        }
        if let Some(sysroot) = sysroot {
            exec = exec.mount(paths::SYSROOT, known_by_origin(sysroot));
        }
        if runs_anyway(sources.no_cache, &package.name, &vertex.part) {
            exec = exec.env(longshore_helper::NO_CACHE_ENV, sources.build);
        }
        if let Some(trace) = sources.trace {
            exec = exec.env(TRACE_ENV, trace);
        }
        let exec = exec.output(vertex.output(), &State::SCRATCH);
        let is_member = package.member_directory().is_some();
        let (files, report) = if is_member {
            let (files, report) =
                described(exec.output(paths::REPORT, &State::SCRATCH), graph, plan, *id, sources).run();
            (files, Some(report))
        } else {
            (described(exec, graph, plan, *id, sources).run(), None)
        };
        outputs.insert(*id, Output { files, report, ledger: request.ledger });
    }
    Packages { outputs, own: members }
}

/// Files of the workspace that cargo's configuration has a package of elsewhere use: linkers, and what build scripts are told
/// of. What only passes by in the environment of a compiler is not mounted.
fn configured_files(spec: &Spec, grants: Option<&Grants>, sources: &Sources<'_>) -> Option<State> {
    let runs_script = spec.steps.iter().any(|step| matches!(step, Step::BuildScript(_)));
    let mut texts: Vec<&String> = Vec::new();
    for step in &spec.steps {
        match step {
            Step::Rustc(step) if step.target != TargetKind::Lib => texts.extend(&step.args),
            Step::Rustc(_) => {}
            Step::BuildScript(step) => texts.extend(outside::configured(&step.env)),
        }
    }
    if runs_script {
        texts.extend(outside::configured(&spec.env));
    }
    let mut named = outside::in_workspace(texts.into_iter().map(String::as_str));
    named.extend(grants.into_iter().flat_map(|grants| grants.inputs.clone()));
    let mut files = None;
    for path in named.iter().filter(|path| sources.listing.kind(path).is_some()) {
        let at = format!("/{path}");
        let copy = Copy::new(sources.context, at.as_str(), at.as_str()).parents();
        let copy = match sources.listing.kind(path) {
            Some(Kind::Directory) => copy.contents(),
            _ => copy,
        };
        files = Some(files.unwrap_or_else(|| Files::on(&State::SCRATCH)).add(copy));
    }
    Some(
        files?
            .labeled("source:configured")
            .named("[member] what cargo's configuration names")
            .export_cache(false)
            .state(),
    )
}

/// What a vertex sees besides its package and those below.
#[derive(Clone, Copy)]
struct Given<'a> {
    grants: Option<&'a Grants>,
    toolkit: Option<&'a Toolkit>,
    sysroot: Option<&'a State>,
}

/// What the helper is asked to do in a vertex.
struct Request {
    json: String,
    ledger: String,
}

fn request(
    vertex: &Vertex,
    outputs: &BTreeMap<VertexId, Output>,
    Given { grants, toolkit, sysroot }: Given<'_>,
    workspace: &str,
) -> Request {
    let mut spec = vertex.spec.clone();
    spec.report = spec.member.as_ref().map(|_| paths::REPORT.to_owned());
    spec.pass_env = grants.into_iter().flat_map(Grants::variables).map(str::to_owned).collect();
    spec.pass_env.extend(toolkit.into_iter().flat_map(|toolkit| toolkit.env.keys().cloned()));
    spec.files =
        grants.into_iter().flat_map(|grants| &grants.device_files).map(|file| file.path.clone()).collect();
    spec.sysroot = sysroot.map(|_| paths::SYSROOT.to_owned());
    let json = |spec: &Spec| serde_json::to_string(spec).expect("a spec can be written as JSON");
    // What the vertex does and what lies below it: the same in every build, whatever its sources contain. The graph's own
    // digests would not do: that of a local source names the session.
    let mut known = json(&spec);
    for below in vertex.inputs.iter().map(|input| outputs[input].ledger.as_str()) {
        known.push_str(below);
    }
    if spec.member.is_some() {
        known.push_str(workspace);
    }
    if let Some(toolkit) = toolkit {
        known.push_str(&toolkit.name);
    }
    let ledger = Digest::of(known.as_bytes()).hex()[..32].to_owned();
    spec.ledger = Some(ledger.clone());
    Request { json: json(&spec), ledger }
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

fn show(mut exec: Exec, toolkit: &Toolkit) -> Exec {
    for (name, value) in &toolkit.env {
        exec = exec.env(name, value);
    }
    for (path, files) in toolkit.mounts() {
        exec = exec.mount(path, files);
    }
    exec
}

/// `--no-cache-filter` takes names of packages and of binaries.
fn runs_anyway(no_cache: &NoCache, package: &str, part: &Part) -> bool {
    no_cache.covers(package)
        || match part {
            Part::Bin(name) => no_cache.covers(name),
            Part::Library => false,
        }
}

fn described<Out>(
    exec: Exec<Out>,
    graph: &UnitGraph,
    plan: &Plan,
    id: VertexId,
    sources: &Sources<'_>,
) -> Exec<Out> {
    let vertex = plan.vertex(id);
    let exec = exec.labeled(format!("build:{}", vertex.output().trim_start_matches('/'))).named(name(
        graph,
        plan,
        id,
        sources.prefix,
    ));
    match sources.spans.get(&vertex.package) {
        Some(span) => exec.at(span),
        None => exec,
    }
}

/// What the user reads: `[crate] serde 1.0.228`, `[crate] serde 1.0.228 (host)`, `[member] server 0.1.0 (bin "server")`.
pub fn name(graph: &UnitGraph, plan: &Plan, id: VertexId, prefix: &Prefix) -> String {
    let vertex = plan.vertex(id);
    let package = graph.package(vertex.package);
    let kind = if package.member_directory().is_some() { "member" } else { "crate" };
    let detail = match (&vertex.part, vertex.side) {
        (Part::Bin(name), _) => format!(" (bin \"{name}\")"),
        (Part::Library, Side::Host) => " (host)".to_owned(),
        (Part::Library, Side::Target) => String::new(),
    };
    let prefix = match vertex.side {
        // The same whatever the image's platform.
        Side::Host => Prefix::default().of(kind),
        Side::Target => prefix.of(kind),
    };
    format!("{prefix} {} {}{detail}", package.name, package.version)
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
    let own = Copy::new(sources.context, at.as_str(), at.as_str()).contents().parents().exclude(nested);
    let own = match sources.listing.kind(directory) {
        Some(Kind::Other) => own.follow_symlinks(),
        _ => own,
    };
    let mut files = Files::on(&State::SCRATCH).add(own);
    let granted = sources.grants.get(&package).into_iter().flat_map(|grants| &grants.inputs);
    for path in sources.outside.get(&package).into_iter().flatten().chain(granted) {
        let from = format!("/{path}");
        let copy = Copy::new(sources.context, from.as_str(), from.as_str()).parents();
        files = files.add(match sources.listing.kind(path) {
            Some(Kind::Directory) => copy.contents(),
            _ => copy,
        });
    }
    files
        .labeled(format!("source:{name}"))
        .named(format!("[member] {name}: own files"))
        .export_cache(false)
        .state()
}
