//! Places in the files that a user wrote, so that a failing op and a diagnostic can point at a line.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use buildkit_proto::pb;

use crate::state::State;

/// A file with its text. Cloning bumps an `Arc`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile(Arc<Text>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Text {
    name: String,
    language: String,
    data: Vec<u8>,
    loaded_by: State,
}

impl SourceFile {
    /// A file by the name that the user knows it by, its language as GitHub's linguist calls it (`TOML`), and its text.
    pub fn new(name: impl Into<String>, language: impl Into<String>, text: impl Into<Vec<u8>>) -> SourceFile {
        let loaded_by = State::SCRATCH;
        SourceFile(Arc::new(Text {
            name: name.into(),
            language: language.into(),
            data: text.into(),
            loaded_by,
        }))
    }

    /// The same file, with the state that it was read from; debuggers find the file by it.
    #[must_use]
    pub fn loaded_by(&self, state: &State) -> SourceFile {
        let Text { name, language, data, .. } = &*self.0;
        SourceFile(Arc::new(Text {
            name: name.clone(),
            language: language.clone(),
            data: data.clone(),
            loaded_by: state.clone(),
        }))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The language.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.0.language
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.0.data
    }

    /// The lines that hold these bytes. Line breaks at the end of the range are not part of the place, or the line after
    /// it would be marked too; a range beyond the end means the last line.
    #[must_use]
    pub fn span(&self, bytes: Range<usize>) -> Span {
        let text = self.text();
        let start = bytes.start.min(text.len());
        let mut end = bytes.end.clamp(start, text.len());
        while end > start && matches!(text[end - 1], b'\n' | b'\r') {
            end -= 1;
        }
        let last = if end > start { end - 1 } else { start };
        Span { file: self.clone(), first: self.line(start), last: self.line(last) }
    }

    /// These lines, counted from 1.
    #[must_use]
    pub fn lines(&self, lines: RangeInclusive<u32>) -> Span {
        let last = self.line(self.text().len());
        let first = (*lines.start()).clamp(1, last);
        Span { file: self.clone(), first, last: (*lines.end()).clamp(first, last) }
    }

    /// The 1-based line of a byte.
    fn line(&self, byte: usize) -> u32 {
        let text = self.text();
        let breaks = text[..byte].iter().filter(|&&b| b == b'\n').count();
        // The empty line behind a final line break is no line that an editor would show.
        let beyond = byte == text.len() && text.last() == Some(&b'\n');
        u32::try_from(breaks + 1 - usize::from(beyond)).unwrap_or(u32::MAX)
    }

    /// The file as it stands in definitions and typed errors.
    #[must_use]
    pub fn to_proto(&self) -> pb::SourceInfo {
        let loaded_by = &self.0.loaded_by;
        pb::SourceInfo {
            filename: self.0.name.clone(),
            data: self.0.data.clone(),
            definition: loaded_by.digest().map(|_| loaded_by.definition().to_proto()),
            language: self.0.language.clone(),
        }
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceFile({}, {} bytes)", self.0.name, self.0.data.len())
    }
}

/// Whole lines of one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    file: SourceFile,
    first: u32,
    last: u32,
}

impl Span {
    /// The file.
    #[must_use]
    pub fn file(&self) -> &SourceFile {
        &self.file
    }

    /// The lines, from 1.
    #[must_use]
    pub fn lines(&self) -> RangeInclusive<u32> {
        self.first..=self.last
    }

    /// The first line, from 1.
    #[must_use]
    pub fn start_line(&self) -> u32 {
        self.first
    }

    /// The last line, which is the first one or after it.
    #[must_use]
    pub fn end_line(&self) -> u32 {
        self.last
    }

    /// The lines as BuildKit has them. Both ends are always set: its client reads the end unchecked
    /// (solver/errdefs/source.go, `Print`).
    #[must_use]
    pub fn to_proto(&self) -> pb::Range {
        let position =
            |line: u32| Some(pb::Position { line: i32::try_from(line).unwrap_or(i32::MAX), character: 0 });
        pb::Range { start: position(self.first), end: position(self.last) }
    }

    pub(crate) fn location(&self) -> Location {
        Location { file: self.file.clone(), ranges: vec![self.to_proto()] }
    }
}

/// `Cargo.toml:14`, `Cargo.toml:14-16`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.name(), self.first)?;
        if self.last > self.first { write!(f, "-{}", self.last) } else { Ok(()) }
    }
}

/// Places of one file on an op, as they stand in definitions; those of others may have several or no ranges.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Location {
    pub(crate) file: SourceFile,
    pub(crate) ranges: Vec<pb::Range>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, bytes: Range<usize>, place: &str) {
        assert_eq!(SourceFile::new("f", "Text", text).span(bytes).to_string(), place);
    }

    #[test]
    fn bytes_become_lines() {
        check("a\nb\nc\n", 0..1, "f:1");
        check("a\nb\nc\n", 2..3, "f:2");
        check("a\nb\nc\n", 0..3, "f:1-2");
    }

    #[test]
    fn a_line_break_at_the_end_does_not_mark_the_next_line() {
        check("a\nb\nc\n", 0..2, "f:1");
        check("a\r\nb\r\n", 0..3, "f:1");
        check("a\n\n\nb", 0..4, "f:1");
    }

    #[test]
    fn a_range_beyond_the_text_is_the_last_line() {
        check("a\nb\n", 100..200, "f:2");
        check("a\nb", 3..3, "f:2");
        check("", 0..0, "f:1");
        #[expect(clippy::reversed_empty_ranges, reason = "a caller may get it wrong, which must not panic")]
        check("a\nb\n", 3..1, "f:2");
    }
}
