//! Two machines and a registry: what one has built, a fresh one need not build again.

use crate::{
    Result,
    build::Order,
    engine::{self, Engine, Fresh},
    note,
    project::{Project, nonce},
};

pub(crate) fn fresh_machine() -> Result {
    // Not one that no cache has seen: the registry would grow with every run.
    let project = Project::of_testdata("inference")?;
    let cache = format!("type=registry,ref={}/longshore-e2e/inference:cache", engine::registry()?);
    let first = Engine::of_environment();
    let export = format!("{cache},mode=max");
    Order::build(&first, project.path(), "server").target("server").args(["--cache-to", &export]).must()?;

    let fresh = Fresh::reset(&first)?;
    let build = || {
        Order::build(&fresh.engine, project.path(), "server")
            .target("server")
            .args(["--cache-from", &cache])
            .must()
    };
    let reused = build()?;
    assert_eq!(reused.progress.compiled().len(), 0, "compiled anew: {:#?}", reused.progress.compiled());
    let recorded =
        reused.progress.own().find(|vertex| vertex.name.starts_with("[plan] cargo")).map(|v| v.log.clone());
    assert_eq!(recorded.as_deref(), Some(""), "cargo was asked again");
    let packages = reused.progress.own().filter(|vertex| vertex.name.starts_with("[crate] ")).count();
    assert!(packages > 50, "only {packages} packages in the build");
    let said = fresh.engine.run_image(&[], &crate::build::tag("server"), &["--version"])?;
    assert_eq!(said.stdout, "server 0.3.0\n", "{}", said.stderr);

    project.append("services/server/src/http.rs", &format!("\nconst _: &str = \"{}\";\n", nonce()))?;
    project.replace("services/server/src/args.rs", "Usage: server", &format!("Usage {}: server", nonce()))?;
    let edited = build()?;
    let compiled: Vec<&str> = edited.progress.compiled().into_keys().collect();
    assert_eq!(compiled, [r#"[member] server 0.3.0 (bin "server")"#], "only what was edited");
    note!(
        "a fresh machine: {:.1} s with everything from the registry, {:.1} s after an edit",
        reused.wall.as_secs_f32(),
        edited.wall.as_secs_f32()
    );
    Ok(())
}
