//! The settings as the user wrote them: every value with its place, every unknown key an error.
//!
//! This knows which keys exist and of which TOML type they are. What their values may be is for
//! [`validate`](super::validate).

use buildkit_llb::Span;

use super::accelerator::{RawAccelerator, RawVariables};
use super::builder::RawBuilder;
use super::crates::RawCrate;
pub(super) use super::table::Spanned;
use super::table::Table;

/// `[workspace.metadata.longshore]` as written.
#[derive(Default)]
pub(super) struct RawWorkspace {
    pub(super) toolchain: Option<Spanned<String>>,
    pub(super) builder: RawBuilder,
    pub(super) crates: Vec<(Spanned<String>, RawCrate)>,
    pub(super) profile: Option<Spanned<String>>,
    pub(super) features: Vec<Spanned<String>>,
    pub(super) no_default_features: bool,
    pub(super) all_features: bool,
    pub(super) bundle: Option<bool>,
    pub(super) target: Vec<Spanned<String>>,
    pub(super) platforms: Vec<Spanned<String>>,
    pub(super) tags: Vec<Spanned<String>>,
    pub(super) image: RawImage,
    pub(super) images: Vec<(Spanned<String>, RawImageTable)>,
    pub(super) accelerators: Vec<(Spanned<String>, RawAccelerator)>,
}

/// An entry of `images`.
#[derive(Default)]
pub(super) struct RawImageTable {
    pub(super) bins: Vec<Spanned<String>>,
    pub(super) image: RawImage,
}

/// `[package.metadata.longshore]` as written.
#[derive(Default)]
pub(super) struct RawPackage {
    pub(super) inputs: Vec<Spanned<String>>,
    pub(super) args: Vec<Spanned<String>>,
    pub(super) secrets: Vec<RawSecret>,
    pub(super) accelerators: Vec<Spanned<String>>,
    pub(super) accelerator: Vec<(Spanned<String>, RawVariables)>,
    pub(super) device: Vec<Spanned<String>>,
    pub(super) device_crates: Vec<Spanned<String>>,
    pub(super) image: RawImage,
}

/// The settings of an image, which all of these can hold.
#[derive(Default)]
pub(super) struct RawImage {
    pub(super) base: Option<Spanned<String>>,
    pub(super) user: Option<Spanned<String>>,
    pub(super) workdir: Option<Spanned<String>>,
    pub(super) env: Vec<(Spanned<String>, Spanned<String>)>,
    pub(super) labels: Vec<(Spanned<String>, Spanned<String>)>,
    pub(super) expose: Option<Spanned<Vec<Spanned<Port>>>>,
    pub(super) entrypoint: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) cmd: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) volumes: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) stop_signal: Option<Spanned<String>>,
    pub(super) healthcheck: Option<RawHealthcheck>,
    pub(super) files: Vec<RawFile>,
    pub(super) assets: Vec<RawAsset>,
    pub(super) certificates: Option<bool>,
    pub(super) libraries: Option<Spanned<String>>,
    pub(super) stamp: Option<bool>,
    pub(super) smoke: Option<Spanned<Vec<Spanned<String>>>>,
}

/// An element of `expose`: `8080` or `"8080/tcp"`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Port {
    Number(i64),
    Text(String),
}

/// `healthcheck`: `false` or a table.
pub(super) enum RawHealthcheck {
    Off,
    Table(Box<RawCheck>),
}

/// A health check that is one.
pub(super) struct RawCheck {
    pub(super) span: Span,
    pub(super) cmd: Option<Command>,
    pub(super) interval: Option<Spanned<String>>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) start_period: Option<Spanned<String>>,
    pub(super) start_interval: Option<Spanned<String>>,
    pub(super) retries: Option<Spanned<i64>>,
}

/// A list of words, or a line for a shell.
pub(super) enum Command {
    Words(Spanned<Vec<Spanned<String>>>),
    Line(Spanned<String>),
}

/// An entry of `files`.
pub(super) struct RawFile {
    pub(super) span: Span,
    pub(super) from: Option<Spanned<String>>,
    pub(super) to: Option<Spanned<String>>,
    pub(super) owner: Option<Spanned<String>>,
    pub(super) mode: Option<Spanned<String>>,
}

/// An entry of `assets`.
pub(super) struct RawAsset {
    pub(super) span: Span,
    pub(super) url: Option<Spanned<String>>,
    pub(super) sha256: Option<Spanned<String>>,
    pub(super) to: Option<Spanned<String>>,
    pub(super) owner: Option<Spanned<String>>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) unpack: bool,
}

/// An entry of `secrets`.
pub(super) struct RawSecret {
    pub(super) span: Span,
    pub(super) id: Option<Spanned<String>>,
    pub(super) env: Option<Spanned<String>>,
    pub(super) file: Option<Spanned<String>>,
    pub(super) required: bool,
}

impl RawWorkspace {
    /// Reads the keys of a workspace; `packages` belongs to a file of its own.
    pub(super) fn read(table: &mut Table<'_, '_>) -> Self {
        Self {
            toolchain: table.string("toolchain"),
            builder: table.subtable("builder", |_, table| RawBuilder::read(table)).unwrap_or_default(),
            crates: table.subtables("crates", RawCrate::read),
            profile: table.string("profile"),
            features: table.strings("features").map_or_else(Vec::new, |list| list.value),
            no_default_features: table.boolean("no-default-features").unwrap_or(false),
            all_features: table.boolean("all-features").unwrap_or(false),
            bundle: table.boolean("bundle"),
            target: table.strings("target").map_or_else(Vec::new, |list| list.value),
            platforms: table.strings("platforms").map_or_else(Vec::new, |list| list.value),
            tags: table.strings("tags").map_or_else(Vec::new, |list| list.value),
            // An entrypoint is the binary of one package, so a workspace cannot have one.
            image: RawImage::read(table, false),
            images: table.subtables("images", |table| {
                let raw = RawImageTable {
                    bins: table.strings("bins").map_or_else(Vec::new, |list| list.value),
                    image: RawImage::read(table, true),
                };
                table.finish(&[]);
                raw
            }),
            accelerators: table.subtables("accelerator", RawAccelerator::read),
        }
    }
}

/// Keys that exist elsewhere, for who writes them in a workspace's table.
pub(super) const PACKAGE_ONLY: [(&str, &str); 4] = [
    ("inputs", "`inputs` belongs to one package: write it under `[package.metadata.longshore]`"),
    (
        "accelerators",
        "`accelerators` belong to one package, which sees their tools; the workspace's are tables: `accelerator.NAME`",
    ),
    ("secrets", "`secrets` belong to one package: write them under `[package.metadata.longshore]`"),
    ("entrypoint", "`entrypoint` belongs to one package: write it under `[package.metadata.longshore]`"),
];

impl RawPackage {
    pub(super) fn read(table: &mut Table<'_, '_>) -> Self {
        let raw = Self {
            inputs: table.strings("inputs").map_or_else(Vec::new, |list| list.value),
            args: table.strings("args").map_or_else(Vec::new, |list| list.value),
            secrets: table.elements("secrets", "a list of tables like `{ id = \"token\" }`", RawSecret::read),
            accelerators: table.strings("accelerators").map_or_else(Vec::new, |list| list.value),
            accelerator: table.subtables("accelerator", RawVariables::read),
            device: table.strings("device").map_or_else(Vec::new, |list| list.value),
            device_crates: table.strings("device-crates").map_or_else(Vec::new, |list| list.value),
            image: RawImage::read(table, true),
        };
        table.finish(&WORKSPACE_ONLY);
        raw
    }
}

const WORKSPACE_ONLY: [(&str, &str); 9] = [
    ("toolchain", "the whole workspace has one `toolchain`: write it under `[workspace.metadata.longshore]`"),
    ("profile", "the whole workspace has one `profile`: write it under `[workspace.metadata.longshore]`"),
    ("features", "write `features` under `[workspace.metadata.longshore]`, as `package/feature`"),
    ("no-default-features", "write `no-default-features` under `[workspace.metadata.longshore]`"),
    ("all-features", "write `all-features` under `[workspace.metadata.longshore]`"),
    ("target", "the whole workspace has one `target`: write it under `[workspace.metadata.longshore]`"),
    ("images", "write `images` under `[workspace.metadata.longshore]`"),
    ("platforms", "write `platforms` under `[workspace.metadata.longshore]`"),
    ("tags", "write `tags` under `[workspace.metadata.longshore]`"),
];

impl RawImage {
    pub(super) fn read(table: &mut Table<'_, '_>, entrypoint: bool) -> Self {
        Self {
            base: table.string("base"),
            user: table.string("user"),
            workdir: table.string("workdir"),
            env: table.pairs("env"),
            labels: table.pairs("labels"),
            expose: table.ports("expose"),
            entrypoint: if entrypoint { table.strings("entrypoint") } else { None },
            cmd: table.strings("cmd"),
            volumes: table.strings("volumes"),
            stop_signal: table.string("stop-signal"),
            healthcheck: RawHealthcheck::read(table),
            files: table.elements(
                "files",
                "a list of tables like `{ from = \"…\", to = \"/…\" }`",
                RawFile::read,
            ),
            assets: table.elements(
                "assets",
                "a list of tables like `{ url = \"…\", sha256 = \"…\", to = \"/…\" }`",
                RawAsset::read,
            ),
            certificates: table.boolean("certificates"),
            libraries: table.string("libraries"),
            stamp: table.boolean("stamp"),
            smoke: table.strings("smoke"),
        }
    }
}

impl RawHealthcheck {
    fn read(table: &mut Table<'_, '_>) -> Option<Self> {
        if table.is_false("healthcheck") {
            return Some(Self::Off);
        }
        table.subtable("healthcheck", |span, table| {
            let raw = RawCheck {
                span,
                cmd: table.command("cmd"),
                interval: table.string("interval"),
                timeout: table.string("timeout"),
                start_period: table.string("start-period"),
                start_interval: table.string("start-interval"),
                retries: table.integer("retries"),
            };
            table.finish(&[]);
            Self::Table(Box::new(raw))
        })
    }
}

impl RawFile {
    fn read(span: Span, table: &mut Table<'_, '_>) -> Self {
        let raw = Self {
            span,
            from: table.required("from"),
            to: table.required("to"),
            owner: table.string("owner"),
            mode: table.string("mode"),
        };
        table.finish(&[]);
        raw
    }
}

impl RawAsset {
    fn read(span: Span, table: &mut Table<'_, '_>) -> Self {
        let raw = Self {
            span,
            url: table.required("url"),
            sha256: table.required("sha256"),
            to: table.required("to"),
            owner: table.string("owner"),
            mode: table.string("mode"),
            unpack: table.boolean("unpack").unwrap_or(false),
        };
        table.finish(&[]);
        raw
    }
}

impl RawSecret {
    pub(super) fn read(span: Span, table: &mut Table<'_, '_>) -> Self {
        let raw = Self {
            span,
            id: table.required("id"),
            env: table.string("env"),
            file: table.string("file"),
            required: table.boolean("required").unwrap_or(true),
        };
        table.finish(&[]);
        raw
    }
}
