//! The workspace of services for the CPU, for GPUs, and as WebAssembly.

use std::collections::BTreeSet;

use super::unseen;
use crate::{
    Result,
    build::{Build, Order, tag},
    engine::Engine,
    project::{Project, nonce},
};

const CONTEXTS: [&str; 4] = [
    "--build-context",
    "nvidia/cuda:13.0.2-devel-ubuntu24.04=docker-image://longshore/cuda:13",
    "--build-context",
    "rocm/dev-ubuntu-24.04:7.2.4-complete=docker-image://longshore/rocm:debian",
];

const TEXT: &str = "late delivery and a broken box";
const LABEL: &str = "negative 0.999";

fn must(project: &Project, target: &str) -> Result<Build> {
    Order::build(&Engine::of_environment(), project.path(), target).target(target).args(CONTEXTS).must()
}

/// Asks a server as the command line of the workspace does, and gives back what the server has said until then.
fn asked(engine: &Engine, image: &str) -> Result<String> {
    let server = engine.start(&["--network", "none"], image, &[])?;
    let network = format!("container:{}", server.id);
    let way = ["--wait", "10", "--grpc", "http://localhost:50051", TEXT];
    let got = engine.run_image(&["--network", &network], &tag("infer"), &way)?;
    assert_eq!(got.stdout.trim_end(), LABEL, "{}\n{}", got.stderr, server.logs()?);
    server.logs()
}

/// After the server for the CPU, the one for a GPU compiles what has kernels and what is linked with them.
pub(crate) fn a_service_for_a_gpu_shares_the_rest() -> Result {
    let engine = Engine::of_environment();
    let project = unseen::built()?;
    project.append("crates/kernels/src/matmul.cu", &format!("\n// {}\n", nonce()))?;
    project.append("services/server/src/main.rs", &format!("\nconst _: &str = \"{}\";\n", nonce()))?;
    must(&project, "infer")?;
    must(&project, "server")?;
    assert!(!asked(&engine, &tag("server"))?.contains("device code"));
    for (target, kind) in [("server-cuda-sm80", "cuda"), ("server-cuda-sm90a", "cuda")] {
        let built = must(&project, target)?;
        let compiled: BTreeSet<&str> = built.progress.compiled().into_keys().collect();
        let expected = ["[member] kernels 0.3.0", r#"[member] server 0.3.0 (bin "server")"#];
        assert_eq!(compiled, BTreeSet::from(expected), "{target}");
        let said = asked(&engine, &tag(target))?;
        assert!(said.contains(&format!("bytes of device code for {kind}")), "{said}");
    }
    Ok(())
}

/// The same for AMD's, both in one image.
pub(crate) fn a_service_for_amds_gpus() -> Result {
    let engine = Engine::of_environment();
    let project = unseen::built()?;
    must(&project, "infer")?;
    must(&project, "server-rocm")?;
    let said = asked(&engine, &tag("server-rocm"))?;
    assert!(said.contains("bytes of device code for rocm"), "{said}");
    Ok(())
}

/// The model as WebAssembly says what it says on the CPU.
pub(crate) fn the_model_as_web_assembly() -> Result {
    const TOOLCHAIN: &str = "longshore/rust-cross:debian";
    let engine = Engine::of_environment();
    let to = tempfile::tempdir()?;
    let output = format!("type=local,dest={}", to.path().display());
    let toolchain = format!("rust:1.95-bookworm=docker-image://{TOOLCHAIN}");
    Order::build(&engine, unseen::built()?.path(), "label")
        .target("label-wasm")
        .args(["--platform", "wasi/wasm", "--output", &output, "--build-context", &toolchain])
        .must()?;
    let runner = format!(
        "const {{ readFileSync }} = require('node:fs');
        const {{ WASI }} = require('node:wasi');
        const wasi = new WASI({{ version: 'preview1', args: ['label', '{TEXT}'], returnOnExit: true }});
        WebAssembly.instantiate(readFileSync('/root/it/usr/local/bin/label.wasm'), wasi.getImportObject())
            .then(({{ instance }}) => process.exit(wasi.start(instance)));"
    );
    let container = engine.start(&[], TOOLCHAIN, &["sleep", "600"])?;
    container.copy_in(to.path(), "/root/it")?;
    let said = container.exec(&[], &["node", "--no-warnings", "-e", &runner])?;
    assert_eq!((said.code, said.stdout.trim_end()), (Some(0), LABEL), "{}", said.stderr);
    Ok(())
}
