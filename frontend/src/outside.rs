//! Files outside a member's directory that its sources name literally.
//!
//! A member's vertices see that member's own files and nothing else. `include_str!("../../README.md")`,
//! `#[path = "../shared/mod.rs"]` or a build script's `"../../proto/api.proto"` reach outside, and are found here by
//! reading the sources as tokens. Pure: text in, paths out; whether a path exists is the caller's to know.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::paths;

/// What a source file is to its package: decides what its string literals can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceRole {
    /// Part of a crate: only `include…!` and `#[path]` name files.
    Crate,
    /// A build script: any literal with `..` may be a path, relative to the package's directory, where cargo runs it.
    BuildScript,
}

/// Paths outside `package` that `text` names, relative to the workspace root, normalised and sorted.
/// `file` and `package` are relative to the workspace root. Text that is no Rust names nothing: rustc will say so.
pub fn named_paths(
    file: &Utf8Path,
    package: &Utf8Path,
    text: &str,
    role: SourceRole,
) -> BTreeSet<Utf8PathBuf> {
    // Most files name nothing outside: do not read them as tokens.
    let may_name = text.contains("..") || text.contains("CARGO_MANIFEST_DIR");
    if !may_name {
        return BTreeSet::new();
    }
    let Ok(tokens) = text.parse::<TokenStream>() else { return BTreeSet::new() };
    let mut named = Named {
        found: BTreeSet::new(),
        file_directory: file.parent().unwrap_or(Utf8Path::new("")),
        package,
        role,
    };
    named.walk(tokens);
    named.found
}

struct Named<'a> {
    found: BTreeSet<Utf8PathBuf>,
    file_directory: &'a Utf8Path,
    package: &'a Utf8Path,
    role: SourceRole,
}

impl Named<'_> {
    fn walk(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    match argument_of(&tokens[..index]) {
                        Some("include" | "include_str" | "include_bytes") => self.include(group.stream()),
                        _ => self.walk(group.stream()),
                    }
                    if group.delimiter() == Delimiter::Bracket {
                        self.path_attribute(group.stream());
                    }
                }
                TokenTree::Literal(literal) if self.role == SourceRole::BuildScript => {
                    if let Some(text) = string(&literal.to_string()).filter(|text| goes_up(text)) {
                        self.add(self.package, &text);
                    }
                }
                _ => {}
            }
        }
    }

    /// `include_str!("…")`, relative to the file; `include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "…"))`, to the package.
    fn include(&mut self, argument: TokenStream) {
        let tokens: Vec<TokenTree> = argument.into_iter().collect();
        match tokens.as_slice() {
            [TokenTree::Literal(literal), ..] => {
                if let Some(text) = string(&literal.to_string()) {
                    self.add(self.file_directory, &text);
                }
            }
            [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Group(parts), ..]
                if name == "concat" =>
            {
                let mut in_manifest_dir = false;
                let mut path = String::new();
                for token in parts.stream() {
                    match token {
                        TokenTree::Group(variable) => {
                            in_manifest_dir =
                                variable.stream().to_string().contains("\"CARGO_MANIFEST_DIR\"");
                        }
                        TokenTree::Literal(literal) => path.extend(string(&literal.to_string())),
                        _ => {}
                    }
                }
                if in_manifest_dir {
                    self.add(self.package, path.trim_start_matches('/'));
                }
            }
            _ => {}
        }
    }

    /// `#[path = "…"]`: relative to the directory of the file that has it.
    fn path_attribute(&mut self, attribute: TokenStream) {
        let tokens: Vec<TokenTree> = attribute.into_iter().collect();
        let [TokenTree::Ident(name), TokenTree::Punct(equals), TokenTree::Literal(literal)] =
            tokens.as_slice()
        else {
            return;
        };
        if name == "path"
            && equals.as_char() == '='
            && let Some(text) = string(&literal.to_string())
        {
            self.add(self.file_directory, &text);
        }
    }

    fn add(&mut self, base: &Utf8Path, text: &str) {
        // A root package's directory holds the whole workspace, other members' files too: everything it names counts
        // as outside, and the caller, who knows the members, keeps only what the copy of the package lacks.
        let is_root = self.package.as_str().is_empty();
        let path = normalise(base, text);
        self.found.extend(path.filter(|path| is_root || !path.starts_with(self.package)));
    }
}

/// The macro whose argument a group is: `name !` before it.
fn argument_of(before: &[TokenTree]) -> Option<&'static str> {
    let [.., TokenTree::Ident(name), TokenTree::Punct(bang)] = before else { return None };
    if bang.as_char() != '!' {
        return None;
    }
    ["include", "include_str", "include_bytes"].into_iter().find(|known| name == known)
}

/// The value of a string literal, plain or raw. Escapes other than `\\` and `\"` do not occur in paths.
fn string(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        let raw = raw.trim_matches('#');
        return raw.strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    }
    let plain = literal.strip_prefix('"')?.strip_suffix('"')?;
    Some(plain.replace("\\\"", "\"").replace("\\\\", "\\"))
}

fn goes_up(text: &str) -> bool {
    text == ".." || text.starts_with("../") || text.contains("/../")
}

/// Paths of the workspace that command lines and variables name, relative to its root: a linker, a script for it, a
/// directory that cargo's configuration has made absolute. Whether they exist is the caller's to know.
pub fn in_workspace<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<Utf8PathBuf> {
    let root = format!("{}/", paths::WORKSPACE);
    let mut found = BTreeSet::new();
    for text in texts {
        for (at, _) in text.match_indices(&root) {
            let rest = &text[at + root.len()..];
            let end = rest.find([',', ':', ';', '"', '\'', ' ', '\u{1f}']).unwrap_or(rest.len());
            found.extend(normalise(Utf8Path::new(""), &rest[..end]));
        }
    }
    found
}

/// Variables whose values can name files of the workspace that are not the package's own: all but those that cargo has of its
/// own, which name the package.
pub fn configured(env: &BTreeMap<String, String>) -> impl Iterator<Item = &String> {
    let own = |name: &str| name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR";
    env.iter().filter(move |(name, _)| !own(name)).map(|(_, value)| value)
}

/// `base` joined with `text`, `.` and `..` resolved; `None` when it leaves the workspace or is absolute.
pub fn normalise(base: &Utf8Path, text: &str) -> Option<Utf8PathBuf> {
    if text.is_empty() || text.starts_with('/') || text.contains('\n') {
        return None;
    }
    let mut parts: Vec<&str> = base.as_str().split('/').filter(|part| !part.is_empty()).collect();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| Utf8PathBuf::from(parts.join("/")))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(role: SourceRole, text: &str, expect: Expect) {
        let file = match role {
            SourceRole::Crate => "crates/app/src/lib.rs",
            SourceRole::BuildScript => "crates/app/build.rs",
        };
        let found = named_paths(Utf8Path::new(file), Utf8Path::new("crates/app"), text, role);
        let text: Vec<_> = found.iter().map(|path| path.as_str()).collect();
        expect.assert_eq(&text.join(" "));
    }

    #[test]
    fn includes_are_relative_to_their_file() {
        check(
            SourceRole::Crate,
            r##"#![doc = include_str!("../../../README.md")] const A: &[u8] = include_bytes!(r"../../../models/a.bin"); mod m { include!("../../gen/x.rs"); }"##,
            expect!["README.md crates/gen/x.rs models/a.bin"],
        );
    }

    #[test]
    fn the_manifest_directory_is_known() {
        check(
            SourceRole::Crate,
            r#"const A: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../NOTES.md"));"#,
            expect!["NOTES.md"],
        );
    }

    #[test]
    fn path_attributes_count() {
        check(
            SourceRole::Crate,
            r#"#[path = "../../shared/mod.rs"] mod shared;"#,
            expect!["crates/shared/mod.rs"],
        );
    }

    #[test]
    fn own_files_comments_and_plain_strings_do_not() {
        check(
            SourceRole::Crate,
            r#"// include_str!("../../../NO.md")
               const A: &str = include_str!("../data.txt"); const B: &str = "../../../NO.md";"#,
            expect![""],
        );
    }

    #[test]
    fn a_build_script_names_paths_by_any_literal() {
        check(
            SourceRole::BuildScript,
            r#"fn main() { compile(&["../../proto/api.proto"], &["../../proto"]); println!("cargo:rerun-if-changed=src"); }"#,
            expect!["proto proto/api.proto"],
        );
    }

    #[test]
    fn what_leaves_the_workspace_is_not_ours() {
        check(SourceRole::Crate, r#"const A: &str = include_str!("../../../../secret");"#, expect![""]);
    }

    #[test]
    fn text_that_is_not_rust_names_nothing() {
        check(SourceRole::Crate, r#"include_str!("../../../a" "#, expect![""]);
    }

    #[test]
    fn what_configurations_name_is_found_in_command_lines() {
        let texts = [
            "linker=/ws/tools/our-gcc",
            "link-arg=-Wl,-T/ws/board/../memory.x,-z,now",
            "/opt/ws",
            "src/main.rs",
            "/ws",
        ];
        let found: Vec<String> = in_workspace(texts).into_iter().map(String::from).collect();
        assert_eq!(found, ["memory.x", "tools/our-gcc"]);
    }
}
