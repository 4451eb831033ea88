//! The graph as `cargo tree` draws dependencies: each vertex once with what is below it, and `(*)` after that.

use std::collections::BTreeSet;

use super::{Graph, Kind, duration, size};

/// A line of the tree, and what stands in the columns to the right of it.
struct Line {
    text: String,
    known: Option<[String; 2]>,
}

pub(super) fn draw(graph: &Graph) -> String {
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    let images = graph.vertices.iter().enumerate().filter(|(_, vertex)| vertex.kind == Kind::Image);
    for (index, _) in images {
        add(graph, index, "", "", &mut seen, &mut lines);
    }
    columns(&lines)
}

/// `lead` goes before the vertex's own line, `below` before those of what it depends on.
fn add(
    graph: &Graph,
    index: usize,
    lead: &str,
    below: &str,
    seen: &mut BTreeSet<usize>,
    lines: &mut Vec<Line>,
) {
    let vertex = &graph.vertices[index];
    let is_first = seen.insert(index);
    let repeated = !is_first && !vertex.arrows.is_empty();
    lines.push(Line {
        text: format!("{lead}{}{}", vertex.name, if repeated { " (*)" } else { "" }),
        // A number that stands twice would be added twice.
        known: vertex.known.filter(|_| is_first).map(|known| [duration(known.seconds), size(known.bytes)]),
    });
    if !is_first {
        return;
    }
    let mut inputs: Vec<usize> = vertex.arrows.iter().copied().collect();
    inputs.sort_by_key(|input| (&graph.vertices[*input].name, *input));
    for (position, input) in inputs.iter().enumerate() {
        let (branch, rest) =
            if position + 1 == inputs.len() { ("└── ", "    ") } else { ("├── ", "│   ") };
        add(graph, *input, &format!("{below}{branch}"), &format!("{below}{rest}"), seen, lines);
    }
}

fn columns(lines: &[Line]) -> String {
    let is_known = |line: &&Line| line.known.is_some();
    let width = lines.iter().filter(is_known).map(|line| line.text.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.text);
        if let Some([seconds, bytes]) = &line.known {
            text.push_str(&" ".repeat(width - line.text.chars().count()));
            text.push_str(&format!("  {seconds:>7}  {bytes:>8}"));
        }
        text.push('\n');
    }
    text
}
