//! When small packages share steps.

use std::fmt::Write as _;

use longshore_helper::recording::RECORDING_FILE;

use super::{pairs, requests};
use crate::{
    daemon::{build_with, daemon},
    project::Project,
};

/// Of `crates-io`: anyhow, and itoa twice.
const LOCKED: usize = 3;

/// How many packages each step compiles, in a workspace whose lock file has so many: most at the end.
async fn packages_of_steps(locked: usize, settings: &str) -> Vec<usize> {
    let mut project = Project::load("crates-io");
    let add = |project: &mut Project, file: &str, text: &str| {
        project.files.get_mut(file).unwrap().extend_from_slice(text.as_bytes());
    };
    let mut unused = String::new();
    for number in LOCKED..locked {
        write!(
            unused,
            "\n[[package]]\nname = \"unused-{number}\"\nversion = \"1.0.0\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{number:064x}\"\n"
        )
        .unwrap();
    }
    add(&mut project, "Cargo.lock", &unused);
    add(&mut project, "Cargo.toml", &format!("\n[workspace.metadata.longshore]\n{settings}\n"));
    let recording = project.recorded.get_mut(RECORDING_FILE).unwrap();
    let mut recorded: serde_json::Value = serde_json::from_slice(recording).unwrap();
    let lock = String::from_utf8(project.files["Cargo.lock"].clone()).unwrap();
    let itoas =
        lock.split("\nname = \"itoa\"\nversion = \"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let sizes = itoas.map(|version| (format!("/vendor/itoa-{version}"), 10_000.into()));
    recorded["sizes"] = sizes.collect::<serde_json::Map<_, _>>().into();
    *recording = serde_json::to_vec(&recorded).unwrap();

    let built = build_with(&pairs(&[]), daemon(&project)).await;
    let graph = built.graph("[image] count").unwrap_or_else(|| panic!("{}", built.transcript));
    let mut sizes: Vec<usize> =
        requests(&graph.definition().to_proto()).iter().map(|bundle| bundle.packages.len()).collect();
    sizes.sort_unstable();
    sizes
}

#[tokio::test]
async fn many_locked_packages_have_small_ones_share_steps() {
    // The program, anyhow, and itoa in two versions.
    assert_eq!(packages_of_steps(149, "").await, [1, 1, 1, 1]);
    assert_eq!(packages_of_steps(150, "").await, [1, 1, 2]);
}

#[tokio::test]
async fn who_says_so_decides() {
    assert_eq!(packages_of_steps(LOCKED, "bundle = true").await, [1, 1, 2]);
    assert_eq!(packages_of_steps(150, "bundle = false").await, [1, 1, 1, 1]);
}
