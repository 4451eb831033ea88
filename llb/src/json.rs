//! The one piece of JSON that ops hold: arrays of strings in source attributes. Written as Go's encoder writes them,
//! because the text is part of the op's bytes and so of its digest.

use std::fmt::Write as _;

/// `["a","b"]`.
pub(crate) fn array<S: AsRef<str>>(items: &[S]) -> String {
    let mut text = String::from("[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_string(&mut text, item.as_ref());
    }
    text.push(']');
    text
}

fn push_string(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            // Go escapes the characters that are special in HTML, and the two line separators of JavaScript.
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(text, "\\u{:04x}", u32::from(c)).expect("writing to a string cannot fail");
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// The items of an array that [`array`] or Go wrote; `None` for anything else.
pub(crate) fn parse_array(text: &str) -> Option<Vec<String>> {
    let mut chars = text.chars().peekable();
    let mut items = Vec::new();
    if chars.next()? != '[' {
        return None;
    }
    if chars.peek() == Some(&']') {
        return Some(items);
    }
    loop {
        items.push(parse_string(&mut chars)?);
        match chars.next()? {
            ',' => {}
            ']' => return chars.next().is_none().then_some(items),
            _ => return None,
        }
    }
}

fn parse_string(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    if chars.next()? != '"' {
        return None;
    }
    let mut value = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(value),
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                c @ ('"' | '\\' | '/') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_written_as_go_writes_them() {
        assert_eq!(array::<&str>(&[]), "[]");
        assert_eq!(array(&["**/*.rs", "!target"]), r#"["**/*.rs","!target"]"#);
        assert_eq!(array(&["a\"b\\c\n<&>\u{1}é"]), "[\"a\\\"b\\\\c\\n\\u003c\\u0026\\u003e\\u0001é\"]");
    }

    #[test]
    fn what_was_written_reads_back() {
        for items in [vec![], vec!["a"], vec!["a\"b\\c\n<&>\u{1}é\u{2028}", "", "x,y]"]] {
            assert_eq!(parse_array(&array(&items)).unwrap(), items);
        }
        for text in ["", "[", "[\"a\"", "[\"a\",]", "[\"a\"]x", "{}", "[1]", "[\"\\q\"]"] {
            assert_eq!(parse_array(text), None, "{text}");
        }
    }
}
