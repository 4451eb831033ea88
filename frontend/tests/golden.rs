//! Goldens: for every case of testdata that has a recording, the plan, the graph of its image, and the image's
//! configuration, as text in `expect/`; for some, answers to `--call`. One test for each file; `UPDATE_EXPECT=1`
//! writes them.
//!
//! `UPDATE_RECORDING=1` makes the recordings anew instead; see `shared/record.rs`.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

#[path = "shared/daemon.rs"]
mod daemon;
#[path = "shared/project.rs"]
mod project;
#[path = "shared/record.rs"]
mod record;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;

use buildkit_llb::SourceFile;
use libtest_mimic::{Arguments, Failed, Trial};
use longshore::call::{
    bake::{self, Bake},
    explain,
    graph::Graph,
    plan::{Document, Settings},
    targets::{self, TargetRow},
};
use longshore::lock::Lock;
use longshore::plan::Plan;
use longshore::units::UnitGraph;
use longshore_helper::recording::{METADATA_FILE, RECORDING_FILE, Recording};
use project::{Project, testdata};
use prost::Message as _;

/// Too large to review as a whole: its goldens are summaries.
const SUMMARISED: &[&str] = &["inference"];

/// Those whose answers to `--call` are goldens: the smallest, one with build scripts, one with many packages.
const ASKED: &[&str] = &["hello", "inference", "links"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut cases: Vec<String> = fs::read_dir(testdata())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    cases.sort();
    if env::var_os("UPDATE_RECORDING").is_some() {
        for name in
            cases.iter().filter(|name| arguments.filter.as_ref().is_none_or(|only| name.contains(only)))
        {
            runtime.block_on(record::record(name));
        }
        return ExitCode::SUCCESS;
    }
    let mut trials = vec![Trial::test("every case that can be planned has a recording", {
        let cases = cases.clone();
        move || has_recordings(&cases)
    })];
    for name in cases {
        let project = Project::load(&name);
        if project.recorded.contains_key(RECORDING_FILE) {
            let (runs, shuffled) = (bytes(&runtime, &project), bytes(&runtime, &shuffled(&project)));
            if SUMMARISED.contains(&name.as_str()) {
                let size: usize = runs.iter().map(Vec::len).max().unwrap();
                trials.push(Trial::test(format!("{name} stays small"), move || small(size)));
            }
            trials.push(Trial::test(
                format!("{name} has the same graphs from a shuffled recording"),
                move || {
                    if runs == shuffled {
                        Ok(())
                    } else {
                        Err("a graph depends on the order of its input".into())
                    }
                },
            ));
            let texts = texts(&runtime, &name, &project);
            let made: Vec<&str> = texts.iter().map(|(file, _)| *file).collect();
            let missing = left_over(&name, &made);
            trials.push(Trial::test(format!("{name} makes all of its goldens"), move || {
                if missing.is_empty() { Ok(()) } else { Err(format!("nothing makes {missing:?}").into()) }
            }));
            for (file, text) in texts {
                let path = format!("{name}/expect/{file}");
                trials.push(Trial::test(path.clone(), move || check(&path, &text)));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// No message may be over 16 MiB, and a graph grows with packages times what each sees. This one is of 138 vertices that
/// compile; one of 756 took 5.1 MB then, one of 1,187 locked packages 9.4 MB.
fn small(bytes: usize) -> Result<(), Failed> {
    if bytes < 800_000 { Ok(()) } else { Err(format!("its largest graph has {bytes} bytes").into()) }
}

/// Files of a case's `expect/` that it does not make: it was refused where it had been built.
fn left_over(name: &str, made: &[&str]) -> Vec<String> {
    let entries = fs::read_dir(testdata().join(name).join("expect")).into_iter().flatten();
    // What a client prints of an error is for the tests on an engine.
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "error.txt" && !made.contains(&name.as_str())).collect()
}

/// A new case must not be left out of the goldens by oversight: all have one but those refused before cargo is asked,
/// `build-tools`, `candle` and `large`, whose would be megabytes of what other cases show, `git-dependency` and `registry`, whose
/// servers tests make, and `monorepo`, whose manifest is not at the root.
fn has_recordings(cases: &[String]) -> Result<(), Failed> {
    let without: Vec<&String> = cases.iter().filter(|name| Project::load(name).recorded.is_empty()).collect();
    let expected = [
        "build-tools",
        "candle",
        "error-no-lock",
        "error-toml-syntax",
        "error-unknown-key",
        "git-dependency",
        "large",
        "monorepo",
        "registry",
    ];
    if without == expected { Ok(()) } else { Err(format!("{without:?} have no recording").into()) }
}

/// The goldens of one case: file name and text. A build that is refused has no graph.
fn texts(runtime: &tokio::runtime::Runtime, name: &str, project: &Project) -> Vec<(&'static str, String)> {
    let plan = plan(project);
    let mut texts = if ASKED.contains(&name) { answers(project, &plan) } else { Vec::new() };
    if SUMMARISED.contains(&name) {
        texts.retain(|(file, _)| !["explain.txt", "graph.svg"].contains(file));
        texts.push(("plan.txt", summary(&plan)));
        return texts;
    }
    texts.push(("plan.txt", plan.to_string()));
    let built = runtime.block_on(daemon::build(project));
    if let Some(image) = built.graph("[image]") {
        texts.push(("llb.txt", without_requests(&image.definition().to_string())));
        let config = built.metadata("containerimage.config").unwrap();
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        texts.push(("image.json", serde_json::to_string_pretty(&config).unwrap() + "\n"));
    }
    texts
}

/// What `--call` answers about all targets of the case.
fn answers(project: &Project, plan: &Plan) -> Vec<(&'static str, String)> {
    let graph = units(project);
    let all = longshore::target::all(plan, &BTreeMap::new()).unwrap();
    let pretty = |value: serde_json::Value| serde_json::to_string_pretty(&value).unwrap() + "\n";

    let rows: Vec<TargetRow> = plan
        .targets
        .iter()
        .map(|target| TargetRow {
            name: target.name.clone(),
            description: graph.package(target.package).description.clone(),
            ..TargetRow::default()
        })
        .collect();
    let file = Bake {
        variants: Vec::new(),
        context: ".".to_owned(),
        dockerfile: "Cargo.toml".to_owned(),
        targets: plan.targets.iter().map(|target| target.name.clone()).collect(),
        tags: vec!["example.org/{target}:latest".to_owned()],
        platforms: Vec::new(),
    };
    let lock = SourceFile::new("Cargo.lock", "TOML", project.files["Cargo.lock"].clone());
    let settings = Settings {
        toolchain: "rust:1.95-bookworm".to_owned(),
        toolchain_digest: format!("sha256:{}", "0".repeat(64)),
        ..Settings::default()
    };
    let document = Document::new(settings, &graph, plan, &Lock::parse(&lock).unwrap(), &BTreeMap::default());
    let graph = Graph::new(&graph, plan, &all, &BTreeMap::new());
    vec![
        ("bake.json", bake::answer(&file).text),
        ("explain.txt", explain::answer(&document, None).text),
        ("graph.svg", graph.answer_svg().text),
        ("graph.txt", graph.answer().text),
        ("targets.json", pretty(targets::answer(&rows).json)),
    ]
}

/// The same in another order: calls, packages, and what is listed in them.
fn shuffled(project: &Project) -> Project {
    let mut project = project.clone();
    for (file, list) in [(RECORDING_FILE, "calls"), (METADATA_FILE, "packages")] {
        let mut value: serde_json::Value = serde_json::from_slice(&project.recorded[file]).unwrap();
        let items = value[list].as_array_mut().unwrap();
        items.reverse();
        // Neither the old order nor its reverse.
        let middle = items.len() / 2;
        items.rotate_left(middle);
        project.recorded.insert(file.to_owned(), serde_json::to_vec(&value).unwrap());
    }
    project
}

/// Every graph that the builds of all targets hand to the daemon, metadata and source maps included.
fn bytes(runtime: &tokio::runtime::Runtime, project: &Project) -> Vec<Vec<u8>> {
    let mut graphs = Vec::new();
    for target in plan(project).targets {
        let options = [("target".to_owned(), target.name)];
        let built = runtime.block_on(daemon::build_with(&options, daemon::daemon(project)));
        let solved = built.transcript.solved();
        graphs.extend(solved.iter().map(|request| request.definition.as_ref().unwrap().encode_to_vec()));
    }
    assert!(graphs.len() > 3, "only {} graphs", graphs.len());
    graphs
}

fn plan(project: &Project) -> Plan {
    Plan::new(&units(project))
}

fn units(project: &Project) -> UnitGraph {
    let recording: Recording = serde_json::from_slice(&project.recorded[RECORDING_FILE]).unwrap();
    let metadata = serde_json::from_slice(&project.recorded[METADATA_FILE]).unwrap();
    UnitGraph::new(&recording, &metadata).unwrap()
}

/// Vertices and what they see, without what they run.
fn summary(plan: &Plan) -> String {
    let mut text = String::new();
    for vertex in &plan.vertices {
        let inputs: Vec<&str> = vertex.inputs.iter().map(|id| plan.vertex(*id).output()).collect();
        writeln!(text, "{} ({} steps) <- {}", vertex.output(), vertex.spec.steps.len(), inputs.join(" "))
            .unwrap();
    }
    for target in &plan.targets {
        let vertices = plan.closure([target.vertex]).len();
        writeln!(text, "target {} needs {vertices} of {}", target.name, plan.vertices.len()).unwrap();
    }
    text
}

/// What a vertex runs is in the plan's golden, where it can be read.
fn without_requests(text: &str) -> String {
    let lines = text.lines().map(|line| match line.trim_start().strip_prefix("env LONGSHORE_REQUEST_") {
        Some(_) => "    env LONGSHORE_REQUEST_0=$REQUEST",
        None => line,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn check(path: &str, text: &str) -> Result<(), Failed> {
    let file = testdata().join(path);
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(file.parent().unwrap())?;
        fs::write(&file, text)?;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if expected == text {
        return Ok(());
    }
    let at = expected.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
    Err(format!(
        "testdata/{path} is another from line {}:\n  was {}\n  is  {}\nrun with UPDATE_EXPECT=1 and read the diff",
        at + 1,
        expected.lines().nth(at).unwrap_or("(the end)"),
        text.lines().nth(at).unwrap_or("(the end)"),
    )
    .into())
}
