//! Definitions of others become states: nothing of them is lost, and what is no definition is refused.
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use buildkit_llb::{
    Annotate, Copy, Digest, Exec, Files, Image, ImageRef, Mount, Platform, ProgressGroup, Resources,
    SourceFile, State,
};
use buildkit_proto::pb;
use prost::Message as _;

fn linux() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn graph() -> State {
    let loaded =
        Files::on(&State::SCRATCH).write("/Cargo.toml", 0o644, "a\nb\n").labeled("definition").state();
    let file = SourceFile::new("Cargo.toml", "TOML", "a\nb\n").loaded_by(&loaded);
    let base = Image::new(&ImageRef::parse("rust:1.95").unwrap(), &linux()).labeled("base").state();
    let (_root, out) = Exec::modify(&linux(), &base, ["true"])
        .output("/out", &State::SCRATCH)
        .labeled("exec")
        .named("[x] exec")
        .grouped(&ProgressGroup::new("[x]").weak())
        .at(&file.span(2..3))
        .uncached()
        .export_cache(true)
        .resources(&Resources { memory_bytes: 5, ..Resources::default() })
        .run();
    out
}

#[test]
fn a_definition_survives_the_round_trip() {
    let proto = graph().definition().to_proto();
    let imported = State::from_definition(&proto).unwrap();
    assert_eq!(imported, graph());
    assert_eq!(imported.index(), 1);
    assert_eq!(imported.definition().to_proto(), proto);
    assert_eq!(imported.definition().to_string(), graph().definition().to_string());
    let info = &proto.source.as_ref().unwrap().infos[0];
    assert_eq!(info.definition.as_ref().unwrap().def.len(), 2, "the file says what it was read from");
}

#[test]
fn the_order_of_ops_in_a_definition_does_not_matter() {
    let mut proto = graph().definition().to_proto();
    let ops = proto.def.len() - 1;
    proto.def[..ops].reverse();
    assert_eq!(State::from_definition(&proto).unwrap(), graph());
}

#[test]
fn an_imported_state_is_an_input_like_any_other() {
    let imported = State::from_definition(&graph().definition().to_proto()).unwrap();
    let mixed = Files::on(&State::SCRATCH)
        .add(Copy::new(&imported, "/frontend", "/"))
        .add(Copy::new(&graph(), "/frontend", "/again"))
        .state();
    assert_eq!(mixed.definition().vertices().count(), 3, "the imported ops and the built ones are the same");
    let mounted = Exec::new(&linux(), &imported, ["true"])
        .mount("/helper", Mount::subpath(&imported, "/frontend"))
        .output("/out", &State::SCRATCH)
        .run();
    assert_eq!(mounted.definition().vertices().count(), 3);
}

#[test]
fn bytes_that_are_not_canonical_keep_their_digest() {
    // As an encoder that writes fields in the order of their numbers has it.
    let op = pb::Op {
        op: Some(pb::op::Op::Source(pb::SourceOp {
            identifier: "docker-image://docker.io/library/alpine:latest".into(),
            ..pb::SourceOp::default()
        })),
        platform: Some(linux().to_proto()),
        ..pb::Op::default()
    };
    let bytes = op.encode_to_vec();
    let digest = Digest::of(&bytes);
    let terminal = pb::Op {
        inputs: vec![pb::Input { digest: digest.as_str().to_owned(), index: 0 }],
        ..pb::Op::default()
    };
    let proto =
        pb::Definition { def: vec![bytes.clone(), terminal.encode_to_vec()], ..pb::Definition::default() };
    let imported = State::from_definition(&proto).unwrap();
    assert_eq!(imported.digest(), Some(&digest));
    assert_eq!(imported.definition().to_proto().def[0], bytes);
}

#[test]
fn nothing_is_scratch() {
    assert!(State::from_definition(&pb::Definition::default()).unwrap().is_scratch());
    assert_eq!(State::SCRATCH.definition().to_proto(), pb::Definition::default());
    let terminal = pb::Op { inputs: vec![pb::Input::default()], ..pb::Op::default() }.encode_to_vec();
    let scratch = pb::Definition { def: vec![terminal], ..pb::Definition::default() };
    assert!(State::from_definition(&scratch).unwrap().is_scratch());
}

#[track_caller]
fn refused(change: impl FnOnce(&mut pb::Definition), because: &str) {
    let mut proto = graph().definition().to_proto();
    change(&mut proto);
    let error = State::from_definition(&proto).unwrap_err().to_string();
    assert!(error.contains(because), "{error}");
}

#[test]
fn what_is_no_definition_is_refused() {
    refused(|proto| proto.def[0] = vec![0xff], "one of its ops cannot be decoded");
    refused(|proto| drop(proto.def.remove(0)), "it lacks the op sha256:");
    refused(|proto| drop(proto.def.pop()), "does not say what the result is");
    refused(|proto| *proto.def.last_mut().unwrap() = Vec::new(), "does not say what the result is");
    refused(
        |proto| {
            let locations = proto.source.as_mut().unwrap().locations.values_mut().next().unwrap();
            locations.locations[0].source_index = 7;
        },
        "points to a file that it does not have",
    );
    refused(
        |proto| {
            let digest = Digest::of(&proto.def[0]).as_str().to_owned();
            let inputs = vec![pb::Input { digest, index: -2 }];
            *proto.def.last_mut().unwrap() = pb::Op { inputs, ..pb::Op::default() }.encode_to_vec();
        },
        "it uses output -2",
    );
}

#[test]
fn a_file_whose_definition_holds_files_without_end_is_cut() {
    let mut proto = graph().definition().to_proto();
    for _ in 0..50 {
        let nested = proto.clone();
        proto.source.as_mut().unwrap().infos[0].definition = Some(nested);
        proto.source.as_mut().unwrap().infos[0].definition.as_mut().unwrap().def.truncate(0);
    }
    assert_eq!(State::from_definition(&proto).unwrap(), graph());
}
