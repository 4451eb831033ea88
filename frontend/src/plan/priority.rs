//! Which vertex should go first where not all can run: the one that the longest chain of others waits for.
//!
//! Plain list scheduling, by what is left of the way to the end. How long a vertex takes is not known when it is planned; the
//! bytes of a package's archive stand for it, which is enough to tell `regex-automata` from `cfg-if`.

use std::collections::BTreeMap;

use super::{Part, Plan, Vertex, VertexId};
use crate::units::{Side, UnitGraph};

/// What counts for a package that did not come as an archive, and for a program, which is linked as well: KiB.
const LIBRARY: u32 = 150;
const PROGRAM: u32 = 400;

/// How much less is spent on what runs on the builder: it is hardly optimised.
const HOST: u32 = 3;

/// What runs on the builder goes before what is as far from the end, since macros are where most chains begin.
const HOST_FIRST: u32 = 2000;

/// For each vertex of the graph, by its output, how soon it should run: what has to be compiled from there to the end of the
/// longest chain of its side, in about KiB of archives, on a scale of four steps to a doubling.
///
/// It is a property of the plan, not of what is asked for, and coarse: builds of several targets or platforms at once have
/// the same vertices, and BuildKit finds that they are at the latest when all of what it is told of them is equal.
pub fn priorities<'a>(graph: &UnitGraph, plan: &'a Plan) -> BTreeMap<&'a str, u32> {
    let all = (0..).map(VertexId).take(plan.vertices.len()).collect();
    let together = plan.together(&all);
    let mut above: BTreeMap<&str, u32> = BTreeMap::new();
    let mut priorities = BTreeMap::new();
    for ids in together.iter().rev() {
        let first = plan.vertex(ids[0]);
        let own: u32 = ids.iter().map(|id| cost(graph, plan.vertex(*id))).sum();
        let left = own.saturating_add(above.get(first.shared_output()).copied().unwrap_or(0));
        let inputs = ids.iter().flat_map(|id| &plan.vertex(*id).inputs).map(|id| plan.vertex(*id));
        for below in inputs.filter(|below| below.side == first.side) {
            if below.shared_output() != first.shared_output() {
                let least = above.entry(below.shared_output()).or_default();
                *least = (*least).max(left);
            }
        }
        let scaled = match first.side {
            Side::Host => scaled(left.saturating_add(HOST_FIRST)),
            Side::Target => scaled(left),
        };
        priorities.insert(first.shared_output(), scaled);
    }
    priorities
}

/// Four times the logarithm to the base two, rounded down.
fn scaled(kib: u32) -> u32 {
    let bits = kib.max(1).ilog2();
    let quarter = match bits {
        0 | 1 => 0,
        bits => (kib >> (bits - 2)) & 3,
    };
    4 * bits + quarter
}

fn cost(graph: &UnitGraph, vertex: &Vertex) -> u32 {
    let package = graph.package(vertex.package);
    let kib = match (&vertex.part, package.bytes) {
        (Part::Bin(_) | Part::Example(_), _) => PROGRAM,
        (Part::Library, Some(bytes)) => u32::try_from(bytes / 1024).unwrap_or(u32::MAX),
        (Part::Library, None) => LIBRARY,
    };
    match vertex.side {
        Side::Host => kib / HOST,
        Side::Target => kib,
    }
    .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::fixture::graph;

    #[test]
    fn what_most_is_left_after_goes_first() {
        let mut graph = graph(
            "short@1.0.0 lib target
             low@1.0.0 lib target
             high@1.0.0 lib target -> low@1.0.0
             app bin target -> high@1.0.0 low@1.0.0 short@1.0.0",
        );
        for package in &mut graph.packages {
            package.bytes = package.member_directory().is_none().then_some(500 * 1024);
        }
        let plan = Plan::new(&graph);
        let told = priorities(&graph, &plan);
        let of = |name: &str| told[format!("/t/{name}").as_str()];
        assert!(of("low-1.0.0") > of("high-1.0.0"));
        assert_eq!(of("high-1.0.0"), of("short-1.0.0"));
        assert!(of("short-1.0.0") > of("app-1.0.0.bin.app"));
    }

    #[test]
    fn the_scale_is_coarse_and_keeps_the_order() {
        assert_eq!([1, 2, 3, 4, 5, 7, 8, 1024, 1300].map(scaled), [0, 4, 4, 8, 9, 11, 12, 40, 41]);
        assert!((1..5000).all(|kib| scaled(kib) <= scaled(kib + 1)));
    }
}
