//! Which files belong to a member, and which it sees besides.

use buildkit_llb::SourceFile;
use expect_test::{Expect, expect};

use super::*;
use crate::units::Side;

fn listing(files: &str) -> Listing {
    let mut entries = BTreeMap::new();
    for file in files.split_whitespace() {
        let path = Utf8Path::new(file);
        entries.extend(path.ancestors().skip(1).map(|above| (above.to_owned(), Kind::Directory)));
        entries.insert(path.to_owned(), Kind::File);
    }
    entries.into_iter().collect()
}

fn paths_of(text: &str) -> BTreeSet<Utf8PathBuf> {
    text.split_whitespace().map(Utf8PathBuf::from).collect()
}

fn shown(paths: &BTreeSet<Utf8PathBuf>) -> String {
    paths.iter().map(|path| path.as_str()).collect::<Vec<_>>().join(" ")
}

fn check_sources(directory: &str, files: &str, with_examples: bool, expected: Expect) {
    let all = paths_of("app app/inner other");
    let directory = Utf8Path::new(directory);
    let listing = listing(files);
    let nested: Vec<_> = nested_in(directory, &all).collect();
    let sources = own_sources(directory, &nested, &listing, with_examples);
    let text: Vec<String> = sources.map(|(path, role)| format!("{path} {role:?}\n")).collect();
    expected.assert_eq(&text.concat());
}

#[test]
fn sources_are_those_of_crates_and_build_scripts() {
    check_sources(
        "app",
        "app/build.rs app/build/gen.rs app/src/lib.rs app/src/bin/tool.rs app/tests/it.rs app/examples/a.rs \
         app/benches/b.rs app/target/x.rs app/README.md app/inner/src/lib.rs other/src/lib.rs application/src/lib.rs",
        false,
        expect![[r#"
            app/build/gen.rs BuildScript
            app/build.rs BuildScript
            app/src/bin/tool.rs Crate
            app/src/lib.rs Crate
        "#]],
    );
    check_sources(
        "app",
        "app/build.rs app/src/lib.rs app/tests/it.rs app/examples/a.rs app/examples/b/main.rs",
        true,
        expect![[r#"
            app/build.rs BuildScript
            app/examples/a.rs Crate
            app/examples/b/main.rs Crate
            app/src/lib.rs Crate
        "#]],
    );
}

#[test]
fn a_root_package_has_all_that_is_no_members() {
    check_sources(
        "",
        "src/main.rs build.rs tests/it.rs app/src/lib.rs other/build.rs shared/x.rs",
        false,
        expect![[r#"
            build.rs BuildScript
            shared/x.rs BuildScript
            src/main.rs Crate
        "#]],
    );
}

fn check_inputs(patterns: &[&str], expected: Expect) {
    let manifest = SourceFile::new("app/Cargo.toml", "TOML", "[package]\n");
    let inputs: Vec<Input> = patterns
        .iter()
        .map(|pattern| Input { pattern: (*pattern).to_owned(), span: manifest.span(0..9) })
        .collect();
    let listing = listing("proto/api.proto proto/v1/b.proto proto/README.md models/a.bin NOTICE");
    let mut problems = Vec::new();
    let found = declared(&inputs, &listing, &mut problems);
    let problems: Vec<String> =
        problems.iter().map(|problem| format!("\n{}: {}", problem.code, problem.message)).collect();
    expected.assert_eq(&format!("{}{}", shown(&found), problems.concat()));
}

#[test]
fn inputs_are_files_directories_and_patterns() {
    check_inputs(&["NOTICE", "proto", "models/*.bin"], expect!["NOTICE models/a.bin proto"]);
    check_inputs(&["proto/*.proto"], expect!["proto/api.proto"]);
    check_inputs(&["**/*.proto"], expect!["proto/api.proto proto/v1/b.proto"]);
}

#[test]
fn inputs_that_name_nothing_are_all_told() {
    check_inputs(
        &["missing", "proto/*.txt", "[", "NOTICE"],
        expect![[r#"
        NOTICE
        missing-file: input `missing` is not in the build context
        missing-file: input `proto/*.txt` is not in the build context
        invalid-value: input `[` is no pattern: error parsing glob '[': unclosed character class; missing ']'"#]],
    );
}

#[test]
fn an_input_named_twice_is_no_mistake() {
    check_inputs(&["proto/*.proto", "proto/api.*"], expect!["proto/api.proto"]);
}

#[test]
fn what_lies_in_a_directory_is_copied_with_it() {
    let found = outermost(paths_of("proto proto/api.proto proto/v1/b.proto protocol/x a/b"));
    assert_eq!(shown(&found), "a/b proto protocol/x");
}

fn check_configured(directory: &str, args: &[&str], expected: Expect) {
    let all = paths_of("app app/inner other rust/web").into_iter().chain(["".into()]).collect();
    let listing = listing(
        "Cargo.toml libtop.a linker.ld libs/liba.so tools/cc app/own.ld app/inner/inner.ld other/other.ld other/liba.so.1 \
         other/src/lib.rs rust/libs/libb.a rust/web/src/lib.rs native/x",
    );
    let call = |cwd: &str| Call {
        kind: CallKind::Rustc,
        exe: String::new(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        cwd: cwd.to_owned(),
        env: BTreeMap::from([("CARGO_MANIFEST_DIR".to_owned(), "/ws/other".to_owned())]),
    };
    let directory = Utf8Path::new(directory);
    let nested: Vec<_> = nested_in(directory, &all).collect();
    let around = Around { directory, nested: &nested, all_directories: &all, listing: &listing };
    let text = ["/ws", "/ws/rust", "/longshore/elsewhere"]
        .map(|cwd| format!("{cwd}: {}\n", shown(&around.configured(&call(cwd)))));
    expected.assert_eq(&text.concat());
}

#[test]
fn flags_name_files_relative_to_where_rustc_runs() {
    let flags =
        ["-L", "native=libs", "-Clink-arg=-Tlinker.ld", "-C", "linker=tools/cc", "-Ctarget-cpu=native"];
    check_configured(
        "app",
        &flags,
        expect![[r#"
        /ws: libs linker.ld tools/cc
        /ws/rust: rust/libs
        /longshore/elsewhere: 
    "#]],
    );
}

#[test]
fn configuration_names_files_of_nested_members() {
    let flags =
        ["-Clink-arg=/ws/app/inner/inner.ld", "-Clink-arg=/ws/app/own.ld", "-Clink-arg=-Tother/other.ld"];
    check_configured(
        "app",
        &flags,
        expect![[r#"
        /ws: app/inner/inner.ld other/other.ld
        /ws/rust: app/inner/inner.ld
        /longshore/elsewhere: app/inner/inner.ld
    "#]],
    );
    check_configured(
        "",
        &flags,
        expect![[r#"
        /ws: app/inner/inner.ld app/own.ld other/other.ld
        /ws/rust: app/inner/inner.ld app/own.ld
        /longshore/elsewhere: app/inner/inner.ld app/own.ld
    "#]],
    );
}

#[test]
fn of_directories_around_members_flags_take_libraries() {
    check_configured(
        "app",
        &["-L", "."],
        expect![[r#"
        /ws: libtop.a
        /ws/rust: 
        /longshore/elsewhere: 
    "#]],
    );
    check_configured(
        "app",
        &["-L", "native=other"],
        expect![[r#"
        /ws: other/liba.so.1
        /ws/rust: 
        /longshore/elsewhere: 
    "#]],
    );
}

#[test]
fn what_a_crates_literals_name_is_no_more_than_one_package_reads() {
    let all = paths_of("app app/inner other rust/web");
    let listing = listing(
        "app/src/lib.rs app/inner/src/lib.rs other/Cargo.toml other/migrations/1.sql rust/web/src/lib.rs rust/notes.md \
         migrations/1.sql target/release/app",
    );
    let read: BTreeSet<Utf8PathBuf> = paths_of(
        "app app/inner other other/migrations rust rust/notes.md migrations missing target target/release",
    )
    .into_iter()
    .filter(|path| is_read(path, &all, Utf8Path::new("target"), &listing))
    .collect();
    assert_eq!(shown(&read), "migrations other/migrations rust/notes.md");
}

fn check_roots(directory: &str, compiled: &str, files: &str, expected: Expect) {
    let listing = listing(files);
    let all = paths_of("app tools/inner");
    let around =
        Around { directory: directory.into(), nested: &[], all_directories: &all, listing: &listing };
    let units: Vec<Unit> = compiled
        .split_whitespace()
        .map(|root| {
            let is_script = root.ends_with("build.rs");
            let args = ["--crate-name", "a", root, "--out-dir", "/t"].map(str::to_owned).to_vec();
            let cwd = paths::WORKSPACE.to_owned();
            Unit {
                package: PackageIx(0),
                kind: if is_script { UnitKind::BuildScript } else { UnitKind::Bin("a".to_owned()) },
                side: Side::Target,
                call: Call { kind: CallKind::Rustc, exe: String::new(), args, cwd, env: BTreeMap::new() },
                externs: Vec::new(),
                script: None,
                overridden: 0,
            }
        })
        .collect();
    let roots = around.roots(units.iter());
    expected.assert_eq(&roots.iter().map(|(path, role)| format!("{path} {role:?}\n")).collect::<String>());
}

#[test]
fn a_root_that_lies_elsewhere_is_seen_with_what_lies_beside_it() {
    let files = "app/src/main.rs shared/a.rs shared/b.rs scripts/build.rs";
    check_roots(
        "app",
        "app/src/main.rs app/../shared/a.rs app/../shared/b.rs app/../scripts/build.rs app/../shared/gone.rs",
        files,
        expect![[r#"
            scripts BuildScript
            shared Crate
        "#]],
    );
}

#[test]
fn a_root_beside_a_script_is_read_as_one() {
    check_roots(
        "app",
        "app/../shared/a.rs app/../shared/build.rs",
        "shared/a.rs shared/build.rs",
        expect![[r#"
            shared BuildScript
        "#]],
    );
}

#[test]
fn a_root_beside_a_manifest_or_among_members_is_seen_by_itself() {
    check_roots(
        "app",
        "app/../alone/main.rs app/../tools/main.rs app/../main.rs",
        "alone/Cargo.toml alone/main.rs alone/target/big tools/main.rs tools/inner/Cargo.toml main.rs app/src/lib.rs",
        expect![[r#"
            alone/main.rs Crate
            main.rs Crate
            tools/main.rs Crate
        "#]],
    );
}
