//! Definitions that others made (the frontend's own image, a client's inputs, another frontend's result) as states of
//! ours. Their ops keep their bytes, so they keep their digests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use buildkit_proto::pb;
use prost::Message as _;

use crate::digest::Digest;
use crate::meta::Notes;
use crate::span::{Location, SourceFile};
use crate::state::{Output, State, Vertex};

impl State {
    /// The state that a definition describes, with the annotations and places that it carries. An empty definition is
    /// scratch.
    ///
    /// # Errors
    /// When the definition is not one: bytes that are no op, inputs that are not there, no result.
    pub fn from_definition(definition: &pb::Definition) -> Result<State, InvalidDefinition> {
        let Some((terminal, ops)) = definition.def.split_last() else { return Ok(State::SCRATCH) };
        let terminal = decode(terminal)?;
        let ([result], None) = (terminal.inputs.as_slice(), &terminal.op) else {
            return Err(InvalidDefinition::new("its last op does not say what the result is"));
        };
        if result.digest.is_empty() {
            return Ok(State::SCRATCH);
        }
        let mut import = Import { pending: BTreeMap::new(), done: BTreeMap::new() };
        let mut locations = locations(definition)?;
        for bytes in ops {
            let digest = Digest::of(bytes);
            let mut notes =
                definition.metadata.get(digest.as_str()).map(Notes::from_proto).unwrap_or_default();
            notes.locations = locations.remove(digest.as_str()).unwrap_or_default();
            let inputs = decode(bytes)?.inputs;
            import.pending.insert(digest.as_str().to_owned(), Pending { digest, bytes, inputs, notes });
        }
        import.finish(&result.digest)?;
        Ok(State(Some(import.output(result)?)))
    }
}

/// An op whose inputs are not all finished.
struct Pending<'d> {
    digest: Digest,
    bytes: &'d [u8],
    inputs: Vec<pb::Input>,
    notes: Notes,
}

struct Import<'d> {
    pending: BTreeMap<String, Pending<'d>>,
    done: BTreeMap<String, Arc<Vertex>>,
}

impl<'d> Import<'d> {
    /// Finishes the vertex `root` and all that it needs, inputs first, without recursion.
    fn finish(&mut self, root: &str) -> Result<(), InvalidDefinition> {
        let mut stack: Vec<(Pending<'d>, usize)> = Vec::new();
        stack.extend(self.take(root)?.map(|pending| (pending, 0)));
        while let Some((pending, next)) = stack.pop() {
            if let Some(input) = pending.inputs.get(next) {
                let input = self.take(&input.digest)?;
                stack.push((pending, next + 1));
                stack.extend(input.map(|input| (input, 0)));
                continue;
            }
            let inputs = pending.inputs.iter().map(|input| self.output(input)).collect::<Result<_, _>>()?;
            let Pending { digest, bytes, notes, .. } = pending;
            let key = digest.as_str().to_owned();
            self.done.insert(key, Arc::new(Vertex { digest, bytes: bytes.to_vec(), inputs, notes }));
        }
        Ok(())
    }

    /// The op to work on, or `None` when it is finished.
    fn take(&mut self, digest: &str) -> Result<Option<Pending<'d>>, InvalidDefinition> {
        if self.done.contains_key(digest) {
            return Ok(None);
        }
        match self.pending.remove(digest) {
            Some(pending) => Ok(Some(pending)),
            None => Err(InvalidDefinition(format!("it lacks the op {digest} that another op needs"))),
        }
    }

    fn output(&self, input: &pb::Input) -> Result<Output, InvalidDefinition> {
        let vertex = self.done.get(&input.digest).ok_or_else(|| {
            // Digests make a cycle impossible, unless somebody broke sha256.
            InvalidDefinition(format!("its op {} needs itself", input.digest))
        })?;
        let index = u32::try_from(input.index)
            .map_err(|_| InvalidDefinition(format!("it uses output {} of an op", input.index)))?;
        Ok(Output { vertex: Arc::clone(vertex), index })
    }
}

fn decode(bytes: &[u8]) -> Result<pb::Op, InvalidDefinition> {
    pb::Op::decode(bytes)
        .map_err(|error| InvalidDefinition(format!("one of its ops cannot be decoded: {error}")))
}

fn locations(definition: &pb::Definition) -> Result<BTreeMap<String, Vec<Location>>, InvalidDefinition> {
    let Some(source) = &definition.source else { return Ok(BTreeMap::new()) };
    let mut files = Vec::with_capacity(source.infos.len());
    for info in &source.infos {
        let file = SourceFile::new(info.filename.as_str(), info.language.as_str(), info.data.as_slice());
        files.push(match &info.definition {
            // The definition of a file is that of a plain source. One that has a source map of its own, which could
            // nest without end, is cut there.
            Some(definition) => {
                let definition = pb::Definition { source: None, ..definition.clone() };
                file.loaded_by(&State::from_definition(&definition)?)
            }
            None => file,
        });
    }
    let mut locations: BTreeMap<String, Vec<Location>> = BTreeMap::new();
    for (digest, list) in &source.locations {
        for location in &list.locations {
            let file = usize::try_from(location.source_index).ok().and_then(|index| files.get(index));
            let Some(file) = file else {
                return Err(InvalidDefinition::new("its source map points to a file that it does not have"));
            };
            let location = Location { file: file.clone(), ranges: location.ranges.clone() };
            locations.entry(digest.clone()).or_default().push(location);
        }
    }
    Ok(locations)
}

/// A definition that is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidDefinition(String);

impl InvalidDefinition {
    fn new(what: &str) -> InvalidDefinition {
        InvalidDefinition(what.to_owned())
    }
}

impl fmt::Display for InvalidDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the definition is not valid: {}", self.0)
    }
}

impl std::error::Error for InvalidDefinition {}
