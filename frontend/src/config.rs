//! The user's settings: what the `longshore` metadata tables of the manifests say, or their defaults.
//!
//! `[workspace.metadata.longshore]` of the entry file becomes a [`Config`], `[package.metadata.longshore]` of a
//! package's manifest a [`PackageConfig`]. Everything else in a manifest is cargo's to judge; only its TOML syntax
//! is checked here, because an error in it can be shown better than by a failing step.
//! Nothing here reads files or knows what a build does with a setting.

mod accelerator;
mod args;
mod builder;
mod channel;
mod contents;
mod crates;
mod entry;
mod image;
pub mod keys;
mod members;
mod raw;
mod table;
mod validate;

pub use accelerator::Accelerator;
pub use args::flag;
pub use args::{Arg, Args};
pub use builder::Builder;
pub use channel::{Channel, Chosen, Rustup, TOOLCHAIN_FILES, chosen};
pub use crates::CrateConfig;
pub use entry::{EntryKind, entry_kind};
pub use image::{
    Asset, BASE_DEFAULT, Base, ExposedPort, FileEntry, HealthCommand, Healthcheck, ImageName, ImageOverrides,
    ImageSettings, Libraries, Protocol, USER_DEFAULT,
};
pub use members::workspace_members;

use std::collections::BTreeMap;

use buildkit_llb::{SourceFile, Span};
use table::Table;
use toml::de::DeTable;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};

/// The toolchain image when the user names none.
pub const TOOLCHAIN_DEFAULT: &str = "rust:1.95-bookworm";

/// cargo's profile when the user names none: images are for running.
pub const PROFILE_DEFAULT: &str = "release";

/// The settings of a workspace. `Config::default()` is what a user gets who wrote none.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The image that has rustc and cargo.
    pub toolchain: ImageName,
    /// What is added to it.
    pub builder: Builder,
    /// cargo's profile.
    pub profile: String,
    /// Features to enable, as for `cargo build --features`.
    pub features: Vec<String>,
    /// As for `cargo build --no-default-features`.
    pub no_default_features: bool,
    /// As for `cargo build --all-features`.
    pub all_features: bool,
    /// Whether small packages of registries share steps; without it their number decides.
    pub bundle: Option<bool>,
    /// Triples to compile for, where a platform has several; for each platform the first that runs there.
    pub target: Vec<(String, Span)>,
    /// What every image of the workspace is like unless its package says otherwise.
    pub image: ImageSettings,
    /// Images of the user's own making, by name.
    pub images: BTreeMap<String, ImageTable>,
    /// What is built for processors besides the CPU.
    pub accelerators: BTreeMap<String, Accelerator>,
    /// What single packages of the build are given, by name or `NAME@VERSION`.
    pub crates: BTreeMap<String, CrateConfig>,
    /// Build arguments.
    pub args: Args,
    /// What a bake file builds for: `linux/amd64`, ….
    pub platforms: Vec<String>,
    /// What a bake file tags images with; `{target}` stands for the target's name.
    pub tags: Vec<String>,
}

/// An image that the user puts together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageTable {
    /// The binaries in it.
    pub bins: Vec<BinName>,
    /// Where it differs from the workspace's.
    pub image: ImageOverrides,
    /// Where the user wrote its name.
    pub span: Option<Span>,
}

/// A binary by name, with its package's before it where there are several of the name.
#[derive(Clone, Debug, PartialEq)]
pub struct BinName {
    /// As in `--target`.
    pub value: String,
    /// Where the user wrote it.
    pub span: Span,
}

/// The settings of one package.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackageConfig {
    /// Files outside the package's directory that it is compiled from: paths or globs relative to the root of the
    /// workspace, without `.` and `..`, sorted.
    pub inputs: Vec<Input>,
    /// Build arguments that its steps see, by name, sorted.
    pub args: Vec<String>,
    /// Secrets that its steps see.
    pub secrets: Vec<Secret>,
    /// Accelerators whose tools its steps see.
    pub accelerators: Vec<(String, Span)>,
    /// Variables of its own for accelerators, by name.
    pub accelerator: BTreeMap<String, PackageVariables>,
    /// Accelerators that it runs on: it is compiled for their devices, and for nothing else.
    pub device: Vec<(String, Span)>,
    /// Such packages, whose files its steps are given.
    pub device_crates: Vec<(String, Span)>,
    /// Where the package's image differs from the workspace's.
    pub image: ImageOverrides,
}

/// What the steps of one package see of an accelerator that others do not.
#[derive(Clone, Debug, PartialEq)]
pub struct PackageVariables {
    /// Variables, before the accelerator's.
    pub env: BTreeMap<String, String>,
    /// The same, with architectures to be filled in.
    pub arch_env: BTreeMap<String, String>,
    /// Where the user named the accelerator.
    pub span: Span,
}

/// A path or glob from `inputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Relative to the root of the workspace.
    pub pattern: String,
    /// Where the user wrote it.
    pub span: Span,
}

/// A secret of the client's that a package's steps see.
#[derive(Clone, Debug, PartialEq)]
pub struct Secret {
    /// `--secret id=ID`.
    pub id: String,
    /// Where it is.
    pub place: SecretPlace,
    /// The build fails without it.
    pub required: bool,
    /// Where the user wrote it.
    pub span: Span,
}

/// Where a step finds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In this variable.
    Env(String),
    /// In the file at this path.
    File(String),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            images: BTreeMap::new(),
            accelerators: BTreeMap::new(),
            crates: BTreeMap::new(),
            args: Args::default(),
            platforms: Vec::new(),
            tags: Vec::new(),
            toolchain: ImageName::builtin(TOOLCHAIN_DEFAULT),
            builder: Builder::default(),
            profile: PROFILE_DEFAULT.to_owned(),
            features: Vec::new(),
            no_default_features: false,
            all_features: false,
            bundle: None,
            target: Vec::new(),
            image: ImageSettings::default(),
        }
    }
}

/// The build arguments that the client gives.
pub type Given = BTreeMap<String, String>;

impl Config {
    /// Reads `[workspace.metadata.longshore]` of the entry file; its absence is the default.
    ///
    /// # Errors
    /// Every mistake in the table, or those of the TOML syntax anywhere in the file.
    pub fn from_workspace_manifest(file: &SourceFile, given: &Given) -> Result<Self, Diagnostics> {
        read(file, |root, gathered| {
            let path = ["workspace", "metadata", "longshore"];
            let args = Args::read(&mut Table::at(file, root, &path, gathered), given);
            let mut table = Table::at(file, root, &path, gathered).with(&args);
            table.known("args");
            let raw = raw::RawWorkspace::read(&mut table);
            table.finish(&raw::PACKAGE_ONLY);
            validate::workspace(raw, args, gathered)
        })
    }

    /// Reads a `longshore.toml`: the keys of a workspace at its top, those of packages under `packages.NAME`.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub fn from_standalone(
        file: &SourceFile,
        given: &Given,
    ) -> Result<(Self, BTreeMap<String, StandalonePackage>), Diagnostics> {
        read(file, |root, gathered| {
            let args = Args::read(&mut Table::at(file, root, &[], gathered), given);
            let mut table = Table::at(file, root, &[], gathered).with(&args);
            table.known("args");
            let raw = raw::RawWorkspace::read(&mut table);
            let packages = table.subtables("packages", raw::RawPackage::read);
            table.finish(&raw::PACKAGE_ONLY);
            let packages = packages.into_iter().map(|(name, raw)| {
                let config = validate::package(raw, Some(&args), gathered);
                (name.value, StandalonePackage { config, span: name.span })
            });
            let packages = packages.collect();
            (validate::workspace(raw, args.clone(), gathered), packages)
        })
    }
}

/// The settings of a package that stand in a `longshore.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct StandalonePackage {
    /// The settings.
    pub config: PackageConfig,
    /// Where the package is named.
    pub span: Span,
}

impl PackageConfig {
    /// Reads `[package.metadata.longshore]` of a package's manifest; its absence is the default. `args` are the
    /// workspace's build arguments; without them, what names one is taken as it is.
    ///
    /// # Errors
    /// Every mistake in the table, or those of the TOML syntax anywhere in the file.
    pub fn from_manifest(file: &SourceFile, args: Option<&Args>) -> Result<Self, Diagnostics> {
        read(file, |root, gathered| {
            let table = Table::at(file, root, &["package", "metadata", "longshore"], gathered);
            let mut table = match args {
                Some(args) => table.with(args),
                None => table,
            };
            let raw = raw::RawPackage::read(&mut table);
            validate::package(raw, args, gathered)
        })
    }
}

/// Where a manifest has a table of ours for its package.
pub fn package_table_span(file: &SourceFile) -> Option<Span> {
    let text = std::str::from_utf8(file.text()).ok()?;
    let (root, _) = DeTable::parse_recoverable(text);
    let metadata =
        root.get_ref().get("package")?.get_ref().as_table()?.get("metadata")?.get_ref().as_table()?;
    metadata.get_key_value("longshore").map(|(key, _)| file.span(key.span()))
}

/// Where the manifest names its package: the value of `name`, or the header `[package]` where there is none.
pub fn package_span(file: &SourceFile) -> Option<Span> {
    key_span(file, "package", "name")
}

/// Where the manifest lists its members: the value of `members`, or the header `[workspace]` where there is none.
pub fn workspace_members_span(file: &SourceFile) -> Option<Span> {
    key_span(file, "workspace", "members")
}

/// Where the manifest declares the binary of that name: the value of `name` in its `[[bin]]`.
pub fn binary_span(file: &SourceFile, name: &str) -> Option<Span> {
    let text = std::str::from_utf8(file.text()).ok()?;
    let (root, _) = DeTable::parse_recoverable(text);
    let binaries = root.get_ref().get("bin")?.get_ref().as_array()?;
    let mut names = binaries.iter().filter_map(|binary| binary.get_ref().as_table()?.get("name"));
    names.find(|value| value.get_ref().as_str() == Some(name)).map(|value| file.span(value.span()))
}

fn key_span(file: &SourceFile, table: &str, key: &str) -> Option<Span> {
    let text = std::str::from_utf8(file.text()).ok()?;
    // A span is a courtesy: what can be parsed will do.
    let (root, _) = DeTable::parse_recoverable(text);
    let (header, value) = root.get_ref().get_key_value(table)?;
    let named = value.get_ref().as_table().and_then(|table| table.get(key));
    Some(file.span(named.map_or(header.span(), |named| named.span())))
}

fn read<T>(
    file: &SourceFile,
    validated: impl FnOnce(&DeTable<'_>, &mut Vec<Diagnostic>) -> T,
) -> Result<T, Diagnostics> {
    let text = match std::str::from_utf8(file.text()) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            return Err(Diagnostic::error(Code::ManifestSyntax, "the file is not UTF-8")
                .at(&file.span(at..at + 1))
                .into());
        }
    };
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What the settings say is anyone's guess when the syntax is broken, so they are not looked at.
        let mut gathered: Vec<_> = errors.iter().map(|error| syntax(file, error)).collect();
        in_order_of_lines(&mut gathered);
        // The parser goes on as well as it can; what else it finds in a line follows from what it found first.
        gathered.dedup_by_key(|diagnostic| line(diagnostic));
        return Err(Diagnostics::new(gathered));
    }
    let mut gathered = Vec::new();
    let value = validated(root.get_ref(), &mut gathered);
    in_order_of_lines(&mut gathered);
    Diagnostics::check(value, gathered)
}

/// The parser sorts keys by name; the user reads the file from top to bottom.
fn in_order_of_lines(gathered: &mut [Diagnostic]) {
    gathered.sort_by_key(line);
}

fn line(diagnostic: &Diagnostic) -> Option<u32> {
    diagnostic.primary().map(|span| *span.lines().start())
}

fn syntax(file: &SourceFile, error: &toml::de::Error) -> Diagnostic {
    let message = error.message().trim().replace('\n', ", ");
    let end = file.text().len();
    Diagnostic::error(Code::ManifestSyntax, message).at(&file.span(error.span().unwrap_or(end..end)))
}

#[cfg(test)]
mod tests;
