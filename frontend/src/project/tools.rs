//! What some steps see besides their package: an accelerator's toolkit, arguments, secrets.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{Digest, Span};
use cargo_metadata::Metadata;

use super::{Planned, Project, identity::identity};
use crate::{
    config::{PackageConfig, Secret, SecretPlace},
    context::git,
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    emit::{
        grants::{self, Grants, SecretGrant},
        package::{Seen, Toolkit},
    },
    gateway::{Failure, Gateway},
    members::{self, Members},
    named::{self, Role},
    plan::VertexId,
    request::Request,
    triple,
    units::{Package, PackageIx, UnitGraph},
    variant::Variant,
};

impl Project {
    /// The toolkit of an accelerator, and who sees it: packages that name it or are known to want it, and what is
    /// linked with them.
    pub(super) async fn toolkit(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        planned: &Planned,
        variant: &Variant,
        members: &Members,
        wanted: &BTreeSet<VertexId>,
    ) -> Result<Toolkit, Failure> {
        let (plan, accelerator) = (&planned.plan, &variant.accelerator);
        let names = |config: &PackageConfig| {
            config.accelerators.iter().any(|(name, _)| *name == accelerator.name)
                || config.accelerator.contains_key(&accelerator.name)
        };
        let wants = |package: PackageIx| {
            accelerator.packages.contains(&planned.graph.package(package).name)
                || members.configs.get(&package).is_some_and(names)
        };
        let seen_by = plan.seeing(wanted, wants);
        let mut known = String::new();
        let mut seen = Vec::new();
        if let Some(image) = accelerator.image.as_ref().filter(|_| !seen_by.is_empty()) {
            let platform = &request.build_platform;
            let loaded = named::image(gateway, request, &image.reference, platform, Role::Toolkit).await?;
            let name = image.reference.familiar();
            let identity =
                identity(gateway, request, &self.workshop, &loaded, &accelerator.paths, &name).await?;
            known += &format!("{identity} {:?}", accelerator.paths);
            seen.extend(accelerator.paths.iter().map(|path| Seen {
                files: loaded.state.clone(),
                from: Some(path.clone()),
                to: path.clone(),
            }));
        }
        seen.extend(accelerator.git.iter().map(|repository| Seen {
            files: git::checkout(&repository.url, &repository.commit),
            from: None,
            to: repository.to.clone(),
        }));
        for repository in &accelerator.git {
            known += &format!(" {} {} {}", repository.url, repository.commit, repository.to);
        }
        // What another version of the toolkit made is not reused.
        let cache = match known.as_str() {
            "" => variant.identity.clone(),
            known => format!("{}-{}", variant.identity, &Digest::of(known.as_bytes()).hex()[..16]),
        };
        let path = self.workshop.toolchain_env.get("PATH").map(String::as_str);
        let foreign = planned.platform.architecture() != request.build_platform.architecture();
        let compiler = foreign.then(|| triple::tool_prefix(&planned.selection.target)).flatten();
        Ok(Toolkit { name: variant.identity.clone(), cache, seen_by, env: variant.env(path, compiler), seen })
    }

    /// Refuses accelerators that packages name and the workspace does not have.
    pub(super) fn known_accelerators(&self, members: &Members) -> Result<(), Diagnostics> {
        let named = members.configs.values().flat_map(|config| {
            let listed = config.accelerators.iter().map(|(name, span)| ("accelerators", name, span));
            let tables = config.accelerator.iter().map(|(name, own)| ("accelerator", name, &own.span));
            listed.chain(tables)
        });
        Diagnostics::check((), self.unknown_accelerators(named).collect())
    }

    /// A mistake for each name that no table has: under which key it stands, the name, and where.
    pub(super) fn unknown_accelerators<'a>(
        &'a self,
        names: impl Iterator<Item = (&'static str, &'a String, &'a Span)> + 'a,
    ) -> impl Iterator<Item = Diagnostic> + 'a {
        let known = &self.config.accelerators;
        names.filter(|(_, name, _)| !known.contains_key(*name)).map(|(key, name, span)| {
            let unknown = Diagnostic::error(
                Code::InvalidValue,
                format!("`{key}` has `{name}`, which is no accelerator of this workspace"),
            );
            match did_you_mean(name, known.keys().map(String::as_str)) {
                Some(near) => unknown.help(format!("did you mean `{near}`?")),
                None => {
                    unknown.help(format!("describe it: `[workspace.metadata.longshore.accelerator.{name}]`"))
                }
            }
            .at(span)
        })
    }

    /// What the steps of members see besides their files.
    pub(super) fn grants(
        &self,
        request: &Request,
        members: &Members,
        variant: Option<&Variant>,
    ) -> BTreeMap<PackageIx, Grants> {
        let colour = request.build_args.get_key_value("CARGO_TERM_COLOR");
        let of = |config: &PackageConfig| {
            let value = |name: &String| Some((name.clone(), self.config.args.get(name)?.value.clone()));
            let mut args: BTreeMap<String, String> = config.args.iter().filter_map(value).collect();
            args.extend(colour.map(|(name, value)| (name.clone(), value.clone())));
            if let Some(variant) = variant
                && let Some(own) = config.accelerator.get(&variant.accelerator.name)
            {
                args.extend(own.env.clone());
                args.extend(variant.rendered(&own.arch_env));
            }
            let secrets = config.secrets.iter().map(secret);
            Grants { args, secrets: secrets.collect(), ..Grants::default() }
        };
        members.configs.iter().map(|(package, config)| (*package, of(config))).collect()
    }

    /// Adds what the workspace gives to single packages.
    ///
    /// # Errors
    /// Inputs that are not there.
    pub(super) fn grant_crates(
        &self,
        graph: &UnitGraph,
        grants: &mut BTreeMap<PackageIx, Grants>,
    ) -> Result<(), Diagnostics> {
        let mut problems = Vec::new();
        for (ix, package) in graph.packages() {
            for config in self
                .config
                .crates
                .iter()
                .filter(|(name, _)| is_named(name, package))
                .map(|(_, config)| config)
            {
                let own = grants.entry(ix).or_default();
                own.args.extend(config.env.clone());
                own.secrets.extend(config.secrets.iter().map(secret));
                own.inputs.extend(members::declared(&config.inputs, &self.context.listing, &mut problems));
                own.network |= config.network.is_some();
            }
        }
        Diagnostics::check((), problems)
    }

    /// Packages that see something of their own, with any accelerator: the same for all, so that they share the others.
    pub(super) fn alone(&self, graph: &UnitGraph) -> BTreeSet<PackageIx> {
        let toolkits = self.config.accelerators.values().flat_map(|accelerator| &accelerator.packages);
        let names: Vec<&String> = self.config.crates.keys().chain(toolkits).collect();
        let is_alone = |package: &Package| names.iter().any(|name| is_named(name, package));
        graph.packages().filter(|(_, package)| is_alone(package)).map(|(ix, _)| ix).collect()
    }

    /// What is to be said of `crates`: names of no package, and networks.
    pub(super) fn crate_cautions(&self, graph: &UnitGraph, metadata: &Metadata) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (name, config) in &self.config.crates {
            let is_built = graph.packages().any(|(_, package)| is_named(name, package));
            // What other targets use is not built, and no mistake.
            let mut locked = metadata.packages.iter();
            if !is_built && !locked.any(|package| names(name, &package.name, &package.version.to_string())) {
                let names = graph.packages().map(|(_, package)| package.name.as_str());
                let unknown = Diagnostic::warning(Code::UnknownKey, format!("no package is called `{name}`"));
                let unknown = match did_you_mean(name, names) {
                    Some(near) => unknown.help(format!("did you mean `{near}`?")),
                    None => unknown.help("names are those of `Cargo.lock`"),
                };
                found.push(unknown.at(&config.span));
            } else if let Some(span) = config.network.as_ref().filter(|_| is_built) {
                let warning = Diagnostic::warning(
                    Code::NetworkAllowed,
                    format!("the steps of `{name}` have a network: what they fetch is pinned by nothing"),
                );
                let help = "what is fetched is kept in the cache until the package changes; `--no-cache-filter` fetches again";
                found.push(warning.help(help).at(span));
            }
        }
        found
    }
}

fn is_named(name: &str, package: &Package) -> bool {
    names(name, &package.name, &package.version)
}

/// Whether `name`, which is `NAME` or `NAME@VERSION`, is that of a package.
fn names(name: &str, package: &str, version: &str) -> bool {
    match name.split_once('@') {
        Some((name, wanted)) => package == name && version == wanted,
        None => package == name,
    }
}

fn secret(secret: &Secret) -> SecretGrant {
    SecretGrant {
        id: secret.id.clone(),
        place: match &secret.place {
            SecretPlace::Env(name) => grants::SecretPlace::Env(name.clone()),
            SecretPlace::File(path) => grants::SecretPlace::File(path.clone()),
        },
        optional: !secret.required,
    }
}
