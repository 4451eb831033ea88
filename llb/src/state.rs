//! States and vertices: a finished op with its bytes, its digest and its inputs.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use buildkit_proto::{encode_op, pb};

use crate::definition::Definition;
use crate::digest::Digest;
use crate::meta::Notes;
use crate::platform::Platform;

/// One filesystem: an output of one vertex, or scratch. Cloning bumps an `Arc`. States are equal when they are the
/// same output of ops with the same digest.
#[derive(Clone)]
pub struct State(pub(crate) Option<Output>);

impl State {
    /// The empty filesystem.
    pub const SCRATCH: State = State(None);

    /// The digest of the vertex, computed when the op was built; `None` for scratch.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.0.as_ref().map(|output| &output.vertex.digest)
    }

    /// Which output of the vertex this is.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.0.as_ref().map_or(0, |output| output.index)
    }

    /// Whether this is the empty filesystem that no op made.
    #[must_use]
    pub fn is_scratch(&self) -> bool {
        self.0.is_none()
    }

    /// The label of the op that made this state.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.0.as_ref().and_then(|output| output.vertex.notes.label())
    }

    /// All vertices that this state needs, each digest once, inputs before what needs them.
    #[must_use]
    pub fn definition(&self) -> Definition {
        Definition::new(self)
    }

    fn key(&self) -> Option<(&Digest, u32)> {
        self.0.as_ref().map(|output| (&output.vertex.digest, output.index))
    }
}

impl PartialEq for State {
    fn eq(&self, other: &State) -> bool {
        self.key() == other.key()
    }
}

impl Eq for State {}

impl PartialOrd for State {
    fn partial_cmp(&self, other: &State) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for State {
    fn cmp(&self, other: &State) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The text form of the definition.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.definition().fmt(f)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("State(scratch)"),
            Some(Output { vertex, index }) => {
                let name = vertex.notes.label().unwrap_or(vertex.digest.as_str());
                write!(f, "State({name}.{index})")
            }
        }
    }
}

/// An output of a vertex.
#[derive(Clone)]
pub(crate) struct Output {
    pub(crate) vertex: Arc<Vertex>,
    pub(crate) index: u32,
}

/// A finished op.
pub(crate) struct Vertex {
    pub(crate) digest: Digest,
    /// The op as the daemon will encode it again (solver/llbsolver/vertex.go, `recomputeDigests`).
    pub(crate) bytes: Vec<u8>,
    // Invariant: in the order of the op's own list of inputs.
    pub(crate) inputs: Vec<Output>,
    pub(crate) notes: Notes,
}

impl Vertex {
    /// Finishes an op. `platform` is `None` for the ops that run the same everywhere.
    pub(crate) fn new(
        op: pb::op::Op,
        platform: Option<&Platform>,
        inputs: Inputs,
        notes: Notes,
    ) -> Arc<Vertex> {
        let inputs = inputs.list;
        let op = pb::Op {
            inputs: inputs
                .iter()
                .map(|input| pb::Input {
                    digest: input.vertex.digest.as_str().to_owned(),
                    index: i64::from(input.index),
                })
                .collect(),
            op: Some(op),
            platform: platform.map(Platform::to_proto),
            // Empty but present, as BuildKit's own client has it: equal ops of other frontends are the same vertex.
            constraints: Some(pb::WorkerConstraints { filter: Vec::new() }),
        };
        let bytes = encode_op(&op);
        Arc::new(Vertex { digest: Digest::of(&bytes), bytes, inputs, notes })
    }

    /// A finished op with one output.
    pub(crate) fn state(op: pb::op::Op, platform: Option<&Platform>, inputs: Inputs, notes: Notes) -> State {
        Vertex::output(&Vertex::new(op, platform, inputs, notes), 0)
    }

    pub(crate) fn output(vertex: &Arc<Vertex>, index: u32) -> State {
        State(Some(Output { vertex: Arc::clone(vertex), index }))
    }
}

/// Dropped level by level: a chain of thousands of ops must not need thousands of stack frames.
impl Drop for Vertex {
    fn drop(&mut self) {
        let mut inputs = std::mem::take(&mut self.inputs);
        while let Some(input) = inputs.pop() {
            if let Some(mut vertex) = Arc::into_inner(input.vertex) {
                inputs.append(&mut vertex.inputs);
            }
        }
    }
}

/// The inputs of an op under construction.
#[derive(Default)]
pub(crate) struct Inputs {
    list: Vec<Output>,
    positions: BTreeMap<(Digest, u32), i64>,
}

impl Inputs {
    /// The position of `state`, added if it is new; -1, BuildKit's word for nothing, for scratch.
    pub(crate) fn add(&mut self, state: &State) -> i64 {
        let Some(output) = &state.0 else { return -1 };
        let next = self.next();
        let key = (output.vertex.digest.clone(), output.index);
        let position = *self.positions.entry(key).or_insert(next);
        if position == next {
            self.list.push(output.clone());
        }
        position
    }

    /// The position of `state` in a list where position has a meaning: added even if it is there already.
    pub(crate) fn push(&mut self, state: &State) -> i64 {
        let Some(output) = &state.0 else { return -1 };
        let next = self.next();
        self.list.push(output.clone());
        next
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    fn next(&self) -> i64 {
        i64::try_from(self.list.len()).expect("a list in memory has fewer than 2^63 items")
    }
}
