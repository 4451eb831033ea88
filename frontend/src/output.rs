//! What goes back to BuildKit: filesystems, image configurations, statements, and what the client prints. Pure.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildkit_llb::Platform;
use buildkit_proto::gateway::Attestations;
use serde_json::{Value, json};

use crate::{
    config,
    gateway::{BuildResult, Reference, References},
    image::ImageSettings,
    plan::ArtifactKind,
    request::Request,
    summary::Summary,
    target::Target,
    units::Package,
};

/// The image of one platform.
#[derive(Debug, Clone)]
pub struct Built {
    /// What it is for.
    pub platform: Platform,
    /// Its filesystem.
    pub reference: Reference,
    /// Its configuration, JSON.
    pub config: Vec<u8>,
    /// That of the image it stands on; empty for scratch.
    pub base_config: Vec<u8>,
    /// What is said about it.
    pub attestations: Option<Attestations>,
}

/// The paths of a target's programs and libraries in its image.
pub fn paths(target: &Target, bin_dir: &str, lib_dir: &str) -> Vec<String> {
    let directory = |kind| match kind {
        ArtifactKind::Program => bin_dir,
        ArtifactKind::Library => lib_dir,
    };
    target
        .artifacts
        .iter()
        .map(|artifact| format!("{}/{}", directory(artifact.kind), artifact.installed))
        .collect()
}

/// The settings of a target's image: its package's manifest, under the user's settings, under the client's labels.
pub fn image_settings(
    settings: &config::ImageSettings,
    package: Option<&Package>,
    target: &Target,
    paths: &[String],
    revision: &Revision,
    client_labels: &BTreeMap<String, String>,
) -> ImageSettings {
    // A binary's own name, without the package that `--target` may need before it.
    let title = match target.artifacts.as_slice() {
        [only] if !target.is_declared => &only.bin,
        _ => &target.name,
    };
    let mut labels = manifest_labels(package, title);
    labels.extend(revision.labels());
    labels.extend(settings.labels.clone());
    labels.extend(client_labels.clone());
    let programs: Vec<&String> = target
        .artifacts
        .iter()
        .zip(paths)
        .filter(|(artifact, _)| artifact.kind == ArtifactKind::Program)
        .map(|(_, path)| path)
        .collect();
    let entrypoint = settings.entrypoint.clone().unwrap_or_else(|| match programs.as_slice() {
        [only] => vec![(*only).clone()],
        _ => Vec::new(),
    });
    ImageSettings {
        entrypoint,
        cmd: settings.cmd.clone(),
        env: settings.env.clone(),
        user: settings.user.clone(),
        workdir: settings.workdir.clone(),
        expose: settings.expose.iter().map(ToString::to_string).collect(),
        volumes: settings.volumes.clone(),
        stop_signal: settings.stop_signal.clone(),
        healthcheck: settings.healthcheck.as_ref().map(healthcheck),
        labels,
    }
}

/// As Docker's image configuration has it (moby's `HealthConfig`; times in nanoseconds).
fn healthcheck(check: &config::Healthcheck) -> Value {
    let config::Healthcheck::Run { command, interval, timeout, start_period, start_interval, retries } =
        check
    else {
        return json!({ "Test": ["NONE"] });
    };
    let test: Vec<&str> = match command {
        config::HealthCommand::Exec(words) => {
            std::iter::once("CMD").chain(words.iter().map(String::as_str)).collect()
        }
        config::HealthCommand::Shell(line) => vec!["CMD-SHELL", line],
    };
    let mut value = json!({ "Test": test });
    let times = [
        ("Interval", *interval),
        ("Timeout", *timeout),
        ("StartPeriod", *start_period),
        ("StartInterval", *start_interval),
        ("Retries", retries.map(u64::from)),
    ];
    for (name, number) in times {
        if let Some(number) = number {
            value[name] = number.into();
        }
    }
    value
}

/// What the client's repository is at, as buildx tells (buildx's `build/git.go`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// The commit, with `-dirty` when the working tree differs.
    pub commit: Option<String>,
    /// The repository's address.
    pub source: Option<String>,
}

impl Revision {
    /// Reads the client's options.
    pub fn of(request: &Request) -> Revision {
        let option = |name: &str| request.options.get(name).filter(|value| !value.is_empty()).cloned();
        Revision { commit: option("vcs:revision"), source: option("vcs:source") }
    }

    fn labels(&self) -> impl Iterator<Item = (String, String)> {
        let label = |name: &str, value: &Option<String>| {
            value.clone().map(|value| (format!("org.opencontainers.image.{name}"), value))
        };
        [label("revision", &self.commit), label("source", &self.source)].into_iter().flatten()
    }
}

/// The OCI image specification's annotations that a manifest can fill.
fn manifest_labels(package: Option<&Package>, title: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut label = |name: &str, value: Option<String>| {
        labels.extend(value.map(|value| (format!("org.opencontainers.image.{name}"), value)));
    };
    label("title", Some(title.to_owned()));
    if let Some(package) = package {
        label("version", Some(package.version.clone()));
        label("description", package.description.as_deref().map(|text| text.trim().to_owned()));
        label("licenses", package.license.clone());
        label("source", package.repository.clone());
        label("authors", (!package.authors.is_empty()).then(|| package.authors.join(", ")));
    }
    labels
}

/// The result of a build: one filesystem, or one for each platform.
pub fn result(request: &Request, built: Vec<Built>, summary: &Summary) -> BuildResult {
    let mut metadata = BTreeMap::new();
    let mut attestations = BTreeMap::new();
    let mut references = BTreeMap::new();
    let mut platforms = Vec::new();
    for built in built {
        let id = built.platform.to_string();
        // Keys carry the platform only when the result has one filesystem for each (exporter/containerimage/exptypes).
        let suffix = if request.multi_platform { format!("/{id}") } else { String::new() };
        metadata.insert(format!("containerimage.config{suffix}"), built.config);
        if !built.base_config.is_empty() {
            metadata.insert(format!("containerimage.base.config{suffix}"), built.base_config);
        }
        if let Some(epoch) = request.source_date_epoch {
            metadata.insert(format!("source.date.epoch{suffix}"), epoch.to_string().into_bytes());
        }
        attestations.extend(built.attestations.map(|list| (id.clone(), list)));
        platforms.push(json!({ "ID": id, "Platform": go_platform(&built.platform) }));
        references.insert(id, built.reference);
    }
    let platforms = json!({ "Platforms": platforms });
    metadata.insert("refs.platforms".to_owned(), platforms.to_string().into_bytes());
    // What clients print after a build, and what they write for programs (buildx's `commands/build.go`).
    metadata.insert("frontend.result.inlinemessage".to_owned(), summary.message().into_bytes());
    let summary = STANDARD.encode(summary.json().to_string());
    metadata.insert("frontend.longshore.summary".to_owned(), summary.into_bytes());
    let references = if request.multi_platform {
        References::Platforms(references)
    } else {
        References::Single(references.into_values().next().unwrap_or_default())
    };
    BuildResult { references, metadata, attestations }
}

/// As Go writes the OCI image specification's `Platform`.
fn go_platform(platform: &Platform) -> Value {
    let mut fields = serde_json::Map::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            fields.insert(name.to_owned(), value.into());
        }
    };
    field("architecture", platform.architecture());
    field("os", platform.os());
    field("os.version", platform.os_version());
    field("variant", platform.variant());
    fields.into()
}

#[cfg(test)]
mod tests;
