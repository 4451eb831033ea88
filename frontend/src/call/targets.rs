//! `frontend.targets`: which targets there are (BuildKit's frontend/subrequests/targets/targets.go).

use buildkit_llb::Span;
use serde::Serialize;

use super::{
    Answer, one_line,
    place::{Location, Sources},
    table::table,
};

/// What is told about a target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TargetRow {
    /// What `--target` takes.
    pub name: String,
    /// What it is: the package's description.
    pub description: Option<String>,
    /// The image under the binary, by the name that the user knows it by.
    pub base: Option<String>,
    /// The platform, for a target that has one of its own.
    pub platform: Option<String>,
    /// Where it is written down: the line that names the package.
    pub place: Option<Span>,
}

#[derive(Serialize)]
struct Target<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
}

#[derive(Serialize)]
struct List<'a> {
    targets: Vec<Target<'a>>,
    sources: Vec<String>,
}

/// The targets in the order of `rows`. `default` is the one that is built when none is asked for: the only one.
pub fn answer(rows: &[TargetRow]) -> Answer {
    let mut sources = Sources::default();
    let targets: Vec<Target<'_>> = rows
        .iter()
        .map(|row| Target {
            name: &row.name,
            default: rows.len() == 1,
            description: row.description.as_deref().map(one_line),
            base: row.base.as_deref(),
            platform: row.platform.as_deref(),
            location: row.place.as_ref().map(|span| sources.locate(span)),
        })
        .collect();
    let mut lines = vec![["TARGET", "DESCRIPTION"].map(str::to_owned).to_vec()];
    for target in &targets {
        let default = if target.default { " (default)" } else { "" };
        let description = target.description.clone().unwrap_or_default();
        lines.push(vec![format!("{}{default}", target.name), description]);
    }
    let list = List { targets, sources: sources.texts() };
    Answer::new(serde_json::to_value(&list).expect("strings and numbers are JSON"), table(&lines, 1))
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;
    use expect_test::expect;

    use super::*;

    fn row(name: &str, place: Option<Span>) -> TargetRow {
        let description = Some("Serves\n  models".to_owned());
        TargetRow { name: name.to_owned(), description, place, ..TargetRow::default() }
    }

    #[test]
    fn the_only_target_is_the_default() {
        let answer = answer(&[row("server", None)]);
        expect![[r#"
            TARGET           DESCRIPTION
            server (default) Serves models
        "#]]
        .assert_eq(&answer.text);
        assert_eq!(answer.json["targets"][0]["default"], true);
    }

    #[test]
    fn two_targets_of_a_file_point_into_one_source() {
        let file = SourceFile::new("Cargo.toml", "TOML", b"[package]\nname = \"a\"\n");
        let place = Some(file.span(10..20));
        let answer = answer(&[row("a", place.clone()), row("b", place)]);
        expect![[r#"
            {
              "sources": [
                "W3BhY2thZ2VdCm5hbWUgPSAiYSIK"
              ],
              "targets": [
                {
                  "description": "Serves models",
                  "location": {
                    "ranges": [
                      {
                        "end": {
                          "character": 0,
                          "line": 2
                        },
                        "start": {
                          "character": 0,
                          "line": 2
                        }
                      }
                    ],
                    "sourceIndex": 0
                  },
                  "name": "a"
                },
                {
                  "description": "Serves models",
                  "location": {
                    "ranges": [
                      {
                        "end": {
                          "character": 0,
                          "line": 2
                        },
                        "start": {
                          "character": 0,
                          "line": 2
                        }
                      }
                    ],
                    "sourceIndex": 0
                  },
                  "name": "b"
                }
              ]
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&answer.json).unwrap());
    }
}
