//! `rust-toolchain.toml`: which toolchain the workspace wants (the rustup book, "The toolchain file").
//!
//! A release is an official image. Everything else is rustup's to install, in that image: other channels, components,
//! targets.

use buildkit_llb::{ImageRef, SourceFile, Span};
use serde::Deserialize;

use super::{Builder, ImageName};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};

/// Names that the file can have, the one that rustup prefers first.
pub const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// What every toolchain has, or what no build runs. `rustfmt` is not among them: build scripts that generate code run it.
const NOT_FOR_BUILDS: [&str; 12] = [
    "cargo",
    "clippy",
    "miri",
    "rls",
    "rust-analysis",
    "rust-analyzer",
    "rust-docs",
    "rust-docs-json",
    "rust-mingw",
    "rust-std",
    "rustc",
    "rustc-docs",
];

/// In the triples of systems that no image is for: their standard libraries are for whoever develops there.
const OTHER_SYSTEMS: [&str; 9] = [
    "-apple-", "-windows", "-android", "-freebsd", "-netbsd", "-openbsd", "-illumos", "-solaris", "-fuchsia",
];

#[derive(Deserialize)]
struct RawFile {
    toolchain: RawToolchain,
}

#[derive(Default, Deserialize)]
struct RawToolchain {
    channel: Option<toml::Spanned<String>>,
    path: Option<toml::Spanned<String>>,
    #[serde(default)]
    components: Vec<toml::Spanned<String>>,
    #[serde(default)]
    targets: Vec<toml::Spanned<String>>,
}

/// What comes of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen {
    /// The image that has the toolchain; `None` where the settings' is to be taken.
    pub image: Option<ImageName>,
    /// What that image does not have, as far as is known.
    pub rustup: Rustup,
    /// What the file asks for and does not get, and what may be another tomorrow.
    pub warnings: Vec<Diagnostic>,
}

/// What is asked of the toolchain image's rustup. The default asks for nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rustup {
    /// The file that asks.
    pub file: String,
    /// A toolchain to install; `None` for the image's own.
    pub channel: Option<Channel>,
    /// Components, sorted, each with its place.
    pub components: Vec<(String, Span)>,
    /// Triples, sorted, each with its place.
    pub targets: Vec<(String, Span)>,
}

impl Rustup {
    /// The image is taken as it is.
    pub fn is_empty(&self) -> bool {
        self.channel.is_none() && self.components.is_empty() && self.targets.is_empty()
    }

    /// Where the file says what is to be installed: first the channel.
    pub fn span(&self) -> Option<&Span> {
        let channel = self.channel.as_ref().map(|channel| &channel.span);
        channel.or_else(|| self.components.iter().chain(&self.targets).map(|(_, span)| span).next())
    }
}

/// A toolchain that rustup installs.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// As rustup takes it: `nightly-2026-01-05`.
    pub name: String,
    /// It means another toolchain tomorrow.
    pub moves: bool,
    /// Where the user wrote it.
    pub span: Span,
}

/// Reads the file. `settings` and `builder` are what the user says of the toolchain besides: an image that the settings
/// name compiles whatever the file's channel is, and only components and targets are added to it.
///
/// # Errors
/// It is no toolchain file, or names a toolchain that cannot be had.
pub fn chosen(file: &SourceFile, settings: &ImageName, builder: &Builder) -> Result<Chosen, Diagnostics> {
    let raw = parse(file)?;
    let mut chosen = Chosen::default();
    let mut problems = Vec::new();
    chosen.rustup.file = file.name().to_owned();
    if let Some(path) = &raw.path {
        let span = file.span(path.span());
        match settings.span {
            Some(_) => chosen.warnings.push(ignored(file, "path", settings).at(&span)),
            None => problems.push(elsewhere(file).at(&span)),
        }
    }
    if let Some(channel) = &raw.channel {
        let span = file.span(channel.span());
        of_channel(file, channel.get_ref(), span, settings, &mut chosen)
            .unwrap_or_else(|wrong| problems.push(wrong));
    }
    let mut named = |kind: &str, list: &[toml::Spanned<String>], is_wanted: &dyn Fn(&str) -> bool| {
        let mut wanted = Vec::new();
        for name in list {
            let (name, span) = (name.get_ref().as_str(), file.span(name.span()));
            if !is_name(name) {
                let wrong = format!("`{name}` of `{}` is no name of a {kind}", file.name());
                problems.push(Diagnostic::error(Code::InvalidValue, wrong).at(&span));
            } else if is_wanted(name) && !builder.setup.iter().any(|line| line.contains(name)) {
                wanted.push((name.to_owned(), span));
            }
        }
        // Sorted, so that the order in which the user wrote them is not part of any digest.
        wanted.sort_by(|(a, _), (b, _)| a.cmp(b));
        wanted.dedup_by(|(a, _), (b, _)| a == b);
        wanted
    };
    chosen.rustup.components = named("component", &raw.components, &|name| {
        !NOT_FOR_BUILDS.contains(&name.trim_end_matches("-preview"))
    });
    chosen.rustup.targets =
        named("target", &raw.targets, &|triple| !OTHER_SYSTEMS.iter().any(|system| triple.contains(system)));
    Diagnostics::check(chosen, problems)
}

fn parse(file: &SourceFile) -> Result<RawToolchain, Diagnostics> {
    let text = String::from_utf8_lossy(file.text());
    // The old form is the channel alone, in one line of the file whose name has no `.toml`.
    if !file.name().ends_with(".toml") && text.trim().lines().count() == 1 {
        let start = text.len() - text.trim_start().len();
        let channel = text.trim();
        let channel = toml::Spanned::new(start..start + channel.len(), channel.to_owned());
        return Ok(RawToolchain { channel: Some(channel), ..RawToolchain::default() });
    }
    let raw: RawFile = toml::from_str(&text).map_err(|error| {
        let wrong = Diagnostic::error(
            Code::ManifestSyntax,
            format!("`{}` is no toolchain file: {}", file.name(), error.message()),
        );
        match error.span() {
            Some(span) => wrong.at(&file.span(span)),
            None => wrong,
        }
    })?;
    Ok(raw.toolchain)
}

/// What a channel's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `1.85`, `1.85.1`: official images have it.
    Release,
    /// `stable`: any release is.
    Stable,
    /// `nightly`, `beta`.
    Moving,
    /// `nightly-2026-01-05`, `1.92.0-beta.3`.
    Fixed,
}

/// As rustup has them in toolchain files, which name neither hosts nor toolchains of one machine (the rustup book,
/// "Toolchain file settings").
fn kind(channel: &str) -> Option<Kind> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_release = |name: &str| [2, 3].contains(&name.split('.').count()) && name.split('.').all(is_number);
    let is_date = |rest: &str| {
        let parts: Vec<&str> = rest.split('-').collect();
        parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.into_iter().all(is_number)
    };
    if is_release(channel) {
        return Some(Kind::Release);
    }
    match channel.split_once('-') {
        None if channel == "stable" => Some(Kind::Stable),
        None if ["nightly", "beta"].contains(&channel) => Some(Kind::Moving),
        Some(("nightly" | "beta" | "stable", rest)) if is_date(rest) => Some(Kind::Fixed),
        Some((release, "beta")) if is_release(release) => Some(Kind::Fixed),
        Some((release, rest)) if is_release(release) => {
            rest.strip_prefix("beta.").is_some_and(is_number).then_some(Kind::Fixed)
        }
        _ => None,
    }
}

fn of_channel(
    file: &SourceFile,
    channel: &str,
    span: Span,
    settings: &ImageName,
    chosen: &mut Chosen,
) -> Result<(), Diagnostic> {
    let kind = kind(channel);
    if settings.span.is_some() {
        if contradicts(channel, kind, &settings.reference) {
            chosen.warnings.push(ignored(file, channel, settings).at(&span));
        }
        return Ok(());
    }
    let unknown = || {
        let wrong = format!("`{channel}` of `{}` is no channel that rustup installs", file.name());
        Diagnostic::error(Code::InvalidValue, wrong).at(&span).help(
            "write a release (`1.95`), `stable`, or a day (`nightly-2026-01-05`); or name an image that has this toolchain \
             as `toolchain`",
        )
    };
    match kind.ok_or_else(unknown)? {
        Kind::Stable => {}
        Kind::Release => {
            let reference = ImageRef::parse(&format!("rust:{channel}-bookworm")).map_err(|_| unknown())?;
            chosen.image = Some(ImageName { reference, span: Some(span) });
        }
        kind => {
            let moves = kind == Kind::Moving;
            if moves {
                let message = format!("`{channel}` of `{}` is another toolchain tomorrow", file.name());
                let help = format!(
                    "name a day, for example `{channel}-2026-01-05`, so that all builds have the same"
                );
                chosen.warnings.push(Diagnostic::warning(Code::FloatingTag, message).help(help).at(&span));
            }
            chosen.rustup.channel = Some(Channel { name: channel.to_owned(), moves, span });
        }
    }
    Ok(())
}

/// Whether the image is known to be of another channel: an official one says its release.
fn contradicts(channel: &str, kind: Option<Kind>, image: &ImageRef) -> bool {
    let name = image.familiar();
    let tag = name.rsplit(':').next().unwrap_or_default();
    match kind {
        Some(Kind::Release) => {
            let majors: Vec<&str> = channel.splitn(3, '.').take(2).collect();
            !tag.starts_with(&majors.join("."))
        }
        Some(Kind::Stable) => false,
        _ => name.starts_with("rust:") && tag.starts_with(|first: char| first.is_ascii_digit()),
    }
}

/// A name goes to rustup as an argument, and must not be taken for an option.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(fits)
}

fn elsewhere(file: &SourceFile) -> Diagnostic {
    Diagnostic::error(
        Code::InvalidValue,
        format!("`path` of `{}` is a toolchain of one machine, and no step has it", file.name()),
    )
    .help("choose a `channel`, or name an image that has this toolchain as `toolchain` under `[workspace.metadata.longshore]`")
}

fn ignored(file: &SourceFile, what: &str, settings: &ImageName) -> Diagnostic {
    let name = settings.reference.familiar();
    Diagnostic::warning(
        Code::IgnoredSetting,
        format!("`{what}` of `{}` has no effect, `{name}` compiles", file.name()),
    )
    .help("write the same in both, or leave one out")
}

#[cfg(test)]
mod tests;
