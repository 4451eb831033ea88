//! `frontend.bake`: a bake file that builds every target, for `docker buildx bake -f -`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Answer;

/// What the file is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bake {
    /// Directory of the build context, `.` as a rule.
    pub context: String,
    /// The entry file, relative to it.
    pub dockerfile: String,
    /// What `--target` takes, in the order of the file.
    pub targets: Vec<String>,
    /// Tags of each image, with `{target}` where its name belongs: `registry.example.com/acme/{target}:latest`. May be empty.
    pub tags: Vec<String>,
    /// Platforms of every image; empty for the builder's own.
    pub platforms: Vec<String>,
    /// What accelerators make of every target.
    pub variants: Vec<Variant>,
}

/// An accelerator's images.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variant {
    /// After the names of targets, and after tags.
    pub suffix: String,
    /// Platforms that there can be; empty for all.
    pub platforms: Vec<String>,
}

/// The file, as text and as JSON the same.
pub fn answer(bake: &Bake) -> Answer {
    let mut names = BTreeSet::new();
    let mut group = Vec::new();
    let mut targets = Map::new();
    for target in &bake.targets {
        let name = bake_name(target, &mut names);
        group.push(literal(&name));
        targets.insert(name, entry(bake, target, None));
    }
    let mut groups = Map::from_iter([("default".to_owned(), json!({"targets": group}))]);
    // A group for each accelerator's images: what one machine can run, and no index ever mixes.
    for variant in &bake.variants {
        let mut group = Vec::new();
        for target in &bake.targets {
            let name = bake_name(&format!("{target}-{}", variant.suffix), &mut names);
            group.push(literal(&name));
            targets.insert(name, entry(bake, target, Some(variant)));
        }
        groups.insert(bake_name(&variant.suffix, &mut names), json!({"targets": group}));
    }
    let json = json!({"group": groups, "target": targets});
    let text = serde_json::to_string_pretty(&json).expect("a JSON value can be written") + "\n";
    Answer::new(json, text)
}

fn entry(bake: &Bake, target: &str, variant: Option<&Variant>) -> Value {
    let after = variant.map(|variant| format!("-{}", variant.suffix)).unwrap_or_default();
    let mut entry = BTreeMap::from([
        ("context", literal(&bake.context)),
        ("dockerfile", literal(&bake.dockerfile)),
        ("target", literal(&format!("{target}{after}"))),
    ]);
    if !bake.tags.is_empty() {
        let tags = bake.tags.iter().map(|tag| {
            let tag = tag.replace("{target}", &repository(target));
            // The accelerator is in the tag. Without one the tag is `latest`, as everywhere.
            let has_tag = tag.rsplit('/').next().is_some_and(|name| name.contains(':'));
            let latest = if has_tag || after.is_empty() { "" } else { ":latest" };
            literal(&format!("{tag}{latest}{after}"))
        });
        entry.insert("tags", tags.collect());
    }
    // Where a platform is asked for that the accelerator does not have, there is nothing to build for it.
    let limits = variant.map(|variant| variant.platforms.as_slice()).unwrap_or_default();
    let platforms: Vec<&String> =
        bake.platforms.iter().filter(|platform| limits.is_empty() || limits.contains(platform)).collect();
    let platforms = if platforms.is_empty() && !limits.is_empty() && !bake.platforms.is_empty() {
        limits.iter().collect()
    } else {
        platforms
    };
    if !platforms.is_empty() {
        entry.insert("platforms", platforms.into_iter().map(|platform| literal(platform)).collect());
    }
    json!(entry)
}

/// A string that bake takes as it is: in its JSON, too, `${` and `%{` begin a template (hclsyntax, "Template Expressions").
fn literal(text: &str) -> Value {
    text.replace("${", "$${").replace("%{", "%%{").into()
}

/// A name for bake, which takes letters, digits, `_` and `-` (buildx, bake/bake.go, `validTargetNameChars`).
fn bake_name(target: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '-';
    let base: String = target.chars().map(|char| if plain(char) { char } else { '-' }).collect();
    let mut name = base.clone();
    let mut number = 2;
    // `a:b` and `a-b` would be one.
    while name == "default" || !taken.insert(name.clone()) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}

/// The target as a part of a repository's name: lower case, and single separators between letters and digits
/// (distribution's reference grammar, `path-component`).
fn repository(target: &str) -> String {
    let words = target.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn bake(targets: &[&str]) -> Bake {
        Bake {
            context: ".".to_owned(),
            dockerfile: "Cargo.toml".to_owned(),
            targets: targets.iter().map(ToString::to_string).collect(),
            ..Bake::default()
        }
    }

    #[test]
    fn every_target_has_its_tags_and_platforms() {
        let answer = answer(&Bake {
            tags: vec!["registry.example.com/acme/{target}:latest".to_owned()],
            platforms: vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()],
            ..bake(&["server", "tools:My_Tool"])
        });
        expect![[r#"
            {
              "group": {
                "default": {
                  "targets": [
                    "server",
                    "tools-My_Tool"
                  ]
                }
              },
              "target": {
                "server": {
                  "context": ".",
                  "dockerfile": "Cargo.toml",
                  "platforms": [
                    "linux/amd64",
                    "linux/arm64"
                  ],
                  "tags": [
                    "registry.example.com/acme/server:latest"
                  ],
                  "target": "server"
                },
                "tools-My_Tool": {
                  "context": ".",
                  "dockerfile": "Cargo.toml",
                  "platforms": [
                    "linux/amd64",
                    "linux/arm64"
                  ],
                  "tags": [
                    "registry.example.com/acme/tools-my-tool:latest"
                  ],
                  "target": "tools:My_Tool"
                }
              }
            }
        "#]]
        .assert_eq(&answer.text);
    }

    #[test]
    fn names_that_bake_would_confuse_are_told_apart() {
        let json = answer(&bake(&["a-b", "a:b", "default"])).json;
        assert_eq!(json["group"]["default"]["targets"], json!(["a-b", "a-b-2", "default-2"]));
        assert_eq!(json["target"]["a-b-2"]["target"], "a:b");
        assert_eq!(json["target"]["default-2"]["target"], "default");
        assert_eq!(json["target"]["a-b"].get("tags"), None);
    }

    #[test]
    fn nothing_is_a_template() {
        let json = answer(&Bake { context: "a/${b}".to_owned(), ..bake(&["x"]) }).json;
        assert_eq!(json["target"]["x"]["context"], "a/$${b}");
    }
}
