//! What there is to build.

use buildkit_llb::Span;
use serde_json::json;

use super::{Answer, Sources, table};

/// One target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// What `--target` takes.
    pub name: String,
    /// It is built when none is asked for.
    pub is_default: bool,
    /// Of its package.
    pub description: Option<String>,
    /// The image under it; absent for `scratch`.
    pub base: Option<String>,
    /// Where the user declared it.
    pub span: Option<Span>,
}

/// The list of targets.
pub fn answer(rows: &[Row], mut sources: Sources) -> Answer {
    let targets: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "default": row.is_default,
                "description": row.description.as_deref().unwrap_or_default(),
                "base": row.base.as_deref().unwrap_or("scratch"),
                "platform": "",
                "location": sources.location(row.span.as_ref()),
            })
        })
        .collect();
    let mut lines = vec![["TARGET", "BASE", "DESCRIPTION"].map(str::to_owned).to_vec()];
    for row in rows {
        let name = if row.is_default { format!("{} (default)", row.name) } else { row.name.clone() };
        let base = row.base.clone().unwrap_or_else(|| "scratch".to_owned());
        // One line: descriptions of manifests may have several.
        let description =
            row.description.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        lines.push(vec![name, base, description]);
    }
    Answer {
        json: json!({ "targets": targets, "sources": sources.texts() }),
        text: table(&lines),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;
    use expect_test::expect;

    use super::*;

    #[test]
    fn targets_are_listed_with_their_places() {
        let file = SourceFile::new("Cargo.toml", "TOML", "[package]\nname = \"api\"\n");
        let rows = [
            Row {
                name: "api".to_owned(),
                is_default: true,
                description: Some("Answers\n  orders".to_owned()),
                base: Some("debian:bookworm-slim".to_owned()),
                span: Some(file.span(10..22)),
            },
            Row { name: "all".to_owned(), ..Row::default() },
        ];
        let answer = answer(&rows, Sources::default());
        expect![[r#"
            TARGET          BASE                   DESCRIPTION
            api (default)   debian:bookworm-slim   Answers orders
            all             scratch
        "#]]
        .assert_eq(&answer.text);
        assert_eq!(answer.json["targets"][0]["location"]["ranges"][0]["start"]["line"], 2);
        assert_eq!(answer.json["sources"].as_array().map(Vec::len), Some(1));
    }
}
