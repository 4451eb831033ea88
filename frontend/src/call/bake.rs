//! A bake file for the whole workspace.

use serde_json::{Map, Value, json};

use super::Answer;

/// What the file is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspace {
    /// The entry file, as the client names it.
    pub file: String,
    /// What `--target` takes.
    pub targets: Vec<String>,
    /// `linux/amd64`, …; empty leaves it to the builder.
    pub platforms: Vec<String>,
    /// Tags, in which `{target}` stands for the target's name.
    pub tags: Vec<String>,
}

/// The file, in JSON, which bake reads like HCL.
pub fn answer(workspace: &Workspace) -> Answer {
    let mut targets = Map::new();
    for target in &workspace.targets {
        let name = identifier(target);
        let mut value = json!({ "inherits": ["_common"], "target": target });
        if !workspace.tags.is_empty() {
            // A repository's name has no upper case and no colon.
            let part = name.to_ascii_lowercase();
            value["tags"] =
                workspace.tags.iter().map(|tag| tag.replace("{target}", &part)).collect::<Vec<_>>().into();
        }
        targets.insert(name, value);
    }
    let names: Vec<Value> = targets.keys().map(|name| name.as_str().into()).collect();
    let mut common = json!({ "context": ".", "dockerfile": workspace.file });
    if !workspace.platforms.is_empty() {
        common["platforms"] = workspace.platforms.clone().into();
    }
    targets.insert("_common".to_owned(), common);
    let json = json!({ "group": { "default": { "targets": names } }, "target": targets });
    let mut text = serde_json::to_string_pretty(&json).expect("a JSON value can be written");
    text.push('\n');
    Answer { json, text, status: None }
}

/// Names in a bake file are letters, digits, `_` and `-`.
fn identifier(name: &str) -> String {
    name.chars().map(|char| if char.is_ascii_alphanumeric() || char == '_' { char } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn every_target_is_in_the_default_group() {
        let workspace = Workspace {
            file: "Cargo.toml".to_owned(),
            targets: vec!["api".to_owned(), "tools:Report".to_owned()],
            platforms: vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()],
            tags: vec!["ghcr.io/acme/{target}:1".to_owned()],
        };
        expect![[r#"
            {
              "group": {
                "default": {
                  "targets": [
                    "api",
                    "tools-Report"
                  ]
                }
              },
              "target": {
                "_common": {
                  "context": ".",
                  "dockerfile": "Cargo.toml",
                  "platforms": [
                    "linux/amd64",
                    "linux/arm64"
                  ]
                },
                "api": {
                  "inherits": [
                    "_common"
                  ],
                  "tags": [
                    "ghcr.io/acme/api:1"
                  ],
                  "target": "api"
                },
                "tools-Report": {
                  "inherits": [
                    "_common"
                  ],
                  "tags": [
                    "ghcr.io/acme/tools-report:1"
                  ],
                  "target": "tools:Report"
                }
              }
            }
        "#]]
        .assert_eq(&answer(&workspace).text);
    }
}
