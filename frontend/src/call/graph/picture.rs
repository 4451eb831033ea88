//! The graph as an SVG document: no scripts, no other files, readable in any browser.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{
    Graph, Kind, Vertex, duration,
    layout::{Layout, Point, Size, lay_out},
    size,
};
use crate::{call::count, units::Side};

/// Space around the picture.
const MARGIN: f64 = 24.0;
/// Height of the title and the legend.
const HEAD: f64 = 58.0;
/// The picture is at least this wide, so that the legend fits.
const WIDTH_MIN: f64 = 640.0;

const STYLE: &str = "\
text{font:12px ui-sans-serif,system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2933}\
.title{font-size:18px;font-weight:600}\
.note,.known{fill:#66717d;font-size:11px;font-weight:400}\
rect{stroke-width:1}\
.crate rect{fill:#f1f4f7;stroke:#b4bfca}\
.crate.host rect{fill:#faf3e3;stroke:#d9c594}\
.crate.host text{font-size:10px}\
.crate.host .known{font-size:9px}\
.member rect{fill:#d5e6fb;stroke:#2f6fbb;stroke-width:2}\
.member .name{font-weight:600}\
.image rect{fill:#d3eedb;stroke:#2c8a4b;stroke-width:2}\
.image .name{font-weight:600}\
.chain rect{stroke:#c0392b;stroke-width:2}\
.arrow{fill:none;stroke:#9aa7b4;stroke-opacity:.75}\
.arrow.inner{stroke:#2f6fbb;stroke-opacity:.8;stroke-width:1.5}\
.arrow.chain{stroke:#c0392b;stroke-opacity:1;stroke-width:2}\
.arrow:hover{stroke:#111;stroke-opacity:1;stroke-width:2.5}\
g:hover>rect{stroke:#111}";

/// What a kind is called in the legend, with its class.
const LEGEND: [(&str, &str); 4] =
    [("crate", "locked package"), ("crate host", "for the host"), ("member", "member"), ("image", "image")];

pub(super) fn draw(graph: &Graph) -> String {
    let sizes: Vec<Size> = graph.vertices.iter().map(measure).collect();
    let inputs: Vec<BTreeSet<usize>> = graph.vertices.iter().map(|vertex| vertex.arrows.clone()).collect();
    // The user's own packages stand together, next to the images.
    let is_ours = |index: &usize| graph.vertices[*index].kind != Kind::Crate;
    let ours = (0..graph.vertices.len()).filter(is_ours).collect();
    let layout = lay_out(&sizes, &inputs, &ours);
    let chain = graph.longest_chain();
    let (width, height) =
        (layout.size.width.max(WIDTH_MIN) + 2.0 * MARGIN, layout.size.height + 2.0 * MARGIN + HEAD);

    let mut out = String::new();
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}">"#
    );
    let _ = writeln!(out, "<style>{}</style>", escaped(STYLE));
    let _ = writeln!(out, r##"<rect width="100%" height="100%" fill="#fff"/>"##);
    head(&mut out, graph, &chain);
    let _ = writeln!(out, r#"<g transform="translate({MARGIN:.0} {:.0})">"#, MARGIN + HEAD);
    arrows(&mut out, graph, &layout, &chain);
    for (index, vertex) in graph.vertices.iter().enumerate() {
        vertex_box(&mut out, graph, vertex, layout.boxes[index], chain.contains(&index));
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// The box that a vertex needs: what is not compiled for the image is drawn smaller.
fn measure(vertex: &Vertex) -> Size {
    let (per_char, line) = match (vertex.kind, vertex.side) {
        (Kind::Crate, Side::Host) => (6.0, 13.0),
        (Kind::Crate, Side::Target) => (6.9, 16.0),
        (Kind::Member | Kind::Image, _) => (8.0, 18.0),
    };
    let lines = if vertex.known.is_some() { 2.0 } else { 1.0 };
    let known = known(vertex).map_or(0, |text| text.chars().count());
    let chars = shown_name(vertex).chars().count().max(known);
    Size { width: chars as f64 * per_char + 16.0, height: line * lines + 6.0 }
}

/// The colour of the box says for which side it is.
fn shown_name(vertex: &Vertex) -> &str {
    vertex.name.trim_end_matches(" (host)")
}

fn known(vertex: &Vertex) -> Option<String> {
    vertex.known.map(|known| format!("{} · {}", duration(known.seconds), size(known.bytes)))
}

fn head(out: &mut String, graph: &Graph, chain: &[usize]) {
    let images: Vec<&str> = graph
        .vertices
        .iter()
        .filter(|vertex| vertex.kind == Kind::Image)
        .map(|vertex| vertex.name.trim_start_matches("image "))
        .collect();
    let steps = graph.vertices.len() - images.len();
    let mut note = count(steps, "vertex", "vertices");
    if let Some(seconds) = graph.seconds() {
        let longest: f64 =
            chain.iter().filter_map(|index| graph.vertices[*index].known).map(|it| it.seconds).sum();
        let _ = write!(note, ", {} of work, the longest chain {}", duration(seconds), duration(longest));
    }
    let y = MARGIN + 14.0;
    let _ = writeln!(
        out,
        r#"<text class="title" x="{MARGIN}" y="{y}">{}<tspan class="note" dx="12">{}</tspan></text>"#,
        escaped(&images.join(", ")),
        escaped(&note)
    );
    let mut x = MARGIN;
    let y = MARGIN + 26.0;
    for (class, what) in LEGEND {
        let _ = writeln!(
            out,
            r#"<g class="{class}"><rect x="{x:.1}" y="{y}" width="14" height="14" rx="3"/></g><text class="note" x="{:.1}" y="{}">{what}</text>"#,
            x + 20.0,
            y + 11.0
        );
        x += 44.0 + what.chars().count() as f64 * 6.5;
    }
    if !chain.is_empty() {
        let _ = writeln!(
            out,
            r#"<path class="arrow chain" d="M{x:.1} {:.1}h14"/><text class="note" x="{:.1}" y="{}">longest chain</text>"#,
            y + 7.0,
            x + 20.0,
            y + 11.0
        );
    }
}

/// Those that matter most are drawn last, over the others.
fn arrows(out: &mut String, graph: &Graph, layout: &Layout, chain: &[usize]) {
    let on_chain = |from: usize, to: usize| chain.windows(2).any(|pair| pair == [from, to]);
    let is_ours = |index: usize| graph.vertices[index].kind != Kind::Crate;
    let mut classed = Vec::new();
    for (from, to, points) in &layout.arrows {
        let (order, class) = match (on_chain(*from, *to), is_ours(*from) && is_ours(*to)) {
            (true, _) => (2, "arrow chain"),
            (false, true) => (1, "arrow inner"),
            (false, false) => (0, "arrow"),
        };
        classed.push((order, class, *from, *to, points));
    }
    for (_, class, from, to, points) in classed {
        let (from, to) = (&graph.vertices[from], &graph.vertices[to]);
        let _ = writeln!(
            out,
            r#"<path class="{class}" d="{}"><title>{}</title></path>"#,
            path(points),
            escaped(&format!("{} → {}", from.name, to.name))
        );
    }
}

/// A curve between layers, a straight line through each.
fn path(points: &[Point]) -> String {
    let mut path = String::new();
    for pair in points.chunks(2) {
        let [a, b] = pair else { continue };
        let command = if path.is_empty() { 'M' } else { 'L' };
        let middle = (a.x + b.x) / 2.0;
        let _ = write!(
            path,
            "{command}{:.0} {:.1}C{middle:.0} {:.1} {middle:.0} {:.1} {:.0} {:.1}",
            a.x, a.y, a.y, b.y, b.x, b.y
        );
    }
    path
}

fn vertex_box(out: &mut String, graph: &Graph, vertex: &Vertex, (at, size): (Point, Size), on_chain: bool) {
    let kind = match vertex.kind {
        Kind::Crate => "crate",
        Kind::Member => "member",
        Kind::Image => "image",
    };
    let host = if vertex.side == Side::Host { " host" } else { "" };
    let chain = if on_chain { " chain" } else { "" };
    let _ = write!(
        out,
        r#"<g class="{kind}{host}{chain}"><title>{}</title><rect x="{:.0}" y="{:.1}" width="{:.0}" height="{:.0}" rx="4"/>"#,
        escaped(&tooltip(graph, vertex)),
        at.x,
        at.y,
        size.width,
        size.height
    );
    let known = known(vertex);
    let lines = if known.is_some() { 2.0 } else { 1.0 };
    let line = (size.height - 6.0) / lines;
    let baseline = at.y + 3.0 + line * 0.76;
    let x = at.x + 8.0;
    let name = escaped(shown_name(vertex));
    let _ = write!(out, r#"<text class="name" x="{x:.0}" y="{baseline:.1}">{name}</text>"#);
    if let Some(known) = known {
        let y = baseline + line;
        let _ = write!(out, r#"<text class="known" x="{x:.0}" y="{y:.1}">{}</text>"#, escaped(&known));
    }
    out.push_str("</g>\n");
}

fn tooltip(graph: &Graph, vertex: &Vertex) -> String {
    let mut text = vertex.name.clone();
    if let Some(known) = known(vertex) {
        let _ = write!(text, "\n{known}");
    }
    let names: Vec<&str> = vertex.inputs.iter().map(|input| graph.vertices[*input].name.as_str()).collect();
    if !names.is_empty() {
        let _ = write!(text, "\nsees {}", names.join(", "));
    }
    text
}

/// Text as it may stand between tags and in attributes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
