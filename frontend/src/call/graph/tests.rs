//! The tree, the JSON, and that a picture is whole.

use expect_test::expect;

use super::*;
use crate::units::fixture::graph;

const LINES: &str = "
    ident@1.0.0 lib host
    syn@2.0.0 lib host -> ident@1.0.0
    derive proc host -> syn@2.0.0
    core@1.0.0 lib target
    io@1.0.0 lib target -> core@1.0.0
    api lib target -> io@1.0.0 core@1.0.0 derive
    server bin target -> api io@1.0.0
    tool bin target -> core@1.0.0
";

fn known(seconds: f64, bytes: u64) -> Known {
    Known { seconds, bytes }
}

fn of(lines: &str, only: Option<&str>, known: &BTreeMap<VertexId, Known>) -> Graph {
    let units = graph(lines);
    let plan = Plan::new(&units);
    let mut targets = crate::target::all(&plan, &BTreeMap::new()).unwrap();
    targets.retain(|target| only.is_none_or(|name| target.name == name));
    Graph::new(&units, &plan, &targets, known)
}

#[test]
fn each_vertex_is_shown_with_its_inputs_once() {
    expect![[r#"
        image server
        └── server 1.0.0 (bin "server")
            └── api 1.0.0
                ├── derive 1.0.0 (host)
                │   └── syn 2.0.0 (host)
                │       └── ident 1.0.0 (host)
                └── io 1.0.0
                    └── core 1.0.0
        image tool
        └── tool 1.0.0 (bin "tool")
            └── core 1.0.0
    "#]]
    .assert_eq(&of(LINES, None, &BTreeMap::new()).answer().text);
}

#[test]
fn what_is_repeated_is_marked_and_numbers_stand_once() {
    let numbers =
        (0..8).map(|index| (VertexId(index), known(f64::from(index) * 1.5, 400 * u64::from(index))));
    let lines = "a@1.0.0 lib target
                 b@1.0.0 lib target -> a@1.0.0
                 one bin target -> b@1.0.0
                 two bin target -> b@1.0.0";
    expect![[r#"
        image one
        └── one 1.0.0 (bin "one")    3.0 s     800 B
            └── b 1.0.0              1.5 s     400 B
                └── a 1.0.0          0.0 s       0 B
        image two
        └── two 1.0.0 (bin "two")    4.5 s    1.2 kB
            └── b 1.0.0 (*)
    "#]]
    .assert_eq(&of(lines, None, &numbers.collect()).answer().text);
}

#[test]
fn the_json_has_all_inputs_and_what_is_known() {
    let numbers = BTreeMap::from([(VertexId(0), known(0.5, 10))]);
    let json = of(LINES, Some("tool"), &numbers).answer().json;
    let vertices = json["vertices"].as_array().unwrap();
    let ids: Vec<&str> = vertices.iter().map(|vertex| vertex["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["/t/core-1.0.0", "/t/tool-1.0.0.bin.tool", "image/tool"]);
    assert_eq!(vertices[1]["inputs"], json!(["/t/core-1.0.0"]));
    assert_eq!((&vertices[1]["kind"], &vertices[1]["part"]), (&json!("member"), &json!("tool")));
    assert!(json["svg"].as_str().unwrap().starts_with("<svg "));
    let all = of(LINES, Some("server"), &BTreeMap::new()).answer().json;
    let server = all["vertices"].as_array().unwrap().iter().find(|it| it["part"] == "server").unwrap();
    assert_eq!(server["inputs"].as_array().map(Vec::len), Some(4), "all, and not only what is drawn");
}

#[test]
fn the_picture_is_xml_and_has_every_vertex_and_arrow() {
    let lines = LINES.replace("api", "a-b_c");
    let graph = of(&lines, None, &BTreeMap::from([(VertexId(2), known(70.0, 5_000_000))]));
    let text = graph.answer_svg().text;
    let svg = roxmltree::Document::parse(&text).unwrap();
    let titles = |class: &str, tag: &str| -> BTreeSet<String> {
        let is_ours = |node: &roxmltree::Node<'_, '_>| {
            let classes = node.attribute("class").unwrap_or_default();
            node.has_tag_name(("http://www.w3.org/2000/svg", tag)) && classes.split(' ').any(|it| it == class)
        };
        let nodes = svg.descendants().filter(is_ours);
        let title = |node: roxmltree::Node<'_, '_>| {
            node.children().find(|child| child.tag_name().name() == "title")?.text().map(str::to_owned)
        };
        nodes.filter_map(title).map(|title| title.lines().next().unwrap().to_owned()).collect()
    };
    let boxes: BTreeSet<String> =
        ["crate", "member", "image"].iter().flat_map(|class| titles(class, "g")).collect();
    assert_eq!(boxes, graph.vertices.iter().map(|vertex| vertex.name.clone()).collect());
    assert_eq!(boxes.len(), 10);
    let arrows = graph.vertices.iter().flat_map(|vertex| {
        vertex.arrows.iter().map(|input| format!("{} → {}", graph.vertices[*input].name, vertex.name))
    });
    let arrows: BTreeSet<String> = arrows.collect();
    assert_eq!(arrows.len(), 9);
    assert_eq!(titles("arrow", "path"), arrows);
    assert!(text.contains("1m 10s · 5.0 MB"), "{text}");
}

#[test]
fn names_cannot_break_the_picture() {
    let mut graph = of(LINES, None, &BTreeMap::new());
    graph.vertices[0].name = "<&\"'>".to_owned();
    let text = graph.svg();
    let svg = roxmltree::Document::parse(&text).unwrap();
    assert!(svg.descendants().any(|node| node.text() == Some("<&\"'>")));
}

#[test]
fn the_longest_chain_is_the_one_that_takes_longest() {
    let times =
        [("/h/ident-1.0.0", 1.0), ("/h/syn-2.0.0", 5.0), ("/t/io-1.0.0", 2.0), ("/t/core-1.0.0", 2.0)];
    let mut graph = of(LINES, Some("server"), &BTreeMap::new());
    assert!(graph.longest_chain().is_empty());
    for vertex in &mut graph.vertices {
        let time = times.iter().find(|(id, _)| *id == vertex.id);
        vertex.known = time.map(|(_, seconds)| known(*seconds, 0));
    }
    let names: Vec<&str> =
        graph.longest_chain().into_iter().map(|index| graph.vertices[index].package.as_str()).collect();
    assert_eq!(names, ["ident", "syn", "derive", "api", "server", "server"]);
}

#[test]
fn numbers_are_short() {
    let durations = [0.04, 9.94, 9.96, 59.4, 59.6, 125.0, 3600.0].map(duration);
    assert_eq!(durations, ["0.0 s", "9.9 s", "10 s", "59 s", "1m 00s", "2m 05s", "60m 00s"]);
    let sizes = [0, 999, 1_000, 99_940, 99_960, 999_999, 2_500_000_000].map(size);
    assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "99.9 kB", "100 kB", "1.0 MB", "2.5 GB"]);
}
