//! The programs that are compared: `conformance/corpus.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// In the order of the table.
    #[serde(rename = "program")]
    pub programs: Vec<Program>,
}

/// A program, as it was published, or a project of testdata.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Program {
    /// Its name: of its package, or of its directory in testdata.
    pub name: String,
    /// Where its sources are.
    pub from: Origin,
    /// What is special about it.
    pub shows: String,
    /// Part of every run of the tests, and not only of the full comparison.
    #[serde(default)]
    pub always: bool,
    /// The image that both sides compile in; the default of `toolchain` where there is none.
    #[serde(default)]
    pub toolchain: Option<String>,
    /// It is compared only where the engine has that image: not every machine can have it.
    #[serde(default)]
    pub where_present: bool,
    /// cargo's `--profile`.
    #[serde(default = "release")]
    pub profile: String,
    /// Its manifest says how much debug information build scripts and procedural macros have. Otherwise plain cargo is told
    /// that they have none, as it has it without `--target`.
    #[serde(default)]
    pub build_override_debug: bool,
    /// cargo's `--features`.
    #[serde(default)]
    pub features: Vec<String>,
    /// cargo's `--no-default-features`.
    #[serde(default)]
    pub no_default_features: bool,
    /// The programs that it is made of; each is started.
    pub bins: Vec<String>,
    /// They are examples: what cargo builds with `--example`.
    #[serde(default)]
    pub examples: bool,
    /// Other targets: libraries to load or link.
    #[serde(default)]
    pub libraries: Vec<String>,
    /// Arguments to start them with; what they print must be the same.
    #[serde(default = "version")]
    pub smoke: Vec<String>,
    /// Settings of ours, as in `[workspace.metadata.longshore]`.
    #[serde(default)]
    pub settings: String,
    /// Variables on both sides, as `builder.env` has them.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Variables that two builds by plain cargo have different values of, each with the reason; they are not compared.
    #[serde(default)]
    pub varies: BTreeMap<String, String>,
    /// Packages of Debian's that plain cargo needs in the toolchain image, as `builder.packages` has them.
    #[serde(default)]
    pub packages: Vec<String>,
}

/// Where a program comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A package on crates.io, with the `Cargo.lock` that it carries.
    Published {
        /// Version.
        version: String,
        /// SHA-256 of its `.crate` file.
        sha256: String,
    },
    /// A directory of testdata.
    Testdata,
    /// A script in `scripts/lib` that lays out a workspace of published packages.
    Script(String),
}

fn release() -> String {
    "release".to_owned()
}

fn version() -> Vec<String> {
    vec!["--version".to_owned()]
}

impl Program {
    /// Name and version, as the table has them; a case of testdata is there once for each profile.
    pub fn title(&self) -> String {
        let title = match &self.from {
            Origin::Published { version, .. } => format!("{} {version}", self.name),
            Origin::Testdata if self.profile != release() => format!("{} in {}", self.name, self.profile),
            Origin::Testdata | Origin::Script(_) => self.name.clone(),
        };
        let title = if self.examples { format!("{title}, examples") } else { title };
        match &self.toolchain {
            Some(toolchain) => format!("{title} with {toolchain}"),
            None => title,
        }
    }
}

impl Corpus {
    /// Reads the file.
    ///
    /// # Errors
    /// It is no TOML, or a program lacks something or has something unknown.
    pub fn parse(text: &str) -> Result<Corpus, toml::de::Error> {
        toml::from_str(text)
    }

    /// The programs to compare: as the file has them; or, where an image is named, compiled in that one. Those that are there
    /// for a toolchain of their own are left out then.
    pub fn programs_with(self, toolchain: Option<&str>) -> Vec<Program> {
        let Some(toolchain) = toolchain else { return self.programs };
        let others = self.programs.into_iter().filter(|program| program.toolchain.is_none());
        others.map(|program| Program { toolchain: Some(toolchain.to_owned()), ..program }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_can_be_read_and_names_are_unique() {
        let corpus = Corpus::parse(include_str!("../corpus.toml")).unwrap();
        let mut titles: Vec<String> = corpus.programs.iter().map(Program::title).collect();
        titles.sort();
        let all = titles.len();
        titles.dedup();
        assert_eq!(titles.len(), all);
        assert!(corpus.programs.iter().any(|program| program.always), "nothing is compared in every run");
    }

    #[test]
    fn another_toolchain_is_that_of_all_programs_that_have_none_of_their_own() {
        let text = r#"
            program = [
                { name = "a", from = "testdata", shows = "", bins = [] },
                { name = "a", from = "testdata", shows = "", bins = [], toolchain = "old" },
            ]
        "#;
        let titles = |toolchain| {
            let programs = Corpus::parse(text).unwrap().programs_with(toolchain);
            programs.iter().map(Program::title).collect::<Vec<_>>()
        };
        assert_eq!(titles(None), ["a", "a with old"]);
        assert_eq!(titles(Some("rust:nightly")), ["a with rust:nightly"]);
    }

    #[test]
    fn what_is_unknown_is_refused() {
        let text = "[[program]]\nname = \"a\"\nfrom = \"testdata\"\nshows = \"\"\nbins = []\n";
        assert!(Corpus::parse(text).is_ok());
        assert!(Corpus::parse(&format!("{text}bin = []\n")).is_err());
    }
}
