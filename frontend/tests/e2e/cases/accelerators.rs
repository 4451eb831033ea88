//! One program for several processors: what differs is compiled for each, and nothing else twice.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::{
    Result,
    build::{Build, Order, tag},
    engine::Engine,
    project::{Project, nonce, testdata},
};

/// NVIDIA's compiler, in place of NVIDIA's image.
const TOOLKIT: &str = "nvidia/cuda:13.0.2-devel-ubuntu24.04=docker-image://longshore/cuda:13";

/// Debian's clang, in place of AMD's image.
const ROCM: &str = "rocm/dev-ubuntu-24.04:7.2.4-complete=docker-image://longshore/rocm:debian";

fn build(project: &Path, target: &str) -> Result<Build> {
    Order::build(&Engine::of_environment(), project, target)
        .target(target)
        .args(["--build-context", TOOLKIT, "--build-context", ROCM])
        .run()
}

fn must(project: &Path, target: &str) -> Result<Build> {
    let built = build(project, target)?;
    assert!(built.succeeded, "{}", built.progress.tail());
    Ok(built)
}

fn says(target: &str) -> Result<String> {
    let said = Engine::of_environment().run_image(&[], &tag(target), &[])?;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    Ok(said.stdout)
}

/// `numbers`, `itoa` and whatever else no GPU changes are the same vertices for all.
pub(crate) fn what_does_not_differ_is_shared() -> Result {
    let project = Project::of_testdata("saxpy")?;
    project.append("numbers/src/lib.rs", &format!("\n/// {0}\npub const SEED: u64 = {0};\n", nonce()))?;
    project.append("kernels/src/saxpy.cu", &format!("\n// {}\n", nonce()))?;
    let plain = must(project.path(), "saxpy")?;
    let all: BTreeSet<&str> = plain.progress.compiled().into_keys().collect();
    assert!(all.contains("[member] numbers 0.1.0") && all.contains("[member] kernels 0.1.0"), "{all:?}");
    assert_eq!(says("saxpy")?, "1000000 on the CPU\n");

    let own = ["[member] kernels 0.1.0", r#"[member] saxpy 0.1.0 (bin "saxpy")"#];
    for target in ["saxpy-cuda-sm80", "saxpy-cuda-sm90a"] {
        let built = must(project.path(), target)?;
        let compiled: Vec<&str> = built.progress.compiled().into_keys().collect();
        assert_eq!(compiled, own, "only what sees the toolkit");
        let said = says(target)?;
        assert!(said.contains("bytes for cuda, but there is no driver\n1000000 on the CPU"), "{said}");
    }
    // The first architecture under the short name.
    let short = must(project.path(), "saxpy-cuda")?;
    assert!(short.progress.compiled().is_empty());
    Ok(())
}

/// Rust code beside kernels can be edited without compiling them again: the build script's results stay.
pub(crate) fn kernels_outlive_edits_of_rust() -> Result {
    let project = Project::of_testdata("saxpy")?;
    project.append("kernels/src/saxpy.cu", &format!("\n// {}\n", nonce()))?;
    let line = "println!(\"cargo::rerun-if-changed=src/saxpy.cu\");";
    let made = "println!(\"cargo::rustc-env=MADE={}\", std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos());";
    project.replace("kernels/build.rs", line, &format!("{line}\n    {made}"))?;
    project.append(
        "kernels/src/lib.rs",
        "\n/// When the script ran.\npub const MADE: &str = env!(\"MADE\");\n",
    )?;
    project.replace("saxpy/src/main.rs", "mod cuda;\n", "mod cuda;\nconst MADE: &str = kernels::MADE;\n")?;
    project.replace("saxpy/src/main.rs", "on {place}\"", "on {place}, {MADE}\"")?;
    must(project.path(), "saxpy-cuda-sm80")?;
    let before = says("saxpy-cuda-sm80")?;
    project
        .append("kernels/src/lib.rs", &format!("\n/// A number.\npub const SEED: u64 = {};\n", nonce()))?;
    let again = must(project.path(), "saxpy-cuda-sm80")?;
    let compiled: BTreeSet<&str> = again.progress.compiled().into_keys().collect();
    assert!(compiled.contains("[member] kernels 0.1.0"), "{compiled:?}");
    assert_eq!(says("saxpy-cuda-sm80")?, before);
    project.append("kernels/src/saxpy.cu", "\n// edited\n")?;
    must(project.path(), "saxpy-cuda-sm80")?;
    assert_ne!(says("saxpy-cuda-sm80")?, before);
    Ok(())
}

/// What the image says of itself.
pub(crate) fn images_say_what_they_are_for() -> Result {
    must(&testdata("saxpy"), "saxpy-cuda-sm90a")?;
    let format = "{{json .Config.Labels}}";
    let labels = Engine::of_environment()
        .docker(["image", "inspect", "--format", format, &tag("saxpy-cuda-sm90a")])
        .run()?;
    let labels: Value = serde_json::from_str(&labels)?;
    let expected = [
        ("longshore.accelerator", "cuda"),
        ("longshore.archs", "sm_90a"),
        ("longshore.features", "saxpy/cuda"),
        ("longshore.toolkit", "13.0"),
        ("longshore.min-driver", "580"),
        ("longshore.run-args", "--gpus all"),
    ];
    for (name, value) in expected {
        assert_eq!(labels[name], value, "{labels}");
    }
    Ok(())
}

/// A tool that reads another variable compiles for another processor, and that is seen before it ships.
pub(crate) fn another_architecture_does_not_ship() -> Result {
    let project = Project::of_testdata("saxpy")?;
    project.replace(
        "Cargo.toml",
        "features = [\"saxpy/cuda\"]\n",
        "features = [\"saxpy/cuda\"]\nbuild.arch-env = { CMAKE_CUDA_ARCHITECTURES = \"75-real\" }\n",
    )?;
    let refused = build(project.path(), "saxpy-cuda-sm80")?;
    let said = refused.progress.tail();
    assert!(!refused.succeeded, "{said}");
    assert!(said.contains("asked for: sm_80") && said.contains("there is:  sm_75"), "{said}");
    let dockerfile =
        "# syntax=localhost/longshore:dev\nFROM scratch\nCOPY --from=saxpy-cuda-sm80 /saxpy /gpu\n";
    project.write("Dockerfile", dockerfile)?;
    let order = Order::dockerfile(&Engine::of_environment(), project.path(), "saxpy-gpu");
    let refused = order.args(["--build-context", TOOLKIT]).run()?;
    let said = refused.progress.tail();
    assert!(!refused.succeeded && said.contains("there is:  sm_75"), "{said}");
    Ok(())
}

/// In a Dockerfile they are contexts like other targets.
pub(crate) fn a_dockerfile_takes_one() -> Result {
    let project = Project::of_testdata("saxpy")?;
    project.write(
        "Dockerfile",
        "# syntax=localhost/longshore:dev\nFROM debian:bookworm-slim\nCOPY --from=saxpy-cuda-sm80 /saxpy /gpu\n\
         COPY --from=saxpy /saxpy /cpu\nCMD /cpu && /gpu\n",
    )?;
    let order = Order::dockerfile(&Engine::of_environment(), project.path(), "saxpy-both");
    order.args(["--build-context", TOOLKIT]).must()?;
    let said = says("saxpy-both")?;
    assert!(said.starts_with("1000000 on the CPU\n") && said.contains("bytes for cuda, but"), "{said}");
    Ok(())
}

/// Levels of the CPU are accelerators of their own.
pub(crate) fn a_level_is_an_image() -> Result {
    must(&testdata("saxpy"), "saxpy-cpu-v3")?;
    if std::fs::read_to_string("/proc/cpuinfo")?.contains(" avx2") {
        assert_eq!(says("saxpy-cpu-v3")?, "1000000 on the CPU, with AVX2\n");
    }
    Ok(())
}

/// They are listed, and a bake file has them, each in a tag of its own.
pub(crate) fn questions_know_accelerators() -> Result {
    let ask = |call: &str| -> Result<String> {
        let args = ["buildx", "build", "-f", "Cargo.toml", "--call", call, "."];
        let said = Engine::of_environment().docker(args).at(&testdata("saxpy")).output()?;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        Ok(said.stdout)
    };
    let targets = ask("targets")?;
    for name in
        ["saxpy-cuda-sm80", "saxpy-cuda-sm90a", "saxpy-rocm", "saxpy-cpu-v3", "NVIDIA GPUs, CUDA 13: sm_80"]
    {
        assert!(targets.contains(name), "{targets}");
    }
    let bake: Value = serde_json::from_str(&ask("bake")?)?;
    assert_eq!(
        bake["target"]["saxpy-cuda-sm80"]["tags"][0],
        "registry.example.com/saxpy/saxpy:1.0-cuda-sm80"
    );
    assert_eq!(bake["group"]["cuda-sm80"]["targets"][0], "saxpy-cuda-sm80");
    Ok(())
}

/// AMD's tools take all architectures at once.
pub(crate) fn one_image_for_two_gpus() -> Result {
    must(&testdata("saxpy"), "saxpy")?;
    let built = must(&testdata("saxpy"), "saxpy-rocm")?;
    let compiled: BTreeSet<&str> = built.progress.compiled().into_keys().collect();
    assert!(!compiled.iter().any(|name| name.contains("numbers") || name.contains("itoa")), "{compiled:?}");
    let said = says("saxpy-rocm")?;
    assert!(said.contains("bytes for rocm\n1000000 on the CPU"), "{said}");
    let args =
        ["image", "inspect", "--format", "{{index .Config.Labels \"longshore.archs\"}}", &tag("saxpy-rocm")];
    assert_eq!(Engine::of_environment().docker(args).run()?.trim(), "gfx90a,gfx1100");
    Ok(())
}

/// One of two architectures is not compiled for.
pub(crate) fn a_missing_architecture_does_not_ship() -> Result {
    let project = Project::of_testdata("saxpy")?;
    project.replace(
        "Cargo.toml",
        "features = [\"saxpy/rocm\"]\n",
        "features = [\"saxpy/rocm\"]\nbuild.arch-env = { AMDGPU_TARGETS = \"gfx90a\" }\n",
    )?;
    let refused = build(project.path(), "saxpy-rocm")?;
    let said = refused.progress.tail();
    assert!(!refused.succeeded, "{said}");
    assert!(said.contains("asked for: gfx90a, gfx1100") && said.contains("there is:  gfx90a\n"), "{said}");
    Ok(())
}
