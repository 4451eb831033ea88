//! One build from the client's options to the result: the only place that knows the order of the phases.

mod dockerfile;

use buildkit_llb::{Platform, State};

use crate::{
    answer,
    assemble::{self, Assembled, Bases},
    attest,
    call::{self, Call},
    caution,
    config::EntryKind,
    context::{self, Entry, When},
    diagnostic::{Code, Diagnostic, did_you_mean},
    gateway::{BuildResult, Failure, Gateway, Warning, together},
    output::{self, Built},
    project::{Compiled, Planned, Project},
    request::Request,
    retell::{self, Known},
    summary::{self, Part},
    target::{self, Target},
    units::Dormant,
    variant::{self, Variant},
};

/// Builds what the request asks for. `frontend` is the definition of the frontend's own image, which holds the helper.
///
/// # Errors
/// The user's input is wrong, or a solve failed.
pub async fn run(
    gateway: &impl Gateway,
    request: &Request,
    frontend: &State,
) -> Result<BuildResult, Failure> {
    supported(request)?;
    let entry = context::entry(gateway, request).await?;
    // What the Dockerfile frontend knows about Dockerfiles is for it to say, and what nobody knows to refuse.
    let is_dockerfile = entry.kind == EntryKind::Dockerfile;
    match answer::question(request) {
        Ok(None) if is_dockerfile => dockerfile::dockerfile(gateway, request, frontend, &entry).await,
        Ok(Some(Call::Lint | Call::Outline | Call::Targets | Call::Describe)) if is_dockerfile => {
            dockerfile::dockerfile(gateway, request, frontend, &entry).await
        }
        Ok(Some(Call::Describe)) => Ok(answer::result(call::describe::answer())),
        Ok(Some(question)) => ask(gateway, request, frontend, &entry, question).await,
        Ok(None) => build(gateway, request, frontend, &entry).await,
        Err(unknown) => Err(unknown.into()),
    }
}

/// An image for each platform.
async fn build(
    gateway: &impl Gateway,
    request: &Request,
    frontend: &State,
    entry: &Entry,
) -> Result<BuildResult, Failure> {
    let project = Project::load(gateway, request, frontend, entry).await?;
    let mut images = Vec::new();
    for platform in &request.platforms {
        // A refusal does not wait for a registry.
        let (Chosen { planned, targets, name }, bases) =
            tokio::try_join!(choose(gateway, request, &project, platform), async {
                Ok(Bases::ahead(gateway, request, &project, platform).await)
            })?;
        if images.is_empty() {
            warn(gateway, &project.cautions(&planned)).await?;
            warn(gateway, &project.config.args.undeclared(&request.build_args)).await?;
        }
        let target = target::select(&targets, name.as_deref())?.clone();
        let wanted = target.artifacts.iter().map(|artifact| artifact.vertex);
        let compiled = project.compile(gateway, request, &planned, wanted).await?;
        let image =
            assemble::assemble(gateway, request, &project, &planned, &compiled, &target, &bases).await?;
        images.push((planned, target, compiled, image));
    }

    let bases = images.iter().filter_map(|(_, _, _, image)| image.base_name.clone());
    let toolkits =
        images.iter().filter_map(|(planned, ..)| planned.variant.as_ref()).flat_map(Variant::images);
    let used: Vec<String> =
        std::iter::once(project.config.toolchain.reference.familiar()).chain(bases).chain(toolkits).collect();
    warn(gateway, &caution::contexts(request.contexts.names(), &used)).await?;

    let parts: Vec<Part<'_>> = images
        .iter()
        .map(|(planned, target, compiled, image)| part(planned, target, compiled, image))
        .collect();
    // What is returned runs nothing before it is used, so it does not wait for what the images are built by.
    let returned =
        images.iter().map(|(.., image)| context::solve(gateway, request, &image.files, When::Used));
    let (summary, references) = tokio::join!(
        summary::look_back(gateway, request, &project.workshop, &project.context, &parts),
        together(returned),
    );
    let summary = summary.map_err(|failure| retell(failure, &images))?;
    let mut built = Vec::new();
    for ((planned, target, _, image), reference) in images.iter().zip(references) {
        built.push(Built {
            platform: planned.platform.clone(),
            reference: reference?,
            config: image.config.clone(),
            base_config: image.base.as_ref().and_then(|base| base.config.clone()).unwrap_or_default(),
            attestations: attest::attestations(gateway, request, &project, planned, target, image).await?,
        });
    }
    let result = output::result(request, built, &summary);
    // This process ends with its answer, which would wait until every piece of the plan is freed.
    std::mem::forget((project, images));
    Ok(result)
}

fn part<'a>(
    planned: &'a Planned,
    target: &'a Target,
    compiled: &'a Compiled,
    image: &'a Assembled,
) -> Part<'a> {
    Part {
        target: planned.title(target),
        platform: planned.platform.to_string(),
        files: &image.files,
        keys: compiled.ledger(),
        reports: compiled.reports(planned, target),
        smoke: image.smoke.as_ref(),
    }
}

/// An answer in place of an image.
async fn ask(
    gateway: &impl Gateway,
    request: &Request,
    frontend: &State,
    entry: &Entry,
    question: Call,
) -> Result<BuildResult, Failure> {
    let answered = async {
        let project = Project::load(gateway, request, frontend, entry).await?;
        let platform = request.platforms.first().unwrap_or(&request.build_platform);
        let Chosen { planned, name, .. } = choose(gateway, request, &project, platform).await?;
        answer::answer(gateway, request, &project, &planned, name.as_deref(), entry, question).await
    };
    match (answered.await, question) {
        (Ok(answer), _) => Ok(answer::result(answer)),
        // To find what is wrong is what a check is for.
        (Err(Failure::Input(errors)), Call::Lint) => Ok(answer::result(answer::check(Err(errors), entry))),
        (Err(failure), _) => Err(failure),
    }
}

/// Says what is known about a failing step.
fn retell(failure: Failure, images: &[(Planned, Target, Compiled, Assembled)]) -> Failure {
    let secrets: Vec<_> = images.iter().flat_map(|(_, _, compiled, _)| compiled.secrets()).collect();
    retell::retell(failure, &Known { secrets: &secrets, ..Known::default() })
}

/// The plan that a target's name asks for.
struct Chosen {
    planned: Planned,
    targets: Vec<Target>,
    /// The target in it.
    name: Option<String>,
}

/// A target of the plain workspace goes before an accelerator's of the same name.
async fn choose(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    platform: &Platform,
) -> Result<Chosen, Failure> {
    let asked = request.target.as_deref();
    let variants = asked.map(|name| variant::asked(&project.config.accelerators, name)).unwrap_or_default();
    for (variant, base) in variants {
        let planned = project.plan(gateway, request, platform, Some(&variant)).await?;
        let targets = project.targets(&planned)?;
        if targets.iter().any(|target| Some(target.name.as_str()) == asked) {
            break;
        }
        if target::select(&targets, Some(base)).is_ok() {
            return Ok(Chosen { planned, targets, name: Some(base.to_owned()) });
        }
        if let Some(found) = example(gateway, request, project, &planned, Some(&variant), base).await? {
            return Ok(found);
        }
    }
    let planned = project.plan(gateway, request, platform, None).await?;
    let targets = project.targets(&planned)?;
    if let Some(asked) = asked
        && let Err(unknown) = target::select(&targets, Some(asked))
    {
        if let Some(found) = example(gateway, request, project, &planned, None, asked).await? {
            return Ok(found);
        }
        // Those of accelerators may have been meant.
        let plain = targets.iter().map(|target| target.name.clone());
        let variants = variant::all(&project.config.accelerators);
        let more =
            targets.iter().flat_map(|target| variants.iter().map(|variant| variant.name(&target.name)));
        let names: Vec<String> = plain.chain(more).collect();
        return Err(match did_you_mean(asked, names.iter().map(String::as_str)) {
            _ if unknown.code == Code::UnknownTarget
                && let Some(dormant) = planned.graph.dormant.get(asked) =>
            {
                unknown.help(match dormant {
                    Dormant::Features(features) => format!(
                        "it needs features that are not enabled: pass `--build-arg FEATURES={features}`, or name them \
                         as `features` under `[workspace.metadata.longshore]`"
                    ),
                    Dormant::Example | Dormant::ExampleLibrary => "it is an example whose `crate-type` is a library's; \
                         images are made of examples that are programs"
                        .to_owned(),
                })
            }
            Some(near) if unknown.code == Code::UnknownTarget => {
                unknown.help(format!("did you mean `{near}`?"))
            }
            _ => unknown,
        }
        .into());
    }
    Ok(Chosen { planned, targets, name: request.target.clone() })
}

/// The plan for an example, where `planned` has no program of its name but could have one.
async fn example(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    planned: &Planned,
    variant: Option<&Variant>,
    asked: &str,
) -> Result<Option<Chosen>, Failure> {
    let targets = project.targets(planned)?;
    let is_unknown =
        target::select(&targets, Some(asked)).is_err_and(|problem| problem.code == Code::UnknownTarget);
    if !is_unknown || planned.graph.dormant.get(asked) != Some(&Dormant::Example) {
        return Ok(None);
    }
    // As cargo's `--example` takes it.
    let examples = [asked.rsplit(':').next().unwrap_or(asked).to_owned()];
    let before = planned.workspace.vertex.clone();
    let mut planned = project.plan_of(gateway, request, &planned.platform, variant, &examples).await?;
    planned.before.push(before);
    let targets = project.targets(&planned)?;
    Ok(Some(Chosen { planned, targets, name: Some(asked.to_owned()) }))
}

async fn warn(gateway: &impl Gateway, warnings: &[Diagnostic]) -> Result<(), Failure> {
    for warning in warnings {
        gateway.warn(&Warning::from(warning)).await?;
    }
    Ok(())
}

/// The last second whose date image configurations can write: 9999-12-31T23:59:59Z.
const EPOCH_MAX: u64 = 253_402_300_799;

/// Refuses what cannot be built.
fn supported(request: &Request) -> Result<(), Diagnostic> {
    if request.source_date_epoch.is_some_and(|epoch| epoch > EPOCH_MAX) {
        return Err(Diagnostic::error(Code::InvalidOption, "`SOURCE_DATE_EPOCH` lies after the year 9999")
            .help("it counts seconds, not milliseconds"));
    }
    Ok(())
}
