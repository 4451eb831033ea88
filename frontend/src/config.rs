//! The user's settings: what the `longshore` metadata tables of the manifests say, or their defaults.
//!
//! `[workspace.metadata.longshore]` of the entry file becomes a [`Config`], `[package.metadata.longshore]` of a
//! package's manifest a [`PackageConfig`]. Everything else in a manifest is cargo's to judge; only its TOML syntax
//! is checked here, because an error in it can be shown better than by a failing step.
//! Nothing here reads files or knows what a build does with a setting.

mod entry;
mod members;
mod raw;
mod validate;

pub use entry::{EntryKind, entry_kind};
pub use members::workspace_members;

use std::collections::BTreeMap;
use std::fmt;

use buildkit_llb::{ImageRef, SourceFile, Span};
use toml::de::DeTable;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};

/// The toolchain image when the user names none.
pub const TOOLCHAIN_DEFAULT: &str = "rust:1.95-bookworm";

/// The image under the binaries when the user names none. Its glibc is not older than the toolchain's.
pub const BASE_DEFAULT: &str = "debian:bookworm-slim";

/// cargo's profile when the user names none: images are for running.
pub const PROFILE_DEFAULT: &str = "release";

/// Whom the image runs as when the user says nothing: nobody that owns a file in it.
pub const USER_DEFAULT: &str = "65532:65532";

/// The settings of a workspace. `Config::default()` is what a user gets who wrote none.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The image that has rustc and cargo.
    pub toolchain: ImageName,
    /// cargo's profile.
    pub profile: String,
    /// Features to enable, as for `cargo build --features`.
    pub features: Vec<String>,
    /// As for `cargo build --no-default-features`.
    pub no_default_features: bool,
    /// As for `cargo build --all-features`.
    pub all_features: bool,
    /// What every image of the workspace is like unless its package says otherwise.
    pub image: ImageSettings,
    /// Images of the user's own making, by name.
    pub images: BTreeMap<String, ImageTable>,
}

/// An image that the user puts together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageTable {
    /// The binaries in it.
    pub bins: Vec<BinName>,
    /// Where it differs from the workspace's.
    pub image: ImageOverrides,
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
    /// Where the package's image differs from the workspace's.
    pub image: ImageOverrides,
}

/// A path or glob from `inputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Relative to the root of the workspace.
    pub pattern: String,
    /// Where the user wrote it.
    pub span: Span,
}

/// The name of an image, as one writes it after `FROM`.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageName {
    /// The name.
    pub reference: ImageRef,
    /// Where the user wrote it; absent for a default.
    pub span: Option<Span>,
}

/// What binaries are put on.
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// Nothing: `base = "scratch"`.
    Scratch,
    /// An image.
    Image(ImageName),
}

/// What an image is like besides its binary.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageSettings {
    /// What the binaries are put on.
    pub base: Base,
    /// `user` or `user:group`, names or numbers.
    pub user: String,
    /// The working directory; absent leaves the base image's.
    pub workdir: Option<String>,
    /// Environment variables, on top of the base image's.
    pub env: BTreeMap<String, String>,
    /// Labels, on top of those made from the manifest.
    pub labels: BTreeMap<String, String>,
    /// Ports that the program listens on.
    pub expose: Vec<ExposedPort>,
    /// The command; absent means the binary itself.
    pub entrypoint: Option<Vec<String>>,
    /// Arguments for the entrypoint.
    pub cmd: Vec<String>,
}

/// What one package's image changes about [`ImageSettings`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageOverrides {
    /// Replaces the workspace's.
    pub base: Option<Base>,
    /// Replaces the workspace's.
    pub user: Option<String>,
    /// Replaces the workspace's.
    pub workdir: Option<String>,
    /// Added to the workspace's; wins where both set a variable.
    pub env: BTreeMap<String, String>,
    /// Added to the workspace's; wins where both set a label.
    pub labels: BTreeMap<String, String>,
    /// Replaces the workspace's.
    pub expose: Option<Vec<ExposedPort>>,
    /// Replaces the binary.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the workspace's.
    pub cmd: Option<Vec<String>>,
}

/// A port and its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExposedPort {
    /// 1 to 65535.
    pub port: u16,
    /// What is spoken on it.
    pub protocol: Protocol,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// As image configs write it: `8080/tcp`.
impl fmt::Display for ExposedPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        };
        write!(f, "{}/{protocol}", self.port)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            images: BTreeMap::new(),
            toolchain: ImageName::builtin(TOOLCHAIN_DEFAULT),
            profile: PROFILE_DEFAULT.to_owned(),
            features: Vec::new(),
            no_default_features: false,
            all_features: false,
            image: ImageSettings::default(),
        }
    }
}

impl Default for ImageSettings {
    fn default() -> Self {
        Self {
            base: Base::Image(ImageName::builtin(BASE_DEFAULT)),
            user: USER_DEFAULT.to_owned(),
            workdir: None,
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            expose: Vec::new(),
            entrypoint: None,
            cmd: Vec::new(),
        }
    }
}

impl ImageName {
    fn builtin(reference: &str) -> Self {
        Self { reference: ImageRef::parse(reference).expect("a default is the name of an image"), span: None }
    }
}

impl ImageSettings {
    /// These settings as one package wants them.
    #[must_use]
    pub fn with(&self, overrides: &ImageOverrides) -> Self {
        let mut settings = self.clone();
        let overrides = overrides.clone();
        settings.env.extend(overrides.env);
        settings.labels.extend(overrides.labels);
        settings.base = overrides.base.unwrap_or(settings.base);
        settings.user = overrides.user.unwrap_or(settings.user);
        settings.workdir = overrides.workdir.or(settings.workdir);
        settings.expose = overrides.expose.unwrap_or(settings.expose);
        settings.cmd = overrides.cmd.unwrap_or(settings.cmd);
        settings.entrypoint = overrides.entrypoint.or(settings.entrypoint);
        settings
    }
}

impl Config {
    /// Reads `[workspace.metadata.longshore]` of the entry file; its absence is the default.
    ///
    /// # Errors
    /// Every mistake in the table, or those of the TOML syntax anywhere in the file.
    pub fn from_workspace_manifest(file: &SourceFile) -> Result<Self, Diagnostics> {
        read(file, |root, gathered| {
            let table = raw::Table::at(file, root, &["workspace", "metadata", "longshore"], gathered);
            let raw = raw::RawWorkspace::read(table);
            validate::workspace(raw, gathered)
        })
    }
}

impl PackageConfig {
    /// Reads `[package.metadata.longshore]` of a package's manifest; its absence is the default.
    ///
    /// # Errors
    /// Every mistake in the table, or those of the TOML syntax anywhere in the file.
    pub fn from_manifest(file: &SourceFile) -> Result<Self, Diagnostics> {
        read(file, |root, gathered| {
            let table = raw::Table::at(file, root, &["package", "metadata", "longshore"], gathered);
            let raw = raw::RawPackage::read(table);
            validate::package(raw, gathered)
        })
    }
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
