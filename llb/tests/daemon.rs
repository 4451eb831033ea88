//! Against a running daemon: the digests it reports are ours. Runs with `E2E=1`, and then fails where no daemon answers
//! to `docker buildx dial-stdio`; `E2E_IMAGE` names an image that it has and that holds a shell.
//!
//! Progress, warnings and source maps find their vertex by digest, and a daemon encodes every op again before it takes
//! the digest; so this is what says that the canonical encoding is the daemon's.
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]
#![expect(
    clippy::print_stdout,
    reason = "what was skipped and what the daemon printed belongs into the test's output"
)]

#[path = "daemon/control.rs"]
mod control;
#[path = "../examples/kitchen_sink.rs"]
#[expect(dead_code, reason = "the example's own main")]
mod kitchen_sink;

use std::collections::BTreeMap;

use buildkit_llb::{
    Annotate, Definition, Digest, Exec, Files, Image, ImageRef, Platform, ResolveMode, SourceFile, State,
};
use buildkit_proto::pb;
use prost::Message as _;

use crate::control::{Control, Reported};
use crate::kitchen_sink::{Extras, kitchen_sink, remote_sink};

fn enabled() -> bool {
    let enabled = std::env::var_os("E2E").is_some_and(|value| value == "1");
    if !enabled {
        println!("skipped: set E2E=1 to run against the daemon that `docker buildx` talks to");
    }
    enabled
}

fn image() -> ImageRef {
    let name = std::env::var("E2E_IMAGE").unwrap_or_else(|_| "debian:bookworm-slim".to_owned());
    ImageRef::parse(&name).unwrap()
}

fn base() -> State {
    Image::new(&image(), &Platform::host()).resolve_mode(ResolveMode::Local).labeled("base").state()
}

#[track_caller]
fn assert_reported(definition: &Definition, reported: &BTreeMap<String, Reported>) {
    assert!(definition.vertices().count() > 1);
    for vertex in definition.vertices() {
        let label = vertex.label().unwrap_or("(no label)");
        let Some(seen) = reported.get(vertex.digest().as_str()) else {
            panic!("the daemon knows no vertex {} (`{label}`); it reports {reported:#?}", vertex.digest());
        };
        let mut inputs: Vec<&str> = vertex.inputs().map(|(digest, _)| digest.as_str()).collect();
        let mut seen_inputs: Vec<&str> = seen.inputs.iter().map(String::as_str).collect();
        inputs.sort_unstable();
        seen_inputs.sort_unstable();
        assert_eq!(seen_inputs, inputs, "the inputs of `{label}`");
        if let Some(name) = vertex.name() {
            assert_eq!(seen.name, name);
        }
    }
}

#[tokio::test]
async fn the_daemon_runs_every_kind_of_op_under_our_digest() {
    if !enabled() {
        return;
    }
    let control = Control::dial().await;
    let mut solved = Vec::new();
    for extras in [Extras::All, Extras::Merge, Extras::Base] {
        let definition = kitchen_sink(&image(), &Platform::host(), extras).definition();
        match control.solve("all", definition.to_proto()).await {
            (Ok(()), reported) => {
                assert_reported(&definition, &reported);
                solved.push(extras);
            }
            // An older daemon, or one without the containerd image store: it says so before it runs anything.
            (Err(status), _) if extras != Extras::Base && lacks_an_op(&status) => {
                println!("{extras:?} is more than this daemon can do: {}", status.message());
            }
            (Err(status), reported) => panic!("{extras:?}: {status:?}\n{reported:#?}"),
        }
    }
    println!("solved {solved:?}");
}

/// What takes a client or a network cannot be run here. The daemon still names every vertex before it runs the first.
#[tokio::test]
async fn the_daemon_knows_every_kind_of_source_under_our_digest() {
    if !enabled() {
        return;
    }
    let definition = remote_sink(&image(), &Platform::host()).definition();
    let (result, reported) = Control::dial().await.solve("remote", definition.to_proto()).await;
    result.unwrap_err();
    assert_reported(&definition, &reported);
}

fn lacks_an_op(status: &tonic::Status) -> bool {
    let message = status.message();
    let refused = ["unknown API capability", "requested experimental feature"];
    refused.iter().any(|words| message.contains(words))
        && ["mergeop", "diffop", "passthroughop"].iter().any(|cap| message.contains(cap))
}

#[tokio::test]
async fn a_failing_exec_points_to_the_line_that_asked_for_it() {
    if !enabled() {
        return;
    }
    let file = SourceFile::new("Cargo.toml", "TOML", "[package]\nname = \"app\"\nversion = \"0\"\n");
    let failing = Exec::new(&Platform::host(), &base(), ["/bin/sh", "-c", "echo no; exit 3"])
        .offline()
        .output("/out", &State::SCRATCH)
        .labeled("fails")
        .named("[app] compile")
        .uncached()
        .at(&file.span(10..20))
        .run();
    let definition = failing.definition();
    let (result, reported) = Control::dial().await.solve("fails", definition.to_proto()).await;
    assert_reported(&definition, &reported);
    let status = result.unwrap_err();
    assert!(status.message().contains("exit code: 3"), "{}", status.message());
    let details = buildkit_proto::rpc::Status::decode(status.details()).unwrap().details;
    let source = details
        .iter()
        .find(|detail| detail.type_url.ends_with("errdefs.Source+json"))
        .expect("the error says where the op comes from");
    let source = String::from_utf8(source.value.clone()).unwrap();
    assert!(source.contains("\"filename\":\"Cargo.toml\""), "{source}");
    assert!(source.contains("\"ranges\":[{\"start\":{\"line\":2},\"end\":{\"line\":2}}]"), "{source}");
}

/// The trap that the canonical encoding avoids; and the proof that the test above could fail.
#[tokio::test]
async fn an_op_encoded_in_field_order_has_another_digest_for_the_daemon() {
    if !enabled() {
        return;
    }
    let files = Files::on(&base()).write("/marker", 0o644, "field order").labeled("files").state();
    let mut definition = files.definition().to_proto();
    let field_order = |bytes: &[u8]| pb::Op::decode(bytes).unwrap().encode_to_vec();
    let image = field_order(&definition.def[0]);
    assert_ne!(image, definition.def[0]);
    let mut last = pb::Op::decode(definition.def[1].as_slice()).unwrap();
    last.inputs[0].digest = Digest::of(&image).as_str().to_owned();
    let last = last.encode_to_vec();
    let mut terminal = pb::Op::decode(definition.def[2].as_slice()).unwrap();
    terminal.inputs[0].digest = Digest::of(&last).as_str().to_owned();
    definition.def = vec![image.clone(), last.clone(), terminal.encode_to_vec()];
    let (result, reported) = Control::dial().await.solve("field-order", definition).await;
    result.unwrap();
    for bytes in [&image, &last] {
        let digest = Digest::of(bytes);
        assert!(!reported.contains_key(digest.as_str()), "the daemon kept {digest}");
    }
    assert_reported(&files.definition(), &reported);
}
