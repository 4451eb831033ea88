//! `.dockerignore`: lines to exclude patterns, as `moby/patternmatcher/ignorefile` reads them. The client applies
//! the patterns (`**`, `!`, order and all); here they are only read, and those for the build context put behind our own.

/// What no build needs from a context, before the user's own patterns so that `!target` can bring it back:
/// cargo's output at the workspace root, and the repository's history.
pub const ALWAYS: [&str; 2] = ["target", ".git"];

/// Exclude patterns for the build context: ours, then those of its ignore file.
pub fn patterns(text: &str) -> Vec<String> {
    ALWAYS.into_iter().map(str::to_owned).chain(written(text)).collect()
}

/// Exclude patterns of an ignore file's text, in order.
pub fn written(text: &str) -> impl Iterator<Item = String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().filter_map(pattern)
}

/// One line: comments start in the first column, blanks around a pattern are not part of it, `!` keeps its place in
/// front, the rest is a cleaned path. A `!` alone, which clients refuse, says nothing.
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

/// Go's `filepath.Clean` without the leading slash: `.` and `..` resolved, doubled slashes joined. The root stays `/`.
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
    match parts.is_empty() {
        true if path.starts_with('/') => "/".to_owned(),
        true => ".".to_owned(),
        false => parts.join("/"),
    }
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
        check("/a//b/./c/../d\n! /target/keep\n/\n", expect!["target | .git | a/b/d | !target/keep | /"]);
    }

    #[test]
    fn patterns_are_left_to_the_client() {
        check(
            "**/*.log  \n\t!keep.log\t\r\n/src/**/gen/\n[a-c]?\n..\n../up/..\nwith space\\ \n!\n",
            expect!["target | .git | **/*.log | !keep.log | src/**/gen | [a-c]? | .. | .. | with space\\"],
        );
        assert_eq!(written("a\n").collect::<Vec<_>>(), ["a"], "other directories have no patterns of ours");
    }

    #[test]
    fn a_byte_order_mark_is_no_pattern() {
        check("\u{feff}a\r\nb", expect!["target | .git | a | b"]);
    }
}
