//! What a change makes run, on two plans that differ in a known way.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use expect_test::{Expect, expect};

use super::*;
use crate::{
    call::plan::{MemberFiles, Settings},
    lock::{Lock, LockedPackage},
    plan::Plan,
    registry::Registry,
    units::{PackageIx, UnitGraph, fixture::recording},
};

/// A workspace: two locked packages below a library below two binaries, and a binary that uses none of them.
const LINES: &str = "
    itoa@1.0.0 lib target
    json@1.0.0 run target
    json@1.0.0 lib target -> itoa@1.0.0
    api lib target -> json@1.0.0
    server bin target -> api json@1.0.0
    tool bin target -> itoa@1.0.0
    alone bin target
";

fn settings() -> Settings {
    Settings {
        toolchain: "rust:1.95-bookworm".to_owned(),
        toolchain_digest: format!("sha256:{}", "1".repeat(64)),
        helper: Some("sha256:a".to_owned()),
        profile: "release".to_owned(),
        ..Settings::default()
    }
}

/// The document of the workspace that the lines describe; `edit` changes a recorded call's arguments or environment.
fn document_with(lines: &str, edit: impl Fn(&mut longshore_helper::recording::Call)) -> Document {
    let (mut recording, metadata) = recording(lines);
    recording.calls.iter_mut().for_each(edit);
    let graph = UnitGraph::new(&recording, &metadata).unwrap();
    let lock = graph.packages.iter().filter(|package| package.member_directory().is_none());
    let lock = lock.map(|package| LockedPackage {
        name: package.name.clone(),
        version: package.version.clone(),
        registry: Registry::crates_io(),
        checksum: "c".repeat(64),
    });
    let members = (0..).map(PackageIx).zip(&graph.packages);
    let members = members.filter_map(|(ix, package)| {
        let path = format!("{}/src/main.rs", package.member_directory()?);
        let digests = Some(BTreeMap::from([(path, "d1".to_owned())]));
        Some((ix, MemberFiles { digests, ..MemberFiles::default() }))
    });
    let lock = Lock { packages: lock.collect(), git: Vec::new(), unused: Vec::new() };
    Document::new(settings(), &graph, &Plan::new(&graph), &lock, &members.collect())
}

fn document(lines: &str) -> Document {
    document_with(lines, |_| {})
}

fn check(before: &Document, now: &Document, expected: Expect) {
    expected.assert_eq(&answer(now, Some(before)).text);
}

/// Gives a member's only file other contents.
fn edit(document: &mut Document, member: &str) {
    let Some(Source::Member { files: Some(files), .. }) =
        document.packages.get_mut(member).map(|package| &mut package.source)
    else {
        panic!("no member {member}")
    };
    files.values_mut().for_each(|digest| *digest = "d2".to_owned());
}

#[test]
fn the_same_plan_runs_nothing_again() {
    let same = document(LINES);
    check(
        &same,
        &same.clone(),
        expect![[r#"
        none of 6 vertices runs again
    "#]],
    );
}

#[test]
fn a_bumped_package_runs_with_its_dependents_and_no_others() {
    let now = document(&LINES.replace("json@1.0.0", "json@1.0.1"));
    check(
        &document(LINES),
        &now,
        expect![[r#"
        3 of 6 vertices run again

        json: 1.0.0 -> 1.0.1
            json 1.0.1
            then 2 dependents: api 1.0.0, server 1.0.0 (bin "server")
    "#]],
    );
}

#[test]
fn cargos_hashes_are_not_a_cause() {
    // A bump changes `-C metadata` and file names of all that use the package; nobody wants to read that.
    let now = document_with(&LINES.replace("itoa@1.0.0", "itoa@1.0.1"), |call| {
        for word in &mut call.args {
            if word.starts_with("extra-filename=") && !word.ends_with("l101") {
                word.push_str("beef");
            }
            if let Some((stem, end)) = word.clone().rsplit_once(".rlib").filter(|_| !word.contains("itoa")) {
                *word = format!("{stem}beef.rlib{end}");
            }
        }
    });
    let before = document(LINES);
    let now_server = now.vertices.iter().find(|vertex| vertex.package == "server-1.0.0").unwrap();
    let before_server = before.vertices.iter().find(|vertex| vertex.package == "server-1.0.0").unwrap();
    assert_ne!(now_server.request, before_server.request);
    let changes = Changes::between(&before, &now);
    let causes: Vec<&Cause> = changes.groups.keys().collect();
    let version = Cause::Version { package: "itoa".into(), from: "1.0.0".into(), to: "1.0.1".into() };
    // `alone` uses nothing, so that its hash must have another reason.
    assert_eq!(causes, [&version, &Cause::Commands]);
    let hashed = &changes.groups[&Cause::Commands].own;
    assert_eq!(
        hashed.iter().map(|index| now.vertices[*index].name.as_str()).collect::<Vec<_>>(),
        ["alone 1.0.0 (bin \"alone\")"]
    );
}

#[test]
fn an_edited_member_runs_with_its_dependents() {
    let mut now = document(LINES);
    edit(&mut now, "api-1.0.0");
    check(
        &document(LINES),
        &now,
        expect![[r#"
        2 of 6 vertices run again

        files of api: changed api/src/main.rs
            api 1.0.0
            then 1 dependent: server 1.0.0 (bin "server")
    "#]],
    );
    edit(&mut now, "tool-1.0.0");
    assert_eq!(Changes::between(&document(LINES), &now).run_again().len(), 3);
}

#[test]
fn files_without_digests_are_said_to_be_unknown() {
    let mut before = document(LINES);
    let Some(Source::Member { files, .. }) = before.packages.get_mut("api-1.0.0").map(|it| &mut it.source)
    else {
        panic!("a member")
    };
    *files = None;
    check(
        &before,
        &document(LINES),
        expect![[r#"
            none of 6 vertices runs again, edits of sources aside

            files not compared, since a plan has no digests of them: api
        "#]],
    );
}

#[test]
fn a_new_package_and_one_that_is_gone() {
    let now = document(
        &LINES
            .replace("alone bin target", "alone bin target -> fast")
            .replace("itoa@1.0.0 lib target\n", "itoa@1.0.0 lib target\nfast@0.1.0 lib target\n")
            .replace("-> fast", "-> fast@0.1.0"),
    );
    let before = document(LINES);
    check(
        &before,
        &now,
        expect![[r#"
        2 of 7 vertices run again

        fast 0.1.0 is new
            fast 0.1.0
            then 1 dependent: alone 1.0.0 (bin "alone")

        flag `--extern fast` added
            alone 1.0.0 (bin "alone")
    "#]],
    );
    check(
        &now,
        &before,
        expect![[r#"
        1 of 6 vertices runs again

        flag `--extern fast` gone
            alone 1.0.0 (bin "alone")

        no longer there: fast 0.1.0
    "#]],
    );
}

#[test]
fn another_toolchain_runs_everything() {
    let mut now = document(LINES);
    now.settings.toolchain = "rust:1.96-bookworm".to_owned();
    now.settings.toolchain_digest = format!("sha256:{}", "2".repeat(64));
    check(
        &document(LINES),
        &now,
        expect![[r#"
        6 of 6 vertices run again

        toolchain: rust:1.95-bookworm -> rust:1.96-bookworm

        the toolchain image: 111111111111 -> 222222222222
            all vertices
    "#]],
    );
}

#[test]
fn another_name_of_the_same_image_runs_nothing() {
    let mut now = document(LINES);
    now.settings.toolchain = "rust:latest".to_owned();
    assert!(Changes::between(&document(LINES), &now).run_again().is_empty());
}

#[test]
fn features_flags_and_environment_are_named() {
    let now = document_with(LINES, |call| {
        let is = |name: &str| call.args.windows(2).any(|pair| pair == ["--crate-name", name]);
        let (is_itoa, is_tool, is_alone) = (is("itoa"), is("tool"), is("alone"));
        if is_itoa {
            call.args.extend(["--cfg".to_owned(), "feature=\"std\"".to_owned()]);
        }
        if is_tool {
            call.args.extend(["-C".to_owned(), "target-cpu=x86-64-v3".to_owned()]);
        }
        if is_alone {
            call.env.insert("GIT_SHA".to_owned(), "abc".to_owned());
        }
    });
    check(
        &document(LINES),
        &now,
        expect![[r#"
        6 of 6 vertices run again

        features of itoa 1.0.0: +std
            itoa 1.0.0
            then 4 dependents: api 1.0.0, json 1.0.0, server 1.0.0 (bin "server"), tool 1.0.0 (bin "tool")

        flag `-C target-cpu=x86-64-v3` added
            tool 1.0.0 (bin "tool")

        variable GIT_SHA: not set -> "abc"
            alone 1.0.0 (bin "alone")
    "#]],
    );
}

#[test]
fn a_flag_of_another_value_is_one_cause() {
    let with = |level: &str| {
        document_with(LINES, |call| call.args.extend(["-C".to_owned(), format!("opt-level={level}")]))
    };
    check(
        &with("2"),
        &with("3"),
        expect![[r#"
        6 of 6 vertices run again

        flag `-C opt-level=2` -> `-C opt-level=3`
            all vertices
    "#]],
    );
}

#[test]
fn a_package_used_on_the_host_for_the_first_time_is_a_new_vertex() {
    let now = document(&format!("{LINES}\nitoa@1.0.0 lib host\n"));
    check(
        &document(LINES),
        &now,
        expect![[r#"
        1 of 7 vertices runs again

        itoa 1.0.0 (host) was not built before
            itoa 1.0.0 (host)
    "#]],
    );
}

#[test]
fn a_file_outside_that_is_seen_now_and_another_checksum() {
    let mut now = document(LINES);
    for (key, package) in &mut now.packages {
        match &mut package.source {
            Source::Locked { checksum } if key == "itoa-1.0.0" => *checksum = "e".repeat(64),
            Source::Member { outside, .. } if key == "alone-1.0.0" => {
                outside.insert(Utf8PathBuf::from("README.md"));
            }
            _ => {}
        }
    }
    let changes = Changes::between(&document(LINES), &now);
    assert_eq!(
        changes.groups.keys().cloned().collect::<Vec<_>>(),
        [
            Cause::Checksum { package: "itoa 1.0.0".to_owned() },
            Cause::Outside {
                package: "alone".to_owned(),
                added: ["README.md".to_owned()].into(),
                removed: BTreeSet::new(),
            },
        ]
    );
}

#[test]
fn keys_are_told_without_an_earlier_plan() {
    let small = document(
        "json@1.0.0 lib target
         server bin target -> json@1.0.0",
    );
    let answer = answer(&small, None);
    expect![[r#"
        2 vertices. Each runs again when something changes that is listed for it.

        all of them
            toolchain    rust:1.95-bookworm (111111111111)
            helper       a

        json 1.0.0
            source       Cargo.lock, checksum cccccccccccc
            runs         1 command with 1 variable (REQUEST)

        server 1.0.0 (bin "server")
            source       server (1 file)
            runs         1 command with 2 variables (REQUEST)
            sees         json 1.0.0
    "#]]
    .assert_eq(
        &small.vertices.iter().fold(answer.text, |text, vertex| {
            text.replace(&vertex.request["sha256:".len()..][..12], "REQUEST")
        }),
    );
    assert_eq!(answer.json["vertices"][0]["source"]["locked"]["checksum"], "c".repeat(64));
    assert_eq!(answer.json.get("changes"), None);
}

#[test]
fn the_json_names_causes_and_vertices() {
    let now = document(&LINES.replace("json@1.0.0", "json@1.0.1"));
    let json = answer(&now, Some(&document(LINES))).json;
    assert_eq!(json["changes"]["runAgain"].as_array().map(Vec::len), Some(3));
    let cause = &json["changes"]["causes"][0];
    assert_eq!((&cause["cause"], &cause["from"]), (&"version".into(), &"1.0.0".into()));
    assert_eq!(cause["vertices"][0], "/t/json-1.0.1");
}
