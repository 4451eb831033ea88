//! `.dockerignore`: lines to exclude patterns, as `moby/patternmatcher/ignorefile` reads them. The client applies
//! the patterns; here they are only read and put behind our own.

/// What no build needs from a context, before the user's own patterns so that `!target` can bring it back:
/// cargo's output at the workspace root, and the repository's history.
pub const ALWAYS: [&str; 2] = ["target", ".git"];

/// Exclude patterns of an ignore file's text, in order, ours first.
pub fn patterns(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let own = text.lines().filter_map(pattern);
    ALWAYS.into_iter().map(str::to_owned).chain(own).collect()
}

/// One line: comments start in the first column, `!` keeps its place in front, the rest is a cleaned path.
fn pattern(line: &str) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let line = line.trim();
    let (negation, path) = match line.strip_prefix('!') {
        Some(path) => ("!", path.trim()),
        None => ("", line),
    };
    if path.is_empty() {
        return None;
    }
    let cleaned = clean(path);
    Some(format!("{negation}{cleaned}"))
}

/// Go's `filepath.Clean` without the leading slash: `.` and `..` resolved, doubled slashes joined.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expect: Expect) {
        expect.assert_eq(&patterns(text).join(" | "));
    }

    #[test]
    fn comments_and_blank_lines_are_skipped() {
        check("# a\n\n  \nlogs\n #b\n", expect!["target | .git | logs | #b"]);
    }

    #[test]
    fn paths_are_cleaned_and_negation_stays() {
        check("/a//b/./c/../d\n! /target/keep\n/\n", expect!["target | .git | a/b/d | !target/keep | ."]);
    }

    #[test]
    fn a_byte_order_mark_is_no_pattern() {
        check("\u{feff}a\r\nb", expect!["target | .git | a | b"]);
    }
}
