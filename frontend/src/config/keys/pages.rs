//! The reference and the JSON Schema, made of the table.

use serde_json::{Map, Value, json};

use super::Place::{Image, Package, Workspace};
use super::{ACCELERATOR, ALL, BUILD, BUILDER, CRATE, DEVICE, KEYS, Key, Place, Shape, keys_of};
use crate::accelerator::PRESETS;
use crate::diagnostic::Code;

/// The reference, in Markdown.
pub fn reference() -> String {
    let mut text = "# Settings\n\n\
        All are optional. They stand in the workspace's manifest, in the manifests of packages, or in a `longshore.toml` that is\n\
        the entry file of the build (`docker buildx build -f longshore.toml .`). Wherever an image is described, a package goes\n\
        before its workspace, and an entry of `images` before both; `env`, `labels`, `files` and `assets` add up.\n\n\
        This page is made from the code (`frontend/src/config/keys.rs`); [longshore.schema.json](longshore.schema.json) says the\n\
        same to editors: `#:schema …/longshore.schema.json` in the first line after the syntax line of a `longshore.toml`.\n"
        .to_owned();
    let places = [
        (Workspace, "Of the workspace", "`[workspace.metadata.longshore]`, or the top of `longshore.toml`."),
        (
            Package,
            "Of one package",
            "`[package.metadata.longshore]`, or `[packages.NAME]` in `longshore.toml`.",
        ),
        (
            Image,
            "Of an image of your own",
            "`[workspace.metadata.longshore.images.NAME]`, or `[images.NAME]` in `longshore.toml`.",
        ),
    ];
    for (place, title, line) in places {
        text += &format!("\n## {title}\n\n{line}\n\n| key | default | meaning |\n|---|---|---|\n");
        for key in keys_of(place) {
            text += &format!("| `{}` | {} | {} |\n", key.name, key.default, key.meaning);
        }
    }
    text += "\n## Of the builder\n\n`[workspace.metadata.longshore.builder]`, or `[builder]` in `longshore.toml`. What is installed is part of no key but the\n\
        image's name and these settings: a step that has run is reused, also when the archives have newer versions.\n\
        `--no-cache-filter builder` runs it again for one build, and the next build without that finds what was there before; to have\n\
        newer packages from now on and on every machine, write a version after the name, or change a variable of `env`, such as a date.\n\n| key | default | meaning |\n|---|---|---|\n";
    for key in BUILDER {
        text += &format!("| `{}` | {} | {} |\n", key.name, key.default, key.meaning);
    }
    text += TOOLCHAIN_FILE;
    text += "\n## Of a crate\n\n`[workspace.metadata.longshore.crates.NAME]`, or `[crates.NAME]` in `longshore.toml`: for packages that have no manifest of\n\
        yours, and for members too.\n\n| key | default | meaning |\n|---|---|---|\n";
    for key in CRATE {
        text += &format!("| `{}` | {} | {} |\n", key.name, key.default, key.meaning);
    }
    text += "\n## Of an accelerator\n\n`[workspace.metadata.longshore.accelerator.NAME]`, or `[accelerator.NAME]` in `longshore.toml`.\n\n\
        | key | default | meaning |\n|---|---|---|\n";
    for (before, keys) in [("", ACCELERATOR), ("build.", BUILD), ("device.", DEVICE)] {
        for key in keys {
            text += &format!("| `{before}{}` | {} | {} |\n", key.name, key.default, key.meaning);
        }
    }
    text += "\nPresets:\n\n| preset | for | architectures | toolkit | put on |\n|---|---|---|---|---|\n";
    for preset in PRESETS {
        let image = |name: Option<&str>| name.map_or_else(|| "–".to_owned(), |name| format!("`{name}`"));
        let archs: Vec<String> = preset.archs.iter().map(|arch| format!("`{arch}`")).collect();
        let archs = if archs.is_empty() { "–".to_owned() } else { archs.join(" ") };
        let (toolkit, runtime) = (image(preset.image), image(preset.runtime));
        text += &format!("| `{}` | {} | {archs} | {toolkit} | {runtime} |\n", preset.name, preset.about);
    }
    text += "\n## Examples\n\nEach key once; no workspace has them all.\n\n```toml\n[workspace.metadata.longshore]\n";
    for key in keys_of(Workspace) {
        text += &format!("{}\n", key.example);
    }
    text += "```\n\n```toml\n[package.metadata.longshore]\n";
    for key in keys_of(Package)
        .filter(|key| !key.places.contains(&Workspace) || ["args", "accelerator"].contains(&key.name))
    {
        text += &format!("{}\n", key.example);
    }
    text += "```\n\n## What `--call=check` looks for\n\n\
        Besides everything that would stop a build, and settings that have no effect:\n\n| rule | |\n|---|---|\n";
    for rule in RULES {
        text += &format!("| `{}` | {} |\n", rule.name(), rule.description());
    }
    text
}

/// What comes of `rust-toolchain.toml` (`config/channel.rs`).
const TOOLCHAIN_FILE: &str = r#"
## The toolchain file

`rust-toolchain.toml`, or `rust-toolchain` with one line or the same tables: the nearest, beside the workspace's manifest or
above.

| in the file | what comes of it |
|---|---|
| `channel = "1.95"`, `"1.95.1"` | the image `rust:1.95-bookworm`, `rust:1.95.1-bookworm` |
| `channel = "stable"`, or none | the default image: any release is a stable one |
| `channel = "nightly-2026-01-05"`, `"beta-2026-01-05"`, `"1.92.0-beta.3"` | rustup of the default image installs it, in a step of its own that has a network; all steps after that have `RUSTUP_TOOLCHAIN` |
| `channel = "nightly"`, `"beta"` | the same, with a warning: it is another toolchain tomorrow. A step that has run is reused (`--no-cache-filter builder` runs it again); which toolchain it was is part of every key |
| `components` | added in that step, as is `rustfmt`, which build scripts run. Not those that no build runs (`clippy`, `miri`, `rust-analyzer`, `rust-docs`, …), or that every toolchain has |
| `targets` | their standard libraries are added in that step, but for systems that no image is for (macOS, Windows, Android, BSD). Linkers are packages: `builder.packages = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"]` |
| `profile` | always `minimal` |
| `path`, a toolchain of your own | an error: no step has it |

The step comes after `builder.packages` and before `builder.setup`. What the image has is not installed again, and what a
line of `builder.setup` names is left to it. `builder.env = { RUSTUP_DIST_SERVER = "…" }` names a mirror.

With `toolchain`, that image's own toolchain compiles, whatever the file's `channel` is; `components` and `targets` are added
to it. An image without rustup has to have the channel that the file asks for, or the build ends with an error; components
and targets that it does not have are told of in a warning.
"#;

/// Rules that are about taste and not about mistakes.
const RULES: [Code; 7] = [
    Code::DebugProfile,
    Code::FloatingTag,
    Code::LargeCache,
    Code::PrivilegedPort,
    Code::RootUser,
    Code::SecretInEnv,
    Code::ShellOnScratch,
];

/// A JSON Schema (draft 2020-12) for `longshore.toml`, with the two metadata tables among its definitions.
pub fn schema() -> Value {
    let mut workspace = table(Workspace);
    workspace["properties"]["packages"] = json!({
        "type": "object",
        "description": "Settings of packages, by name.",
        "additionalProperties": { "$ref": "#/$defs/package" },
    });
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "longshore.toml",
        "$defs": {
            "workspace": table(Workspace),
            "package": table(Package),
            "image": table(Image),
            "accelerator": object(ACCELERATOR),
            "crate": object(CRATE),
        },
    });
    if let (Some(schema), Some(workspace)) = (schema.as_object_mut(), workspace.as_object()) {
        schema.extend(workspace.clone());
    }
    schema
}

fn table(place: Place) -> Value {
    object(keys_of(place))
}

fn object(keys: impl IntoIterator<Item = &'static Key>) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut value = of(key.shape);
        value["description"] = format!("{} Default: {}.", key.meaning, key.default).into();
        properties.insert(key.name.to_owned(), value);
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn of(shape: Shape) -> Value {
    let text = json!({ "type": "string" });
    match shape {
        Shape::Text => text,
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Texts => json!({ "type": "array", "items": text }),
        Shape::Pairs => json!({ "type": "object", "additionalProperties": text }),
        Shape::Ports => {
            json!({ "type": "array", "items": { "type": ["string", "integer"], "minimum": 1, "maximum": 65535 } })
        }
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::Arguments => json!({
            "type": "object",
            "additionalProperties": { "anyOf": [text, {
                "type": "object",
                "additionalProperties": false,
                "properties": { "default": text, "description": text, "required": { "type": "boolean" } },
            }] },
        }),
        Shape::Check => json!({ "anyOf": [{ "const": false }, {
            "type": "object",
            "additionalProperties": false,
            "required": ["cmd"],
            "properties": {
                "cmd": { "anyOf": [text, { "type": "array", "items": text }] },
                "interval": text, "timeout": text, "start-period": text, "start-interval": text,
                "retries": { "type": "integer", "minimum": 0 },
            },
        }] }),
        Shape::Tables(keys) => {
            let properties: Map<String, Value> =
                keys.iter().map(|(name, shape, _)| ((*name).to_owned(), of(*shape))).collect();
            let required: Vec<&str> = keys.iter().filter(|key| key.2).map(|key| key.0).collect();
            json!({ "type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": required, "properties": properties,
            } })
        }
        Shape::Accelerators => {
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/accelerator" } })
        }
        Shape::Archs => json!({ "type": "object", "additionalProperties": {
            "type": "object", "additionalProperties": false,
            "properties": {
                "features": { "type": "array", "items": text },
                "platforms": { "type": "array", "items": text },
                "env": { "type": "object", "additionalProperties": text },
            },
        } }),
        Shape::Variables => json!({ "type": "object", "additionalProperties": {
            "type": "object", "additionalProperties": false,
            "properties": {
                "env": { "type": "object", "additionalProperties": text },
                "arch-env": { "type": "object", "additionalProperties": text },
            },
        } }),
        Shape::Build => object(BUILD),
        Shape::Builder => object(BUILDER),
        Shape::Crates => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/crate" } }),
        Shape::Device => object(DEVICE),
        Shape::Runtime => object(KEYS.iter().filter(|key| key.places == ALL)),
        Shape::Images => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/image" } }),
    }
}
