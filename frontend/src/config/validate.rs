//! From what the user wrote to what a build can use: values are checked, defaults filled in.
//!
//! Every check reports and goes on, so that one build shows all mistakes.

use std::collections::BTreeMap;

use buildkit_llb::{ImageRef, Platform, Span};

use super::accelerator::{accelerators, of_package};
use super::args::Args;
use super::builder::builder;
use super::contents;
use super::crates::crates;
use super::raw::{Port, RawImage, RawImageTable, RawPackage, RawWorkspace, Spanned};
use super::{
    Base, BinName, Config, ExposedPort, ImageName, ImageOverrides, ImageSettings, ImageTable, Input,
    PackageConfig, Protocol,
};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};

/// The settings of a workspace, with its mistakes added to `gathered`.
pub(super) fn workspace(raw: RawWorkspace, args: Args, gathered: &mut Vec<Diagnostic>) -> Config {
    let default = Config::default();
    Config {
        args,
        accelerators: accelerators(raw.accelerators, gathered),
        images: images(raw.images, gathered),
        platforms: raw
            .platforms
            .into_iter()
            .filter_map(|name| valid("platforms", name, |name| platform(&name.value), gathered))
            .collect(),
        tags: raw
            .tags
            .into_iter()
            .filter_map(|tag| valid("tags", tag, |tag| self::tag(&tag.value), gathered))
            .collect(),
        toolchain: raw
            .toolchain
            .and_then(|name| valid("toolchain", name, toolchain_name, gathered))
            .unwrap_or(default.toolchain),
        profile: raw
            .profile
            .and_then(|name| valid("profile", name, |name| profile(&name.value), gathered))
            .unwrap_or(default.profile),
        features: raw
            .features
            .into_iter()
            .filter_map(|name| valid("features", name, |name| feature(&name.value), gathered))
            .collect(),
        builder: builder(raw.builder, gathered),
        crates: crates(raw.crates, gathered),
        no_default_features: raw.no_default_features,
        all_features: raw.all_features,
        bundle: raw.bundle,
        target: raw
            .target
            .into_iter()
            .filter_map(|name| {
                let span = name.span.clone();
                Some((valid("target", name, |name| triple(&name.value), gathered)?, span))
            })
            .collect(),
        image: ImageSettings::default().with(&image(raw.image, gathered)),
    }
}

/// The settings of a package, with its mistakes added to `gathered`.
pub(super) fn package(raw: RawPackage, args: Option<&Args>, gathered: &mut Vec<Diagnostic>) -> PackageConfig {
    let mut inputs: Vec<Input> = raw
        .inputs
        .into_iter()
        .filter_map(|path| {
            let span = path.span.clone();
            let pattern = valid("inputs", path, |path| input(&path.value), gathered)?;
            Some(Input { pattern, span })
        })
        .collect();
    // Sorted, so that the order in which the user wrote them is not part of any digest.
    inputs.sort_by(|a, b| a.pattern.cmp(&b.pattern));
    inputs.dedup_by(|a, b| a.pattern == b.pattern);
    let named: Vec<(String, Span)> = raw.args.into_iter().map(|name| (name.value, name.span)).collect();
    for (name, span) in &named {
        if args.is_some_and(|args| args.get(name).is_none()) {
            let unknown = Diagnostic::error(
                Code::UnknownArgument,
                format!("`{name}` is no build argument of this workspace"),
            );
            let names = args.into_iter().flat_map(Args::iter).map(|(name, _)| name);
            gathered.push(
                match did_you_mean(name, names) {
                    Some(close) => unknown.help(format!("did you mean `{close}`?")),
                    None => unknown.help(format!(
                        "declare it: `args.{name} = \"…\"` under `[workspace.metadata.longshore]`"
                    )),
                }
                .at(span),
            );
        }
    }
    let mut args: Vec<String> = named.into_iter().map(|(name, _)| name).collect();
    args.sort();
    args.dedup();
    PackageConfig {
        inputs,
        args,
        secrets: contents::secrets(raw.secrets, gathered),
        accelerators: placed(raw.accelerators),
        accelerator: of_package(raw.accelerator, gathered),
        device: placed(raw.device),
        device_crates: placed(raw.device_crates),
        image: image(raw.image, gathered),
    }
}

fn placed(names: Vec<Spanned<String>>) -> Vec<(String, Span)> {
    names.into_iter().map(|name| (name.value, name.span)).collect()
}

/// Images of the user's own making.
fn images(
    raw: Vec<(Spanned<String>, RawImageTable)>,
    gathered: &mut Vec<Diagnostic>,
) -> BTreeMap<String, ImageTable> {
    let mut found = BTreeMap::new();
    for (name, raw) in raw {
        let span = name.span.clone();
        let table = ImageTable {
            bins: raw.bins.into_iter().map(|bin| BinName { value: bin.value, span: bin.span }).collect(),
            image: image(raw.image, gathered),
            span: Some(span),
        };
        if let Some(name) = valid("images", name, |name| target(&name.value), gathered) {
            found.insert(name, table);
        }
    }
    found
}

fn target(name: &str) -> Result<String, Wrong> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !starts || !name.bytes().all(fits) {
        return Err(Wrong::new(format!("has `{name}`, a name has letters, digits, `.`, `_` and `-`")));
    }
    Ok(name.to_owned())
}

fn platform(written: &str) -> Result<String, Wrong> {
    Platform::parse(written)
        .map(|platform| platform.to_string())
        .map_err(|error| Wrong::new(format!("has `{written}`: {error}")))
}

fn tag(written: &str) -> Result<String, Wrong> {
    match ImageRef::parse(&written.replace("{target}", "target")) {
        Ok(_) => Ok(written.to_owned()),
        Err(_) => Err(Wrong::new(format!("has `{written}`, which is not the name of an image"))
            .help("write `\"registry.example.com/shop/{target}:latest\"`")),
    }
}

pub(super) fn image(raw: RawImage, gathered: &mut Vec<Diagnostic>) -> ImageOverrides {
    ImageOverrides {
        base: raw.base.and_then(|name| valid("base", name, base, gathered)),
        user: raw.user.and_then(|name| valid("user", name, |name| user(&name.value), gathered)),
        workdir: raw
            .workdir
            .and_then(|path| valid("workdir", path, |path| absolute("workdir", &path.value), gathered)),
        env: pairs("env", raw.env, env_name, gathered),
        labels: pairs("labels", raw.labels, label_name, gathered),
        expose: raw.expose.map(|ports| {
            let mut ports: Vec<_> = ports
                .value
                .into_iter()
                .filter_map(|written| valid("expose", written, |written| port(&written.value), gathered))
                .collect();
            ports.sort();
            ports.dedup();
            ports
        }),
        entrypoint: raw
            .entrypoint
            .and_then(|words| valid("entrypoint", words, not_empty, gathered))
            .map(|words| command("entrypoint", words, gathered)),
        cmd: raw.cmd.map(|words| command("cmd", words.value, gathered)),
        volumes: raw.volumes.map(|paths| {
            let check = |path: Spanned<String>| {
                valid("volumes", path, |path| absolute("volumes", &path.value), gathered)
            };
            paths.value.into_iter().filter_map(check).collect()
        }),
        smoke: raw.smoke.map(|list| list.value.into_iter().map(|word| word.value).collect()),
        stop_signal: raw
            .stop_signal
            .and_then(|name| valid("stop-signal", name, |name| contents::signal(&name.value), gathered)),
        healthcheck: raw.healthcheck.and_then(|raw| contents::healthcheck(raw, gathered)),
        files: contents::files(raw.files, gathered),
        assets: contents::assets(raw.assets, gathered),
        certificates: raw.certificates,
        libraries: raw
            .libraries
            .and_then(|name| valid("libraries", name, |name| contents::libraries(&name.value), gathered)),
        stamp: raw.stamp,
    }
}

/// What is wrong with a value: the rest of a sentence that begins with its key, and what to write instead.
pub(super) struct Wrong {
    message: String,
    pub(super) help: Option<String>,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// The checked value, or nothing and a diagnostic.
pub(super) fn valid<T, U>(
    key: &str,
    written: Spanned<T>,
    check: impl FnOnce(&Spanned<T>) -> Result<U, Wrong>,
    gathered: &mut Vec<Diagnostic>,
) -> Option<U> {
    check(&written)
        .map_err(|wrong| {
            let mut diagnostic = Diagnostic::error(Code::InvalidValue, format!("`{key}` {}", wrong.message));
            diagnostic.help = wrong.help;
            gathered.push(diagnostic.at(&written.span));
        })
        .ok()
}

pub(super) fn toolchain_name(written: &Spanned<String>) -> Result<ImageName, Wrong> {
    match base(written)? {
        Base::Image(name) => Ok(name),
        _ => Err(Wrong::new("is `scratch`, which has no compiler")),
    }
}

fn base(written: &Spanned<String>) -> Result<Base, Wrong> {
    let name = &written.value;
    if name == "scratch" {
        return Ok(Base::Scratch);
    }
    if name.is_empty() {
        return Err(Wrong::new("is empty, expected the name of an image"));
    }
    let wrong = Wrong::new(format!("is `{name}`, which is not the name of an image"));
    match ImageRef::parse(name) {
        Ok(reference) => Ok(Base::Image(ImageName { reference, span: Some(written.span.clone()) })),
        Err(_) if ImageRef::parse(&name.to_lowercase()).is_ok() => {
            Err(wrong.help(format!("names of images are lower case: write `{}`", name.to_lowercase())))
        }
        Err(_) => Err(wrong),
    }
}

fn profile(name: &str) -> Result<String, Wrong> {
    if name == "debug" {
        return Err(Wrong::new("is `debug`, a name that cargo reserves").help("write `profile = \"dev\"`"));
    }
    // cargo's own rule (validate_profile_name); whether the profile exists is cargo's to say.
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        return Err(Wrong::new(format!("is `{name}`, a profile's name has letters, digits, `_` and `-`")));
    }
    Ok(name.to_owned())
}

pub(super) fn feature(name: &str) -> Result<String, Wrong> {
    if name.contains([',', ' ']) {
        let list: Vec<_> = name.split([',', ' ']).filter(|part| !part.is_empty()).collect();
        return Err(Wrong::new(format!("has `{name}`, which is several features in one string"))
            .help(format!("write `\"{}\"`", list.join("\", \""))));
    }
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Wrong::new(format!("has `{name}`, which is not the name of a feature")));
    }
    Ok(name.to_owned())
}

/// A triple is one that rustc has built in: what else it is called cannot be known to run on a platform.
pub(super) fn triple(name: &str) -> Result<String, Wrong> {
    let known = cfg_expr::targets::ALL_BUILTINS.iter().map(|target| target.triple.as_str());
    if known.clone().any(|triple| triple == name) {
        return Ok(name.to_owned());
    }
    let wrong = Wrong::new(format!("has `{name}`, which is no target triple of rustc's"));
    Err(match did_you_mean(name, known) {
        Some(near) => wrong.help(format!("did you mean `{near}`?")),
        None => wrong.help("`rustc --print target-list` has them all".to_owned()),
    })
}

pub(super) fn user(written: &str) -> Result<String, Wrong> {
    const EXPECTED: &str = "expected `user` or `user:group`";
    let parts: Vec<&str> = written.split(':').collect();
    if parts.len() > 2 {
        let count = if parts.len() == 3 { "three".to_owned() } else { parts.len().to_string() };
        return Err(Wrong::new(format!("has {count} parts, {EXPECTED}"))
            .help(format!("write `user = \"{}:{}\"`", parts[0], parts[1])));
    }
    if parts.iter().any(|part| part.is_empty()) {
        return Err(Wrong::new(format!("is `{written}`, {EXPECTED}")));
    }
    if parts.iter().any(|part| part.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/')) {
        return Err(Wrong::new(format!("is `{written}`, a user or group is a name or a number")));
    }
    Ok(written.to_owned())
}

/// A path in an image.
pub(super) fn absolute(key: &str, path: &str) -> Result<String, Wrong> {
    let word = if key == "volumes" { "has" } else { "is" };
    if !path.starts_with('/') {
        let written = format!("/{}", path.trim_start_matches("./"));
        let help = if key == "volumes" {
            format!("write `\"{written}\"`")
        } else {
            format!("write `{key} = \"{written}\"`")
        };
        return Err(Wrong::new(format!("{word} `{path}`, expected an absolute path")).help(help));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(Wrong::new(format!("{word} `{path}`, which has `..` in it")));
    }
    no_nul(path)?;
    Ok(path.to_owned())
}

pub(super) fn pairs(
    key: &str,
    written: Vec<(Spanned<String>, Spanned<String>)>,
    check_name: impl Fn(&str) -> Result<(), Wrong>,
    gathered: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for (name, value) in written {
        let full = format!("{key}.{}", name.value);
        let name = valid(key, name, |name| check_name(&name.value).map(|()| name.value.clone()), gathered);
        let value = valid(&full, value, |value| no_nul(&value.value).map(|()| value.value.clone()), gathered);
        if let (Some(name), Some(value)) = (name, value) {
            map.insert(name, value);
        }
    }
    map
}

pub(super) fn env_name(name: &str) -> Result<(), Wrong> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(Wrong::new(format!("sets `{}`, which cannot name a variable", name.escape_debug())));
    }
    Ok(())
}

fn label_name(name: &str) -> Result<(), Wrong> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Wrong::new(format!("sets `{}`, which cannot name a label", name.escape_debug())));
    }
    Ok(())
}

fn port(written: &Port) -> Result<ExposedPort, Wrong> {
    let wrong = |written: &str| {
        Wrong::new(format!("has `{written}`, expected a port from 1 to 65535, like `8080` or `\"53/udp\"`"))
    };
    let number =
        |number: Option<u16>, written: &str| number.filter(|n| *n != 0).ok_or_else(|| wrong(written));
    match written {
        Port::Number(value) => {
            let port = number(u16::try_from(*value).ok(), &value.to_string())?;
            Ok(ExposedPort { port, protocol: Protocol::Tcp })
        }
        Port::Text(text) => {
            let (digits, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
            let protocol = match protocol.to_ascii_lowercase().as_str() {
                "tcp" => Protocol::Tcp,
                "udp" => Protocol::Udp,
                "sctp" => Protocol::Sctp,
                _ => {
                    return Err(Wrong::new(format!("has `{text}`, a protocol is `tcp`, `udp` or `sctp`")));
                }
            };
            // `parse` would take a sign.
            let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
            let port = number(digits.parse().ok().filter(|_| all_digits), text)?;
            Ok(ExposedPort { port, protocol })
        }
    }
}

fn not_empty(words: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<Spanned<String>>, Wrong> {
    if words.value.is_empty() {
        return Err(Wrong::new("is empty, nothing could start the image")
            .help("leave `entrypoint` out to start the package's binary"));
    }
    Ok(words.value.clone())
}

pub(super) fn command(key: &str, words: Vec<Spanned<String>>, gathered: &mut Vec<Diagnostic>) -> Vec<String> {
    words
        .into_iter()
        .filter_map(|word| {
            valid(key, word, |word| no_nul(&word.value).map(|()| word.value.clone()), gathered)
        })
        .collect()
}

/// Neither arguments nor variables can hold a NUL on Linux.
pub(super) fn no_nul(text: &str) -> Result<(), Wrong> {
    if text.contains('\0') { Err(Wrong::new("has a NUL character in it")) } else { Ok(()) }
}

pub(super) fn input(written: &str) -> Result<String, Wrong> {
    const ROOT: &str = "paths are relative to the root of the build context";
    if written.starts_with('/') {
        return Err(Wrong::new(format!("has the absolute path `{written}`, {ROOT}"))
            .help(format!("write `\"{}\"`", written.trim_start_matches('/'))));
    }
    if written.contains('\\') {
        return Err(Wrong::new(format!("has `{written}`, paths are written with `/`"))
            .help(format!("write `\"{}\"`", written.replace('\\', "/"))));
    }
    no_nul(written)?;
    let mut parts = Vec::new();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            // Also where it would come back in: what a glob before it matches is not known.
            ".." => {
                return Err(Wrong::new(format!("has `{written}`, which has `..` in it, {ROOT}"))
                    .help("files outside the build context cannot be used; name a path without `..`"));
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        return Err(Wrong::new(format!("has `{written}`, which names no file"))
            .help("write `\"**\"` to depend on every file of the workspace"));
    }
    Ok(parts.join("/"))
}
