//! `frontend.lint`, which `--call=check` asks: the warnings, and what stops the build if something does (BuildKit's
//! frontend/subrequests/lint/lint.go).

use std::fmt::Write as _;

use buildkit_llb::SourceFile;
use serde_json::{Value, json};

use super::{
    Answer,
    place::{Location, Sources},
};
use crate::diagnostic::{Diagnostic, Diagnostics, text::draw_lines};

/// The warnings sorted by place, those without one first, then the error. The status is 1 when there is any of them.
///
/// `entry` is the file that the build was started with: clients look up a file for every error, so one that has no
/// place is said to be somewhere in this one.
pub fn answer(warnings: &[Diagnostic], error: Option<&Diagnostics>, entry: &SourceFile) -> Answer {
    let mut sorted: Vec<&Diagnostic> = warnings.iter().collect();
    // Stable, so that what else is the same stays in the order in which it was found.
    sorted.sort_by_key(|warning| {
        let place = warning.primary().map(|span| (span.file().name().to_owned(), span.start_line()));
        let rule = if place.is_none() { warning.code.name() } else { "" };
        (place, rule)
    });

    let mut sources = Sources::default();
    let json_warnings: Vec<Value> = sorted
        .iter()
        .map(|warning| {
            json!({
                "ruleName": warning.code.name(),
                "description": warning.code.description(),
                "detail": detail(warning, entry),
                "location": warning.primary().map_or(Location::NOWHERE, |span| sources.locate(span)),
            })
        })
        .collect();
    let json_error = error.map(|error| {
        let location = match error.iter().find_map(Diagnostic::primary) {
            Some(span) => sources.locate(span),
            None => sources.somewhere_in(entry),
        };
        let message = match error.iter().collect::<Vec<_>>()[..] {
            [only] => detail(only, entry),
            // Each says where it is.
            _ => error.to_string(),
        };
        json!({"message": message, "location": location})
    });
    let mut json = json!({"warnings": json_warnings, "sources": sources.infos()});
    if let Some(error) = json_error {
        json["buildError"] = error;
    }

    let status = u8::from(!warnings.is_empty() || error.is_some());
    Answer { json, text: text(&sorted, error), status: Some(status) }
}

/// What is said, with the file before it where that is another than `entry`: buildx draws the right lines, and has the name of
/// the file that it was given above all of them (`printResult` in its `commands/build.go`).
fn detail(diagnostic: &Diagnostic, entry: &SourceFile) -> String {
    match diagnostic.primary() {
        Some(span) if span.file().name() != entry.name() => format!("`{}`: {diagnostic}", span.file().name()),
        _ => diagnostic.to_string(),
    }
}

fn text(warnings: &[&Diagnostic], error: Option<&Diagnostics>) -> String {
    let mut text = match (warnings.len(), error) {
        (0, Some(_)) => String::new(),
        (0, None) => "Check complete, no warnings found.\n".to_owned(),
        (1, _) => "Check complete, 1 warning has been found!\n".to_owned(),
        (many, _) => format!("Check complete, {many} warnings have been found!\n"),
    };
    for warning in warnings {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "\nWARNING: {}\n{warning}", warning.code);
        if let Some(span) = warning.primary() {
            draw_lines(&mut text, span);
        }
    }
    if let Some(error) = error {
        if !warnings.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "ERROR: {error}");
        if let Some(span) = error.iter().find_map(Diagnostic::primary) {
            draw_lines(&mut text, span);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::diagnostic::Code;

    fn file() -> SourceFile {
        SourceFile::new("Cargo.toml", "TOML", b"[package]\nname = \"a\"\nversion = 1\n")
    }

    #[test]
    fn warnings_stand_above_their_lines_and_the_error_last() {
        let file = file();
        let warnings = [
            Diagnostic::warning(Code::UnknownKey, "`version` is a number").at(&file.span(21..32)),
            Diagnostic::warning(Code::UnknownKey, "`name` is short")
                .at(&file.span(10..20))
                .help("write more"),
            Diagnostic::warning(Code::UnsupportedOption, "`--no-cache` has no effect"),
        ];
        let error = Diagnostics::from(Diagnostic::error(Code::NoLockFile, "there is no `Cargo.lock`"));
        let answer = answer(&warnings, Some(&error), &file);
        expect![[r#"
            Check complete, 3 warnings have been found!

            WARNING: unsupported-option
            `--no-cache` has no effect

            WARNING: unknown-key
            `name` is short
            help: write more
            Cargo.toml:2
            --------------------
               1 |     [package]
               2 | >>> name = "a"
               3 |     version = 1
               4 |     
            --------------------

            WARNING: unknown-key
            `version` is a number
            Cargo.toml:3
            --------------------
               1 |     [package]
               2 |     name = "a"
               3 | >>> version = 1
               4 |     
            --------------------

            ERROR: there is no `Cargo.lock`
        "#]]
        .assert_eq(&answer.text);
        assert_eq!(answer.status, Some(1));
        let index = |value: &Value| value["location"]["sourceIndex"].as_i64();
        assert_eq!(index(&answer.json["warnings"][0]), Some(-1));
        assert_eq!(index(&answer.json["warnings"][1]), Some(0));
        assert_eq!(index(&answer.json["buildError"]), Some(0));
        assert_eq!(answer.json["sources"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn an_error_without_a_place_still_names_a_file_that_is_there() {
        let error = Diagnostics::from(Diagnostic::error(Code::NoLockFile, "there is no `Cargo.lock`"));
        let answer = answer(&[], Some(&error), &file());
        assert_eq!(answer.json["sources"][0]["filename"], "Cargo.toml");
        assert_eq!(answer.json["warnings"], json!([]));
        assert_eq!(answer.status, Some(1));
    }

    #[test]
    fn what_stands_in_another_file_says_in_which() {
        let config = SourceFile::new(".cargo/config.toml", "TOML", b"[build]\ntarget = \"x\"\n");
        let warning = Diagnostic::warning(Code::IgnoredSetting, "no effect").at(&config.span(8..14));
        let error = Diagnostics::from(Diagnostic::error(Code::UnknownKey, "no").at(&config.span(8..14)));
        let answer = answer(&[warning], Some(&error), &file());
        assert_eq!(answer.json["warnings"][0]["detail"], "`.cargo/config.toml`: no effect");
        assert_eq!(answer.json["buildError"]["message"], "`.cargo/config.toml`: no");
    }

    #[test]
    fn nothing_to_say_is_a_success() {
        let answer = answer(&[], None, &file());
        assert_eq!((answer.text.as_str(), answer.status), ("Check complete, no warnings found.\n", Some(0)));
        assert_eq!(answer.json.get("buildError"), None);
    }
}
