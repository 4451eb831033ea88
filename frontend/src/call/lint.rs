//! What could go wrong: warnings with their places, or the error that keeps the build from starting.

use serde_json::{Value, json};

use super::{Answer, Sources};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// The findings of a check. It fails, for the client's exit status, when there is anything to say.
pub fn answer(warnings: &[Diagnostic], error: Option<&Diagnostics>, mut sources: Sources) -> Answer {
    let warnings_json: Vec<Value> = warnings
        .iter()
        .map(|warning| {
            json!({
                "ruleName": warning.code.name(),
                "description": warning.code.description(),
                "url": "",
                "detail": detail(warning),
                "location": sources.location(warning.primary()),
            })
        })
        .collect();
    let mut json = json!({ "warnings": warnings_json });
    let mut text = String::new();
    for warning in warnings {
        text += &finding("WARNING", warning);
    }
    if let Some(error) = error {
        let place = error.iter().next().and_then(Diagnostic::primary);
        json["buildError"] = json!({ "message": error.to_string(), "location": sources.location(place) });
        for diagnostic in error {
            text += &finding("ERROR", diagnostic);
        }
    }
    json["sources"] = sources.files().into();
    let count = warnings.len() + error.map_or(0, |error| error.iter().count());
    if count == 0 {
        text = "Check complete, no warnings found.\n".to_owned();
    } else {
        let things = if count == 1 { "finding" } else { "findings" };
        text = format!("Check complete, {count} {things}.\n{text}");
    }
    Answer { json, text, status: Some(u8::from(count > 0)) }
}

fn detail(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}\nhelp: {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}

/// As the Dockerfile frontend writes one (frontend/dockerfile/linter).
fn finding(kind: &str, diagnostic: &Diagnostic) -> String {
    let mut text = format!("\n{kind}: {}\n{}\n", diagnostic.code, detail(diagnostic));
    if let Some(span) = diagnostic.primary() {
        text += &format!("{span}\n{}", snippet(span));
    }
    text
}

/// The lines of a place, marked, with two around them.
fn snippet(span: &buildkit_llb::Span) -> String {
    const AROUND: u32 = 2;
    let (start, end) = (*span.lines().start(), *span.lines().end());
    let file = String::from_utf8_lossy(span.file().text()).into_owned();
    let mut text = "--------------------\n".to_owned();
    for (number, line) in (1..).zip(file.lines()) {
        if number + AROUND < start || number > end + AROUND {
            continue;
        }
        let mark = if (start..=end).contains(&number) { ">>>" } else { "   " };
        text += format!("{number:>4} | {mark} {line}").trim_end();
        text.push('\n');
    }
    text + "--------------------\n"
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;
    use expect_test::expect;

    use super::*;
    use crate::diagnostic::Code;

    #[test]
    fn nothing_to_say_is_success() {
        let answer = answer(&[], None, Sources::default());
        assert_eq!((answer.text.as_str(), answer.status), ("Check complete, no warnings found.\n", Some(0)));
    }

    #[test]
    fn findings_have_a_rule_a_place_and_a_remedy() {
        let file = SourceFile::new("Cargo.toml", "TOML", "[package]\nname = \"x\"\n\n[workspace]\n");
        let warning = Diagnostic::warning(Code::UnsupportedOption, "this does nothing")
            .at(&file.span(10..20))
            .help("leave it out");
        let error = Diagnostics::from(Diagnostic::error(Code::NoTarget, "nothing to build"));
        let answer = answer(&[warning], Some(&error), Sources::of(&file));
        expect![[r#"
            Check complete, 2 findings.

            WARNING: unsupported-option
            this does nothing
            help: leave it out
            Cargo.toml:2
            --------------------
               1 |     [package]
               2 | >>> name = "x"
               3 |
               4 |     [workspace]
            --------------------

            ERROR: no-target
            nothing to build
        "#]]
        .assert_eq(&answer.text);
        assert_eq!(answer.status, Some(1));
        assert_eq!(answer.json["warnings"][0]["ruleName"], "unsupported-option");
        assert!(answer.json["buildError"]["location"].is_object());
    }
}
