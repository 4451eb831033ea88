//! Edges of the unit graph, on graphs of a few units.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};

use super::fixture::{find, graph, recording, shown};
use super::reach::Reach;
use super::*;

fn check(lines: &str, expected: Expect) {
    let graph = graph(lines);
    let mut text = String::new();
    for (id, unit) in graph.iter() {
        text += &shown(&graph, id);
        for dep in &unit.externs {
            text += &format!(" -> {}", shown(&graph, *dep));
        }
        if let Some(script) = unit.script {
            text += &format!(" after {}", shown(&graph, script));
        }
        text.push('\n');
    }
    expected.assert_eq(&text);
}

fn all(graph: &UnitGraph, ids: impl IntoIterator<Item = UnitId>) -> Vec<String> {
    ids.into_iter().map(|id| shown(graph, id)).collect()
}

/// `z` is linked by `mid` and, through it, by `app`; the macro has its own copy of everything.
const LINKED: &str = "
    zsys=z run target
    zsys=z lib target
    mid run target
    mid lib target -> zsys
    mid run host
    mid lib host -> zsys
    zsys=z run host
    zsys=z lib host
    mac proc host -> mid
    app bin target -> mid mac
";

#[test]
fn externs_and_out_dirs_are_edges() {
    check(
        LINKED,
        expect![[r#"
        app bin target -> mid lib target -> mac proc host
        mac proc host -> mid lib host
        mid script host
        mid run host after mid script host
        mid run target after mid script host
        mid lib host -> zsys lib host after mid run host
        mid lib target -> zsys lib target after mid run target
        zsys script host
        zsys run host after zsys script host
        zsys run target after zsys script host
        zsys lib host after zsys run host
        zsys lib target after zsys run target
    "#]],
    );
}

#[test]
fn a_library_on_both_sides_is_two_units_with_one_script() {
    let graph = graph(LINKED);
    let scripts = graph.iter().filter(|(_, unit)| unit.kind == UnitKind::BuildScript).count();
    assert_eq!(scripts, 2, "one for each package");
    for side in ["host", "target"] {
        let run = graph.unit(find(&graph, &format!("mid lib {side}"))).script.unwrap();
        assert_eq!(shown(&graph, run), format!("mid run {side}"));
        assert_eq!(shown(&graph, graph.unit(run).script.unwrap()), "mid script host");
    }
}

#[test]
fn what_a_macro_is_made_from_is_not_opened() {
    let graph = graph(LINKED);
    let reach = Reach::new(&graph);
    let app = find(&graph, "app bin target");
    assert_eq!(
        all(&graph, reach.loadable(app).to_vec()),
        ["mac proc host", "mid lib target", "zsys lib target"]
    );
    let mac = find(&graph, "mac proc host");
    assert_eq!(all(&graph, reach.loadable(mac).to_vec()), ["mid lib host", "zsys lib host"]);
}

#[test]
fn link_directives_come_from_libraries_below_nearest_first_without_ones_own() {
    let graph = graph(LINKED);
    for (unit, scripts) in [
        ("app bin target", vec!["mid run target", "zsys run target"]),
        ("mid lib target", vec!["zsys run target"]),
        ("mac proc host", vec!["mid run host", "zsys run host"]),
        ("zsys lib target", vec![]),
    ] {
        assert_eq!(
            all(&graph, Reach::new(&graph).linked_scripts(find(&graph, unit)).to_vec()),
            scripts,
            "{unit}"
        );
    }
}

#[test]
fn a_library_reached_twice_says_its_directives_once() {
    let graph = graph(
        "c run target
         c lib target
         b run target
         b lib target -> c
         a run target
         a lib target -> c
         app bin target -> b a",
    );
    let scripts = all(&graph, Reach::new(&graph).linked_scripts(find(&graph, "app bin target")).to_vec());
    assert_eq!(scripts, ["a run target", "c run target", "b run target"], "packages in order, depth first");
}

#[test]
fn links_metadata_goes_to_direct_dependents_of_the_same_side_only() {
    let graph = graph(LINKED);
    let reach = Reach::new(&graph);
    let links = |unit: &str| -> Vec<(String, String)> {
        reach.links_of(find(&graph, unit)).map(|(name, run)| (name.to_owned(), shown(&graph, run))).collect()
    };
    assert_eq!(links("mid run target"), [("z".to_owned(), "zsys run target".to_owned())]);
    assert_eq!(links("mid run host"), [("z".to_owned(), "zsys run host".to_owned())]);
    assert_eq!(links("zsys run target"), []);
}

#[test]
fn versions_of_a_package_stand_in_their_order() {
    let graph = graph(
        "dep@0.10.0 lib target
         dep@0.9.1 lib target
         dep@0.9.1-rc.1 lib target
         app bin target -> dep@0.9.1 dep@0.9.1-rc.1 dep@0.10.0",
    );
    let versions: Vec<&str> =
        graph.packages().filter(|(_, it)| it.name == "dep").map(|(_, it)| it.version.as_str()).collect();
    assert_eq!(versions, ["0.9.1-rc.1", "0.9.1", "0.10.0"]);
}

#[test]
fn packages_of_one_name_and_version_have_keys_of_their_own() {
    let graph = graph(
        "twin lib target
         twin@1.0.0 lib target
         twin@2.0.0 lib target
         app bin target -> twin twin@1.0.0 twin@2.0.0",
    );
    let keys: Vec<_> =
        graph.packages.iter().map(|package| (package.key.as_str(), package.member_directory())).collect();
    let member = Utf8Path::new("twin");
    assert_eq!(
        keys,
        [
            ("app-1.0.0", Some(Utf8Path::new("app"))),
            ("twin-1.0.0", Some(member)),
            ("twin-1.0.0.2", None),
            ("twin-2.0.0", None)
        ]
    );
}

#[test]
fn crate_types_decide_what_a_unit_is() {
    check(
        "plug cdylib target -> helper
         helper lib target
         tool bin host",
        expect![[r#"
            helper lib target
            plug cdylib target -> helper lib target
            tool bin host
        "#]],
    );
}

#[test]
fn a_recording_that_contradicts_itself_is_refused_with_what_is_missing() {
    type Break = fn(&mut Recording, &mut Metadata);
    let breaks: [(&str, Break); 5] = [
        ("nothing writes", |recording, _| {
            recording.calls.retain(|call| !call.args.contains(&"zsys".to_owned()));
        }),
        ("no build script writes", |recording, _| {
            recording.calls.retain(|call| !call.exe.contains("mid"));
        }),
        ("nothing compiled the build script", |recording, _| {
            recording.calls.retain(|call| !call.args.contains(&"build_script_build".to_owned()));
        }),
        ("`cargo metadata` knows no package at `/ws/app`", |_, metadata| {
            metadata.packages.retain(|package| package.name != "app");
        }),
        ("a call has no CARGO_MANIFEST_DIR", |recording, _| {
            recording.calls[0].env = BTreeMap::new();
        }),
    ];
    for (complaint, break_it) in breaks {
        let (mut recording, mut metadata) = recording(LINKED);
        break_it(&mut recording, &mut metadata);
        let error = UnitGraph::new(&recording, &metadata).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}

#[test]
fn an_out_dir_of_the_users_own_needs_no_build_script() {
    let (mut recording, metadata) = recording("app bin target");
    recording.calls[0].env.insert("OUT_DIR".to_owned(), "/ws/generated".to_owned());
    let graph = UnitGraph::new(&recording, &metadata).unwrap();
    assert_eq!(graph.unit(find(&graph, "app bin target")).script, None);
}

#[test]
fn members_by_default_are_those_that_cargo_says() {
    let (recording, metadata) = recording("server bin target\nworker bin target");
    let worker = metadata.packages.iter().find(|package| package.name == "worker").unwrap().id.clone();
    let mut metadata = serde_json::to_value(metadata).unwrap();
    metadata["workspace_default_members"] = serde_json::json!([worker]);
    let metadata = serde_json::from_value(metadata).unwrap();
    let graph = UnitGraph::new(&recording, &metadata).unwrap();
    let defaults: Vec<bool> = graph.packages().map(|(_, package)| package.is_default).collect();
    assert_eq!(defaults, [false, true]);
}

#[test]
fn the_order_of_calls_does_not_matter() {
    let (recording, metadata) = recording(LINKED);
    let mut other = recording.clone();
    other.calls.reverse();
    assert_eq!(UnitGraph::new(&recording, &metadata), UnitGraph::new(&other, &metadata));
}

/// A program and, with the same call as a library, none: what `root` is to the package decides.
fn kinds(root: &str, crate_type: &str) -> Vec<UnitKind> {
    let (mut recording, metadata) = recording("app bin target");
    let mut metadata = serde_json::to_value(&metadata).unwrap();
    metadata["packages"][0]["targets"] = serde_json::json!([{
        "name": "app", "kind": ["example"], "crate_types": [crate_type], "src_path": "/ws/app/../shared/app.rs",
    }]);
    let mut calls = recording.calls;
    for call in &mut calls {
        call.args.insert(2, root.to_owned());
        for arg in call.args.iter_mut().filter(|arg| *arg == "bin") {
            crate_type.clone_into(arg);
        }
    }
    recording.calls = calls;
    let graph = UnitGraph::new(&recording, &serde_json::from_value(metadata).unwrap()).unwrap();
    graph.units.into_iter().map(|unit| unit.kind).collect()
}

#[test]
fn examples_are_told_from_others_by_their_source() {
    assert_eq!(kinds("app/../shared/app.rs", "bin"), [UnitKind::Example("app".to_owned())]);
    assert_eq!(kinds("app/src/main.rs", "bin"), [UnitKind::Bin("app".to_owned())]);
    assert_eq!(kinds("app/src/lib.rs", "cdylib"), [UnitKind::Lib { cdylib: true }]);
    assert_eq!(kinds("app/../shared/app.rs", "cdylib"), [], "an example that nobody can ask for");
}
