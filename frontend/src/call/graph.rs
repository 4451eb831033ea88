//! `frontend.graph`: the vertices of a target and what each depends on, as JSON, as a tree, and as a picture.

mod layout;
mod picture;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;

use super::{
    Answer,
    plan::{side, vertex_name},
};
use crate::{
    plan::{Plan, VertexId},
    target::Target,
    units::{Side, UnitGraph},
};

/// What is known of a vertex from a build.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// Size of its output, in bytes.
    pub bytes: u64,
}

/// The vertices that one or several targets need.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Inputs before what sees them.
    // Invariant: `inputs` and `arrows` of a vertex are smaller than its own index.
    vertices: Vec<Vertex>,
}

/// What a vertex is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Compiles a locked package.
    Crate,
    /// Compiles a workspace member.
    Member,
    /// The image of a target.
    Image,
}

#[derive(Debug, Clone, PartialEq)]
struct Vertex {
    /// Output directory, or `image/TARGET`.
    id: String,
    /// What people call it.
    name: String,
    package: String,
    version: String,
    kind: Kind,
    side: Side,
    bin: Option<String>,
    /// All that it sees.
    inputs: BTreeSet<usize>,
    /// Those of `inputs` that no other of them brings in: what is drawn.
    arrows: BTreeSet<usize>,
    known: Option<Known>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    name: &'a str,
    package: &'a str,
    version: &'a str,
    kind: Kind,
    side: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    inputs: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

impl Graph {
    /// What `targets` need, with their images. `known` may be empty.
    pub fn new(
        units: &UnitGraph,
        plan: &Plan,
        targets: &[Target],
        known: &BTreeMap<VertexId, Known>,
    ) -> Graph {
        let wanted = plan.closure(
            targets.iter().flat_map(|target| target.artifacts.iter().map(|artifact| artifact.vertex)),
        );
        let index: BTreeMap<VertexId, usize> = wanted.iter().copied().zip(0..).collect();
        let mut vertices: Vec<Vertex> = Vec::new();
        for id in &wanted {
            let vertex = plan.vertex(*id);
            let package = units.package(vertex.package);
            let is_member = package.member_directory().is_some();
            vertices.push(Vertex {
                id: vertex.output().to_owned(),
                name: vertex_name(package, vertex),
                package: package.name.clone(),
                version: package.version.clone(),
                kind: if is_member { Kind::Member } else { Kind::Crate },
                side: vertex.side,
                bin: vertex.part.program().map(str::to_owned),
                inputs: vertex.inputs.iter().map(|input| index[input]).collect(),
                arrows: BTreeSet::new(),
                known: known.get(id).copied(),
            });
        }
        for target in targets {
            let package = target.package().map(|package| units.package(package));
            vertices.push(Vertex {
                id: format!("image/{}", target.name),
                name: format!("image {}", target.name),
                package: package.map(|package| package.name.clone()).unwrap_or_default(),
                version: package.map(|package| package.version.clone()).unwrap_or_default(),
                kind: Kind::Image,
                side: Side::Target,
                bin: match target.artifacts.as_slice() {
                    [only] => Some(only.bin.clone()),
                    _ => None,
                },
                inputs: target.artifacts.iter().map(|artifact| index[&artifact.vertex]).collect(),
                arrows: BTreeSet::new(),
                known: None,
            });
        }
        reduce(&mut vertices);
        Graph { vertices }
    }

    /// `frontend.graph`: a tree as text; the JSON has the picture too.
    pub fn answer(&self) -> Answer {
        Answer::new(self.json(), tree::draw(self))
    }

    /// `frontend.graph-svg`: the picture as text.
    pub fn answer_svg(&self) -> Answer {
        Answer::new(self.json(), self.svg())
    }

    /// The picture: an SVG document that needs no other file.
    pub fn svg(&self) -> String {
        picture::draw(self)
    }

    fn json(&self) -> serde_json::Value {
        let entries: Vec<Entry<'_>> = self
            .vertices
            .iter()
            .map(|vertex| Entry {
                id: &vertex.id,
                name: &vertex.name,
                package: &vertex.package,
                version: &vertex.version,
                kind: vertex.kind,
                side: side(vertex.side),
                part: vertex.bin.as_deref(),
                inputs: vertex.inputs.iter().map(|input| self.vertices[*input].id.as_str()).collect(),
                seconds: vertex.known.map(|known| known.seconds),
                bytes: vertex.known.map(|known| known.bytes),
            })
            .collect();
        json!({"vertices": entries, "svg": self.svg()})
    }

    /// Seconds of all vertices together; `None` when nothing is known.
    fn seconds(&self) -> Option<f64> {
        self.vertices.iter().filter_map(|vertex| vertex.known).map(|known| known.seconds).reduce(|a, b| a + b)
    }

    /// The chain of vertices that takes longest, first to last: no number of CPUs makes a build shorter than that.
    /// Empty when nothing is known.
    fn longest_chain(&self) -> Vec<usize> {
        let mut ends: Vec<f64> = Vec::new();
        let mut before: Vec<Option<usize>> = Vec::new();
        for vertex in &self.vertices {
            let last = vertex.arrows.iter().copied().max_by(|a, b| ends[*a].total_cmp(&ends[*b]));
            let own = vertex.known.map_or(0.0, |known| known.seconds);
            ends.push(own + last.map_or(0.0, |last| ends[last]));
            before.push(last);
        }
        let mut chain = Vec::new();
        if self.seconds().is_some() {
            let mut next = (0..ends.len()).max_by(|a, b| ends[*a].total_cmp(&ends[*b]));
            while let Some(vertex) = next {
                chain.push(vertex);
                next = before[vertex];
            }
        }
        chain.reverse();
        chain
    }
}

/// Finds the arrows: a vertex sees all that its inputs were compiled with, and drawing that would hide everything.
fn reduce(vertices: &mut [Vertex]) {
    let mut reached: Vec<BTreeSet<usize>> = Vec::new();
    for vertex in vertices {
        let brought: BTreeSet<usize> =
            vertex.inputs.iter().flat_map(|input| reached[*input].iter().copied()).collect();
        vertex.arrows = vertex.inputs.difference(&brought).copied().collect();
        reached.push(brought.union(&vertex.inputs).copied().collect());
    }
}

/// `0.4 s`, `12 s`, `1m 05s`.
pub fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if seconds < 59.5 {
        format!("{seconds:.0} s")
    } else {
        let whole = seconds.round();
        format!("{:.0}m {:02.0}s", (whole / 60.0).floor(), whole % 60.0)
    }
}

/// `512 B`, `3.4 MB`: decimal, as Docker writes sizes.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB"] {
        if value >= 999.5 {
            value /= 1000.0;
            unit = larger;
        }
    }
    if unit == "B" || value >= 99.95 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests;
