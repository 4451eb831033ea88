//! Whole builds for accelerators against the fake daemon: what is refused before anything is compiled, and where the
//! mistake is said to be.

use expect_test::{Expect, expect};
use longshore::gateway::fake::FakeImage;
use longshore_helper::spec::{Bundle, Heavy};

use super::{changed, check_refused as refused, pairs, requests};
use crate::{
    daemon::{build_with, daemon},
    project::Project,
};

async fn check_refused(project: &Project, target: &str, expected: Expect) {
    let built = build_with(&pairs(&[("target", target)]), daemon(project)).await;
    refused(&built, expected);
}

#[tokio::test]
async fn packages_for_devices_that_are_not_there() {
    let misspelt =
        changed("device-crate", &[("plot/Cargo.toml", "[\"kernels\"]", "[\"kernel\", \"curve\"]")]);
    check_refused(&misspelt, "plot", expect![[r#"
        2 problems
        plot/Cargo.toml:15: `device-crates` has `kernel`, which is no package for devices
        help: did you mean `kernels`?
        plot/Cargo.toml:15: `device-crates` has `curve`, which is no package for devices
        help: a member of that name needs `device = ["ACCELERATOR"]` under `[package.metadata.longshore]` of its `Cargo.toml`
        at plot/Cargo.toml:15-15
    "#]]).await;
    let unknown = changed("device-crate", &[("kernels/Cargo.toml", "\"rocm\"]", "\"rocn\"]")]);
    check_refused(
        &unknown,
        "plot",
        expect![[r#"
            `device` has `rocn`, which is no accelerator of this workspace
            help: did you mean `rocm`?
            at kernels/Cargo.toml:14-14
        "#]],
    )
    .await;
}

#[tokio::test]
async fn accelerators_that_the_workspace_does_not_have() {
    let tables = "accelerators = [\"cudo\"]\naccelerator.npu = { env = { A = \"1\" } }\n";
    let unknown =
        changed("device-crate", &[("plot/Cargo.toml", "device-crates", &format!("{tables}device-crates"))]);
    check_refused(
        &unknown,
        "plot",
        expect![[r#"
        2 problems
        plot/Cargo.toml:15: `accelerators` has `cudo`, which is no accelerator of this workspace
        help: did you mean `cuda`?
        plot/Cargo.toml:16: `accelerator` has `npu`, which is no accelerator of this workspace
        help: describe it: `[workspace.metadata.longshore.accelerator.npu]`
        at plot/Cargo.toml:16-16
        at plot/Cargo.toml:15-15
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_device_that_rust_does_not_compile_for() {
    let no_triple = changed(
        "device-crate",
        &[("Cargo.toml", "preset = \"nvptx64-nvidia-cuda\"\n", "preset = \"tpu\"\n")],
    );
    check_refused(
        &no_triple,
        "plot-cuda",
        expect![[r#"
            Rust does not compile for the device of `cuda`
            help: name its triple, if it has one: `device.target = "nvptx64-nvidia-cuda"`
            at Cargo.toml:8-8
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_runs_on_a_device_is_no_target_of_its_own() {
    check_refused(
        &Project::load("device-crate"),
        "libkernels",
        expect![[r#"
        no target is named `libkernels`
        help: targets are `plot`
    "#]],
    )
    .await;
}

#[tokio::test]
async fn build_scripts_that_see_a_toolkit_are_heavy() {
    let project = Project::load("saxpy");
    let mut script = daemon(&project);
    let toolkit = FakeImage { digest: format!("sha256:{}", "d".repeat(64)), config: "{}".to_owned() };
    script.images.insert("docker.io/nvidia/cuda:13.0.2-devel-ubuntu24.04".to_owned(), toolkit);
    let built = build_with(&pairs(&[("target", "saxpy-cuda-sm80")]), script).await;
    let graph = built.graph("[image]").unwrap_or_else(|| panic!("{}", built.transcript));
    let requests = requests(&graph.definition().to_proto());
    let heavy = |bundle: &Bundle| (bundle.packages[0].package.clone(), bundle.packages[0].heavy);
    let heavy: Vec<_> = requests.iter().map(heavy).filter(|(_, heavy)| heavy.is_some()).collect();
    assert_eq!(heavy, [("kernels 0.1.0".to_owned(), Some(Heavy::Toolkit))]);
    assert!(requests.len() > 1);
}
