//! The smallest project: does the image run, and is it what the manifest says?

use serde_json::{Value, json};

use crate::{
    Result,
    build::{Order, tag},
    engine::Engine,
    project::{Project, nonce, testdata},
};

pub(crate) fn runs_as_its_manifest_says() -> Result {
    let engine = Engine::of_environment();
    Order::build(&engine, &testdata("hello"), "hello").must()?;
    let image = tag("hello");

    let greeting = engine.run_image(&[], &image, &[])?;
    assert_eq!((greeting.code, greeting.stdout.as_str()), (Some(0), "Hello, world! This is hello 0.1.0.\n"));
    let greeting = engine.run_image(&[], &image, &["Ada"])?;
    assert_eq!(greeting.stdout, "Hello, Ada! This is hello 0.1.0.\n");

    let user = engine.run_image(&["--entrypoint", "id"], &image, &["-u"])?;
    assert_eq!(user.stdout, "65532\n", "not root: {}", user.stderr);
    let binary = ["-c", "%A %U:%G", "/usr/local/bin/hello"];
    let binary = engine.run_image(&["--entrypoint", "stat"], &image, &binary)?;
    assert_eq!(binary.stdout, "-rwxr-xr-x root:root\n", "who runs it cannot change it: {}", binary.stderr);

    let format = ["image", "inspect", "--format", "{{json .}}", &image];
    let inspected: Value = serde_json::from_str(&engine.docker(format).run()?)?;
    let config = &inspected["Config"];
    assert_eq!(inspected["Os"], "linux");
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], json!(["/usr/local/bin/hello"]));
    assert_eq!(config["Cmd"], Value::Null, "the base's command is not an argument of ours");
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(config["Env"], json!([path]), "the base's environment");
    let labels = json!({
        "org.opencontainers.image.description": "Greets whoever runs the image",
        "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
        "org.opencontainers.image.title": "hello",
        "org.opencontainers.image.version": "0.1.0",
    });
    assert_eq!(config["Labels"], labels);
    Ok(())
}

pub(crate) fn says_what_its_source_now_says() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    let greeting = format!("Good morning {}", nonce());
    project.replace("src/main.rs", "Hello,", &format!("{greeting},"))?;
    let build = Order::build(&engine, project.path(), "hello-edited").must()?;
    build.assert_ran([
        "[member] hello: own files",
        r#"[member] hello 0.1.0 (bin "hello")"#,
        "[image] hello: check programs",
        "[image] hello",
    ]);
    let said = engine.run_image(&[], &tag("hello-edited"), &[])?;
    assert_eq!(said.stdout, format!("{greeting}, world! This is hello 0.1.0.\n"));
    Ok(())
}

/// Programs and what comes along with them go where links of the base lead (`/lib` is one in Debian 12), and take the place of
/// links that have their names.
pub(crate) fn links_of_the_base_stay() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    let links = "mv /usr/local/bin /opt/bin && ln -s /opt/bin /usr/local/bin \
         && ln -s other /opt/bin/hello && echo kept > /opt/bin/other";
    let base = base_image(&engine, &project, "linked-base", links)?;
    // The toolchain image has this library, which belongs to its compiler, and the base has not.
    let flags = "RUSTFLAGS=-C link-arg=-Wl,--no-as-needed -C link-arg=-l:libgomp.so.1";
    for stamp in [false, true] {
        let settings = format!("base = \"{base}\"\nlibraries = \"copy\"\nstamp = {stamp}\n");
        let project = project.copy()?;
        project.append("Cargo.toml", &format!("\n[package.metadata.longshore]\n{settings}"))?;
        Order::build(&engine, project.path(), "linked").args(["--build-arg", flags]).must()?;
        let said = engine.run_image(&[], &tag("linked"), &[])?;
        assert_eq!(said.stdout, "Hello, world! This is hello 0.1.0.\n", "{}", said.stderr);
        let look = "cat /opt/bin/other; readlink /usr/local/bin /lib; find /usr/lib -name 'libgomp.so*'";
        let there = engine.run_image(&["--entrypoint", "sh"], &tag("linked"), &["-c", look])?;
        let mut lines = there.stdout.lines();
        let kept: Vec<&str> = lines.by_ref().take(3).collect();
        assert_eq!(kept, ["kept", "/opt/bin", "usr/lib"], "{}", there.stderr);
        assert!(lines.all(|line| line.ends_with("/libgomp.so.1")), "{}", there.stdout);
        assert!(there.stdout.contains("libgomp.so.1"), "{}", there.stdout);
    }
    Ok(())
}

/// A directory where the program belongs is none of ours to remove.
pub(crate) fn a_directory_of_the_base_stays() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    let base = base_image(&engine, &project, "base-with-directory", "mkdir /usr/local/bin/hello")?;
    project.append("Cargo.toml", &format!("\n[package.metadata.longshore]\nbase = \"{base}\"\n"))?;
    let build = Order::build(&engine, project.path(), "with-directory").run()?;
    let said = build.progress.tail();
    assert!(!build.succeeded, "{said}");
    assert!(
        said.contains("the image has a directory where the program `/usr/local/bin/hello` belongs"),
        "{said}"
    );
    Ok(())
}

/// An image of the usual base in which `command` ran.
fn base_image(engine: &Engine, project: &Project, name: &str, command: &str) -> Result<String> {
    let image = tag(name);
    project.write(".dockerignore", "base\n")?;
    project.write("base/Dockerfile", format!("FROM debian:bookworm-slim\nRUN {command}\n"))?;
    let directory = project.path().join("base");
    engine.docker(["buildx", "build", "-q", "-t", &image, &directory.to_string_lossy()]).run()?;
    Ok(image)
}
