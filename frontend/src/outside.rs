//! Files outside a member's directory that its sources name literally, or that cargo's configuration names.
//!
//! A member's vertices see that member's own files and nothing else. `include_str!("../../README.md")`,
//! `#[path = "../shared/mod.rs"]` or a build script's `"../../proto/api.proto"` reach outside, and are found here by
//! reading the sources as tokens. Pure: text in, paths out; whether a path exists is the caller's to know.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

mod flags;

use flags::told;
pub use flags::{configured, in_flags, in_workspace};

/// What a source file is to its package: decides what its string literals can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceRole {
    /// Part of a crate: `include…!` and `#[path]` name files, and any other literal with `..` may be given to a macro that
    /// reads files.
    Crate,
    /// A build script: any literal with `..` may be a path, relative to the package's directory, where cargo runs it.
    BuildScript,
}

/// What a source file names, relative to the workspace root, normalised and sorted. Files of the package itself are among
/// it: the caller, who knows the members, keeps what the copy of the package lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Files and directories, whatever they are.
    pub certain: BTreeSet<Utf8PathBuf>,
    /// What literals of a crate name if a macro takes them for paths; most are not.
    pub possible: BTreeSet<Utf8PathBuf>,
    /// Flags that a build script has cargo give to rustc; what they name is relative to where rustc runs ([`in_flags`]).
    pub flags: Vec<String>,
    /// Whether a literal has the name of a manifest or of the lock file, which may so be read or hashed.
    pub manifest: bool,
}

/// What `text` names. `file` and `package` are relative to the workspace root. Text that is no Rust names no paths:
/// rustc will say so.
pub fn named_paths(file: &Utf8Path, package: &Utf8Path, text: &str, role: SourceRole) -> Named {
    // Most files name nothing outside: do not read them as tokens.
    if !WORDS.iter().any(|word| text.contains(word)) {
        return Named::default();
    }
    let may_read_manifest = MANIFEST.iter().any(|name| text.contains(name));
    let Ok(tokens) = text.parse::<TokenStream>() else {
        return Named { manifest: may_read_manifest, ..Named::default() };
    };
    let manifest = may_read_manifest && names_manifest(tokens.clone());
    let mut reader = Reader {
        found: Named { manifest, ..Named::default() },
        file_directory: file.parent().unwrap_or(Utf8Path::new("")),
        package,
        role,
    };
    reader.walk(&tokens.into_iter().collect::<Vec<_>>());
    reader.found
}

/// A file without any of these names nothing: a path that leads up has its dots before a `/` or at the end of a literal, what
/// a script tells rustc begins alike, and without dots it is the package's directory that can hold other packages.
pub const WORDS: [&str; 7] =
    ["../", "..\"", "rustc-", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "Cargo.toml", "Cargo.lock"];

/// What a literal has whose program reads a manifest or the lock file: the file's name, or that of the variable that has the
/// manifest's path (the Cargo book, "Environment Variables").
const MANIFEST: [&str; 3] = ["Cargo.toml", "CARGO_MANIFEST_PATH", "Cargo.lock"];

fn names_manifest(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    // What `///` says is an attribute here.
    let is_documentation = matches!(
        &tokens[..],
        [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Literal(_)] if name == "doc"
    );
    !is_documentation
        && tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => names_manifest(group.stream()),
            TokenTree::Literal(literal) => {
                let literal = literal.to_string();
                MANIFEST.iter().any(|name| literal.contains(name))
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => false,
        })
}

struct Reader<'a> {
    found: Named,
    file_directory: &'a Utf8Path,
    package: &'a Utf8Path,
    role: SourceRole,
}

impl Reader<'_> {
    fn walk(&mut self, tokens: &[TokenTree]) {
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    match argument_of(&tokens[..index]) {
                        Some("include" | "include_str" | "include_bytes") => self.include(&inner),
                        _ if group.delimiter() == Delimiter::Bracket => self.attribute(&inner),
                        _ => self.walk(&inner),
                    }
                }
                TokenTree::Literal(literal) => {
                    if let Some(text) = string(&literal.to_string()) {
                        self.literal(&text);
                    }
                }
                _ => {}
            }
        }
    }

    /// A literal of which nothing more is known.
    fn literal(&mut self, text: &str) {
        match self.role {
            SourceRole::BuildScript => {
                if let Some(path) = upward(text, &['=', ',', ':', ' ']) {
                    self.add(self.package, path);
                }
                self.found.flags.extend(told(text));
            }
            SourceRole::Crate => {
                for base in [self.package, self.file_directory] {
                    let path = upward(text, &[]).filter(|path| ends_in_name(path));
                    self.found.possible.extend(path.and_then(|path| normalise(base, path)));
                }
            }
        }
    }

    /// `include_str!("…")`, relative to the file; `include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "…"))`, to the package.
    fn include(&mut self, argument: &[TokenTree]) {
        match argument {
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

    /// `path = "…"` is relative to the directory of the file that has it. `doc = "…"`, which is also what a comment for
    /// documentation is, has links for readers only. Either may depend on a `cfg`.
    fn attribute(&mut self, tokens: &[TokenTree]) {
        match tokens {
            [TokenTree::Ident(name), TokenTree::Punct(equals), TokenTree::Literal(literal)]
                if equals.as_char() == '=' && (name == "path" || name == "doc") =>
            {
                if name == "path"
                    && let Some(text) = string(&literal.to_string())
                {
                    self.add(self.file_directory, &text);
                }
            }
            [TokenTree::Ident(name), TokenTree::Group(conditional)] if name == "cfg_attr" => {
                let parts: Vec<TokenTree> = conditional.stream().into_iter().collect();
                let is_comma =
                    |token: &TokenTree| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',');
                for part in parts.split(is_comma).skip(1) {
                    self.attribute(part);
                }
            }
            _ => self.walk(tokens),
        }
    }

    fn add(&mut self, base: &Utf8Path, text: &str) {
        self.found.certain.extend(normalise(base, text));
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

/// The part of a literal that is a path with `..`. What stands before it, up to one of `separators`, is no part of it
/// (`cargo::rerun-if-changed=`), nor is an option's letter (`-I`), nor what a program puts the package's directory for: nothing
/// before a `/`, as in `concat!`, `{}` or `{name}`, as in `format!`, and variables such as `$CARGO_MANIFEST_DIR`.
fn upward<'a>(text: &'a str, separators: &[char]) -> Option<&'a str> {
    let start = |at: usize| {
        let start = text[..at].rfind(separators).map_or(0, |separator| separator + 1);
        if is_option(&text[start..at]) { at } else { start }
    };
    let (at, _) = text.match_indices("..").find(|(at, dots)| {
        let before = &text[start(*at)..*at];
        let after = &text[at + dots.len()..];
        (before.is_empty() || before.ends_with('/')) && (after.is_empty() || after.starts_with('/'))
    })?;
    let path = &text[start(at)..];
    match path.split_once('/') {
        Some((first, rest)) if first.is_empty() || first.ends_with('}') || first.starts_with('$') => {
            Some(rest.trim_start_matches('/'))
        }
        _ => Some(path),
    }
}

/// `-I`, say, with which a path stands in one word.
fn is_option(text: &str) -> bool {
    matches!(text.as_bytes(), [b'-', letter] if letter.is_ascii_alphabetic())
}

/// A path that does not only lead up.
fn ends_in_name(path: &str) -> bool {
    path.split('/').rfind(|part| !part.is_empty() && *part != ".").is_some_and(|last| last != "..")
}

/// `base` joined with `text`, `.` and `..` resolved; `None` when it leaves the workspace, is all of it or is absolute.
pub fn normalise(base: &Utf8Path, text: &str) -> Option<Utf8PathBuf> {
    resolve(base, text).filter(|path| !path.as_str().is_empty())
}

/// The same, with nothing for all of the workspace.
fn resolve(base: &Utf8Path, text: &str) -> Option<Utf8PathBuf> {
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
    Some(Utf8PathBuf::from(parts.join("/")))
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
        let certain = found.certain.iter().map(ToString::to_string);
        let possible = found.possible.iter().map(|path| format!("{path}?"));
        expect.assert_eq(&certain.chain(possible).collect::<Vec<_>>().join(" "));
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
    fn who_names_a_manifest_may_read_it() {
        let names = |text: &str| {
            let file = Utf8Path::new("crates/app/src/lib.rs");
            named_paths(file, Utf8Path::new("crates/app"), text, SourceRole::Crate).manifest
        };
        assert!(names(r#"const A: &str = include_str!("../Cargo.toml");"#));
        assert!(names(
            r#"const A: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));"#
        ));
        assert!(names(r#"fn a() { let path = std::env::var("CARGO_MANIFEST_PATH"); }"#));
        assert!(names(r#"#![doc = include_str!("../Cargo.toml")]"#));
        assert!(!names(
            "//! Add it to your `Cargo.toml`.\n/// As `Cargo.toml` says.\nfn a() {} // Cargo.toml"
        ));
        assert!(names(r#"const A: &str = include_str!("../Cargo.lock");"#));
        assert!(!names(r#"const A: &str = "../Cargo.toms";"#));
        // No tokens.
        assert!(names("fn a() { include_str!(\"../Cargo.toml\") "));
    }

    #[test]
    fn path_attributes_count() {
        check(
            SourceRole::Crate,
            r#"#[path = "../../shared/mod.rs"] mod shared;
               #[cfg_attr(unix, path = "../../shared/u.rs")]
               #[cfg_attr(all(windows, feature = "w"), allow(dead_code), cfg_attr(test, path = "../../shared/w.rs"))] mod os;
               #![cfg_attr(docsrs, doc = include_str!("../../../README.md"))]"#,
            expect!["README.md crates/shared/mod.rs crates/shared/u.rs crates/shared/w.rs"],
        );
    }

    #[test]
    fn comments_do_not_count() {
        check(
            SourceRole::Crate,
            r#"// include_str!("../../../NO.md")
               /// ../NO.md
               #[doc = "../NO.md"] #[cfg_attr(test, doc = "../NO.md")] fn f() {}
               /** ../NO.md */ mod m {}"#,
            expect![""],
        );
    }

    #[test]
    fn literals_of_a_crate_may_be_paths_for_its_macros() {
        check(
            SourceRole::Crate,
            r#"static M: Migrator = sqlx::migrate!("../migrations");
               #[derive(Embed)] #[folder = "../ui/dist/"] struct Ui;
               static A: Dir = include_dir!("$CARGO_MANIFEST_DIR/../../assets");
               static B: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../b");"#,
            expect![
                "assets? b? crates/app/migrations? crates/app/ui/dist? crates/assets? crates/b? crates/migrations? crates/ui/dist?"
            ],
        );
    }

    #[test]
    fn literals_of_a_crate_that_only_lead_up_or_go_on_are_no_paths() {
        check(
            SourceRole::Crate,
            r#"fn f() { g("..", "../", "../..", "a/../..", "../x/./..", "see ../x", "0..1", "a..", ".../b", b"../x"); for _ in 0..2 {} }"#,
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
    fn what_a_build_script_puts_before_a_path_is_no_part_of_it() {
        for (written, found) in [
            (r#"concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto")"#, "proto"),
            (r#"format!("{}/../../proto", dir)"#, "proto"),
            (r#"format!("{dir}/../../proto/{name}.proto")"#, "proto/{name}.proto"),
            (r#"format!("{dir:?}/../../proto")"#, "proto"),
            (r#"println!("cargo:rerun-if-changed=../../x")"#, "x"),
            (r#"println!("cargo::rerun-if-changed=../../x")"#, "x"),
            (r#"println!("cargo::rerun-if-changed={}/../../x", dir)"#, "x"),
            (r#"println!("cargo:rustc-link-search=native=../y/../../x")"#, "x"),
            (r#"cc.flag("-I../include").flag("-I../../include")"#, "crates/include include"),
            (r#"cc.flag("-Wl,-T../memory.x")"#, "crates/memory.x"),
            (r#"Path::new("src/../../x/./y")"#, "crates/x/y"),
            (r#"Path::new("..")"#, "crates"),
        ] {
            let text = format!("fn main() {{ {written}; }}");
            let (file, package) = (Utf8Path::new("crates/app/build.rs"), Utf8Path::new("crates/app"));
            let named = named_paths(file, package, &text, SourceRole::BuildScript);
            let shown: Vec<_> = named.certain.iter().map(|path| path.as_str()).collect();
            assert_eq!(shown.join(" "), found, "{written}");
        }
    }

    #[test]
    fn what_a_build_script_tells_rustc_is_found() {
        let text =
            r#"fn main() { println!("cargo::rustc-link-search=libs"); tell("rustc-link-search=no"); }"#;
        let named = |role| named_paths("app/build.rs".into(), "app".into(), text, role).flags;
        assert_eq!(named(SourceRole::BuildScript), ["-L", "libs"]);
        assert_eq!(named(SourceRole::Crate), Vec::<String>::new());
    }

    #[test]
    fn what_leaves_the_workspace_is_not_ours() {
        check(SourceRole::Crate, r#"const A: &str = include_str!("../../../../secret");"#, expect![""]);
    }

    #[test]
    fn what_says_something_has_one_of_the_words() {
        let file = Utf8Path::new("crates/app/build.rs");
        for written in [
            r#"Path::new("..")"#,
            r##"Path::new(r#".."#)"##,
            r#"println!("cargo:rerun-if-changed=..")"#,
            r#"include_str!("../a")"#,
            r#"concat!(env!("CARGO_MANIFEST_DIR"), "/b")"#,
            r#"println!("cargo:rustc-link-search=libs")"#,
            r#"read("Cargo.toml")"#,
        ] {
            let text = format!("fn main() {{ {written}; }}");
            let named = named_paths(file, Utf8Path::new("crates/app"), &text, SourceRole::BuildScript);
            let says = named != Named::default();
            assert!(WORDS.iter().any(|word| text.contains(word)), "{written}");
            assert!(says || written.starts_with("concat"), "{written}");
        }
        assert!(!WORDS.iter().any(|word| "for i in 0..9 { a[..].to(X { ..y }) }".contains(word)));
    }

    #[test]
    fn text_that_is_not_rust_names_nothing() {
        check(SourceRole::Crate, r#"include_str!("../../../a" "#, expect![""]);
    }
}
