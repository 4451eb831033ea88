//! What a user may write, what it becomes, and what is said about everything else.

mod accelerators;
mod settings;
mod values;

use buildkit_llb::SourceFile;
use expect_test::{Expect, expect};

use super::{Config, Given, ImageSettings, PackageConfig};
use crate::diagnostic::text;

fn manifest(text: &str) -> SourceFile {
    SourceFile::new("Cargo.toml", "TOML", text.as_bytes())
}

fn workspace(text: &str) -> Config {
    Config::from_workspace_manifest(&manifest(text), &Given::new())
        .unwrap_or_else(|error| panic!("{}", text::draw(&error)))
}

fn package(text: &str) -> PackageConfig {
    PackageConfig::from_manifest(&manifest(text), None)
        .unwrap_or_else(|error| panic!("{}", text::draw(&error)))
}

#[track_caller]
fn refused_workspace(text: &str, expected: Expect) {
    expected.assert_eq(&text::draw(
        &Config::from_workspace_manifest(&manifest(text), &Given::new()).unwrap_err(),
    ));
}

#[track_caller]
fn refused_package(text: &str, expected: Expect) {
    expected.assert_eq(&text::draw(&PackageConfig::from_manifest(&manifest(text), None).unwrap_err()));
}

/// The message only, for the many values of one key.
#[track_caller]
fn refused_key(line: &str, expected: Expect) {
    let text = format!("[package.metadata.longshore]\n{line}\n");
    expected.assert_eq(&PackageConfig::from_manifest(&manifest(&text), None).unwrap_err().to_string());
}

#[test]
fn nothing_written_is_the_default() {
    assert_eq!(workspace("[package]\nname = \"a\"\n"), Config::default());
    assert_eq!(workspace(""), Config::default());
    assert_eq!(package("[package]\nname = \"a\"\n"), PackageConfig::default());
}

#[test]
fn tables_of_other_tools_may_hold_what_they_want() {
    workspace("workspace.metadata.docs = 1\n");
    workspace("[workspace]\nmetadata = 1\n");
    package("[package]\nmetadata = 1\n");
    package("package = 1\n");
}

#[test]
fn every_key_of_a_workspace() {
    let config =
        workspace("[workspace.metadata.longshore]\ntoolchain = \"registry.example.com:5000/rust:1.95\"\n");
    assert_eq!(config.toolchain.reference.to_string(), "registry.example.com:5000/rust:1.95");
    assert_eq!(config.toolchain.span.unwrap().to_string(), "Cargo.toml:2");

    let config = workspace(
        r#"
        [workspace.metadata.longshore]
        profile = "dist"
        features = ["tls", "server/metrics"]
        no-default-features = true
        all-features = false
        base = "scratch"
        user = "app"
        workdir = "/srv"
        expose = [8080, "53/udp", "8080/tcp"]
        cmd = ["--config", "/etc/app.toml"]
        env = { RUST_LOG = "info", EMPTY = "" }

        [workspace.metadata.longshore.labels]
        "org.opencontainers.image.vendor" = "Example"
        "#,
    );
    expect![[r#"
        dist ["tls", "server/metrics"] true false
        base scratch
        user app
        workdir Some("/srv")
        env {"EMPTY": "", "RUST_LOG": "info"}
        labels {"org.opencontainers.image.vendor": "Example"}
        expose ["53/udp", "8080/tcp"]
        entrypoint None
        cmd ["--config", "/etc/app.toml"]
    "#]]
    .assert_eq(&summary(&config));
}

fn summary(config: &Config) -> String {
    let Config { profile, features, no_default_features, all_features, image, .. } = config;
    format!("{profile} {features:?} {no_default_features} {all_features}\n{}", image_summary(image))
}

fn image_summary(image: &ImageSettings) -> String {
    let ImageSettings { base, user, workdir, env, labels, expose, entrypoint, cmd, .. } = image;
    let expose: Vec<String> = expose.iter().map(ToString::to_string).collect();
    let base = match base {
        super::Base::Fitting => "fitting".to_owned(),
        super::Base::Scratch => "scratch".to_owned(),
        super::Base::Image(name) => name.reference.familiar(),
    };
    format!(
        "base {base}\nuser {user}\nworkdir {workdir:?}\nenv {env:?}\nlabels {labels:?}\nexpose {expose:?}\n\
         entrypoint {entrypoint:?}\ncmd {cmd:?}\n"
    )
}

#[test]
fn a_package_overrides_its_workspace() {
    let config = workspace(
        r#"
        [workspace.metadata.longshore]
        base = "debian:12"
        env = { A = "workspace", B = "workspace" }
        expose = [80]
        cmd = ["--verbose"]
        "#,
    );
    let package = package(
        r#"
        [package.metadata.longshore]
        base = "registry.example.net/distroless/cc-debian12:nonroot"
        env = { B = "package", C = "package" }
        expose = []
        entrypoint = ["/usr/bin/tini", "--", "/server"]
        "#,
    );
    expect![[r#"
        base registry.example.net/distroless/cc-debian12:nonroot
        user 65532:65532
        workdir None
        env {"A": "workspace", "B": "package", "C": "package"}
        labels {}
        expose []
        entrypoint Some(["/usr/bin/tini", "--", "/server"])
        cmd ["--verbose"]
    "#]]
    .assert_eq(&image_summary(&config.image.with(&package.image)));
}

#[test]
fn inputs_are_cleaned_and_sorted() {
    let package = package(
        r#"
        [package.metadata.longshore]
        inputs = ["./proto/*.proto", "assets/", "LICENSE", "proto//*.proto", "migrations/**/*.sql"]
        "#,
    );
    let patterns: Vec<_> = package.inputs.iter().map(|input| input.pattern.as_str()).collect();
    assert_eq!(patterns, ["LICENSE", "assets", "migrations/**/*.sql", "proto/*.proto"]);
}

#[test]
fn broken_syntax_is_shown_where_it_is() {
    refused_workspace(
        "[package]\nname = \"a\"\n\n[dependencies\nserde = \"1\"\n",
        expect![[r#"
            Cargo.toml:4
            --------------------
               2 |     name = "a"
               3 |     
               4 | >>> [dependencies
               5 |     serde = "1"
               6 |     
            --------------------
            ERROR: failed to build: failed to solve: unclosed table, expected `]`
        "#]],
    );
    refused_workspace(
        "[package]\nname = \"a\nversion = 1\nedition = = 2\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [package]
               2 | >>> name = "a
               3 |     version = 1
               4 |     edition = = 2
            --------------------
            Cargo.toml:4
            --------------------
               2 |     name = "a
               3 |     version = 1
               4 | >>> edition = = 2
               5 |     
            --------------------
            ERROR: failed to build: failed to solve: 2 problems
            Cargo.toml:2: invalid basic string, expected `"`
            Cargo.toml:4: extra `=`, expected nothing
        "#]],
    );
    refused_package(
        "a = 1\na = 2\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     a = 1
               2 | >>> a = 2
               3 |     
            --------------------
            ERROR: failed to build: failed to solve: duplicate key
        "#]],
    );
}

#[test]
fn a_file_that_is_not_utf8_is_refused() {
    let file = SourceFile::new("Cargo.toml", "TOML", b"[package]\nname = \"\xff\"\n");
    expect!["the file is not UTF-8"]
        .assert_eq(&Config::from_workspace_manifest(&file, &Given::new()).unwrap_err().to_string());
}

#[test]
fn three_mistakes_are_three_diagnostics() {
    refused_workspace(
        r#"[workspace.metadata.longshore]
toolchian = "rust:1.95"
user = "app:app:app"
expose = [8080, 0]
env = { PORT = 8080 }
"#,
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata.longshore]
               2 | >>> toolchian = "rust:1.95"
               3 |     user = "app:app:app"
               4 |     expose = [8080, 0]
            --------------------
            Cargo.toml:3
            --------------------
               1 |     [workspace.metadata.longshore]
               2 |     toolchian = "rust:1.95"
               3 | >>> user = "app:app:app"
               4 |     expose = [8080, 0]
               5 |     env = { PORT = 8080 }
            --------------------
            Cargo.toml:4
            --------------------
               2 |     toolchian = "rust:1.95"
               3 |     user = "app:app:app"
               4 | >>> expose = [8080, 0]
               5 |     env = { PORT = 8080 }
               6 |     
            --------------------
            Cargo.toml:5
            --------------------
               3 |     user = "app:app:app"
               4 |     expose = [8080, 0]
               5 | >>> env = { PORT = 8080 }
               6 |     
            --------------------
            ERROR: failed to build: failed to solve: 4 problems
            Cargo.toml:2: unknown key `toolchian`
            help: did you mean `toolchain`?
            Cargo.toml:3: `user` has three parts, expected `user` or `user:group`
            help: write `user = "app:app"`
            Cargo.toml:4: `expose` has `0`, expected a port from 1 to 65535, like `8080` or `"53/udp"`
            Cargo.toml:5: `env.PORT` is an integer, expected a string
        "#]],
    );
}

#[test]
fn a_key_of_the_other_table_says_where_it_belongs() {
    refused_workspace(
        "[workspace.metadata.longshore]\ninputs = []\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata.longshore]
               2 | >>> inputs = []
               3 |     
            --------------------
            ERROR: failed to build: failed to solve: unknown key `inputs`
            help: `inputs` belongs to one package: write it under `[package.metadata.longshore]`
        "#]],
    );
    refused_package(
        "[package.metadata.longshore]\nprofile = \"dev\"\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [package.metadata.longshore]
               2 | >>> profile = "dev"
               3 |     
            --------------------
            ERROR: failed to build: failed to solve: unknown key `profile`
            help: the whole workspace has one `profile`: write it under `[workspace.metadata.longshore]`
        "#]],
    );
}

#[test]
fn a_table_of_the_wrong_type_is_refused() {
    refused_workspace(
        "[workspace.metadata]\nlongshore = true\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata]
               2 | >>> longshore = true
               3 |     
            --------------------
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata]
               2 | >>> longshore = true
               3 |     
            --------------------
            ERROR: failed to build: failed to solve: 2 problems
            Cargo.toml:2: `longshore` is a boolean, expected a table
            Cargo.toml:2: `longshore` is a boolean, expected a table
        "#]],
    );
}

#[test]
fn values_of_the_wrong_type() {
    refused_key("base = 1", expect!["`base` is an integer, expected a string"]);
    refused_key(
        "cmd = \"--verbose\"",
        expect![[r#"
            `cmd` is a string, expected a list of strings
            help: write `cmd = ["--verbose"]`"#]],
    );
    refused_key(
        "expose = 8080",
        expect![[r#"
            `expose` is an integer, expected a list of ports like `8080` or `"53/udp"`
            help: write `expose = [8080]`"#]],
    );
    refused_key(
        "entrypoint = []",
        expect![[r#"
            `entrypoint` is empty, nothing could start the image
            help: leave `entrypoint` out to start the package's binary"#]],
    );
    refused_key("cmd = [\"a\", 1]", expect!["`cmd` has an integer, expected a list of strings"]);
    refused_key("env = []", expect!["`env` is a list, expected a table of strings"]);
    refused_key(
        "expose = [8080.5]",
        expect![[r#"`expose` has a float, expected a list of ports like `8080` or `"53/udp"`"#]],
    );
}

#[test]
fn spans_for_steps_that_fail_later() {
    let text = "[package]\nversion = \"1\"\nname = \"a\"\n\n[[bin]]\nname = \"tool\"\n\n[workspace]\nmembers = [\n  \"b\",\n]\n";
    let file = manifest(text);
    let lines =
        |span: Option<buildkit_llb::Span>| span.map(|span| (*span.lines().start(), *span.lines().end()));
    assert_eq!(lines(super::package_span(&file)), Some((3, 3)));
    assert_eq!(lines(super::binary_span(&file, "tool")), Some((6, 6)));
    assert_eq!(lines(super::binary_span(&file, "other")), None);
    assert_eq!(lines(super::workspace_members_span(&file)), Some((9, 11)));
    let file = manifest("\n[package]\nversion = \"1\"\n");
    assert_eq!(lines(super::package_span(&file)), Some((2, 2)));
    assert_eq!(lines(super::workspace_members_span(&file)), None);
}

#[test]
fn triples_are_those_that_rustc_knows() {
    let text = "[workspace.metadata.longshore]\ntarget = [\"x86_64-unknown-linux-musl\"]\n";
    let triples: Vec<String> = workspace(text).target.into_iter().map(|(triple, _)| triple).collect();
    assert_eq!(triples, ["x86_64-unknown-linux-musl"]);
    refused_workspace(
        "[workspace.metadata.longshore]\ntarget = [\"x86_64-unknown-linux-mussl\"]\n",
        expect![[r#"
            Cargo.toml:2
            --------------------
               1 |     [workspace.metadata.longshore]
               2 | >>> target = ["x86_64-unknown-linux-mussl"]
               3 |     
            --------------------
            ERROR: failed to build: failed to solve: `target` has `x86_64-unknown-linux-mussl`, which is no target triple of rustc's
            help: did you mean `x86_64-unknown-linux-musl`?
        "#]],
    );
}
