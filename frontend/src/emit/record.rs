//! The plan vertex: cargo itself, with the helper in place of rustc, on manifests and empty sources.

use std::collections::BTreeSet;

use buildkit_llb::{Annotate, Copy, Files, Mount, State};
use camino::Utf8Path;
use longshore_helper::recording::{EXCERPTS_FILE, RecordRequest, Repository};

use super::{
    Prefix, Workshop,
    crates::{Files as Packed, Locked},
    excerpts::excerpts,
    known_by_origin, unpacked,
};
use crate::{
    cargo_config::{CARGO_CONFIG_FILES, CargoConfig},
    cross::Cross,
    listing::Listing,
    paths,
};

const SKELETON: &str = "/longshore/skeleton";
const OUTPUT: &str = "/longshore/recording";
const EXCERPTS: &str = "/longshore/excerpts";
/// Where the helper puts the request's `cargo_config`. Named on the command line as well: what stands there wins over
/// a source replacement in the workspace's own configuration, whose directories and mirrors no vertex has.
const CARGO_CONFIG: &str = "/longshore/cargo-home/config.toml";

/// The lock file's name, in the workspace's directory.
pub const LOCK_FILE: &str = "Cargo.lock";

/// Files whose contents may decide the plan, as patterns of the build context.
pub const CONTENTS: [&str; 4] =
    ["**/Cargo.toml", "**/Cargo.lock", "**/.cargo/config.toml", "**/.cargo/config"];

/// Those that decide the plan of the workspace in `root`: cargo reads its configuration in all directories above, too, and
/// what is named there.
fn contents(root: &Utf8Path, config: &CargoConfig) -> Vec<String> {
    let mut patterns = vec![CONTENTS[0].to_owned(), root.join(LOCK_FILE).into_string()];
    for directory in root.ancestors() {
        patterns.extend(CARGO_CONFIG_FILES.map(|name| directory.join(name).into_string()));
    }
    let more: Vec<_> = config
        .paths()
        .map(Utf8Path::as_str)
        .filter(|path| !patterns.iter().any(|known| known == path))
        .collect();
    patterns.extend(more.into_iter().map(str::to_owned));
    patterns
}

/// What cargo is asked to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// `--package`; empty for `--workspace`.
    pub packages: Vec<String>,
    /// `--example`: these and nothing else, where there are any.
    pub examples: Vec<String>,
    /// `--profile`.
    pub profile: String,
    /// `--features`.
    pub features: Vec<String>,
    /// `--no-default-features`.
    pub no_default_features: bool,
    /// `--all-features`.
    pub all_features: bool,
    /// `--target`: always given, so that cargo keeps host and target apart.
    pub target: String,
    /// `RUSTFLAGS`: instead of those of cargo's configuration, as cargo has it; empty for none.
    pub rustflags: String,
    /// `--config` where what runs while cargo builds has no debug information, see
    /// [`without_build_debug`](crate::profile::without_build_debug).
    pub without_build_debug: Option<String>,
    /// What cargo is told of the target besides.
    pub cross: Cross,
}

/// The skeleton of the workspace in `root`: real manifests from `context`, and the names of the files that cargo looks
/// for.
pub fn skeleton(context: &State, listing: &Listing, root: &Utf8Path, config: &CargoConfig) -> State {
    let names: Vec<&str> =
        listing.files().filter(|path| decides_a_target(path)).map(Utf8Path::as_str).collect();
    Files::on(&State::SCRATCH)
        .add(Copy::new(context, "/", "/tree").contents().parents().include(contents(root, config)))
        .write("/names", 0o644, names.join("\n"))
        .labeled("skeleton")
        .named("[plan] collect manifests")
        .state()
}

/// Cargo finds targets by the names of sources (`src/main.rs`, `src/bin/*.rs`, `build.rs`), and `readme` by `README*`.
fn decides_a_target(path: &Utf8Path) -> bool {
    path.extension() == Some("rs") || path.file_stem() == Some("README")
}

/// The vertex that records; its output holds the files named in `longshore_helper::recording`.
pub fn record(
    workshop: &Workshop,
    skeleton: &State,
    locked: &Locked,
    links: &Listing,
    root: &Utf8Path,
    selection: &Selection,
    prefix: &Prefix,
) -> State {
    let excerpts = excerpts(workshop, locked);
    let request = RecordRequest {
        skeleton: format!("{SKELETON}/tree"),
        names: format!("{SKELETON}/names"),
        workspace: paths::WORKSPACE.to_owned(),
        root: root.to_string(),
        target_dir: paths::RECORDING_TARGET.to_owned(),
        output: OUTPUT.to_owned(),
        cargo_config: locked.cargo_config.clone(),
        links: links.directory_links().map(|(path, text)| (path.to_string(), text.to_owned())).collect(),
        archives: locked
            .archives()
            .map(|(place, archive)| (place.to_string(), archive.checksum.clone()))
            .collect(),
        excerpts: (0..excerpts.len()).map(excerpt_at).collect(),
        repositories: repositories(locked),
        metadata_args: metadata_args(selection),
        build_args: build_args(selection),
    };
    let request = serde_json::to_string(&request).expect("strings can be written as JSON");
    let mut exec = workshop
        .helper("record", &request)
        .env("CARGO_HOME", paths::RECORDING_HOME)
        .mount(SKELETON, skeleton)
        .mount(paths::RECORDING_HOME, Mount::tmpfs())
        .mount(paths::WORKSPACE, Mount::tmpfs())
        .mount(paths::RECORDING_TARGET, Mount::tmpfs());
    if !selection.rustflags.is_empty() {
        exec = exec.env("RUSTFLAGS", &selection.rustflags);
    }
    for (name, value) in &selection.cross.env {
        exec = exec.env(name, value);
    }
    // Packages of one source are all archives or all directories.
    for directory in locked.archives().filter_map(|(place, _)| place.parent()).collect::<BTreeSet<_>>() {
        exec = exec.mount(directory, Mount::tmpfs());
    }
    for (number, excerpt) in excerpts.iter().enumerate() {
        exec = exec.mount(excerpt_at(number), Mount::subpath(excerpt, &format!("/{EXCERPTS_FILE}")));
    }
    for (place, files) in &locked.crates {
        if let Packed::Directory(state) = files {
            exec = exec.mount(place, unpacked(state, place));
        }
    }
    for (number, state) in locked.repositories.values().enumerate() {
        exec = exec.mount(repository_at(number), known_by_origin(state));
    }
    let examples: String = selection.examples.iter().map(|name| format!(" --example {name}")).collect();
    exec.output(OUTPUT, &State::SCRATCH)
        .labeled("record")
        .named(format!("{} cargo build{examples}, recorded", prefix.of("plan")))
        .run()
}

/// Where the recording has an excerpt.
fn excerpt_at(number: usize) -> String {
    format!("{EXCERPTS}/{number}.json")
}

/// Where the recording has a repository.
fn repository_at(number: usize) -> String {
    format!("{}/{number}", paths::REPOSITORIES)
}

fn repositories(locked: &Locked) -> Vec<Repository> {
    let all = locked.repositories.keys().enumerate().map(|(number, locked)| Repository {
        url: locked.url.clone(),
        commit: locked.commit.clone(),
        at: repository_at(number),
    });
    all.collect()
}

fn build_args(selection: &Selection) -> Vec<String> {
    let mut args = ["build", "--quiet"].map(str::to_owned).to_vec();
    match selection.packages.as_slice() {
        [] => args.push("--workspace".to_owned()),
        packages => args.extend(packages.iter().flat_map(|name| ["--package".to_owned(), name.clone()])),
    }
    args.extend(selection.examples.iter().flat_map(|name| ["--example".to_owned(), name.clone()]));
    args.extend(["--locked", "--offline", "--config", CARGO_CONFIG].map(str::to_owned));
    args.extend(["--profile".to_owned(), selection.profile.clone()]);
    args.extend(["--target".to_owned(), selection.target.clone()]);
    for value in selection.without_build_debug.iter().chain(&selection.cross.config) {
        args.extend(["--config".to_owned(), value.clone()]);
    }
    args.extend(feature_args(selection));
    args
}

/// With the same features, as what only they bring in is not told of otherwise.
fn metadata_args(selection: &Selection) -> Vec<String> {
    let mut args = ["--locked", "--offline", "--config", CARGO_CONFIG].map(str::to_owned).to_vec();
    args.extend(feature_args(selection));
    args
}

fn feature_args(selection: &Selection) -> Vec<String> {
    let mut args = Vec::new();
    if !selection.features.is_empty() {
        args.extend(["--features".to_owned(), selection.features.join(",")]);
    }
    if selection.no_default_features {
        args.push("--no-default-features".to_owned());
    }
    if selection.all_features {
        args.push("--all-features".to_owned());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What only a feature brings in is in nobody's metadata without it.
    #[test]
    fn cargo_is_asked_about_what_it_is_told_to_build() {
        let selection = Selection {
            packages: Vec::new(),
            examples: Vec::new(),
            profile: "release".to_owned(),
            features: vec!["cuda".to_owned(), "server/http".to_owned()],
            no_default_features: true,
            all_features: false,
            target: "x86_64-unknown-linux-gnu".to_owned(),
            rustflags: String::new(),
            without_build_debug: Some("profile.release.build-override.debug=false".to_owned()),
            cross: Cross::default(),
        };
        assert_eq!(build_args(&selection)[2..4], ["--workspace", "--locked"]);
        let config = ["--config", "profile.release.build-override.debug=false"].map(str::to_owned);
        assert!(build_args(&selection).windows(2).any(|args| args == config));
        assert!(!metadata_args(&selection).contains(&config[1]));
        let of_example = Selection { examples: vec!["demo".to_owned()], ..selection.clone() };
        assert_eq!(build_args(&of_example)[2..5], ["--workspace", "--example", "demo"]);
        let features = ["--features", "cuda,server/http", "--no-default-features"];
        for args in [build_args(&selection), metadata_args(&selection)] {
            assert!(args.ends_with(&features.map(str::to_owned)), "{args:?}");
        }
    }
}
