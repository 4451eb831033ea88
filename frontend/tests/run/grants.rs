//! What one package's steps are given, and what an image's programs are looked at on.

use buildkit_proto::pb;
use prost::Message as _;

use super::{changed, pairs, requests};
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
