//! What is built when a name is asked for, or none.

use expect_test::{Expect, expect};

use buildkit_llb::SourceFile;

use super::*;
use crate::{
    config::{BinName, ImageOverrides},
    plan::Plan,
    units::{UnitGraph, fixture::graph},
};

/// A member for each of the words, with a binary of the package's name.
fn plan(names: &str) -> Plan {
    let lines: Vec<String> = names.split_whitespace().map(|name| format!("{name} bin target")).collect();
    Plan::new(&graph(&lines.join("\n")))
}

fn image(bin: &str) -> ImageTable {
    let span = SourceFile::new("Cargo.toml", "TOML", bin).span(0..bin.len());
    let bins = vec![BinName { value: bin.to_owned(), span }];
    ImageTable { bins, image: ImageOverrides::default(), span: None }
}

fn check(plan: &Plan, asked: Option<&str>, expected: Expect) {
    let targets = all(plan, &BTreeMap::new()).unwrap();
    let text = match select(&targets, asked) {
        Ok(target) => {
            format!("{} of vertex {}", target.name, plan.vertex(target.artifacts[0].vertex).output())
        }
        Err(refused) => {
            format!("{}: {}\nhelp: {}", refused.code, refused.message, refused.help.unwrap_or_default())
        }
    };
    expected.assert_eq(&text);
}

#[test]
fn the_only_binary_needs_no_name() {
    check(&plan("server"), None, expect!["server of vertex /t/server-1.0.0.bin.server"]);
    check(&plan("server"), Some("server"), expect!["server of vertex /t/server-1.0.0.bin.server"]);
}

#[test]
fn of_several_the_default_members_is_built_when_nothing_is_named() {
    let mut graph = graph("server bin target\nworker bin target");
    graph.packages[1].is_default = true;
    check(&Plan::new(&graph), None, expect!["worker of vertex /t/worker-1.0.0.bin.worker"]);
}

#[test]
fn a_library_that_is_shared_and_static_is_one_target_of_two_files() {
    let plan = Plan::new(&graph("ffi ffi target\nother cdylib target"));
    let images = BTreeMap::from([("image".to_owned(), image("libffi"))]);
    let targets = all(&plan, &images).unwrap();
    let files = |name: &str| -> Vec<&str> {
        let target = select(&targets, Some(name)).unwrap();
        target.artifacts.iter().map(|artifact| artifact.installed.as_str()).collect()
    };
    assert_eq!(files("libffi"), ["libffi.so", "libffi.a"]);
    assert_eq!(files("ffi:libffi"), ["libffi.so", "libffi.a"]);
    assert_eq!(files("image"), ["libffi.so"]);
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(names, ["image", "libffi", "libother"]);
}

#[test]
fn of_several_one_is_chosen_by_name() {
    check(&plan("server worker"), Some("worker"), expect!["worker of vertex /t/worker-1.0.0.bin.worker"]);
    check(
        &plan("server worker"),
        None,
        expect![[r#"
            target-required: the workspace has 2 targets, and none was asked for
            help: choose one with `--target`: `server`, `worker`"#]],
    );
}

#[test]
fn a_name_that_is_nearly_right_is_corrected_and_others_get_the_list() {
    check(
        &plan("server worker"),
        Some("sever"),
        expect![[r#"
        unknown-target: no target is named `sever`
        help: did you mean `server`?"#]],
    );
    check(
        &plan("server worker"),
        Some("database"),
        expect![[r#"
            unknown-target: no target is named `database`
            help: targets are `server`, `worker`"#]],
    );
}

#[test]
fn a_workspace_of_libraries_has_no_target() {
    let libraries = Plan::new(&graph("a lib target"));
    check(
        &libraries,
        None,
        expect![[r#"
        no-target: no package of the workspace has a binary
        help: add `src/main.rs` to a package, or a `[[bin]]`; one with `required-features` needs `features` under `[workspace.metadata.longshore]`"#]],
    );
    check(
        &libraries,
        Some("a"),
        expect![[r#"
            unknown-target: no target is named `a`
            help: "#]],
    );
}

#[test]
fn binaries_of_locked_packages_are_no_targets() {
    let plan = Plan::new(&graph("tool@1.0.0 bin target\nserver bin target"));
    check(&plan, None, expect!["server of vertex /t/server-1.0.0.bin.server"]);
}

#[test]
fn a_binary_of_two_packages_is_asked_for_with_its_package() {
    let plan = Plan::new(&renamed(graph("admin bin target\npublic bin target\nworker bin target")));
    check(
        &plan,
        Some("server"),
        expect![[r#"
        ambiguous-target: 2 packages have a binary `server`
        help: name the package as well: `admin:server`, `public:server`"#]],
    );
    check(&plan, Some("public:server"), expect!["public:server of vertex /t/public-1.0.0.bin.server"]);
    check(&plan, Some("worker"), expect!["worker of vertex /t/worker-1.0.0.bin.worker"]);
}

/// The same with the first two packages' binaries called `server`.
fn renamed(mut graph: UnitGraph) -> UnitGraph {
    for unit in graph.units.iter_mut().take(2) {
        unit.kind = crate::units::UnitKind::Bin("server".to_owned());
    }
    graph
}
