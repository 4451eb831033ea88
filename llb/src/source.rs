//! Ops without inputs: images, directories of the client, git repositories, files over HTTP.

pub(crate) mod git;
pub(crate) mod http;
pub(crate) mod image;
pub(crate) mod local;
pub(crate) mod oci_layout;
pub(crate) mod reference;

use std::collections::BTreeMap;

use buildkit_proto::pb;

use crate::meta::Notes;
use crate::platform::Platform;
use crate::state::{Inputs, State, Vertex};

/// Attributes of a source. An empty value is left out: it says nothing, and encoders disagree on how to write it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attrs(BTreeMap<String, String>);

impl Attrs {
    pub(crate) fn set(&mut self, key: &str, value: impl Into<String>) {
        let value = value.into();
        if value.is_empty() {
            self.0.remove(key);
        } else {
            self.0.insert(key.to_owned(), value);
        }
    }
}

pub(crate) fn source(identifier: String, platform: Option<&Platform>, attrs: Attrs, notes: Notes) -> State {
    let op = pb::op::Op::Source(pb::SourceOp { identifier, attrs: attrs.0 });
    Vertex::state(op, platform, Inputs::default(), notes)
}
