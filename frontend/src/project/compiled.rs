//! The graph of a plan: for one architecture, or for all that an image has.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{Span, State};
use camino::Utf8PathBuf;
use longshore_helper::trace::TRACE_ENV;

use super::{Device, Planned, Project, device};
use crate::{
    emit::{
        grants::Grants,
        package::{Output, Packages, Sources, Toolkit, packages},
    },
    gateway::{Failure, Gateway},
    members::{self, Asked, Members},
    plan::{Artifact, VertexId},
    request::Request,
    target::Target,
    units::PackageIx,
    variant::Variant,
    workspace::Workspace,
};

/// The graph for some vertices of a plan.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The members among them.
    pub members: Members,
    /// What each vertex makes.
    pub outputs: BTreeMap<VertexId, Output>,
    /// Members' own files.
    pub own: BTreeMap<PackageIx, State>,
    /// What some of them see.
    pub toolkit: Option<Toolkit>,
    /// What was compiled for the accelerator's own processor.
    pub devices: Vec<Device>,
    /// The same vertices for the other architectures of the image.
    pub others: Vec<Other>,
}

/// The programs of an image for another of its architectures.
#[derive(Debug, Clone)]
pub struct Other {
    /// How they were planned.
    pub planned: Planned,
    /// Their vertices.
    pub compiled: Compiled,
}

/// What vertices see besides their packages.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) grants: BTreeMap<PackageIx, Grants>,
    pub(super) toolkit: Option<Toolkit>,
    pub(super) sysroot: Option<State>,
}

impl Compiled {
    /// Secrets that the members name, and where.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &Span)> {
        let all = self.members.configs.values().flat_map(|config| &config.secrets);
        all.map(|secret| (secret.id.as_str(), &secret.span))
    }

    /// What the members of a target have to tell.
    pub fn reports(&self, planned: &Planned, target: &Target) -> Vec<&State> {
        let wanted = planned.plan.closure(target.artifacts.iter().map(|artifact| artifact.vertex));
        let own = wanted.iter().filter_map(|id| self.outputs.get(id)?.report.as_ref());
        let aside = self.aside().into_iter().flat_map(|(_, compiled)| compiled.outputs.values());
        own.chain(aside.filter_map(|output| output.report.as_ref())).collect()
    }

    /// The names of all its entries in the ledger.
    pub fn ledger(&self) -> Vec<String> {
        let aside = self.aside().into_iter().flat_map(|(_, compiled)| compiled.outputs.values());
        self.outputs.values().chain(aside).map(|output| output.ledger.clone()).collect()
    }

    /// What made the plan, besides the recording that the plan itself holds: what other recordings cargo was asked for, and what
    /// read sources.
    pub fn recordings(&self) -> Vec<&State> {
        let aside = self.aside();
        let recordings = aside.iter().map(|(planned, _)| &planned.workspace.vertex);
        let members = std::iter::once(self).chain(aside.iter().map(|(_, compiled)| *compiled));
        recordings.chain(members.flat_map(|compiled| &compiled.members.gathered)).collect()
    }

    /// What plans of their own made: for devices, for other architectures.
    fn aside(&self) -> Vec<(&Planned, &Compiled)> {
        let others = self.others.iter().flat_map(|other| {
            std::iter::once((&other.planned, &other.compiled)).chain(other.compiled.aside())
        });
        self.devices.iter().map(|device| (&device.planned, &device.compiled)).chain(others).collect()
    }
}

impl Project {
    /// Makes the graph of `wanted` and all that it needs.
    ///
    /// # Errors
    /// The settings of a member are wrong, or its files cannot be read.
    pub async fn compile(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        planned: &Planned,
        wanted: impl IntoIterator<Item = VertexId>,
    ) -> Result<Compiled, Failure> {
        let wanted: Vec<VertexId> = wanted.into_iter().collect();
        let mut compiled = self.compile_one(gateway, request, planned, &wanted).await?;
        for part in planned.variant.iter().flat_map(|variant| variant.parts.iter().skip(1)) {
            let examples = &planned.selection.examples;
            let other = self.plan_of(gateway, request, &planned.platform, Some(part), examples).await?;
            let names = planned.plan.targets.iter().filter(|artifact| wanted.contains(&artifact.vertex));
            let same =
                |artifact: &Artifact| names.clone().any(|wanted| wanted.qualified == artifact.qualified);
            let vertices: Vec<VertexId> = other
                .plan
                .targets
                .iter()
                .filter(|artifact| same(artifact))
                .map(|artifact| artifact.vertex)
                .collect();
            let vertices = self.compile_one(gateway, request, &other, &vertices).await?;
            compiled.others.push(Other { planned: other, compiled: vertices });
        }
        Ok(compiled)
    }

    /// Makes the graph for one architecture.
    async fn compile_one(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        planned: &Planned,
        wanted: &[VertexId],
    ) -> Result<Compiled, Failure> {
        let wanted = planned.plan.closure_of_bundles(wanted.iter().copied());
        let members = self.members(gateway, request, planned, &wanted).await?;
        self.known_accelerators(&members)?;
        let devices = self.devices(gateway, request, planned, &members).await?;
        let toolkit = match &planned.variant {
            Some(variant) => {
                let variant = variant.compiled();
                Some(self.toolkit(gateway, request, planned, variant, &members, &wanted).await?)
            }
            None => None,
        };
        let variant = planned.variant.as_ref().map(Variant::compiled);
        let mut grants = self.grants(request, &members, variant);
        self.grant_crates(&planned.graph, &mut grants)?;
        device::grant(&devices, &members, &mut grants);
        let shown = Shown { grants, toolkit, sysroot: None };
        Ok(Compiled { devices, ..self.graph(request, planned, &wanted, members, shown) })
    }

    /// The members among `wanted`.
    pub(super) async fn members(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        planned: &Planned,
        wanted: &BTreeSet<VertexId>,
    ) -> Result<Members, Failure> {
        let Planned { graph, plan, workspace, .. } = planned;
        let in_use: BTreeSet<PackageIx> = wanted.iter().map(|id| plan.vertex(*id).package).collect();
        let directories = self.directories(workspace);
        let workshop = &planned.bench.workshop;
        let asked = Asked { gateway, request, context: &self.context, workshop };
        members::load(&asked, &self.settings(), graph, &in_use, &directories).await
    }

    /// Directories of the build context that are no part of a member around them.
    fn directories(&self, workspace: &Workspace) -> BTreeSet<Utf8PathBuf> {
        let mut directories = members::directories(&workspace.metadata);
        directories.extend(self.locked.vendored.iter().cloned());
        directories
    }

    pub(super) fn graph(
        &self,
        request: &Request,
        planned: &Planned,
        wanted: &BTreeSet<VertexId>,
        members: Members,
        shown: Shown,
    ) -> Compiled {
        let Packages { outputs, own } = packages(
            &planned.bench.workshop,
            &planned.graph,
            &planned.plan,
            wanted,
            &Sources {
                locked: &self.locked,
                context: &self.context.state,
                listing: &self.context.listing,
                outside: &members.outside,
                hidden: &members.hidden,
                manifests: &members.manifests,
                spans: &members.spans,
                members: &self.directories(&planned.workspace),
                cache_prefix: &planned.cache_prefix,
                prefix: &planned.steps,
                grants: &shown.grants,
                yielding_env: &self.context.cargo_config.yielding_env(),
                toolkit: shown.toolkit.as_ref(),
                sysroot: shown.sysroot.as_ref(),
                no_cache: &request.no_cache,
                build: request.session.as_str(),
                trace: request.build_args.get(TRACE_ENV).map(String::as_str),
            },
        );
        Compiled { members, outputs, own, toolkit: shown.toolkit, devices: Vec::new(), others: Vec::new() }
    }
}
