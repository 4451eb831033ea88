//! The graph of a build as a picture: one SVG file that needs nothing else.
//!
//! Steps stand in columns, each to the right of all that it needs; within a column they are ordered so that lines cross
//! little. Only direct needs are drawn: a step that needs another through a third has no line of its own to it.

use std::fmt::Write as _;

use serde_json::json;

use super::Answer;
use super::graph::{Kind, Node, bytes, direct, seconds};

const BOX_WIDTH: f64 = 190.0;
const BOX_HEIGHT: f64 = 34.0;
const GAP_X: f64 = 70.0;
const GAP_Y: f64 = 10.0;
const MARGIN: f64 = 24.0;
/// Room for the heading and the legend.
const TOP: f64 = 78.0;
/// How often the columns are put in order, from left to right and back.
const SWEEPS: usize = 12;
/// Characters that fit into a box.
const LABEL_CHARS: usize = 28;

/// The picture. Its text is the SVG itself, so that `--call=graph-svg > graph.svg` makes a file of it.
pub fn answer(title: &str, nodes: &[Node]) -> Answer {
    let svg = draw(title, nodes);
    Answer { json: json!({ "svg": svg }), text: svg, status: None }
}

fn draw(title: &str, nodes: &[Node]) -> String {
    let edges: Vec<Vec<usize>> = (0..nodes.len()).map(|at| direct(nodes, at)).collect();
    let columns = columns(nodes, &edges);
    let tallest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let width = MARGIN * 2.0 + columns.len() as f64 * (BOX_WIDTH + GAP_X) - GAP_X;
    let height = TOP + MARGIN + tallest as f64 * (BOX_HEIGHT + GAP_Y);
    let width = width.max(640.0);
    let mut places = vec![(0.0, 0.0); nodes.len()];
    for (at, column) in columns.iter().enumerate() {
        // Short columns stand in the middle of tall ones.
        let free = (tallest - column.len()) as f64 * (BOX_HEIGHT + GAP_Y) / 2.0;
        for (row, node) in column.iter().enumerate() {
            places[*node] =
                (MARGIN + at as f64 * (BOX_WIDTH + GAP_X), TOP + free + row as f64 * (BOX_HEIGHT + GAP_Y));
        }
    }

    let mut svg = String::new();
    let out = &mut svg;
    line(
        out,
        &format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-sans-serif, system-ui, sans-serif\">"
        ),
    );
    line(out, &format!("<title>{}</title>", escape(title)));
    line(out, &format!("<rect width=\"{width}\" height=\"{height}\" fill=\"#fbfbfa\"/>"));
    line(
        out,
        &format!(
            "<text x=\"{MARGIN}\" y=\"34\" font-size=\"18\" font-weight=\"600\" fill=\"#1d2330\">{}</text>",
            escape(title)
        ),
    );
    legend(out, nodes);
    for (to, from) in
        edges.iter().enumerate().flat_map(|(to, inputs)| inputs.iter().map(move |from| (to, *from)))
    {
        edge(out, places[from], places[to], &nodes[from], &nodes[to]);
    }
    let slowest = nodes.iter().filter_map(|node| node.seconds).fold(0.0, f64::max);
    for (node, place) in nodes.iter().zip(&places) {
        step(out, node, *place, slowest);
    }
    line(out, "</svg>");
    svg
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// Each step in the column after the last one of those that it needs.
fn columns(nodes: &[Node], edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut depth = vec![0; nodes.len()];
    for at in 0..nodes.len() {
        depth[at] = edges[at].iter().map(|input| depth[*input] + 1).max().unwrap_or(0);
    }
    let mut columns = vec![Vec::new(); depth.iter().max().map_or(0, |last| last + 1)];
    for (at, depth) in depth.iter().enumerate() {
        columns[*depth].push(at);
    }
    let mut users = vec![Vec::new(); nodes.len()];
    for (at, inputs) in edges.iter().enumerate() {
        for input in inputs {
            users[*input].push(at);
        }
    }
    for sweep in 0..SWEEPS {
        let rows = rows(&columns, nodes.len());
        // To the right by what a step needs, to the left by who needs it.
        let neighbours = if sweep % 2 == 0 { edges } else { &users };
        for column in &mut columns {
            let middle = |at: &usize| {
                let list = &neighbours[*at];
                if list.is_empty() {
                    return rows[*at];
                }
                list.iter().map(|other| rows[*other]).sum::<f64>() / list.len() as f64
            };
            column.sort_by(|a, b| middle(a).total_cmp(&middle(b)).then(a.cmp(b)));
        }
    }
    columns
}

/// Where in its column each step stands, from 0 to 1.
fn rows(columns: &[Vec<usize>], count: usize) -> Vec<f64> {
    let mut rows = vec![0.0; count];
    for column in columns {
        for (row, at) in column.iter().enumerate() {
            rows[*at] = (row as f64 + 0.5) / column.len() as f64;
        }
    }
    rows
}

/// Fill and border.
fn colours(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::HostCrate => ("#f1f0ec", "#bdb9ae"),
        Kind::Crate => ("#e6eef7", "#9db8d6"),
        Kind::Member => ("#fde9d3", "#e09a4f"),
        Kind::Image => ("#dff0e1", "#69a972"),
    }
}

fn legend(out: &mut String, nodes: &[Node]) {
    let entries = [
        (Kind::HostCrate, "package for the builder"),
        (Kind::Crate, "package in the image"),
        (Kind::Member, "member"),
        (Kind::Image, "image"),
    ];
    let mut x = MARGIN;
    for (kind, text) in entries {
        let count = nodes.iter().filter(|node| node.kind == kind).count();
        let (fill, border) = colours(kind);
        line(
            out,
            &format!(
                "<rect x=\"{x}\" y=\"48\" width=\"12\" height=\"12\" rx=\"3\" fill=\"{fill}\" stroke=\"{border}\"/>"
            ),
        );
        line(
            out,
            &format!(
                "<text x=\"{}\" y=\"58\" font-size=\"11\" fill=\"#515a6b\">{text} ({count})</text>",
                x + 17.0
            ),
        );
        x += 40.0 + 6.4 * text.len() as f64 + 24.0;
    }
}

fn edge(out: &mut String, from: (f64, f64), to: (f64, f64), source: &Node, user: &Node) {
    let (x1, y1) = (from.0 + BOX_WIDTH, from.1 + BOX_HEIGHT / 2.0);
    let (x2, y2) = (to.0, to.1 + BOX_HEIGHT / 2.0);
    let bend = ((x2 - x1) / 2.0).max(GAP_X / 2.0);
    let strong = source.kind == Kind::Member || user.kind == Kind::Image;
    let (colour, opacity) = if strong { ("#e09a4f", 0.9) } else { ("#8b93a3", 0.45) };
    line(
        out,
        &format!(
            "<path d=\"M{x1:.1} {y1:.1} C{:.1} {y1:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}\" fill=\"none\" stroke=\"{colour}\" \
         stroke-opacity=\"{opacity}\" stroke-width=\"1.3\"/>",
            x1 + bend,
            x2 - bend
        ),
    );
}

fn step(out: &mut String, node: &Node, (x, y): (f64, f64), slowest: f64) {
    let (fill, border) = colours(node.kind);
    line(out, &format!("<g><title>{}</title>", escape(&node.name)));
    line(
        out,
        &format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"6\" fill=\"{fill}\" \
         stroke=\"{border}\"/>"
        ),
    );
    // How much of the slowest step this one takes, as a bar at the bottom of its box.
    if let Some(took) = node.seconds.filter(|_| slowest > 0.0) {
        line(
            out,
            &format!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"3\" rx=\"1.5\" fill=\"{border}\"/>",
                x + 6.0,
                y + BOX_HEIGHT - 5.0,
                (BOX_WIDTH - 12.0) * (took / slowest).clamp(0.01, 1.0)
            ),
        );
    }
    let facts: Vec<String> = node.seconds.map(seconds).into_iter().chain(node.bytes.map(bytes)).collect();
    let high = if facts.is_empty() { 21.0 } else { 14.0 };
    line(
        out,
        &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#1d2330\">{}</text>",
            x + 8.0,
            y + high,
            escape(&short(&node.name))
        ),
    );
    if !facts.is_empty() {
        line(
            out,
            &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"9\" fill=\"#515a6b\">{}</text>",
                x + 8.0,
                y + 25.0,
                facts.join(" · ")
            ),
        );
    }
    line(out, "</g>");
}

/// The name without its kind, which the colour says, and no longer than its box.
fn short(name: &str) -> String {
    let bare = name.split_once("] ").map_or(name, |(_, rest)| rest);
    if bare.chars().count() <= LABEL_CHARS {
        return bare.to_owned();
    }
    bare.chars().take(LABEL_CHARS - 1).chain(['…']).collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no other control characters.
            char if char.is_control() => write!(escaped, "\u{fffd}").expect("a string takes everything"),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::nodes;
    use super::*;

    #[test]
    fn every_step_and_every_direct_need_is_drawn() {
        let mut nodes = nodes();
        nodes[4].name = "[member] a<b>&\"c\" with a name that does not fit".to_owned();
        let svg = draw("server", &nodes);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let count = |tag: &str| document.descendants().filter(|node| node.has_tag_name(tag)).count();
        assert_eq!(count("g"), nodes.len());
        assert_eq!(count("path"), 5, "the binary reaches `derive` and `log` through the library");
        let titles: Vec<_> = document
            .descendants()
            .filter(|node| node.has_tag_name("g"))
            .filter_map(|node| node.first_element_child()?.text())
            .collect();
        assert!(titles.contains(&nodes[4].name.as_str()), "{titles:?}");
    }

    #[test]
    fn what_is_needed_stands_to_the_left() {
        let nodes = nodes();
        let edges: Vec<Vec<usize>> = (0..nodes.len()).map(|at| direct(&nodes, at)).collect();
        let columns = columns(&nodes, &edges);
        let column = |at: usize| columns.iter().position(|column| column.contains(&at)).unwrap();
        for (at, inputs) in edges.iter().enumerate() {
            for input in inputs {
                assert!(column(*input) < column(at));
            }
        }
    }
}
