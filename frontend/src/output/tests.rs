//! What an image says about itself, and what goes back to BuildKit.

use buildkit_llb::SourceFile;
use expect_test::{Expect, expect};

use super::*;
use crate::{
    config::{Config, PackageConfig},
    plan::Plan,
    request::Environment,
    target,
    units::fixture::graph,
};

fn request(options: &[(&str, &str)]) -> Request {
    let environment = Environment {
        started: 1_000,
        options: options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        session: "s".to_owned(),
        platforms: vec![platform()],
    };
    Request::parse(&environment).unwrap()
}

fn platform() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn check_settings(workspace: &str, package: &str, client: &[(&str, &str)], expected: Expect) {
    let graph = graph("app bin target");
    let plan = Plan::new(&graph);
    let targets = target::all(&plan, &BTreeMap::new()).unwrap();
    let target = &targets[0];
    let mut described = graph.package(target.package().unwrap()).clone();
    described.license = Some("MIT".to_owned());
    described.description = Some("\nDoes one thing\n".to_owned());
    described.authors = vec!["Ada".to_owned(), "Grace".to_owned()];
    let file = |text: &str| SourceFile::new("Cargo.toml", "TOML", text);
    let config = Config::from_workspace_manifest(&file(workspace), &BTreeMap::new()).unwrap();
    let own = PackageConfig::from_manifest(&file(package), None).unwrap();
    let labels = request(client).labels;
    let settings = image_settings(
        &config.image.with(&own.image),
        Some(&described),
        target,
        &paths(target, "/usr/local/bin", "/usr/local/lib"),
        &Revision::default(),
        &labels,
    );
    let mut text = format!(
        "entrypoint {:?} cmd {:?} user {} workdir {:?} expose {:?}\n",
        settings.entrypoint, settings.cmd, settings.user, settings.workdir, settings.expose
    );
    for (name, value) in settings.env.iter().chain(&settings.labels) {
        text += &format!("{name}={value}\n");
    }
    expected.assert_eq(&text);
}

#[test]
fn without_settings_the_manifest_speaks() {
    check_settings(
        "",
        "",
        &[],
        expect![[r#"
        entrypoint ["/usr/local/bin/app"] cmd [] user 65532:65532 workdir None expose []
        org.opencontainers.image.authors=Ada, Grace
        org.opencontainers.image.description=Does one thing
        org.opencontainers.image.licenses=MIT
        org.opencontainers.image.title=app
        org.opencontainers.image.version=1.0.0
    "#]],
    );
}

#[test]
fn the_client_wins_over_the_package_and_the_package_over_the_workspace() {
    check_settings(
        "[workspace.metadata.longshore]\nuser = \"1:1\"\nworkdir = \"/srv\"\nenv = { A = \"w\", B = \"w\" }\n\
         [workspace.metadata.longshore.labels]\nx = \"workspace\"\ny = \"workspace\"\nz = \"workspace\"\n\
         \"org.opencontainers.image.licenses\" = \"mine\"\n",
        "[package.metadata.longshore]\nuser = \"2:2\"\nenv = { B = \"p\" }\nexpose = [80, \"53/udp\"]\n\
         entrypoint = [\"/bin/init\"]\ncmd = [\"--run\"]\n\
         [package.metadata.longshore.labels]\ny = \"package\"\nz = \"package\"\n",
        &[("label:z", "client")],
        expect![[r#"
            entrypoint ["/bin/init"] cmd ["--run"] user 2:2 workdir Some("/srv") expose ["53/udp", "80/tcp"]
            A=w
            B=p
            org.opencontainers.image.authors=Ada, Grace
            org.opencontainers.image.description=Does one thing
            org.opencontainers.image.licenses=mine
            org.opencontainers.image.title=app
            org.opencontainers.image.version=1.0.0
            x=workspace
            y=package
            z=client
        "#]],
    );
}

fn check_result(options: &[(&str, &str)], base: &[u8], expected: Expect) {
    let built = result(
        &request(options),
        vec![Built {
            platform: platform(),
            reference: Reference::SCRATCH,
            config: b"{}".to_vec(),
            base_config: base.to_vec(),
            attestations: None,
        }],
        &Summary::default(),
    );
    let mut text = match &built.references {
        References::Single(_) => "one\n".to_owned(),
        References::Platforms(map) => format!("{:?}\n", map.keys().collect::<Vec<_>>()),
    };
    for (key, value) in &built.metadata {
        text += &format!("{key} = {}\n", String::from_utf8_lossy(value));
    }
    expected.assert_eq(&text);
}

#[test]
fn one_platform_has_plain_keys() {
    check_result(
        &[],
        b"{\"os\":\"linux\"}",
        expect![[r#"
            one
            containerimage.base.config = {"os":"linux"}
            containerimage.config = {}
            frontend.longshore.summary = eyJhbGxTZWNvbmRzIjowLjAsImNvbXBpbGVkIjowLCJjb21waWxlZFNlY29uZHMiOjAuMCwiaW1hZ2VzIjpbXSwicmV1c2VkIjowLCJzdGVwcyI6MH0=
            frontend.result.inlinemessage = 0 steps, all reused

            refs.platforms = {"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}}]}
        "#]],
    );
}

#[test]
fn keys_carry_the_platform_when_the_client_wants_one_result_for_each() {
    check_result(
        &[("multi-platform", "true"), ("build-arg:SOURCE_DATE_EPOCH", "7")],
        b"",
        expect![[r#"
            ["linux/amd64"]
            containerimage.config/linux/amd64 = {}
            frontend.longshore.summary = eyJhbGxTZWNvbmRzIjowLjAsImNvbXBpbGVkIjowLCJjb21waWxlZFNlY29uZHMiOjAuMCwiaW1hZ2VzIjpbXSwicmV1c2VkIjowLCJzdGVwcyI6MH0=
            frontend.result.inlinemessage = 0 steps, all reused

            refs.platforms = {"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}}]}
            source.date.epoch/linux/amd64 = 7
        "#]],
    );
}
