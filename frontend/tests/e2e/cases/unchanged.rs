//! What must not run: nothing was changed, or nothing that matters.

use std::{collections::BTreeSet, time::Duration};

use super::unseen;
use crate::{
    Result,
    build::{Build, Order, tag},
    engine::Engine,
    note,
    project::{Project, nonce},
};

/// What a quiet machine of two cores should need for a build of which all is cached.
const GOAL: Duration = Duration::from_millis(1500);

/// What a busy one may need.
const LIMIT: Duration = Duration::from_secs(3);

/// Builds the server of a copy of the built project.
fn build(project: &Project) -> Result<Build> {
    Order::build(&Engine::of_environment(), project.path(), "server").target("server").must()
}

pub(crate) fn nothing_runs() -> Result {
    let project = unseen::built()?;
    let mut times = Vec::new();
    for _ in 0..3 {
        let again = build(&project)?;
        again.assert_ran([]);
        let looked = again.progress.vertices.values().find(|vertex| vertex.name == "[longshore] summary");
        assert!(looked.is_some_and(|vertex| vertex.cached), "a container was started: {looked:?}");
        times.push(again.wall);
    }
    times.sort_unstable();
    let median = times[1];
    note!(
        "unchanged: median {:.2} s (goal {:.1} s, limit {} s)",
        median.as_secs_f32(),
        GOAL.as_secs_f32(),
        LIMIT.as_secs()
    );
    assert!(median <= LIMIT, "an unchanged build took {median:?}");
    Ok(())
}

pub(crate) fn same_digests() -> Result {
    let project = unseen::built()?;
    let (first, second) = (build(&project)?, build(&project)?);
    for kind in ["[crate]", "[crates]", "[toolchain]", "[base]"] {
        let digests: BTreeSet<_> = first.progress.digests(kind);
        assert!(!digests.is_empty(), "no `{kind}` in the build");
        assert_eq!(digests, second.progress.digests(kind));
    }
    Ok(())
}

pub(crate) fn a_readme_runs_nothing() -> Result {
    let project = unseen::built()?;
    project.append("README.md", "\nOne more line.\n")?;
    build(&project)?.assert_ran([]);
    Ok(())
}

/// Another port is in the image, and the program as it was.
pub(crate) fn a_setting_compiles_nothing() -> Result {
    let project = unseen::built()?;
    project.replace("services/server/Cargo.toml", "expose = [", "expose = [9090, ")?;
    let built = build(&project)?;
    assert!(built.progress.compiled().is_empty(), "{:?}", built.progress.compiled());
    let format = ["image", "inspect", "--format", "{{json .Config.ExposedPorts}}", &tag("server")];
    let ports = Engine::of_environment().docker(format).run()?;
    assert!(ports.contains("9090/tcp"), "{ports}");
    Ok(())
}

/// The package at the root of a workspace, whose manifest lists the members.
pub(crate) fn a_member_more_compiles_nothing_at_the_root() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("root-package")?;
    project.append("src/lib.rs", &format!("\n// {}\n", nonce()))?;
    let order = || Order::build(&engine, project.path(), "shop").target("shop").must();
    assert!(!order()?.progress.compiled().is_empty());
    project.replace("Cargo.toml", "[\"crates/price\"]", "[\"crates/price\", \"crates/tax\"]")?;
    project.append("Cargo.toml", "\n[workspace.dependencies]\nlog = \"0.4\"\n")?;
    let manifest = format!("[package]\nname = \"tax\"\nversion = \"0.1.0\"\ndescription = \"{}\"\n", nonce());
    project.write("crates/tax/Cargo.toml", manifest)?;
    project.write("crates/tax/src/lib.rs", "")?;
    project.append("Cargo.lock", "\n[[package]]\nname = \"tax\"\nversion = \"0.1.0\"\n")?;
    let built = order()?;
    assert!(built.progress.compiled().is_empty(), "{:?}", built.progress.compiled());
    assert!(
        built.progress.ran().iter().any(|name| name.starts_with("[plan] cargo build")),
        "it was not planned"
    );
    Ok(())
}

/// Sources that are many are read by steps, each of which runs when one of its own changes; what they name is found as ever.
pub(crate) fn many_sources_are_read_once() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("outside-files")?;
    for number in 0..150 {
        project.write(&format!("apps/report/src/unused/m{number}.rs"), format!("// {}\n", nonce()))?;
    }
    let build = || Order::build(&engine, project.path(), "report").target("report").must();
    let read = |build: &Build| -> Vec<String> {
        let ran = build.progress.ran();
        ran.iter().filter(|name| name.ends_with(" sources")).map(|name| (*name).to_owned()).collect()
    };
    assert_eq!(read(&build()?), ["[plan] collect 152 sources", "[plan] read 152 sources"]);
    build()?.assert_ran([]);
    // What only a source names.
    let motto = format!("motto {}", nonce());
    project.write("shared/motto.txt", &motto)?;
    assert_eq!(read(&build()?), [""; 0]);
    let said = engine.run_image(&["--network", "none"], &tag("report"), &[])?;
    assert!(said.stdout.contains(&motto), "{said:?}");
    project.append("apps/report/src/unused/m7.rs", "// more\n")?;
    assert_eq!(read(&build()?), ["[plan] collect 152 sources", "[plan] read 152 sources"]);
    Ok(())
}

/// The plan; and what carries the recording into exported caches, a fifth of a second.
pub(crate) fn a_new_name_only_runs_the_plan() -> Result {
    let project = unseen::built()?;
    project.write("tools/scratch.rs", "")?;
    build(&project)?.assert_ran([
        "[plan] collect manifests",
        "[plan] cargo build, recorded",
        "[image] server: check programs",
    ]);
    Ok(())
}
