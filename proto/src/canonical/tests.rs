//! The bytes, pinned where Go and prost differ and where they do not.

use std::collections::BTreeMap;

use prost::Message as _;

use super::encode_op;
use crate::pb::{Op, Platform, SourceOp, WorkerConstraints, op};

fn image() -> Op {
    Op {
        inputs: Vec::new(),
        op: Some(op::Op::Source(SourceOp {
            identifier: "docker-image://a".to_owned(),
            attrs: BTreeMap::new(),
        })),
        platform: Some(Platform {
            architecture: "arm64".to_owned(),
            os: "linux".to_owned(),
            ..Platform::default()
        }),
        constraints: Some(WorkerConstraints::default()),
    }
}

#[test]
fn the_oneof_comes_after_the_platform_and_the_constraints() {
    let platform = b"\x52\x0e\x0a\x05arm64\x12\x05linux";
    let constraints = b"\x5a\x00";
    let source = b"\x1a\x12\x0a\x10docker-image://a";
    assert_eq!(encode_op(&image()), [&platform[..], constraints, source].concat());
    assert_eq!(image().encode_to_vec(), [source, &platform[..], constraints].concat());
}
