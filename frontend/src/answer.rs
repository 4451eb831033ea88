//! Answers to `--call`: gathers what the pure answers of [`call`](crate::call) are made of.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{Digest, Span, State};

use crate::{
    assemble,
    call::{
        self, Answer, Call,
        bake::{Bake, Variant as BakeVariant},
        graph::{Graph, Known},
        outline::{self, ArgRow, CacheRow, Outline, SecretRow},
        plan::{Document, MemberFiles, Settings},
        targets::TargetRow,
    },
    context::{self, Entry, When},
    diagnostic::{Code, Diagnostic, Diagnostics},
    emit::package,
    gateway::{BuildResult, Failure, Gateway},
    lint::{self, Facts},
    named::{self, Role},
    plan::VertexId,
    project::{Compiled, HELPER_IN_IMAGE, Planned, Project},
    request::{NamedContext, Request},
    summary,
    target::{self, Target},
    units::PackageIx,
    variant,
};

/// The name under which `--call=explain` finds an earlier plan: `--build-context plan=DIRECTORY`.
const PLAN_CONTEXT: &str = "plan";

/// The file in that directory: what `--call=plan,format=json` printed.
const PLAN_FILE: &str = "plan.json";

/// The question, if the client asks one.
///
/// # Errors
/// Nobody answers it.
pub fn question(request: &Request) -> Result<Option<Call>, Diagnostic> {
    let Some(name) = &request.subrequest else { return Ok(None) };
    match Call::parse(name) {
        Some(question) => Ok(Some(question)),
        None => {
            let short = |call: &Call| format!("`{}`", call.request_id().trim_start_matches("frontend."));
            let names: Vec<String> = Call::ALL.iter().map(short).collect();
            Err(Diagnostic::error(Code::UnsupportedOption, format!("this frontend cannot answer `{name}`"))
                .help(format!("`--call` takes `check`, {}", names.join(", "))))
        }
    }
}

/// A result that is an answer and has no filesystem.
pub fn result(answer: Answer) -> BuildResult {
    BuildResult { metadata: answer.metadata(), ..BuildResult::default() }
}

/// Everything that is wrong or could go wrong, found as far as a build would get before it compiles.
pub fn check(found: Result<Vec<Diagnostic>, Diagnostics>, entry: &Entry) -> Answer {
    match found {
        Ok(warnings) => call::lint::answer(&warnings, None, &entry.file),
        Err(errors) => call::lint::answer(&[], Some(&errors), &entry.file),
    }
}

/// What a vertex of the graph sees.
fn seen(planned: &Planned, ids: &[VertexId]) -> lint::Seen {
    let plan = &planned.plan;
    let own = plan.vertex(ids[0]).shared_output();
    let below: BTreeMap<&str, bool> = ids
        .iter()
        .flat_map(|id| &plan.vertex(*id).inputs)
        .map(|input| plan.vertex(*input))
        .map(|below| {
            let is_member = planned.graph.package(below.package).member_directory().is_some();
            (below.shared_output(), below.bundle.is_some() || is_member)
        })
        .filter(|(output, _)| *output != own)
        .collect();
    let by_contents = below.values().filter(|by_contents| **by_contents).count();
    lint::Seen { by_origin: below.len() - by_contents, by_contents }
}

/// Answers a question about a planned workspace.
///
/// # Errors
/// The target does not exist, or the daemon cannot be asked.
pub async fn answer(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    planned: &Planned,
    asked: Option<&str>,
    entry: &Entry,
    question: Call,
) -> Result<Answer, Failure> {
    let targets = project.targets(planned)?;
    let wanted = asked.map(|name| target::select(&targets, Some(name))).transpose()?;
    let answer = match question {
        Call::Describe => call::describe::answer(),
        Call::Lint => {
            let compiled = compile(gateway, request, project, planned, &targets).await?;
            let mut warnings = project.cautions(planned);
            warnings.extend(project.config.args.undeclared(&request.build_args));
            warnings.extend(lint::workspace(&project.config, None));
            let is_bundled = planned.plan.vertices.iter().any(|vertex| vertex.bundle.is_some());
            for target in targets.iter().filter(|target| !target.is_library()) {
                let settings = assemble::settings(project, planned, &compiled, target);
                let facts = Facts {
                    name: &target.name,
                    span: span(project, &compiled, target),
                    settings: &settings,
                    is_bare: assemble::base_name(project, planned, &compiled, target).is_none(),
                };
                warnings.extend(lint::image(&facts));
                let wanted = target.artifacts.iter().map(|artifact| artifact.vertex);
                let wanted = planned.plan.closure_of_bundles(wanted);
                let together = planned.plan.together(&wanted);
                let seen = together.iter().map(|ids| seen(planned, ids));
                warnings.extend(lint::cache(&target.name, is_bundled, seen));
            }
            check(Ok(warnings), entry)
        }
        Call::Targets => {
            let compiled = compile(gateway, request, project, planned, &targets).await?;
            let mut rows = target_rows(project, planned, &compiled, &targets);
            if planned.variant.is_none() {
                rows.extend(variant_rows(project, &rows, &targets));
            }
            call::targets::answer(&rows)
        }
        Call::Outline => {
            let target = target::select(&targets, asked)?;
            let one = std::slice::from_ref(target);
            let compiled = compile(gateway, request, project, planned, one).await?;
            outline::answer(&outline(project, planned, &compiled, target))
        }
        Call::Graph | Call::GraphSvg => {
            let shown: Vec<Target> = wanted.map_or_else(|| targets.clone(), |target| vec![target.clone()]);
            let compiled = compile(gateway, request, project, planned, &shown).await?;
            let keys = compiled.ledger();
            let entries = summary::known(gateway, request, &project.workshop, keys).await?;
            let known = compiled.outputs.iter().filter_map(|(id, output)| {
                let entry = entries.get(&output.ledger)?;
                Some((*id, Known { seconds: entry.seconds, bytes: entry.bytes }))
            });
            let graph = Graph::new(&planned.graph, &planned.plan, &shown, &known.collect());
            if question == Call::Graph { graph.answer() } else { graph.answer_svg() }
        }
        Call::Plan => {
            let compiled = compile(gateway, request, project, planned, &targets).await?;
            document(gateway, request, project, planned, &compiled).await?.answer(&planned.plan)
        }
        Call::Explain => {
            let compiled = compile(gateway, request, project, planned, &targets).await?;
            let before = match request.contexts.find(PLAN_CONTEXT, &request.build_platform) {
                Some((name, context)) => Some(earlier_plan(gateway, request, name, context).await?),
                None => None,
            };
            let now = document(gateway, request, project, planned, &compiled).await?;
            call::explain::answer(&now, before.as_ref())
        }
        Call::Bake => {
            let shown: Vec<Target> = wanted.map_or_else(|| targets.clone(), |target| vec![target.clone()]);
            // Where secrets come from is for whoever builds to say: bake refuses a file with one that is not there.
            let images = shown.iter().filter(|target| !target.is_library());
            call::bake::answer(&Bake {
                context: ".".to_owned(),
                dockerfile: entry.file.name().to_owned(),
                targets: images.map(|target| target.name.clone()).collect(),
                variants: variant::all(&project.config.accelerators)
                    .into_iter()
                    .filter(|variant| !variant.is_short())
                    .map(|variant| BakeVariant {
                        suffix: variant.suffix,
                        platforms: variant.accelerator.platforms.iter().map(ToString::to_string).collect(),
                    })
                    .collect(),
                tags: project.config.tags.clone(),
                platforms: project.config.platforms.clone(),
            })
        }
    };
    Ok(answer)
}

async fn compile(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    planned: &Planned,
    targets: &[Target],
) -> Result<Compiled, Failure> {
    let vertices = targets.iter().flat_map(|target| target.artifacts.iter().map(|artifact| artifact.vertex));
    project.compile(gateway, request, planned, vertices).await
}

/// What accelerators make of the targets.
fn variant_rows(project: &Project, rows: &[TargetRow], targets: &[Target]) -> Vec<TargetRow> {
    let variants = variant::all(&project.config.accelerators);
    let images = rows.iter().zip(targets).filter(|(_, target)| !target.is_library());
    images
        .flat_map(|(row, target)| {
            variants.iter().map(move |variant| TargetRow {
                name: variant.name(&target.name),
                description: Some(variant.about()),
                base: match &variant.accelerator.runtime.base {
                    Some(base) => base.image(false).map(|name| name.reference.familiar()),
                    None => row.base.clone(),
                },
                platform: None,
                place: Some(variant.accelerator.span.clone()),
            })
        })
        .collect()
}

fn target_rows(
    project: &Project,
    planned: &Planned,
    compiled: &Compiled,
    targets: &[Target],
) -> Vec<TargetRow> {
    let row = |target: &Target| {
        let package = target.package();
        TargetRow {
            name: target.name.clone(),
            description: package.and_then(|package| planned.graph.package(package).description.clone()),
            base: assemble::base_name(project, planned, compiled, target),
            platform: None,
            place: span(project, compiled, target).cloned(),
        }
    };
    targets.iter().map(row).collect()
}

/// Where the user declared a target.
fn span<'a>(project: &'a Project, compiled: &'a Compiled, target: &Target) -> Option<&'a Span> {
    let declared = target.declared(&project.config.images).and_then(|table| table.span.as_ref());
    declared.or_else(|| target.package().and_then(|package| compiled.members.spans.get(&package)))
}

fn outline(project: &Project, planned: &Planned, compiled: &Compiled, target: &Target) -> Outline {
    let selection = &planned.selection;
    let declared = project.config.args.iter().map(|(name, arg)| ArgRow {
        name: name.to_owned(),
        description: Some(arg.description.clone()).filter(|text| !text.is_empty()),
        value: Some(arg.value.clone()),
        place: Some(arg.span.clone()),
    });
    let built_in = outline::built_in_args(selection);
    let secrets = compiled.members.configs.values().flat_map(|config| &config.secrets);
    let caches = compiled.outputs.keys();
    Outline {
        name: planned.title(target),
        description: target.package().and_then(|package| planned.graph.package(package).description.clone()),
        args: declared.chain(built_in).collect(),
        secrets: secrets
            .map(|secret| SecretRow {
                name: secret.id.clone(),
                required: secret.required,
                place: Some(secret.span.clone()),
            })
            .collect(),
        caches: caches
            .filter_map(|id| {
                let toolkit = compiled.toolkit.as_ref().filter(|toolkit| toolkit.seen_by.contains(id));
                package::cache_id(&planned.graph, &planned.plan, *id, &planned.cache_prefix, toolkit)
            })
            .collect::<BTreeSet<String>>()
            .into_iter()
            .map(|id| CacheRow { id, place: None })
            .collect(),
    }
}

/// The plan with everything that keys hold, members' files too.
async fn document(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    planned: &Planned,
    compiled: &Compiled,
) -> Result<Document, Failure> {
    let recording = &planned.workspace.recording;
    let settings = Settings {
        toolchain: project.config.toolchain.reference.familiar(),
        toolchain_digest: project.identity.to_string(),
        helper: helper_digest(),
        rustc: first_line(&recording.rustc),
        cargo: first_line(&recording.cargo),
        host: recording.host.clone(),
        target: planned.selection.target.clone(),
        profile: planned.selection.profile.clone(),
    };
    let own: Vec<&State> = compiled.own.values().collect();
    let digests = summary::digests(gateway, request, &project.workshop, own).await?;
    let digests: BTreeMap<PackageIx, _> = compiled.own.keys().copied().zip(digests).collect();
    let members = compiled.members.outside.iter().map(|(package, outside)| {
        (*package, MemberFiles { outside: outside.clone(), digests: digests.get(package).cloned() })
    });
    Ok(Document::new(settings, &planned.graph, &planned.plan, &project.lock, &members.collect()))
}

/// That of the helper, which lies beside the frontend in their image; elsewhere there is none to ask.
fn helper_digest() -> Option<String> {
    let helper = std::fs::read(HELPER_IN_IMAGE).ok()?;
    Some(Digest::of(&helper).to_string())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

async fn earlier_plan(
    gateway: &impl Gateway,
    request: &Request,
    name: &str,
    named: &NamedContext,
) -> Result<Document, Failure> {
    let missing = || {
        Diagnostic::error(Code::InvalidContext, format!("the context `{PLAN_CONTEXT}` has no file `{PLAN_FILE}`"))
            .help("write one with `--call=plan,format=json > DIRECTORY/plan.json`, and pass `--build-context plan=DIRECTORY`")
    };
    let loaded = named::load(gateway, request, named, name, &request.build_platform, Role::Files).await?;
    let reference = context::solve(gateway, request, &loaded.state, When::Used).await?;
    let Some(data) = context::read_optional(gateway, &reference, PLAN_FILE).await? else {
        return Err(missing().into());
    };
    Ok(Document::read(&data)?)
}
