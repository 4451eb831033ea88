//! Every setting in one table, from which the reference and the JSON Schema for editors are made.

use serde_json::{Map, Value, json};

use crate::diagnostic::Code;

/// Tables that a key can stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `[workspace.metadata.longshore]`, the top of a `longshore.toml`.
    Workspace,
    /// `[package.metadata.longshore]`, `[packages.NAME]` of a `longshore.toml`.
    Package,
    /// `[workspace.metadata.longshore.images.NAME]`, `[images.NAME]` of a `longshore.toml`.
    Image,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text,
    /// `true` or `false`.
    Flag,
    /// A list of strings.
    Texts,
    /// A table of strings.
    Pairs,
    /// A list of ports.
    Ports,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Build arguments.
    Arguments,
    /// `false`, or a table that says how.
    Check,
    /// A list of tables with these keys; those that must be there are marked.
    Tables(&'static [(&'static str, Shape, bool)]),
    /// Tables of the image settings, by name.
    Images,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Where it can stand.
    pub places: &'static [Place],
    /// What its value looks like.
    pub shape: Shape,
    /// What a build does without it.
    pub default: &'static str,
    /// What it means, in one or two sentences.
    pub meaning: &'static str,
    /// A line as one writes it.
    pub example: &'static str,
}

use Place::{Image, Package, Workspace};

const W: &[Place] = &[Workspace];
const P: &[Place] = &[Package];
const I: &[Place] = &[Image];
const ALL: &[Place] = &[Workspace, Package, Image];
const PI: &[Place] = &[Package, Image];

const FILE: &[(&str, Shape, bool)] = &[
    ("from", Shape::Text, true),
    ("to", Shape::Text, true),
    ("owner", Shape::Text, false),
    ("mode", Shape::Text, false),
];
const ASSET: &[(&str, Shape, bool)] = &[
    ("url", Shape::Text, true),
    ("sha256", Shape::Text, true),
    ("to", Shape::Text, true),
    ("unpack", Shape::Flag, false),
    ("owner", Shape::Text, false),
    ("mode", Shape::Text, false),
];
const SECRET: &[(&str, Shape, bool)] = &[
    ("id", Shape::Text, true),
    ("env", Shape::Text, false),
    ("file", Shape::Text, false),
    ("required", Shape::Flag, false),
];

macro_rules! keys {
    ($($name:literal $places:ident $shape:expr, $default:literal, $meaning:literal, $example:literal;)*) => {
        /// Every setting, in the order of the reference.
        pub const KEYS: &[Key] = &[$(Key {
            name: $name, places: $places, shape: $shape, default: $default, meaning: $meaning, example: $example,
        }),*];
    };
}

keys! {
    "toolchain" W Shape::Text, "`rust:1.95-bookworm`", "The image that has rustc and cargo. Steps run in it.", "toolchain = \"rust:1.95-bookworm\"";
    "profile" W Shape::Text, "`release`", "cargo's `--profile`. `--build-arg PROFILE=…` goes before it.", "profile = \"dist\"";
    "features" W Shape::Texts, "none", "cargo's `--features`. `--build-arg FEATURES=a,b` adds to them.", "features = [\"server/metrics\"]";
    "no-default-features" W Shape::Flag, "`false`", "cargo's `--no-default-features`.", "no-default-features = true";
    "all-features" W Shape::Flag, "`false`", "cargo's `--all-features`.", "all-features = true";
    "target" W Shape::Texts, "the platform's, with glibc", "Triples to compile for; for each platform the first that runs there.", "target = [\"x86_64-unknown-linux-musl\", \"aarch64-unknown-linux-musl\"]";
    "args" W Shape::Arguments, "none", "Build arguments: a default, or a table with `default`, `description`, `required`. `${NAME}` in any string of the settings stands for the value, `$${` for the characters themselves.", "args = { RELEASE = \"12\", TOKEN = { required = true, description = \"For the registry\" } }";
    "images" W Shape::Images, "none", "Images of your own making, each a target: `bins`, and everything that an image can have.", "images.all = { bins = [\"server\", \"worker\"] }";
    "platforms" W Shape::Texts, "the builder's", "What `--call=bake` builds for.", "platforms = [\"linux/amd64\", \"linux/arm64\"]";
    "tags" W Shape::Texts, "none", "What `--call=bake` tags images with; `{target}` stands for the target's name.", "tags = [\"registry.example.com/shop/{target}:latest\"]";
    "bins" I Shape::Texts, "none", "The binaries in the image: names as for `--target`.", "bins = [\"server\", \"tools:report\"]";
    "inputs" P Shape::Texts, "none", "Files outside the package's directory that it is compiled from, relative to the workspace root. Those that sources name literally are found without.", "inputs = [\"proto/*.proto\"]";
    "secrets" P Shape::Tables(SECRET), "none", "Secrets of the client's (`--secret id=…`) that the package's build script and compiler see, in a variable or a file (`/run/secrets/ID`).", "secrets = [{ id = \"token\", env = \"TOKEN\" }]";
    "base" ALL Shape::Text, "nothing under static programs, `debian:bookworm-slim` under others", "The image under the programs, or `scratch`.", "base = \"registry.example.com/base:12\"";
    "libraries" ALL Shape::OneOf(&["check", "copy", "ignore"]), "`check`", "Shared libraries that programs need and the base does not have: an error, copied from the toolchain image, or nobody looks.", "libraries = \"copy\"";
    "certificates" ALL Shape::Flag, "yes, unless you name a base", "CA certificates of the toolchain image are put in.", "certificates = true";
    "user" ALL Shape::Text, "`65532:65532`", "`user` or `user:group`, names or numbers.", "user = \"app\"";
    "workdir" ALL Shape::Text, "the base's", "The working directory.", "workdir = \"/srv\"";
    "entrypoint" PI Shape::Texts, "the binary", "What is started.", "entrypoint = [\"/usr/local/bin/server\", \"--quiet\"]";
    "cmd" ALL Shape::Texts, "none", "Arguments that the user of the image can replace.", "cmd = [\"--port\", \"8080\"]";
    "env" ALL Shape::Pairs, "the base's", "Variables, on top of the base's.", "env = { RUST_LOG = \"info\" }";
    "labels" ALL Shape::Pairs, "from the manifest", "Labels, on top of those that the manifest makes (version, licence, description, repository).", "labels = { \"com.example.team\" = \"shop\" }";
    "expose" ALL Shape::Ports, "none", "Ports that the program listens on.", "expose = [8080, \"53/udp\"]";
    "volumes" ALL Shape::Texts, "none", "Directories that hold data.", "volumes = [\"/data\"]";
    "stop-signal" ALL Shape::Text, "the base's", "What the program is told to end with.", "stop-signal = \"SIGINT\"";
    "healthcheck" ALL Shape::Check, "the base's", "How to see that the program is well: `cmd` (a list, or a line for a shell), `interval`, `timeout`, `start-period`, `start-interval`, `retries`; or `false`.", "healthcheck = { cmd = [\"/usr/local/bin/server\", \"--health\"], interval = \"30s\" }";
    "files" ALL Shape::Tables(FILE), "none", "Files and directories of the build context. `from` is relative to the workspace root; of a directory the contents land in `to`.", "files = [{ from = \"static\", to = \"/srv/static/\", owner = \"65532:65532\", mode = \"0644\" }]";
    "assets" ALL Shape::Tables(ASSET), "none", "Downloads, each in a layer of its own, checked by BuildKit. With `unpack`, archives.", "assets = [{ url = \"https://example.com/model.bin\", sha256 = \"8d94194b1fa3c519259125912d5f2a8527eb70054090d3c80722da58c9f9444b\", to = \"/models/model.bin\" }]";
    "stamp" ALL Shape::Flag, "`false`", "Version and git revision become labels, and are written into programs that have a section `.longshore.stamp`, in the last step.", "stamp = true";
}

/// `args` of a package is a list of names and not a table.
const PACKAGE_ARGS: Key = Key {
    name: "args",
    places: P,
    shape: Shape::Texts,
    default: "none",
    meaning: "Build arguments that the package's build script and compiler see as variables. No other package does.",
    example: "args = [\"RELEASE\"]",
};

/// Every setting that can stand in a place.
pub fn keys_of(place: Place) -> impl Iterator<Item = &'static Key> {
    let package_args = (place == Package).then_some(&PACKAGE_ARGS);
    KEYS.iter().filter(move |key| key.places.contains(&place)).chain(package_args)
}

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
    text += "\n## Examples\n\n```toml\n[workspace.metadata.longshore]\n";
    for key in keys_of(Workspace) {
        text += &format!("{}\n", key.example);
    }
    text += "```\n\n```toml\n[package.metadata.longshore]\n";
    for key in keys_of(Package).filter(|key| !key.places.contains(&Workspace) || key.name == "args") {
        text += &format!("{}\n", key.example);
    }
    text += "```\n\n## What `--call=check` looks for\n\n\
        Besides everything that would stop a build, and settings that have no effect:\n\n| rule | |\n|---|---|\n";
    for rule in RULES {
        text += &format!("| `{}` | {} |\n", rule.name(), rule.description());
    }
    text
}

/// Rules that are about taste and not about mistakes.
const RULES: [Code; 6] = [
    Code::DebugProfile,
    Code::FloatingTag,
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
        },
    });
    if let (Some(schema), Some(workspace)) = (schema.as_object_mut(), workspace.as_object()) {
        schema.extend(workspace.clone());
    }
    schema
}

fn table(place: Place) -> Value {
    let mut properties = Map::new();
    for key in keys_of(place) {
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
        Shape::Images => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/image" } }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use buildkit_llb::SourceFile;

    use super::*;
    use crate::config::{Config, Given, PackageConfig};

    fn parse(place: Place, lines: &str) -> Result<(), String> {
        let file = |text: String| SourceFile::new("Cargo.toml", "TOML", text);
        let given =
            Given::from([("TOKEN".to_owned(), "x".to_owned()), ("NEEDED".to_owned(), "x".to_owned())]);
        let error = match place {
            Workspace => Config::from_workspace_manifest(
                &file(format!("[workspace.metadata.longshore]\n{lines}")),
                &given,
            )
            .err(),
            Package => {
                PackageConfig::from_manifest(&file(format!("[package.metadata.longshore]\n{lines}")), None)
                    .err()
            }
            Image => Config::from_workspace_manifest(
                &file(format!("[workspace.metadata.longshore.images.x]\n{lines}")),
                &given,
            )
            .err(),
        };
        error.map_or(Ok(()), |error| Err(error.to_string()))
    }

    #[test]
    fn every_key_can_stand_where_the_table_says_and_nowhere_else() {
        for place in [Workspace, Package, Image] {
            let known: BTreeSet<&str> = keys_of(place).map(|key| key.name).collect();
            for key in KEYS.iter().chain([&PACKAGE_ARGS]).filter(|key| key.name != "args") {
                let parsed = parse(place, key.example);
                assert_eq!(parsed.is_ok(), known.contains(key.name), "{place:?} {}: {parsed:?}", key.name);
            }
            for key in keys_of(place) {
                assert_eq!(parse(place, key.example), Ok(()), "{}", key.name);
            }
        }
    }

    /// The reader says which keys it knows when it corrects one: no key that the table lacks.
    #[test]
    fn the_reader_knows_no_other_key() {
        let source = include_str!("raw.rs");
        let read = source.split("table.").skip(1).filter_map(|call| call.split('"').nth(1));
        let nested = [
            "from",
            "to",
            "owner",
            "mode",
            "url",
            "sha256",
            "unpack",
            "id",
            "env",
            "file",
            "required",
            "interval",
            "timeout",
            "start-period",
            "start-interval",
            "retries",
            "cmd",
        ];
        let known: BTreeSet<&str> = KEYS.iter().map(|key| key.name).chain(nested).collect();
        let unknown: Vec<&str> = read
            .filter(|key| key.bytes().all(|b| b == b'-' || b.is_ascii_alphanumeric()) && !known.contains(key))
            .collect();
        assert!(unknown.is_empty(), "not in the reference: {unknown:?}");
    }

    #[test]
    fn the_pages_are_those_of_the_code() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let schema = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        for (name, text) in [("reference.md", reference()), ("longshore.schema.json", schema)] {
            expect_test::expect_file![docs.join(name)].assert_eq(&text);
        }
    }

    #[test]
    fn the_schema_and_the_reader_agree() {
        let schema = schema();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let agree = |text: &str| {
            let value: toml::Table = text.parse().unwrap();
            let fits = validator.is_valid(&serde_json::to_value(value).unwrap());
            let file = SourceFile::new("longshore.toml", "TOML", text);
            let reads =
                Config::from_standalone(&file, &Given::from([("TOKEN".to_owned(), "x".to_owned())])).is_ok();
            assert_eq!(fits, reads, "{text}");
            fits
        };
        let all: String = keys_of(Workspace).map(|key| format!("{}\n", key.example)).collect();
        assert!(agree(&all));
        assert!(agree("[packages.api]\ninputs = [\"x\"]\nexpose = [80]\n"));
        for wrong in [
            "profil = \"x\"\n",
            "profile = 1\n",
            "features = \"x\"\n",
            "inputs = []\n",
            "healthcheck = true\n",
            "healthcheck = { interval = \"1s\" }\n",
            "assets = [{ url = \"https://example.com/x\" }]\n",
            "[packages.api]\nprofile = \"x\"\n",
            "[images.a]\nbin = [\"x\"]\n",
            "libraries = \"cpoy\"\n",
        ] {
            assert!(!agree(wrong), "{wrong}");
        }
    }
}
