//! `crates.NAME`: what the steps of one package of the build are given besides what it asks for itself. Packages of
//! registries and repositories have no manifest that the user could write it in.

use std::collections::BTreeMap;

use buildkit_llb::Span;

use super::raw::RawSecret;
use super::table::{Spanned, Table};
use super::validate::{env_name, input, pairs, valid};
use super::{Input, Secret, contents};
use crate::diagnostic::Diagnostic;

/// The settings of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct CrateConfig {
    /// Variables that its build script and compiler see.
    pub env: BTreeMap<String, String>,
    /// Files of the build context that they see: paths or globs relative to its root.
    pub inputs: Vec<Input>,
    /// Secrets that they see.
    pub secrets: Vec<Secret>,
    /// Where its steps are allowed the network.
    pub network: Option<Span>,
    /// Where the user named it.
    pub span: Span,
}

/// The table as written.
pub(super) struct RawCrate {
    env: Vec<(Spanned<String>, Spanned<String>)>,
    inputs: Vec<Spanned<String>>,
    secrets: Vec<RawSecret>,
    network: bool,
}

impl RawCrate {
    pub(super) fn read(table: &mut Table<'_, '_>) -> Self {
        let raw = Self {
            env: table.pairs("env"),
            inputs: table.strings("inputs").map_or_else(Vec::new, |list| list.value),
            secrets: table.elements("secrets", "a list of tables like `{ id = \"token\" }`", RawSecret::read),
            network: table.boolean("network").unwrap_or(false),
        };
        table.finish(&[("packages", "packages of the distribution are for all: `builder.packages`")]);
        raw
    }
}

/// By name, or `NAME@VERSION`.
pub(super) fn crates(
    raw: Vec<(Spanned<String>, RawCrate)>,
    gathered: &mut Vec<Diagnostic>,
) -> BTreeMap<String, CrateConfig> {
    let settings = raw.into_iter().map(|(name, raw)| {
        let inputs = raw.inputs.into_iter().filter_map(|path| {
            let span = path.span.clone();
            Some(Input { pattern: valid("inputs", path, |path| input(&path.value), gathered)?, span })
        });
        let inputs = inputs.collect();
        let config = CrateConfig {
            env: pairs("env", raw.env, env_name, gathered),
            inputs,
            secrets: contents::secrets(raw.secrets, gathered),
            network: raw.network.then(|| name.span.clone()),
            span: name.span,
        };
        (name.value, config)
    });
    settings.collect()
}
