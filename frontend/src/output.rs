//! What goes back to BuildKit: the filesystem, the image configuration, the platform.

use std::collections::BTreeMap;

use buildkit_llb::Platform;
use serde_json::json;

use crate::{
    config,
    gateway::{BuildResult, Reference, References},
    image::ImageSettings,
    plan::BinTarget,
    request::Request,
    units::Package,
};

/// The settings of a target's image: its package's manifest, under the user's settings, under the client's labels.
pub fn image_settings(
    settings: &config::ImageSettings,
    package: &Package,
    target: &BinTarget,
    path: &str,
    client_labels: &BTreeMap<String, String>,
) -> ImageSettings {
    let mut labels = manifest_labels(package, target);
    labels.extend(settings.labels.clone());
    labels.extend(client_labels.clone());
    ImageSettings {
        entrypoint: settings.entrypoint.clone().unwrap_or_else(|| vec![path.to_owned()]),
        cmd: settings.cmd.clone(),
        env: settings.env.clone(),
        user: settings.user.clone(),
        workdir: settings.workdir.clone(),
        expose: settings.expose.iter().map(ToString::to_string).collect(),
        labels,
    }
}

/// The OCI image specification's annotations that a manifest can fill.
fn manifest_labels(package: &Package, target: &BinTarget) -> BTreeMap<String, String> {
    let authors = (!package.authors.is_empty()).then(|| package.authors.join(", "));
    [
        ("title", Some(target.bin.clone())),
        ("version", Some(package.version.clone())),
        ("description", package.description.as_deref().map(|text| text.trim().to_owned())),
        ("licenses", package.license.clone()),
        ("source", package.repository.clone()),
        ("authors", authors),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((format!("org.opencontainers.image.{name}"), value?)))
    .collect()
}

/// The result of a build for one platform.
pub fn result(
    request: &Request,
    platform: &Platform,
    reference: Reference,
    image_config: Vec<u8>,
    base_config: Vec<u8>,
) -> BuildResult {
    let id = platform.to_string();
    let mut metadata = BTreeMap::new();
    // Keys carry the platform only when the result has one filesystem for each (exporter/containerimage/exptypes).
    let suffix = if request.multi_platform { format!("/{id}") } else { String::new() };
    metadata.insert(format!("containerimage.config{suffix}"), image_config);
    if !base_config.is_empty() {
        metadata.insert(format!("containerimage.base.config{suffix}"), base_config);
    }
    if let Some(epoch) = request.source_date_epoch {
        metadata.insert(format!("source.date.epoch{suffix}"), epoch.to_string().into_bytes());
    }
    let platforms = json!({"Platforms": [{"ID": id, "Platform": {
        "architecture": platform.architecture(), "os": platform.os(),
    }}]});
    metadata.insert("refs.platforms".to_owned(), platforms.to_string().into_bytes());
    let references = if request.multi_platform {
        References::Platforms([(id, reference)].into())
    } else {
        References::Single(reference)
    };
    BuildResult { references, metadata, ..BuildResult::default() }
}

#[cfg(test)]
mod tests;
