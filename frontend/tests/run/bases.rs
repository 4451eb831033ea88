//! When the base of an image is asked for.

use super::{changed, pairs};
use crate::daemon::{build_with, daemon};

/// Of what a daemon was asked: names of images; `plan` and `build` where what cargo said is read, and what came of the build.
async fn order(base: &str, options: &[(&str, &str)]) -> String {
    let table = format!("[workspace.metadata.longshore]\n{base}\n[workspace]");
    let project = changed("hello", &[("Cargo.toml", "[workspace]", &table)]);
    let built = build_with(&pairs(options), daemon(&project)).await;
    let said = built.transcript.to_string();
    let seen = said.lines().filter_map(|line| {
        let line = line.trim();
        if let Some(image) = line.strip_prefix("resolve docker-image://docker.io/library/") {
            return image.split([' ', '@']).next();
        }
        let files = [("recording.json", "plan"), ("summary.json", "build")];
        files.iter().find(|(file, _)| line.starts_with("read") && line.ends_with(file)).map(|(_, name)| *name)
    });
    seen.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_only_base_is_asked_for_while_cargo_plans() {
    let ahead = "rust:1.95-bookworm debian:bookworm-slim plan build";
    assert_eq!(order("", &[]).await, ahead);
    // The daemon has no such image: that is an error where it is needed, and not before.
    let missing = order("base = \"debian:trixie-slim\"", &[]).await;
    assert_eq!(missing, "rust:1.95-bookworm debian:trixie-slim plan debian:trixie-slim");
}

#[tokio::test]
async fn what_may_not_be_needed_is_asked_for_when_it_is() {
    let after = "rust:1.95-bookworm plan debian:bookworm-slim build";
    let is_static = [("build-arg:RUSTFLAGS", "-C target-feature=+crt-static")];
    assert_eq!(order("", &is_static).await, after);
    let flags = "builder.env = { RUSTFLAGS = \"-C target-feature=+crt-static\" }";
    assert_eq!(order(flags, &[]).await, after);
    // Another image has another base.
    let another = "images.other = { bins = [\"hello\"], base = \"debian:trixie-slim\" }";
    assert_eq!(order(another, &[("target", "hello")]).await, after);
    assert_eq!(
        order("base = \"scratch\"\nlibraries = \"ignore\"", &[]).await,
        "rust:1.95-bookworm plan build"
    );
}
