//! One thing is changed: it and what depends on it run, nothing else does, and the image shows the change.

use super::unseen;
use crate::{
    Result,
    build::{Build, Order, tag},
    engine::Engine,
    project::{Project, dependents, nonce},
};

fn build(project: &Project, target: &str) -> Result<Build> {
    Order::build(&Engine::of_environment(), project.path(), &format!("{target}-edited")).target(target).must()
}

/// What the edited image prints.
fn says(target: &str, args: &[&str]) -> Result<String> {
    let output = Engine::of_environment().run_image(&[], &tag(&format!("{target}-edited")), args)?;
    Ok(output.stdout + &output.stderr)
}

pub(crate) fn leaf() -> Result {
    let project = unseen::built()?;
    let words = format!("waiting {}", nonce());
    project.replace("services/server/src/args.rs", "Usage: server", &format!("{words}: server"))?;
    build(&project, "server")?.assert_ran([
        "[member] server: own files",
        r#"[member] server 0.3.0 (bin "server")"#,
        "[image] server: check programs",
        "[image] server",
    ]);
    let said = says("server", &["--help"])?;
    assert!(said.contains(&words), "{said}");
    // The others are not even looked at again.
    build(&project, "gateway")?.assert_ran([]);
    Ok(())
}

pub(crate) fn library() -> Result {
    let project = unseen::built()?;
    let words = format!("a bias is one row {}", nonce());
    project.replace("crates/tensor/src/lib.rs", "a bias is one row of the same length", &words)?;
    build(&project, "server")?.assert_ran([
        "[member] tensor: own files",
        "[member] tensor 0.3.0",
        "[member] model 0.3.0",
        r#"[member] server 0.3.0 (bin "server")"#,
        "[image] server: check programs",
        "[image] server",
    ]);
    build(&project, "gateway")?.assert_ran([]);
    Ok(())
}

/// `infer` includes the model from outside its package; nothing but the `include_bytes!` says so.
pub(crate) fn model() -> Result {
    let project = unseen::built()?;
    let file = "models/sentiment.safetensors";
    let mut data = std::fs::read(project.path().join(file))?;
    // After the header every number is a weight. When all are the same, no label is better than another.
    let header = u64::from_le_bytes(data[..8].try_into()?) as usize;
    let weight = ((nonce() % 1_000_000) as f32 / 1_000_000.0).to_le_bytes();
    for number in data[8 + header..].chunks_exact_mut(4) {
        number.copy_from_slice(&weight);
    }
    project.write(file, data)?;
    build(&project, "infer")?.assert_ran([
        "[member] infer: own files",
        r#"[member] infer 0.3.0 (bin "infer")"#,
        "[image] infer: check programs",
        "[image] infer",
    ]);
    let said = says("infer", &["late delivery and a broken box"])?;
    assert!(said.ends_with(" 0.500\n"), "{said}");
    Ok(())
}

/// The build script of `api` reads the file, which the package's `inputs` declare.
pub(crate) fn proto() -> Result {
    let project = unseen::built()?;
    let message = format!("Added{}", nonce());
    project.append("proto/inference.proto", &format!("\n// Added.\nmessage {message} {{}}\n"))?;
    project.replace(
        "cli/src/args.rs",
        "env!(\"CARGO_PKG_NAME\")",
        &format!("std::any::type_name::<api::v1::{message}>()"),
    )?;
    build(&project, "infer")?.assert_ran([
        "[member] api: own files",
        "[member] api 0.3.0",
        "[member] infer: own files",
        r#"[member] infer 0.3.0 (bin "infer")"#,
        "[image] infer: check programs",
        "[image] infer",
    ]);
    let said = says("infer", &["--version"])?;
    assert!(said.contains(&message), "{said}");
    Ok(())
}

/// From one release of a small package to the one before it.
pub(crate) fn locked_version() -> Result {
    let (name, new, old) = ("httpdate", "1.0.3", "1.0.2");
    let checksums = [
        "df3b46402a9d5adb4c86a0cf463f42e19994e3ee891101b1841f30a545cb49a9",
        "c4a1e36c821dbe04574f602848a19f742f4fb3c98d40449f11bcad18d6b17421",
    ];
    let project = unseen::built()?;
    let head = |version: &str| format!("name = \"{name}\"\nversion = \"{version}\"\n");
    project.replace("Cargo.lock", &head(new), &head(old))?;
    project.replace("Cargo.lock", checksums[0], checksums[1])?;
    let build = build(&project, "server")?;

    let needing = dependents(&project.read("Cargo.lock")?, name)?;
    // Small packages are compiled several to a step, and one that has to be takes the others of its step along.
    let changed = |vertex: &str| {
        let packages = vertex.split_once("] ").map_or("", |(_, packages)| packages);
        let packages = packages.split(" (").next().unwrap_or_default();
        (vertex.starts_with("[crate] ") || vertex.starts_with("[member] "))
            && packages.split(", ").any(|package| needing.contains(package))
    };
    let mut expected: Vec<&str> =
        build.progress.own().map(|vertex| vertex.name.as_str()).filter(|vertex| changed(vertex)).collect();
    for package in ["httpdate 1.0.2", "hyper ", "axum ", "api 0.3.0", "server 0.3.0"] {
        assert!(
            expected.iter().any(|vertex| vertex.contains(package)),
            "{package} depends on {name}: {expected:?}"
        );
    }
    // Unless an earlier run has read the same.
    expected.extend(build.progress.ran().into_iter().filter(|vertex| vertex.starts_with("[plan] read ")));
    expected.extend(["[plan] collect manifests", "[plan] cargo build, recorded"]);
    expected.extend(["[image] server: check programs", "[image] server"]);
    build.assert_ran(expected);
    Ok(())
}
