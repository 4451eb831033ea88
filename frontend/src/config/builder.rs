//! `builder`: what the toolchain image gets before anything is compiled in it.

use std::collections::BTreeMap;

use buildkit_llb::Span;

use super::table::{Spanned, Table};
use super::validate::{Wrong, env_name, pairs, valid};
use crate::diagnostic::Diagnostic;

/// What is added to the toolchain image. The default adds nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Builder {
    /// Packages of the image's own package manager, sorted: `libssl-dev`, `libssl-dev:arm64`, `cmake=3.25.1-1`.
    pub packages: Vec<String>,
    /// Lines for a shell, run one after the other once the packages are there.
    pub setup: Vec<String>,
    /// Variables that these lines and all steps see.
    pub env: BTreeMap<String, String>,
    /// Where the user wrote the packages, or else the lines.
    pub span: Option<Span>,
}

impl Builder {
    /// The image is taken as it is.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.setup.is_empty()
    }
}

/// The table as written.
#[derive(Default)]
pub(super) struct RawBuilder {
    packages: Option<Spanned<Vec<Spanned<String>>>>,
    setup: Option<Spanned<Vec<Spanned<String>>>>,
    env: Vec<(Spanned<String>, Spanned<String>)>,
}

impl RawBuilder {
    pub(super) fn read(table: &mut Table<'_, '_>) -> Self {
        let raw = Self {
            packages: table.strings("packages"),
            setup: table.strings("setup"),
            env: table.pairs("env"),
        };
        table.finish(&[
            ("image", "the image itself is `toolchain`"),
            ("run", "write `setup`, a list of lines for a shell"),
        ]);
        raw
    }
}

pub(super) fn builder(raw: RawBuilder, gathered: &mut Vec<Diagnostic>) -> Builder {
    let span = raw.packages.as_ref().or(raw.setup.as_ref()).map(|list| list.span.clone());
    let list = |raw: Option<Spanned<Vec<_>>>| raw.map_or_else(Vec::new, |list| list.value);
    let mut packages: Vec<String> = list(raw.packages)
        .into_iter()
        .filter_map(|name| valid("packages", name, |name| package(&name.value), gathered))
        .collect();
    // Sorted, so that the order in which the user wrote them is not part of any digest.
    packages.sort();
    packages.dedup();
    let setup = list(raw.setup)
        .into_iter()
        .filter_map(|line| valid("setup", line, |line| self::line(&line.value), gathered))
        .collect();
    Builder { packages, setup, env: pairs("env", raw.env, env_name, gathered), span }
}

/// A name as package managers have them, with an architecture or a version after it. It goes into a line for a shell.
fn package(name: &str) -> Result<String, Wrong> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._:=~@<>".contains(&byte);
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if starts && name.bytes().all(fits) {
        return Ok(name.to_owned());
    }
    Err(Wrong::new(format!("has `{name}`, which is no name of a package"))
        .help("one name an entry: `[\"libssl-dev\", \"cmake\"]`; other commands belong into `setup`"))
}

fn line(line: &str) -> Result<String, Wrong> {
    if line.trim().is_empty() { Err(Wrong::new("has an empty line")) } else { Ok(line.to_owned()) }
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;

    use crate::config::{Config, Given};

    fn read(settings: &str) -> Result<super::Builder, String> {
        let text = format!("[workspace.metadata.longshore]\n{settings}\n");
        let file = SourceFile::new("Cargo.toml", "TOML", text.as_bytes());
        let config = Config::from_workspace_manifest(&file, &Given::new());
        config.map(|config| config.builder).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn the_order_of_packages_says_nothing_and_that_of_lines_does() {
        let builder =
            read("builder = { packages = [\"b:arm64\", \"a=1:2~3\", \"a=1:2~3\"], setup = [\"z\", \"a\"] }")
                .unwrap();
        assert_eq!(builder.packages, ["a=1:2~3", "b:arm64"]);
        assert_eq!(builder.setup, ["z", "a"]);
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_package_is_refused() {
        for wrong in ["curl | sh", "-o x", "", "a b", "$(id)"] {
            let error = read(&format!("builder.packages = [\"{wrong}\"]")).unwrap_err();
            assert!(error.contains("is no name of a package"), "{error}");
        }
        assert!(read("builder.setup = [\" \"]").unwrap_err().contains("empty line"));
        assert!(read("builder.image = \"x\"").is_err());
    }
}
