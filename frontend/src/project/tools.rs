//! What some steps see besides their package: an accelerator's toolkit, arguments, secrets.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::Span;

use super::{Planned, Project};
use crate::{
    config::{PackageConfig, SecretPlace},
    context::git,
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    emit::package::{self, Grants, SecretGrant, Seen, Toolkit},
    gateway::{Failure, Gateway},
    members::Members,
    named::{self, Role},
    plan::VertexId,
    request::Request,
    triple,
    units::PackageIx,
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
        let mut cache = variant.identity.clone();
        let mut seen = Vec::new();
        if let Some(image) = accelerator.image.as_ref().filter(|_| !seen_by.is_empty()) {
            let platform = &request.build_platform;
            let loaded = named::image(gateway, request, &image.reference, platform, Role::Toolkit).await?;
            // What another version of the toolkit made is not reused.
            cache = format!("{cache}-{}", &loaded.identity.hex()[..16]);
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
            let secrets = config.secrets.iter().map(|secret| SecretGrant {
                id: secret.id.clone(),
                place: match &secret.place {
                    SecretPlace::Env(name) => package::SecretPlace::Env(name.clone()),
                    SecretPlace::File(path) => package::SecretPlace::File(path.clone()),
                },
                optional: !secret.required,
            });
            Grants { args, secrets: secrets.collect(), device_files: Vec::new() }
        };
        members.configs.iter().map(|(package, config)| (*package, of(config))).collect()
    }
}
