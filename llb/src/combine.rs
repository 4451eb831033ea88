//! Ops that combine whole filesystems: merge, diff, passthrough. They carry no platform.

use buildkit_proto::pb;

use crate::caps::Cap;
use crate::meta::{Notes, annotated};
use crate::state::{Inputs, State, Vertex};

/// Filesystems stacked on each other; later ones win.
#[must_use = "a merge does nothing until `state` is called"]
#[derive(Debug, Clone)]
pub struct Merge {
    layers: Vec<State>,
    notes: Notes,
}

impl Merge {
    /// Stacks `layers`, lowest first. Scratch adds nothing and is left out.
    pub fn new<'a>(layers: impl IntoIterator<Item = &'a State>) -> Merge {
        let layers = layers.into_iter().filter(|layer| !layer.is_scratch()).cloned().collect();
        Merge { layers, notes: Notes::default() }
    }

    /// The stack. That of nothing is scratch, and that of one layer is the layer.
    #[must_use]
    pub fn state(mut self) -> State {
        if self.layers.len() < 2 {
            return self.layers.pop().unwrap_or(State::SCRATCH);
        }
        self.notes.need(Cap::MERGE);
        let mut inputs = Inputs::default();
        let merged = self.layers.iter().map(|layer| pb::MergeInput { input: inputs.push(layer) }).collect();
        Vertex::state(pb::op::Op::Merge(pb::MergeOp { inputs: merged }), None, inputs, self.notes)
    }
}

/// [`Merge`] without annotations.
pub fn merge<'a>(layers: impl IntoIterator<Item = &'a State>) -> State {
    Merge::new(layers).state()
}

/// What has to be put on one filesystem to get another.
#[must_use = "a diff does nothing until `state` is called"]
#[derive(Debug, Clone)]
pub struct Diff {
    lower: State,
    upper: State,
    notes: Notes,
}

impl Diff {
    /// The changes from `lower` to `upper`.
    pub fn new(lower: &State, upper: &State) -> Diff {
        Diff { lower: lower.clone(), upper: upper.clone(), notes: Notes::default() }
    }

    /// The changes. Those from scratch are `upper` itself.
    #[must_use]
    pub fn state(mut self) -> State {
        if self.lower.is_scratch() {
            return self.upper;
        }
        self.notes.need(Cap::DIFF);
        let mut inputs = Inputs::default();
        let lower = Some(pb::LowerDiffInput { input: inputs.push(&self.lower) });
        let upper = Some(pb::UpperDiffInput { input: inputs.push(&self.upper) });
        Vertex::state(pb::op::Op::Diff(pb::DiffOp { lower, upper }), None, inputs, self.notes)
    }
}

/// [`Diff`] without annotations.
#[must_use]
pub fn diff(lower: &State, upper: &State) -> State {
    Diff::new(lower, upper).state()
}

/// A state that is there only after other states are: order without data.
#[must_use = "a passthrough does nothing until `state` is called"]
#[derive(Debug, Clone)]
pub struct Passthrough {
    id: String,
    state: State,
    required: Vec<State>,
    notes: Notes,
}

impl Passthrough {
    /// Passes `state` on. The id tells passthroughs of the same inputs apart.
    #[track_caller]
    pub fn new(id: impl Into<String>, state: &State) -> Passthrough {
        let id = id.into();
        assert!(!id.is_empty(), "a passthrough needs an id");
        Passthrough { id, state: state.clone(), required: Vec::new(), notes: Notes::default() }
    }

    /// Waits for `other`, and fails where it fails.
    pub fn requires(mut self, other: &State) -> Passthrough {
        self.required.push(other.clone());
        self
    }

    /// The same filesystem. Scratch needs no op that could wait, and a passthrough that waits for nothing is none.
    #[must_use]
    pub fn state(mut self) -> State {
        // Waiting has no order, so the order of the calls is not part of the digest.
        self.required.sort();
        self.required.dedup();
        self.required.retain(|state| !state.is_scratch() && *state != self.state);
        if self.state.is_scratch() || self.required.is_empty() {
            return self.state;
        }
        self.notes.need(Cap::PASSTHROUGH);
        let mut inputs = Inputs::default();
        let outputs = vec![inputs.push(&self.state)];
        for state in &self.required {
            inputs.push(state);
        }
        let op = pb::op::Op::Passthrough(pb::PassthroughOp { id: self.id, outputs });
        Vertex::state(op, None, inputs, self.notes)
    }
}

annotated!(Merge, Diff, Passthrough);
