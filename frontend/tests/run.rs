//! Whole builds against the fake daemon: what BuildKit is asked, in which order, and how every kind of build ends.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

#[path = "run/accelerators.rs"]
mod accelerators;
#[path = "run/attestations.rs"]
mod attestations;
#[path = "run/bases.rs"]
mod bases;
#[path = "run/bundles.rs"]
mod bundles;
#[path = "shared/daemon.rs"]
mod daemon;
#[path = "run/grants.rs"]
mod grants;
#[path = "run/manifests.rs"]
mod manifests;
#[path = "run/places.rs"]
mod places;
#[path = "shared/project.rs"]
mod project;
#[path = "run/settings.rs"]
mod settings;
#[path = "run/sources.rs"]
mod sources;
#[path = "run/toolchains.rs"]
mod toolchains;

use std::collections::{BTreeMap, BTreeSet};

use buildkit_proto::{pb, rpc};
use daemon::{Built, asked, asked_by, build, build_with, daemon, options};
use expect_test::{Expect, expect};
use longshore::gateway::fake::{FakeImage, Script, name_of};
use longshore_helper::spec::Bundle;
use project::Project;

fn pairs(options: &[(&str, &str)]) -> daemon::Options {
    options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn error(built: &Built) -> rpc::Status {
    built.transcript.returned().unwrap().error.expect("the build was to be refused")
}

/// How the build ended: what the user reads, and which lines are shown.
fn check_refused(built: &Built, expected: Expect) {
    let status = error(built);
    let mut text = format!("{}\n", status.message);
    for detail in &status.details {
        let value: serde_json::Value = serde_json::from_slice(&detail.value).unwrap();
        let range = &value["ranges"][0];
        text += &format!(
            "at {}:{}-{}\n",
            value["info"]["filename"].as_str().unwrap(),
            range["start"]["line"],
            range["end"]["line"]
        );
    }
    expected.assert_eq(&text);
    assert_eq!(status.code, tonic::Code::Unknown as i32, "the client prints the name of any other code");
}

/// A project of one file besides the lock file, which no recording belongs to.
fn project(manifest: &str) -> Project {
    let mut project = Project::load("hello");
    project.files.insert("Cargo.toml".to_owned(), manifest.as_bytes().to_vec());
    project
}

/// A project whose manifests are changed: in which file, what, to what.
fn changed(name: &str, changes: &[(&str, &str, &str)]) -> Project {
    let mut project = Project::load(name);
    for (file, from, to) in changes {
        let text = String::from_utf8(project.files[*file].clone()).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        project.files.insert((*file).to_owned(), text.replacen(from, to, 1).into_bytes());
    }
    project
}

/// What a graph's steps that compile are asked for.
fn requests(definition: &pb::Definition) -> Vec<Bundle> {
    asked(definition, "build")
}

#[tokio::test]
async fn hello_from_one_line_to_an_image() {
    let built = build(&Project::load("hello")).await;
    expect![[r#"
        inputs
        solve 1 ops for [internal] load build definition from Cargo.toml
        read ref-1 Cargo.toml
        read ref-1 Cargo.toml.dockerignore
        solve 1 ops for [internal] load .dockerignore
        read ref-2 .dockerignore
        solve 1 ops for [internal] list build context
        read ref-3 .fsutil-metadata
        read ref-3 Cargo.toml
        read ref-3 Cargo.lock
        read ref-3 Cargo.toml
        resolve docker-image://docker.io/library/rust:1.95-bookworm as [internal] load metadata for rust:1.95-bookworm
        solve 5 ops for [plan] cargo build, recorded, evaluate
        resolve docker-image://docker.io/library/debian:bookworm-slim as [internal] load metadata for debian:bookworm-slim
        read ref-4 recording.json
        read ref-4 metadata.json
        solve 1 ops for [internal] load build context
        read ref-5 src/main.rs
        solve 13 ops for [longshore] summary, evaluate
        solve 12 ops for [image] hello
        read ref-6 summary.json
        return ref-7
            containerimage.base.config = {"created":"2026-01-01T00:00:00Z","os":"linux","config":{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"Cmd":["bash"]},"rootfs":{"type":"layers","diff_ids":["sha256:base"]}}
            containerimage.config = {"architecture":"amd64","config":{"Entrypoint":["/usr/local/bin/hello"],"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"Labels":{"org.opencontainers.image.description":"Greets whoever runs the image","org.opencontainers.image.licenses":"MIT OR Apache-2.0","org.opencontainers.image.title":"hello","org.opencontainers.image.version":"0.1.0"},"User":"65532:65532"},"os":"linux","rootfs":{"diff_ids":["sha256:base"],"type":"layers"}}
            frontend.longshore.summary = eyJhbGxTZWNvbmRzIjowLjAsImNvbXBpbGVkIjowLCJjb21waWxlZFNlY29uZHMiOjAuMCwiaW1hZ2VzIjpbeyJieXRlcyI6MCwicGxhdGZvcm0iOiJsaW51eC9hbWQ2NCIsInRhcmdldCI6ImhlbGxvIn1dLCJyZXVzZWQiOjEsInN0ZXBzIjoxfQ==
            frontend.result.inlinemessage = hello (linux/amd64): 0 B
        1 step, all reused

            refs.platforms = {"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}}]}
    "#]].assert_eq(&built.transcript.to_string());
}

#[tokio::test]
async fn a_build_that_may_use_caches_looks_back_as_the_one_before() {
    let asked = async |more: &[(&str, &str)]| {
        let built = build_with(&pairs(more), daemon(&Project::load("flags-and-scripts"))).await;
        built.graph("[longshore] summary").unwrap().definition().to_string()
    };
    let first = asked(&[("test:session", "first"), ("test:started", "1000")]).await;
    for session in ["second", "third", "fourth"] {
        // Digests of all that is made of the client's files differ by its session.
        let next = asked(&[("test:session", session), ("test:started", "2000")]).await;
        assert_eq!(first, next.replace(session, "first"), "a container starts though nothing ran");
    }
    for no_cache in ["", "hello"] {
        let at = async |time| asked(&[("no-cache", no_cache), ("test:started", time)]).await;
        assert_ne!(at("1000").await, at("2000").await, "what ran anew is not looked at");
    }
}

#[tokio::test]
async fn several_members_are_read_before_they_are_compiled() {
    let built = build(&Project::load("outside-files")).await;
    expect![[r#"
        inputs
        solve 1 ops for [internal] load build definition from Cargo.toml
        read ref-1 Cargo.toml
        read ref-1 Cargo.toml.dockerignore
        solve 1 ops for [internal] load .dockerignore
        read ref-2 .dockerignore
        solve 1 ops for [internal] list build context
        read ref-3 .fsutil-metadata
        read ref-3 Cargo.toml
        read ref-3 Cargo.lock
        read ref-3 apps/elsewhere/Cargo.toml
        read ref-3 apps/other/Cargo.toml
        read ref-3 apps/report/Cargo.toml
        resolve docker-image://docker.io/library/rust:1.95-bookworm as [internal] load metadata for rust:1.95-bookworm
        solve 5 ops for [plan] cargo build, recorded, evaluate
        resolve docker-image://docker.io/library/debian:bookworm-slim as [internal] load metadata for debian:bookworm-slim
        read ref-4 recording.json
        read ref-4 metadata.json
        solve 1 ops for [internal] load build context
        read ref-5 apps/report/build.rs
        read ref-5 apps/report/src/main.rs
        solve 14 ops for [longshore] summary, evaluate
        solve 13 ops for [image] report
        read ref-6 summary.json
        return ref-7
            containerimage.base.config = {"created":"2026-01-01T00:00:00Z","os":"linux","config":{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"Cmd":["bash"]},"rootfs":{"type":"layers","diff_ids":["sha256:base"]}}
            containerimage.config = {"architecture":"amd64","config":{"Entrypoint":["/usr/local/bin/report"],"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"Labels":{"org.opencontainers.image.title":"report","org.opencontainers.image.version":"0.1.0"},"User":"65532:65532"},"os":"linux","rootfs":{"diff_ids":["sha256:base"],"type":"layers"}}
            frontend.longshore.summary = eyJhbGxTZWNvbmRzIjowLjAsImNvbXBpbGVkIjowLCJjb21waWxlZFNlY29uZHMiOjAuMCwiaW1hZ2VzIjpbeyJieXRlcyI6MCwicGxhdGZvcm0iOiJsaW51eC9hbWQ2NCIsInRhcmdldCI6InJlcG9ydCJ9XSwicmV1c2VkIjoyLCJzdGVwcyI6Mn0=
            frontend.result.inlinemessage = report (linux/amd64): 0 B
        2 steps, all reused

            refs.platforms = {"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}}]}
    "#]].assert_eq(&built.transcript.to_string());
}

#[tokio::test]
async fn a_daemon_without_metadata_transfer_lists_directories() {
    let project = Project::load("outside-files");
    let mut script = daemon(&project);
    script.llb_caps.retain(|cap| cap != "source.local.metadatatransfer");
    let built = build_with(&options(&project), script).await;
    expect![[r#"
        inputs
        solve 1 ops for [internal] load build definition from Cargo.toml
        read ref-1 Cargo.toml
        read ref-1 Cargo.toml.dockerignore
        solve 1 ops for [internal] load .dockerignore
        read ref-2 .dockerignore
        solve 1 ops for [internal] load build context
        list ref-3 /
        list ref-3 /words
        list ref-3 /shared
        list ref-3 /schema
        list ref-3 /link
        list ref-3 /elsewhere
        list ref-3 /apps
        list ref-3 /apps/report
        list ref-3 /apps/report/src
        list ref-3 /apps/other
        list ref-3 /apps/other/src
        list ref-3 /apps/elsewhere
        read ref-3 Cargo.toml
        read ref-3 Cargo.lock
        read ref-3 apps/elsewhere/Cargo.toml
        read ref-3 apps/other/Cargo.toml
        read ref-3 apps/report/Cargo.toml
        resolve docker-image://docker.io/library/rust:1.95-bookworm as [internal] load metadata for rust:1.95-bookworm
        solve 5 ops for [plan] cargo build, recorded, evaluate
        resolve docker-image://docker.io/library/debian:bookworm-slim as [internal] load metadata for debian:bookworm-slim
        read ref-4 recording.json
        read ref-4 metadata.json
        solve 1 ops for [internal] load build context
        read ref-5 apps/report/build.rs
        read ref-5 apps/report/src/main.rs
        solve 13 ops for [longshore] summary, evaluate
        solve 12 ops for [image] report
        read ref-6 summary.json
        return ref-7
            containerimage.base.config = {"created":"2026-01-01T00:00:00Z","os":"linux","config":{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"Cmd":["bash"]},"rootfs":{"type":"layers","diff_ids":["sha256:base"]}}
            containerimage.config = {"architecture":"amd64","config":{"Entrypoint":["/usr/local/bin/report"],"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"Labels":{"org.opencontainers.image.title":"report","org.opencontainers.image.version":"0.1.0"},"User":"65532:65532"},"os":"linux","rootfs":{"diff_ids":["sha256:base"],"type":"layers"}}
            frontend.longshore.summary = eyJhbGxTZWNvbmRzIjowLjAsImNvbXBpbGVkIjowLCJjb21waWxlZFNlY29uZHMiOjAuMCwiaW1hZ2VzIjpbeyJieXRlcyI6MCwicGxhdGZvcm0iOiJsaW51eC9hbWQ2NCIsInRhcmdldCI6InJlcG9ydCJ9XSwicmV1c2VkIjoyLCJzdGVwcyI6Mn0=
            frontend.result.inlinemessage = report (linux/amd64): 0 B
        2 steps, all reused

            refs.platforms = {"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}}]}
    "#]].assert_eq(&built.transcript.to_string());
    // The old way finds the same: but for the list itself, the image comes out of the same graph.
    let steps = |built: &Built| {
        let text = built.graph("[image]").unwrap().definition().to_string();
        let paragraphs = text.split("\n\n").filter(|text| !text.starts_with("manifests = "));
        paragraphs.map(|text| text.replace("copy manifests", "copy context")).collect::<BTreeSet<_>>()
    };
    assert_eq!(steps(&built), steps(&build(&project).await));
}

#[tokio::test]
async fn every_solve_looks_in_the_clients_caches() {
    let project = Project::load("links");
    let mut options =
        pairs(&[("cache-imports", r#"[{"Type":"registry","Attrs":{"ref":"example.com/cache"}}]"#)]);
    options.extend(daemon::options(&project));
    let built = build_with(&options, daemon(&project)).await;
    let solved = built.transcript.solved();
    assert!(solved.len() >= 5, "{} solves", solved.len());
    for request in &solved {
        let name = request.definition.as_ref().and_then(name_of).unwrap_or_default();
        let imports: Vec<_> = request.cache_imports.iter().map(|import| import.r#type.as_str()).collect();
        assert_eq!(imports, ["registry"], "{name}");
    }
}

#[tokio::test]
async fn what_the_client_asks_for_is_in_the_result() {
    let project = Project::load("same-bin-name");
    let options = pairs(&[
        ("target", "admin:server"),
        ("platform", "linux/amd64"),
        ("multi-platform", "true"),
        ("label:team", "shop"),
        ("build-arg:SOURCE_DATE_EPOCH", "1700000000"),
    ]);
    let built = build_with(&options, daemon(&project)).await;
    let returned = built.transcript.to_string();
    expect![[r#"
        return
            linux/amd64 = ref-7
            containerimage.config/linux/amd64 = {"architecture":"amd64","config":{"Entrypoint":["/usr/local/bin/server"],"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","RUST_LOG=info"],"ExposedPorts":{"8081/tcp":{}},"Labels":{"org.opencontainers.image.title":"server","org.opencontainers.image.version":"0.1.0","team":"shop"},"User":"65532:65532"},"created":"2023-11-14T22:13:20Z","os":"linux"}
            frontend.longshore.summary = eyJhbGxTZWNvbmRzIjowLjAsImNvbXBpbGVkIjowLCJjb21waWxlZFNlY29uZHMiOjAuMCwiaW1hZ2VzIjpbeyJieXRlcyI6MCwicGxhdGZvcm0iOiJsaW51eC9hbWQ2NCIsInRhcmdldCI6ImFkbWluOnNlcnZlciJ9XSwicmV1c2VkIjoxLCJzdGVwcyI6MX0=
            frontend.result.inlinemessage = admin:server (linux/amd64): 0 B
        1 step, all reused

            refs.platforms = {"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}}]}
            source.date.epoch/linux/amd64 = 1700000000
    "#]].assert_eq(&returned[returned.find("return").unwrap()..]);
}

/// A project with these files and links besides those of `hello`.
fn configured(files: &[(&str, &str)], links: &[(&str, &str)]) -> Project {
    let mut project = Project::load("hello");
    project.files.extend(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    project.links.extend(links.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    project
}

#[tokio::test]
async fn what_cargos_configuration_includes_is_asked_for_and_recorded() {
    let files = [
        (".cargo/config.toml", "include = ['../ci/flags.toml', { path = 'gone.toml', optional = true }]\n"),
        ("ci/flags.toml", "include = ['deep.toml']\n"),
        ("ci/deep.toml", "[build]\ntarget = 'x86_64-unknown-linux-musl'\n"),
    ];
    let built = build(&configured(&files, &[])).await;
    let transcript = built.transcript.to_string();
    let before = transcript.split("resolve ").next().unwrap().split("list build context").skip(1);
    expect![[r#"

        read ref-3 .fsutil-metadata
        read ref-3 Cargo.toml
        read ref-3 Cargo.lock
        read ref-3 .cargo/config.toml
        solve 1 ops for [internal] 
        read ref-4 .fsutil-metadata
        read ref-4 ci/flags.toml
        solve 1 ops for [internal] 
        read ref-5 .fsutil-metadata
        read ref-5 ci/deep.toml
        read ref-5 Cargo.toml
    "#]]
    .assert_eq(&before.collect::<String>());
    check_copied(
        &built,
        expect![[r#"
        include **/Cargo.toml
        include Cargo.lock
        include .cargo/config
        include .cargo/config.toml
        include ci/deep.toml
        include ci/flags.toml
    "#]],
    );
    assert!(transcript.contains("`build.target` has no effect"), "{transcript}");
    let lost = build(&configured(&[], &[(".cargo/config.toml", "../../cargo.toml")])).await;
    assert!(lost.transcript.to_string().contains("the link leads to nothing in the build context"));
}

#[tokio::test]
async fn what_links_of_cargos_configuration_lead_to_is_asked_for_and_recorded() {
    let files =
        [("ci/cargo.toml", "[build]\nrustc = 'tools/rustc'\n"), ("shared/config.toml", "[env]\nA = ''\n")];
    let beside = [(".cargo/config.toml", "../ci/cargo.toml")];
    let built = build(&configured(&files, &beside)).await;
    check_refused(
        &built,
        expect![[r#"
        `build.rustc` is `tools/rustc`, and steps compile with the `rustc` of `PATH`
        help: leave it out, and take an image as `toolchain` whose `PATH` leads to that compiler
        at ci/cargo.toml:2-2
    "#]],
    );
    let above = [(".cargo", "shared")];
    check_copied(
        &build(&configured(&files, &above)).await,
        expect![[r#"
        include **/Cargo.toml
        include Cargo.lock
        include .cargo/config
        include .cargo/config.toml
        include shared/config.toml
    "#]],
    );
}

/// Which files of the context the recording sees.
fn check_copied(built: &Built, expected: Expect) {
    let graph = built.graph("[plan] cargo build, recorded").unwrap().definition().to_string();
    let copied: Vec<&str> = graph.lines().filter(|line| line.contains("include")).map(str::trim).collect();
    expected.assert_eq(&(copied.join("\n") + "\n"));
}

#[tokio::test]
async fn no_entry_file() {
    let mut project = Project::load("hello");
    project.files.remove("Cargo.toml");
    check_refused(
        &build(&project).await,
        expect![[r#"
        `Cargo.toml` does not exist
        help: pass the manifest of the workspace: `docker buildx build -f Cargo.toml .`
    "#]],
    );
}

#[tokio::test]
async fn a_manifest_that_is_no_toml() {
    check_refused(
        &build(&Project::load("error-toml-syntax")).await,
        expect![[r#"
            invalid basic string, expected `"`
            at Cargo.toml:6-6
        "#]],
    );
}

#[tokio::test]
async fn a_setting_that_does_not_exist() {
    check_refused(
        &build(&Project::load("error-unknown-key")).await,
        expect![[r#"
        unknown key `toolchian`
        help: did you mean `toolchain`?
        at Cargo.toml:12-12
    "#]],
    );
}

#[tokio::test]
async fn no_lock_file() {
    check_refused(
        &build(&Project::load("error-no-lock")).await,
        expect![[r#"
            `Cargo.lock` is not in the build context
            help: run `cargo generate-lockfile` and commit `Cargo.lock`; see that `.dockerignore` does not name it, and that the build context is the root of the workspace and no member of it
        "#]],
    );
}

#[tokio::test]
async fn a_context_that_is_not_the_root_of_the_workspace() {
    let mut project = Project::load("error-no-lock");
    let script = daemon(&project);
    project.files.clear();
    let empty = daemon(&project);
    // The entry file comes from one directory, the context is another.
    let solve = move |request: &buildkit_proto::gateway::SolveRequest| {
        let name = request.definition.as_ref().and_then(name_of).unwrap_or_default();
        let script = if name.starts_with("[internal] load build definition") { &script } else { &empty };
        (script.solve)(request)
    };
    let script = Script { solve: Box::new(solve), ..daemon(&Project::load("hello")) };
    check_refused(
        &build_with(&[], script).await,
        expect![[r#"
            the build context has no `Cargo.toml` at its root
            help: pass the workspace's manifest and its directory, `docker buildx build -f DIRECTORY/Cargo.toml DIRECTORY`, and choose what to build of it with `--target`; see that `.dockerignore` does not name it
        "#]],
    );
}

/// The client says only what the manifest is called, so what it points at is found by its contents.
#[tokio::test]
async fn a_manifest_that_the_context_has_twice() {
    let project = Project::load("error-no-lock");
    let script = daemon(&project);
    let mut twice = project.clone();
    twice.files = BTreeMap::new();
    for directory in ["rust", "copy/of/rust"] {
        twice.files.insert(format!("{directory}/Cargo.toml"), project.files["Cargo.toml"].clone());
        twice.files.insert(format!("{directory}/Cargo.lock"), b"version = 4\n".to_vec());
    }
    let context = daemon(&twice);
    let solve = move |request: &buildkit_proto::gateway::SolveRequest| {
        let name = request.definition.as_ref().and_then(name_of).unwrap_or_default();
        let script = if name.starts_with("[internal] load build definition") { &script } else { &context };
        (script.solve)(request)
    };
    let script = Script { solve: Box::new(solve), ..daemon(&Project::load("hello")) };
    check_refused(
        &build_with(&[], script).await,
        expect![[r#"
        `Cargo.toml` is the manifest of `copy/of/rust` and of `rust`
        help: the client does not tell which is meant: add a comment to one, or pass its directory as build context
    "#]],
    );
}

#[tokio::test]
async fn a_lock_file_that_is_out_of_date() {
    check_refused(
        &build(&Project::load("error-lock-out-of-date")).await,
        expect![[r#"
        `Cargo.lock` does not fit the manifests
        error: failed to select a version for the requirement `itoa = "^1.0.15"`
        candidate versions found which didn't match: 1.0.9
        required by package `app v0.1.0`
        help: run `cargo update --workspace` and commit `Cargo.lock`
        at Cargo.lock:1-1
    "#]],
    );
}

#[tokio::test]
async fn a_member_that_is_not_there() {
    check_refused(
        &build(&Project::load("error-missing-member")).await,
        expect![[r#"
        workspace member `crates/util` has no `Cargo.toml` in the build context
        help: remove `crates/util` from `members`, or add `crates/util/Cargo.toml` (see also `.dockerignore`)
        at Cargo.toml:5-5
    "#]],
    );
}

#[tokio::test]
async fn a_toolchain_without_cargo() {
    check_refused(
        &build(&Project::load("error-no-cargo")).await,
        expect![[r#"
            the toolchain image `debian:bookworm-slim` has no `rustc`
            help: set `toolchain` under `[workspace.metadata.longshore]` to an image with cargo and rustc, such as `rust:1.95-bookworm`
            at Cargo.toml:12-12
        "#]],
    );
}

#[tokio::test]
async fn a_target_that_does_not_exist() {
    check_refused(
        &build(&Project::load("error-unknown-target")).await,
        expect![[r#"
        no target is named `sever`
        help: did you mean `server`?
    "#]],
    );
}

#[tokio::test]
async fn several_targets_and_none_asked_for() {
    let project = Project::load("error-unknown-target");
    check_refused(
        &build_with(&[], daemon(&project)).await,
        expect![[r#"
            the workspace has 2 targets, and none was asked for
            help: choose one with `--target`: `server`, `worker`
        "#]],
    );
}

#[tokio::test]
async fn a_target_that_two_packages_have() {
    let project = Project::load("same-bin-name");
    check_refused(
        &build_with(&pairs(&[("target", "server")]), daemon(&project)).await,
        expect![[r#"
        2 packages have a binary `server`
        help: name the package as well: `admin:server`, `public:server`
    "#]],
    );
}

#[tokio::test]
async fn a_platform_that_nobody_compiles_for() {
    let project = Project::load("hello");
    check_refused(
        &build_with(&pairs(&[("platform", "windows/amd64")]), daemon(&project)).await,
        expect![[r#"
            platform `windows/amd64` is not supported
            help: build for `linux/amd64` (or `/v2` to `/v4`), `linux/arm64`, `linux/arm/v7`, `linux/arm/v6`, `linux/386`, `linux/riscv64`, `linux/ppc64le`, `linux/s390x`, `linux/loong64` or `wasi/wasm`
        "#]],
    );
}

#[tokio::test]
async fn several_platforms_at_once() {
    let project = Project::load("hello");
    let options = pairs(&[("platform", "linux/amd64,linux/arm64")]);
    let built = build_with(&options, daemon(&project)).await;
    let platforms = built.metadata("refs.platforms").unwrap();
    expect![[r#"{"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}},{"ID":"linux/arm64","Platform":{"architecture":"arm64","os":"linux"}}]}"#]].assert_eq(&String::from_utf8_lossy(&platforms));
    for platform in ["linux/amd64", "linux/arm64"] {
        let config = built.metadata(&format!("containerimage.config/{platform}")).unwrap();
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(format!("linux/{}", config["architecture"].as_str().unwrap()), platform);
    }
}

#[tokio::test]
async fn a_question_that_nobody_answers() {
    let project = Project::load("hello");
    check_refused(
        &build_with(&pairs(&[("requestid", "frontend.grpah")]), daemon(&project)).await,
        expect![[r#"
            this frontend cannot answer `frontend.grpah`
            help: `--call` takes `check`, `bake`, `explain`, `graph`, `graph-svg`, `lint`, `outline`, `plan`, `subrequests.describe`, `targets`
        "#]],
    );
}

#[tokio::test]
async fn a_check_finds_what_is_wrong_and_the_build_does_not_fail() {
    let project = project("[workspace.metadata.longshore]\nprofil = \"dev\"\nbase = 1\n");
    let built = build_with(&pairs(&[("requestid", "frontend.lint")]), daemon(&project)).await;
    assert_eq!(built.metadata("result.statuscode").unwrap(), b"1");
    expect![[r#"
        ERROR: 2 problems
        Cargo.toml:2: unknown key `profil`
        help: did you mean `profile`?
        Cargo.toml:3: `base` is an integer, expected a string
        Cargo.toml:2
        --------------------
           1 |     [workspace.metadata.longshore]
           2 | >>> profil = "dev"
           3 |     base = 1
           4 |     
        --------------------
    "#]]
    .assert_eq(&String::from_utf8_lossy(&built.metadata("result.txt").unwrap()));
}

#[tokio::test]
async fn every_question_has_an_answer() {
    let project = Project::load("links");
    for question in longshore::call::Call::ALL {
        let options = [options(&project), pairs(&[("requestid", question.request_id())])].concat();
        let built = build_with(&options, daemon(&project)).await;
        let text =
            built.metadata("result.txt").unwrap_or_else(|| panic!("{} has no text", question.request_id()));
        assert!(!text.is_empty(), "{}", question.request_id());
        let json: serde_json::Value =
            serde_json::from_slice(&built.metadata("result.json").unwrap()).unwrap();
        assert!(json.is_object() || json.is_array(), "{}", question.request_id());
        let solved = built.transcript.solved();
        let names: Vec<_> =
            solved.iter().filter_map(|request| name_of(request.definition.as_ref()?)).collect();
        assert!(!names.iter().any(|name| name.starts_with("[image]")), "nothing is built: {names:?}");
    }
}

#[tokio::test]
async fn a_daemon_that_lacks_what_the_graph_needs() {
    let project = Project::load("links");
    let mut script = daemon(&project);
    script.llb_caps.retain(|cap| cap != "file.copy.includeexcludepatterns");
    check_refused(
        &build_with(&options(&project), script).await,
        expect![[r#"
        this BuildKit cannot run the build
        `[plan] collect manifests` needs the BuildKit capability `file.copy.includeexcludepatterns`, which this daemon does not have
        help: use Docker Engine 27.5 or newer, or a builder with BuildKit 0.18 or newer
    "#]],
    );
}

#[tokio::test]
async fn inputs_that_are_not_there_are_all_named() {
    let mut project = Project::load("outside-files");
    project.files.retain(|path, _| !path.starts_with("words/"));
    check_refused(
        &build(&project).await,
        expect![[r#"
            input `words/*.txt` is not in the build context
            help: inputs are relative to the build context; see also `.dockerignore`
            at apps/report/Cargo.toml:7-7
        "#]],
    );
}

#[tokio::test]
async fn settings_of_a_member_that_are_wrong() {
    let mut project = Project::load("same-bin-name");
    project.files.insert(
        "public/Cargo.toml".to_owned(),
        b"[package]\nname = \"public\"\n\n[package.metadata.longshore]\nexpose = [0]\nenviron = {}\n"
            .to_vec(),
    );
    check_refused(
        &build(&project).await,
        expect![[r#"
        2 problems
        public/Cargo.toml:5: `expose` has `0`, expected a port from 1 to 65535, like `8080` or `"53/udp"`
        public/Cargo.toml:6: unknown key `environ`
        at public/Cargo.toml:6-6
        at public/Cargo.toml:5-5
    "#]],
    );
}

#[tokio::test]
async fn an_image_that_does_not_exist_is_the_worlds_failure() {
    let built = build(&project("[workspace.metadata.longshore]\ntoolchain = \"rust:0\"\n")).await;
    let status = error(&built);
    assert_eq!(status.code, tonic::Code::NotFound as i32);
    assert_eq!(status.message, "failed to resolve the image `rust:0`: docker.io/library/rust:0: not found");
}

#[tokio::test]
async fn a_failing_step_speaks_for_itself() {
    let project = Project::load("hello");
    let script = daemon(&project);
    let solve = move |request: &buildkit_proto::gateway::SolveRequest| match request
        .definition
        .as_ref()
        .and_then(name_of)
    {
        Some("[plan] cargo build, recorded") => {
            Err(tonic::Status::unknown("process did not complete: exit code: 1"))
        }
        _ => (script.solve)(request),
    };
    let script = Script { solve: Box::new(solve), ..daemon(&project) };
    let status = error(&build_with(&options(&project), script).await);
    assert_eq!(status.message, "process did not complete: exit code: 1");
}

#[tokio::test]
async fn a_recording_that_cannot_be_read_is_our_mistake() {
    let mut project = Project::load("hello");
    project.recorded.insert("recording.json".to_owned(), b"{}".to_vec());
    let status = error(&build(&project).await);
    assert_eq!(status.code, tonic::Code::Internal as i32);
    assert!(
        status
            .message
            .starts_with("internal error: the recording's `recording.json` cannot be read: missing field"),
        "{}",
        status.message
    );
    assert!(status.message.contains("please report this"), "{}", status.message);
}

#[tokio::test]
async fn a_base_image_from_the_build_is_used_in_place_of_the_named_one() {
    let project = Project::load("hello");
    let mut script = daemon(&project);
    let image = FakeImage { digest: format!("sha256:{}", "c".repeat(64)), config: "{}".to_owned() };
    script.images.insert("registry.example/slim:1".to_owned(), image);
    let options = pairs(&[("context:debian:bookworm-slim", "docker-image://registry.example/slim:1")]);
    let built = build_with(&options, script).await;
    let graph = built.graph("[image]").unwrap().definition().to_string();
    let base = graph.lines().find(|line| line.starts_with("base = ")).unwrap();
    assert!(base.starts_with("base = docker-image registry.example/slim:1@sha256:ccc"), "{base}");
    // Nothing of the image it replaces is left in the configuration either.
    let config: serde_json::Value =
        serde_json::from_slice(&built.metadata("containerimage.config").unwrap()).unwrap();
    assert_eq!(config["rootfs"], serde_json::Value::Null);
}

/// What a step runs must not depend on who asks and when, or nothing would ever be found in a cache.
#[tokio::test]
async fn no_step_knows_the_session() {
    for name in ["outside-files", "links", "both-sides"] {
        let project = Project::load(name);
        let mut seen = BTreeSet::new();
        for session in ["one", "another"] {
            let options = [options(&project), pairs(&[("test:session", session)])].concat();
            let built = build_with(&options, daemon(&project)).await;
            let graph = built.graph("[image]").unwrap().definition().to_string();
            // The text form writes `$SESSION` where a local source names it.
            seen.insert(graph);
        }
        assert_eq!(seen.len(), 1, "{name}");
    }
}
