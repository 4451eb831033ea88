//! Places in the user's files, as the formats of BuildKit's subrequests write them.

use base64::{Engine, engine::general_purpose::STANDARD};
use buildkit_llb::{SourceFile, Span};
use serde::Serialize;
use serde_json::{Value, json};

/// The files that an answer points into, each once, in the order in which they were first named.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(Vec<SourceFile>);

/// A `pb.Location` as Go writes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Location {
    #[serde(rename = "sourceIndex")]
    source_index: i32,
    ranges: Vec<Range>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Position {
    line: u32,
    character: u32,
}

impl Location {
    /// No place at all. Clients read the location unchecked, and take a negative index for "none" (BuildKit's
    /// frontend/subrequests/lint/lint.go, `PrintTo`).
    pub(super) const NOWHERE: Location = Location { source_index: -1, ranges: Vec::new() };
}

impl Sources {
    /// The place, its file added when it is new.
    pub(super) fn locate(&mut self, span: &Span) -> Location {
        // Whole lines: clients mark no columns.
        let position = |line| Position { line, character: 0 };
        let range = Range { start: position(span.start_line()), end: position(span.end_line()) };
        Location { ranges: vec![range], ..self.somewhere_in(span.file()) }
    }

    /// A place in that file, without a line.
    pub(super) fn somewhere_in(&mut self, file: &SourceFile) -> Location {
        let index = self.0.iter().position(|known| known == file).unwrap_or_else(|| {
            self.0.push(file.clone());
            self.0.len() - 1
        });
        Location { source_index: i32::try_from(index).unwrap_or(i32::MAX), ranges: Vec::new() }
    }

    /// The files' texts in base64, which is how Go writes `[][]byte`.
    pub(super) fn texts(&self) -> Vec<String> {
        self.0.iter().map(|file| STANDARD.encode(file.text())).collect()
    }

    /// The files as `pb.SourceInfo`, as Go writes it.
    pub(super) fn infos(&self) -> Vec<Value> {
        let infos = self.0.iter().map(|file| {
            json!({"filename": file.name(), "language": file.language(), "data": STANDARD.encode(file.text())})
        });
        infos.collect()
    }
}
