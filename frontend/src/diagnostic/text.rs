//! Drawing a refused build the way BuildKit's clients do, for goldens that show what a user sees.
//!
//! The layout is the client's (solver/errdefs/source.go, `Print`), not ours to improve.

use std::fmt::Write as _;

use buildkit_llb::Span;

use super::{Diagnostics, Severity};

/// What `docker buildx build` prints when the build is refused with these diagnostics.
pub fn draw(diagnostics: &Diagnostics) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error) {
        if let Some(span) = diagnostic.primary() {
            draw_lines(&mut out, span);
        }
    }
    out.push_str("ERROR: failed to build: failed to solve: ");
    out.push_str(&diagnostics.to_string());
    out.push('\n');
    out
}

/// Appends the lines of the place, those around it, and where it is.
pub fn draw_lines(out: &mut String, span: &Span) {
    const RULE: &str = "--------------------";
    let text = String::from_utf8_lossy(span.file().text());
    let lines: Vec<&str> = text.split('\n').collect();
    let marked = *span.lines().start() as usize..=*span.lines().end() as usize;
    let (mut first, mut last) = (*marked.start(), (*marked.end()).min(lines.len()));

    // The client counts a round as padding even when it added no line, so the window is asymmetric at the edges.
    let pad = if first == last { 4 } else { 2 };
    let mut padded = 0;
    while padded < pad {
        if first > 1 {
            first -= 1;
            padded += 1;
        }
        if last != lines.len() {
            last += 1;
            padded += 1;
        }
        padded += 1;
    }

    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{}:{}\n{RULE}", span.file().name(), span.lines().start());
    for number in first..=last {
        let mark = if marked.contains(&number) { ">>>" } else { "   " };
        let _ = writeln!(out, " {number:3} | {mark} {}", lines[number - 1]);
    }
    let _ = writeln!(out, "{RULE}");
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;
    use expect_test::{Expect, expect};

    use super::draw;
    use crate::diagnostic::{Code, Diagnostic, Diagnostics};

    const TEXT: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

    fn check(gathered: Vec<Diagnostic>, expected: Expect) {
        expected.assert_eq(&draw(&Diagnostics::check((), gathered).unwrap_err()));
    }

    fn error_at(word: &str) -> Diagnostic {
        let file = SourceFile::new("Cargo.toml", "TOML", TEXT.as_bytes());
        let start = TEXT.find(word).unwrap();
        Diagnostic::error(Code::InvalidValue, format!("`{word}` is a word"))
            .at(&file.span(start..start + word.len()))
    }

    #[test]
    fn one_line_in_the_middle() {
        check(
            vec![error_at("four").help("write `4`")],
            expect![[r#"
                Cargo.toml:4
                --------------------
                   2 |     two
                   3 |     three
                   4 | >>> four
                   5 |     five
                   6 |     six
                --------------------
                ERROR: failed to build: failed to solve: `four` is a word
                help: write `4`
            "#]],
        );
    }

    #[test]
    fn the_first_line() {
        check(
            vec![error_at("one")],
            expect![[r#"
                Cargo.toml:1
                --------------------
                   1 | >>> one
                   2 |     two
                   3 |     three
                --------------------
                ERROR: failed to build: failed to solve: `one` is a word
            "#]],
        );
    }

    #[test]
    fn several_lines() {
        let mut both = error_at("three\nfour\n");
        both.message = "two lines".to_owned();
        check(
            vec![both],
            expect![[r#"
                Cargo.toml:3
                --------------------
                   2 |     two
                   3 | >>> three
                   4 | >>> four
                   5 |     five
                --------------------
                ERROR: failed to build: failed to solve: two lines
            "#]],
        );
    }

    #[test]
    fn several_problems_say_where_each_is() {
        let whole = Diagnostic::error(Code::NoLockFile, "there is no `Cargo.lock`")
            .help("run `cargo generate-lockfile`");
        check(
            vec![error_at("two"), whole],
            expect![[r#"
                Cargo.toml:2
                --------------------
                   1 |     one
                   2 | >>> two
                   3 |     three
                   4 |     four
                --------------------
                ERROR: failed to build: failed to solve: 2 problems
                Cargo.toml:2: `two` is a word
                there is no `Cargo.lock`
                help: run `cargo generate-lockfile`
            "#]],
        );
    }

    #[test]
    fn secondary_labels_are_named_in_the_text() {
        let file = SourceFile::new("a/Cargo.toml", "TOML", TEXT.as_bytes());
        check(
            vec![error_at("six").labeled(&file.span(0..3), "first used here")],
            expect![[r#"
                Cargo.toml:6
                --------------------
                   4 |     four
                   5 |     five
                   6 | >>> six
                   7 |     seven
                   8 |     
                --------------------
                ERROR: failed to build: failed to solve: `six` is a word
                a/Cargo.toml:1: first used here
            "#]],
        );
    }
}
