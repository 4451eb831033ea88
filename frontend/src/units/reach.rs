//! What units reach through others, found for all of a graph at once: each set is made of those of the units below.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Unit, UnitGraph, UnitId, UnitKind};

/// The sets of every unit.
#[derive(Debug, Clone)]
pub struct Reach<'g> {
    graph: &'g UnitGraph,
    loadable: Vec<Vec<UnitId>>,
    /// For each unit its linkable dependencies below which, or in which, a build script runs; packages in order.
    scripted: Vec<Vec<UnitId>>,
    linked_scripts: Vec<Vec<UnitId>>,
    links: BTreeMap<UnitId, BTreeMap<String, UnitId>>,
    told: BTreeSet<UnitId>,
}

impl<'g> Reach<'g> {
    /// Finds them. Takes a step for each dependency of each unit, and one for each unit of each set.
    pub fn new(graph: &'g UnitGraph) -> Self {
        let count = graph.units.len();
        let mut reach = Self {
            graph,
            loadable: vec![Vec::new(); count],
            scripted: vec![Vec::new(); count],
            linked_scripts: Vec::new(),
            links: BTreeMap::new(),
            told: BTreeSet::new(),
        };
        let mut marks = Marks::new(count);
        for id in dependencies_first(graph) {
            let unit = graph.unit(id);
            reach.loadable[at(id)] = reach.loadable_of(unit, &mut marks);
            reach.scripted[at(id)] = reach.scripted_of(unit);
        }
        reach.linked_scripts = graph.iter().map(|(id, _)| reach.linked_scripts_of(id, &mut marks)).collect();
        for (_, user) in graph.iter() {
            let Some(run) = user.script else { continue };
            let links = user.externs.iter().filter_map(|dep| {
                let dep = graph.unit(*dep);
                let links = graph.package(dep.package).links.as_ref()?;
                // Procedural macros as well (`connect_run_custom_build_deps` in cargo's `core/compiler/unit_dependencies.rs`).
                let can_have = dep.is_linkable() || dep.kind == UnitKind::ProcMacro;
                let is_told = can_have && dep.package != user.package;
                Some((links.clone(), dep.script.filter(|_| is_told)?))
            });
            reach.links.entry(run).or_default().extend(links);
        }
        reach.told = reach.links.values().flat_map(|links| links.values().copied()).collect();
        reach
    }

    /// Everything rustc may open when it compiles `id`, sorted: the crates it names and, through linkable ones, theirs.
    /// A procedural macro is opened but not what it was made from: its own dependencies are linked into it.
    pub fn loadable(&self, id: UnitId) -> &[UnitId] {
        &self.loadable[at(id)]
    }

    /// Runs of build scripts whose link directives reach `id`, without its own: those of its linkable dependencies,
    /// each before those of its own dependencies, packages in order (cargo's `custom_build.rs`, `build_map`).
    pub fn linked_scripts(&self, id: UnitId) -> &[UnitId] {
        &self.linked_scripts[at(id)]
    }

    /// For a build-script run: the runs of *direct* dependencies that have `links`, with the name of each. They are
    /// the ones whose metadata becomes `DEP_<LINKS>_<KEY>`; found through the units that see this run's `OUT_DIR`.
    pub fn links_of(&self, run: UnitId) -> impl Iterator<Item = (&str, UnitId)> {
        self.links.get(&run).into_iter().flatten().map(|(links, run)| (links.as_str(), *run))
    }

    /// Whether the script of another package is told the metadata of this run.
    pub fn is_told(&self, run: UnitId) -> bool {
        self.told.contains(&run)
    }

    fn loadable_of(&self, unit: &Unit, marks: &mut Marks) -> Vec<UnitId> {
        marks.clear();
        let mut found = Vec::new();
        // What a dependency reaches holds all that those in it reach: the largest set first spares most others.
        let mut externs = unit.externs.clone();
        externs.sort_by_key(|dep| Reverse(self.loadable[at(*dep)].len()));
        for dep in externs {
            if marks.set(dep) {
                found.push(dep);
                if self.graph.unit(dep).is_linkable() {
                    found.extend(self.loadable[at(dep)].iter().filter(|below| marks.set(**below)));
                }
            }
        }
        found.sort_unstable();
        found
    }

    fn scripted_of(&self, unit: &Unit) -> Vec<UnitId> {
        let is_scripted = |dep: &UnitId| {
            let unit = self.graph.unit(*dep);
            unit.is_linkable() && (unit.script.is_some() || !self.scripted[at(*dep)].is_empty())
        };
        let mut scripted: Vec<UnitId> = unit.externs.iter().copied().filter(is_scripted).collect();
        scripted.sort_by_key(|dep| self.graph.unit(*dep).package);
        scripted
    }

    fn linked_scripts_of(&self, id: UnitId, marks: &mut Marks) -> Vec<UnitId> {
        marks.clear();
        if let Some(own) = self.graph.unit(id).script {
            marks.set(own);
        }
        let mut found = Vec::new();
        // The first in order is the last put there.
        let mut open: Vec<UnitId> = self.scripted[at(id)].iter().rev().copied().collect();
        while let Some(next) = open.pop() {
            if marks.set(next) {
                found.extend(self.graph.unit(next).script.filter(|run| marks.set(*run)));
                open.extend(self.scripted[at(next)].iter().rev());
            }
        }
        found
    }
}

/// Which units were seen, cleared at no cost.
struct Marks {
    seen: Vec<u32>,
    round: u32,
}

impl Marks {
    fn new(count: usize) -> Self {
        Self { seen: vec![0; count], round: 0 }
    }

    fn clear(&mut self) {
        self.round += 1;
    }

    /// Whether it was not seen before.
    fn set(&mut self, id: UnitId) -> bool {
        std::mem::replace(&mut self.seen[at(id)], self.round) != self.round
    }
}

fn at(id: UnitId) -> usize {
    id.0 as usize
}

/// Every unit after those that its command line names.
fn dependencies_first(graph: &UnitGraph) -> Vec<UnitId> {
    let mut order = Vec::with_capacity(graph.units.len());
    let mut seen = Marks::new(graph.units.len());
    seen.clear();
    for (root, _) in graph.iter() {
        let mut open = vec![(root, 0)];
        if !seen.set(root) {
            continue;
        }
        while let Some((id, next)) = open.pop() {
            match graph.unit(id).externs.get(next) {
                Some(dep) => {
                    open.push((id, next + 1));
                    if seen.set(*dep) {
                        open.push((*dep, 0));
                    }
                }
                None => order.push(id),
            }
        }
    }
    order
}
