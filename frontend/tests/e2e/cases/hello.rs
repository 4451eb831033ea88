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
