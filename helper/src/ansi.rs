//! Takes terminal escape sequences out of text: rustc is asked for coloured diagnostics, a build log wants plain ones.

/// `text` without escape sequences.
pub(crate) fn strip(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        if char != '\u{1b}' {
            plain.push(char);
            continue;
        }
        match rest.next() {
            // CSI: parameters, then one final byte.
            Some('[') => while rest.next().is_some_and(|char| !('\u{40}'..='\u{7e}').contains(&char)) {},
            // OSC (hyperlinks, titles): up to BEL or `ESC \`.
            Some(']') => {
                while let Some(char) = rest.next() {
                    if char == '\u{7}' || (char == '\u{1b}' && rest.next() == Some('\\')) {
                        break;
                    }
                }
            }
            // Every other sequence that is in use has two characters.
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_links_and_cut_off_sequences_go_and_text_stays() {
        for (input, expected) in [
            ("plain ä\n", "plain ä\n"),
            ("\u{1b}[0m\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: x", "error: x"),
            ("\u{1b}]8;;https://doc.rust-lang.org\u{1b}\\E0308\u{1b}]8;;\u{1b}\\]", "E0308]"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("a\u{1b}(B", "aB"),
            ("cut\u{1b}[3", "cut"),
            ("cut\u{1b}", "cut"),
        ] {
            assert_eq!(strip(input), expected, "{input:?}");
        }
    }
}
