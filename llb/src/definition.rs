//! What goes to the daemon: every vertex below a state, and what is told about each beside its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use buildkit_proto::{encode_op, pb};

use crate::caps::{Cap, CapSet, MissingCap, MissingCaps};
use crate::digest::Digest;
use crate::meta::Notes;
use crate::span::SourceFile;
use crate::state::{Output, State, Vertex};

/// A graph ready to be sent. Vertices are unique by digest and stand after their inputs.
pub struct Definition {
    pub(crate) entries: Vec<Entry>,
    pub(crate) result: State,
}

/// One vertex with the notes of all equal ops.
pub(crate) struct Entry {
    pub(crate) vertex: Arc<Vertex>,
    pub(crate) notes: Notes,
}

/// A vertex of a definition.
#[derive(Clone, Copy)]
pub struct VertexRef<'d>(&'d Entry);

impl<'d> VertexRef<'d> {
    /// The digest, as the daemon reports it.
    #[must_use]
    pub fn digest(&self) -> &'d Digest {
        &self.0.vertex.digest
    }

    /// The label.
    #[must_use]
    pub fn label(&self) -> Option<&'d str> {
        self.0.notes.label()
    }

    /// The name shown to the user.
    #[must_use]
    pub fn name(&self) -> Option<&'d str> {
        self.0.notes.name()
    }

    /// The capabilities it needs.
    pub fn caps(&self) -> impl Iterator<Item = &'d Cap> + use<'d> {
        self.0.notes.caps.iter()
    }

    /// The digests of the vertices it needs, each with the number of the output.
    pub fn inputs(&self) -> impl Iterator<Item = (&'d Digest, u32)> + use<'d> {
        self.0.vertex.inputs.iter().map(|input| (&input.vertex.digest, input.index))
    }
}

impl Definition {
    pub(crate) fn new(state: &State) -> Definition {
        let mut entries: Vec<Entry> = Vec::new();
        let mut by_digest: BTreeMap<&Digest, usize> = BTreeMap::new();
        for vertex in post_order(state) {
            let position = *by_digest.entry(&vertex.digest).or_insert(entries.len());
            match entries.get_mut(position) {
                // An equal op that was built twice: it may have been annotated otherwise.
                Some(entry) => entry.notes.merge(&vertex.notes),
                None => entries.push(Entry { vertex: Arc::clone(vertex), notes: vertex.notes.clone() }),
            }
        }
        Definition { entries, result: state.clone() }
    }

    /// All vertices, inputs before what needs them.
    pub fn vertices(&self) -> impl Iterator<Item = VertexRef<'_>> {
        self.entries.iter().map(VertexRef)
    }

    /// The state that was asked for.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.result
    }

    /// Whether the daemon can run every op.
    ///
    /// # Errors
    /// Names each op with each capability that `caps` lacks.
    pub fn check(&self, caps: &CapSet) -> Result<(), MissingCaps> {
        let mut missing = Vec::new();
        let mut check = |op: &dyn Fn() -> String, cap: &Cap| {
            if !caps.supports(cap) {
                let reason = caps.disabled_reason(cap).map(str::to_owned);
                missing.push(MissingCap { op: op(), cap: cap.clone(), reason });
            }
        };
        for entry in &self.entries {
            let notes = &entry.notes;
            let op = || notes.name().or(notes.label()).unwrap_or(entry.vertex.digest.as_str()).to_owned();
            for cap in &notes.caps {
                check(&op, cap);
            }
        }
        if !self.result.is_scratch() {
            for cap in &self.terminal_caps() {
                check(&|| "build definition".to_owned(), cap);
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(MissingCaps(missing)) }
    }

    /// The message for the daemon. Scratch is the empty message.
    #[must_use]
    pub fn to_proto(&self) -> pb::Definition {
        let Some(result) = &self.result.0 else { return pb::Definition::default() };
        let terminal = encode_op(&pb::Op {
            inputs: vec![pb::Input {
                digest: result.vertex.digest.as_str().to_owned(),
                index: i64::from(result.index),
            }],
            ..pb::Op::default()
        });
        let mut metadata: BTreeMap<String, pb::OpMetadata> = self
            .entries
            .iter()
            .map(|entry| (entry.vertex.digest.as_str().to_owned(), entry.notes.to_proto()))
            .collect();
        metadata.insert(
            Digest::of(&terminal).as_str().to_owned(),
            pb::OpMetadata {
                caps: self.terminal_caps().iter().map(|cap| (cap.as_str().to_owned(), true)).collect(),
                ..pb::OpMetadata::default()
            },
        );
        let mut def: Vec<Vec<u8>> = self.entries.iter().map(|entry| entry.vertex.bytes.clone()).collect();
        def.push(terminal);
        pb::Definition { def, metadata, source: self.source() }
    }

    /// What the definition as a whole needs: the last op carries it, as in BuildKit's own client.
    fn terminal_caps(&self) -> BTreeSet<Cap> {
        let mut caps = BTreeSet::from([Cap::CONSTRAINTS, Cap::PLATFORM]);
        let any = |test: fn(&Notes) -> bool| self.entries.iter().any(|entry| test(&entry.notes));
        if any(|notes| notes.ignore_cache) {
            caps.insert(Cap::META_IGNORE_CACHE);
        }
        if any(|notes| !notes.description.is_empty()) {
            caps.insert(Cap::META_DESCRIPTION);
        }
        if any(|notes| notes.export_cache.is_some()) {
            caps.insert(Cap::META_EXPORT_CACHE);
        }
        caps
    }

    /// The source map: which lines asked for which vertex. Each file's text is there once.
    fn source(&self) -> Option<pb::Source> {
        let mut positions: BTreeMap<&SourceFile, usize> = BTreeMap::new();
        let mut infos = Vec::new();
        let mut locations = BTreeMap::new();
        for Entry { vertex, notes } in &self.entries {
            let mut list = Vec::new();
            for location in &notes.locations {
                let position = *positions.entry(&location.file).or_insert(infos.len());
                if position == infos.len() {
                    infos.push(location.file.to_proto());
                }
                let source_index = i32::try_from(position).expect("there are fewer than 2^31 source files");
                list.push(pb::Location { source_index, ranges: location.ranges.clone() });
            }
            if !list.is_empty() {
                locations.insert(vertex.digest.as_str().to_owned(), pb::Locations { locations: list });
            }
        }
        (!infos.is_empty()).then_some(pb::Source { locations, infos })
    }
}

/// Every vertex object below `state` once, inputs first. Iterative: graphs are as deep as their longest chain.
fn post_order(state: &State) -> Vec<&Arc<Vertex>> {
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    let mut stack: Vec<(&Output, usize)> = Vec::new();
    // By address, not by digest: equal ops that were built twice may differ in their annotations.
    let mut visit = |output: &Output| seen.insert(Arc::as_ptr(&output.vertex) as usize);
    if let Some(output) = &state.0 {
        visit(output);
        stack.push((output, 0));
    }
    while let Some((output, next)) = stack.pop() {
        if let Some(input) = output.vertex.inputs.get(next) {
            stack.push((output, next + 1));
            if visit(input) {
                stack.push((input, 0));
            }
        } else {
            order.push(&output.vertex);
        }
    }
    order
}
