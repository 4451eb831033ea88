//! The graph of a build: its steps, what each needs, and how long each took when it last ran.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Answer;

/// One step of the build.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What no other step is called.
    pub id: String,
    /// What the progress shows.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Indices of the steps that it needs; all are smaller than its own.
    pub inputs: Vec<usize>,
    /// How long it took, in seconds, if it ran on this daemon.
    pub seconds: Option<f64>,
    /// Size of its output, in bytes, if it ran on this daemon.
    pub bytes: Option<u64>,
}

/// Kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A locked package for the build platform.
    HostCrate,
    /// A locked package for the target platform.
    Crate,
    /// A member.
    Member,
    /// An image.
    Image,
}

impl Kind {
    /// The word for it in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::HostCrate => "host-crate",
            Kind::Crate => "crate",
            Kind::Member => "member",
            Kind::Image => "image",
        }
    }
}

/// The graph as text and JSON.
pub fn answer(nodes: &[Node]) -> Answer {
    let vertices: Vec<Value> = nodes
        .iter()
        .map(|node| {
            let mut value = json!({
                "id": node.id,
                "name": node.name,
                "kind": node.kind.name(),
                "inputs": node.inputs.iter().map(|input| &nodes[*input].id).collect::<Vec<_>>(),
            });
            if let Some(seconds) = node.seconds {
                value["seconds"] = json!(seconds);
            }
            if let Some(bytes) = node.bytes {
                value["bytes"] = json!(bytes);
            }
            value
        })
        .collect();
    Answer { json: json!({ "vertices": vertices }), text: tree(nodes), status: None }
}

/// As `cargo tree` draws it: from what nothing needs down to the leaves, each subtree once.
fn tree(nodes: &[Node]) -> String {
    let needed: BTreeSet<usize> = nodes.iter().flat_map(|node| node.inputs.iter().copied()).collect();
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    for root in (0..nodes.len()).filter(|at| !needed.contains(at)) {
        branch(nodes, root, "", "", &mut seen, &mut text);
    }
    let known: Vec<f64> = nodes.iter().filter_map(|node| node.seconds).collect();
    text += &format!("\n{} steps", nodes.len());
    if !known.is_empty() {
        text += &format!(", {} of them took {} together", known.len(), seconds(known.iter().sum()));
        text += &format!("; the longest chain takes {}", seconds(longest(nodes)));
    }
    text + "\n"
}

fn branch(nodes: &[Node], at: usize, own: &str, below: &str, seen: &mut BTreeSet<usize>, text: &mut String) {
    let node = &nodes[at];
    let inputs = direct(nodes, at);
    let again = !seen.insert(at) && !inputs.is_empty();
    let facts: Vec<String> = node.seconds.map(seconds).into_iter().chain(node.bytes.map(bytes)).collect();
    let facts = if facts.is_empty() { String::new() } else { format!("  {}", facts.join(", ")) };
    *text += &format!("{own}{}{facts}{}\n", node.name, if again { " (*)" } else { "" });
    if again {
        return;
    }
    for (index, input) in inputs.iter().enumerate() {
        let (tee, line) =
            if index + 1 == inputs.len() { ("└── ", "    ") } else { ("├── ", "│   ") };
        branch(nodes, *input, &format!("{below}{tee}"), &format!("{below}{line}"), seen, text);
    }
}

/// The inputs that are not inputs of another input: a vertex sees all that is below it, which is too much to draw.
pub(super) fn direct(nodes: &[Node], at: usize) -> Vec<usize> {
    let below: BTreeSet<usize> =
        nodes[at].inputs.iter().flat_map(|input| nodes[*input].inputs.iter().copied()).collect();
    nodes[at].inputs.iter().copied().filter(|input| !below.contains(input)).collect()
}

/// How long the slowest chain of steps takes, in seconds.
fn longest(nodes: &[Node]) -> f64 {
    let mut ends: Vec<f64> = Vec::new();
    for node in nodes {
        let start = node.inputs.iter().map(|input| ends[*input]).fold(0.0, f64::max);
        ends.push(start + node.seconds.unwrap_or(0.0));
    }
    ends.into_iter().fold(0.0, f64::max)
}

/// `1.2 s`, `2 min 3 s`.
pub fn seconds(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.1} s")
    } else {
        let whole = value.round();
        format!("{} min {} s", (whole / 60.0).floor(), whole % 60.0)
    }
}

/// `340 kB`, `12.3 MB`.
pub fn bytes(value: u64) -> String {
    let value = value as f64;
    if value < 1e3 {
        format!("{value} B")
    } else if value < 1e6 {
        format!("{:.0} kB", value / 1e3)
    } else if value < 1e9 {
        format!("{:.1} MB", value / 1e6)
    } else {
        format!("{:.2} GB", value / 1e9)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use expect_test::expect;

    use super::*;

    pub(in crate::call) fn nodes() -> Vec<Node> {
        let node = |id: &str, kind, inputs: &[usize], seconds| Node {
            id: id.to_owned(),
            name: format!("[x] {id}"),
            kind,
            inputs: inputs.to_vec(),
            seconds,
            bytes: seconds.map(|_| 1_500_000),
        };
        vec![
            node("syn", Kind::HostCrate, &[], Some(2.0)),
            node("derive", Kind::HostCrate, &[0], Some(1.0)),
            node("log", Kind::Crate, &[], None),
            node("lib", Kind::Member, &[1, 2], Some(0.5)),
            node("bin", Kind::Member, &[1, 2, 3], Some(0.25)),
            node("image", Kind::Image, &[4], None),
        ]
    }

    #[test]
    fn the_graph_is_a_tree_with_times() {
        expect![[r#"
            [x] image
            └── [x] bin  0.2 s, 1.5 MB
                └── [x] lib  0.5 s, 1.5 MB
                    ├── [x] derive  1.0 s, 1.5 MB
                    │   └── [x] syn  2.0 s, 1.5 MB
                    └── [x] log

            6 steps, 4 of them took 3.8 s together; the longest chain takes 3.8 s
        "#]]
        .assert_eq(&answer(&nodes()).text);
    }

    #[test]
    fn units_fit_the_size() {
        assert_eq!([seconds(0.04), seconds(61.0), seconds(125.0)], ["0.0 s", "61.0 s", "2 min 5 s"]);
        assert_eq!([bytes(12), bytes(12_345), bytes(12_345_678)], ["12 B", "12 kB", "12.3 MB"]);
    }
}
