//! A build of which nothing is cached, seen from outside; others go on from what it has built.

use std::{sync::OnceLock, thread};

use crate::{
    Result,
    build::{Build, Order},
    engine::Engine,
    note,
    project::{Project, unseen_inference},
    reason,
    watch::{Seen, Watch},
};

/// Its images.
pub(crate) const TARGETS: [&str; 3] = ["server", "gateway", "infer"];

/// The project, and how its first build went.
#[derive(Debug)]
pub(crate) struct Unseen {
    project: Project,
    build: Build,
    seen: Seen,
}

static UNSEEN: OnceLock<std::result::Result<Unseen, String>> = OnceLock::new();

/// A copy of the project after its first build: everything of it is in the engine's cache.
pub(crate) fn built() -> Result<Project> {
    unseen()?.project.copy()
}

fn unseen() -> Result<&'static Unseen> {
    let made = UNSEEN.get_or_init(|| make().map_err(|error| reason(&error).to_owned()));
    Ok(made.as_ref()?)
}

fn make() -> Result<Unseen> {
    let project = unseen_inference()?;
    let order = Order::bake(&Engine::of_environment(), project.path(), &TARGETS);
    let watch = Watch::start();
    let build = order.must();
    let seen = watch.stop();
    Ok(Unseen { project, build: build?, seen })
}

pub(crate) fn at_most_one_compiler_per_cpu() -> Result {
    let Seen { compilers, memory_kib, looks } = unseen()?.seen;
    let cpus = thread::available_parallelism()?.get();
    note!(
        "at most {compilers} compilers at once on {cpus} CPUs, {} MiB together, in {looks} looks",
        memory_kib / 1024
    );
    assert!(compilers > 0, "no compiler was seen: is the engine on another machine?");
    assert!(compilers <= cpus, "{compilers} compilers ran at once on {cpus} CPUs");
    Ok(())
}

pub(crate) fn shared_packages_are_compiled_once() -> Result {
    let build = &unseen()?.build;
    let compiled = build.assert_nothing_twice();
    // Each of these is needed by all three images; without any cached the proof above is about all of them.
    for shared in ["[crate] tokio ", "[crate] syn ", "[member] api ", "[member] derive "] {
        let times =
            build.progress.compiled().into_iter().filter(|(name, _)| name.starts_with(shared)).count();
        assert!(times >= 1, "`{shared}` was not compiled in this build, which should know no cache");
    }
    let all = build
        .progress
        .own()
        .filter(|vertex| vertex.name.starts_with("[crate]") || vertex.name.starts_with("[member]"))
        .filter(|vertex| !vertex.name.ends_with(": own files"))
        .count();
    assert_eq!(compiled, all, "every package was compiled in this build");
    Ok(())
}

pub(crate) fn clean_up() {
    if let Some(Ok(unseen)) = UNSEEN.get() {
        unseen.project.remove();
    }
}
