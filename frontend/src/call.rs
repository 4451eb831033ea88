//! Answers to `--call`: what a build is or would do, told without building.
//!
//! Pure: from values that the phases have anyway to an [`Answer`], which goes back as metadata of an empty result.
//! Nothing here asks BuildKit, and nothing decides what a build does. `outline`, `targets`, `lint` and `describe` have
//! BuildKit's own formats (its frontend/subrequests), which buildx draws itself; the others are ours, and buildx prints
//! their text, or their JSON with `--call=NAME,format=json`.

pub mod bake;
pub mod describe;
pub mod explain;
pub mod graph;
pub mod lint;
pub mod outline;
mod place;
pub mod plan;
mod table;
pub mod targets;

use std::collections::BTreeMap;

use serde_json::Value;

/// The version of every format here: clients that know an older one print the text instead of drawing the JSON.
pub const VERSION: &str = "1.0.0";

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// A bake file for the workspace.
    Bake,
    /// Which questions there are.
    Describe,
    /// What decides whether a vertex runs again.
    Explain,
    /// The vertices and what they see.
    Graph,
    /// The same as a picture.
    GraphSvg,
    /// The warnings; `--call=check` and `--check` send this name.
    Lint,
    /// What one target takes.
    Outline,
    /// Everything that would be run.
    Plan,
    /// Which targets there are.
    Targets,
}

impl Call {
    /// Every question, sorted by its name.
    pub const ALL: [Call; 9] = [
        Call::Bake,
        Call::Explain,
        Call::Graph,
        Call::GraphSvg,
        Call::Lint,
        Call::Outline,
        Call::Plan,
        Call::Describe,
        Call::Targets,
    ];

    /// The question of this name, as it stands in the option `requestid`. `None`: there is no such question.
    pub fn parse(request_id: &str) -> Option<Call> {
        Call::ALL.into_iter().find(|call| call.request_id() == request_id)
    }

    /// Its name for BuildKit. buildx puts `frontend.` before what follows `--call=`.
    pub fn request_id(self) -> &'static str {
        match self {
            Call::Bake => "frontend.bake",
            Call::Describe => "frontend.subrequests.describe",
            Call::Explain => "frontend.explain",
            Call::Graph => "frontend.graph",
            Call::GraphSvg => "frontend.graph-svg",
            Call::Lint => "frontend.lint",
            Call::Outline => "frontend.outline",
            Call::Plan => "frontend.plan",
            Call::Targets => "frontend.targets",
        }
    }

    /// What it answers, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Call::Bake => "Write a bake file that builds every target",
            Call::Describe => "List available subrequest types",
            Call::Explain => "Say what decides whether a step runs again, and what a change makes run",
            Call::Graph => "Show the steps of a target and what each depends on",
            Call::GraphSvg => "Draw the steps of a target as an SVG picture",
            Call::Lint => "Check the workspace and its settings",
            Call::Outline => "List all parameters current build target supports",
            Call::Plan => "Show every command of the build",
            Call::Targets => "List all targets current build supports",
        }
    }

    /// The format has an exit status for the client.
    fn has_status(self) -> bool {
        self == Call::Lint
    }
}

/// What goes back to the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// For programs.
    pub json: Value,
    /// For people; ends with a line break.
    pub text: String,
    /// The status with which the client exits, where the format has one.
    pub status: Option<u8>,
}

impl Answer {
    /// An answer of a format without status.
    fn new(json: Value, text: String) -> Answer {
        Answer { json, text, status: None }
    }

    /// The metadata of the result that carries this answer (BuildKit's frontend/subrequests, `ToResult`).
    pub fn metadata(self) -> BTreeMap<String, Vec<u8>> {
        let json = serde_json::to_vec_pretty(&self.json).expect("a JSON value can be written");
        let mut metadata = BTreeMap::from([
            ("result.json".to_owned(), json),
            ("result.txt".to_owned(), self.text.into_bytes()),
            ("version".to_owned(), VERSION.as_bytes().to_vec()),
        ]);
        if let Some(status) = self.status {
            metadata.insert("result.statuscode".to_owned(), status.to_string().into_bytes());
        }
        metadata
    }
}

/// Text of a manifest as it fits into a table: no line breaks, no tabs.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `1 vertex`, `2 vertices`.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_question_is_found_by_its_name() {
        for call in Call::ALL {
            assert_eq!(Call::parse(call.request_id()), Some(call));
        }
        assert!(Call::ALL.is_sorted_by_key(|call| call.request_id()));
        assert_eq!(Call::parse("frontend.check"), None, "buildx sends `frontend.lint` for it");
    }

    #[test]
    fn only_an_answer_with_a_status_sets_one() {
        let answer = Answer::new(json!({"a": 1}), "a 1\n".to_owned());
        let with = Answer { status: Some(1), ..answer.clone() }.metadata();
        assert_eq!(with["result.statuscode"], b"1");
        let without = answer.metadata();
        assert_eq!(without.keys().collect::<Vec<_>>(), ["result.json", "result.txt", "version"]);
        assert_eq!(without["result.json"], b"{\n  \"a\": 1\n}");
    }
}
