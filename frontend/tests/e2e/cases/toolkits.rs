//! Programs that use published crates for accelerators, with toolkits as vendors publish them; Huawei's is a stub.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    Result,
    build::{Build, Order, tag},
    engine::{Engine, Output},
    project::{Project, nonce},
};

/// A stub in place of Huawei's image.
const ASCEND: &str = "quay.io/ascend/cann:9.1.0-910b-ubuntu22.04-py3.12=docker-image://longshore/ascend:stub";

/// NVIDIA's compiler and libraries, in place of NVIDIA's image.
const CUDA: &str = "nvidia/cuda:13.0.2-devel-ubuntu24.04=docker-image://longshore/cuda:13-math";

fn build(project: &Project, target: &str) -> Result<Build> {
    Order::build(&Engine::of_environment(), project.path(), target)
        .target(target)
        .args(["--build-context", ASCEND, "--build-context", CUDA])
        .run()
}

fn must(project: &Project, target: &str) -> Result<Build> {
    let built = build(project, target)?;
    assert!(built.succeeded, "{}", built.progress.tail());
    Ok(built)
}

fn refused(project: &Project, target: &str, why: &[&str]) -> Result {
    let built = build(project, target)?;
    let said = built.progress.tail();
    assert!(!built.succeeded, "{said}");
    for words in why {
        assert!(said.contains(words), "no `{words}` in\n{said}");
    }
    Ok(())
}

fn run(target: &str, options: &[&str]) -> Result<Output> {
    Engine::of_environment().run_image(options, &tag(target), &[])
}

fn says(target: &str) -> Result<String> {
    let said = run(target, &[])?;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    Ok(said.stdout)
}

fn label(target: &str, name: &str) -> Result<String> {
    let format = format!("{{{{index .Config.Labels \"{name}\"}}}}");
    let said =
        Engine::of_environment().docker(["image", "inspect", "--format", &format, &tag(target)]).run()?;
    Ok(said.trim().to_owned())
}

fn layers(target: &str) -> Result<Vec<String>> {
    let format = "{{json .RootFS.Layers}}";
    let said =
        Engine::of_environment().docker(["image", "inspect", "--format", format, &tag(target)]).run()?;
    Ok(serde_json::from_str(&said)?)
}

/// A file of an image.
fn file(target: &str, path: &str) -> Result<Vec<u8>> {
    let directory = tempfile::tempdir()?;
    let to = directory.path().join("file");
    let container = Engine::of_environment().docker(["create", &tag(target)]).run()?;
    let copied = Engine::of_environment()
        .docker(["cp", &format!("{}:{path}", container.trim()), to.to_str().expect("it is UTF-8")])
        .run();
    Engine::of_environment().docker(["rm", container.trim()]).run()?;
    copied?;
    Ok(fs::read(to)?)
}

fn compiled(build: &Build) -> BTreeSet<&str> {
    build.progress.compiled().into_keys().collect()
}

/// libtpu compiles StableHLO for two generations of TPUs, in a step without a network on a machine without a TPU.
pub(crate) fn a_layer_is_compiled_for_tpus() -> Result {
    let project = Project::of_testdata("tpu")?;
    let plain = must(&project, "layer")?;
    assert!(!compiled(&plain).iter().any(|name| name.contains("pjrt")), "{:?}", compiled(&plain));
    assert_eq!(says("layer")?, "compiled for no TPU\n");

    must(&project, "layer-tpu")?;
    let said = says("layer-tpu")?;
    let sizes: Vec<(&str, u32)> = said
        .lines()
        .filter_map(|line| line.strip_suffix(" bytes")?.rsplit_once(": "))
        .filter_map(|(topology, size)| Some((topology, size.parse().ok()?)))
        .collect();
    let topologies: Vec<&str> = sizes.iter().map(|(topology, _)| *topology).collect();
    assert_eq!(topologies, ["v5e:2x2x1", "v6e:2x2x1"], "{said}");
    assert!(sizes.iter().all(|(_, size)| *size > 1000), "{said}");
    assert_eq!(label("layer-tpu", "longshore.archs")?, "v5e:2x2x1,v6e:2x2x1");

    project.replace("Cargo.toml", "v6e:2x2x1", "v99:2x2x1")?;
    refused(&project, "layer-tpu", &["no topology `v99:2x2x1`"])
}

/// A program linked with a library of the toolkit ships with it, or not at all.
pub(crate) fn a_library_of_the_toolkit_comes_along() -> Result {
    let project = Project::of_testdata("ascend")?;
    must(&project, "devices-ascend-ascend910b1")?;
    let target = "devices-ascend-ascend910b1";
    assert_eq!(says(target)?, "0 processors, compiled for ascend910b1\n");
    assert_eq!(label(target, "longshore.archs")?, "ascend910b1");
    // Of another program with the same libraries only the last layer is another.
    let before = layers(target)?;
    project.replace("src/main.rs", "{count} processors", "{count} of them")?;
    must(&project, target)?;
    assert_eq!(says(target)?, "0 of them, compiled for ascend910b1\n");
    let (after, last) = (layers(target)?, before.len() - 1);
    assert!(before[..last] == after[..last] && before[last..] != after[last..], "{before:?}\n{after:?}");
    // The loader looks for it, where the variable says.
    let lost = run(target, &["--env", "LD_LIBRARY_PATH="])?;
    assert!(lost.code == Some(127) && lost.stderr.contains("libascendcl.so: cannot open"), "{lost:?}");

    let missing = "it has no library `libascendcl.so`";
    let variable = "env = { LD_LIBRARY_PATH = \"/usr/local/Ascend/ascend-toolkit/latest/lib64\" }\n";
    project.replace("Cargo.toml", variable, "")?;
    refused(&project, target, &[missing, "put their directory into the image's `LD_LIBRARY_PATH`"])?;
    project.replace("Cargo.toml", "libraries = \"copy\"\n", variable)?;
    refused(&project, target, &[missing, "set `libraries = \"copy\"`"])
}

/// candle's kernels take nvcc ten minutes, so they are compiled when something below them changes, and not else.
pub(crate) fn candle_compiles_its_kernels_once() -> Result {
    let (project, target) = (Project::of_testdata("candle")?, "product-cuda-sm80");
    must(&project, target)?;
    let program = file(target, "/usr/local/bin/product")?;
    assert_eq!(processors(&program), ["sm_80"].into());
    assert_eq!(label(target, "longshore.archs")?, "sm_80");
    // The driver's library is the machine's; all others are there.
    let bare = run(target, &[])?;
    assert!(bare.code == Some(127) && bare.stderr.contains("libcuda.so.1: cannot open"), "{bare:?}");
    with_a_stub_of_the_driver(&project, target)?;
    let said = run("product-with-stub", &[])?;
    assert!(said.code == Some(1) && said.stderr.contains("CUDA_ERROR_NO_DEVICE"), "{said:?}");

    let program = r#"[member] product 0.1.0 (bin "product")"#;
    // The source is one that no cache knows, so the program is always compiled, and what it needs perhaps.
    project.append("src/main.rs", &format!("// {}\n", nonce()))?;
    assert_eq!(compiled(&must(&project, target)?), [program].into());
    for (package, needing) in [(HEX, None), (MEMMAP2, Some("candle-core 0.11.1"))] {
        package.replace(&project)?;
        let bumped = must(&project, target)?;
        let compiled = compiled(&bumped);
        let own = format!("{} {}", package.name, package.older);
        // A step is called after all that it compiles.
        let may = |step: &str| step.contains(&own) || needing.is_some_and(|needing| step.contains(needing));
        assert!(compiled.iter().all(|step| *step == program || may(step)), "{compiled:?}");
        assert!(compiled.contains(program), "{compiled:?}");
    }
    Ok(())
}

/// A locked package, and the release before it.
struct Locked {
    name: &'static str,
    newer: &'static str,
    older: &'static str,
    checksums: [&'static str; 2],
}

/// Used by the program.
const HEX: Locked = Locked {
    name: "hex",
    newer: "0.4.3",
    older: "0.4.2",
    checksums: [
        "7f24254aa9a54b5c858eaee2f5bccdb46aaf0e486a595ed5fd8f86ba55232a70",
        "644f9158b2f133fd50f5fb3242878846d9eb792e445c893805ff0e3824006e35",
    ],
};

/// Used by candle, and not by its kernels.
const MEMMAP2: Locked = Locked {
    name: "memmap2",
    newer: "0.9.12",
    older: "0.9.11",
    checksums: [
        "6b0ca1155a9ecc25aa12e8313a119f32edf0255fea2f44839c4ac0a12b2ac157",
        "d1219ed1b7f229ee7104d281dd01d6802fe28bb6e95d292942c4daacdeb798c0",
    ],
};

impl Locked {
    /// Takes the older.
    fn replace(&self, project: &Project) -> Result {
        let head = |version: &str| format!("name = \"{}\"\nversion = \"{version}\"\n", self.name);
        project.replace("Cargo.lock", &head(self.newer), &head(self.older))?;
        project.replace("Cargo.lock", self.checksums[0], self.checksums[1])
    }
}

/// The processors that PTX in a program is for, as it says itself.
fn processors(program: &[u8]) -> BTreeSet<&str> {
    const DIRECTIVE: &[u8] = b"\n.target ";
    let starts = program.windows(DIRECTIVE.len()).enumerate().filter(|(_, here)| *here == DIRECTIVE);
    starts
        .filter_map(|(at, _)| {
            let rest = &program[at + DIRECTIVE.len()..];
            let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
            std::str::from_utf8(&rest[..end]).ok()
        })
        .collect()
}

/// An image on top of a target's that has a driver which finds no device.
fn with_a_stub_of_the_driver(project: &Project, target: &str) -> Result {
    let dockerfile = format!(
        "FROM {}\nCOPY --from=longshore/cuda:13-math /usr/local/cuda/lib/stubs/libcuda.so /usr/local/lib/libcuda.so.1\n\
         ENV LD_LIBRARY_PATH=/usr/local/cuda/lib64:/usr/local/lib\n",
        tag(target)
    );
    let directory = project.path().join("stub");
    project.write("stub/Dockerfile", dockerfile)?;
    Order::dockerfile(&Engine::of_environment(), Path::new(&directory), "product-with-stub").must()?;
    Ok(())
}
