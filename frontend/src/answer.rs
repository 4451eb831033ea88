//! Answers to `--call`: gathers what the pure answers of [`call`](crate::call) are made of.

use std::collections::BTreeMap;

use buildkit_llb::Span;

use crate::{
    assemble,
    call::{
        self, Answer, Question, Sources,
        graph::{Kind, Node},
        outline::{self, Outline},
        plan::{PlanFile, SelectionFile, Toolchain},
        targets,
    },
    context::{self, Entry, When},
    diagnostic::{Code, Diagnostic, Diagnostics},
    emit::package,
    gateway::{BuildResult, Failure, Gateway},
    named::{self, Role},
    project::{Compiled, Planned, Project},
    request::{NamedContext, Request},
    summary,
    target::{self, Target},
    units::Side,
};

/// The name under which `--call=explain` finds an earlier plan: `--build-context plan=DIRECTORY`.
const PLAN_CONTEXT: &str = "plan";

/// The file in that directory: what `--call=plan,format=json` printed.
const PLAN_FILE: &str = "plan.json";

/// The question, if the client asks one.
///
/// # Errors
/// Nobody answers it.
pub fn question(request: &Request) -> Result<Option<Question>, Diagnostic> {
    let Some(name) = &request.subrequest else { return Ok(None) };
    match Question::parse(name) {
        Some(question) => Ok(Some(question)),
        None => {
            let short = |question: &Question| question.name().trim_start_matches("frontend.").to_owned();
            let names: Vec<String> = Question::ALL.iter().map(short).collect();
            Err(Diagnostic::error(Code::UnsupportedOption, format!("this frontend cannot answer `{name}`"))
                .help(format!("`--call` takes check, {}", names.join(", "))))
        }
    }
}

/// A result that is an answer and has no filesystem.
pub fn result(answer: Answer) -> BuildResult {
    BuildResult { metadata: answer.metadata(), ..BuildResult::default() }
}

/// Everything that is wrong or could go wrong, found as far as a build would get before it compiles.
pub fn check(found: Result<Vec<Diagnostic>, Diagnostics>, entry: &Entry) -> Answer {
    let sources = Sources::of(&entry.file);
    match found {
        Ok(warnings) => call::lint::answer(&warnings, None, sources),
        Err(errors) => call::lint::answer(&[], Some(&errors), sources),
    }
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
    entry: &Entry,
    question: Question,
) -> Result<Answer, Failure> {
    let targets = target::all(&planned.plan, &project.config.images).map_err(Diagnostics::new)?;
    let wanted = request.target.as_deref().map(|name| target::select(&targets, Some(name))).transpose()?;
    let answer = match question {
        Question::Describe => call::describe::answer(),
        Question::Lint => check(Ok(project.cautions(planned)), entry),
        Question::Targets => {
            let compiled = compile(gateway, request, project, planned, &targets).await?;
            targets::answer(&target_rows(project, planned, &compiled, &targets), Sources::of(&entry.file))
        }
        Question::Outline => {
            let target = target::select(&targets, request.target.as_deref())?;
            let one = std::slice::from_ref(target);
            let compiled = compile(gateway, request, project, planned, one).await?;
            outline::answer(&outline(request, project, planned, &compiled, target), Sources::of(&entry.file))
        }
        Question::Graph | Question::GraphSvg => {
            let shown: Vec<Target> = wanted.map_or_else(|| targets.clone(), |target| vec![target.clone()]);
            let compiled = compile(gateway, request, project, planned, &shown).await?;
            let keys = compiled.outputs.values().map(|output| output.ledger.clone()).collect();
            let known = summary::known(gateway, request, &project.workshop, keys).await?;
            let nodes = nodes(planned, &compiled, &shown, &known);
            let names: Vec<&str> = shown.iter().map(|target| target.name.as_str()).collect();
            match question {
                Question::Graph => call::graph::answer(&nodes),
                _ => call::svg::answer(&format!("{} for {}", names.join(", "), planned.platform), &nodes),
            }
        }
        Question::Plan => call::plan::answer(&plan_file(project, planned), &planned.plan),
        Question::Explain => explain(gateway, request, project, planned, &targets).await?,
        Question::Bake => call::bake::answer(&call::bake::Workspace {
            file: entry.file.name().to_owned(),
            targets: targets
                .iter()
                .filter(|target| !target.is_library())
                .map(|target| target.name.clone())
                .collect(),
            platforms: project.config.platforms.clone(),
            tags: project.config.tags.clone(),
        }),
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

fn target_rows(
    project: &Project,
    planned: &Planned,
    compiled: &Compiled,
    targets: &[Target],
) -> Vec<targets::Row> {
    let default = target::select(targets, None).ok().map(|target| target.name.clone());
    targets
        .iter()
        .map(|target| {
            let package = target.package();
            targets::Row {
                name: target.name.clone(),
                is_default: Some(&target.name) == default.as_ref(),
                description: package.and_then(|package| planned.graph.package(package).description.clone()),
                base: assemble::base_name(project, planned, compiled, target),
                span: span(compiled, target),
            }
        })
        .collect()
}

fn span(compiled: &Compiled, target: &Target) -> Option<Span> {
    target.package().and_then(|package| compiled.members.spans.get(&package)).cloned()
}

fn outline(
    request: &Request,
    project: &Project,
    planned: &Planned,
    compiled: &Compiled,
    target: &Target,
) -> Outline {
    let built_in = |name: &str, description: &str, value: Option<String>| outline::Arg {
        name: name.to_owned(),
        description: description.to_owned(),
        value,
        span: None,
    };
    let description = target.package().and_then(|package| planned.graph.package(package).description.clone());
    let selection = &planned.selection;
    Outline {
        name: target.name.clone(),
        description: description.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
        args: project
            .config
            .args
            .iter()
            .map(|(name, arg)| outline::Arg {
                name: name.to_owned(),
                description: arg.description.clone(),
                value: Some(arg.value.clone()),
                span: Some(arg.span.clone()),
            })
            .chain([
                built_in(
                    "FEATURES",
                    "features to enable besides those of the settings",
                    request.build_args.get("FEATURES").cloned(),
                ),
                built_in("PROFILE", "cargo's profile", Some(selection.profile.clone())),
                built_in(
                    "RUSTFLAGS",
                    "flags for every compilation for the target platform",
                    Some(selection.rustflags.clone()),
                ),
            ])
            .collect(),
        secrets: compiled
            .members
            .configs
            .values()
            .flat_map(|config| &config.secrets)
            .map(|secret| outline::Secret {
                name: secret.id.clone(),
                required: secret.required,
                span: Some(secret.span.clone()),
            })
            .collect(),
        caches: compiled
            .outputs
            .keys()
            .filter_map(|id| package::cache_id(&planned.graph, &planned.plan, *id, &planned.cache_prefix))
            .collect(),
    }
}

/// The graph with what the ledger knows: what compiles, and the images on top.
fn nodes(
    planned: &Planned,
    compiled: &Compiled,
    targets: &[Target],
    known: &BTreeMap<String, longshore_helper::report::Entry>,
) -> Vec<Node> {
    let mut places = BTreeMap::new();
    let mut nodes = Vec::new();
    for (id, output) in &compiled.outputs {
        let vertex = planned.plan.vertex(*id);
        let is_member = planned.graph.package(vertex.package).member_directory().is_some();
        let entry = known.get(&output.ledger);
        places.insert(*id, nodes.len());
        nodes.push(Node {
            id: vertex.output().to_owned(),
            name: package::name(&planned.graph, &planned.plan, *id),
            kind: match (is_member, vertex.side) {
                (true, _) => Kind::Member,
                (false, Side::Host) => Kind::HostCrate,
                (false, Side::Target) => Kind::Crate,
            },
            inputs: vertex.inputs.iter().map(|input| places[input]).collect(),
            seconds: entry.map(|entry| entry.seconds),
            bytes: entry.map(|entry| entry.bytes),
        });
    }
    for target in targets {
        nodes.push(Node {
            id: format!("image:{}", target.name),
            name: format!("[image] {}", target.name),
            kind: Kind::Image,
            inputs: target.artifacts.iter().map(|artifact| places[&artifact.vertex]).collect(),
            seconds: None,
            bytes: None,
        });
    }
    nodes
}

fn plan_file(project: &Project, planned: &Planned) -> PlanFile {
    let recording = &planned.workspace.recording;
    let toolchain = Toolchain {
        image: project.config.toolchain.reference.familiar(),
        digest: project.toolchain.identity.to_string(),
        cargo: first_line(&recording.cargo),
        rustc: first_line(&recording.rustc),
    };
    let selection = SelectionFile {
        platform: planned.platform.to_string(),
        target: planned.selection.target.clone(),
        profile: planned.selection.profile.clone(),
        features: planned.selection.features.clone(),
    };
    PlanFile::new(toolchain, selection, &project.lock, &planned.graph, &planned.plan)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

async fn explain(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    planned: &Planned,
    targets: &[Target],
) -> Result<Answer, Failure> {
    let now = plan_file(project, planned);
    if let Some((name, context)) = request.contexts.find(PLAN_CONTEXT, &request.build_platform) {
        let before = earlier_plan(gateway, request, name, context).await?;
        return Ok(call::explain::changes(&before, &now));
    }
    let compiled = compile(gateway, request, project, planned, targets).await?;
    let members = compiled.members.outside.iter().map(|(package, outside)| {
        let package = planned.graph.package(*package);
        let own = package.member_directory().map(|directory| match directory.as_str() {
            "" => "the workspace's files".to_owned(),
            directory => format!("{directory}/"),
        });
        let paths = own.into_iter().chain(outside.iter().map(ToString::to_string)).collect();
        (package.name.clone(), paths)
    });
    Ok(call::explain::inputs(&now, &members.collect()))
}

async fn earlier_plan(
    gateway: &impl Gateway,
    request: &Request,
    name: &str,
    named: &NamedContext,
) -> Result<PlanFile, Failure> {
    let missing = || {
        Diagnostic::error(Code::InvalidContext, format!("the context `{PLAN_CONTEXT}` has no file `{PLAN_FILE}`"))
            .help("write one with `--call=plan,format=json > DIRECTORY/plan.json`, and pass `--build-context plan=DIRECTORY`")
    };
    let loaded = named::load(gateway, request, named, name, &request.build_platform, Role::Files).await?;
    let reference = context::solve(gateway, request, &loaded.state, When::Used).await?;
    let Some(data) = context::read_optional(gateway, &reference, PLAN_FILE).await? else {
        return Err(missing().into());
    };
    PlanFile::parse(&data).map_err(|why| {
        let message = format!("`{PLAN_FILE}` of the context `{PLAN_CONTEXT}` is no plan: {why}");
        Diagnostic::error(Code::InvalidContext, message)
            .help("write it anew with `--call=plan,format=json`")
            .into()
    })
}
