//! Encodes an [`Op`] byte for byte as the daemon does, because a vertex is named by the digest of
//! these bytes. It must not know what the fields mean.
//!
//! The daemon decodes every Op of a definition, encodes it again with Go's
//! `proto.MarshalOptions{Deterministic: true}` and takes that digest for the vertex
//! (solver/llbsolver/vertex.go, `recomputeDigests`). A frontend that arrives at another digest still
//! builds, but its source map, its warnings and its reading of progress no longer meet a vertex.
//! Go differs from prost in two ways:
//!
//! - members of a oneof come after all other fields
//!   (google.golang.org/protobuf/internal/impl/codec_message.go, `makeCoderMethods`);
//! - an entry of a map has its key and its value, even empty ones, which prost leaves out
//!   (codec_map.go beside it, `appendMapItem`).
//!
//! So prost encodes, and what it wrote is put in Go's order by [`table`], which is generated.

use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use crate::pb::Op;

mod table {
    include!("gen/order.rs");
}

/// Encodes `op` as the daemon encodes it. The sha256 of the result is the digest of the vertex.
#[must_use]
pub fn encode_op(op: &Op) -> Vec<u8> {
    let mut out = Vec::new();
    reorder(&table::OP, &op.encode_to_vec(), &mut out);
    out
}

/// A message in which prost and Go differ, here or further below.
struct Message {
    /// The fields that matter for it; all others are copied.
    fields: &'static [Field],
}

struct Field {
    number: u32,
    /// The oneof it is a member of.
    oneof: Option<usize>,
    kind: Kind,
}

enum Kind {
    Plain,
    Message(&'static Message),
    /// Key and value are wire types; `below` is the value's message.
    Map {
        key: u8,
        value: u8,
        below: Option<&'static Message>,
    },
}

/// A field as it is on the wire.
struct Record<'e> {
    number: u32,
    /// Key, length and payload.
    whole: &'e [u8],
    /// What follows key and length.
    payload: &'e [u8],
}

fn reorder(message: &Message, encoded: &[u8], out: &mut Vec<u8>) {
    let field_of = |record: &Record<'_>| message.fields.iter().find(|field| field.number == record.number);
    let mut records = split(encoded);
    // `None` sorts before every oneof, oneofs sort as they are declared, and the sort is stable.
    records.sort_by_key(|record| field_of(record).and_then(|field| field.oneof));
    for record in &records {
        match field_of(record).map(|field| &field.kind) {
            None | Some(Kind::Plain) => out.extend_from_slice(record.whole),
            Some(Kind::Message(below)) => put_message(below, record, out),
            Some(Kind::Map { key, value, below }) => {
                let mut entry = Vec::with_capacity(record.payload.len() + 4);
                put_entry(record.payload, (*key, *value), *below, &mut entry);
                put(record.number, &entry, out);
            }
        }
    }
}

fn put_entry(encoded: &[u8], (key, value): (u8, u8), below: Option<&Message>, out: &mut Vec<u8>) {
    let records = split(encoded);
    for (number, wire_type, below) in [(1u8, key, None), (2, value, below)] {
        match (records.iter().find(|record| record.number == u32::from(number)), below) {
            (Some(record), Some(below)) => put_message(below, record, out),
            (Some(record), None) => out.extend_from_slice(record.whole),
            // Zero, `false`, an empty string and an empty message are all the one byte 0.
            (None, _) => out.extend_from_slice(&[number << 3 | wire_type, 0]),
        }
    }
}

fn put_message(message: &Message, record: &Record<'_>, out: &mut Vec<u8>) {
    let mut inner = Vec::with_capacity(record.payload.len());
    reorder(message, record.payload, &mut inner);
    put(record.number, &inner, out);
}

fn put(number: u32, payload: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(payload.len() as u64, out);
    out.extend_from_slice(payload);
}

fn split(mut encoded: &[u8]) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    while !encoded.is_empty() {
        let mut rest = encoded;
        let (number, wire_type) = decode_key(&mut rest).expect(WELL_FORMED);
        let payload_len = match wire_type {
            WireType::LengthDelimited => decode_varint(&mut rest).expect(WELL_FORMED) as usize,
            WireType::Varint => {
                let mut after = rest;
                decode_varint(&mut after).expect(WELL_FORMED);
                rest.len() - after.len()
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::StartGroup | WireType::EndGroup => unreachable!("proto3 has no groups"),
        };
        let (payload, rest) = rest.split_at(payload_len);
        let (whole, rest) = encoded.split_at(encoded.len() - rest.len());
        records.push(Record { number, whole, payload });
        encoded = rest;
    }
    records
}

const WELL_FORMED: &str = "prost has just written these bytes";

#[cfg(test)]
mod tests;
