//! Reads the JSON lines that rustc writes under `--error-format=json` (the rustc book, "JSON Output"), and counts what it
//! complained about, as cargo's `on_stderr_line_inner` does (`core/compiler/mod.rs`).

use std::fmt::Write;

use longshore_helper::report::Warning;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ansi;

/// What to do with one line of rustc's stderr.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Show `rendered`, or what is said without its colours.
    Diagnostic { level: Level, said: Warning, rendered: String },
    /// For cargo, not for people.
    Silent,
    /// Not rustc's JSON: the output of a linker, of `RUSTC_LOG`, of a procedural macro.
    Verbatim(String),
}

/// The levels that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Error,
    Warning,
    Other,
}

#[derive(Deserialize)]
struct Message {
    rendered: Option<String>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    level: String,
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
    artifact: Option<IgnoredAny>,
    future_incompat_report: Option<IgnoredAny>,
    unused_extern_names: Option<IgnoredAny>,
    /// Section timings have no field of their own but `event`.
    event: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    line_end: u32,
    is_primary: bool,
}

pub(super) fn read_line(line: &str) -> Line {
    let verbatim = || Line::Verbatim(line.to_owned());
    if !line.starts_with('{') {
        return verbatim();
    }
    let Ok(message) = serde_json::from_str::<Message>(line) else {
        return verbatim();
    };
    let Some(rendered) = message.rendered else {
        let known =
            [message.artifact, message.future_incompat_report, message.unused_extern_names, message.event];
        return if known.iter().any(Option::is_some) { Line::Silent } else { verbatim() };
    };
    let text = message.message;
    if text.starts_with("aborting due to")
        || text.ends_with("warning emitted")
        || text.ends_with("warnings emitted")
    {
        // Our own last line says how many there were.
        return Line::Silent;
    }
    let level = match message.level.as_str() {
        "error" | "error: internal compiler error" => Level::Error,
        "warning" => Level::Warning,
        _ => Level::Other,
    };
    let rendered = rendered.strip_suffix('\n').unwrap_or(&rendered).to_owned();
    let place = message.spans.into_iter().find(|span| span.is_primary);
    let (file, line, line_end) =
        place.map_or_else(Default::default, |span| (span.file_name, span.line_start, span.line_end));
    let said = Warning {
        file,
        line,
        line_end,
        code: message.code.map(|code| code.code).unwrap_or_default(),
        message: text,
        rendered: ansi::strip(&rendered),
    };
    Line::Diagnostic { level, said, rendered }
}

/// How many errors and warnings there were.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

impl Tally {
    pub(super) fn count(&mut self, level: Level) {
        match level {
            Level::Error => self.errors += 1,
            Level::Warning => self.warnings += 1,
            Level::Other => {}
        }
    }

    /// What follows `could not compile …`, in cargo's words (`rustc` in its `core/compiler/mod.rs`).
    pub(super) fn due_to(&self) -> String {
        let mut text = match self.errors {
            0 => String::new(),
            1 => " due to 1 previous error".to_owned(),
            errors => format!(" due to {errors} previous errors"),
        };
        if let Some(warnings) = self.generated() {
            write!(text, "; {warnings} emitted").expect("writing to a string does not fail");
        }
        text
    }

    /// What follows `… generated`, if anything (`report_warning_count` in cargo's `core/compiler/job_queue/mod.rs`).
    pub(super) fn generated(&self) -> Option<String> {
        match self.warnings {
            0 => None,
            1 => Some("1 warning".to_owned()),
            warnings => Some(format!("{warnings} warnings")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_are_kept_without_colours() {
        let line = r#"{"$message_type":"diagnostic","message":"mismatched types","code":{"code":"E0308"},
            "level":"error","spans":[{"file_name":"a/src/lib.rs","line_start":3,"line_end":4,"is_primary":true}],"children":[],"rendered":"\u001b[1merror[E0308]\u001b[0m: x\n\n"}"#;
        assert_eq!(
            read_line(&line.replace('\n', " ")),
            Line::Diagnostic {
                level: Level::Error,
                said: Warning {
                    file: "a/src/lib.rs".to_owned(),
                    line: 3,
                    line_end: 4,
                    code: "E0308".to_owned(),
                    message: "mismatched types".to_owned(),
                    rendered: "error[E0308]: x\n".to_owned(),
                },
                rendered: "\u{1b}[1merror[E0308]\u{1b}[0m: x\n".to_owned(),
            }
        );
    }

    #[test]
    fn what_is_for_cargo_is_silent() {
        for line in [
            r#"{"$message_type":"artifact","artifact":"/t/liba.rmeta","emit":"metadata"}"#,
            r#"{"$message_type":"future_incompat","future_incompat_report":[{"diagnostic":{"level":"warning"}}]}"#,
            r#"{"$message_type":"section_timing","event":"start","name":"codegen","time":1}"#,
            r#"{"$message_type":"unused_extern","lint_level":"warn","unused_extern_names":["a"]}"#,
            r#"{"message":"aborting due to 2 previous errors","level":"error","rendered":"error: aborting"}"#,
            r#"{"message":"1 warning emitted","level":"warning","rendered":"warning: 1 warning emitted"}"#,
        ] {
            assert_eq!(read_line(line), Line::Silent, "{line}");
        }
    }

    #[test]
    fn everything_else_is_passed_on() {
        for line in ["ld: cannot find -lz", "{not json", r#"{"some":"object"}"#, "", "{}"] {
            assert_eq!(read_line(line), Line::Verbatim(line.to_owned()), "{line}");
        }
    }

    #[test]
    fn counts_are_in_cargos_words() {
        let tally = |errors, warnings| Tally { errors, warnings }.due_to();
        assert_eq!(tally(0, 0), "");
        assert_eq!(tally(1, 0), " due to 1 previous error");
        assert_eq!(tally(2, 1), " due to 2 previous errors; 1 warning emitted");
        assert_eq!(tally(0, 2), "; 2 warnings emitted");
    }
}
