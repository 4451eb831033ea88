//! `frontend.outline`: what one target takes (BuildKit's frontend/subrequests/outline/outline.go).

use buildkit_llb::Span;
use serde::Serialize;

use super::{
    Answer, one_line,
    place::{Location, Sources},
    table::table,
};
use crate::emit::record::Selection;

/// What is told about a target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// What it is: the package's description.
    pub description: Option<String>,
    /// Build arguments, in the order in which they are shown.
    pub args: Vec<ArgRow>,
    /// Secrets.
    pub secrets: Vec<SecretRow>,
    /// Cache mounts of the members in use.
    pub caches: Vec<CacheRow>,
}

/// A build argument.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArgRow {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// Its value in this build: the client's, or the default.
    pub value: Option<String>,
    /// Where it is declared.
    pub place: Option<Span>,
}

/// A secret.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SecretRow {
    /// Its id, as for `--secret id=`.
    pub name: String,
    /// The build fails without it.
    pub required: bool,
    /// Where it is declared.
    pub place: Option<Span>,
}

/// A cache mount.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CacheRow {
    /// Its id.
    pub id: String,
    /// Where it comes from: the line that names the member.
    pub place: Option<Span>,
}

/// The arguments that every build has, with the values that they have in this one.
pub fn built_in_args(selection: &Selection) -> Vec<ArgRow> {
    let yes = |is: bool| if is { "true".to_owned() } else { String::new() };
    let row = |name: &str, description: &str, value: String| ArgRow {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        value: (!value.is_empty()).then_some(value),
        place: None,
    };
    let Selection { features, profile, rustflags, all_features, no_default_features, .. } = selection;
    vec![
        row("ALL_FEATURES", "Whether to enable all features of all members", yes(*all_features)),
        row("FEATURES", "Features to enable, as for `cargo build --features`", features.join(",")),
        row("NO_DEFAULT_FEATURES", "Whether to leave out default features", yes(*no_default_features)),
        row("PROFILE", "cargo's profile", profile.clone()),
        row("RUSTFLAGS", "Flags for every compilation, as cargo reads them", rustflags.clone()),
    ]
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<Arg<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<Secret<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cache: Vec<Cache<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<String>,
}

#[derive(Serialize)]
struct Arg<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
}

#[derive(Serialize)]
struct Secret<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
}

#[derive(Serialize)]
struct Cache<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
}

/// What the target takes. No step has a use for SSH, so there is no list of agents.
pub fn answer(outline: &Outline) -> Answer {
    let mut sources = Sources::default();
    let mut locate = |place: &Option<Span>| place.as_ref().map(|span| sources.locate(span));
    let args = outline.args.iter().map(|row| Arg {
        name: &row.name,
        description: row.description.as_deref().map(one_line),
        value: row.value.as_deref(),
        location: locate(&row.place),
    });
    let args = args.collect();
    let secrets = outline.secrets.iter().map(|row| Secret {
        name: &row.name,
        required: row.required,
        location: locate(&row.place),
    });
    let secrets = secrets.collect();
    let cache =
        outline.caches.iter().map(|row| Cache { id: &row.id, location: locate(&row.place) }).collect();
    let document = Document {
        name: &outline.name,
        description: outline.description.as_deref().map(one_line),
        args,
        secrets,
        cache,
        sources: sources.texts(),
    };
    let text = text(&document);
    Answer::new(serde_json::to_value(&document).expect("strings and numbers are JSON"), text)
}

/// As the client draws it (outline.go, `PrintOutline`).
fn text(document: &Document<'_>) -> String {
    let mut head = vec![vec!["TARGET:".to_owned(), document.name.to_owned()]];
    head.extend(document.description.clone().map(|text| vec!["DESCRIPTION:".to_owned(), text]));
    let mut blocks = vec![table(&head, 1)];
    let mut block = |head: &[&str], rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            let head = head.iter().map(|cell| (*cell).to_owned()).collect();
            blocks.push(table(&[vec![head], rows].concat(), 3));
        }
    };
    let args = document.args.iter().map(|arg| {
        let cell = |text: Option<&str>| text.unwrap_or_default().to_owned();
        vec![arg.name.to_owned(), cell(arg.value), cell(arg.description.as_deref())]
    });
    block(&["BUILD ARG", "VALUE", "DESCRIPTION"], args.collect());
    let secrets = document.secrets.iter().map(|secret| {
        let required = if secret.required { "true" } else { "" };
        vec![secret.name.to_owned(), required.to_owned()]
    });
    block(&["SECRET", "REQUIRED"], secrets.collect());
    block(&["CACHE"], document.cache.iter().map(|cache| vec![cache.id.to_owned()]).collect());
    blocks.join("\n")
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;
    use expect_test::expect;

    use super::*;
    use crate::cross::Cross;

    #[test]
    fn what_a_target_takes_is_told_with_values_and_places() {
        let file = SourceFile::new("Cargo.toml", "TOML", b"[package]\nname = \"a\"\n");
        let mut args = built_in_args(&Selection {
            packages: Vec::new(),
            examples: Vec::new(),
            profile: "release".to_owned(),
            features: vec!["cuda".to_owned()],
            no_default_features: true,
            all_features: false,
            target: "x86_64-unknown-linux-gnu".to_owned(),
            rustflags: String::new(),
            without_build_debug: None,
            cross: Cross::default(),
        });
        args.push(ArgRow { name: "GIT_SHA".to_owned(), place: Some(file.span(0..3)), ..ArgRow::default() });
        let answer = answer(&Outline {
            name: "server".to_owned(),
            description: Some("Serves models".to_owned()),
            args,
            secrets: vec![
                SecretRow { name: "token".to_owned(), required: true, place: None },
                SecretRow { name: "netrc".to_owned(), required: false, place: None },
            ],
            caches: vec![CacheRow { id: "longshore/a/target".to_owned(), place: None }],
        });
        expect![[r#"
            TARGET:      server
            DESCRIPTION: Serves models

            BUILD ARG             VALUE     DESCRIPTION
            ALL_FEATURES                    Whether to enable all features of all members
            FEATURES              cuda      Features to enable, as for `cargo build --features`
            NO_DEFAULT_FEATURES   true      Whether to leave out default features
            PROFILE               release   cargo's profile
            RUSTFLAGS                       Flags for every compilation, as cargo reads them
            GIT_SHA

            SECRET   REQUIRED
            token    true
            netrc

            CACHE
            longshore/a/target
        "#]]
        .assert_eq(&answer.text);
        assert_eq!(answer.json["args"][5]["location"]["sourceIndex"], 0);
        assert_eq!(answer.json["args"][4].get("value"), None);
        assert_eq!(answer.json["cache"][0]["ID"], "longshore/a/target");
        assert_eq!(answer.json["secrets"][1].get("required"), None);
    }
}
