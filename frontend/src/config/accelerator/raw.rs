//! The table as the user wrote it.

use buildkit_llb::Span;

use crate::config::raw::{RawImage, Spanned};
use crate::config::table::Table;

/// The table as written.
pub(in crate::config) struct RawAccelerator {
    pub(super) preset: Option<Spanned<String>>,
    pub(super) archs: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) layout: Option<Spanned<String>>,
    pub(super) overrides: Vec<(Spanned<String>, RawOverride)>,
    pub(super) platforms: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) features: Vec<Spanned<String>>,
    pub(super) no_default_features: bool,
    pub(super) build: RawBuild,
    pub(super) device: RawDevice,
    pub(super) runtime: RawImage,
    pub(super) verify: Option<bool>,
}

/// `arch.NAME` as written.
pub(super) struct RawOverride {
    pub(super) features: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) env: Vec<(Spanned<String>, Spanned<String>)>,
    pub(super) platforms: Option<Spanned<Vec<Spanned<String>>>>,
}

/// An element of `build.git` as written.
pub(super) struct RawRepository {
    pub(super) url: Option<Spanned<String>>,
    pub(super) commit: Option<Spanned<String>>,
    pub(super) to: Option<Spanned<String>>,
    pub(super) span: Span,
}

/// `build` as written.
#[derive(Default)]
pub(super) struct RawBuild {
    pub(super) image: Option<Spanned<String>>,
    pub(super) paths: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) path: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) git: Vec<RawRepository>,
    pub(super) env: Vec<(Spanned<String>, Spanned<String>)>,
    pub(super) arch_env: Vec<(Spanned<String>, Spanned<String>)>,
    pub(super) packages: Vec<Spanned<String>>,
}

/// `device` as written.
#[derive(Default)]
pub(super) struct RawDevice {
    pub(super) target: Option<Spanned<String>>,
    pub(super) toolchain: Option<Spanned<String>>,
}

impl RawAccelerator {
    pub(in crate::config) fn read(table: &mut Table<'_, '_>) -> Self {
        let raw = Self {
            preset: table.string("preset"),
            archs: table.strings("archs"),
            mode: table.string("arch-mode"),
            layout: table.string("layout"),
            overrides: table.subtables("arch", |table| {
                let raw = RawOverride {
                    features: table.strings("features"),
                    env: table.pairs("env"),
                    platforms: table.strings("platforms"),
                };
                table.finish(&[]);
                raw
            }),
            platforms: table.strings("platforms"),
            features: table.strings("features").map_or_else(Vec::new, |list| list.value),
            no_default_features: table.boolean("no-default-features").unwrap_or(false),
            build: table.subtable("build", |_, table| RawBuild::read(table)).unwrap_or_default(),
            device: table
                .subtable("device", |_, table| {
                    let raw =
                        RawDevice { target: table.string("target"), toolchain: table.string("toolchain") };
                    table.finish(&[]);
                    raw
                })
                .unwrap_or_default(),
            runtime: table
                .subtable("runtime", |_, table| {
                    let raw = RawImage::read(table, false);
                    table.finish(&[("image", "write `base`, as for every image")]);
                    raw
                })
                .unwrap_or_default(),
            verify: table.boolean("verify"),
        };
        table.finish(&[
            ("env", "variables of steps are `build.env`, those of images `runtime.env`"),
            ("base", "write `runtime.base`"),
            ("image", "the toolkit's is `build.image`, what programs are put on is `runtime.base`"),
        ]);
        raw
    }
}

impl RawBuild {
    fn read(table: &mut Table<'_, '_>) -> Self {
        let raw = Self {
            image: table.string("image"),
            paths: table.strings("paths"),
            path: table.strings("path"),
            git: table.elements(
                "git",
                "a list of tables like `{ url = \"https://…\", commit = \"…\", to = \"/…\" }`",
                |span, table| {
                    let raw = RawRepository {
                        url: table.string("url"),
                        commit: table.string("commit"),
                        to: table.string("to"),
                        span,
                    };
                    table.finish(&[
                        ("rev", "write `commit`"),
                        ("branch", "a branch moves: write the `commit`"),
                    ]);
                    raw
                },
            ),
            env: table.pairs("env"),
            arch_env: table.pairs("arch-env"),
            packages: table.strings("packages").map_or_else(Vec::new, |list| list.value),
        };
        table.finish(&[]);
        raw
    }
}

/// `accelerator.NAME` of a package as written.
pub(in crate::config) struct RawVariables {
    pub(super) env: Vec<(Spanned<String>, Spanned<String>)>,
    pub(super) arch_env: Vec<(Spanned<String>, Spanned<String>)>,
}

impl RawVariables {
    pub(in crate::config) fn read(table: &mut Table<'_, '_>) -> Self {
        let raw = Self { env: table.pairs("env"), arch_env: table.pairs("arch-env") };
        table.finish(&[
            (
                "features",
                "features are the workspace's: `accelerator.NAME.features = [\"PACKAGE/FEATURE\"]` there",
            ),
            ("build", "write `env` and `arch-env` without it"),
        ]);
        raw
    }
}
