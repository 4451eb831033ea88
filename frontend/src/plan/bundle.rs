//! Which packages share a vertex: small ones of registries that wait for the same large ones.
//!
//! A vertex costs a container, a snapshot, a blob of the exported cache and a mount in everything above it: about what
//! rustc takes for a small package. So small packages are compiled several to a vertex, and these are chosen by three rules.
//!
//! - *Nothing waits for what it does not use.* What is large has a vertex of its own. Small packages are together when they
//!   use the same large ones, directly or not; a vertex can start when all of them have ended, and that is when each of its
//!   packages could start at the earliest. It also keeps the graph free of cycles: on the way from a package to one
//!   of its own bundle there is nothing large, since that would be used by the one and not the other.
//! - *Those that use nothing large* are many, so they are told apart by how deep they lie and by a hash of their names.
//! - *Where a package belongs depends on itself and on what it uses*, and not on what else is in the lock file. Another
//!   package joins a bundle and changes nobody's place.
//!
//! Users see the packages of a bundle one by one, by content, so that compiling one anew with its bundle ends there when it
//! comes out the same.

use std::collections::{BTreeMap, BTreeSet};

use super::{Group, Plan, VertexId};
use crate::units::{Origin, PackageIx, Side, UnitGraph};

/// Archives below this many bytes are small: about what rustc compiles in a second or two. Measured on lock files of 119
/// and 571 packages: 78 and 283 vertices, where packages of their own take 140 and 756.
pub const SMALL_BYTES_MAX: u64 = 120 * 1024;

/// From how many packages of registries in the lock file small ones share vertices by themselves: where fewer containers begin
/// to be worth more than what waits for another of its bundle, see `docs/caching.md`. It has to be below 300, since BuildKit
/// imports no cache whose description is over 1 MiB (`cache/remotecache/import.go`), and with a vertex for each package that is
/// some 250 in use, which of what is locked are two thirds to three quarters. The lock file is counted, since it is the same for
/// every target, platform and accelerator.
const PACKAGES_MIN: usize = 150;

/// Whether small packages share vertices where the user does not say.
pub fn is_default(locked_packages: usize) -> bool {
    locked_packages >= PACKAGES_MIN
}

/// Among how many bundles those of one depth are divided that use nothing large.
const BUCKETS: u64 = 4;

/// What may be bundled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundling {
    /// Packages whose archive has at most so many bytes; with none, every package has a vertex of its own.
    pub bytes_max: u64,
    /// Packages that see something of their own: variables, secrets, a toolkit.
    pub alone: BTreeSet<PackageIx>,
}

impl Default for Bundling {
    fn default() -> Self {
        Bundling { bytes_max: SMALL_BYTES_MAX, alone: BTreeSet::new() }
    }
}

impl Bundling {
    fn is_small(&self, graph: &UnitGraph, package: PackageIx) -> bool {
        let is_locked = matches!(graph.package(package).origin, Origin::Locked { .. });
        let is_small = graph.package(package).bytes.is_some_and(|bytes| bytes <= self.bytes_max);
        is_locked && is_small && !self.alone.contains(&package)
    }
}

/// The bundle of each group that is in one. `order` has dependencies first, `visible` what each group sees.
pub(super) fn bundles(
    graph: &UnitGraph,
    order: &[&Group],
    visible: &BTreeMap<&Group, Vec<Group>>,
    bundling: &Bundling,
) -> BTreeMap<Group, String> {
    let index: BTreeMap<&Group, usize> = order.iter().copied().zip(0..).collect();
    let words = order.len().div_ceil(64);
    // For each group the large ones below it, as bits, and how deep it lies.
    let mut large: Vec<Vec<u64>> = Vec::with_capacity(order.len());
    let mut depths: Vec<u32> = Vec::with_capacity(order.len());
    let mut bundles = BTreeMap::new();
    for group in order.iter().copied() {
        let mut below = vec![0; words];
        let mut depth = 0;
        for seen in &visible[group] {
            let at = index[seen];
            for (word, more) in below.iter_mut().zip(&large[at]) {
                *word |= more;
            }
            if !bundling.is_small(graph, seen.0) {
                below[at / 64] |= 1 << (at % 64);
            }
            depth = depth.max(depths[at] + 1);
        }
        if bundling.is_small(graph, group.0) {
            let name = match below.iter().all(|word| *word == 0) {
                true => format!("small-{depth}-{}", hash([graph.package(group.0).name.as_str()]) % BUCKETS),
                false => {
                    format!("small-{:016x}", hash(names(graph, order, &below).iter().map(String::as_str)))
                }
            };
            bundles.insert(group.clone(), name);
        }
        large.push(below);
        depths.push(depth);
    }
    bundles
}

/// The set of large groups as text, the same in every workspace.
fn names(graph: &UnitGraph, order: &[&Group], bits: &[u64]) -> Vec<String> {
    let is_in = |at: &usize| bits[at / 64] & 1 << (at % 64) != 0;
    let mut names: Vec<String> = (0..order.len())
        .filter(is_in)
        .map(|at| {
            let (package, side, part) = order[at];
            format!("{side:?} {} {part:?}", graph.package(*package).key)
        })
        .collect();
    names.sort();
    names
}

/// FNV-1a, 64 bits, of texts with an end each: names of bundles are paths, which must stay what they are.
fn hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let bytes = texts.into_iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Several vertices of the plan that are one of the graph, or one.
pub type Together = Vec<VertexId>;

impl Plan {
    /// `wanted`, what shares a vertex with it, and all that these need.
    pub fn closure_of_bundles(&self, wanted: impl IntoIterator<Item = VertexId>) -> BTreeSet<VertexId> {
        let mut mates: BTreeMap<(Side, &str), Vec<VertexId>> = BTreeMap::new();
        for (vertex, id) in self.vertices.iter().zip((0..).map(VertexId)) {
            if let Some(bundle) = &vertex.bundle {
                mates.entry((vertex.side, bundle)).or_default().push(id);
            }
        }
        let mut seen = BTreeSet::new();
        let mut open: Vec<VertexId> = wanted.into_iter().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                let vertex = self.vertex(next);
                open.extend(&vertex.inputs);
                open.extend(vertex.bundle.iter().flat_map(|bundle| &mates[&(vertex.side, bundle.as_str())]));
            }
        }
        seen
    }

    /// The vertices of the graph that `wanted` makes, which holds the inputs of all that it holds: those first that others
    /// see.
    pub fn together(&self, wanted: &BTreeSet<VertexId>) -> Vec<Together> {
        let mut all: BTreeMap<&str, Together> = BTreeMap::new();
        for id in wanted {
            all.entry(self.vertex(*id).shared_output()).or_default().push(*id);
        }
        let mut order = Vec::with_capacity(all.len());
        let mut begun = BTreeSet::new();
        // Depth first, without recursion: chains are as long as the graph is deep.
        let mut open: Vec<(&str, bool)> = Vec::new();
        for id in wanted {
            open.push((self.vertex(*id).shared_output(), false));
            while let Some((output, is_left)) = open.pop() {
                if is_left {
                    order.push(all[output].clone());
                } else if begun.insert(output) {
                    open.push((output, true));
                    let inputs = all[output].iter().flat_map(|id| &self.vertex(*id).inputs).rev();
                    open.extend(inputs.map(|input| (self.vertex(*input).shared_output(), false)));
                }
            }
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::super::Vertex;
    use super::*;
    use crate::units::fixture::graph;

    const SMALL: u64 = 1000;
    const LARGE: u64 = 1_000_000;

    /// A plan in which these packages are large and all others of registries small.
    fn plan(lines: &str, large: &[&str], alone: &[&str]) -> Plan {
        let mut graph = graph(lines);
        for package in &mut graph.packages {
            let is_locked = matches!(package.origin, Origin::Locked { .. });
            let bytes = if large.contains(&package.name.as_str()) { LARGE } else { SMALL };
            package.bytes = is_locked.then_some(bytes);
        }
        let alone = graph
            .packages()
            .filter(|(_, package)| alone.contains(&package.name.as_str()))
            .map(|(ix, _)| ix)
            .collect();
        Plan::bundled(&graph, &Bundling { alone, ..Bundling::default() })
    }

    /// Which packages are in one vertex, a line for each vertex, in the order in which they can run.
    fn vertices(plan: &Plan) -> Vec<String> {
        let all: BTreeSet<VertexId> = (0..plan.vertices.len() as u32).map(VertexId).collect();
        let name = |id: &VertexId| plan.vertex(*id).spec.package.split(' ').next().unwrap().to_owned();
        plan.together(&all).iter().map(|ids| ids.iter().map(name).collect::<Vec<_>>().join(" ")).collect()
    }

    const MACROS: &str = "ident@1.0.0 lib host
         quote@1.0.0 lib host -> ident@1.0.0
         syn@1.0.0 lib host -> ident@1.0.0 quote@1.0.0
         one@1.0.0 proc host -> syn@1.0.0 quote@1.0.0
         two@1.0.0 proc host -> syn@1.0.0
         app bin target -> one@1.0.0 two@1.0.0";

    #[test]
    fn packages_are_together_that_wait_for_the_same_large_ones() {
        let plan = plan(MACROS, &["syn"], &[]);
        assert_eq!(vertices(&plan), ["ident", "quote", "syn", "one two", "app"]);
    }

    #[test]
    fn what_is_granted_something_is_alone_and_counts_as_large() {
        let plan = plan(MACROS, &["syn"], &["two"]);
        assert_eq!(vertices(&plan), ["ident", "quote", "syn", "one", "two", "app"]);
    }

    #[test]
    fn nothing_is_together_where_nothing_is_small() {
        let mut graph = graph(MACROS);
        for package in &mut graph.packages {
            package.bytes = Some(SMALL);
        }
        let none = Bundling { bytes_max: 0, ..Bundling::default() };
        assert_eq!(vertices(&Plan::bundled(&graph, &none)).len(), 6);
        assert!(Plan::bundled(&graph, &none).vertices.iter().all(|vertex| vertex.bundle.is_none()));
    }

    /// Small packages on both sides of a large one: together they would wait for each other.
    #[test]
    fn a_bundle_never_waits_for_itself() {
        let plan = plan(
            "a@1.0.0 lib target
             b@1.0.0 lib target -> a@1.0.0
             large@1.0.0 lib target -> b@1.0.0
             c@1.0.0 lib target -> large@1.0.0
             d@1.0.0 lib target -> c@1.0.0
             other@1.0.0 lib target -> d@1.0.0
             e@1.0.0 lib target -> other@1.0.0
             app bin target -> e@1.0.0",
            &["large", "other"],
            &[],
        );
        assert_eq!(vertices(&plan), ["a", "b", "large", "c d", "other", "e", "app"]);
    }

    #[test]
    fn sides_are_apart() {
        let plan = plan(
            "x@1.0.0 lib host
             x@1.0.0 lib target
             mac proc host -> x@1.0.0
             app bin target -> x@1.0.0 mac",
            &[],
            &[],
        );
        let outputs: Vec<&str> = plan.vertices.iter().map(Vertex::output).collect();
        let bundle = hash(["x"]) % BUCKETS;
        assert!(outputs.contains(&format!("/h/small-0-{bundle}/x-1.0.0").as_str()), "{outputs:?}");
        assert!(outputs.contains(&format!("/t/small-0-{bundle}/x-1.0.0").as_str()), "{outputs:?}");
    }

    /// Adding a package moves no other.
    #[test]
    fn another_package_changes_nobodys_place() {
        let before = plan(MACROS, &["syn"], &[]);
        let more = format!(
            "{MACROS}
             three@1.0.0 proc host -> quote@1.0.0
             huge@1.0.0 lib host -> ident@1.0.0
             four@1.0.0 proc host -> syn@1.0.0
             new bin target -> one@1.0.0 three@1.0.0 four@1.0.0"
        );
        let after = plan(&more, &["syn", "huge"], &[]);
        for vertex in &before.vertices {
            assert!(
                after
                    .vertices
                    .iter()
                    .any(|other| other.output() == vertex.output() && other.bundle == vertex.bundle),
                "{}",
                vertex.output()
            );
        }
        assert!(vertices(&after).contains(&"one two four".to_owned()), "{:?}", vertices(&after));
    }

    #[test]
    fn what_shares_a_vertex_is_wanted_with_it() {
        let lines = format!("{MACROS}\nsmall bin target -> one@1.0.0");
        let plan = plan(&lines, &["syn"], &[]);
        let small = plan.targets.iter().find(|target| target.name == "small").unwrap().vertex;
        let names = |ids: BTreeSet<VertexId>| {
            ids.iter().map(|id| plan.vertex(*id).spec.package.clone()).collect::<Vec<_>>()
        };
        let exact = names(plan.closure([small]));
        let all = names(plan.closure_of_bundles([small]));
        assert!(!exact.contains(&"two 1.0.0".to_owned()), "{exact:?}");
        assert!(all.contains(&"two 1.0.0".to_owned()), "{all:?}");
        assert!(!all.iter().any(|name| name.starts_with("app")), "{all:?}");
    }

    #[test]
    fn many_packages_share_vertices_by_themselves() {
        assert!(!is_default(149));
        assert!(is_default(150));
    }

    /// Names of bundles are part of paths, and so of keys.
    #[test]
    fn hashes_stay_what_they_are() {
        assert_eq!(hash([]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(["a"]), 0x089b_e207_b544_f1e4);
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
    }
}
