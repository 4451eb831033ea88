//! What an image can have besides a program, and what a build can be told.

use std::fs;

use serde_json::{Value, json};

use crate::{
    Result,
    build::{Order, tag},
    engine::Engine,
    project::{Project, nonce},
    server::Server,
};

fn models() -> Result<Server> {
    Server::start([("/model.bin".to_owned(), b"weights of a model\n".to_vec())].into())
}

/// The project as a repository, and the commit that it is at.
fn shop() -> Result<(Project, String)> {
    let project = Project::of_testdata("shop")?;
    let git = |args: &[&str]| -> Result<String> {
        let output = std::process::Command::new("git")
            .args(["-c", "user.name=e2e", "-c", "user.email=e2e@example.com"])
            .args(args)
            .current_dir(project.path())
            .output()?;
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    git(&["init", "--quiet"])?;
    git(&["add", "."])?;
    git(&["commit", "--quiet", "--message", "everything"])?;
    let commit = git(&["rev-parse", "HEAD"])?;
    Ok((project, commit))
}

fn config(engine: &Engine, image: &str) -> Result<Value> {
    let format = ["image", "inspect", "--format", "{{json .Config}}", image];
    Ok(serde_json::from_str(&engine.docker(format).run()?)?)
}

/// One image with two programs, files, a download, and everything that its configuration can say.
pub(crate) fn an_image_has_what_it_is_given() -> Result {
    let engine = Engine::of_environment();
    let (project, commit) = shop()?;
    let assets = format!("ASSETS={}", models()?.address);
    Order::build(&engine, project.path(), "bundle")
        .target("bundle")
        .args(["--build-arg", "GREETING=good day", "--build-arg", &assets])
        .must()?;

    let config = config(&engine, &tag("bundle"))?;
    assert_eq!(config["Entrypoint"], json!(["/usr/local/bin/store"]));
    assert_eq!(config["Cmd"], json!(["--models", "/models"]));
    assert_eq!(config["Volumes"], json!({"/data": {}}));
    assert_eq!(config["WorkingDir"], "/srv");
    assert_eq!(config["StopSignal"], "SIGINT");
    assert_eq!(config["ExposedPorts"], json!({"8080/tcp": {}}));
    let health = &config["Healthcheck"];
    assert_eq!(health["Test"], json!(["CMD", "/usr/local/bin/tool", "--health"]));
    assert_eq!((&health["Interval"], &health["Retries"]), (&json!(10_000_000_000_u64), &json!(2)));
    assert_eq!(config["Labels"]["com.example.greeting"], "good day");
    assert_eq!(config["Labels"]["org.opencontainers.image.revision"], commit.as_str());

    let said = engine.run_image(&[], &tag("bundle"), &[])?;
    let expected = format!(
        "greeting good day\nlicence of 0 characters\nstamp  ({commit})\narguments [\"--models\", \"/models\"]\n"
    );
    assert_eq!(said.stdout, expected.replace("stamp  (", "stamp ("), "{}", said.stderr);
    let healthy = engine.run_image(&["--entrypoint", "tool"], &tag("bundle"), &["--health"])?;
    assert_eq!(healthy.stdout, "healthy\n", "{}", healthy.stderr);

    let format = "%n %a %u:%g %s";
    let files = [
        "/srv/static/index.html",
        "/srv/static/css/shop.css",
        "/models/model.bin",
        "/usr/share/doc/shop/README.md",
    ];
    let listed = engine.run_image(
        &["--entrypoint", "stat"],
        &tag("bundle"),
        &[&["-c", format], &files[..]].concat(),
    )?;
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", listed.stderr);
    assert!(lines[0].ends_with(" 640 65532:65532 14"), "{lines:?}");
    assert!(lines[1].contains("shop.css 640 65532:65532"), "{lines:?}");
    assert!(lines[2].ends_with("model.bin 644 0:0 19"), "{lines:?}");
    let certificates = ["-s", "/etc/ssl/certs/ca-certificates.crt"];
    let certificates = engine.run_image(&["--entrypoint", "test"], &tag("bundle"), &certificates)?;
    assert_eq!(certificates.code, Some(0), "no CA certificates");
    Ok(())
}

/// The revision is written last: another commit compiles nothing.
pub(crate) fn another_commit_compiles_nothing() -> Result {
    let engine = Engine::of_environment();
    let (project, _) = shop()?;
    let build = || Order::build(&engine, project.path(), "store").target("store").must();
    build()?;
    let commit = std::process::Command::new("git")
        .args([
            "-c",
            "user.name=e2e",
            "-c",
            "user.email=e2e@example.com",
            "commit",
            "--quiet",
            "--allow-empty",
        ])
        .args(["--message", &nonce().to_string()])
        .current_dir(project.path())
        .status()?;
    assert!(commit.success());
    let again = build()?;
    again.assert_ran(["[image] store: check programs", "[image] store"]);
    let said = engine.run_image(&[], &tag("store"), &[])?;
    assert!(said.stdout.contains("stamp 1.2.0 ("), "{}", said.stdout);
    Ok(())
}

/// An image without a program, on nothing.
pub(crate) fn an_image_of_files_only() -> Result {
    let engine = Engine::of_environment();
    let (project, _) = shop()?;
    Order::build(&engine, project.path(), "pages").target("pages").must()?;
    let id = engine.docker(["create", &tag("pages"), "none"]).run()?;
    let copied = project.path().join("copied");
    let from = format!("{}:/pages/index.html", id.trim());
    let to = copied.to_str().expect("named by us");
    engine.docker(["cp", &from, to]).run()?;
    engine.docker(["rm", id.trim()]).run()?;
    assert_eq!(fs::read_to_string(copied)?, "<h1>Shop</h1>\n");
    Ok(())
}

/// Another argument runs who names it, and a secret is seen by who names it, and kept by nobody. What cargo's configuration sets
/// without `force` is for where there is no argument.
pub(crate) fn arguments_and_secrets_reach_who_names_them() -> Result {
    let engine = Engine::of_environment();
    let (project, _) = shop()?;
    project.write(".cargo/config.toml", "[env]\nGREETING = \"configured\"\n")?;
    let greeting = format!("GREETING=welcome {}", nonce());
    let secret = project.path().parent().expect("in a directory").join("licence");
    let licence = format!("licence-{}", nonce());
    fs::write(&secret, &licence)?;
    let secret = format!("id=licence,src={}", secret.display());
    let build = |args: &[&str]| {
        Order::build(&engine, project.path(), "store-args").target("store").args(args.iter().copied()).run()
    };
    build(&["--build-arg", &greeting])?;
    let build = build(&["--build-arg", &greeting, "--secret", &secret, "--no-cache-filter", "store"])?;
    assert!(build.succeeded, "{}", build.progress.tail());
    let ran = build.progress.ran();
    assert!(ran.contains("[member] store 1.2.0") && !ran.contains("[member] tool 1.2.0"), "{ran:?}");
    let said = engine.run_image(&[], &tag("store-args"), &[])?;
    assert!(said.stdout.contains(&greeting.replace("GREETING=", "greeting ")), "{}", said.stdout);
    assert!(said.stdout.contains(&format!("licence of {} characters", licence.len())), "{}", said.stdout);
    let everything: String = build.progress.vertices.values().map(|vertex| vertex.log.as_str()).collect();
    assert!(!everything.contains(&licence), "the secret is in the log");

    let forced = "[env]\nGREETING = { value = \"configured\", force = true }\n";
    project.write(".cargo/config.toml", forced)?;
    Order::build(&engine, project.path(), "store-forced")
        .target("store")
        .args(["--build-arg", &greeting])
        .must()?;
    let said = engine.run_image(&[], &tag("store-forced"), &[])?;
    assert!(said.stdout.contains("greeting configured"), "{}", said.stdout);
    Ok(())
}

/// A download that is not what was promised names the asset.
pub(crate) fn a_wrong_checksum_names_the_asset() -> Result {
    let engine = Engine::of_environment();
    let (project, _) = shop()?;
    // A checksum that nobody has asked for: one that is known is found in the cache, wherever it came from.
    let manifest = project.read("Cargo.toml")?;
    let (head, tail) = manifest.split_once("sha256 = \"").ok_or("no checksum in the manifest")?;
    project.write("Cargo.toml", format!("{head}sha256 = \"{:064x}{}", nonce(), &tail[64..]))?;
    let server = models()?;
    let assets = format!("ASSETS={}", server.address);
    let build = Order::build(&engine, project.path(), "bundle")
        .target("bundle")
        .args(["--build-arg", &assets])
        .run()?;
    let said = build.progress.tail();
    assert!(!build.succeeded, "{said}");
    assert!(said.contains("model.bin") && said.contains("digest mismatch"), "{said}");
    assert!(said.contains("Cargo.toml:"), "the place in the manifest: {said}");
    Ok(())
}

/// `--no-cache` runs everything that compiles, for that build: the next one finds what was there before.
pub(crate) fn no_cache_runs_everything() -> Result {
    let engine = Engine::of_environment();
    let (project, _) = shop()?;
    let build = |args: &[&str]| {
        Order::build(&engine, project.path(), "tool").target("tool").args(args.iter().copied()).must()
    };
    build(&[])?;
    assert_eq!(build(&[])?.progress.compiled().len(), 0);
    let compiled = build(&["--no-cache"])?.progress.compiled().len();
    assert_eq!(compiled, 1, "the binary of `tool`");
    assert_eq!(build(&[])?.progress.compiled().len(), 0, "nothing of the cache is lost");
    Ok(())
}

/// A base without a C library, or with one that is too old, is found before the image ships.
pub(crate) fn an_image_that_could_not_start_is_refused() -> Result {
    let engine = Engine::of_environment();
    let (project, _) = shop()?;
    let empty = project.path().join("empty-base");
    fs::create_dir(&empty)?;
    fs::write(empty.join("file"), "")?;
    let base = "--build-context=debian:bookworm-slim=empty-base";
    let build = Order::build(&engine, project.path(), "tool").target("tool").args([base]).run()?;
    let said = build.progress.tail();
    assert!(!build.succeeded, "{said}");
    assert!(said.contains("`/usr/local/bin/tool` could not start in this image"), "{said}");
    assert!(said.contains("no dynamic loader") && said.contains("libc.so.6"), "{said}");

    // With its libraries it starts there.
    project.replace("Cargo.toml", "stamp = true\n", "stamp = true\nlibraries = \"copy\"\n")?;
    Order::build(&engine, project.path(), "tool").target("tool").args([base]).must()?;
    let said = engine.run_image(&[], &tag("tool"), &[])?;
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), "nothing to serve\n"), "{}", said.stderr);
    Ok(())
}

/// A program that is linked statically lies on nothing but certificates and users.
pub(crate) fn a_static_program_needs_no_base() -> Result {
    let engine = Engine::of_environment();
    let (project, _) = shop()?;
    let build = Order::build(&engine, project.path(), "static")
        .target("tool")
        .args(["--build-arg", "RUSTFLAGS=-C target-feature=+crt-static", "--build-arg", "PROFILE=dev"])
        .must()?;
    assert!(
        !build.progress.vertices.values().any(|vertex| vertex.name.contains("debian")),
        "no base is loaded"
    );
    let said = engine.run_image(&[], &tag("static"), &[])?;
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), "nothing to serve\n"), "{}", said.stderr);
    let format = ["image", "inspect", "--format", "{{.Config.User}} {{len .RootFS.Layers}}", &tag("static")];
    assert_eq!(engine.docker(format).run()?.trim(), "65532:65532 2");
    Ok(())
}

/// A program that starts and fails does not ship.
pub(crate) fn a_smoke_test_comes_before_shipping() -> Result {
    let project = Project::of_testdata("hello")?;
    let argument = format!("--smoke={}", nonce());
    project.append("Cargo.toml", &format!("\n[package.metadata.longshore]\nsmoke = [\"{argument}\"]\n"))?;
    let build = || Order::build(&Engine::of_environment(), project.path(), "smoke").run();
    let passed = build()?;
    assert!(passed.succeeded, "{}", passed.progress.tail());
    let ran = passed.progress.vertices.values().find(|vertex| vertex.name == "[image] hello: smoke test");
    assert!(
        ran.is_some_and(|vertex| vertex.log.contains(&format!("Hello, {argument}!"))),
        "{:?}",
        passed.progress.ran()
    );
    project.replace(
        "src/main.rs",
        "fn main() {",
        "fn main() {\n    std::process::exit(3);\n    #[allow(unreachable_code)]",
    )?;
    let failed = build()?;
    assert!(
        !failed.succeeded && failed.progress.tail().contains("exit code: 3"),
        "{}",
        failed.progress.tail()
    );
    Ok(())
}
