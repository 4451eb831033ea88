//! What comes of toolchain files, one small text after the other.

use super::*;
use crate::config::{Config, Given};

fn chosen_of(name: &str, text: &str, settings: &str) -> Result<Chosen, Diagnostics> {
    let manifest = format!("[workspace.metadata.longshore]\n{settings}\n");
    let manifest = SourceFile::new("Cargo.toml", "TOML", manifest.as_bytes());
    let config = Config::from_workspace_manifest(&manifest, &Given::new()).unwrap();
    chosen(&SourceFile::new(name, "TOML", text.as_bytes()), &config.toolchain, &config.builder)
}

/// Image, what rustup is asked for, warnings with their places.
fn read(text: &str, settings: &str) -> (Option<String>, String, Vec<String>) {
    read_as("rust-toolchain.toml", text, settings)
}

fn read_as(name: &str, text: &str, settings: &str) -> (Option<String>, String, Vec<String>) {
    let Chosen { image, rustup, warnings } = chosen_of(name, text, settings).unwrap();
    let channel = rustup.channel.as_ref().map(|channel| channel.name.clone());
    let added = rustup.components.iter().chain(&rustup.targets).map(|(name, _)| name.clone());
    let asked: Vec<String> = channel.into_iter().chain(added).collect();
    assert_eq!(rustup.is_empty(), asked.is_empty());
    let warnings = warnings.iter().map(|warning| {
        format!("{}: {}", warning.primary().unwrap(), warning.to_string().lines().next().unwrap())
    });
    (image.map(|image| image.reference.familiar()), asked.join(" "), warnings.collect())
}

fn refused(text: &str) -> String {
    chosen_of("rust-toolchain.toml", text, "").unwrap_err().to_string()
}

fn channel(name: &str) -> String {
    format!("[toolchain]\nchannel = \"{name}\"\n")
}

#[test]
fn a_release_is_an_official_image() {
    for (name, image) in [("1.85", "rust:1.85-bookworm"), ("1.90.0", "rust:1.90.0-bookworm")] {
        assert_eq!(read(&channel(name), ""), (Some(image.to_owned()), String::new(), Vec::new()));
    }
    let components = "[toolchain]\nchannel = \"1.90\"\ncomponents = [\"clippy\", \"rustfmt\"]\n";
    let image = Some("rust:1.90-bookworm".to_owned());
    assert_eq!(read(components, ""), (image, "rustfmt".to_owned(), Vec::new()));
}

#[test]
fn any_release_is_stable() {
    assert_eq!(read(&channel("stable"), ""), (None, String::new(), Vec::new()));
}

#[test]
fn other_channels_are_rustups() {
    for name in ["nightly-2026-01-05", "beta-2026-01-05", "stable-2026-01-05", "1.92.0-beta.3", "1.92.0-beta"]
    {
        assert_eq!(read(&channel(name), ""), (None, name.to_owned(), Vec::new()));
    }
    for name in ["nightly", "beta"] {
        let (image, asked, warnings) = read(&channel(name), "");
        assert_eq!((image, asked.as_str()), (None, name));
        let warning =
            format!("rust-toolchain.toml:2: `{name}` of `rust-toolchain.toml` is another toolchain tomorrow");
        assert_eq!(warnings, [warning]);
    }
}

#[test]
fn the_old_form_is_one_line_of_the_file_without_an_extension() {
    let image = Some("rust:1.88.0-bookworm".to_owned());
    assert_eq!(read_as("rust-toolchain", "1.88.0\n", ""), (image, String::new(), Vec::new()));
    let (_, asked, warnings) = read_as("below/rust-toolchain", "\n  nightly \n", "");
    assert_eq!(asked, "nightly");
    assert!(warnings[0].starts_with("below/rust-toolchain:2: "), "{warnings:?}");
    assert_eq!(read_as("rust-toolchain", &channel("beta-2026-01-05"), "").1, "beta-2026-01-05");
    assert!(refused("1.88.0\n").contains("`rust-toolchain.toml` is no toolchain file"));
}

#[test]
fn only_what_builds_use_is_asked_for_and_its_order_says_nothing() {
    let text = "[toolchain]\nprofile = \"default\"\ncomponents = [\"rustfmt\", \"rustc\", \"clippy-preview\", \"rust-src\", \
                \"rust-analyzer\", \"rustfmt\"]\ntargets = [\"x86_64-pc-windows-msvc\", \"wasm32-wasip1\", \
                \"aarch64-apple-darwin\", \"aarch64-unknown-linux-gnu\"]\n";
    let asked = "rust-src rustfmt aarch64-unknown-linux-gnu wasm32-wasip1";
    assert_eq!(read(text, ""), (None, asked.to_owned(), Vec::new()));
    // What lines of the user's own bring is theirs.
    let lines = "builder.setup = [\"rustup component add rust-src\", \"rustup target add wasm32-wasip1\"]";
    assert_eq!(read(text, lines).1, "rustfmt aarch64-unknown-linux-gnu");
}

#[test]
fn settings_go_before_it_and_contradictions_are_told() {
    let text = channel("1.85.1");
    assert_eq!(read(&text, "toolchain = \"rust:1.85-alpine\"").2, [""; 0]);
    let (image, _, warnings) = read(&text, "toolchain = \"rust:1.95-bookworm\"");
    assert_eq!((image, warnings.len()), (None, 1));
    let nightly = channel("nightly") + "components = [\"rust-src\"]\n";
    let other = (None, "rust-src".to_owned(), Vec::new());
    assert_eq!(read(&nightly, "toolchain = \"registry.example.com/nightly:1\""), other);
    let told = "rust-toolchain.toml:2: `nightly` of `rust-toolchain.toml` has no effect, `rust:1.95-bookworm` compiles";
    assert_eq!(read(&nightly, "toolchain = \"rust:1.95-bookworm\"").2, [told]);
    let (_, asked, warnings) = read("[toolchain]\npath = \"/opt/rust\"\n", "toolchain = \"my/rust:1\"");
    assert_eq!((asked.as_str(), warnings.len()), ("", 1));
}

#[test]
fn a_toolchain_that_cannot_be_had_is_refused() {
    for name in
        ["esp", "nightly-2026-1-5", "1", "1.85-x86_64-unknown-linux-gnu", "-x", "nightly-", "1.2.3.4", ""]
    {
        let said = refused(&channel(name));
        assert!(said.contains("is no channel that rustup installs"), "{name}: {said}");
    }
    let said = refused("[toolchain]\npath = \"/opt/rust\"\n");
    assert!(said.contains("is a toolchain of one machine, and no step has it"), "{said}");
}

#[test]
fn what_rustup_would_take_for_an_option_is_refused() {
    let said = refused("[toolchain]\ncomponents = [\"--force\", \"a b\"]\ntargets = [\"\"]\n");
    assert!(said.contains("`--force` of `rust-toolchain.toml` is no name of a component"), "{said}");
    assert!(said.contains("no name of a target"), "{said}");
}

#[test]
fn what_is_no_toolchain_file_is_refused() {
    for text in ["[toolchain\nchannel = 1", "", "[toolchain]\nchannel = 1\n"] {
        assert!(refused(text).contains("is no toolchain file"), "{text}");
    }
}
