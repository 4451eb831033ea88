//! `rust-toolchain.toml`: which toolchain the workspace wants (the rustup book, "The toolchain file").

use buildkit_llb::{ImageRef, SourceFile, Span};
use serde::Deserialize;

use super::{Builder, ImageName};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};

/// Names that the file can have, the one that rustup prefers first.
pub const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// What every image with cargo and rustc has, or what compiles nothing.
const USUAL_COMPONENTS: [&str; 7] =
    ["cargo", "clippy", "rust-analyzer", "rust-docs", "rust-std", "rustc", "rustfmt"];

#[derive(Deserialize)]
struct RawFile {
    toolchain: RawToolchain,
}

#[derive(Deserialize)]
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
    /// What the file asks for and does not get.
    pub warnings: Vec<Diagnostic>,
}

/// Reads the file. `settings` and `builder` are what the user says of the toolchain besides.
///
/// # Errors
/// It is no toolchain file.
pub fn chosen(file: &SourceFile, settings: &ImageName, builder: &Builder) -> Result<Chosen, Diagnostics> {
    let text = String::from_utf8_lossy(file.text());
    let mut warnings = Vec::new();
    // The old form is the channel alone, in one line.
    if !text.contains('[') {
        let start = text.len() - text.trim_start().len();
        let channel = text.trim();
        let span = file.span(start..start + channel.len());
        let image = of_channel(file, channel, &span, settings, &mut warnings);
        return Ok(Chosen { image, warnings });
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
    if let Some(path) = &raw.toolchain.path {
        warnings.push(ignored(file, "path", settings).at(&file.span(path.span())));
    }
    let image = raw.toolchain.channel.as_ref().and_then(|channel| {
        of_channel(file, channel.get_ref(), &file.span(channel.span()), settings, &mut warnings)
    });
    let prepared = |line: &str| builder.setup.iter().any(|own| own.contains(line));
    for component in
        raw.toolchain.components.iter().filter(|name| !USUAL_COMPONENTS.contains(&name.get_ref().as_str()))
    {
        let name = component.get_ref();
        if !prepared(name) {
            warnings.push(missing(file, "component", name).at(&file.span(component.span())));
        }
    }
    for target in &raw.toolchain.targets {
        let name = target.get_ref();
        if !prepared(name) && !name.ends_with("-unknown-linux-gnu") {
            warnings.push(missing(file, "target", name).at(&file.span(target.span())));
        }
    }
    Ok(Chosen { image, warnings })
}

/// Official images have releases: `rust:1.85-bookworm`, `rust:1.85.1-bookworm`.
fn of_channel(
    file: &SourceFile,
    channel: &str,
    span: &Span,
    settings: &ImageName,
    warnings: &mut Vec<Diagnostic>,
) -> Option<ImageName> {
    let is_release = channel.split('.').count() >= 2
        && channel.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if settings.span.is_some() {
        let tag = settings.reference.familiar();
        let fits = |version: &str| tag.rsplit(':').next().is_some_and(|tag| tag.starts_with(version));
        let majors: Vec<&str> = channel.splitn(3, '.').take(2).collect();
        if is_release && !fits(&majors.join(".")) {
            warnings.push(ignored(file, channel, settings).at(span));
        }
        return None;
    }
    match ImageRef::parse(&format!("rust:{channel}-bookworm")) {
        Ok(reference) if is_release => Some(ImageName { reference, span: Some(span.clone()) }),
        // Any release is a stable one.
        _ if channel == "stable" => None,
        _ => {
            warnings.push(ignored(file, channel, settings).at(span));
            None
        }
    }
}

fn ignored(file: &SourceFile, what: &str, settings: &ImageName) -> Diagnostic {
    let name = settings.reference.familiar();
    let help = match settings.span {
        Some(_) => "write the same in both, or leave one out",
        None => "official images have releases only: name an image that has it as `toolchain`",
    };
    Diagnostic::warning(
        Code::IgnoredSetting,
        format!("`{what}` of `{}` has no effect, `{name}` compiles", file.name()),
    )
    .help(help)
}

fn missing(file: &SourceFile, kind: &str, name: &str) -> Diagnostic {
    Diagnostic::warning(
        Code::IgnoredSetting,
        format!("the {kind} `{name}` of `{}` is there only if the toolchain image has it", file.name()),
    )
    .help(format!("where the image has rustup, `builder.setup = [\"rustup {kind} add {name}\"]` adds it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Given};

    fn read(text: &str, settings: &str) -> (Option<String>, Vec<String>) {
        let manifest = format!("[workspace.metadata.longshore]\n{settings}\n");
        let manifest = SourceFile::new("Cargo.toml", "TOML", manifest.as_bytes());
        let config = Config::from_workspace_manifest(&manifest, &Given::new()).unwrap();
        let file = SourceFile::new("rust-toolchain.toml", "TOML", text.as_bytes());
        let chosen = chosen(&file, &config.toolchain, &config.builder).unwrap();
        let warnings = chosen.warnings.iter();
        let warnings = warnings.map(|warning| {
            format!("{}: {}", warning.primary().unwrap(), warning.to_string().lines().next().unwrap())
        });
        (chosen.image.map(|image| image.reference.familiar()), warnings.collect())
    }

    #[test]
    fn a_release_is_an_official_image() {
        for (text, image) in [
            ("[toolchain]\nchannel = \"1.85\"\n", "rust:1.85-bookworm"),
            ("[toolchain]\nchannel = \"1.90.0\"\ncomponents = [\"rustfmt\"]\n", "rust:1.90.0-bookworm"),
            ("1.88.0\n", "rust:1.88.0-bookworm"),
        ] {
            assert_eq!(read(text, ""), (Some(image.to_owned()), Vec::new()), "{text}");
        }
        assert_eq!(read("[toolchain]\nchannel = \"stable\"\n", ""), (None, Vec::new()));
    }

    #[test]
    fn what_no_image_has_is_told_where_it_stands() {
        let nightly =
            "`nightly-2026-01-01` of `rust-toolchain.toml` has no effect, `rust:1.95-bookworm` compiles";
        assert_eq!(
            read("[toolchain]\nchannel = \"nightly-2026-01-01\"\n", ""),
            (None, vec![format!("rust-toolchain.toml:2: {nightly}")])
        );
        let source = "[toolchain]\ncomponents = [\"rust-src\"]\ntargets = [\"wasm32-wasip1\", \"x86_64-unknown-linux-gnu\"]\n";
        let found = read(source, "").1;
        assert_eq!(found.len(), 2, "{found:?}");
        let lines = "builder.setup = [\"rustup component add rust-src && rustup target add wasm32-wasip1\"]";
        assert_eq!(read(source, lines).1, [""; 0]);
    }

    #[test]
    fn settings_go_before_it_and_contradictions_are_told() {
        let text = "[toolchain]\nchannel = \"1.85.1\"\n";
        assert_eq!(read(text, "toolchain = \"rust:1.85-alpine\""), (None, Vec::new()));
        let (image, warnings) = read(text, "toolchain = \"rust:1.95-bookworm\"");
        assert_eq!((image, warnings.len()), (None, 1));
    }

    #[test]
    fn what_is_no_toolchain_file_is_refused() {
        let file = SourceFile::new("rust-toolchain.toml", "TOML", &b"[toolchain\nchannel = 1"[..]);
        assert!(chosen(&file, &Config::default().toolchain, &Builder::default()).is_err());
    }
}
