//! Several machines and a registry: what one has built, another need not build again. The options are those that the
//! examples of `docs/ci` show, read out of their text.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::{
    Result,
    build::{Build, Order, tag},
    engine::{self, Engine, Fresh},
    note,
    project::{self, Project, nonce},
};

/// What the examples build.
const TARGETS: [&str; 2] = ["server", "gateway"];

/// What an example tells `docker buildx bake` of caches: `TARGET.cache-from=…`, `TARGET.cache-to=…`.
#[derive(Debug, PartialEq, Eq)]
struct Caches {
    from: BTreeSet<String>,
    to: BTreeSet<String>,
}

impl Caches {
    /// Those of a file in `docs/ci`, with `cache` for the name that the registry has them under.
    fn of_example(file: &str, cache: &str) -> Result<Self> {
        let text = fs::read_to_string(project::repository().join("docs/ci").join(file))?;
        let set = overrides(&text);
        let named = text.lines().filter(|line| line.contains(".cache-")).count();
        let lines: Vec<String> = set
            .iter()
            .filter(|line| line.contains(".cache-"))
            .map(|line| line.replace("${{ env.CACHE }}", cache).replace("$CACHE", cache))
            .collect();
        assert_eq!(lines.len(), named, "{file}: a cache is named where no step takes it from");
        let of = |kind: &str| lines.iter().filter(|line| line.contains(kind)).cloned().collect();
        let caches = Self { from: of(".cache-from="), to: of(".cache-to=") };
        for target in TARGETS {
            for (kind, all) in [("from", &caches.from), ("to", &caches.to)] {
                let own = format!("{target}.cache-{kind}=type=");
                let count = all.iter().filter(|line| line.starts_with(&own)).count();
                assert_eq!(count, 1, "{file}: {target} should have one cache to take {kind}: {all:#?}");
            }
        }
        assert_eq!(
            (caches.from.len(), caches.to.len()),
            (TARGETS.len(), TARGETS.len()),
            "{file}: {caches:#?}"
        );
        Ok(caches)
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.from.iter().chain(&self.to).map(String::as_str)
    }
}

/// What the steps of an example pass as `--set`: the lines of a block in a workflow, arguments in a script.
fn overrides(text: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    let mut block = None;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if block.is_some_and(|start| indent(line) > start) {
            found.push(line.trim().to_owned());
            continue;
        }
        block = (line.trim() == "set: |").then(|| indent(line));
        if let Some(argument) = line.trim().strip_prefix("--set ") {
            found.push(argument.trim_matches('"').to_owned());
        }
    }
    found
}

fn bake<'a>(engine: &Engine, project: &Project, set: impl IntoIterator<Item = &'a str>) -> Result<Build> {
    let order = Order::bake(engine, project.path(), &TARGETS).args(TARGETS);
    order.args(set.into_iter().flat_map(|line| ["--set", line])).must()
}

fn compiled(build: &Build) -> Vec<&str> {
    build.progress.compiled().into_keys().collect()
}

/// The client takes what the examples say, and understands what they mean.
pub(crate) fn examples_are_understood() -> Result {
    let project = Project::of_testdata("inference")?;
    for file in ["github-registry-cache.yml", "github-gha-cache.yml", "gitlab.yml"] {
        let caches = Caches::of_example(file, "registry.example.com/cache")?;
        let set: Vec<&str> = caches.all().flat_map(|line| ["--set", line]).collect();
        let printed = Engine::of_environment()
            .docker(["buildx", "bake", "--print"])
            .args(TARGETS)
            .args(set)
            .at(project.path())
            .run()?;
        let printed: Value = serde_json::from_str(&printed)?;
        let kind = if file.contains("gha") { "gha" } else { "registry" };
        for target in TARGETS {
            let cache = |key: &str| printed["target"][target][key][0].clone();
            let (from, to) = (cache("cache-from"), cache("cache-to"));
            assert_eq!((&from["type"], &to["type"]), (&kind.into(), &kind.into()), "{file}: {printed}");
            assert_eq!(to["mode"], "max", "{file}: a cache of packages has all of them: {printed}");
            for place in ["ref", "scope"] {
                assert_eq!(from[place], to[place], "{file}: {target} reads another cache than it writes");
            }
        }
    }
    Ok(())
}

/// An engine exports, an empty one imports; then they take turns; and a third one finds what both have left.
pub(crate) fn machines_share_a_cache() -> Result {
    // Not a project that no cache has seen: the registry would grow with every run.
    let project = Project::of_testdata("inference")?;
    let cache = format!("{}/longshore-e2e/inference", engine::registry()?);
    let caches = Caches::of_example("github-registry-cache.yml", &cache)?;
    assert_eq!(caches, Caches::of_example("gitlab.yml", &cache)?, "one page, one way");
    let from = || caches.from.iter().map(String::as_str);
    let first = Engine::of_environment();
    bake(&first, &project, caches.all())?;

    let fresh = Fresh::reset(&first)?;
    let reused = bake(&fresh.engine, &project, from())?;
    assert_eq!(compiled(&reused), [""; 0], "compiled anew");
    let recorded =
        reused.progress.own().find(|vertex| vertex.name.starts_with("[plan] cargo")).map(|v| v.log.clone());
    assert_eq!(recorded.as_deref(), Some(""), "cargo was asked again");
    let packages = reused.progress.own().filter(|vertex| vertex.name.starts_with("[crate] ")).count();
    assert!(packages > 50, "only {packages} packages in the build");
    let said = fresh.engine.run_image(&[], &tag("server"), &["--version"])?;
    assert_eq!(said.stdout, "server 0.3.0\n", "{}", said.stderr);

    // The second machine's turn: it compiles what was edited, and nothing else.
    let words = format!("Usage {}: server", nonce());
    project.append("services/server/src/http.rs", &format!("\nconst _: &str = \"{}\";\n", nonce()))?;
    project.replace("services/server/src/args.rs", "Usage: server", &words)?;
    let edited = bake(&fresh.engine, &project, caches.all())?;
    assert_eq!(compiled(&edited), [r#"[member] server 0.3.0 (bin "server")"#], "only what was edited");

    // The first one's: it has what the second compiled, and compiles what is edited next.
    let imported = bake(&first, &project, from())?;
    assert_eq!(compiled(&imported), [""; 0], "the other machine has compiled it");
    let said = first.run_image(&[], &tag("server"), &["--help"])?;
    assert!((said.stdout + &said.stderr).contains(&words), "the image is not of the edited tree");
    project.append("services/gateway/src/main.rs", &format!("\nconst _: &str = \"{}\";\n", nonce()))?;
    let edited_there = bake(&first, &project, caches.all())?;
    assert_eq!(
        compiled(&edited_there),
        [r#"[member] gateway 0.3.0 (bin "gateway")"#],
        "only what was edited"
    );

    // Neither has dropped from the cache what it did not have to compile.
    drop(fresh);
    let third = Fresh::reset(&first)?;
    let all = bake(&third.engine, &project, from())?;
    assert_eq!(compiled(&all), [""; 0], "exported by one of two machines");
    note!(
        "a fresh machine: {:.1} s with everything from the registry, {:.1} s with an edit and an export",
        reused.wall.as_secs_f32(),
        edited.wall.as_secs_f32()
    );
    Ok(())
}
