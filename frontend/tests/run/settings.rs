//! What of the workspace's settings reaches cargo's command line.

use longshore_helper::recording::RecordRequest;

use super::{asked, changed, pairs};
use crate::daemon::{build_with, daemon};

/// What cargo is asked with these settings and build arguments: to plan the build, and to describe the workspace.
async fn asked_of_cargo(settings: &str, args: &[(&str, &str)]) -> [String; 2] {
    let table = format!("[workspace.metadata.longshore]\n{settings}\n[workspace]");
    let project = changed("hello", &[("Cargo.toml", "[workspace]", &table)]);
    let args: Vec<_> = args.iter().map(|(name, value)| (format!("build-arg:{name}"), *value)).collect();
    let args: Vec<_> = args.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let built = build_with(&pairs(&args), daemon(&project)).await;
    let graph = built.graph("[plan] cargo build, recorded").unwrap_or_else(|| panic!("{}", built.transcript));
    let [RecordRequest { build_args, metadata_args, .. }] =
        &asked::<RecordRequest>(&graph.definition().to_proto(), "record")[..]
    else {
        panic!("one step records")
    };
    [build_args.join(" "), metadata_args.join(" ")]
}

const BUILD: &str = "build --quiet --workspace --locked --offline --config /longshore/cargo-home/config.toml";
const METADATA: &str = "--locked --offline --config /longshore/cargo-home/config.toml";
const TARGET: &str = "--target x86_64-unknown-linux-gnu";
const RELEASE: &str =
    "--profile release --target x86_64-unknown-linux-gnu --config profile.release.build-override.debug=false";

#[tokio::test]
async fn settings_choose_features_and_profile() {
    let settings =
        "profile = \"dist\"\nfeatures = [\"hello/loud\", \"hello/tls\"]\nno-default-features = true";
    let features = "--features hello/loud,hello/tls --no-default-features";
    let asked = asked_of_cargo(settings, &[]).await;
    assert_eq!(
        asked,
        [format!("{BUILD} --profile dist {TARGET} {features}"), format!("{METADATA} {features}")]
    );
    let all = asked_of_cargo("all-features = true", &[]).await;
    let expected = format!("{BUILD} {RELEASE} --all-features");
    assert_eq!(all, [expected, format!("{METADATA} --all-features")]);
    let none = asked_of_cargo("all-features = false\nno-default-features = false", &[]).await;
    assert_eq!(none, [format!("{BUILD} {RELEASE}"), METADATA.to_owned()]);
}

#[tokio::test]
async fn the_profile_says_how_much_debug_information_build_scripts_have() {
    let profile = "profile = \"release\"\n[profile.release.build-override]\ndebug = 1";
    let [build, _] = asked_of_cargo(profile, &[]).await;
    assert_eq!(build, format!("{BUILD} --profile release {TARGET}"));
    let profile = "profile = \"release\"\n[profile.release.build-override]\nopt-level = 1";
    let [build, _] = asked_of_cargo(profile, &[]).await;
    assert_eq!(build, format!("{BUILD} {RELEASE}"));
}

#[tokio::test]
async fn build_arguments_go_before_settings_and_add_to_features() {
    let settings =
        "profile = \"dist\"\nfeatures = [\"hello/loud\"]\nno-default-features = true\nall-features = true";
    let args = [
        ("PROFILE", "dev"),
        ("FEATURES", "hello/tls"),
        ("NO_DEFAULT_FEATURES", "false"),
        ("ALL_FEATURES", "false"),
    ];
    let features = "--features hello/loud,hello/tls";
    let asked = asked_of_cargo(settings, &args).await;
    assert_eq!(
        asked,
        [
            format!(
                "{BUILD} --profile dev {TARGET} --config profile.dev.build-override.debug=false {features}"
            ),
            format!("{METADATA} {features}")
        ]
    );
}
