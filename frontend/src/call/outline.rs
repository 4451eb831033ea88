//! What a target takes from outside: build arguments, secrets, cache mounts.

use buildkit_llb::Span;
use serde_json::{Value, json};

use super::{Answer, Sources, table};

/// What is known of a target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// Of its package.
    pub description: String,
    /// Build arguments.
    pub args: Vec<Arg>,
    /// Secrets.
    pub secrets: Vec<Secret>,
    /// Ids of cache mounts.
    pub caches: Vec<String>,
}

/// A build argument.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arg {
    /// `--build-arg NAME=`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The value that it has in this build.
    pub value: Option<String>,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// A secret.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Secret {
    /// `--secret id=NAME`.
    pub name: String,
    /// The build fails without it.
    pub required: bool,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// The outline.
pub fn answer(outline: &Outline, mut sources: Sources) -> Answer {
    let args: Vec<Value> = outline
        .args
        .iter()
        .map(|arg| {
            json!({
                "name": arg.name,
                "description": arg.description,
                "value": arg.value.as_deref().unwrap_or_default(),
                "location": sources.location(arg.span.as_ref()),
            })
        })
        .collect();
    let secrets: Vec<Value> = outline
        .secrets
        .iter()
        .map(|secret| {
            let location = sources.location(secret.span.as_ref());
            json!({ "name": secret.name, "required": secret.required, "location": location })
        })
        .collect();
    let caches: Vec<Value> =
        outline.caches.iter().map(|id| json!({ "ID": id, "location": sources.location(None) })).collect();
    let json = json!({
        "name": outline.name,
        "description": outline.description,
        "args": args,
        "secrets": secrets,
        "ssh": [],
        "cache": caches,
        "sources": sources.texts(),
    });
    Answer { json, text: text(outline), status: None }
}

fn text(outline: &Outline) -> String {
    let mut text = table(&[
        vec!["TARGET:".to_owned(), outline.name.clone()],
        vec!["DESCRIPTION:".to_owned(), outline.description.clone()],
    ]);
    if outline.description.is_empty() {
        text = table(&[vec!["TARGET:".to_owned(), outline.name.clone()]]);
    }
    if !outline.args.is_empty() {
        let mut rows = vec![["BUILD ARG", "VALUE", "DESCRIPTION"].map(str::to_owned).to_vec()];
        rows.extend(outline.args.iter().map(|arg| {
            vec![arg.name.clone(), arg.value.clone().unwrap_or_default(), arg.description.clone()]
        }));
        text += &format!("\n{}", table(&rows));
    }
    if !outline.secrets.is_empty() {
        let mut rows = vec![["SECRET", "REQUIRED"].map(str::to_owned).to_vec()];
        rows.extend(
            outline.secrets.iter().map(|secret| {
                vec![secret.name.clone(), if secret.required { "true" } else { "" }.to_owned()]
            }),
        );
        text += &format!("\n{}", table(&rows));
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn arguments_and_secrets_are_listed() {
        let outline = Outline {
            name: "api".to_owned(),
            description: "Answers orders".to_owned(),
            args: vec![Arg {
                name: "PROFILE".to_owned(),
                description: "cargo's profile".to_owned(),
                value: Some("release".to_owned()),
                span: None,
            }],
            secrets: vec![Secret { name: "token".to_owned(), required: true, span: None }],
            caches: vec!["longshore/x".to_owned()],
        };
        let answer = answer(&outline, Sources::default());
        expect![[r#"
            TARGET:        api
            DESCRIPTION:   Answers orders

            BUILD ARG   VALUE     DESCRIPTION
            PROFILE     release   cargo's profile

            SECRET   REQUIRED
            token    true
        "#]]
        .assert_eq(&answer.text);
        assert_eq!(answer.json["args"][0]["value"], "release");
        assert_eq!(answer.json["cache"][0]["ID"], "longshore/x");
    }
}
