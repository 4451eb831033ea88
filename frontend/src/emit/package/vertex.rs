//! A vertex of the graph: for one of the plan's, or for the several of a bundle.

use std::{collections::BTreeSet, net::Ipv4Addr};

use buildkit_llb::{Annotate, Bind, Copy, Digest, Exec, Files as FileOp, Mount, Sharing, State};
use camino::Utf8Path;
use longshore_helper::{
    PRIORITY_HOST, PRIORITY_MAX, archive_of,
    spec::{Bundle, Heavy, Spec, Step, TargetKind},
    trace::TRACE_ENV,
};

use super::{Output, Packages, Sources, Toolkit, cache_id, name};
use crate::{
    emit::{
        Prefix, Workshop,
        crates::Files,
        grants::{Grants, grant},
        known_by_origin, unpacked,
    },
    listing::Kind,
    manifest::SeenManifest,
    outside, paths,
    plan::{Part, Plan, Vertex, VertexId},
    request::NoCache,
    units::{Origin, Package, PackageIx, Side, UnitGraph},
};

/// Vertices of the plan that are one of the graph: those of a bundle, or one.
#[derive(Clone, Copy)]
pub(super) struct Together<'a> {
    pub(super) graph: &'a UnitGraph,
    pub(super) plan: &'a Plan,
    pub(super) ids: &'a [VertexId],
    /// How soon it should run, of all that can.
    pub(super) priority: u32,
}

impl<'a> Together<'a> {
    fn vertices(self) -> impl Iterator<Item = &'a Vertex> {
        self.ids.iter().map(|id| self.plan.vertex(*id))
    }

    /// All are of one side; those of a bundle have neither grants nor a toolkit of their own, and are no member's.
    fn first(self) -> (&'a Vertex, &'a Package) {
        let vertex = self.plan.vertex(self.ids[0]);
        (vertex, self.graph.package(vertex.package))
    }

    /// Adds the vertex; what each of the plan's makes comes back in their order.
    pub(super) fn vertex(
        self,
        workshop: &Workshop,
        sources: &Sources<'_>,
        made: &mut Packages,
    ) -> Vec<Output> {
        let (first, package) = self.first();
        let grants = sources.grants.get(&first.package);
        let toolkit = sources.toolkit.filter(|toolkit| toolkit.seen_by.contains(&self.ids[0]));
        let sysroot = sources.sysroot.filter(|_| first.side == Side::Target);
        let given = Given { grants, yielding_env: sources.yielding_env, toolkit, sysroot };
        let request = self.request(made, given, sources);
        let mut exec =
            workshop.helper("build", &request.json).mount(longshore_helper::SLOTS_DIR, Workshop::slots());
        exec = exec.extra_host(PRIORITY_HOST, Ipv4Addr::from(self.priority.min(PRIORITY_MAX)).into());
        exec = self.sources(exec, sources, made);
        if package.member_directory().is_some() {
            let id = cache_id(self.graph, self.plan, self.ids[0], sources.cache_prefix, toolkit);
            let id = id.expect("it is a member's vertex");
            exec = exec.mount(paths::MEMBER_CACHE, Mount::cache(id, Sharing::Shared));
        } else if let Some(files) = configured_files(self.vertices(), grants, sources) {
            exec = exec.mount(paths::WORKSPACE, Bind::new(&files));
        }
        exec = self.inputs(exec, made);
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
        let anyway = |vertex: &Vertex| {
            runs_anyway(sources.no_cache, &self.graph.package(vertex.package).name, &vertex.part)
        };
        if self.vertices().any(anyway) {
            exec = exec.env(longshore_helper::NO_CACHE_ENV, sources.build);
        }
        if let Some(trace) = sources.trace {
            exec = exec.env(TRACE_ENV, trace);
        }
        let exec = exec.output(first.shared_output(), &State::SCRATCH);
        let (files, report) = if package.member_directory().is_some() {
            let exec = exec.output(paths::REPORT, &State::SCRATCH);
            let (files, report) = self.described(exec, sources).run();
            (files, Some(report))
        } else {
            (self.described(exec, sources).run(), None)
        };
        let output = |ledger| Output { files: files.clone(), report: report.clone(), ledger };
        request.ledgers.into_iter().map(output).collect()
    }

    /// Mounts what is compiled.
    fn sources(self, mut exec: Exec, sources: &Sources<'_>, made: &mut Packages) -> Exec {
        // Where the helper shows sources that others kept (its `sources.rs`), besides where it unpacks.
        let mut scratches: BTreeSet<&Utf8Path> = self.shown_in().collect();
        for vertex in self.vertices() {
            let package = self.graph.package(vertex.package);
            // Build scripts may write beside their sources, as cargo lets them; what they write there ends with the vertex, but
            // for what programs of the package get to see.
            let writable = has_script(vertex) || scratches.contains(Utf8Path::new(paths::WORKSPACE));
            let source = |bind: Bind| if writable { bind.discard() } else { bind };
            exec = match &package.origin {
                Origin::Locked { place } => match &sources.locked.crates[place] {
                    Files::Archive(archive) => {
                        scratches.extend(place.parent());
                        exec.mount(archive_of(place.as_str()), archive.bind())
                    }
                    Files::Directory(state) => exec.mount(place, source(unpacked(state, place))),
                },
                // The whole of it, as cargo has it: what a package names beside itself is there.
                Origin::Git { checkout, repository, .. } => {
                    exec.mount(checkout, source(known_by_origin(&sources.locked.repositories[repository])))
                }
                Origin::Member { directory } => {
                    let own = made
                        .own
                        .entry(vertex.package)
                        .or_insert_with(|| member(directory, &package.name, vertex.package, sources));
                    exec.mount(paths::WORKSPACE, source(Bind::new(own)))
                }
            };
        }
        for directory in scratches.into_iter().filter(|directory| *directory != paths::WORKSPACE) {
            exec = exec.mount(directory, Mount::discard(&State::SCRATCH));
        }
        exec
    }

    /// Directories that must be writable for what packages below may have kept.
    fn shown_in(self) -> impl Iterator<Item = &'a Utf8Path> {
        let below = self.vertices().flat_map(|vertex| &vertex.inputs).map(|id| self.plan.vertex(*id));
        let may_keep = |vertex: &&Vertex| vertex.side == Side::Host || has_script(vertex);
        below.filter(may_keep).flat_map(|vertex| match &self.graph.package(vertex.package).origin {
            Origin::Locked { place } => place.parent(),
            Origin::Git { .. } => Some(Utf8Path::new(paths::GIT_CHECKOUTS)),
            Origin::Member { .. } => Some(Utf8Path::new(paths::WORKSPACE)),
        })
    }

    /// Mounts the outputs of what lies below.
    fn inputs(self, mut exec: Exec, made: &Packages) -> Exec {
        let inputs: BTreeSet<VertexId> = self.vertices().flat_map(|vertex| &vertex.inputs).copied().collect();
        for input in inputs.iter().filter(|input| !self.ids.contains(input)) {
            let below = self.plan.vertex(*input);
            let files = &made.outputs[input].files;
            let bind = match (&below.bundle, &self.graph.package(below.package).origin) {
                // Compiled anew with others of its bundle, it comes out the same.
                (Some(bundle), _) => Bind::new(files).subpath(&below.output()[bundle.len()..]),
                // A member may be edited in its tests only.
                (None, Origin::Member { .. }) => Bind::new(files),
                // What is locked is compiled anew only when it is another version or is compiled otherwise, and then comes
                // out different.
                (None, Origin::Locked { .. } | Origin::Git { .. }) => known_by_origin(files),
            };
            exec = exec.mount(below.output(), bind);
        }
        exec
    }

    fn request(self, made: &Packages, given: Given<'_>, sources: &Sources<'_>) -> Request {
        let mut ledgers = Vec::new();
        let mut packages = Vec::new();
        for (id, vertex) in self.ids.iter().zip(self.vertices()) {
            let mut spec = given.spec(vertex);
            if let Origin::Locked { place } = &self.graph.package(vertex.package).origin
                && let Files::Archive(_) = &sources.locked.crates[place]
            {
                spec.unpack = Some(place.to_string());
            }
            let below = vertex.inputs.iter().map(|input| match made.outputs.get(input) {
                Some(output) => output.ledger.as_str(),
                // In the same bundle, and before it.
                None => {
                    let at = self.ids.iter().position(|id| id == input).expect("inputs come first");
                    ledgers.get(at).map_or("", String::as_str)
                }
            });
            let ledger = ledger(&spec, below, given.toolkit, sources.cache_prefix.of(vertex.side));
            debug_assert!(!made.outputs.contains_key(id), "a vertex is made once");
            spec.ledger = Some(ledger.clone());
            ledgers.push(ledger);
            packages.push(spec);
        }
        let bundle = Bundle { output: self.first().0.shared_output().to_owned(), packages };
        let json = serde_json::to_string(&bundle).expect("a spec can be written as JSON");
        Request { json, ledgers }
    }

    fn described<Out>(self, exec: Exec<Out>, sources: &Sources<'_>) -> Exec<Out> {
        let (first, _) = self.first();
        let exec = exec
            .labeled(format!("build:{}", first.shared_output().trim_start_matches('/')))
            .named(self.name(sources.prefix));
        match sources.spans.get(&first.package) {
            Some(span) => exec.at(span),
            None => exec,
        }
    }

    fn name(self, prefix: &Prefix) -> String {
        let (first, _) = self.first();
        if first.bundle.is_none() {
            return name(self.graph, self.plan, self.ids[0], prefix);
        }
        let packages: Vec<String> = self
            .vertices()
            .map(|vertex| {
                let package = self.graph.package(vertex.package);
                format!("{} {}", package.name, package.version)
            })
            .collect();
        let (prefix, side) = match first.side {
            Side::Host => (Prefix::default(), " (host)"),
            Side::Target => (prefix.clone(), ""),
        };
        format!("{} {}{side}", prefix.of("crate"), packages.join(", "))
    }
}

/// What a vertex sees besides its package and those below.
#[derive(Clone, Copy)]
struct Given<'a> {
    grants: Option<&'a Grants>,
    yielding_env: &'a BTreeSet<String>,
    toolkit: Option<&'a Toolkit>,
    sysroot: Option<&'a State>,
}

/// What the helper is asked to do in a vertex, and the names of the entries that it writes into the ledger.
struct Request {
    json: String,
    ledgers: Vec<String>,
}

impl Given<'_> {
    /// What is asked for a vertex of the plan.
    fn spec(self, vertex: &Vertex) -> Spec {
        let Given { grants, yielding_env, toolkit, sysroot } = self;
        let mut spec = vertex.spec.clone();
        spec.report = spec.member.as_ref().map(|_| paths::REPORT.to_owned());
        spec.pass_env = grants.into_iter().flat_map(Grants::variables).map(str::to_owned).collect();
        spec.pass_env.extend(toolkit.into_iter().flat_map(|toolkit| toolkit.env.keys().cloned()));
        spec.yields = spec.pass_env.iter().filter(|name| yielding_env.contains(*name)).cloned().collect();
        spec.secret_env = grants.into_iter().flat_map(Grants::secret_variables).map(str::to_owned).collect();
        spec.files = grants
            .into_iter()
            .flat_map(|grants| &grants.device_files)
            .map(|file| file.path.clone())
            .collect();
        if spec.cache.is_some() {
            // BuildKit's keys have no secrets in them; what a build script made of one is not given to who has another.
            spec.files.extend(grants.into_iter().flat_map(Grants::secret_files).map(str::to_owned));
        }
        spec.sysroot = sysroot.map(|_| paths::SYSROOT.to_owned());
        if toolkit.is_some() && has_script(vertex) {
            spec.heavy = Some(Heavy::Toolkit);
        }
        spec
    }
}

/// What a vertex does and what lies below it: the same in every build, whatever its sources contain. The graph's own digests
/// would not do: that of a local source names the session.
fn ledger<'a>(
    spec: &Spec,
    below: impl Iterator<Item = &'a str>,
    toolkit: Option<&Toolkit>,
    workspace: &str,
) -> String {
    let mut known = serde_json::to_string(spec).expect("a spec can be written as JSON");
    known.extend(below);
    if spec.member.is_some() {
        known.push_str(workspace);
    }
    if let Some(toolkit) = toolkit {
        known.push_str(&toolkit.name);
    }
    Digest::of(known.as_bytes()).hex()[..32].to_owned()
}

fn has_script(vertex: &Vertex) -> bool {
    vertex.spec.steps.iter().any(|step| matches!(step, Step::BuildScript(_)))
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

/// `--no-cache-filter` takes names of packages and of programs.
fn runs_anyway(no_cache: &NoCache, package: &str, part: &Part) -> bool {
    no_cache.covers(package) || part.program().is_some_and(|name| no_cache.covers(name))
}

/// Files of the workspace that cargo's configuration has a package of elsewhere use: linkers, and what build scripts are told
/// of. What only passes by in the environment of a compiler is not mounted.
fn configured_files<'a>(
    vertices: impl Iterator<Item = &'a Vertex>,
    grants: Option<&Grants>,
    sources: &Sources<'_>,
) -> Option<State> {
    let mut texts: Vec<&String> = Vec::new();
    for Spec { steps, env, .. } in vertices.map(|vertex| &vertex.spec) {
        for step in steps {
            match step {
                Step::Rustc(step) if step.target != TargetKind::Lib => texts.extend(&step.args),
                Step::Rustc(_) => {}
                Step::BuildScript(step) => texts.extend(outside::configured(&step.env)),
            }
        }
        if steps.iter().any(|step| matches!(step, Step::BuildScript(_))) {
            texts.extend(outside::configured(env));
        }
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
        files = Some(files.unwrap_or_else(|| FileOp::on(&State::SCRATCH)).add(copy));
    }
    Some(
        files?
            .labeled("source:configured")
            .named("[member] what cargo's configuration names")
            .export_cache(false)
            .state(),
    )
}

/// A member's own files, at their places in the workspace: its directory less nested members, cargo's output and what it has no
/// use for, and what it names outside. Nothing else of the context can reach its vertices, so nothing else changes their keys.
fn member(directory: &Utf8Path, name: &str, package: PackageIx, sources: &Sources<'_>) -> State {
    let nested: Vec<String> = sources
        .members
        .iter()
        .filter(|other| {
            *other != directory && (directory.as_str().is_empty() || other.starts_with(directory))
        })
        .chain(sources.hidden.get(&package))
        .map(|other| other.strip_prefix(directory).unwrap_or(other).to_string())
        .chain(["target".to_owned()])
        .collect();
    let at = format!("/{directory}");
    let own = Copy::new(sources.context, at.as_str(), at.as_str()).contents().parents().exclude(nested);
    let own = match sources.listing.kind(directory) {
        Some(Kind::Other) => own.follow_symlinks(),
        _ => own,
    };
    let mut files = FileOp::on(&State::SCRATCH).add(own);
    // In place of what was copied there, with its permissions (BuildKit solver/llbsolver/file/backend.go, `mkfile`).
    for SeenManifest { path, text } in sources.manifests.get(&package).into_iter().flatten() {
        files = files.write(format!("/{path}"), 0o644, text.as_bytes());
    }
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
