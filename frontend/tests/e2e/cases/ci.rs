//! Several machines and a registry: what one has built, another need not build again. The options are those that the
//! examples of `docs/ci` show, read out of their text.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::unseen;
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
struct Caches(BTreeSet<String>);

impl Caches {
    /// Those of a file in `docs/ci`, with `cache` for the name that the registry has them under.
    fn of_example(file: &str, cache: &str) -> Result<Self> {
        let text = fs::read_to_string(project::repository().join("docs/ci").join(file))?;
        let found: Vec<String> =
            overrides(&text).into_iter().filter(|line| line.contains(".cache-")).collect();
        let named = text.lines().filter(|line| line.contains(".cache-")).count();
        assert_eq!(found.len(), named, "{file}: a cache is named where no step takes it from");
        let of_targets = TARGETS.into_iter().flat_map(|target| {
            found.iter().map(move |line| line.replace("$target", target).replace("$CACHE", cache))
        });
        let caches = Self(of_targets.collect());
        for target in TARGETS {
            for kind in ["from", "to"] {
                let own = format!("{target}.cache-{kind}=type=");
                let count = caches.0.iter().filter(|line| line.starts_with(&own)).count();
                assert_eq!(count, 1, "{file}: {target} should have one cache to take {kind}: {caches:#?}");
            }
        }
        assert_eq!(caches.0.len(), 2 * TARGETS.len(), "{file}: {caches:#?}");
        Ok(caches)
    }

    /// Of one target; also where it exports to, if asked.
    fn of(&self, target: &str, exports: bool) -> impl Iterator<Item = &str> {
        let own = format!("{target}.cache-");
        let all = self.0.iter().filter(move |line| line.starts_with(&own)).map(String::as_str);
        all.filter(move |line| exports || !line.contains(".cache-to="))
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
        let arguments = line.split("--set \"").skip(1);
        found.extend(
            arguments.filter_map(|rest| rest.split_once('"')).map(|(argument, _)| argument.to_owned()),
        );
    }
    found
}

/// Builds one target after the other, as the examples do.
fn bake(engine: &Engine, project: &Project, caches: &Caches, exports: bool) -> Result<Vec<Build>> {
    let build = |target: &'static str| {
        let set = caches.of(target, exports).flat_map(|line| ["--set", line]);
        Order::bake(engine, project.path(), &[target]).args([target]).args(set).must()
    };
    TARGETS.into_iter().map(build).collect()
}

/// Downloads in an engine's build cache, as BuildKit describes them.
fn archives(engine: &Engine) -> Result<Vec<String>> {
    let kept = engine.docker(["buildx", "du", "--verbose"]).run()?;
    Ok(kept.lines().filter(|line| line.contains("http url ")).map(str::to_owned).collect())
}

fn compiled(builds: &[Build]) -> Vec<&str> {
    builds.iter().flat_map(|build| build.progress.compiled().into_keys()).collect()
}

fn seconds(builds: &[Build]) -> f32 {
    builds.iter().map(|build| build.wall.as_secs_f32()).sum()
}

/// The client takes what the examples say, and understands what they mean.
pub(crate) fn examples_are_understood() -> Result {
    let project = Project::of_testdata("inference")?;
    for file in ["github-registry-cache.yml", "github-gha-cache.yml", "gitlab.yml"] {
        let caches = Caches::of_example(file, "registry.example.com/cache")?;
        let set: Vec<&str> = caches.0.iter().flat_map(|line| ["--set", line]).collect();
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
    let project = unseen::built()?;
    let cache = format!("{}/longshore-e2e/inference", engine::empty_registry()?);
    let caches = Caches::of_example("github-registry-cache.yml", &cache)?;
    assert_eq!(caches, Caches::of_example("gitlab.yml", &cache)?, "one page, one way");
    let first = Engine::of_environment();
    bake(&first, &project, &caches, true)?;

    let fresh = Fresh::reset(&first)?;
    let reused = bake(&fresh.engine, &project, &caches, false)?;
    assert_eq!(compiled(&reused), [""; 0], "compiled anew");
    for build in &reused {
        // A plan that is made writes no log.
        assert!(build.progress.cached().contains("[plan] cargo build, recorded"), "cargo was asked again");
        let packages = build.progress.own().filter(|vertex| vertex.name.starts_with("[crate] ")).count();
        assert!(packages > 50, "only {packages} packages in the build");
    }
    let said = fresh.engine.run_image(&[], &tag("server"), &["--version"])?;
    assert_eq!(said.stdout, "server 0.3.0\n", "{}", said.stderr);

    // Cargo plans anew with what was read of packages before: their archives are not downloaded for it.
    project.append("Cargo.toml", &format!("\n# {}\n", nonce()))?;
    let planned = bake(&fresh.engine, &project, &caches, false)?;
    assert_eq!(compiled(&planned), [""; 0], "compiled anew");
    let ran: BTreeSet<&str> = planned.iter().flat_map(|build| build.progress.ran()).collect();
    assert!(ran.contains("[plan] cargo build, recorded"), "{ran:?}");
    assert!(!ran.iter().any(|vertex| vertex.starts_with("[plan] read ")), "{ran:?}");
    assert_eq!(archives(&fresh.engine)?, [""; 0], "downloaded, and nothing is compiled of it");
    assert!(!archives(&first)?.is_empty(), "downloads are called otherwise");

    // The second machine's turn: it compiles what was edited, and nothing else.
    let words = format!("Usage {}: server", nonce());
    project.append("services/server/src/http.rs", &format!("\nconst _: &str = \"{}\";\n", nonce()))?;
    project.replace("services/server/src/args.rs", "Usage: server", &words)?;
    let edited = bake(&fresh.engine, &project, &caches, true)?;
    assert_eq!(compiled(&edited), [r#"[member] server 0.3.0 (bin "server")"#], "only what was edited");

    // The first one's: it has what the second compiled, and compiles what is edited next.
    let imported = bake(&first, &project, &caches, false)?;
    assert_eq!(compiled(&imported), [""; 0], "the other machine has compiled it");
    let said = first.run_image(&[], &tag("server"), &["--help"])?;
    assert!((said.stdout + &said.stderr).contains(&words), "the image is not of the edited tree");
    project.append("services/gateway/src/main.rs", &format!("\nconst _: &str = \"{}\";\n", nonce()))?;
    let edited_there = bake(&first, &project, &caches, true)?;
    assert_eq!(
        compiled(&edited_there),
        [r#"[member] gateway 0.3.0 (bin "gateway")"#],
        "only what was edited"
    );

    // Neither has dropped from the cache what it did not have to compile.
    drop(fresh);
    let third = Fresh::reset(&first)?;
    let all = bake(&third.engine, &project, &caches, false)?;
    assert_eq!(compiled(&all), [""; 0], "exported by one of two machines");
    note!(
        "a fresh machine: {:.1} s with everything from the registry, {:.1} s with an edit and an export",
        seconds(&reused),
        seconds(&edited)
    );
    Ok(())
}

/// An example is planned after the rest of the workspace was: a machine that imports its cache asks cargo for neither plan.
pub(crate) fn an_examples_cache_has_both_plans() -> Result {
    let project = Project::of_testdata("crate-types")?;
    project.append("Cargo.toml", &format!("\n# {}\n", nonce()))?;
    let cache = format!("type=registry,ref={}/longshore-e2e/example", engine::empty_registry()?);
    let build = |engine: &Engine, kind: &str, options: &str| {
        let cache = format!("{cache}{options}");
        Order::build(engine, project.path(), "example").target("demo").args([kind, &cache]).must()
    };
    let first = Engine::of_environment();
    build(&first, "--cache-to", ",mode=max")?;
    let fresh = Fresh::reset(&first)?;
    let reused = build(&fresh.engine, "--cache-from", "")?;
    reused.assert_ran([]);
    for plan in ["[plan] cargo build, recorded", "[plan] cargo build --example demo, recorded"] {
        assert!(reused.progress.cached().contains(plan), "{plan} is not in {:?}", reused.progress.cached());
    }
    Ok(())
}
