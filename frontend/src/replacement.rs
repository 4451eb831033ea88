//! `[source]` of cargo's configuration: packages that come from elsewhere than their lock file says.
//!
//! Pure. The rules are the Cargo book's, "Source Replacement": a source is found by what it is, `replace-with` names
//! another source or a registry, and what replaces has the same packages. Paths are relative to the directory that
//! holds the `.cargo` of the file that says them.

use std::collections::BTreeMap;

use buildkit_llb::Span;
use camino::Utf8PathBuf;

use crate::{
    cargo_config::{CargoConfig, Entry, Table as Values},
    diagnostic::{Code, Diagnostic},
    outside,
    registry::{self, Registry},
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
    tables: Vec<Table>,
    /// `[registries]`: names and indexes.
    registries: BTreeMap<String, Registry>,
}

#[derive(Debug, Clone)]
struct Table {
    name: String,
    values: Values,
}

impl Replacements {
    /// Reads what there is to read; what cargo would not understand is for cargo to refuse.
    pub fn parse(config: &CargoConfig) -> Self {
        let sources = config.tables("source");
        let tables = sources.map(|(name, values)| Table { name: name.to_owned(), values: values.clone() });
        let registries = config.tables("registries").filter_map(|(name, values)| {
            let index = values.get("index")?.text()?;
            Some((name.to_owned(), Registry::of_index(index)?))
        });
        Self { tables: tables.collect(), registries: registries.collect() }
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
        while let Some((next, place)) = table.replaced_with() {
            let refused = |message: String| Diagnostic::error(Code::UnsupportedSource, message).at(place);
            seen.push(table.name.as_str());
            if seen.contains(&next) {
                return Err(refused(format!("the source `{}` is replaced by itself", first.name)));
            }
            let Some(found) = self.tables.iter().find(|table| table.name == next) else {
                let registry = self.registries.get(next).cloned().ok_or_else(|| {
                    refused(format!("there is no source `{next}`"))
                        .help("describe it as `[source.NAME]` or `[registries.NAME]` in `.cargo/config.toml`")
                })?;
                return Ok(Some(first.by(Replacement::Registry(registry))));
            };
            if found.replaced_with().is_none() {
                return match found.place_of_packages() {
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

    fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).and_then(Entry::text)
    }

    /// The table that replaces this one, and where that is said.
    fn replaced_with(&self) -> Option<(&str, &Span)> {
        let entry = self.values.get("replace-with")?;
        Some((entry.text()?, &entry.place))
    }

    fn describes(&self, source: &str) -> bool {
        let described = Registry::parse(source);
        if described.as_ref().is_some_and(Registry::is_crates_io) && self.name == "crates-io" {
            return true;
        }
        let index = self.value("registry").and_then(Registry::of_index);
        if let (Some(index), Some(described)) = (index, &described) {
            return index.is_same_index(described);
        }
        let reference = ["branch", "tag", "rev"]
            .into_iter()
            .find_map(|kind| self.value(kind).map(|value| (kind, value.to_owned())));
        self.value("git").is_some_and(|url| registry::repository_of(source) == Some((url, reference)))
    }

    fn place_of_packages(&self) -> Option<Replacement> {
        let path = |key: &str| {
            let entry = self.values.get(key)?;
            outside::normalise(&entry.base, entry.text()?)
        };
        if let Some(directory) = path("directory") {
            return Some(Replacement::Directory(directory));
        }
        if let Some(directory) = path("local-registry") {
            return Some(Replacement::LocalRegistry(directory));
        }
        if self.name == "crates-io" && !self.values.contains_key("registry") {
            return Some(Replacement::Registry(Registry::crates_io()));
        }
        Registry::of_index(self.value("registry")?).map(Replacement::Registry)
    }
}

#[cfg(test)]
mod tests {
    use buildkit_llb::{SourceFile, State};
    use camino::Utf8Path;

    use super::*;
    use crate::listing::{Kind, Listing};

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn of(config: &str, source: &str) -> Result<Option<Replaced>, String> {
        let file = SourceFile::new(".cargo/config.toml", "TOML", config);
        Replacements::parse(&CargoConfig::parse(&file)).of(source).map_err(|refused| {
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
        let config = config.replace("\"main\"", "\"release/1.0\"");
        let git = |name: &str| format!("git+https://a.example/x?branch={name}");
        assert_eq!(of(&config, &git("release%2F1.0")), replaced(&git("main"), vendored()));
        assert_eq!(of(&config, &git("release")), Ok(None));
        assert_eq!(of(&config, "sparse+https://a.example/"), Ok(None));
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
    fn paths_are_relative_to_the_file_that_says_them() {
        let texts: BTreeMap<Utf8PathBuf, Vec<u8>> = [
            (".cargo/config.toml", "[source.vendored]\ndirectory = \"vendor\"\n"),
            ("rust/.cargo/config.toml", "[source.crates-io]\nreplace-with = \"vendored\"\n"),
        ]
        .map(|(path, text)| (path.into(), text.into()))
        .into();
        let listing: Listing = texts.keys().map(|path| (path.clone(), Kind::File)).collect();
        let (config, _) = CargoConfig::gather(&listing, Utf8Path::new("rust"), &texts, &State::SCRATCH);
        let found = Replacements::parse(&config).of(CRATES_IO).unwrap();
        assert_eq!(Ok(found), replaced("crates-io", Replacement::Directory("vendor".into())));
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
