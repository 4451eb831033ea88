//! The plan: which vertices the build has, what each runs, and which outputs of others it sees.
//!
//! Pure and total: a [`UnitGraph`] in, a [`Plan`] out. It knows paths inside vertices and the helper's [`Spec`], and
//! nothing of LLB. Every vertex is the same whatever target is asked for, so that all targets share it; a target
//! only selects.
//!
//! One vertex per locked package and side. A member has one for its library (with its build script), and one for
//! each of its binaries, so that editing a binary does not compile the library. In the graph, several vertices of small
//! packages are one ([`bundle`]); everything but `emit` deals with them one by one.

pub mod bundle;
pub mod priority;
mod rewrite;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use longshore_helper::spec::{BuildScript, Heavy, Member, Rustc, Spec, Step, TargetKind};

use crate::{
    paths, triple,
    units::{
        Origin, PackageIx, Side, UnitGraph, UnitId, UnitKind,
        args::{self, RustcArgs},
        reach::Reach,
    },
};
use bundle::Bundling;
use rewrite::Rewriter;

/// Index of a [`Vertex`] in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VertexId(pub u32);

/// What a vertex compiles of its package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The library or procedural macro, with the build script before it. For a locked package: everything.
    Library,
    /// One binary of a member.
    Bin(String),
    /// One example of a member.
    Example(String),
}

impl Part {
    /// The program that it is, if it is one.
    pub fn program(&self) -> Option<&str> {
        match self {
            Part::Library => None,
            Part::Bin(name) | Part::Example(name) => Some(name),
        }
    }
}

/// One vertex: some units of one package, for one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vertex {
    /// Its package.
    pub package: PackageIx,
    /// For which machine.
    pub side: Side,
    /// What of the package.
    pub part: Part,
    /// What the helper does there.
    pub spec: Spec,
    /// Vertices whose output is mounted, in the order of the plan.
    pub inputs: Vec<VertexId>,
    /// The directory that holds its output and those of the vertices that it is one with in the graph.
    pub bundle: Option<String>,
}

impl Vertex {
    /// Its output directory, in its own vertex and in all that use it.
    pub fn output(&self) -> &str {
        &self.spec.output
    }

    /// What people call it, besides its package: ` (bin "server")`, ` (host)`, or nothing.
    pub fn detail(&self) -> String {
        match (&self.part, self.side) {
            (Part::Bin(name), _) => format!(" (bin \"{name}\")"),
            (Part::Example(name), _) => format!(" (example \"{name}\")"),
            (Part::Library, Side::Host) => " (host)".to_owned(),
            (Part::Library, Side::Target) => String::new(),
        }
    }

    /// The directory that its vertex of the graph makes: its own, or that of its bundle.
    pub fn shared_output(&self) -> &str {
        self.bundle.as_deref().unwrap_or(&self.spec.output)
    }
}

/// Something of a member's that can be asked for: a program, or a library for other programs to load or link. A library that is
/// both shared and static is two of one name, the shared one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// What `--target` takes: the binary's name, with `PACKAGE:` before it when two packages have one of that name.
    pub name: String,
    /// The same, with its package's before it in any case.
    pub qualified: String,
    /// The name of cargo's target: the binary's own name, `lib` and the library's name.
    pub bin: String,
    /// What it is.
    pub kind: ArtifactKind,
    /// Its package.
    pub package: PackageIx,
    /// The vertex that compiles it.
    pub vertex: VertexId,
    /// The file in that vertex's output.
    pub file: String,
    /// What the file is called where it is used: `server`, `libengine.so`.
    pub installed: String,
    /// cargo makes it when nothing is named.
    pub is_default: bool,
}

/// Kinds of [`Artifact`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArtifactKind {
    /// A binary.
    Program,
    /// A `cdylib` or `staticlib`.
    Library,
}

/// The whole build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Dependencies before dependents.
    pub vertices: Vec<Vertex>,
    /// Sorted by name.
    pub targets: Vec<Artifact>,
}

type Group = (PackageIx, Side, Part);

impl Plan {
    /// Groups the units into vertices and writes down what each one runs.
    pub fn new(graph: &UnitGraph) -> Plan {
        Plan::bundled(graph, &Bundling::default())
    }

    /// The same, with other bundles.
    pub fn bundled(graph: &UnitGraph, bundling: &Bundling) -> Plan {
        let reach = Reach::new(graph);
        let groups = groups(graph, &reach);
        let visible: BTreeMap<&Group, Vec<Group>> =
            groups.iter().map(|(group, units)| (group, visible(graph, &reach, group, units))).collect();
        let order = topological(&visible);
        let bundles = bundle::bundles(graph, &order, &visible, bundling);
        let index: BTreeMap<&Group, VertexId> = order.iter().copied().zip((0..).map(VertexId)).collect();
        let outputs: BTreeMap<&Group, String> =
            order.iter().map(|group| (*group, output_of(graph, group, bundles.get(group)))).collect();
        let rewriter = Rewriter::new(graph, |id| outputs[&group_of(graph, id)].clone());

        let mut vertices = Vec::new();
        for group in order.iter().copied() {
            let mut inputs: Vec<VertexId> = visible[group].iter().map(|group| index[group]).collect();
            inputs.sort();
            let dependencies = visible[group].iter().map(|group| outputs[group].clone()).collect();
            let output = outputs[group].clone();
            let spec = spec(graph, &reach, &rewriter, group, &groups[group], output, dependencies);
            let bundle = bundles.get(group).map(|name| format!("{}/{name}", top(group.1)));
            vertices.push(Vertex {
                package: group.0,
                side: group.1,
                part: group.2.clone(),
                spec,
                inputs,
                bundle,
            });
        }

        let targets = targets(graph, |id| index[&group_of(graph, id)]);
        Plan { vertices, targets }
    }

    /// The vertex at `id`.
    pub fn vertex(&self, id: VertexId) -> &Vertex {
        &self.vertices[id.0 as usize]
    }

    /// Every vertex that `roots` need, they included, dependencies first.
    pub fn closure(&self, roots: impl IntoIterator<Item = VertexId>) -> BTreeSet<VertexId> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<VertexId> = roots.into_iter().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(&self.vertex(next).inputs);
            }
        }
        seen
    }

    /// Who sees a toolkit among `wanted`: packages that want it, those that only build scripts use too, and programs
    /// that are linked with one of them.
    pub fn seeing(
        &self,
        wanted: &BTreeSet<VertexId>,
        wants: impl Fn(PackageIx) -> bool,
    ) -> BTreeSet<VertexId> {
        let wants = |id: &VertexId| wants(self.vertex(*id).package);
        let is_linked = |id: &VertexId| self.vertex(*id).side == Side::Target && wants(id);
        let links = self
            .targets
            .iter()
            .map(|artifact| artifact.vertex)
            .filter(|id| wanted.contains(id) && self.closure([*id]).iter().any(is_linked));
        wanted.iter().copied().filter(wants).chain(links).collect()
    }
}

/// The vertex that a unit belongs to. The compilation of a build script belongs wherever the script runs, so it has
/// no group of its own.
fn group_of(graph: &UnitGraph, id: UnitId) -> Group {
    let unit = graph.unit(id);
    let member = graph.package(unit.package).member_directory().is_some();
    let part = match &unit.kind {
        UnitKind::Bin(name) if member => Part::Bin(name.clone()),
        UnitKind::Example(name) if member => Part::Example(name.clone()),
        _ => Part::Library,
    };
    (unit.package, unit.side, part)
}

/// Units of each vertex, in the order in which they run: compile the build script, run it, then what it prepared.
/// A build script that runs for both sides is compiled in both: cheaper than a container of its own.
fn groups(graph: &UnitGraph, reach: &Reach<'_>) -> BTreeMap<Group, Vec<UnitId>> {
    let mut groups: BTreeMap<Group, Vec<UnitId>> = BTreeMap::new();
    for (id, unit) in graph.iter() {
        if unit.kind == UnitKind::BuildScript {
            continue;
        }
        let units = groups.entry(group_of(graph, id)).or_default();
        if unit.kind == UnitKind::RunBuildScript {
            units.extend(unit.script);
        }
        units.push(id);
    }
    for units in groups.values_mut() {
        // Within a package a unit may use another (a binary its library): those with fewer edges inside go first.
        let all: BTreeSet<UnitId> = units.iter().copied().collect();
        units.sort_by_key(|id| {
            let unit = graph.unit(*id);
            (unit.kind.clone(), reach.loadable(*id).iter().filter(|dep| all.contains(dep)).count(), *id)
        });
        units.dedup();
    }
    groups
}

/// Groups whose output a vertex must see: what its compilations may load, what its build script is told about
/// (`DEP_*`), and where link directives come from.
fn visible(graph: &UnitGraph, reach: &Reach<'_>, own: &Group, units: &[UnitId]) -> Vec<Group> {
    let mut seen: Vec<UnitId> = Vec::new();
    for id in units {
        let unit = graph.unit(*id);
        seen.extend(reach.loadable(*id));
        seen.extend(unit.script.filter(|run| graph.unit(*run).kind == UnitKind::RunBuildScript));
        seen.extend(reach.linked_scripts(*id));
        seen.extend(reach.links_of(*id).map(|(_, run)| run));
    }
    seen.sort_unstable();
    seen.dedup();
    let mut visible: Vec<Group> = seen.into_iter().map(|id| group_of(graph, id)).collect();
    visible.sort();
    visible.dedup();
    visible.retain(|group| group != own);
    visible
}

/// What is seen before what sees it, and otherwise sorted.
fn topological<'v>(visible: &BTreeMap<&'v Group, Vec<Group>>) -> Vec<&'v Group> {
    fn visit<'v>(
        visible: &BTreeMap<&'v Group, Vec<Group>>,
        group: &Group,
        seen: &mut BTreeSet<&'v Group>,
        order: &mut Vec<&'v Group>,
    ) {
        let (group, below) = visible.get_key_value(group).expect("what is seen is a group");
        if seen.insert(group) {
            below.iter().for_each(|dep| visit(visible, dep, seen, order));
            order.push(group);
        }
    }
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for group in visible.keys() {
        visit(visible, group, &mut seen, &mut order);
    }
    order
}

fn top(side: Side) -> &'static str {
    match side {
        Side::Host => paths::HOST_OUTPUTS,
        Side::Target => paths::TARGET_OUTPUTS,
    }
}

fn output_of(graph: &UnitGraph, group: &Group, bundle: Option<&String>) -> String {
    let top = top(group.1);
    let key = &graph.package(group.0).key;
    match (bundle, &group.2) {
        (Some(bundle), _) => format!("{top}/{bundle}/{key}"),
        (None, Part::Library) => format!("{top}/{key}"),
        (None, Part::Bin(name)) => format!("{top}/{key}.bin.{name}"),
        (None, Part::Example(name)) => format!("{top}/{key}.example.{name}"),
    }
}

fn spec(
    graph: &UnitGraph,
    reach: &Reach<'_>,
    rewriter: &Rewriter,
    own: &Group,
    units: &[UnitId],
    output: String,
    dependencies: Vec<String>,
) -> Spec {
    let package = graph.package(own.0);
    let label = format!("{} {}", package.name, package.version);
    let mut steps: Vec<Step> = Vec::new();
    for id in units {
        let unit = graph.unit(*id);
        let env = rewriter.env(&unit.call.env);
        steps.push(match &unit.kind {
            UnitKind::RunBuildScript => Step::BuildScript(BuildScript {
                name: label.clone(),
                exe: rewriter.executable(*id),
                cwd: unit.call.cwd.clone(),
                out_dir: rewriter.out_dir(*id),
                script: rewriter.script(*id),
                links_of_dependencies: reach
                    .links_of(*id)
                    .map(|(links, run)| (links.to_owned(), rewriter.script(run)))
                    .collect(),
                is_told: reach.is_told(*id),
                double_colon: package.double_colon,
                link_targets: package.link_targets.clone(),
                env,
            }),
            kind => Step::Rustc(Rustc {
                name: format!("{label} ({})", what(kind)),
                args: rewriter.args(&unit.call.args),
                overridden: unit.overridden,
                cwd: unit.call.cwd.clone(),
                target: match kind {
                    UnitKind::BuildScript => TargetKind::BuildScript,
                    UnitKind::ProcMacro => TargetKind::ProcMacro,
                    UnitKind::Lib { cdylib: true } => TargetKind::Cdylib,
                    UnitKind::Bin(name) => TargetKind::Bin(name.clone()),
                    UnitKind::Example(_) => TargetKind::Example,
                    _ => TargetKind::Lib,
                },
                has_lib_beside: package.has_lib,
                script: unit.script.map(|run| rewriter.script(run)),
                dependency_scripts: reach
                    .linked_scripts(*id)
                    .iter()
                    .map(|run| rewriter.script(*run))
                    .collect(),
                env,
            }),
        });
    }
    let env = take_common_env(&mut steps);
    let heavy = steps.iter().any(|step| matches!(step, Step::Rustc(step) if has_lto(&step.args)));
    Spec {
        heavy: heavy.then_some(Heavy::Lto),
        report: None,
        unpack: None,
        ledger: None,
        pass_env: Vec::new(),
        yields: Vec::new(),
        secret_env: Vec::new(),
        files: Vec::new(),
        sysroot: None,
        package: label,
        member: package.member_directory().map(|directory| Member {
            directory: directory.to_string(),
            workspace: paths::WORKSPACE.to_owned(),
        }),
        output,
        cache: package.member_directory().map(|_| paths::MEMBER_CACHE.to_owned()),
        env,
        dependencies,
        steps,
    }
}

/// Whether rustc optimises across crates when it links. Cargo says so to those that link only (`lto_args` in
/// `core/compiler/mod.rs`).
fn has_lto(args: &[String]) -> bool {
    let off = ["off", "no", "n", "false"];
    args::pairs(args).any(|(flag, value)| match value.split_once('=') {
        Some(("lto", kind)) => flag == "-C" && !off.contains(&kind),
        _ => flag == "-C" && value == "lto",
    })
}

fn what(kind: &UnitKind) -> String {
    match kind {
        UnitKind::BuildScript | UnitKind::RunBuildScript => "build script".to_owned(),
        UnitKind::ProcMacro => "proc macro".to_owned(),
        UnitKind::Lib { .. } => "lib".to_owned(),
        UnitKind::Bin(name) => format!("bin \"{name}\""),
        UnitKind::Example(name) => format!("example \"{name}\""),
    }
}

/// Moves what all steps have in common out of them: most of the environment describes the package.
fn take_common_env(steps: &mut [Step]) -> BTreeMap<String, String> {
    let Some((first, rest)) = steps.split_first() else { return BTreeMap::new() };
    let mut common = env_of(first).clone();
    for step in rest {
        common.retain(|name, value| env_of(step).get(name) == Some(value));
    }
    for step in steps {
        let env = match step {
            Step::Rustc(step) => &mut step.env,
            Step::BuildScript(step) => &mut step.env,
        };
        env.retain(|name, _| !common.contains_key(name));
    }
    common
}

fn env_of(step: &Step) -> &BTreeMap<String, String> {
    match step {
        Step::Rustc(step) => &step.env,
        Step::BuildScript(step) => &step.env,
    }
}

fn targets(graph: &UnitGraph, vertex_of: impl Fn(UnitId) -> VertexId) -> Vec<Artifact> {
    let mut targets: Vec<Artifact> = Vec::new();
    for (id, unit) in graph.iter() {
        let package = graph.package(unit.package);
        let (Origin::Member { .. }, Side::Target, Some(args)) =
            (&package.origin, unit.side, RustcArgs::parse(&unit.call.args))
        else {
            continue;
        };
        let stem = format!("{}{}", args.crate_name, args.extra_filename);
        let artifact = |name: &str, kind, file: String, installed: String| Artifact {
            name: name.to_owned(),
            qualified: format!("{}:{name}", package.name),
            bin: name.to_owned(),
            kind,
            package: unit.package,
            vertex: vertex_of(id),
            file,
            installed,
            is_default: package.is_default,
        };
        match &unit.kind {
            UnitKind::Bin(bin) | UnitKind::Example(bin) => {
                let suffix = args.target.map_or("", triple::executable_suffix);
                targets.push(artifact(
                    bin,
                    ArtifactKind::Program,
                    format!("{stem}{suffix}"),
                    format!("{bin}{suffix}"),
                ));
            }
            UnitKind::Lib { .. } => {
                let name = format!("lib{}", args.crate_name);
                for kind in ["cdylib", "staticlib"] {
                    if args.crate_types.contains(&kind) {
                        let file = |name: &str| triple::library(args.target, kind, name);
                        let installed = file(args.crate_name);
                        targets.push(artifact(&name, ArtifactKind::Library, file(&stem), installed));
                    }
                }
            }
            _ => {}
        }
    }
    let all: BTreeSet<(String, PackageIx)> =
        targets.iter().map(|target| (target.bin.clone(), target.package)).collect();
    for target in &mut targets {
        if all.iter().any(|(bin, package)| *bin == target.bin && *package != target.package) {
            target.name.clone_from(&target.qualified);
        }
    }
    targets.sort_by(|a, b| a.name.cmp(&b.name));
    targets
}

#[cfg(test)]
mod tests;
