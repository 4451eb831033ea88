//! Every kind of context against the fake daemon: what is asked, and the graph and configuration that come of it.

use std::collections::BTreeMap;

use buildkit_llb::{Annotate as _, ImageRef, Platform, State};
use buildkit_proto::pb;
use expect_test::{Expect, expect};
use prost::Message as _;

use super::{Loaded, Role, image};
use crate::gateway::Failure;
use crate::gateway::fake::{FakeImage, Script, Tree, name_of};
use crate::request::{Environment, Request};

const DIGIT: &str = "b";

fn platform() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn request(options: &[(&str, &str)]) -> Request {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let environment = Environment {
        started: 1_000,
        options: options.collect(),
        session: "session".to_owned(),
        platforms: vec![platform()],
    };
    Request::parse(&environment).unwrap()
}

fn script() -> Script {
    let image =
        |digest: &str| FakeImage { digest: digest.to_owned(), config: r#"{"os":"linux"}"#.to_owned() };
    let digest = format!("sha256:{}", DIGIT.repeat(64));
    let images = [
        ("docker.io/library/rust:1.95".to_owned(), image(&digest)),
        ("registry.example.com/my/rust:2".to_owned(), image(&digest)),
        (format!("docker.io/library/rust:1.95@{digest}"), image(&digest)),
        ("docker.io/library/built:here".to_owned(), image("")),
    ];
    let ignoring = Script::files(|definition| match name_of(definition) {
        Some("[context rust:1.95] load .dockerignore") => {
            Tree::from([(".dockerignore".to_owned(), b"docs\n!docs/x".to_vec())])
        }
        _ => Tree::new(),
    });
    Script { images: images.into(), ..ignoring }
}

/// What loading an image of this name for a toolchain yields, and what the daemon was asked for it.
async fn load(name: &str, options: &[(&str, &str)], script: Script) -> (Result<Loaded, Failure>, String) {
    let (gateway, transcript) = script.start().await.unwrap();
    let reference = ImageRef::parse(name).unwrap();
    let loaded = image(&gateway, &request(options), &reference, &platform(), Role::Toolchain).await;
    (loaded, transcript.to_string())
}

/// Replaces `rust:1.95` by a context.
async fn check(context: &str, options: &[(&str, &str)], script: Script, expected: Expect) {
    let options = [options, &[("context:rust:1.95", context)]].concat();
    let (loaded, asked) = load("rust:1.95", &options, script).await;
    let text = match loaded {
        Err(failure) => format!("{asked}{failure}\n"),
        Ok(loaded) => {
            let definition = loaded.state.definition();
            let config = loaded.config.as_deref().map(String::from_utf8_lossy);
            let reference = loaded.reference.map(|reference| reference.familiar());
            let named = name_of(&definition.to_proto()).unwrap_or_default().to_owned();
            format!("{asked}{named}\n{definition}config {config:?}\nreference {reference:?}\n")
        }
    };
    expected.assert_eq(&text);
}

#[tokio::test]
async fn an_image_that_nothing_replaces() {
    let (loaded, asked) = load("rust:1.95", &[("context:rust", "docker-image://other")], script()).await;
    let loaded = loaded.unwrap();
    let digest = format!("sha256:{}", DIGIT.repeat(64));
    assert_eq!(loaded.reference.unwrap().familiar(), format!("rust:1.95@{digest}"));
    assert_eq!(loaded.identity.to_string(), digest);
    expect![[r#"
        resolve docker-image://docker.io/library/rust:1.95 as [internal] load metadata for rust:1.95
    "#]]
    .assert_eq(&asked);
}

#[tokio::test]
async fn an_image_of_the_daemons_own_is_found_by_its_name() {
    let (loaded, _) = load("built:here", &[("image-resolve-mode", "local")], script()).await;
    let loaded = loaded.unwrap();
    assert_eq!(loaded.reference.unwrap().familiar(), "built:here");
    expect![[r#"
        toolchain = docker-image docker.io/library/built:here  [linux/amd64]
            resolvemode local
            name "[toolchain] built:here"
            export-cache false

        return toolchain
    "#]]
    .assert_eq(&loaded.state.definition().to_string());
}

#[tokio::test]
async fn an_image_of_a_known_digest_is_looked_for_in_the_same_place() {
    for (mode, expected) in
        [("local", Some("resolvemode local")), ("pull", Some("resolvemode pull")), ("", None)]
    {
        let (loaded, _) = load("rust:1.95", &[("image-resolve-mode", mode)], script()).await;
        let text = loaded.unwrap().state.definition().to_string();
        assert!(text.contains("rust:1.95@sha256:"), "{text}");
        assert_eq!(text.lines().map(str::trim).find(|line| line.starts_with("resolvemode")), expected);
    }
}

#[tokio::test]
async fn another_image() {
    check("docker-image://registry.example.com/my/rust:2", &[], script(), expect![[r#"
        resolve docker-image://registry.example.com/my/rust:2 as [context rust:1.95] load metadata for registry.example.com/my/rust:2
        [context rust:1.95] registry.example.com/my/rust:2
        toolchain = docker-image registry.example.com/my/rust:2@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb  [linux/amd64]
            name "[context rust:1.95] registry.example.com/my/rust:2"
            export-cache false

        return toolchain
        config Some("{\"os\":\"linux\"}")
        reference Some("registry.example.com/my/rust:2@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
    "#]]).await;
}

#[tokio::test]
async fn the_image_that_a_source_policy_names() {
    let policies =
        [("docker-image://registry.example.com/my/rust:2", "docker-image://docker.io/library/rust:1.95")];
    let policies = policies.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
    let script = Script { policies, ..script() };
    check("docker-image://registry.example.com/my/rust:2", &[], script, expect![[r#"
        resolve docker-image://registry.example.com/my/rust:2 as [context rust:1.95] load metadata for registry.example.com/my/rust:2
        [context rust:1.95] registry.example.com/my/rust:2
        toolchain = docker-image docker.io/library/rust:1.95@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb  [linux/amd64]
            name "[context rust:1.95] registry.example.com/my/rust:2"
            export-cache false

        return toolchain
        config Some("{\"os\":\"linux\"}")
        reference Some("rust:1.95@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
    "#]]).await;
}

#[tokio::test]
async fn an_image_that_is_not_there() {
    check("docker-image://registry.example.com/my/rust:3", &[], script(), expect![[r#"
        resolve docker-image://registry.example.com/my/rust:3 as [context rust:1.95] load metadata for registry.example.com/my/rust:3
        failed to load the context `rust:1.95`: failed to resolve the image `registry.example.com/my/rust:3`: registry.example.com/my/rust:3: not found
    "#]]).await;
}

#[tokio::test]
async fn nothing() {
    check(
        "docker-image://scratch",
        &[],
        script(),
        expect![[r#"

        return scratch
        config None
        reference None
    "#]],
    )
    .await;
}

#[tokio::test]
async fn an_image_in_a_layout() {
    let layout = format!("oci-layout://store:tag@sha256:{}", DIGIT.repeat(64));
    check(&layout, &[], script(), expect![[r#"
        resolve oci-layout://docker.io/library/rust:1.95@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb as [context rust:1.95] load metadata for rust:1.95@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
            oci.session=session
            oci.store=store
        [context rust:1.95] OCI load from client
        toolchain = oci-layout docker.io/library/rust:1.95@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb  [linux/amd64]
            session $SESSION
            store store
            name "[context rust:1.95] OCI load from client"
            export-cache false

        return toolchain
        config Some("{\"os\":\"linux\"}")
        reference None
    "#]]).await;
}

#[tokio::test]
async fn a_repository() {
    let options = [("build-arg:SOURCE_DATE_EPOCH", "1")];
    let address = "https://me:secret@example.com/rust.git?checksum=abc#main:root";
    check(
        address,
        &options,
        script(),
        expect![[r#"
        [context rust:1.95] load git source https://xxxxx:xxxxx@example.com/rust.git#main:root
        toolchain = git example.com/rust.git#main:root
            checksum abc
            fullurl https://me:secret@example.com/rust.git
            mtime commit
            name "[context rust:1.95] load git source https://xxxxx:xxxxx@example.com/rust.git#main:root"
            export-cache false

        return toolchain
        config None
        reference None
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_file_is_no_image() {
    check(
        "https://example.com/rust.tar",
        &[],
        script(),
        expect![[r#"
        the context `rust:1.95` is `https://example.com/rust.tar`, a file and no image
        help: write `--build-context rust:1.95=docker-image://…`, a repository or a directory
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_directory_of_the_clients() {
    let options = [("sharedkey:localdir:rust:1.95", "sysroot")];
    check(
        "local:rust:1.95",
        &options,
        script(),
        expect![[r#"
        solve 1 ops for [context rust:1.95] load .dockerignore, evaluate
        read ref-1 .dockerignore
        [context rust:1.95] copy
        files = local rust:1.95
            excludepatterns docs
            excludepatterns !docs/x
            session $SESSION
            sharedkeyhint context:rust:1.95-sysroot
            name "[context rust:1.95] load from client"

        toolchain = files scratch
            copy files / -> / contents
            name "[context rust:1.95] copy"
            export-cache false

        return toolchain
        config None
        reference None
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_directory_in_a_session_of_its_own() {
    let options = [("context:rust:1.95", "local:_context"), ("local-sessionid:_context", "other")];
    let (loaded, _) = load("rust:1.95", &options, script()).await;
    let definition = loaded.unwrap().state.definition().to_proto();
    let op = pb::Op::decode(definition.def[0].as_slice()).unwrap();
    let Some(pb::op::Op::Source(source)) = op.op else { panic!("not a source") };
    assert_eq!(source.attrs["local.session"], "other");
}

fn with_inputs(names: &[&str]) -> Script {
    let built =
        buildkit_llb::Files::on(&State::SCRATCH).write("/bin/cargo", 0o755, "").named("[cargo]").state();
    let inputs = names.iter().map(|name| ((*name).to_owned(), built.definition().to_proto()));
    Script { inputs: inputs.collect::<BTreeMap<_, _>>(), ..script() }
}

#[tokio::test]
async fn the_result_of_another_target() {
    let metadata = ("input-metadata:0-rust", r#"{"containerimage.config":"e30="}"#);
    check(
        "input:0-rust",
        &[metadata],
        with_inputs(&["0-rust"]),
        expect![[r#"
        inputs
        [cargo]
        files#1 = files scratch
            write /bin/cargo 755 empty
            name "[cargo]"

        return files#1
        config Some("{}")
        reference None
    "#]],
    )
    .await;
}

#[tokio::test]
async fn an_input_that_was_not_sent() {
    check(
        "input:0-rust",
        &[],
        with_inputs(&["0-rusty"]),
        expect![[r#"
        inputs
        the context `rust:1.95` is the input `0-rust`, which the client did not send
        help: did you mean `0-rusty`?
    "#]],
    )
    .await;
}

#[tokio::test]
async fn one_for_the_platform_goes_first() {
    let options = [("context:rust:1.95::linux/amd64", "docker-image://scratch")];
    check(
        "docker-image://registry.example.com/my/rust:2",
        &options,
        script(),
        expect![[r#"

        return scratch
        config None
        reference None
    "#]],
    )
    .await;
}
