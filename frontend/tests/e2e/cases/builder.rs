//! What build scripts need of the toolchain image, and what they may do there.

use crate::{
    Result,
    build::{Order, tag},
    engine::Engine,
    project::{Project, nonce},
};

/// Packages are installed in a step of their own, which no edit runs again, and their libraries come along.
pub(crate) fn system_packages_are_installed_once() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("system-packages")?;
    Order::build(&engine, project.path(), "system-packages").must()?;
    let said = engine.run_image(&["--network", "none"], &tag("system-packages"), &[])?;
    // Debian's; the crate's own would be 1.3.
    assert!(said.stdout.starts_with("zlib 1.2."), "{said:?}");

    project.replace("src/main.rs", "zlib {}", &format!("zlib {{}} {}", nonce()))?;
    let edited = Order::build(&engine, project.path(), "system-packages").must()?;
    edited.assert_ran([
        "[member] system-packages: own files",
        "[member] system-packages 0.1.0 (bin \"system-packages\")",
        "[image] system-packages: check programs",
        "[image] system-packages",
    ]);
    Ok(())
}

/// Names that the archive does not have, and where they were written.
pub(crate) fn a_package_that_there_is_none_of() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("system-packages")?;
    project.replace("Cargo.toml", "\"zlib1g-dev\"", "\"zlib1g-devel\"")?;
    let build = Order::build(&engine, project.path(), "system-packages").run()?;
    assert!(!build.succeeded);
    let said = build.progress.tail();
    for part in ["no package `zlib1g-devel`", "Cargo.toml:20", "builder.packages = "] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    Ok(())
}
