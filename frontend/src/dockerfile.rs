//! What a Dockerfile says about stages and where it takes files from: enough to know which of the workspace's targets
//! it may want. Pure. What the instructions mean is for the Dockerfile frontend, which builds the file.

use std::collections::BTreeSet;

/// Names in a Dockerfile. Names of stages and contexts are compared without regard to case, so all are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Stages that the file defines: `FROM … AS NAME`.
    pub stages: BTreeSet<String>,
    /// What `FROM`, `COPY --from=` and `RUN --mount=…,from=` name.
    pub sources: BTreeSet<String>,
    /// Some source is put together from build arguments, so it may be any name.
    pub dynamic: bool,
}

impl Mentions {
    /// Reads a Dockerfile. What is not understood mentions nothing: the Dockerfile frontend will complain about it.
    pub fn parse(text: &str) -> Mentions {
        let mut mentions = Mentions::default();
        for instruction in instructions(text) {
            let mut words = instruction.split_whitespace();
            let Some(keyword) = words.next() else { continue };
            let words: Vec<&str> = words.collect();
            match keyword.to_ascii_uppercase().as_str() {
                "FROM" => mentions.stage(&words),
                "ONBUILD" | "COPY" | "ADD" | "RUN" => {
                    for word in words.iter().take_while_flags() {
                        mentions.flag(word);
                    }
                }
                _ => {}
            }
        }
        mentions
    }

    /// Whether the file names a target, by its name or with `bin-` before it.
    pub fn names(&self, target: &str) -> bool {
        let name = target.to_ascii_lowercase();
        self.sources.contains(&format!("bin-{name}"))
            || (self.sources.contains(&name) && !self.stages.contains(&name))
    }

    fn stage(&mut self, words: &[&str]) {
        let mut words = words.iter().filter(|word| !word.starts_with("--"));
        if let Some(source) = words.next() {
            self.source(source);
        }
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"))
            && let Some(name) = words.next()
        {
            self.stages.insert(name.to_ascii_lowercase());
        }
    }

    fn flag(&mut self, word: &str) {
        if let Some(source) = word.strip_prefix("--from=") {
            self.source(source);
        } else if let Some(mount) = word.strip_prefix("--mount=") {
            for field in mount.split(',') {
                if let Some(source) = field.trim_matches('"').strip_prefix("from=") {
                    self.source(source);
                }
            }
        }
    }

    fn source(&mut self, name: &str) {
        let name = name.trim_matches(['"', '\'']);
        self.dynamic |= name.contains('$');
        self.sources.insert(name.to_ascii_lowercase());
    }
}

trait TakeFlags<'a>: Iterator<Item = &'a &'a str> + Sized {
    /// The flags of an instruction: they stand before everything else. `ONBUILD` puts a keyword before them.
    fn take_while_flags(self) -> impl Iterator<Item = &'a str> {
        let mut keyword = true;
        self.copied().take_while(move |word| {
            let is_flag = word.starts_with("--");
            let goes_on = is_flag || (keyword && word.bytes().all(|byte| byte.is_ascii_alphabetic()));
            keyword = false;
            goes_on
        })
    }
}

impl<'a, I: Iterator<Item = &'a &'a str>> TakeFlags<'a> for I {}

/// Instructions with their continuation lines joined, comments and the bodies of here-documents left out.
fn instructions(text: &str) -> Vec<String> {
    let escape = escape_character(text);
    let mut found = Vec::new();
    let mut open = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.starts_with('#') || (trimmed.is_empty() && !open.is_empty()) {
            continue;
        }
        match trimmed.strip_suffix(escape) {
            Some(head) => {
                open.push_str(head);
                open.push(' ');
            }
            None => {
                open.push_str(trimmed);
                for end in here_documents(&open) {
                    lines.by_ref().find(|line| line.trim_start_matches('\t') == end);
                }
                found.push(std::mem::take(&mut open));
            }
        }
    }
    found.push(open);
    found
}

/// The parser directive `escape`, among the comments at the top.
fn escape_character(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#')?.split_once('='));
    let found = directives.into_iter().find(|(key, _)| key.trim().eq_ignore_ascii_case("escape"));
    if found.is_some_and(|(_, value)| value.trim() == "`") { '`' } else { '\\' }
}

/// The words that end the here-documents of an instruction: `<<EOF`, `<<-"EOF"`.
fn here_documents(instruction: &str) -> Vec<String> {
    instruction
        .split_whitespace()
        .filter_map(|word| word.split_once("<<").map(|(_, end)| end))
        .map(|end| end.trim_start_matches('-').trim_matches(['"', '\'']).to_owned())
        .filter(|end| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_way_to_take_files_is_seen() {
        let mentions = Mentions::parse(
            "# syntax=localhost/longshore:dev\n\
             FROM --platform=$BUILDPLATFORM debian:bookworm-slim AS Base\n\
             COPY --chown=1:1 --from=server /server \\\n  # a comment in between\n  /usr/local/bin/\n\
             RUN --mount=type=bind,from=Tools,target=/t --mount=type=cache,target=/c echo --from=not-this\n\
             ONBUILD COPY --from=later / /\n\
             from base\n",
        );
        assert_eq!(mentions.stages, names(&["base"]));
        assert_eq!(mentions.sources, names(&["debian:bookworm-slim", "server", "tools", "later", "base"]));
        assert!(!mentions.dynamic);
    }

    #[test]
    fn a_source_from_an_argument_may_be_anything() {
        assert!(Mentions::parse("ARG BIN\nFROM scratch\nCOPY --from=${BIN} / /\n").dynamic);
        assert!(!Mentions::parse("ARG BIN\nFROM scratch\nCOPY --from=a /$BIN /\n").dynamic);
    }

    #[test]
    fn text_is_not_taken_for_instructions() {
        let mentions = Mentions::parse(
            "FROM scratch\nRUN <<EOF\nFROM nothing AS nobody\nEOF\nCOPY <<-'END' /x\nCOPY --from=y / /\n\tEND\nCOPY --from=z / /\n",
        );
        assert_eq!(mentions.stages, names(&[]));
        assert_eq!(mentions.sources, names(&["scratch", "z"]));
    }

    #[test]
    fn the_escape_character_can_be_another() {
        let mentions =
            Mentions::parse("# escape=`\nFROM scratch\nCOPY `\n --from=a / C:\\\nCOPY --from=b / /\n");
        assert_eq!(mentions.sources, names(&["scratch", "a", "b"]));
    }
}
