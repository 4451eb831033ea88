//! Diagnostics as a gRPC status, the only form in which a frontend can refuse a build.
//!
//! BuildKit's typed errors are not protobuf: a detail's value is the JSON that Go writes for the type named in its
//! URL (util/grpcerrors/grpcerrors.go, `withDetails`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use buildkit_llb::Span;
use buildkit_proto::Any;
use buildkit_proto::rpc::Status;
use serde::Serialize;

use super::{Diagnostics, Severity};

/// The URL of the error that makes clients print lines of a file.
const SOURCE_TYPE_URL: &str = "github.com/moby/buildkit/errdefs.Source+json";

/// How many snippets one error shows. Each carries its whole file, and nobody reads more than this.
const SNIPPETS_MAX: usize = 16;

/// Clients print the code's name before the message, unless it is Unknown (util/grpcerrors/grpcerrors.go,
/// `grpcStatusError.Error`).
const CODE: i32 = tonic::Code::Unknown as i32;

impl Diagnostics {
    /// The refusal of a build: the messages, and the lines of the user's files that they are about.
    pub fn to_status(&self) -> Status {
        let errors = self.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        let mut spans: Vec<&Span> = errors.filter_map(|diagnostic| diagnostic.primary()).collect();
        // Several mistakes in one line need the line once.
        spans.dedup();
        let mut details: Vec<_> = spans.into_iter().take(SNIPPETS_MAX).map(source_detail).collect();
        // The daemon turns the order around on the way to the client (util/grpcerrors/grpcerrors.go: `FromGRPC`
        // wraps from the first detail outwards, `ToGRPC` unwraps from the outside).
        details.reverse();
        Status { code: CODE, message: self.to_string(), details }
    }
}

impl From<&Diagnostics> for Status {
    fn from(diagnostics: &Diagnostics) -> Self {
        diagnostics.to_status()
    }
}

/// The detail that makes clients print the span's lines.
pub fn source_detail(span: &Span) -> Any {
    let source = Source {
        info: Info {
            filename: span.file().name(),
            data: STANDARD.encode(span.file().text()),
            language: span.file().language(),
        },
        ranges: [Range {
            // Clients read `end` unchecked (solver/errdefs/source.go, `Print`), so it is always there.
            start: Position { line: *span.lines().start() },
            end: Position { line: *span.lines().end() },
        }],
    };
    let value = serde_json::to_vec(&source).expect("a struct of strings and numbers serializes");
    Any { type_url: SOURCE_TYPE_URL.to_owned(), value }
}

#[derive(Serialize)]
struct Source<'a> {
    info: Info<'a>,
    ranges: [Range; 1],
}

#[derive(Serialize)]
struct Info<'a> {
    filename: &'a str,
    data: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    language: &'a str,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

/// Lines count from 1. Clients mark whole lines, so there is no column.
#[derive(Serialize)]
struct Position {
    line: u32,
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;
    use expect_test::expect;

    use crate::diagnostic::{Code, Diagnostic, Diagnostics};

    fn two_lines() -> SourceFile {
        SourceFile::new("Cargo.toml", "TOML", b"[package]\nname = 1\n")
    }

    #[test]
    fn a_detail_is_the_json_that_go_writes() {
        let diagnostic =
            Diagnostic::error(Code::InvalidValue, "`name` is a number").at(&two_lines().span(10..18));
        let status = Diagnostics::from(diagnostic).to_status();
        assert_eq!(status.code, 2);
        assert_eq!(status.message, "`name` is a number");
        assert_eq!(status.details[0].type_url, "github.com/moby/buildkit/errdefs.Source+json");
        expect![[r#"{"info":{"filename":"Cargo.toml","data":"W3BhY2thZ2VdCm5hbWUgPSAxCg==","language":"TOML"},"ranges":[{"start":{"line":2},"end":{"line":2}}]}"#]]
            .assert_eq(std::str::from_utf8(&status.details[0].value).unwrap());
    }

    #[test]
    fn a_span_that_ends_with_a_newline_does_not_mark_the_next_line() {
        let diagnostic = Diagnostic::error(Code::InvalidValue, "x").at(&two_lines().span(0..10));
        let status = Diagnostics::from(diagnostic).to_status();
        let json: serde_json::Value = serde_json::from_slice(&status.details[0].value).unwrap();
        assert_eq!(json["ranges"][0]["end"]["line"], 1);
    }

    #[test]
    fn the_first_mistake_is_the_last_detail() {
        let gathered = vec![
            Diagnostic::error(Code::InvalidValue, "first").at(&two_lines().span(0..1)),
            Diagnostic::error(Code::InvalidValue, "second").at(&two_lines().span(10..11)),
        ];
        let status = Diagnostics::new(gathered).to_status();
        let line = |index: usize| {
            let json: serde_json::Value = serde_json::from_slice(&status.details[index].value).unwrap();
            json["ranges"][0]["start"]["line"].as_u64()
        };
        assert_eq!((line(0), line(1)), (Some(2), Some(1)));
    }

    #[test]
    fn a_warning_shows_no_lines_in_an_error() {
        let span = two_lines().span(0..1);
        let gathered = vec![
            Diagnostic::warning(Code::UnknownKey, "w").at(&span),
            Diagnostic::error(Code::InvalidValue, "e"),
        ];
        assert!(Diagnostics::check((), gathered).unwrap_err().to_status().details.is_empty());
    }

    #[test]
    fn a_file_full_of_mistakes_stays_a_message_of_bearable_size() {
        let file = SourceFile::new("Cargo.toml", "TOML", "x\n".repeat(100));
        let mistake = |line: u32| Diagnostic::error(Code::UnknownKey, "u").at(&file.lines(line..=line));
        let shown = |gathered| Diagnostics::check((), gathered).unwrap_err().to_status().details.len();
        assert_eq!(shown((1..=100).map(mistake).collect()), 16);
        assert_eq!(shown(vec![mistake(1), mistake(1), mistake(2)]), 2, "a line is shown once");
    }
}
