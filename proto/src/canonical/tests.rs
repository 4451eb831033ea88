//! Every difference between Go and prost, byte by byte. Ops that Go wrote are in `tests/canonical.rs`.

use std::collections::BTreeMap;

use prost::Message as _;

use super::encode_op;
use crate::pb::{
    BuildOp, ChownOpt, Definition, FileAction, FileActionRm, FileActionSymlink, FileOp, NamedUserOpt, Op,
    OpMetadata, PassthroughOp, Platform, SourceOp, UserOpt, WorkerConstraints, file_action, op, user_opt,
};

fn op(op: op::Op) -> Op {
    Op { op: Some(op), ..Op::default() }
}

fn source(identifier: &str, attrs: &[(&str, &str)]) -> Op {
    let attrs = attrs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    op(op::Op::Source(SourceOp { identifier: identifier.to_owned(), attrs }))
}

#[test]
fn the_oneof_comes_after_the_platform_and_the_constraints() {
    let image = Op {
        platform: Some(Platform {
            architecture: "arm64".to_owned(),
            os: "linux".to_owned(),
            ..Platform::default()
        }),
        constraints: Some(WorkerConstraints::default()),
        ..source("docker-image://a", &[])
    };
    let platform = &b"\x52\x0e\x0a\x05arm64\x12\x05linux"[..];
    let constraints = &b"\x5a\x00"[..];
    let source = &b"\x1a\x12\x0a\x10docker-image://a"[..];
    assert_eq!(encode_op(&image), [platform, constraints, source].concat());
    assert_eq!(image.encode_to_vec(), [source, platform, constraints].concat());
}

#[test]
fn entries_of_maps_have_their_key_and_their_value_even_empty() {
    let op = source("x", &[("a", ""), ("", "b"), ("c", "d")]);
    // Sorted by key, the empty one first.
    let attrs = &b"\x12\x05\x0a\x00\x12\x01b\x12\x05\x0a\x01a\x12\x00\x12\x06\x0a\x01c\x12\x01d"[..];
    assert_eq!(encode_op(&op), [b"\x1a\x19\x0a\x01x", attrs].concat());
    assert!(op.encoded_len() < encode_op(&op).len(), "prost leaves the empty ones out");
}

#[test]
fn maps_far_below_have_them_too() {
    let metadata = OpMetadata { caps: BTreeMap::from([("c".to_owned(), false)]), ..OpMetadata::default() };
    let def = Definition { metadata: BTreeMap::from([(String::new(), metadata)]), ..Definition::default() };
    let op = op(op::Op::Build(BuildOp { def: Some(def), ..BuildOp::default() }));
    let caps = &b"\x2a\x05\x0a\x01c\x10\x00"[..];
    assert_eq!(encode_op(&op), [b"\x2a\x0f\x1a\x0d\x12\x0b\x0a\x00\x12\x07", caps].concat());
}

#[test]
fn file_actions_and_owners_are_unchanged() {
    let user = |user| Some(UserOpt { user: Some(user) });
    let owner = ChownOpt {
        user: user(user_opt::User::ByName(NamedUserOpt { name: "u".to_owned(), input: -1 })),
        group: user(user_opt::User::ById(0)),
    };
    let symlink = FileActionSymlink { newpath: "n".to_owned(), owner: Some(owner), ..Default::default() };
    let actions = vec![
        FileAction {
            input: 1,
            output: -1,
            action: Some(file_action::Action::Symlink(symlink)),
            ..Default::default()
        },
        FileAction { action: Some(file_action::Action::Rm(FileActionRm::default())), ..Default::default() },
    ];
    let op = op(op::Op::File(FileOp { actions }));
    assert_eq!(encode_op(&op), op.encode_to_vec());
}

#[test]
fn an_op_of_nothing_is_nothing_and_a_variant_of_nothing_is_its_tag() {
    assert_eq!(encode_op(&Op::default()), b"");
    assert_eq!(encode_op(&op(op::Op::Passthrough(PassthroughOp::default()))), b"\x42\x00");
}

#[test]
fn lengths_of_more_than_one_byte_are_kept_right() {
    let long = "y".repeat(300);
    let op = source(&long, &[(&long, "")]);
    let mut expected = b"\x1a\xe3\x04\x0a\xac\x02".to_vec();
    expected.extend(long.bytes());
    expected.extend(b"\x12\xb1\x02\x0a\xac\x02");
    expected.extend(long.bytes());
    expected.extend(b"\x12\x00");
    assert_eq!(encode_op(&op), expected);
}
