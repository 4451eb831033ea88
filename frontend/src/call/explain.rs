//! Why a step runs: what its key holds, and what of that has changed since an earlier plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use longshore_helper::spec::{Spec, Step};
use serde_json::{Value, json};

use super::Answer;
use super::plan::{PlanFile, VertexFile};

/// Why a vertex is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Toolchain,
    New,
    Version { from: String },
    Checksum,
    Arguments,
    Environment(Vec<String>),
    Inputs { more: Vec<String>, fewer: Vec<String> },
    Below(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Toolchain => f.write_str("the toolchain image is another"),
            Cause::New => f.write_str("it is new"),
            Cause::Version { from } => write!(f, "its version was {from}"),
            Cause::Checksum => f.write_str("its checksum in Cargo.lock is another"),
            Cause::Arguments => f.write_str("its command lines are others (features, profile, flags)"),
            Cause::Environment(names) => write!(f, "its environment is another: {}", names.join(", ")),
            Cause::Inputs { more, fewer } => {
                let mut text = Vec::new();
                if !more.is_empty() {
                    text.push(format!("it now uses {}", more.join(", ")));
                }
                if !fewer.is_empty() {
                    text.push(format!("it no longer uses {}", fewer.join(", ")));
                }
                f.write_str(&text.join(", "))
            }
            Cause::Below(name) => write!(f, "{name} below it changes"),
        }
    }
}

/// What each vertex depends on. `members` are the paths that a member's vertices see, by the member's name.
pub fn inputs(plan: &PlanFile, members: &BTreeMap<String, Vec<String>>) -> Answer {
    let mut text = format!(
        "{} vertices, compiled by {} in {}\n",
        plan.vertices.len(),
        plan.toolchain.rustc,
        plan.toolchain.image
    );
    let mut vertices = Vec::new();
    for vertex in &plan.vertices {
        let sources = match members.get(&vertex.package).filter(|_| vertex.member) {
            Some(paths) => paths.clone(),
            None => {
                let name = format!("{} {}", vertex.package, vertex.package_version);
                plan.checksums.get(&name).map(|checksum| format!("sha256:{checksum}")).into_iter().collect()
            }
        };
        text += &format!("\n{}\n", name(vertex));
        text += &format!("  source   {}\n", sources.join(", "));
        if !vertex.inputs.is_empty() {
            text += &format!("  below    {}\n", labels(plan, &vertex.inputs).join(", "));
        }
        text += &format!("  runs     {}\n", steps(&vertex.runs).join(", "));
        vertices.push(
            json!({ "id": vertex.id, "name": name(vertex), "sources": sources, "inputs": vertex.inputs }),
        );
    }
    text += "\nEach also depends on the toolchain image, the helper, its command lines and its environment: see --call=plan.\n";
    Answer { json: json!({ "vertices": vertices }), text, status: None }
}

/// What has changed since `before`, and what that runs again. What files contain is not in a plan.
pub fn changes(before: &PlanFile, now: &PlanFile) -> Answer {
    let mut causes: BTreeMap<&str, BTreeSet<Cause>> = BTreeMap::new();
    // Dependencies come first, so what is below a vertex has its causes already.
    for vertex in &now.vertices {
        let mut own = own_causes(before, now, vertex);
        for input in &vertex.inputs {
            if causes.contains_key(input.as_str())
                && let Some(below) = now.vertices.iter().find(|vertex| vertex.id == *input)
            {
                own.insert(Cause::Below(name(below)));
            }
        }
        if !own.is_empty() {
            causes.insert(&vertex.id, own);
        }
    }
    let gone: Vec<String> = before
        .vertices
        .iter()
        .filter(|old| !now.vertices.iter().any(|vertex| is_same(old, vertex)))
        .map(name)
        .collect();

    let mut text = format!("{} of {} vertices run again", causes.len(), now.vertices.len());
    text += if causes.is_empty() { ": nothing of the plan has changed\n" } else { "\n" };
    let mut list: Vec<Value> = Vec::new();
    for vertex in &now.vertices {
        let Some(causes) = causes.get(vertex.id.as_str()) else { continue };
        text += &format!("\n{}\n", name(vertex));
        // Why it changes itself goes before what changes below it.
        let own: Vec<&Cause> = causes.iter().filter(|cause| !matches!(cause, Cause::Below(_))).collect();
        let shown: Vec<&Cause> = if own.is_empty() { causes.iter().collect() } else { own };
        for cause in shown {
            text += &format!("  {cause}\n");
        }
        let causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
        list.push(json!({ "id": vertex.id, "name": name(vertex), "causes": causes }));
    }
    if !gone.is_empty() {
        text += &format!("\nno longer built: {}\n", gone.join(", "));
    }
    text += "\nA plan knows no contents of files: members whose own files have changed run as well.\n";
    let json = json!({ "vertices": now.vertices.len(), "changed": list, "gone": gone });
    Answer { json, text, status: None }
}

fn own_causes(before: &PlanFile, now: &PlanFile, vertex: &VertexFile) -> BTreeSet<Cause> {
    let mut causes = BTreeSet::new();
    if before.toolchain.digest != now.toolchain.digest {
        causes.insert(Cause::Toolchain);
    }
    // The same output directory, or the same part of a package that has another version now.
    let old = before.vertices.iter().find(|old| old.id == vertex.id).or_else(|| {
        let mut others = before.vertices.iter().filter(|old| is_same(old, vertex));
        others.next().filter(|_| others.next().is_none())
    });
    let Some(old) = old else {
        causes.insert(Cause::New);
        return causes;
    };
    if old.package_version != vertex.package_version {
        causes.insert(Cause::Version { from: old.package_version.clone() });
        return causes;
    }
    let checksum = |plan: &PlanFile| {
        plan.checksums.get(&format!("{} {}", vertex.package, vertex.package_version)).cloned()
    };
    if checksum(before) != checksum(now) {
        causes.insert(Cause::Checksum);
    }
    if arguments(&old.runs) != arguments(&vertex.runs) {
        causes.insert(Cause::Arguments);
    }
    let (was, is) = (environment(&old.runs), environment(&vertex.runs));
    let names: BTreeSet<&String> =
        was.keys().chain(is.keys()).filter(|name| was.get(*name) != is.get(*name)).collect();
    if !names.is_empty() {
        causes.insert(Cause::Environment(names.into_iter().cloned().collect()));
    }
    let without = |one: &[String], other: &[String], plan: &PlanFile| -> Vec<String> {
        let missing: Vec<String> = one.iter().filter(|id| !other.contains(id)).cloned().collect();
        labels(plan, &missing)
    };
    let more = without(&vertex.inputs, &old.inputs, now);
    let fewer = without(&old.inputs, &vertex.inputs, before);
    if !more.is_empty() || !fewer.is_empty() {
        causes.insert(Cause::Inputs { more, fewer });
    }
    causes
}

/// The same part of the same package, of whatever version.
fn is_same(one: &VertexFile, other: &VertexFile) -> bool {
    (&one.package, &one.side, &one.bin, one.member) == (&other.package, &other.side, &other.bin, other.member)
}

fn labels(plan: &PlanFile, ids: &[String]) -> Vec<String> {
    ids.iter()
        .map(|id| plan.vertices.iter().find(|vertex| vertex.id == *id).map_or_else(|| id.clone(), name))
        .collect()
}

fn name(vertex: &VertexFile) -> String {
    let detail = match (&vertex.bin, vertex.side.as_str()) {
        (Some(bin), _) => format!(" (bin \"{bin}\")"),
        (None, "host") => " (host)".to_owned(),
        _ => String::new(),
    };
    format!("{} {}{detail}", vertex.package, vertex.package_version)
}

fn steps(spec: &Spec) -> Vec<String> {
    let name = |step: &Step| match step {
        Step::Rustc(step) => step.name.clone(),
        Step::BuildScript(step) => format!("{}: build script runs", step.name),
    };
    spec.steps.iter().map(name).collect()
}

fn arguments(spec: &Spec) -> Vec<&Vec<String>> {
    spec.steps
        .iter()
        .filter_map(|step| match step {
            Step::Rustc(step) => Some(&step.args),
            Step::BuildScript(_) => None,
        })
        .collect()
}

fn environment(spec: &Spec) -> BTreeMap<String, String> {
    let mut all = spec.env.clone();
    for step in &spec.steps {
        all.extend(match step {
            Step::Rustc(step) => step.env.clone(),
            Step::BuildScript(step) => step.env.clone(),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{
        call::plan::{SelectionFile, Toolchain},
        lock::{Lock, LockedPackage},
        plan::Plan,
        units::fixture::graph,
    };

    fn plan(lines: &str, checksum: &str) -> PlanFile {
        let graph = graph(lines);
        let plan = Plan::new(&graph);
        let locked = LockedPackage {
            name: "log".to_owned(),
            version: "1.0.0".to_owned(),
            checksum: checksum.to_owned(),
        };
        let toolchain = Toolchain {
            image: "rust:1".to_owned(),
            digest: "sha256:1".to_owned(),
            cargo: "cargo 1".to_owned(),
            rustc: "rustc 1".to_owned(),
        };
        let selection = SelectionFile {
            platform: "linux/amd64".to_owned(),
            target: "x".to_owned(),
            profile: "release".to_owned(),
            features: Vec::new(),
        };
        PlanFile::new(toolchain, selection, &Lock { packages: vec![locked] }, &graph, &plan)
    }

    const LINES: &str =
        "log@1.0.0 lib target\nused lib target -> log@1.0.0\nalone lib target\nserver bin target -> used";

    #[test]
    fn the_same_plan_runs_nothing() {
        let now = plan(LINES, "a");
        let read = PlanFile::parse(&serde_json::to_vec(&now).unwrap()).unwrap();
        assert_eq!(read, now);
        let answer = changes(&read, &now);
        assert_eq!(answer.json["changed"], json!([]));
        assert!(answer.text.starts_with("0 of 4 vertices run again: nothing"), "{}", answer.text);
    }

    #[test]
    fn another_checksum_runs_the_package_and_what_uses_it() {
        let answer = changes(&plan(LINES, "a"), &plan(LINES, "b"));
        expect![[r#"
            3 of 4 vertices run again

            log 1.0.0
              its checksum in Cargo.lock is another

            used 1.0.0
              log 1.0.0 below it changes

            server 1.0.0 (bin "server")
              log 1.0.0 below it changes
              used 1.0.0 below it changes

            A plan knows no contents of files: members whose own files have changed run as well.
        "#]]
        .assert_eq(&answer.text);
    }

    #[test]
    fn other_flags_and_a_new_toolchain_are_named() {
        let before = plan(LINES, "a");
        let mut now = before.clone();
        now.vertices[0].runs.env.insert("CARGO_CFG_X".to_owned(), "1".to_owned());
        let answer = changes(&before, &now);
        assert_eq!(answer.json["changed"][0]["causes"], json!(["its environment is another: CARGO_CFG_X"]));
        now.toolchain.digest = "sha256:2".to_owned();
        assert_eq!(changes(&before, &now).json["changed"].as_array().map(Vec::len), Some(4));
    }

    #[test]
    fn a_plan_of_another_form_is_refused() {
        assert!(PlanFile::parse(b"{\"version\": 2}").unwrap_err().contains("version 2"));
        assert!(PlanFile::parse(b"nonsense").is_err());
    }
}
