//! One image with programs for several processors; what single architectures have of their own.

use std::collections::BTreeSet;
use std::process::Command;

use crate::{
    Result,
    build::{Build, Order, tag},
    engine::Engine,
    git::Repository,
    project::{Project, nonce},
};

const TOOLKIT: &str = "nvidia/cuda:13.0.2-devel-ubuntu24.04=docker-image://longshore/cuda:13";

fn must(project: &Project, target: &str) -> Result<Build> {
    Order::build(&Engine::of_environment(), project.path(), target)
        .target(target)
        .args(["--build-context", TOOLKIT])
        .must()
}

/// A program for each level of the CPU, and the best that this machine has is started.
pub(crate) fn a_launcher_knows_the_cpu() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("saxpy")?;
    project.replace("Cargo.toml", "archs = [\"v3\"]", "archs = [\"v2\", \"v3\"]\nlayout = \"fat\"")?;
    let listed = engine.docker(["buildx", "build", "-f", "Cargo.toml", "--call=targets", "."]);
    let listed = listed.at(project.path()).run()?;
    assert!(listed.contains("saxpy-cpu ") && !listed.contains("saxpy-cpu-v3"), "{listed}");
    must(&project, "saxpy-cpu")?;
    let run = |options: &[&str]| engine.run_image(options, &tag("saxpy-cpu"), &[]);
    let best = if std::is_x86_feature_detected!("avx2") { ", with AVX2" } else { "" };
    assert_eq!(run(&[])?.stdout, format!("1000000 on the CPU{best}\n"));
    assert_eq!(run(&["--env=LONGSHORE_ARCH=v2"])?.stdout, "1000000 on the CPU\n");
    // Wherever a Dockerfile puts them.
    let dockerfile = "# syntax=localhost/longshore:dev\nFROM debian:bookworm-slim\nCOPY --from=saxpy-cpu / /opt/\nCMD [\"/opt/saxpy\"]\n";
    project.write("Dockerfile", dockerfile)?;
    Order::dockerfile(&engine, project.path(), "saxpy-moved").must()?;
    let moved = engine.run_image(&["--env=LONGSHORE_ARCH=v2"], &tag("saxpy-moved"), &[])?;
    assert_eq!(moved.stdout, "1000000 on the CPU\n", "{}", moved.stderr);
    let unknown = run(&["--env=LONGSHORE_ARCH=v4"])?;
    assert_eq!(unknown.code, Some(1));
    assert_eq!(unknown.stderr, "saxpy: there is no program for `v4` (LONGSHORE_ARCH); there are v2, v3\n");
    Ok(())
}

/// A shader is SPIR-V of the version asked for, or does not ship.
pub(crate) fn a_shader_has_its_version() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("shader")?;
    must(&project, "shader")?;
    assert_eq!(engine.run_image(&[], &tag("shader"), &[])?.stdout, "no shader\n");
    must(&project, "shader-vulkan")?;
    let said = engine.run_image(&[], &tag("shader-vulkan"), &[])?.stdout;
    assert!(said.ends_with(" bytes of SPIR-V 1.3\n"), "{said}");
    project.replace("Cargo.toml", "\"{arch}\"", "\"spv1.5\"")?;
    let refused = Order::build(&engine, project.path(), "shader").target("shader-vulkan").run()?;
    let said = refused.progress.tail();
    assert!(!refused.succeeded, "{said}");
    assert!(said.contains("asked for: spv1.3") && said.contains("there is:  spv1.5"), "{said}");
    Ok(())
}

/// The driver's library, as far as a launcher asks it.
const DRIVER: &str = r#"
#include <stdlib.h>
int cuInit(unsigned flags) { return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = 0; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  int there = atoi(getenv("CAPABILITY"));
  *value = attribute == 75 ? there / 10 : there % 10;
  return 0;
}
"#;

/// A program for each of NVIDIA's: which one is for the driver to say, or a plain message.
pub(crate) fn a_launcher_asks_the_driver() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("saxpy")?;
    project.replace(
        "Cargo.toml",
        "archs = [\"80\", \"90a\"]",
        "archs = [\"80\", \"90a\"]\nlayout = \"fat\"",
    )?;
    project.append("kernels/src/saxpy.cu", &format!("\n// {}\n", nonce()))?;
    let built = must(&project, "saxpy-cuda")?;
    let compiled: BTreeSet<&str> = built.progress.compiled().into_keys().collect();
    assert!(compiled.contains("[member] kernels 0.1.0"), "{compiled:?}");
    let twice = built.progress.compiled()["[member] kernels 0.1.0"];
    assert_eq!(twice, 2, "once for each architecture: {compiled:?}");
    let labels = ["image", "inspect", "--format", "{{json .Config.Labels}}", &tag("saxpy-cuda")];
    let labels = engine.docker(labels).run()?;
    assert!(labels.contains(r#""longshore.archs":"sm_80,sm_90a""#), "{labels}");

    let none = engine.run_image(&[], &tag("saxpy-cuda"), &[])?;
    assert_eq!(none.code, Some(1));
    assert!(none.stderr.starts_with("saxpy: there is no driver of NVIDIA's here"), "{}", none.stderr);
    assert!(none.stderr.contains("`--gpus all`"), "{}", none.stderr);

    // The image with a driver, and without the program that must not be chosen.
    let with_driver = Project::of_testdata("saxpy")?;
    with_driver.write("driver.c", DRIVER)?;
    let library = with_driver.path().join("libcuda.so.1");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(with_driver.path().join("driver.c"))
        .status()?;
    assert!(made.success());
    let dockerfile = format!(
        "FROM {}\nENV LD_LIBRARY_PATH=/driver\nCOPY libcuda.so.1 /driver/\nCOPY driver.c /usr/local/bin/saxpy-sm80\n",
        tag("saxpy-cuda")
    );
    with_driver.write("Dockerfile", dockerfile)?;
    let driven = tag("saxpy-driven");
    let options = ["buildx", "build", "--load", "--quiet", "-t", &driven, "."];
    engine.docker(options).at(with_driver.path()).run()?;
    let run =
        |capability: &str| engine.run_image(&["--env", &format!("CAPABILITY={capability}")], &driven, &[]);
    let hopper = run("90")?;
    assert_eq!(hopper.code, Some(0), "{}", hopper.stderr);
    assert!(hopper.stdout.ends_with("1000000 on the CPU\n"), "{}", hopper.stdout);
    let turing = run("75")?;
    assert_eq!(turing.code, Some(1));
    let expected =
        "saxpy: no program of this image runs on this processor\n  it is:     75\n  there are: 80, 90a\n";
    assert_eq!(turing.stderr, expected);
    Ok(())
}

/// A header of a repository that a build script could not clone; and one architecture that goes without it.
pub(crate) fn a_repository_is_mounted() -> Result {
    let project = Project::of_testdata("saxpy")?;
    let repository = project.path().parent().expect("in a directory").join("headers");
    std::fs::create_dir(&repository)?;
    let header = format!("#define OFFSET {}\n", nonce() % 1000);
    std::fs::write(repository.join("offset.h"), &header)?;
    let repository = Repository::new(&repository)?;
    let commit = repository.git(&["rev-parse", "HEAD"])?;
    let server = repository.serve("/headers.git")?;
    project.replace(
        "Cargo.toml",
        "features = [\"saxpy/cuda\"]\n",
        &format!(
            "features = [\"saxpy/cuda\"]\nbuild.git = [{{ url = \"{}/headers.git\", commit = \"{commit}\", to = \
             \"/tmp/headers\" }}]\narch.90a.env = {{ WITHOUT_OFFSET = \"yes\" }}\n",
            server.address
        ),
    )?;
    // Variables of the package's own, and a table counts as naming the accelerator.
    project.replace(
        "kernels/Cargo.toml",
        "accelerators = [\"cuda\", \"rocm\"]",
        "accelerators = [\"rocm\"]\naccelerator.cuda = { env = { OWN = \"mine\" }, arch-env = { OWN_ARCHS = \"{arch:sm;}\" } }",
    )?;
    let line = "println!(\"cargo::rerun-if-changed=src/saxpy.cu\");";
    let check = format!(
        "{line}\n    if env::var_os(\"CARGO_FEATURE_CUDA\").is_some() && env::var_os(\"WITHOUT_OFFSET\").is_none() {{\n        \
         assert_eq!(std::fs::read_to_string(\"/tmp/headers/offset.h\").unwrap(), {header:?});\n        \
         assert!(PathBuf::from(\"/tmp/headers/.git\").exists());\n        \
         assert_eq!((wanted(\"OWN\"), wanted(\"OWN_ARCHS\")), (\"mine\".into(), \"sm_80\".into()));\n        panic!(\"the header is there\");\n    }}"
    );
    project.replace("kernels/build.rs", line, &check)?;
    let stopped = Order::build(&Engine::of_environment(), project.path(), "saxpy")
        .target("saxpy-cuda-sm80")
        .args(["--build-context", TOOLKIT])
        .run()?;
    let said = stopped.progress.tail();
    assert!(!stopped.succeeded && said.contains("the header is there"), "{said}");
    must(&project, "saxpy-cuda-sm90a")?;
    Ok(())
}
