//! In which form a member's steps see its manifest.

use buildkit_proto::pb;
use prost::Message as _;

use super::pairs;
use crate::{
    daemon::{build_with, daemon},
    project::Project,
};

const SETTINGS: &str = "\n[package.metadata.longshore]\nexpose = [8080]\n";

/// What is written in place of the manifest of `hello`, with settings and one more line of source.
async fn written(source: &str) -> Vec<String> {
    let mut project = Project::load("hello");
    for (file, text) in [("Cargo.toml", SETTINGS), ("src/main.rs", source)] {
        project.files.get_mut(file).unwrap().extend_from_slice(text.as_bytes());
    }
    let built = build_with(&pairs(&[]), daemon(&project)).await;
    let graph = built.graph("[image] hello").unwrap_or_else(|| panic!("{}", built.transcript));
    let ops = graph.definition().to_proto().def;
    ops.iter()
        .filter_map(|op| match pb::Op::decode(op.as_slice()).unwrap().op {
            Some(pb::op::Op::File(file)) => Some(file.actions),
            _ => None,
        })
        .flatten()
        .filter_map(|action| match action.action {
            Some(pb::file_action::Action::Mkfile(file)) if file.path == "/Cargo.toml" => {
                Some(String::from_utf8(file.data).unwrap())
            }
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn settings_are_no_source() {
    let manifest = String::from_utf8(Project::load("hello").files["Cargo.toml"].clone()).unwrap();
    assert_eq!(written("// Cargo.toml").await, [manifest]);
}

#[tokio::test]
async fn who_reads_the_manifest_sees_all_of_it() {
    assert_eq!(written("const ALL: &str = include_str!(\"../Cargo.toml\");").await, [""; 0]);
}
