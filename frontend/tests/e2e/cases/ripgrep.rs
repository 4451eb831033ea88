//! A program that people use, of ten packages: the image's `rg` finds what the `rg` that cargo builds here finds.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    Result,
    build::{Order, tag},
    engine::{Engine, Output, Run},
    note,
    project::{Project, repository},
};

/// Options that are about order, layouts, files, engines and mistakes.
const SEARCHES: [&[&str]; 10] = [
    &["--version"],
    &["--files"],
    &["--files", "--hidden", "--no-ignore", "-g", "!*.md"],
    &["-n", "fn main"],
    &["-i", "-c", "gitignore", "-t", "rust"],
    &["-U", r"impl[^{]*\{\n[^\n]*fn new"],
    &["--json", "-w", "unsafe"],
    &["-o", "-r", "$2 $1", r"(\w+)::(\w+)", "-g", "crates/globset/**"],
    &["no such words in this tree"],
    &["an open (parenthesis"],
];

pub(crate) fn searches_alike() -> Result {
    let engine = Engine::of_environment();
    let scratch = tempfile::tempdir()?;
    let tree = scratch.path().join("ripgrep");
    let mut layout = Command::new(repository().join("scripts/lib/ripgrep-workspace"));
    layout.arg(&tree);
    Run(layout).run()?;
    let project = Project::copy_of(&tree, "ripgrep")?;
    Order::build(&engine, project.path(), "rg").must()?;
    let rg = built_by_cargo(&tree)?;

    let entrypoint = ["--network", "none", "--entrypoint", "sleep"];
    let container = engine.start(&entrypoint, &tag("rg"), &["infinity"])?;
    container.copy_in(project.path(), "/tree")?;
    for search in SEARCHES {
        let args = [&["--sort", "path", "--no-require-git"], search].concat();
        let mut plain = Command::new(&rg);
        plain.args(&args);
        let expected = Run(plain).at(project.path()).output()?;
        let got = container.exec(&["--workdir", "/tree"], &[&["rg"], args.as_slice()].concat())?;
        assert_eq!(comparable(got), comparable(expected), "rg {args:?}");
    }
    note!("{} searches give the same", SEARCHES.len());
    Ok(())
}

/// Built by the cargo that runs these tests; kept for the next run. Not optimized: what it finds is the same.
fn built_by_cargo(tree: &Path) -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(env::var_os("HOME").ok_or("HOME is not set")?).join(".cache"),
    };
    let target = cache.join("longshore/e2e/ripgrep");
    let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--locked", "--quiet", "--target-dir"]).arg(&target);
    Run(build).at(tree).run()?;
    Ok(target.join("debug/rg"))
}

/// Without the times that `--json` gives.
fn comparable(mut output: Output) -> Output {
    let lines = output.stdout.lines().map(|line| match serde_json::from_str::<Value>(line) {
        Ok(mut message) if message["data"].is_object() => {
            without_times(&mut message);
            message.to_string()
        }
        _ => line.to_owned(),
    });
    output.stdout = lines.collect::<Vec<_>>().join("\n");
    output
}

fn without_times(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|name, _| !name.starts_with("elapsed"));
        fields.values_mut().for_each(without_times);
    }
}
