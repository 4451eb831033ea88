//! A program's sources, as both sides get them.

use std::path::Path;
use std::process::Command;

use longshore_conformance::corpus::{Origin, Program};

use crate::{
    Result,
    engine::Run,
    project::{Project, repository, testdata},
};

/// The workspace, in a directory of its own.
pub(super) fn lay_out(program: &Program, scratch: &Path) -> Result<Project> {
    let tree = scratch.join("tree");
    let scripts = repository().join("scripts/lib");
    let project = match &program.from {
        Origin::Testdata => Project::copy_of(&testdata(&program.name), &program.name)?,
        Origin::Script(script) => {
            let mut layout = Command::new(scripts.join(script));
            layout.arg(&tree);
            Run(layout).run()?;
            Project::copy_of(&tree, &program.name)?
        }
        Origin::Published { version, sha256 } => {
            let mut unpack = Command::new(scripts.join("published-crate"));
            unpack.args([&program.name, version, sha256]).arg(&tree);
            Run(unpack).run()?;
            Project::copy_of(&tree, &program.name)?
        }
    };
    let mut settings = program.settings.clone();
    if program.no_default_features {
        settings += "\nno-default-features = true\n";
    }
    for (name, value) in &program.env {
        settings += &format!("\nbuilder.env.{name} = {value:?}\n");
    }
    if !program.packages.is_empty() {
        settings += &format!("\nbuilder.packages = {:?}\n", program.packages);
    }
    if !settings.trim().is_empty() {
        project.append("Cargo.toml", &format!("\n[workspace.metadata.longshore]\n{settings}\n"))?;
    }
    Ok(project)
}
