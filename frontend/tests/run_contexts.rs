//! Whole builds whose files are not in the client's directory: what BuildKit is asked until the plan is made, and how
//! such a build ends when the files are not there.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

#[path = "shared/daemon.rs"]
mod daemon;
#[path = "shared/project.rs"]
mod project;

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{Annotate as _, Files, State};
use buildkit_proto::{gateway, pb};
use daemon::{Built, build, build_with, daemon};
use expect_test::{Expect, expect};
use longshore::gateway::fake::{Answer, Script, Tree, name_of};
use project::Project;
use prost::Message as _;

fn pairs(options: &[(&str, &str)]) -> daemon::Options {
    options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A daemon that has these files where graphs of this name lead, and otherwise what [`daemon`] has.
fn daemon_with(project: &Project, files: impl Fn(&str) -> Option<Tree> + Send + Sync + 'static) -> Script {
    let Script { solve, .. } = daemon(project);
    let solve = move |request: &gateway::SolveRequest| {
        let name = request.definition.as_ref().and_then(name_of).unwrap_or_default();
        files(name).map_or_else(|| solve(request), |tree| Ok(Answer::from(tree)))
    };
    Script { solve: Box::new(solve), ..daemon(project) }
}

/// A daemon on which graphs whose names start so have the project's files.
fn daemon_with_project_at(project: &Project, starts: &'static [&'static str]) -> Script {
    let files = project.files.clone();
    daemon_with(project, move |name| {
        starts.iter().any(|start| name.starts_with(start)).then(|| files.clone())
    })
}

/// What the daemon was asked up to the plan, which is where the context is known, and how the build ended.
fn check(built: &Built, expected: Expect) {
    let transcript = built.transcript.to_string();
    let before = transcript.split("resolve ").next().unwrap().split("return ").next().unwrap();
    let end = match built.transcript.returned().unwrap() {
        gateway::ReturnRequest { error: Some(error), .. } => error.message,
        _ => "an image".to_owned(),
    };
    expected.assert_eq(&format!("{before}{end}\n"));
}

/// The graph whose result has that name, as text.
fn check_graph(built: &Built, name: &str, expected: Expect) {
    expected.assert_eq(&built.graph(name).unwrap().definition().to_string());
}

#[tokio::test]
async fn a_repository() {
    let project = Project::load("hello");
    let script = daemon_with_project_at(&project, &["[internal] load git source"]);
    let options = pairs(&[
        ("context", "https://example.com/team/hello.git?keep-git-dir#v1:app"),
        ("build-arg:SOURCE_DATE_EPOCH", "1700000000"),
    ]);
    let built = build_with(&options, script).await;
    check(
        &built,
        expect![[r#"
            solve 1 ops for [internal] load git source https://example.com/team/hello.git#v1:app
            read ref-1 Cargo.toml
            solve 1 ops for [internal] load git source https://example.com/team/hello.git#v1:app
            list ref-2 /
            list ref-2 /src
            read ref-2 Cargo.toml
            read ref-2 Cargo.lock
            read ref-2 Cargo.toml
            an image
        "#]],
    );
    check_graph(
        &built,
        "[internal] load git source",
        expect![[r#"
        context = git example.com/team/hello.git#v1:app
            fullurl https://example.com/team/hello.git
            keepgitdir true
            mtime commit
            name "[internal] load git source https://example.com/team/hello.git#v1:app"

        return context
    "#]],
    );
}

#[tokio::test]
async fn a_repository_over_ssh_on_an_older_daemon() {
    let project = Project::load("hello");
    let mut script = daemon_with_project_at(&project, &["[internal] load git source"]);
    script.llb_caps.retain(|cap| cap != "source.git.mtime");
    let options =
        pairs(&[("context", "git@example.com:team/hello"), ("build-arg:SOURCE_DATE_EPOCH", "1700000000")]);
    let built = build_with(&options, script).await;
    check_graph(
        &built,
        "[internal] load git source",
        expect![[r#"
        context = git example.com/team/hello
            fullurl git@example.com:team/hello
            mountsshsock default
            name "[internal] load git source git@example.com:team/hello"

        return context
    "#]],
    );
}

#[tokio::test]
async fn a_repository_whose_workspace_is_elsewhere() {
    let mut project = Project::load("hello");
    let moved = project.files.iter().map(|(path, text)| (format!("app/{path}"), text.clone()));
    project.files = moved.collect();
    let script = daemon_with_project_at(&project, &["[internal] load git source"]);
    let options = pairs(&[("context", "https://example.com/hello.git"), ("filename", "app/Cargo.toml")]);
    check(
        &build_with(&options, script).await,
        expect![[r#"
            solve 1 ops for [internal] load git source https://example.com/hello.git
            read ref-1 app/Cargo.toml
            solve 1 ops for [internal] load git source https://example.com/hello.git
            list ref-2 /
            list ref-2 /app
            list ref-2 /app/src
            read ref-2 Cargo.toml
            read ref-2 app/Cargo.toml
            read ref-2 app/Cargo.lock
            read ref-2 app/Cargo.toml
            failed to read `Cargo.toml` from the build context: open /Cargo.toml: no such file or directory
        "#]],
    );
}

#[tokio::test]
async fn a_repository_without_the_entry_file() {
    let options = pairs(&[("context", "https://example.com/hello.git"), ("filename", "app/Cargo.toml")]);
    check(
        &build_with(&options, daemon(&Project::load("hello"))).await,
        expect![[r#"
            solve 1 ops for [internal] load git source https://example.com/hello.git
            read ref-1 app/Cargo.toml
            `app/Cargo.toml` does not exist
            help: `-f` names a file in the repository or archive; an absolute path names one of your own
        "#]],
    );
}

#[tokio::test]
async fn a_file_of_the_clients_for_a_repository() {
    let project = Project::load("hello");
    let script = daemon_with_project_at(&project, &["[internal] load git source"]);
    let options = pairs(&[("context", "https://example.com/hello.git"), ("dockerfilekey", "dockerfile")]);
    check(
        &build_with(&options, script).await,
        expect![[r#"
            solve 1 ops for [internal] load build definition from Cargo.toml
            read ref-1 Cargo.toml
            solve 1 ops for [internal] load git source https://example.com/hello.git
            list ref-2 /
            list ref-2 /src
            read ref-2 Cargo.toml
            read ref-2 Cargo.lock
            read ref-2 Cargo.toml
            an image
        "#]],
    );
}

/// Serves `head` as what is downloaded, and the project where it is unpacked.
fn download(project: &Project, head: &'static [u8]) -> Script {
    let files = project.files.clone();
    daemon_with(project, move |name| match name {
        "[internal] load remote build context" => Some(Tree::from([("context".to_owned(), head.to_vec())])),
        "[internal] unpack remote build context" => Some(files.clone()),
        _ => None,
    })
}

#[tokio::test]
async fn an_archive_from_standard_input() {
    let project = Project::load("hello");
    let options = pairs(&[("context", "http://buildkit-session/abc"), ("filename", "Cargo.toml")]);
    let built = build_with(&options, download(&project, &[0x1f, 0x8b, 0x08, 0, 0])).await;
    check(
        &built,
        expect![[r#"
            solve 1 ops for [internal] load remote build context
            read ref-1 context
            solve 2 ops for [internal] unpack remote build context
            read ref-2 Cargo.toml
            solve 2 ops for [internal] unpack remote build context
            list ref-3 /
            list ref-3 /src
            read ref-3 Cargo.toml
            read ref-3 Cargo.lock
            read ref-3 Cargo.toml
            an image
        "#]],
    );
    check_graph(
        &built,
        "[internal] unpack",
        expect![[r#"
        download = http http://buildkit-session/abc
            filename context
            name "[internal] load remote build context"

        context = files scratch
            copy download /context -> / unpack
            name "[internal] unpack remote build context"

        return context
    "#]],
    );
}

#[tokio::test]
async fn a_part_of_an_archive() {
    let project = Project::load("hello");
    let files = project.files.clone();
    let Script { solve, .. } = download(&project, b"BZh9");
    let solve = move |request: &gateway::SolveRequest| match request
        .definition
        .as_ref()
        .and_then(name_of)
        .unwrap_or_default()
    {
        "[internal] take `app` of the build context" => Ok(Answer::from(files.clone())),
        _ => solve(request),
    };
    let script = Script { solve: Box::new(solve), ..daemon(&project) };
    let options = pairs(&[("context", "https://example.com/hello.tar.bz2"), ("contextsubdir", "app")]);
    let built = build_with(&options, script).await;
    check(
        &built,
        expect![[r#"
            solve 1 ops for [internal] load remote build context
            read ref-1 context
            solve 2 ops for [internal] unpack remote build context
            read ref-2 Cargo.toml
            solve 3 ops for [internal] take `app` of the build context
            list ref-3 /
            list ref-3 /src
            read ref-3 Cargo.toml
            read ref-3 Cargo.lock
            read ref-3 Cargo.toml
            an image
        "#]],
    );
    check_graph(
        &built,
        "[internal] take",
        expect![[r#"
        download = http https://example.com/hello.tar.bz2
            filename context
            name "[internal] load remote build context"

        context = files scratch
            copy download /context -> / unpack
            name "[internal] unpack remote build context"

        context-part = files scratch
            copy context /app -> / contents
            name "[internal] take `app` of the build context"

        return context-part
    "#]],
    );
}

#[tokio::test]
async fn a_download_that_is_no_archive() {
    let options = pairs(&[("context", "https://me:secret@example.com/Cargo.toml")]);
    let script = download(&Project::load("hello"), b"# syntax=longshore\n[package]\n");
    check(
        &build_with(&options, script).await,
        expect![[r#"
            solve 1 ops for [internal] load remote build context
            read ref-1 context
            the build context `https://xxxxx:xxxxx@example.com/Cargo.toml` is not an archive
            help: pass a tar archive (as it is, or with gzip, bzip2, xz or zstd), a repository whose address ends in `.git`, or a directory
        "#]],
    );
}

fn input(name: &str) -> pb::Definition {
    Files::on(&State::SCRATCH).write("/a", 0o644, "").named(name).state().definition().to_proto()
}

#[tokio::test]
async fn inputs_for_context_and_entry_file() {
    let project = Project::load("hello");
    let inputs =
        BTreeMap::from([("context".to_owned(), input("[a]")), ("dockerfile".to_owned(), input("[b]"))]);
    let script = Script { inputs, ..daemon_with_project_at(&project, &["[a]", "[b]"]) };
    check(
        &build_with(&[], script).await,
        expect![[r#"
            inputs
            solve 1 ops for [b]
            read ref-1 Cargo.toml
            solve 1 ops for [a]
            list ref-2 /
            list ref-2 /src
            read ref-2 Cargo.toml
            read ref-2 Cargo.lock
            read ref-2 Cargo.toml
            an image
        "#]],
    );
}

#[tokio::test]
async fn an_entry_file_from_standard_input() {
    // `docker buildx build -f - .`: the client writes a `Dockerfile` into a directory of its own.
    let mut project = Project::load("hello");
    project.files.insert("Dockerfile".to_owned(), project.files["Cargo.toml"].clone());
    let options = pairs(&[("filename", "Dockerfile"), ("dockerfilekey", "dockerfile")]);
    check(
        &build_with(&options, daemon(&project)).await,
        expect![[r#"
            inputs
            solve 1 ops for [internal] load build definition from Dockerfile
            read ref-1 Dockerfile
            read ref-1 Dockerfile.dockerignore
            solve 1 ops for [internal] load .dockerignore
            read ref-2 .dockerignore
            solve 1 ops for [internal] list build context
            read ref-3 .fsutil-metadata
            read ref-3 Cargo.toml
            read ref-3 Cargo.lock
            read ref-3 Cargo.toml
            an image
        "#]],
    );
}

/// What the source that a solved graph ends in says about itself.
fn attributes(built: &Built, name: &str) -> BTreeMap<String, String> {
    let definition = built.graph(name).unwrap().definition().to_proto();
    let op = pb::Op::decode(definition.def[definition.def.len() - 2].as_slice()).unwrap();
    let Some(pb::op::Op::Source(source)) = op.op else { panic!("{name} is no source") };
    source.attrs
}

#[tokio::test]
async fn directories_in_sessions_of_their_own() {
    let project = Project::load("hello");
    let options = pairs(&[("local-sessionid:dockerfile", "one"), ("local-sessionid:context", "two")]);
    let built = build_with(&options, daemon(&project)).await;
    for (name, session) in [
        ("[internal] load build definition", "one"),
        ("[internal] load .dockerignore", "two"),
        ("[internal] list build context", "two"),
        ("[internal] load build context", "two"),
    ] {
        assert_eq!(attributes(&built, name)["local.session"], session, "{name}");
    }
}

#[tokio::test]
async fn where_the_files_are_does_not_change_the_image() {
    let project = Project::load("hello");
    let script = daemon_with_project_at(&project, &["[internal] load git source"]);
    let remote = build_with(&pairs(&[("context", "github.com/team/hello")]), script).await;
    let local = build(&project).await;
    assert_eq!(remote.metadata("containerimage.config"), local.metadata("containerimage.config"));
    // But for the sources themselves, the graphs are the same.
    let steps = |built: &Built| {
        let text = built.graph("[image]").unwrap().definition().to_string();
        let sources = ["manifests = ", "context = "];
        let paragraphs =
            text.split("\n\n").filter(|text| !sources.iter().any(|source| text.starts_with(source)));
        paragraphs.map(|text| text.replace("copy manifests", "copy context")).collect::<BTreeSet<_>>()
    };
    assert_eq!(steps(&remote), steps(&local));
}

#[tokio::test]
async fn directories_in_the_place_of_images() {
    let options = pairs(&[
        ("context:rust:1.95-bookworm", "local:rust"),
        ("context:debian:bookworm-slim", "input:base"),
    ]);
    let inputs = BTreeMap::from([("base".to_owned(), input("[base of another target]"))]);
    let script = Script { inputs, ..daemon(&Project::load("hello")) };
    let built = build_with(&options, script).await;
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
        solve 1 ops for [context rust:1.95-bookworm] load .dockerignore, evaluate
        read ref-4 .dockerignore
        solve 4 ops for [toolchain] contents of rust:1.95-bookworm, evaluate
        read ref-5 contents
        solve 6 ops for [plan] cargo build, recorded, evaluate
        inputs
        read ref-6 recording.json
        read ref-6 metadata.json
        solve 1 ops for [internal] load build context
        read ref-7 src/main.rs
        solve 14 ops for [longshore] summary, evaluate
        solve 13 ops for [image] hello
        read ref-8 summary.json
        return ref-9
            containerimage.config = {"architecture":"amd64","config":{"Entrypoint":["/usr/local/bin/hello"],"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Labels":{"org.opencontainers.image.description":"Greets whoever runs the image","org.opencontainers.image.licenses":"MIT OR Apache-2.0","org.opencontainers.image.title":"hello","org.opencontainers.image.version":"0.1.0"},"User":"65532:65532"},"os":"linux"}
            frontend.longshore.summary = eyJhbGxTZWNvbmRzIjowLjAsImNvbXBpbGVkIjowLCJjb21waWxlZFNlY29uZHMiOjAuMCwiaW1hZ2VzIjpbeyJieXRlcyI6MCwicGxhdGZvcm0iOiJsaW51eC9hbWQ2NCIsInRhcmdldCI6ImhlbGxvIn1dLCJyZXVzZWQiOjEsInN0ZXBzIjoxfQ==
            frontend.result.inlinemessage = hello (linux/amd64): 0 B
        1 step, all reused

            refs.platforms = {"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}}]}
    "#]].assert_eq(&built.transcript.to_string());
}
