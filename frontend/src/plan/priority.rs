//! Which vertex should go first where not all can run: the one that the longest chain of others waits for.
//!
//! Plain list scheduling, by what is left of the way to the end. How long a vertex takes is not known when it is planned; the
//! bytes of a package's archive stand for it, which is enough to tell `regex-automata` from `cfg-if`.

use std::collections::BTreeMap;

use super::{Part, Plan, Vertex, bundle::Together};
use crate::units::{Side, UnitGraph};

/// What counts for a package that did not come as an archive, and for a program, which is linked as well: KiB.
const LIBRARY: u32 = 150;
const PROGRAM: u32 = 400;

/// How much less is spent on what runs on the builder: it is hardly optimised.
const HOST: u32 = 3;

/// For each of these vertices of the graph, dependencies first, what has to be compiled from there to the end of the
/// longest chain: about KiB of archives.
pub fn priorities(graph: &UnitGraph, plan: &Plan, together: &[Together]) -> Vec<u32> {
    let index: BTreeMap<&str, usize> =
        together.iter().zip(0..).map(|(ids, at)| (plan.vertex(ids[0]).shared_output(), at)).collect();
    let mut above = vec![0; together.len()];
    let mut left = vec![0; together.len()];
    for (at, ids) in together.iter().enumerate().rev() {
        let own: u32 = ids.iter().map(|id| cost(graph, plan.vertex(*id))).sum();
        left[at] = own.saturating_add(above[at]);
        for input in ids.iter().flat_map(|id| &plan.vertex(*id).inputs) {
            let below = index[plan.vertex(*input).shared_output()];
            if below != at {
                above[below] = above[below].max(left[at]);
            }
        }
    }
    left
}

fn cost(graph: &UnitGraph, vertex: &Vertex) -> u32 {
    let package = graph.package(vertex.package);
    let kib = match (&vertex.part, package.bytes) {
        (Part::Bin(_), _) => PROGRAM,
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
        let all = (0..plan.vertices.len() as u32).map(super::super::VertexId).collect();
        let together = plan.together(&all);
        let named = together.iter().zip(priorities(&graph, &plan, &together));
        let mut told: Vec<String> =
            named.map(|(ids, left)| format!("{left} {}", plan.vertex(ids[0]).spec.package)).collect();
        told.sort();
        assert_eq!(told, ["1400 low 1.0.0", "400 app 1.0.0", "900 high 1.0.0", "900 short 1.0.0"]);
    }
}
