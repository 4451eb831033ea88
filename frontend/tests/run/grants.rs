//! What one package's steps are given, and what an image's programs are looked at on.

use std::collections::BTreeSet;

use buildkit_proto::pb;
use expect_test::expect;
use longshore_helper::spec::Bundle;
use prost::Message as _;

use super::{asked_by, changed, check_refused, pairs, requests};
use crate::{
    daemon::{build_with, daemon},
    project::Project,
};

async fn graph(project: &Project, target: &str) -> pb::Definition {
    let built = build_with(&pairs(&[("target", target)]), daemon(project)).await;
    let graph = built.graph(&format!("[image] {target}")).unwrap_or_else(|| panic!("{}", built.transcript));
    graph.definition().to_proto()
}

#[tokio::test]
async fn cargos_variables_give_way_to_who_is_given_one_and_secrets_are_known_as_such() {
    let mut project = Project::load("shop");
    let config = "[env]\nGREETING = \"a\"\nLICENCE = { value = \"b\", force = true }\nOTHER = \"c\"\n";
    project.files.insert(".cargo/config.toml".to_owned(), config.as_bytes().to_vec());
    let requests = requests(&graph(&project, "bundle").await);
    let given = |package: &str| {
        let all = requests.iter().flat_map(|bundle| &bundle.packages);
        let mut specs = all.filter(|spec| spec.package == package);
        let spec = specs.next().unwrap();
        (spec.pass_env.join(" "), spec.yields.join(" "), spec.secret_env.join(" "))
    };
    let texts = |all: [&str; 3]| all.map(str::to_owned).into();
    assert_eq!(given("store 1.2.0"), texts(["GREETING LICENCE", "GREETING", "LICENCE"]));
    assert_eq!(given("tool 1.2.0"), texts(["", "", ""]));
}

/// What the steps of each package are given by its name: files of the workspace, secrets, and whether there is a network.
async fn given(project: &Project, target: &str) -> String {
    let definition = graph(project, target).await;
    let op = |digest: &str| {
        let bytes =
            definition.def.iter().find(|bytes| buildkit_llb::Digest::of(bytes).as_str() == digest).unwrap();
        pb::Op::decode(bytes.as_slice()).unwrap()
    };
    let mut lines = BTreeSet::new();
    for bytes in &definition.def {
        let step = pb::Op::decode(bytes.as_slice()).unwrap();
        let Some(pb::op::Op::Exec(exec)) = step.op else { continue };
        let Some(bundle) = asked_by::<Bundle>(&exec, "build") else { continue };
        let mut line: String = bundle.packages.iter().map(|spec| format!("{}:", spec.package)).collect();
        for mount in &exec.mounts {
            if let Some(secret) = &mount.secret_opt {
                let is_optional = if secret.optional { ", optional" } else { "" };
                line += &format!("\n    secret {} at {}{is_optional}", secret.id, mount.dest);
            }
            let Ok(input) = usize::try_from(mount.input) else { continue };
            let Some(pb::op::Op::File(file)) = op(&step.inputs[input].digest).op else { continue };
            for action in file.actions {
                let Some(pb::file_action::Action::Copy(copy)) = action.action else { continue };
                assert_eq!(copy.src, copy.dest, "files of the workspace keep their places in it");
                let contents = if copy.dir_copy_contents { "/*" } else { "" };
                line += &format!("\n    {}{}{contents}", mount.dest, copy.src);
            }
        }
        for secret in &exec.secretenv {
            let is_optional = if secret.optional { ", optional" } else { "" };
            line += &format!("\n    secret {} as {}{is_optional}", secret.id, secret.name);
        }
        if exec.network != pb::NetMode::None as i32 {
            line += "\n    network";
        }
        lines.insert(line + "\n");
    }
    lines.into_iter().collect()
}

fn with_settings(name: &str, settings: &str, files: &[&str]) -> Project {
    let mut project = Project::load(name);
    let manifest = project.files.get_mut("Cargo.toml").unwrap();
    manifest.extend_from_slice(format!("\n[workspace.metadata.longshore.crates]\n{settings}").as_bytes());
    project.files.extend(files.iter().map(|path| ((*path).to_owned(), b"x".to_vec())));
    project
}

#[tokio::test]
async fn files_that_one_package_is_given_are_mounted_there_only() {
    let files = ["models/a.bin", "models/b.bin", "models/notes.txt", "proto/deep/x.proto", "other/y.proto"];
    let settings = "anyhow.inputs = [\"models/*.bin\", \"proto\"]\n";
    let locked = with_settings("crates-io", settings, &files);
    expect![[r#"
        anyhow 1.0.104:
            /ws/models/a.bin
            /ws/models/b.bin
            /ws/proto/*
        count 0.1.0:
            /ws//*
        itoa 0.4.8:
        itoa 1.0.19:
    "#]]
    .assert_eq(&given(&locked, "count").await);
    let member = with_settings("shop", "tool.inputs = [\"static/index.html\"]\n", &files);
    expect![[r#"
        store 1.2.0:
            /ws/store/*
            secret licence as LICENCE, optional
        tool 1.2.0:
            /ws/tool/*
            /ws/static/index.html
    "#]]
    .assert_eq(&given(&member, "bundle").await);
}

#[tokio::test]
async fn secrets_and_networks_are_for_packages_of_that_name_and_version() {
    let settings = r#"
        itoa.secrets = [{ id = "token", env = "TOKEN", required = false }]
        "itoa@0.4.8".secrets = [{ id = "licence", file = "/run/licence" }]
        "itoa@0.4.8".network = true
        "itoa@0.4.9".network = true
        "anyhow@1".network = true
    "#;
    expect![[r#"
        anyhow 1.0.104:
        count 0.1.0:
            /ws//*
        itoa 0.4.8:
            secret licence at /run/licence
            secret token as TOKEN, optional
            network
        itoa 1.0.19:
            secret token as TOKEN, optional
    "#]]
    .assert_eq(&given(&with_settings("crates-io", settings, &[]), "count").await);
}

#[tokio::test]
async fn inputs_of_one_package_that_are_not_there() {
    let project = with_settings("crates-io", "anyhow.inputs = [\"models/*.bin\"]\n", &["models/notes.txt"]);
    check_refused(
        &build_with(&pairs(&[("target", "count")]), daemon(&project)).await,
        expect![[r#"
        input `models/*.bin` is not in the build context
        help: inputs are relative to the build context; see also `.dockerignore`
        at Cargo.toml:20-20
    "#]],
    );
}

/// How many of the graph's steps lie under the one that looks at the programs and write files.
async fn layers_under_the_check(project: &Project) -> usize {
    let definition = graph(project, "bundle").await;
    let ops: Vec<pb::Op> =
        definition.def.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap()).collect();
    let by_digest = |digest: &str| {
        let at = definition.def.iter().position(|bytes| buildkit_llb::Digest::of(bytes).as_str() == digest);
        &ops[at.unwrap()]
    };
    let (inputs, mount) = ops
        .iter()
        .find_map(|op| match &op.op {
            Some(pb::op::Op::Exec(exec)) => {
                let mount = exec.mounts.iter().find(|mount| mount.dest == longshore::paths::IMAGE)?;
                Some((&op.inputs, mount))
            }
            _ => None,
        })
        .unwrap();
    let mut op = by_digest(&inputs[usize::try_from(mount.input).unwrap()].digest);
    let mut layers = 0;
    while let Some(pb::op::Op::File(_)) = &op.op {
        layers += 1;
        op = by_digest(&op.inputs[0].digest);
    }
    layers
}

#[tokio::test]
async fn libraries_that_an_image_is_given_are_there_when_its_programs_are_looked_at() {
    assert_eq!(layers_under_the_check(&Project::load("shop")).await, 0, "a model and pages are no libraries");
    let asset = changed("shop", &[("Cargo.toml", "/models/model.bin\" }", "/usr/lib/libmodel.so.1\" }")]);
    assert_eq!(layers_under_the_check(&asset).await, 1);
    let mut files = Project::load("shop");
    files.files.insert("static/libs/libv.so".to_owned(), Vec::new());
    assert_eq!(layers_under_the_check(&files).await, 1);
}
