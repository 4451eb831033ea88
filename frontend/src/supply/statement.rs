//! Our own predicate: which sources, which tools and which settings made this image, in one document.

use serde_json::{Value, json};

use super::{Facts, ImageFact, published};
use crate::{request::redacted, units::Origin};

/// The predicate: the same bytes for the same build.
pub fn statement(facts: &Facts<'_>) -> Vec<u8> {
    let planned = facts.planned;
    let recording = &planned.workspace.recording;
    let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let packages: Vec<Value> = facts
        .packages()
        .into_iter()
        .map(|(package, linked)| {
            let package = facts.graph().package(package);
            let mut value = json!({ "name": package.name, "version": package.version, "linked": linked });
            match &package.origin {
                Origin::Member { directory } => value["member"] = directory.as_str().into(),
                Origin::Locked { .. } => {
                    let locked = facts.locked(package);
                    value["sha256"] = locked.map(|locked| locked.checksum.as_str()).into();
                    if let Some(registry) =
                        locked.map(|locked| &locked.registry).filter(|it| !it.is_crates_io())
                    {
                        value["registry"] = redacted(registry.address()).into();
                    }
                }
                Origin::Git { repository, .. } => {
                    value["git"] = json!({ "url": redacted(&repository.url), "commit": repository.commit });
                }
            }
            value
        })
        .collect();
    let assets: Vec<Value> = facts
        .assets
        .iter()
        .map(|asset| json!({ "url": published(asset.url.as_str()), "sha256": asset.sha256.hex(), "path": asset.to }))
        .collect();
    let document = json!({
        "target": facts.name,
        "platform": planned.platform.to_string(),
        "lockFile": { "sha256": facts.lock_digest.hex() },
        "toolchain": {
            "image": image(facts.toolchain),
            "rustc": first_line(&recording.rustc),
            "cargo": first_line(&recording.cargo),
        },
        "cargo": {
            "target": planned.selection.target,
            "profile": planned.selection.profile,
            "features": planned.selection.features,
            "noDefaultFeatures": planned.selection.no_default_features,
            "allFeatures": planned.selection.all_features,
            "rustflags": planned.selection.rustflags,
        },
        "base": facts.base.map(image),
        "assets": assets,
        "packages": packages,
        "revision": { "source": facts.source, "commit": facts.commit },
        "builder": { "name": "longshore", "version": env!("CARGO_PKG_VERSION") },
    });
    serde_json::to_vec_pretty(&document).expect("a JSON value can be written")
}

fn image(image: &ImageFact) -> Value {
    json!({ "name": image.name, "digest": image.digest.as_ref().map(ToString::to_string) })
}
