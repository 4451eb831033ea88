//! Answers to `docker buildx build --call=…`: questions about a build that is not run. Pure.
//!
//! `check`, `outline`, `targets` and `describe` are those of the Dockerfile frontend, in its formats
//! (frontend/subrequests); `graph`, `plan`, `explain` and `bake` are ours. Clients print `result.txt`, or `result.json`
//! when asked for JSON, of any question they do not know.

pub mod bake;
pub mod describe;
pub mod explain;
pub mod graph;
pub mod lint;
pub mod outline;
pub mod plan;
pub mod svg;
pub mod targets;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildkit_llb::{SourceFile, Span};
use serde_json::{Value, json};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// `--call=check`.
    Lint,
    /// `--call=outline`.
    Outline,
    /// `--call=targets`.
    Targets,
    /// `--call=subrequests.describe`.
    Describe,
    /// `--call=graph`.
    Graph,
    /// `--call=graph-svg`.
    GraphSvg,
    /// `--call=plan`.
    Plan,
    /// `--call=explain`.
    Explain,
    /// `--call=bake`.
    Bake,
}

impl Question {
    /// Every question.
    pub const ALL: [Question; 9] = [
        Question::Lint,
        Question::Outline,
        Question::Targets,
        Question::Describe,
        Question::Graph,
        Question::GraphSvg,
        Question::Plan,
        Question::Explain,
        Question::Bake,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Question::Lint => "frontend.lint",
            Question::Outline => "frontend.outline",
            Question::Targets => "frontend.targets",
            Question::Describe => "frontend.subrequests.describe",
            Question::Graph => "frontend.graph",
            Question::GraphSvg => "frontend.graph-svg",
            Question::Plan => "frontend.plan",
            Question::Explain => "frontend.explain",
            Question::Bake => "frontend.bake",
        }
    }

    /// What the answer is, in one sentence.
    pub fn description(self) -> &'static str {
        match self {
            Question::Lint => "Checks the workspace and its settings, and lists what could go wrong",
            Question::Outline => "Lists the build arguments and secrets of a target",
            Question::Targets => "Lists everything that can be built",
            Question::Describe => "Lists the questions that this frontend answers",
            Question::Graph => "Shows the steps of a target and what each depends on",
            Question::GraphSvg => "Draws the steps of a target",
            Question::Plan => "Prints the whole plan: every command, its environment, its inputs",
            Question::Explain => "Says what each step depends on, or what changed since an earlier plan",
            Question::Bake => "Prints a bake file with every target of the workspace",
        }
    }

    /// The question of that name.
    pub fn parse(name: &str) -> Option<Question> {
        Question::ALL.into_iter().find(|question| question.name() == name)
    }

    /// The Dockerfile frontend answers it about Dockerfiles.
    pub fn is_common(self) -> bool {
        matches!(self, Question::Lint | Question::Outline | Question::Targets | Question::Describe)
    }
}

/// An answer in both of its forms.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// For programs.
    pub json: Value,
    /// For people.
    pub text: String,
    /// The client's exit status, for answers that have one.
    pub status: Option<u8>,
}

impl Answer {
    /// The answer as a result's metadata (frontend/subrequests; `result.statuscode` is what buildx exits with).
    pub fn metadata(self) -> BTreeMap<String, Vec<u8>> {
        let mut json = serde_json::to_string_pretty(&self.json).expect("a JSON value can be written");
        json.push('\n');
        let mut metadata = BTreeMap::from([
            ("result.json".to_owned(), json.into_bytes()),
            ("result.txt".to_owned(), self.text.into_bytes()),
            ("version".to_owned(), b"1.0.0".to_vec()),
        ]);
        if let Some(status) = self.status {
            metadata.insert("result.statuscode".to_owned(), status.to_string().into_bytes());
        }
        metadata
    }
}

/// Files that an answer points into.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<SourceFile>);

impl Sources {
    /// A place, as clients read it. A place in no file is the beginning of the first one.
    pub fn location(&mut self, span: Option<&Span>) -> Value {
        let Some(span) = span else { return json!({ "sourceIndex": 0, "ranges": [] }) };
        let index = self.0.iter().position(|file| file.name() == span.file().name()).unwrap_or_else(|| {
            self.0.push(span.file().clone());
            self.0.len() - 1
        });
        let line = |line: u32| json!({ "line": line, "character": 0 });
        json!({
            "sourceIndex": index,
            "ranges": [{ "start": line(*span.lines().start()), "end": line(*span.lines().end()) }],
        })
    }

    /// The texts alone, as answers but those to `check` hold them.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(|file| STANDARD.encode(file.text())).collect()
    }

    /// The files with their names.
    pub fn files(&self) -> Vec<Value> {
        let file = |file: &SourceFile| json!({ "filename": file.name(), "language": file.language(), "data": STANDARD.encode(file.text()) });
        self.0.iter().map(file).collect()
    }

    /// Puts a file first, so that it is the one without places.
    pub fn of(file: &SourceFile) -> Self {
        Self(vec![file.clone()])
    }
}

/// Columns of text, aligned with spaces as Go's tabwriter does for the Dockerfile frontend.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}   "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_names_of_their_own() {
        for question in Question::ALL {
            assert_eq!(Question::parse(question.name()), Some(question));
            assert!(!question.description().ends_with('.'));
        }
        assert_eq!(Question::parse("frontend.grpah"), None);
    }

    #[test]
    fn places_name_files_once() {
        let file = SourceFile::new("Cargo.toml", "TOML", "[package]\nname = \"x\"\n");
        let mut sources = Sources::default();
        let first = sources.location(Some(&file.span(0..9)));
        let second = sources.location(Some(&file.span(10..14)));
        assert_eq!((&first["sourceIndex"], &second["sourceIndex"]), (&json!(0), &json!(0)));
        assert_eq!(second["ranges"][0]["start"]["line"], 2);
        assert_eq!(sources.texts().len(), 1);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["TARGET".to_owned(), "BASE".to_owned()], vec!["a".to_owned(), "scratch".to_owned()]];
        assert_eq!(table(&rows), "TARGET   BASE\na        scratch\n");
    }
}
