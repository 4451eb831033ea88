//! Which vertices a graph of units becomes, and what each of them sees.

use expect_test::{Expect, expect};

use super::*;
use crate::units::fixture::graph;

fn check(lines: &str, expected: Expect) {
    let plan = Plan::new(&graph(lines));
    let mut text = String::new();
    for vertex in &plan.vertices {
        let steps: Vec<&str> = vertex
            .spec
            .steps
            .iter()
            .map(|step| match step {
                Step::Rustc(step) => {
                    step.name.rsplit_once('(').map_or("?", |(_, what)| what.trim_end_matches(')'))
                }
                Step::BuildScript(_) => "run",
            })
            .collect();
        text += &format!("{}: {}\n", vertex.output(), steps.join(", "));
        for input in &vertex.inputs {
            text += &format!("    see {}\n", plan.vertex(*input).output());
        }
    }
    for target in &plan.targets {
        text += &format!("{} = {}\n", target.name, plan.vertex(target.vertex).output());
    }
    expected.assert_eq(&text);
}

#[test]
fn a_members_binary_is_a_vertex_of_its_own_and_sees_its_library() {
    check(
        "app run target
         app lib target
         app bin target -> app",
        expect![[r#"
            /t/app-1.0.0: build script, run, lib
            /t/app-1.0.0.bin.app: bin "app"
                see /t/app-1.0.0
            app = /t/app-1.0.0.bin.app
        "#]],
    );
}

#[test]
fn a_locked_package_is_one_vertex_for_each_side() {
    check(
        "dep@2.0.0 run target
         dep@2.0.0 lib target
         dep@2.0.0 run host
         dep@2.0.0 lib host
         mac proc host -> dep@2.0.0
         app bin target -> dep@2.0.0 mac",
        expect![[r#"
            /t/dep-2.0.0: build script, run, lib
            /h/dep-2.0.0: build script, run, lib
            /h/mac-1.0.0: proc macro
                see /h/dep-2.0.0
            /t/app-1.0.0.bin.app: bin "app"
                see /t/dep-2.0.0
                see /h/mac-1.0.0
            app = /t/app-1.0.0.bin.app
        "#]],
    );
}

#[test]
fn what_a_library_needs_is_seen_by_those_that_link_it() {
    check(
        "c lib target
         b lib target -> c
         a lib target -> b
         app bin target -> a",
        expect![[r#"
            /t/c-1.0.0: lib
            /t/b-1.0.0: lib
                see /t/c-1.0.0
            /t/a-1.0.0: lib
                see /t/c-1.0.0
                see /t/b-1.0.0
            /t/app-1.0.0.bin.app: bin "app"
                see /t/c-1.0.0
                see /t/b-1.0.0
                see /t/a-1.0.0
            app = /t/app-1.0.0.bin.app
        "#]],
    );
}

#[test]
fn links_metadata_is_seen_by_the_script_that_is_told() {
    check(
        "sys=z run target
         sys=z lib target
         mid run target
         mid lib target -> sys
         app bin target -> mid",
        expect![[r#"
            /t/sys-1.0.0: build script, run, lib
            /t/mid-1.0.0: build script, run, lib
                see /t/sys-1.0.0
            /t/app-1.0.0.bin.app: bin "app"
                see /t/sys-1.0.0
                see /t/mid-1.0.0
            app = /t/app-1.0.0.bin.app
        "#]],
    );
}

#[test]
fn a_build_script_alone_is_seen_by_its_binary() {
    check(
        "app run target
         app bin target",
        expect![[r#"
            /t/app-1.0.0: build script, run
            /t/app-1.0.0.bin.app: bin "app"
                see /t/app-1.0.0
            app = /t/app-1.0.0.bin.app
        "#]],
    );
}

#[test]
fn the_closure_of_a_target_leaves_the_others_out() {
    let plan = Plan::new(&graph(
        "shared lib target
         one bin target -> shared
         two lib target
         three bin target -> two",
    ));
    let outputs = |name: &str| -> Vec<&str> {
        let target = plan.targets.iter().find(|target| target.name == name).unwrap();
        plan.closure([target.vertex]).into_iter().map(|id| plan.vertex(id).output()).collect()
    };
    assert_eq!(outputs("one"), ["/t/shared-1.0.0", "/t/one-1.0.0.bin.one"]);
    assert_eq!(outputs("three"), ["/t/two-1.0.0", "/t/three-1.0.0.bin.three"]);
}

#[test]
fn dependencies_come_before_dependents() {
    let plan = Plan::new(&graph(
        "z lib target
         m lib target -> z
         a lib target -> m
         app bin target -> a z",
    ));
    for (id, vertex) in (0..).map(VertexId).zip(&plan.vertices) {
        assert!(vertex.inputs.iter().all(|input| *input < id), "{}", vertex.output());
        let seen: Vec<&str> = vertex.inputs.iter().map(|input| plan.vertex(*input).output()).collect();
        let told: BTreeSet<&str> = vertex.spec.dependencies.iter().map(String::as_str).collect();
        assert_eq!(
            seen.into_iter().collect::<BTreeSet<_>>(),
            told,
            "what is mounted is what the helper is told of"
        );
    }
}

#[test]
fn no_path_of_the_recording_is_left() {
    let plan = Plan::new(&graph(
        "sys=z run target
         sys=z lib target
         mac proc host
         app run target
         app lib target -> sys mac
         app bin target -> app",
    ));
    let text = plan.to_string();
    assert!(text.contains("rustc ") && text.contains("run "), "{text}");
    assert!(!text.contains(paths::RECORDING_TARGET), "{text}");
}

#[test]
fn a_toolkit_is_seen_by_who_wants_it_and_what_is_linked_with_that() {
    let graph = graph(
        "pjrt@2.0.0 run host
         pjrt@2.0.0 lib host
         mac proc host -> pjrt@2.0.0
         cuda@3.0.0 run target
         cuda@3.0.0 lib target
         aot bin target -> mac
         gpu bin target -> cuda@3.0.0",
    );
    let plan = Plan::new(&graph);
    let wanted = plan.closure(plan.targets.iter().map(|target| target.vertex));
    let seeing = |names: &[&str]| -> Vec<&str> {
        let seeing = plan.seeing(&wanted, |package| names.contains(&graph.package(package).name.as_str()));
        seeing.into_iter().map(|id| plan.vertex(id).output()).collect()
    };
    assert_eq!(seeing(&["cuda"]), ["/t/cuda-3.0.0", "/t/gpu-1.0.0.bin.gpu"]);
    // No program is linked with what runs in the build.
    assert_eq!(seeing(&["pjrt"]), ["/h/pjrt-2.0.0"]);
    assert_eq!(seeing(&["pjrt", "aot"]), ["/h/pjrt-2.0.0", "/t/aot-1.0.0.bin.aot"]);
    assert!(seeing(&[]).is_empty());
}

#[test]
fn optimising_across_crates_is_heavy() {
    for (args, expected) in [
        ("-C|lto", true),
        ("-Clto", true),
        ("-C|lto=thin", true),
        ("-C|lto=off", false),
        ("-C|linker-plugin-lto", false),
        ("-C|opt-level=3|--cfg|lto", false),
    ] {
        let args: Vec<String> = args.split('|').map(str::to_owned).collect();
        assert_eq!(has_lto(&args), expected, "{args:?}");
    }
}
