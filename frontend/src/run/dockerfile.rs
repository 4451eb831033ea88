//! A Dockerfile of the user's, handed on with the workspace's targets as named contexts.

use buildkit_llb::{Span, State};

use super::warn;
use crate::{
    assemble,
    context::Entry,
    dockerfile::Mentions,
    forward::{self, Offered},
    gateway::{BuildResult, Failure, Gateway},
    project::{Planned, Project},
    request::Request,
    retell::{self, Known},
    target::Target,
    variant,
};

/// Hands a Dockerfile on, with the targets that it may want as named contexts.
pub(super) async fn dockerfile(
    gateway: &impl Gateway,
    request: &Request,
    frontend: &State,
    entry: &Entry,
) -> Result<BuildResult, Failure> {
    let mentions = Mentions::parse(&String::from_utf8_lossy(entry.file.text()));
    let project = Project::load(gateway, request, frontend, entry).await?;
    let mut offers = Offers { mentions, ..Offers::default() };
    for (at, platform) in request.platforms.iter().enumerate() {
        let planned = project.plan(gateway, request, platform, None).await?;
        let targets = project.targets(&planned)?;
        if at == 0 {
            warn(gateway, &project.cautions(&planned)).await?;
            let names = targets.iter().map(|target| target.name.as_str());
            warn(gateway, &forward::hidden(&offers.mentions, names)).await?;
        }
        offers.add(gateway, request, &project, &planned, &targets).await?;
        for variant in variant::all(&project.config.accelerators) {
            // Each is a plan of its own, so only those are made that the file spells out.
            if targets.iter().any(|target| offers.mentions.names(&variant.name(&target.name))) {
                let planned = project.plan(gateway, request, platform, Some(&variant)).await?;
                let targets = project.targets(&planned)?;
                offers.add(gateway, request, &project, &planned, &targets).await?;
            }
        }
    }
    let Offers { mentions, offered: offers, secrets, names } = offers;
    let inputs = gateway.inputs().await?;
    let built = gateway.solve_frontend(&forward::forward(request, &offers, inputs)).await;
    built.map_err(|error| {
        let secrets: Vec<_> = secrets.iter().map(|(id, span)| (id.as_str(), span)).collect();
        let targets: Vec<&str> = names.iter().map(String::as_str).collect();
        let known = Known { secrets: &secrets, targets: &targets, dockerfile: Some(&mentions) };
        retell::retell(error.into(), &known)
    })
}

/// What a Dockerfile finds.
#[derive(Default)]
struct Offers {
    mentions: Mentions,
    offered: Vec<Offered>,
    secrets: Vec<(String, Span)>,
    names: Vec<String>,
}

impl Offers {
    /// Adds what the file may want of a plan.
    async fn add(
        &mut self,
        gateway: &impl Gateway,
        request: &Request,
        project: &Project,
        planned: &Planned,
        targets: &[Target],
    ) -> Result<(), Failure> {
        let titles: Vec<String> = targets.iter().map(|target| planned.title(target)).collect();
        let spelt_out = |name: &&str| planned.variant.is_none() || self.mentions.names(name);
        let wanted = forward::wanted(&self.mentions, titles.iter().map(String::as_str).filter(spelt_out));
        let target_of = |title: &str| titles.iter().position(|found| found == title).map(|at| &targets[at]);
        let vertices = wanted
            .values()
            .filter_map(|title| target_of(title))
            .flat_map(|target| target.artifacts.iter().map(|artifact| artifact.vertex));
        let compiled = project.compile(gateway, request, planned, vertices).await?;
        self.secrets.extend(compiled.secrets().map(|(id, span)| (id.to_owned(), span.clone())));
        for (alias, title) in &wanted {
            let Some(target) = target_of(title) else { continue };
            let (state, config) =
                assemble::offered(gateway, request, project, planned, &compiled, target).await?;
            let platform = planned.platform.clone();
            self.offered.push(Offered { name: alias.clone(), platform, state, config });
        }
        self.names.extend(titles);
        Ok(())
    }
}
