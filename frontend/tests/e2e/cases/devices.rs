//! Kernels in Rust: a member compiled for a GPU, and handed to the program that loads it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{
    Result,
    build::{Build, Order, tag},
    engine::Engine,
    project::{Project, nonce},
};

fn must(project: &Path, target: &str) -> Result<Build> {
    Order::build(&Engine::of_environment(), project, target).target(target).must()
}

fn says(target: &str) -> Result<String> {
    let said = Engine::of_environment().run_image(&[], &tag(target), &[])?;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    Ok(said.stdout)
}

/// Whose compilers ran, by whole names: compiled for what, and what.
fn compiled(build: &Build) -> BTreeSet<&str> {
    build.progress.own().filter(|vertex| vertex.compiled()).map(|vertex| vertex.name.as_str()).collect()
}

/// A project whose kernels no build has seen: their code, not only their text, is new.
fn unseen() -> Result<Project> {
    let project = Project::of_testdata("device-crate")?;
    project.replace("curve/src/lib.rs", "[1.0, -2.0,", &format!("[1.0, -{}.0,", nonce() % 1_000_000))?;
    Ok(project)
}

/// NVIDIA's: PTX, for one processor in each image.
pub(crate) fn a_member_runs_on_nvidias() -> Result {
    let project = unseen()?;
    let plain = must(project.path(), "plot")?;
    let names: BTreeSet<&str> = plain.progress.own().map(|vertex| vertex.name.as_str()).collect();
    assert!(!names.iter().any(|name| name.contains("kernels")), "{names:?}");
    assert!(!says("plot")?.contains(" bytes of "), "the CPU's image has no device code");

    let built = must(project.path(), "plot-cuda-sm80")?;
    let expected = [
        "[member] plot 0.1.0",
        r#"[member] plot 0.1.0 (bin "plot")"#,
        "[nvptx64/sm_80 member] curve 0.1.0",
        "[nvptx64/sm_80 member] kernels 0.1.0",
    ];
    assert_eq!(compiled(&built), BTreeSet::from(expected), "`curve` is the CPU's as before");
    assert!(says("plot-cuda-sm80")?.contains(" bytes of PTX"), "{}", says("plot-cuda-sm80")?);

    // The host's code changes: the device's does not.
    project.append("plot/src/main.rs", &format!("\n// {}\n", nonce()))?;
    let edited = must(project.path(), "plot-cuda-sm80")?;
    assert!(
        compiled(&edited).iter().all(|name| name.starts_with("[member] plot")),
        "{:?}",
        compiled(&edited)
    );
    // The device's source changes, and what it is compiled to does not: nobody takes notice.
    project.append("kernels/src/lib.rs", &format!("\n// {}\n", nonce()))?;
    let edited = must(project.path(), "plot-cuda-sm80")?;
    assert_eq!(compiled(&edited), BTreeSet::from(["[nvptx64/sm_80 member] kernels 0.1.0"]));

    // An error in a kernel is shown as any other.
    project.append("kernels/src/lib.rs", "\nconst BROKEN: u32 = \"\";\n")?;
    let broken =
        Order::build(&Engine::of_environment(), project.path(), "plot").target("plot-cuda-sm80").run()?;
    let said = broken.progress.tail();
    assert!(!broken.succeeded && said.contains("error[E0308]: mismatched types"), "{said}");
    assert!(said.contains("kernels/src/lib.rs"), "{said}");
    Ok(())
}

/// AMD's: code objects, for two processors in one image.
pub(crate) fn a_member_runs_on_amds() -> Result {
    let project = unseen()?;
    let built = must(project.path(), "plot-rocm")?;
    let compiled = compiled(&built);
    for name in ["[amdgcn/gfx90a member] kernels 0.1.0", "[amdgcn/gfx1100 member] kernels 0.1.0"] {
        assert!(compiled.contains(name), "{compiled:?}");
    }
    assert_eq!(says("plot-rocm")?.matches(" bytes of ELF").count(), 2);
    let format = ["image", "inspect", "--format", "{{json .Config.Labels}}", &tag("plot-rocm")];
    let labels = Engine::of_environment().docker(format).run()?;
    assert!(labels.contains(r#""longshore.archs":"gfx90a,gfx1100""#), "{labels}");
    Ok(())
}

/// A toolchain that has neither the device's standard library nor its source says what to add.
pub(crate) fn a_toolchain_without_the_devices_library() -> Result {
    let project = unseen()?;
    let line = "device.toolchain = \"longshore/rust-cross:debian\" # with `rust-src`, and linkers for both devices\n";
    project.replace("Cargo.toml", line, "")?;
    let refused =
        Order::build(&Engine::of_environment(), project.path(), "plot").target("plot-cuda-sm80").run()?;
    let said = refused.progress.tail();
    assert!(!refused.succeeded, "{said}");
    assert!(said.contains("no standard library for `nvptx64-nvidia-cuda`, and not its source"), "{said}");
    assert!(said.contains("rustup target add nvptx64-nvidia-cuda"), "{said}");
    Ok(())
}
