//! `[source]` of cargo's configuration: packages that come from elsewhere than their lock file says.
//!
//! Pure. The rules are the Cargo book's, "Source Replacement": a source is found by what it is, `replace-with` names
//! another source or a registry, and what replaces has the same packages. Paths are relative to the directory that
//! holds `.cargo`.

use std::collections::BTreeMap;

use buildkit_llb::SourceFile;
use camino::{Utf8Path, Utf8PathBuf};
use toml::de::{DeTable, DeValue};

use crate::{
    diagnostic::{Code, Diagnostic},
    outside,
    registry::Registry,
};

/// What replaces a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// Another registry.
    Registry(Registry),
    /// A directory of the workspace, as `cargo vendor` makes it: one directory for each package.
    Directory(Utf8PathBuf),
    /// A directory of the workspace with archives beside an index.
    LocalRegistry(Utf8PathBuf),
}

/// What the configuration says of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Its table's name; a source that has none is not replaced.
    pub name: String,
    /// By what, if at all.
    pub by: Option<Replacement>,
}

/// Every source that the configuration describes.
#[derive(Debug, Clone, Default)]
pub struct Replacements {
    /// The directory that holds `.cargo`.
    at: Utf8PathBuf,
    tables: Vec<Table>,
    /// `[registries]`: names and indexes.
    registries: BTreeMap<String, Registry>,
}

#[derive(Debug, Clone)]
struct Table {
    name: String,
    values: BTreeMap<String, String>,
    /// At `replace-with`.
    place: Option<buildkit_llb::Span>,
}

impl Replacements {
    /// Reads what there is to read; what cargo would not understand is for cargo to refuse.
    pub fn parse(config: Option<&SourceFile>) -> Self {
        let Some(file) = config else { return Self::default() };
        let text = String::from_utf8_lossy(file.text());
        let (root, _) = DeTable::parse_recoverable(&text);
        let tables = |key: &str| {
            let table = root.get_ref().get(key).and_then(|value| value.get_ref().as_table());
            table.into_iter().flatten().filter_map(|(name, value)| Some((name, value.get_ref().as_table()?)))
        };
        let string = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
        let sources = tables("source").map(|(name, table)| Table {
            name: name.get_ref().to_string(),
            values: table
                .iter()
                .filter_map(|(key, value)| Some((key.get_ref().to_string(), string(value.get_ref())?)))
                .collect(),
            place: table.get_key_value("replace-with").map(|(key, _)| file.span(key.span())),
        });
        let registries = tables("registries").filter_map(|(name, table)| {
            let index = string(table.get("index")?.get_ref())?;
            Some((name.get_ref().to_string(), Registry::of_index(&index)?))
        });
        let at = Utf8Path::new(file.name()).parent().and_then(Utf8Path::parent).unwrap_or(Utf8Path::new(""));
        Self { at: at.to_owned(), tables: sources.collect(), registries: registries.collect() }
    }

    /// What `[registries]` calls a registry.
    pub fn registry_name(&self, registry: &Registry) -> Option<&str> {
        let found = self.registries.iter().find(|(_, known)| known.is_same_index(registry));
        found.map(|(name, _)| name.as_str())
    }

    /// What is said of a source, which is written as in a lock file without its `#COMMIT`; `None` where nothing is.
    ///
    /// # Errors
    /// What replaces it is not described, cannot be had in a build, or is replaced by what it replaces.
    pub fn of(&self, source: &str) -> Result<Option<Replaced>, Diagnostic> {
        let Some(first) = self.tables.iter().find(|table| table.describes(source)) else {
            return Ok(None);
        };
        let mut table = first;
        let mut seen = Vec::new();
        while let Some(next) = table.values.get("replace-with") {
            let refused = |message: String| {
                let refused = Diagnostic::error(Code::UnsupportedSource, message);
                match &table.place {
                    Some(place) => refused.at(place),
                    None => refused,
                }
            };
            seen.push(&table.name);
            if seen.contains(&next) {
                return Err(refused(format!("the source `{}` is replaced by itself", first.name)));
            }
            let Some(found) = self.tables.iter().find(|table| table.name == *next) else {
                let registry = self.registries.get(next).cloned().ok_or_else(|| {
                    refused(format!("there is no source `{next}`"))
                        .help("describe it as `[source.NAME]` or `[registries.NAME]` in `.cargo/config.toml`")
                })?;
                return Ok(Some(first.by(Replacement::Registry(registry))));
            };
            if !found.values.contains_key("replace-with") {
                return match found.place_of_packages(&self.at) {
                    Some(by) => Ok(Some(first.by(by))),
                    None => Err(refused(format!("the source `{next}` cannot be had in a build")).help(
                        "name a directory of the build context as `directory` or `local-registry`, or a `registry` that can be asked over the network",
                    )),
                };
            }
            table = found;
        }
        Ok(Some(Replaced { name: first.name.clone(), by: None }))
    }
}

impl Table {
    fn by(&self, replacement: Replacement) -> Replaced {
        Replaced { name: self.name.clone(), by: Some(replacement) }
    }

    fn describes(&self, source: &str) -> bool {
        let described = Registry::parse(source);
        if described.as_ref().is_some_and(Registry::is_crates_io) && self.name == "crates-io" {
            return true;
        }
        let index = self.values.get("registry").and_then(|index| Registry::of_index(index));
        if let (Some(index), Some(described)) = (index, &described) {
            return index.is_same_index(described);
        }
        self.values.get("git").is_some_and(|url| {
            let reference = ["branch", "tag", "rev"]
                .into_iter()
                .find_map(|kind| self.values.get(kind).map(|value| format!("?{kind}={value}")))
                .unwrap_or_default();
            format!("git+{url}{reference}") == source
        })
    }

    fn place_of_packages(&self, at: &Utf8Path) -> Option<Replacement> {
        let path = |key: &str| outside::normalise(at, self.values.get(key)?);
        if let Some(directory) = path("directory") {
            return Some(Replacement::Directory(directory));
        }
        if let Some(directory) = path("local-registry") {
            return Some(Replacement::LocalRegistry(directory));
        }
        if self.name == "crates-io" && !self.values.contains_key("registry") {
            return Some(Replacement::Registry(Registry::crates_io()));
        }
        Registry::of_index(self.values.get("registry")?).map(Replacement::Registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn of(config: &str, source: &str) -> Result<Option<Replaced>, String> {
        let file = SourceFile::new(".cargo/config.toml", "TOML", config);
        Replacements::parse(Some(&file)).of(source).map_err(|refused| {
            format!("{}: {}", refused.primary().map(ToString::to_string).unwrap_or_default(), refused.message)
        })
    }

    fn replaced(name: &str, by: Replacement) -> Result<Option<Replaced>, String> {
        Ok(Some(Replaced { name: name.to_owned(), by: Some(by) }))
    }

    #[test]
    fn what_cargo_vendor_prints_is_understood() {
        let config = "[source.crates-io]\nreplace-with = \"vendored-sources\"\n\n\
                      [source.\"git+https://a.example/x?branch=main\"]\ngit = \"https://a.example/x\"\nbranch = \"main\"\n\
                      replace-with = \"vendored-sources\"\n\n[source.vendored-sources]\ndirectory = \"./vendor\"\n";
        let vendored = || Replacement::Directory("vendor".into());
        assert_eq!(of(config, CRATES_IO), replaced("crates-io", vendored()));
        let git = "git+https://a.example/x?branch=main";
        assert_eq!(of(config, git), replaced(git, vendored()));
        assert_eq!(of(config, "git+https://a.example/x"), Ok(None));
        assert_eq!(of(config, "sparse+https://a.example/"), Ok(None));
    }

    #[test]
    fn mirrors_are_followed_over_several_tables_and_registries() {
        let config = "[source.crates-io]\nreplace-with = \"one\"\n[source.one]\nregistry = \"https://one.example/index\"\n\
                      replace-with = \"two\"\n[registries.two]\nindex = \"sparse+https://two.example/\"\n\
                      [source.alone]\nregistry = \"sparse+https://alone.example/\"\n";
        let two = Registry::parse("sparse+https://two.example/").unwrap();
        assert_eq!(of(config, CRATES_IO), replaced("crates-io", Replacement::Registry(two.clone())));
        assert_eq!(
            of(config, "registry+https://one.example/index"),
            replaced("one", Replacement::Registry(two))
        );
        assert_eq!(
            of(config, "sparse+https://alone.example/"),
            Ok(Some(Replaced { name: "alone".to_owned(), by: None }))
        );
    }

    #[test]
    fn what_leads_nowhere_is_refused_where_it_stands() {
        let sources = |text: &str| format!("[source.crates-io]\nreplace-with = \"a\"\n{text}");
        for (config, expected) in [
            ("", ".cargo/config.toml:2: there is no source `a`"),
            (
                "[source.a]\nreplace-with = \"crates-io\"\n",
                ".cargo/config.toml:4: the source `crates-io` is replaced by itself",
            ),
            (
                "[source.a]\ndirectory = \"/srv/vendor\"\n",
                ".cargo/config.toml:2: the source `a` cannot be had in a build",
            ),
            (
                "[source.a]\ndirectory = \"../vendor\"\n",
                ".cargo/config.toml:2: the source `a` cannot be had in a build",
            ),
        ] {
            assert_eq!(of(&sources(config), CRATES_IO), Err(expected.to_owned()));
        }
    }
}
