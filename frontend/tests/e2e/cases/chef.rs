//! A workspace that used cargo-chef: its Dockerfile now has our syntax line, and its stages build as before.

use crate::{
    Result,
    build::{Order, tag},
    engine::Engine,
    project::{Project, nonce},
};

const ORDER: &str = r#"{"item":"tea","quantity":3,"cents_each":250}"#;

/// One bake of both services; who runs them, and what they answer.
pub(crate) fn services_build_and_answer() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("from-cargo-chef")?;
    let build = Order::bake(&engine, project.path(), &["api", "worker"]).must()?;
    build.assert_nothing_twice();

    let user = engine.run_image(&["--entrypoint", "id"], &tag("api"), &["-u"])?;
    assert_eq!(user.stdout, "10001\n", "as the Dockerfile says: {}", user.stderr);

    let add_up = format!("printf '%s\\n' '{ORDER}' '{ORDER}' | worker");
    let total = engine.run_image(&["--entrypoint", "sh"], &tag("worker"), &["-c", &add_up])?;
    assert_eq!(total.stdout, "15.00\n", "{}", total.stderr);

    let api = engine.start(&["--network", "none"], &tag("api"), &[])?;
    let network = format!("container:{}", api.id);
    let ask = format!(
        "for i in $(seq 100); do exec 3<>/dev/tcp/127.0.0.1/8080 && break; sleep 0.1; done 2>/dev/null; \
         printf 'POST / HTTP/1.0\\r\\nContent-Length: {}\\r\\n\\r\\n%s' '{ORDER}' >&3; cat <&3",
        ORDER.len()
    );
    let answer =
        engine.run_image(&["--network", &network, "--entrypoint", "bash"], &tag("api"), &["-c", &ask])?;
    assert!(answer.stdout.ends_with(r#"{"item":"tea","total":750}"#), "{answer:?}\n{}", api.logs()?);
    Ok(())
}

/// An edit of one service compiles that service, and no stage of the other.
pub(crate) fn an_edit_compiles_one_service() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("from-cargo-chef")?;
    project.append("services/worker/src/main.rs", &format!("\n// {}\n", nonce()))?;
    let build = Order::dockerfile(&engine, project.path(), "worker-edited").target("worker").must()?;
    let ran = build.progress.ran();
    assert!(ran.contains(r#"[member] worker 0.4.0 (bin "worker")"#), "{ran:?}");
    assert!(!ran.iter().any(|name| name.contains("[crate]") || name.contains("api")), "{ran:?}");
    Ok(())
}

/// A stage that is not asked for costs nothing: its binary is not compiled.
pub(crate) fn only_what_is_used_is_compiled() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("from-cargo-chef")?;
    // Nobody has compiled this `api` before, and nobody does now.
    project.append("services/api/src/main.rs", &format!("\n// {}\n", nonce()))?;
    let build = Order::dockerfile(&engine, project.path(), "worker").target("worker").must()?;
    let ran = build.progress.ran();
    assert!(!ran.iter().any(|name| name.contains("[member] api")), "{ran:?}");
    Ok(())
}

/// A mistake in the Dockerfile is shown as every Docker user knows it.
pub(crate) fn a_mistake_in_the_dockerfile_is_shown_there() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("from-cargo-chef")?;
    project.replace("Dockerfile", "/worker /usr/local/bin/", "/wroker /usr/local/bin/")?;
    let build = Order::dockerfile(&engine, project.path(), "worker").target("worker").run()?;
    assert!(!build.succeeded);
    let said = build.progress.tail();
    assert!(said.contains("COPY --from=bin-worker /wroker") && said.contains("Dockerfile:12"), "{said}");
    let build = Order::dockerfile(&engine, project.path(), "worker").target("wrker").run()?;
    let said = build.progress.tail();
    assert!(!build.succeeded && said.contains("did you mean worker"), "{said}");
    Ok(())
}
