//! `encode_op` writes what the daemon writes: ops encoded by Go come back byte for byte.
//!
//! How they were made stands in `testdata/go-ops/main.go`.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::collections::BTreeSet;

use buildkit_proto::encode_op;
use buildkit_proto::pb::{Op, op};
use prost::Message as _;

const GO_OPS: &str = include_str!("../testdata/go-ops/ops.hex");

#[test]
fn ops_written_by_go_come_back_byte_for_byte() {
    for (line, go) in (1..).zip(go_ops()) {
        let op = Op::decode(&*go).unwrap();
        assert_eq!(encode_op(&op), go, "line {line} of ops.hex: {op:#?}");
    }
}

/// Without such ops the test above would hold for prost too.
#[test]
fn ops_written_by_go_are_of_every_kind_and_not_what_prost_writes() {
    let ops: Vec<_> = go_ops().map(|go| (Op::decode(&*go).unwrap(), go)).collect();
    let kinds: BTreeSet<_> = ops.iter().map(|(op, _)| kind(op)).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["build", "diff", "exec", "file", "merge", "passthrough", "source"]
    );
    let differ = ops.iter().filter(|(op, go)| op.encode_to_vec() != *go).count();
    assert!(differ > ops.len() / 2, "only {differ} of {} ops differ", ops.len());
}

fn kind(op: &Op) -> &'static str {
    match op.op.as_ref().unwrap() {
        op::Op::Build(_) => "build",
        op::Op::Diff(_) => "diff",
        op::Op::Exec(_) => "exec",
        op::Op::File(_) => "file",
        op::Op::Merge(_) => "merge",
        op::Op::Passthrough(_) => "passthrough",
        op::Op::Source(_) => "source",
    }
}

fn go_ops() -> impl Iterator<Item = Vec<u8>> {
    GO_OPS.lines().map(|line| {
        line.as_bytes()
            .chunks(2)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 16).unwrap())
            .collect()
    })
}
