//! Options of the client: each reaches the step, the image or the daemon that it is for.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    Result,
    build::{Order, tag},
    engine::{self, Engine, Output},
    project::{Project, nonce},
};

/// The toolchain image that a workspace gets which names none.
const TOOLCHAIN: &str = "rust:1.95-bookworm";

/// `docker buildx build` of a project's manifest with these arguments, and what it said.
fn build(project: &Project, args: &[&str]) -> Result<Output> {
    let args = [&["buildx", "build", "-f", "Cargo.toml"], args, &["."]].concat();
    Engine::of_environment().docker(args).at(project.path()).output()
}

#[track_caller]
fn passed(output: &Output) {
    assert_eq!(output.code, Some(0), "{}", output.stderr);
}

/// hello with a build script that no cache has seen, and a program that says what the script has found.
fn curious(script: &str) -> Result<Project> {
    let project = Project::of_testdata("hello")?;
    let script = format!(
        "fn main() {{\n    let found = {{ {script} }};\n    println!(\"cargo::rustc-env=FOUND={{found}}\");\n}}\n// {}\n",
        nonce()
    );
    project.write("build.rs", script)?;
    project.write("src/main.rs", "fn main() {\n    println!(\"{}\", env!(\"FOUND\"));\n}\n")?;
    Ok(project)
}

/// Builds it, and returns what the program says.
fn found(project: &Project, args: &[&str]) -> Result<String> {
    passed(&build(project, &[&["-t", &tag("curious")], args].concat())?);
    let said = Engine::of_environment().run_image(&[], &tag("curious"), &[])?;
    Ok(said.stdout.trim_end().to_owned())
}

/// `--add-host`, `--ulimit`, `--shm-size`: what build scripts and compilers run in.
pub(crate) fn containers_are_as_asked_for() -> Result {
    let project = curious(
        r#"
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let line = |text: &str, word: &str| text.lines().find(|line| line.contains(word)).unwrap_or_default().to_owned();
        let hosts = line(&read("/etc/hosts"), "db.example.com");
        let files = line(&read("/proc/self/limits"), "Max open files");
        let shared = line(&read("/proc/self/mounts"), " /dev/shm ");
        format!("{hosts}|{files}|{shared}").split_whitespace().collect::<Vec<_>>().join(" ")
        "#,
    )?;
    let options =
        ["--add-host", "db.example.com:10.1.2.3", "--ulimit", "nofile=999:1111", "--shm-size", "33m"];
    let found = found(&project, &options)?;
    assert!(found.contains("10.1.2.3 db.example.com"), "{found}");
    assert!(found.contains("Max open files 999 1111"), "{found}");
    assert!(found.contains("size=33792k"), "{found}");
    Ok(())
}

/// The ignore file of the entry file goes before that of the context.
pub(crate) fn ignore_files_hide() -> Result {
    let names = r#"["hidden.txt", "shown.txt"].map(|name| std::path::Path::new(name).exists().to_string()).join(" ")"#;
    let project = curious(names)?;
    project.write("hidden.txt", "")?;
    project.write("shown.txt", "")?;
    project.write(".dockerignore", "hidden.txt\n")?;
    assert_eq!(found(&project, &[])?, "false true");
    project.write("Cargo.toml.dockerignore", "*.txt\n!hidden.txt\n")?;
    assert_eq!(found(&project, &[])?, "true false");
    Ok(())
}

/// `-f -`: the entry file on standard input, the rest from the context.
pub(crate) fn the_entry_file_on_standard_input() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    let line = format!("docker buildx build -f - -t {} . < Cargo.toml", tag("piped"));
    passed(&engine.shell(&line).at(project.path()).output()?);
    let said = engine.run_image(&[], &tag("piped"), &["Emmy"])?;
    assert_eq!(said.stdout, "Hello, Emmy! This is hello 0.1.0.\n");
    let dockerfile = "# syntax=localhost/longshore:dev\nFROM scratch\nCOPY --from=hello /hello /h\n";
    project.write("../Dockerfile.piped", dockerfile)?;
    let to = project.path().join("out");
    let line =
        format!("docker buildx build -f - -o type=local,dest={} . < ../Dockerfile.piped", to.display());
    passed(&engine.shell(&line).at(project.path()).output()?);
    assert!(to.join("h").is_file());
    Ok(())
}

/// A base in an OCI layout of the client's.
pub(crate) fn a_layout_as_a_base() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("hello")?;
    project.write("Dockerfile.base", "FROM debian:bookworm-slim\nENV LAID=out\n")?;
    let layout = project.path().join("layout");
    let output = format!("type=oci,tar=false,name=base:1,dest={}", layout.display());
    let args = ["buildx", "build", "-f", "Dockerfile.base", "-o", &output, "."];
    passed(&engine.docker(args).at(project.path()).output()?);
    project.write(".dockerignore", "layout\n")?;
    let base = format!("debian:bookworm-slim=oci-layout://{}:1", layout.display());
    passed(&build(&project, &["--build-context", &base, "-t", &tag("laid")])?);
    let said = engine.run_image(&["--entrypoint", "printenv"], &tag("laid"), &["LAID"])?;
    assert_eq!(said.stdout, "out\n");
    Ok(())
}

/// `--pull` asks the registry again what a tag means; without it, what the engine has is good enough.
pub(crate) fn a_base_is_pulled_again() -> Result {
    let engine = Engine::of_environment();
    let registry = engine::registry()?;
    // The toolchain is asked for again too, and nowhere else in reach.
    let toolchain = format!("{registry}/longshore-e2e/rust:1.95-bookworm");
    engine.docker(["tag", TOOLCHAIN, &toolchain]).run()?;
    engine.docker(["push", "--quiet", &toolchain]).run()?;
    let toolchain = format!("{TOOLCHAIN}=docker-image://{toolchain}");

    let base = format!("{registry}/longshore-e2e/base:{}", nonce());
    let project = Project::of_testdata("hello")?;
    project.append("Cargo.toml", &format!("\n[package.metadata.longshore]\nbase = \"{base}\"\n"))?;
    let publish = |mood: &str, output: &str| -> Result {
        project.write("Dockerfile.base", format!("FROM debian:bookworm-slim\nENV MOOD={mood}\n"))?;
        let args = ["buildx", "build", "-f", "Dockerfile.base", "-t", &base, output, "."];
        passed(&engine.docker(args).at(project.path()).output()?);
        Ok(())
    };
    let mood = |more: &[&str]| -> Result<String> {
        passed(&build(&project, &[&["-t", &tag("moody"), "--build-context", &toolchain], more].concat())?);
        Ok(engine.run_image(&["--entrypoint", "printenv"], &tag("moody"), &["MOOD"])?.stdout)
    };
    publish("merry", "--push")?;
    publish("calm", "--load")?;
    assert_eq!(mood(&[])?, "calm\n", "what the engine has");
    assert_eq!(mood(&["--pull"])?, "merry\n", "what the registry has");
    Ok(())
}

/// The client's policy has the last word on where things come from.
pub(crate) fn policies_are_obeyed() -> Result {
    let project = Project::of_testdata("crates-io")?;
    let policy =
        r#"{"rules": [{"action": "DENY", "selector": {"identifier": "https://static.crates.io/*"}}]}"#;
    project.write("policy.json", policy)?;
    let args = ["buildx", "build", "-f", "Cargo.toml", "."];
    let mut refused = Engine::of_environment().docker(args).at(project.path());
    refused.0.env("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY", project.path().join("policy.json"));
    let refused = refused.output()?;
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("denied by policy"), "{}", refused.stderr);
    Ok(())
}

/// `--no-cache-filter` with a package's name.
pub(crate) fn one_package_is_compiled_again() -> Result {
    let project = Project::of_testdata("cross")?;
    let order = || {
        Order::build(&Engine::of_environment(), project.path(), "filtered")
            .args(["--no-cache-filter", "words"])
    };
    order().must()?;
    let again = order().must()?;
    let compiled: Vec<&str> = again.progress.compiled().into_keys().collect();
    assert_eq!(compiled, ["[member] words 0.1.0 (host)"]);
    Ok(())
}

/// A package that cannot be compiled stops those that need it, and not what shares a step with it: neither when the step runs
/// for them nor when it ran for the others.
pub(crate) fn what_cannot_be_compiled_stops_its_users() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("unneeded-package")?;
    // No build has compiled it so.
    let flags = format!("RUSTFLAGS=--cfg=n{}", nonce());
    let build = |target: &str| {
        let tag = tag(&format!("unneeded-{target}"));
        build(
            &project,
            &["--progress=plain", "--build-arg", &flags, "--target", target, "--load", "-t", &tag],
        )
    };
    let stopped = |output: Output| {
        assert_ne!(output.code, Some(0));
        for words in [
            "error: mach requires macOS or iOS",
            "error: could not compile `mac 0.1.0`, which uses `mach2 0.4.3`, of which the above was said",
            "help: the result is kept; `--no-cache-filter mach2` compiles `mach2 0.4.3` again",
        ] {
            assert!(output.stderr.contains(words), "{words}: {}", output.stderr);
        }
    };
    stopped(build("mac")?);
    let printer = build("printer")?;
    passed(&printer);
    assert!(!printer.stderr.contains("mach requires"), "{}", printer.stderr);
    let said = engine.run_image(&["--network", "none"], &tag("unneeded-printer"), &[])?;
    assert_eq!(said.stdout, "2a\n");
    stopped(build("mac")?);
    Ok(())
}

/// `bundle = true`: the two versions of itoa have one step, which is named after both, and still are two packages to those
/// that use them.
pub(crate) fn small_packages_share_steps() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("crates-io")?;
    project.replace(
        "Cargo.toml",
        "[workspace]\n",
        "[workspace]\n\n[workspace.metadata.longshore]\nbundle = true\n",
    )?;
    // Something that no other case has compiled.
    project.append("Cargo.toml", "\n[profile.release]\nopt-level = 1\n")?;
    let order = || Order::build(&engine, project.path(), "bundled");
    let first = order().must()?;
    let steps: Vec<&str> = first.progress.own().map(|vertex| vertex.name.as_str()).collect();
    let is_of_itoa = |name: &&&str| name.starts_with("[crate] ") && name.contains("itoa");
    let of_itoa: Vec<&&str> = steps.iter().filter(is_of_itoa).collect();
    assert!(
        matches!(of_itoa[..], [both] if both.contains("itoa 0.4") && both.contains("itoa 1.")),
        "{steps:?}"
    );
    assert_eq!(engine.run_image(&["--network", "none"], &tag("bundled"), &[])?.stdout, "1 2 3\n");

    project.append("src/main.rs", &format!("// {}\n", nonce()))?;
    let edited = order().must()?;
    let compiled: Vec<&str> = edited.progress.compiled().into_keys().collect();
    assert_eq!(compiled, ["[member] count 0.1.0 (bin \"count\")"]);
    Ok(())
}

/// `--label` and `--annotation`.
pub(crate) fn labels_and_annotations() -> Result {
    let project = Project::of_testdata("hello")?;
    let to = project.path().join("out");
    let output = format!("type=oci,tar=false,dest={}", to.display());
    let args = ["--label", "shift=late", "--annotation", "note=well", "--provenance=false", "-o", &output];
    passed(&build(&project, &args)?);
    let read = |path: &Path| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(to.join(path))?)?) };
    let blob = |digest: &Value| {
        read(&Path::new("blobs").join(digest.as_str().unwrap_or_default().replace(':', "/")))
    };
    let manifest = blob(&read(Path::new("index.json"))?["manifests"][0]["digest"])?;
    assert_eq!(manifest["annotations"]["note"], "well", "{manifest}");
    assert_eq!(blob(&manifest["config"]["digest"])?["config"]["Labels"]["shift"], "late");
    Ok(())
}

/// `FEATURES`, `PROFILE` and `RUSTFLAGS` are cargo's.
pub(crate) fn arguments_for_cargo() -> Result {
    let project = Project::of_testdata("hello")?;
    project.append("Cargo.toml", "\n[features]\nloud = []\n")?;
    let program = "fn main() {\n    println!(\"{} {} {}\", cfg!(feature = \"loud\"), cfg!(debug_assertions), cfg!(tuned));\n}\n";
    project.write("src/main.rs", program)?;
    assert_eq!(found(&project, &[])?, "false false false");
    let arguments = ["FEATURES=loud", "PROFILE=dev", "RUSTFLAGS=--cfg tuned"];
    let arguments: Vec<&str> = arguments.iter().flat_map(|value| ["--build-arg", *value]).collect();
    assert_eq!(found(&project, &arguments)?, "true true true");
    Ok(())
}

/// What is asked for takes the place of what is configured, for programs and not for build scripts, as `--target` has it.
pub(crate) fn flags_of_an_argument_and_of_the_configuration() -> Result {
    let project = Project::of_testdata("hello")?;
    project.write(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"configured\"]\n")?;
    project.write(
        "build.rs",
        "fn main() {\n    println!(\"cargo::rustc-env=SCRIPT={} {}\", cfg!(configured), cfg!(asked));\n}\n",
    )?;
    let program = "fn main() {\n    println!(\"{} {}, script {}\", cfg!(configured), cfg!(asked), env!(\"SCRIPT\"));\n}\n";
    project.write("src/main.rs", program)?;
    assert_eq!(found(&project, &[])?, "true false, script false false");
    let asked = ["--build-arg", "RUSTFLAGS=--cfg asked"];
    assert_eq!(found(&project, &asked)?, "false true, script false false");
    Ok(())
}

/// Longshore compiles for the platform, and without a wrapper.
pub(crate) fn a_configured_target_and_wrapper_are_left_out() -> Result {
    let project = Project::of_testdata("hello")?;
    let config = "[build]\ntarget = \"wasm32-wasip1\"\nrustc-wrapper = \"/no/such/wrapper\"\n";
    project.write(".cargo/config.toml", config)?;
    project.write("src/main.rs", "fn main() {\n    println!(\"{}\", cfg!(unix));\n}\n")?;
    assert_eq!(found(&project, &[])?, "true");
    let checked = build(&project, &["--call=check"])?;
    for (line, key) in [(2, "target = "), (3, "rustc-wrapper = ")] {
        let name = key.trim_end_matches(" = ");
        let said = format!("`.cargo/config.toml`: `build.{name}` has no effect");
        assert!(checked.stdout.contains(&said), "{said} in {checked:?}");
        assert!(checked.stdout.contains(&format!("   {line} | >>> {key}")), "{checked:?}");
    }
    Ok(())
}

/// A namespace for cache mounts, as Dockerfiles have it; and colour for who wants it.
pub(crate) fn arguments_of_buildkit_and_of_terminals() -> Result {
    let project = Project::of_testdata("hello")?;
    let asked = ["--build-arg", "BUILDKIT_CACHE_MOUNT_NS=team", "--call", "outline,format=json"];
    let outline = build(&project, &asked)?;
    passed(&outline);
    let outline: Value = serde_json::from_str(&outline.stdout)?;
    let ids: Vec<&str> =
        outline["cache"].as_array().into_iter().flatten().filter_map(|cache| cache["ID"].as_str()).collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| id.starts_with("team/longshore/")), "{outline}");

    project.append("src/main.rs", &format!("\nfn unused_{}() {{}}\n", nonce()))?;
    let plain = build(&project, &["--progress=plain"])?;
    assert!(plain.stderr.contains("warning: function `unused_"), "{}", plain.stderr);
    let coloured = build(&project, &["--progress=plain", "--build-arg", "CARGO_TERM_COLOR=always"])?;
    assert!(
        coloured.stderr.contains("\u{1b}[33mwarning")
            || coloured.stderr.contains("\u{1b}[1m\u{1b}[33mwarning"),
        "{}",
        coloured.stderr
    );
    Ok(())
}

/// A directory of the client's is a base like any image.
pub(crate) fn a_directory_as_a_base() -> Result {
    let project = Project::of_testdata("hello")?;
    project.write("base/etc/motd", "from a directory\n")?;
    project.write(".dockerignore", "base\n")?;
    let to = project.path().join("out");
    let output = format!("type=local,dest={}", to.display());
    let flags = "RUSTFLAGS=-C target-feature=+crt-static";
    let table = "\n[package.metadata.longshore]\nbase = \"debian:bookworm-slim\"\n";
    project.append("Cargo.toml", table)?;
    let args = ["--build-context", "debian:bookworm-slim=base", "--build-arg", flags, "-o", &output];
    passed(&build(&project, &args)?);
    assert_eq!(fs::read_to_string(to.join("etc/motd"))?, "from a directory\n");
    assert!(to.join("usr/local/bin/hello").is_file());
    Ok(())
}
