//! When the base of an image is asked for.

use super::{changed, pairs};
use crate::daemon::{build_with, daemon};

/// Of what a daemon was asked: names of images; `plan` and `build` where what cargo said is read, and what came of the build.
async fn order(base: &str, options: &[(&str, &str)]) -> String {
    order_with(base, "", options).await
}

/// The same where cargo is configured.
async fn order_with(base: &str, cargo_config: &str, options: &[(&str, &str)]) -> String {
    let table = format!("[workspace.metadata.longshore]\n{base}\n[workspace]");
    let mut project = changed("hello", &[("Cargo.toml", "[workspace]", &table)]);
    project.files.insert(".cargo/config.toml".to_owned(), cargo_config.as_bytes().to_vec());
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

const AHEAD: &str = "rust:1.95-bookworm debian:bookworm-slim plan build";

#[tokio::test]
async fn the_only_base_is_asked_for_while_cargo_plans() {
    assert_eq!(order("", &[]).await, AHEAD);
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
    // Flags of another target are nobody's.
    let flags = |target: &str| format!("[target.{target}]\nrustflags = [\"-Ctarget-feature=+crt-static\"]\n");
    for ours in ["x86_64-unknown-linux-gnu", "'cfg(unix)'", "'cfg(not(windows))'"] {
        assert_eq!(order_with("", &flags(ours), &[]).await, after, "{ours}");
    }
    for other in ["x86_64-pc-windows-msvc", "'cfg(all(windows, target_env = \"msvc\"))'"] {
        assert_eq!(order_with("", &flags(other), &[]).await, AHEAD, "{other}");
    }
    // Another image has another base.
    let another = "images.other = { bins = [\"hello\"], base = \"debian:trixie-slim\" }";
    assert_eq!(order(another, &[("target", "hello")]).await, after);
    assert_eq!(
        order("base = \"scratch\"\nlibraries = \"ignore\"", &[]).await,
        "rust:1.95-bookworm plan build"
    );
}
