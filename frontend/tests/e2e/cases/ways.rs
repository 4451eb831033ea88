//! Ways in besides a manifest in the client's directory, and questions instead of builds.

use serde_json::Value;

use crate::{
    Result,
    build::{Order, tag},
    engine::{Engine, Output},
    git::Repository,
    project::{Project, nonce, testdata},
};

/// `docker buildx build` with these arguments, and what it said.
fn buildx(directory: &std::path::Path, args: &[&str]) -> Result<Output> {
    Engine::of_environment().docker([&["buildx", "build"], args].concat()).at(directory).output()
}

/// Settings in a file of their own; the manifests have none.
pub(crate) fn a_file_of_its_own() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    let text = "# syntax=localhost/longshore:dev\nenv = { MOOD = \"${MOOD}\" }\nargs.MOOD = \"fine\"\n[packages.hello]\ncmd = [\"Ada\"]\n";
    project.write("longshore.toml", text)?;
    let args = ["-f", "longshore.toml", "-t", &tag("standalone"), "--build-arg", "MOOD=good", "."];
    let said = buildx(project.path(), &args)?;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("hello (linux/amd64): ") && said.stdout.contains("step"), "{}", said.stdout);
    let said = engine.run_image(&[], &tag("standalone"), &[])?;
    assert_eq!(said.stdout, "Hello, Ada! This is hello 0.1.0.\n");
    let said = engine.run_image(&["--entrypoint", "printenv"], &tag("standalone"), &["MOOD"])?;
    assert_eq!(said.stdout, "good\n");
    Ok(())
}

/// A context that is an archive on standard input, and one that is a repository.
pub(crate) fn contexts_from_elsewhere() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    let greeting = format!("Good evening {}", nonce());
    project.replace("src/main.rs", "Hello,", &format!("{greeting},"))?;
    let archive = format!("tar -c . | docker buildx build -f Cargo.toml -t {} -", tag("from-archive"));
    let piped = engine.shell(&archive).at(project.path()).output()?;
    assert_eq!(piped.code, Some(0), "{}", piped.stderr);
    let said = engine.run_image(&[], &tag("from-archive"), &[])?;
    assert!(said.stdout.starts_with(&greeting), "{}", said.stdout);

    let inside = project.path();
    let server = Repository::new(inside)?.serve("/hello.git")?;
    let address = format!("{}/hello.git#main", server.address);
    let said = buildx(inside, &["-f", "Cargo.toml", "-t", &tag("from-git"), &address])?;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let said = engine.run_image(&[], &tag("from-git"), &[])?;
    assert!(said.stdout.starts_with(&greeting), "{}", said.stdout);
    Ok(())
}

/// A target of a bake file as the base of ours, and ours as a context of a Dockerfile.
pub(crate) fn targets_of_one_bake_file_use_each_other() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    project.write("Dockerfile.base", "FROM debian:bookworm-slim\nENV FROM_BASE=yes\n")?;
    project.write(
        "Dockerfile.top",
        "FROM app\nENV FROM_TOP=yes\nCOPY --from=app /usr/local/bin/hello /copied\n",
    )?;
    project.write(
        "docker-bake.hcl",
        "group \"default\" {\n  targets = [\"top\"]\n}\n\n\
         target \"base\" {\n  dockerfile = \"Dockerfile.base\"\n}\n\
         target \"app\" {\n  dockerfile = \"Cargo.toml\"\n  contexts = { \"debian:bookworm-slim\" = \"target:base\" }\n}\n\
         target \"top\" {\n  dockerfile = \"Dockerfile.top\"\n  contexts = { app = \"target:app\" }\n}\n",
    )?;
    Order::bake(&engine, project.path(), &["top"]).must()?;
    let said = engine.run_image(
        &["--entrypoint", "sh"],
        &tag("top"),
        &["-c", "echo $FROM_BASE $FROM_TOP; /copied"],
    )?;
    assert_eq!(said.stdout, "yes yes\nHello, world! This is hello 0.1.0.\n", "{}", said.stderr);
    Ok(())
}

/// A library, an argument in the name of a context, and a mount, in one Dockerfile.
pub(crate) fn a_dockerfile_takes_a_library() -> Result {
    let engine = Engine::of_environment();
    Order::dockerfile(&engine, &testdata("plugin"), "plugin").must()?;
    let said = engine.run_image(&[], &tag("plugin"), &[])?;
    assert_eq!(said.stdout, "42\n", "{}", said.stderr);
    Ok(())
}

/// Every question has an answer that its reader can use.
pub(crate) fn questions_are_answered() -> Result {
    let project = testdata("shop");
    let ask = |call: &str, more: &[&str]| -> Result<Output> {
        buildx(&project, &[&["-f", "Cargo.toml", "--call", call], more, &["."]].concat())
    };
    let targets = ask("targets", &[])?.stdout;
    for name in ["bundle", "pages", "store", "tool"] {
        assert!(targets.contains(name), "{targets}");
    }
    let outline = ask("outline", &["--target", "store"])?.stdout;
    assert!(outline.contains("GREETING") && outline.contains("licence"), "{outline}");
    let check = ask("check", &[])?;
    assert_eq!(check.code, Some(0), "{} {}", check.stdout, check.stderr);
    let graph = ask("graph", &["--target", "bundle"])?.stdout;
    assert!(graph.contains("image bundle") && graph.contains("store 1.2.0"), "{graph}");
    let picture = ask("graph-svg", &["--target", "bundle"])?.stdout;
    assert!(picture.trim_start().starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{picture}");

    let scratch = tempfile::tempdir()?;
    let plan = ask("plan,format=json", &[])?.stdout;
    serde_json::from_str::<Value>(&plan).map_err(|error| format!("{error}: {plan}"))?;
    std::fs::write(scratch.path().join("plan.json"), plan)?;
    let context = format!("plan={}", scratch.path().display());
    let same = ask("explain", &["--build-context", &context])?.stdout;
    assert!(same.contains("none of "), "{same}");
    let other = ask("explain", &["--build-context", &context, "--build-arg", "PROFILE=dev"])?.stdout;
    assert!(other.contains("run again") && !other.contains("none of "), "{other}");

    let edited = Project::of_testdata("shop")?;
    edited.append("tool/src/main.rs", "\n// edited\n")?;
    let args = ["-f", "Cargo.toml", "--call", "explain", "--build-context", &context, "."];
    let edited = buildx(edited.path(), &args)?.stdout;
    assert!(edited.contains("1 of ") && edited.contains("changed tool/src/main.rs"), "{edited}");

    let bake = ask("bake", &[])?.stdout;
    std::fs::write(scratch.path().join("docker-bake.json"), &bake)?;
    let file = scratch.path().join("docker-bake.json");
    let args = ["buildx", "bake", "-f", file.to_str().expect("named by us"), "--print"];
    let printed = Engine::of_environment().docker(args).at(&project).output()?;
    assert_eq!(printed.code, Some(0), "{}\n{bake}", printed.stderr);
    assert!(printed.stdout.contains("registry.example.com/shop/bundle:latest"), "{}", printed.stdout);

    let unknown = ask("grpah", &[])?;
    assert!(unknown.code != Some(0) && unknown.stderr.contains("cannot answer"), "{}", unknown.stderr);
    Ok(())
}

/// A check finds what is wrong, with its place, and fails.
pub(crate) fn a_check_of_a_broken_workspace_fails() -> Result {
    let said = buildx(&testdata("error-unknown-key"), &["-f", "Cargo.toml", "--check", "."])?;
    let text = said.stdout + &said.stderr;
    assert_eq!(said.code, Some(1), "{text}");
    assert!(text.contains("unknown key `toolchian`") && text.contains("12 | >>>"), "{text}");
    Ok(())
}

/// What a member warned about when it was compiled is said again when it is not.
pub(crate) fn warnings_survive_the_cache() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    project.append("src/main.rs", &format!("\nfn unused_{}() {{}}\n", nonce()))?;
    let build = || buildx(project.path(), &["-f", "Cargo.toml", "-t", &tag("warned"), "."]);
    let first = build()?;
    assert!(first.stderr.contains("dead_code"), "{}", first.stderr);
    let again = build()?;
    assert!(again.stdout.contains("all reused"), "{}", again.stdout);
    assert!(again.stderr.contains("dead_code: function `unused_"), "{}", again.stderr);
    drop(engine);
    Ok(())
}
