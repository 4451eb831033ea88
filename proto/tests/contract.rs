//! The `.proto` files here say what BuildKit's say: names, numbers, types, labels, oneofs, enum values
//! and calls are compared with those published in `bollard-buildkit-proto`.
//!
//! That crate follows an older BuildKit, so what is newer is listed in [`NEWER`]. To move `VERSION` on,
//! set `BUILDKIT_PROTOS` to a directory with the `.proto` files of the new BuildKit, laid out as their
//! imports name them; nothing may be newer then.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

#[path = "shared/compile.rs"]
mod compile;
#[path = "shared/facts.rs"]
mod facts;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use facts::Facts;

/// What BuildKit v0.30 to v0.32 added to v0.29, which the published crate follows.
const NEWER: &[&str] = &[
    "message pb.LinuxResources",
    "message pb.PassthroughOp",
    "moby.buildkit.v1.types.BuildkitVersion.dockerfileVersion = 4: optional String",
    "pb.LinuxResources.cpuPeriod = 4: optional Uint64",
    "pb.LinuxResources.cpuQuota = 5: optional Int64",
    "pb.LinuxResources.cpuShares = 3: optional Uint64",
    "pb.LinuxResources.cpusetCpus = 6: optional String",
    "pb.LinuxResources.cpusetMems = 7: optional String",
    "pb.LinuxResources.memory = 1: optional Int64",
    "pb.LinuxResources.memorySwap = 2: optional Int64",
    "pb.Op.passthrough = 8: optional .pb.PassthroughOp in oneof op",
    "pb.OpMetadata.linux_resources = 7: optional .pb.LinuxResources",
    "pb.PassthroughOp.id = 1: optional String",
    "pb.PassthroughOp.outputs = 2: repeated Int64",
];

/// Packages of which only some messages are needed here; those have to be whole nevertheless.
const IN_PART: &[&str] = &["fsutil.types", "moby.buildkit.v1"];

#[test]
fn the_wire_contract_is_buildkits() {
    let ours = Facts::of(&compile::compile_own());
    let (dir, newer) = match env::var_os("BUILDKIT_PROTOS") {
        Some(dir) => (PathBuf::from(dir), &[][..]),
        None => (published(), NEWER),
    };
    let packages = ours.packages();
    let theirs = Facts::of(&compile::compile_dir(&dir, |package| packages.contains(package)));
    let newer: BTreeSet<String> = newer.iter().map(|fact| fact.to_string()).collect();
    let theirs = theirs.required_of(&ours, IN_PART);
    let ours = ours.all();
    assert!(ours.len() > 400, "only {} facts were found in our own files", ours.len());

    let mut differences = Vec::new();
    differences.extend(theirs.difference(&ours).map(|fact| format!("BuildKit has, we lack:  {fact}")));
    differences.extend(
        ours.difference(&theirs)
            .filter(|fact| !newer.contains(*fact))
            .map(|fact| format!("we have, BuildKit lacks: {fact}")),
    );
    differences.extend(newer.difference(&ours).map(|fact| format!("NEWER lists, we lack:   {fact}")));
    differences.extend(newer.intersection(&theirs).map(|fact| format!("no longer newer:        {fact}")));
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn the_version_is_a_release_tag() {
    let text = fs::read_to_string(compile::own_dir().join("VERSION")).unwrap();
    let numbers = text.strip_prefix('v').and_then(|rest| rest.strip_suffix('\n')).unwrap_or_default();
    let numbers: Vec<_> = numbers.split('.').map(|number| number.parse::<u32>().ok()).collect();
    assert!(numbers.len() == 3 && numbers.iter().all(Option::is_some), "VERSION says {text:?}");
}

/// Where cargo keeps the `.proto` files of the published crate.
fn published() -> PathBuf {
    // For the host alone, as other platforms' packages need not have been downloaded.
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = cargo(&["metadata", "--format-version", "1", "--locked", "--filter-platform", host]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "bollard-buildkit-proto").unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).with_file_name("resources")
}

fn cargo(args: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`cargo {}` fails: {stderr}", args.join(" "));
    String::from_utf8(output.stdout).unwrap()
}
