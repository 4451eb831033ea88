//! The client against a server behind a real gRPC connection: what arrives is what was sent, whatever its size.

use std::collections::BTreeMap;

use buildkit_llb::{
    Annotate as _, Exec, Image, ImageRef, Platform, ResolveMode, SessionId, SourceFile, State,
};
use buildkit_proto::{Any, rpc};
use expect_test::expect;
use prost::Message as _;

use super::{Answer, FakeImage, Script, Tree, name_of};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::gateway::{
    BuildResult, CacheImport, FileKind, Forward, Gateway as _, ImageQuery, OciStore, Reference, References,
    SolveOptions, Warning,
};

fn platform() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn graph(name: &str) -> State {
    let image = Image::new(&ImageRef::parse("alpine").unwrap(), &platform()).state();
    Exec::new(&platform(), &image, ["true"]).output("/out", &State::SCRATCH).named(name).run()
}

fn tree(files: &[(&str, &[u8])]) -> Tree {
    files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect()
}

fn query(oci_layout: Option<OciStore>) -> ImageQuery {
    ImageQuery {
        reference: ImageRef::parse("rust:1.95").unwrap(),
        platform: platform(),
        resolve_mode: ResolveMode::Pull,
        log_name: "[internal] load metadata for rust:1.95".to_owned(),
        oci_layout,
    }
}

fn with_image() -> Script {
    let digest = format!("sha256:{}", "a".repeat(64));
    let image = FakeImage { digest, config: r#"{"os":"linux"}"#.to_owned() };
    Script {
        images: BTreeMap::from([("docker.io/library/rust:1.95".to_owned(), image)]),
        ..Script::default()
    }
}

#[tokio::test]
async fn a_build_from_solve_to_return() {
    let script = Script::files(|definition| match name_of(definition) {
        Some("load") => tree(&[("Cargo.toml", b"[workspace]"), ("src/main.rs", b"fn main() {}")]),
        _ => Tree::new(),
    });
    let (gateway, transcript) = script.start().await.unwrap();
    let options = SolveOptions {
        evaluate: true,
        cache_imports: vec![CacheImport {
            kind: "registry".to_owned(),
            attrs: BTreeMap::from([("ref".to_owned(), "example.com/cache".to_owned())]),
        }],
    };
    let reference = gateway.solve(&graph("load").definition(), &options).await.unwrap();
    assert_eq!(gateway.read_file(&reference, "Cargo.toml").await.unwrap(), b"[workspace]");
    let root: Vec<_> = gateway.read_dir(&reference, ".", "").await.unwrap();
    assert_eq!(
        root.iter().map(|entry| (entry.path.as_str(), &entry.kind, entry.size)).collect::<Vec<_>>(),
        [("Cargo.toml", &FileKind::File, 11), ("src", &FileKind::Directory, 0)]
    );
    assert_eq!(gateway.stat_file(&reference, "src/main.rs").await.unwrap().mode, 0o644);
    gateway.evaluate(&reference).await.unwrap();

    let file = SourceFile::new("Cargo.toml", "TOML", "[workspace]\nmembres = []\n");
    let diagnostic = Diagnostic::warning(Code::UnknownKey, "unknown key `membres`")
        .at(&file.span(12..19))
        .help("did you mean `members`?");
    gateway.warn(&Warning::from(&diagnostic)).await.unwrap();

    let metadata = BTreeMap::from([("containerimage.config".to_owned(), b"{}".to_vec())]);
    let result =
        BuildResult { references: References::Single(reference), metadata, ..BuildResult::default() };
    gateway.return_result(result).await.unwrap();
    expect![[r#"
        solve 2 ops for load, evaluate
            cache registry ref=example.com/cache
        read ref-1 Cargo.toml
        list ref-1 .
        stat ref-1 src/main.rs
        evaluate ref-1
        warn unknown-key: unknown key `membres` (line 2)
            at Cargo.toml:2
            A setting of that name does not exist.
            help: did you mean `members`?
        return ref-1
            containerimage.config = {}
    "#]]
    .assert_eq(&transcript.to_string());
}

#[tokio::test]
async fn one_result_for_each_platform() {
    let (gateway, transcript) = Script::default().start().await.unwrap();
    let reference = gateway.solve(&graph("app").definition(), &SolveOptions::default()).await.unwrap();
    let references = BTreeMap::from([
        ("linux/amd64".to_owned(), reference),
        ("linux/arm64".to_owned(), Reference::SCRATCH),
    ]);
    let result = BuildResult { references: References::Platforms(references), ..BuildResult::default() };
    gateway.return_result(result).await.unwrap();
    expect![[r#"
        solve 2 ops for app
        return
            linux/amd64 = ref-1
            linux/arm64 = scratch
    "#]]
    .assert_eq(&transcript.to_string());
}

#[tokio::test]
async fn another_frontend_builds() {
    let script = Script {
        solve: Box::new(|request| {
            assert_eq!(request.frontend, "dockerfile.v0");
            Ok(Answer {
                trees: BTreeMap::from([
                    ("linux/amd64".to_owned(), Tree::new()),
                    ("linux/arm64".to_owned(), Tree::new()),
                ]),
                metadata: BTreeMap::from([("refs.platforms".to_owned(), b"{}".to_vec())]),
            })
        }),
        ..Script::default()
    };
    let (gateway, transcript) = script.start().await.unwrap();
    let forward = Forward {
        frontend: "dockerfile.v0".to_owned(),
        options: BTreeMap::from([("context:bins".to_owned(), "input:bins".to_owned())]),
        inputs: BTreeMap::from([("bins".to_owned(), graph("bins").definition().to_proto())]),
        cache_imports: Vec::new(),
    };
    let result = gateway.solve_frontend(&forward).await.unwrap();
    let References::Platforms(references) = result.references else {
        panic!("one reference for two platforms")
    };
    assert_eq!(references.into_keys().collect::<Vec<_>>(), ["linux/amd64", "linux/arm64"]);
    assert_eq!(result.metadata["refs.platforms"], b"{}");
    expect![[r#"
        solve with dockerfile.v0
            opt context:bins=input:bins
            input bins
    "#]]
    .assert_eq(&transcript.to_string());
}

#[tokio::test]
async fn a_reference_carries_its_graph() {
    let (gateway, _) = Script::default().start().await.unwrap();
    let definition = graph("app").definition();
    let reference = gateway.solve(&definition, &SolveOptions::default()).await.unwrap();
    assert_eq!(reference.definition(), Some(&definition.to_proto()));
}

#[tokio::test]
async fn a_file_larger_than_a_piece_is_read_in_pieces() {
    for size in [(9 << 20) + 5, 8 << 20, 4 << 20, 0] {
        let bytes: Vec<u8> = (0..size).map(|index: u32| (index % 251) as u8).collect();
        let expected = bytes.clone();
        let script = Script::files(move |_| tree(&[("big", &bytes)]));
        let (gateway, transcript) = script.start().await.unwrap();
        let reference = gateway.solve(&graph("big").definition(), &SolveOptions::default()).await.unwrap();
        assert!(gateway.read_file(&reference, "big").await.unwrap() == expected, "{size} bytes");
        let calls = transcript.to_string().matches("read").count();
        // A last call finds out that a file of whole pieces has ended.
        assert_eq!(calls, size as usize / (4 << 20) + 1, "{size} bytes");
    }
}

#[tokio::test]
async fn messages_up_to_16_mib_pass_both_ways() {
    let (gateway, transcript) = Script::default().start().await.unwrap();
    let big = "x".repeat(15 << 20);
    let image = Image::new(&ImageRef::parse("alpine").unwrap(), &platform()).state();
    let state =
        Exec::new(&platform(), &image, ["true"]).env("BIG", &big).output("/out", &State::SCRATCH).run();
    // The answer repeats the graph, so this is 15 MiB in both directions.
    let reference = gateway.solve(&state.definition(), &SolveOptions::default()).await.unwrap();
    assert!(reference.definition().unwrap().encoded_len() > 15 << 20);
    assert_eq!(transcript.solved().len(), 1);
}

#[tokio::test]
async fn a_graph_that_is_too_large_is_refused_with_its_size() {
    let (gateway, transcript) = Script::default().start().await.unwrap();
    let image = Image::new(&ImageRef::parse("alpine").unwrap(), &platform()).state();
    let big = "x".repeat(17 << 20);
    let state =
        Exec::new(&platform(), &image, ["true"]).env("BIG", &big).output("/out", &State::SCRATCH).run();
    let error = gateway.solve(&state.definition(), &SolveOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::ResourceExhausted);
    assert!(error.to_string().ends_with("BuildKit takes at most 16777216"), "{error}");
    assert_eq!(transcript.solved().len(), 0);
}

/// What a failing step looks like: typed details that a client reads, and no two of them alike.
fn failed_step(bytes: usize) -> rpc::Status {
    rpc::Status {
        code: tonic::Code::Unknown as i32,
        message: "process \"/longshore/helper\" did not complete successfully: exit code: 101 – “ß”"
            .to_owned(),
        details: vec![
            Any {
                type_url: "github.com/moby/buildkit/errdefs.Vertex+json".to_owned(),
                value: b"{ \"digest\":\"\"}".to_vec(),
            },
            Any {
                type_url: "example.com/unknown".to_owned(),
                value: (0..bytes).map(|i| (i % 256) as u8).collect(),
            },
        ],
    }
}

fn failing(status: &rpc::Status) -> Script {
    let failure = tonic::Status::with_details(
        tonic::Code::from_i32(status.code),
        // The short form for clients that read no details.
        "short",
        status.encode_to_vec().into(),
    );
    Script { solve: Box::new(move |_| Err(failure.clone())), ..Script::default() }
}

#[tokio::test]
async fn typed_details_reach_the_client_untouched() {
    // 3 MiB of details is a header that many clients would refuse.
    for size in [0, 100, 20_000, 3 << 20] {
        let status = failed_step(size);
        let (gateway, transcript) = failing(&status).start().await.unwrap();
        let options = SolveOptions { evaluate: true, ..SolveOptions::default() };
        let error = gateway.solve(&graph("fails").definition(), &options).await.unwrap_err();
        gateway.return_error(error.to_status()).await.unwrap();
        let returned = transcript.returned().unwrap().error.unwrap();
        assert!(
            returned.encode_to_vec() == status.encode_to_vec(),
            "{size} bytes of details: {}",
            returned.message
        );
    }
}

#[tokio::test]
async fn a_lazy_failure_shows_when_the_result_is_used() {
    let (gateway, _) = failing(&failed_step(10)).start().await.unwrap();
    let reference = gateway.solve(&graph("fails").definition(), &SolveOptions::default()).await.unwrap();
    let error = gateway.read_file(&reference, "Cargo.toml").await.unwrap_err();
    assert_eq!(error.status(), &failed_step(10));
    assert!(!error.is_not_found());
}

#[tokio::test]
async fn a_missing_file_is_told_from_other_errors() {
    let (gateway, _) = Script::default().start().await.unwrap();
    let reference = gateway.solve(&graph("empty").definition(), &SolveOptions::default()).await.unwrap();
    let error = gateway.read_file(&reference, "Cargo.lock").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(
        error.doing("read `Cargo.lock` from the build context").to_string(),
        "failed to read `Cargo.lock` from the build context: open /Cargo.lock: no such file or directory"
    );
    assert!(gateway.read_file(&Reference::SCRATCH, "Cargo.lock").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_image_is_resolved_by_its_source() {
    let (gateway, transcript) = with_image().start().await.unwrap();
    let resolved = gateway.resolve_image(&query(None)).await.unwrap();
    assert_eq!(resolved.reference.to_string(), "docker.io/library/rust:1.95");
    assert_eq!(resolved.digest.unwrap().hex(), "a".repeat(64));
    assert_eq!(resolved.config, br#"{"os":"linux"}"#);
    let store = OciStore { session: SessionId::new("s"), store: "layout".to_owned() };
    gateway.resolve_image(&query(Some(store))).await.unwrap();
    expect![[r#"
        resolve docker-image://docker.io/library/rust:1.95 as [internal] load metadata for rust:1.95
        resolve oci-layout://docker.io/library/rust:1.95 as [internal] load metadata for rust:1.95
            oci.session=s
            oci.store=layout
    "#]]
    .assert_eq(&transcript.to_string());
}

#[tokio::test]
async fn an_old_daemon_is_asked_the_old_way() {
    let script = Script { caps: Vec::new(), ..with_image() };
    let (gateway, transcript) = script.start().await.unwrap();
    let resolved = gateway.resolve_image(&query(None)).await.unwrap();
    assert_eq!(resolved.reference.to_string(), "docker.io/library/rust:1.95");
    let options = SolveOptions { evaluate: true, ..SolveOptions::default() };
    let reference = gateway.solve(&graph("app").definition(), &options).await.unwrap();
    gateway.evaluate(&reference).await.unwrap();
    gateway.warn(&Warning { short: "nobody hears this".to_owned(), ..Warning::default() }).await.unwrap();
    expect![[r#"
        resolve config of docker.io/library/rust:1.95 as [internal] load metadata for rust:1.95
        solve 2 ops for app
        stat ref-1 .
        stat ref-1 .
    "#]]
    .assert_eq(&transcript.to_string());
}

#[tokio::test]
async fn an_image_of_the_daemons_own_has_no_digest() {
    let image = FakeImage { digest: String::new(), config: "{}".to_owned() };
    let images = BTreeMap::from([("docker.io/library/rust:1.95".to_owned(), image)]);
    let (gateway, _) = Script { images, ..Script::default() }.start().await.unwrap();
    assert_eq!(gateway.resolve_image(&query(None)).await.unwrap().digest, None);
}

#[tokio::test]
async fn a_source_policy_puts_another_image_in_its_place() {
    let policies = |by: &str| BTreeMap::from([(ASKED.to_owned(), by.to_owned())]);
    const ASKED: &str = "docker-image://docker.io/library/alpine:3";
    let asked = ImageQuery { reference: ImageRef::parse("alpine:3").unwrap(), ..query(None) };
    let script = Script { policies: policies("docker-image://docker.io/library/rust:1.95"), ..with_image() };
    let (gateway, _) = script.start().await.unwrap();
    let resolved = gateway.resolve_image(&asked).await.unwrap();
    assert_eq!(resolved.reference.familiar(), "rust:1.95");

    let script = Script { policies: policies("git://example.com/a"), ..with_image() };
    let (gateway, _) = script.start().await.unwrap();
    assert_eq!(
        gateway.resolve_image(&asked).await.unwrap_err().to_string(),
        "failed to resolve the image `alpine:3`: a source policy replaces it by `git://example.com/a`, which is not \
         an image; write a policy that names one, `docker-image://…`"
    );
}

#[tokio::test]
async fn the_start_of_a_file_is_read_alone() {
    let script = Script::files(|_| tree(&[("context", &[7; 5000])]));
    let (gateway, _) = script.start().await.unwrap();
    let reference = gateway.solve(&graph("load").definition(), &SolveOptions::default()).await.unwrap();
    assert_eq!(gateway.read_start(&reference, "context", 1024).await.unwrap(), [7; 1024]);
}

#[tokio::test]
async fn an_image_that_does_not_exist_is_named() {
    let (gateway, _) = Script::default().start().await.unwrap();
    let error = gateway.resolve_image(&query(None)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to resolve the image `rust:1.95`: docker.io/library/rust:1.95: not found"
    );
    assert_eq!(error.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn capabilities_and_platforms_are_the_daemons() {
    let script = Script {
        platforms: vec!["linux/arm64".to_owned(), "linux/arm/v7".to_owned()],
        llb_caps: vec!["exec.meta.base".to_owned()],
        ..Script::default()
    };
    let (gateway, _) = script.start().await.unwrap();
    let platforms: Vec<_> = gateway.platforms().iter().map(ToString::to_string).collect();
    assert_eq!(platforms, ["linux/arm64", "linux/arm/v7"]);
    // The check before and the daemon's answer agree.
    let definition = graph("app").definition();
    assert!(definition.check(gateway.llb_caps()).is_err());
    let error = gateway.solve(&definition, &SolveOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("has been disabled on the build server"), "{error}");

    let (gateway, _) = Script::default().start().await.unwrap();
    assert_eq!(definition.check(gateway.llb_caps()), Ok(()));
}

#[tokio::test]
async fn inputs_are_graphs_by_name() {
    let definition = graph("base").definition().to_proto();
    let inputs = BTreeMap::from([("base".to_owned(), definition)]);
    let script = Script { inputs: inputs.clone(), ..Script::default() };
    let (gateway, _) = script.start().await.unwrap();
    assert_eq!(gateway.inputs().await.unwrap(), inputs);
}

#[tokio::test]
async fn a_refusal_shows_its_lines() {
    let file = SourceFile::new("Cargo.toml", "TOML", "[workspace]\n");
    let diagnostics =
        Diagnostics::from(Diagnostic::error(Code::NoTarget, "nothing to build").at(&file.span(0..11)));
    let (gateway, transcript) = Script::default().start().await.unwrap();
    gateway.return_error(diagnostics.to_status()).await.unwrap();
    expect![[r#"
        return error 2: nothing to build
            detail github.com/moby/buildkit/errdefs.Source+json
    "#]]
    .assert_eq(&transcript.to_string());
}

#[tokio::test]
async fn a_build_ends_once() {
    let (gateway, transcript) = Script::default().start().await.unwrap();
    gateway.clone().return_result(BuildResult::default()).await.unwrap();
    let error = gateway.return_result(BuildResult::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to return the result to BuildKit: gateway result is already set");
    assert!(transcript.returned().unwrap().error.is_none());
}

#[tokio::test]
async fn a_result_that_is_too_large_becomes_an_error_that_the_user_sees() {
    let (gateway, transcript) = Script::default().start().await.unwrap();
    let metadata = BTreeMap::from([("frontend.big".to_owned(), vec![0; 17 << 20])]);
    gateway.return_result(BuildResult { metadata, ..BuildResult::default() }).await.unwrap_err();
    let returned = transcript.returned().unwrap().error.unwrap();
    assert_eq!(
        returned.message,
        "failed to return the result to BuildKit: the result has 17825823 bytes, BuildKit takes at most 16777216"
    );
}

#[tokio::test]
async fn an_error_that_is_too_large_loses_its_details_only() {
    let status = failed_step(17 << 20);
    let (gateway, transcript) = Script::default().start().await.unwrap();
    gateway.return_error(status.clone()).await.unwrap();
    let returned = transcript.returned().unwrap().error.unwrap();
    assert_eq!(returned.message, status.message);
    assert!(returned.details.is_empty());
}

#[tokio::test]
async fn a_daemon_that_hangs_up_is_an_error_not_a_hang() {
    let (frontend, daemon) = tokio::io::duplex(1024);
    drop(daemon);
    let error = crate::gateway::grpc::Client::connect(frontend).await.unwrap_err();
    assert!(error.to_string().contains("BuildKit"), "{error}");
}
