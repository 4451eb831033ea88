//! The toolchain image with what is added to it: packages, what a toolchain file asks of rustup, lines for a shell.

use buildkit_llb::{Digest, Span, State};
use longshore_helper::{
    TOOLCHAIN_ENV,
    toolchain::{REPORT_FILE, ToolchainReport},
};

use super::{HELPER_IN_IMAGE, identity};
use crate::{
    config::{Builder, Config, Rustup},
    context::{self, When},
    diagnostic::{Code, Diagnostic},
    emit::{Workshop, builder::Steps},
    gateway::{Failure, Gateway},
    image::BaseConfig,
    named::Loaded,
    request::Request,
    retell::{self, Known},
};

/// Chooses a toolchain for rustup's proxies before any file or default does.
const RUSTUP_TOOLCHAIN: &str = "RUSTUP_TOOLCHAIN";

/// The image, ready to compile in.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// What every vertex has in common.
    pub(super) workshop: Workshop,
    /// Tells what compiles here from what compiles elsewhere: the image, and what is added to it.
    pub(super) identity: Digest,
    /// What the toolchain file asks for and does not get.
    pub(super) warnings: Vec<Diagnostic>,
}

/// Adds to `image` what the settings and the toolchain file say. What rustup did is known only once it has run, so it
/// runs here.
///
/// # Errors
/// The file's toolchain cannot be had, or a solve failed.
pub(super) async fn prepared(
    gateway: &impl Gateway,
    request: &Request,
    frontend: &State,
    image: &Loaded,
    config: &Config,
    rustup: &Rustup,
) -> Result<Prepared, Failure> {
    let own = BaseConfig::parse_or_empty(image.config.as_deref()).env();
    let mut workshop = Workshop {
        build_platform: request.build_platform.clone(),
        toolchain: image.state.clone(),
        toolchain_env: own,
        helper: (frontend.clone(), HELPER_IN_IMAGE.to_owned()),
        sandbox: request.sandbox.clone(),
    };
    let name = config.toolchain.reference.familiar();
    let contents = identity::identity(gateway, request, &workshop, image, &[], &name).await?;
    workshop.toolchain_env.extend(config.builder.env.clone());
    let steps =
        Steps { builder: &config.builder, no_cache: &request.no_cache, build: request.session.as_str() };
    workshop.toolchain = steps.packages(&workshop);
    let mut report = None;
    if !rustup.is_empty() {
        let (root, made) = steps.toolchain(&workshop, rustup);
        workshop.toolchain = root;
        let reference = context::solve(gateway, request, &made, When::Now)
            .await
            .map_err(|failure| retell::retell(failure, &Known::default()))?;
        let data = gateway.read_file(&reference, REPORT_FILE).await?;
        let found: ToolchainReport = serde_json::from_slice(&data)
            .unwrap_or_else(|error| panic!("the toolchain's `{REPORT_FILE}` cannot be read: {error}"));
        if let Some(channel) = &rustup.channel {
            let env = &mut workshop.toolchain_env;
            if !config.builder.env.contains_key(RUSTUP_TOOLCHAIN) {
                env.insert(RUSTUP_TOOLCHAIN.to_owned(), channel.name.clone());
            }
            if channel.moves {
                env.insert(TOOLCHAIN_ENV.to_owned(), found.rustc.clone());
            }
        }
        report = Some(found);
    }
    workshop.toolchain = steps.setup(&workshop);
    let warnings = report.iter().flat_map(|report| missing(report, rustup, &name));
    Ok(Prepared {
        workshop,
        identity: identity_with(&contents, &config.builder, rustup, report.as_ref()),
        warnings: warnings.collect(),
    })
}

fn identity_with(
    contents: &Digest,
    builder: &Builder,
    rustup: &Rustup,
    report: Option<&ToolchainReport>,
) -> Digest {
    let Builder { packages, setup, env, span: _ } = builder;
    let mut known = contents.to_string();
    if !(packages.is_empty() && setup.is_empty() && env.is_empty()) {
        known += &format!(" {packages:?} {setup:?} {env:?}");
    }
    if let Some(report) = report {
        let names = |list: &[(String, Span)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let channel = rustup.channel.as_ref().map(|channel| &channel.name);
        let (components, targets) = (names(&rustup.components), names(&rustup.targets));
        known += &format!(" {channel:?} {components:?} {targets:?} {}", report.rustc);
    }
    if known == contents.to_string() { contents.clone() } else { Digest::of(known.as_bytes()) }
}

/// What is not there since the image has no rustup, each at its place.
fn missing(report: &ToolchainReport, rustup: &Rustup, image: &str) -> Vec<Diagnostic> {
    let lists =
        [("component", &report.components, &rustup.components), ("target", &report.targets, &rustup.targets)];
    let mut warnings = Vec::new();
    for (kind, missing, wanted) in lists {
        for (name, span) in wanted.iter().filter(|(name, _)| missing.contains(name)) {
            let what = format!(
                "the {kind} `{name}` of `{}` is not in `{image}`, and there is no rustup to add it",
                rustup.file
            );
            let help = "where a build needs it, add it with a line of `builder.setup`, or name an image that has it or \
                        rustup as `toolchain`";
            warnings.push(Diagnostic::warning(Code::IgnoredSetting, what).help(help).at(span));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;

    use super::*;
    use crate::config::{self, Chosen};

    fn asked(text: &str) -> Rustup {
        let file = SourceFile::new("rust-toolchain.toml", "TOML", text.as_bytes());
        let Chosen { rustup, .. } =
            config::chosen(&file, &Config::default().toolchain, &Builder::default()).unwrap();
        rustup
    }

    fn identity_of(rustup: &Rustup, rustc: Option<&str>) -> Digest {
        let report =
            rustc.map(|rustc| ToolchainReport { rustc: rustc.to_owned(), ..ToolchainReport::default() });
        identity_with(&Digest::of(b"image"), &Builder::default(), rustup, report.as_ref())
    }

    #[test]
    fn a_toolchain_is_told_from_others_by_all_that_makes_it() {
        let nightly = asked("[toolchain]\nchannel = \"nightly\"\n");
        let with_source = asked("[toolchain]\nchannel = \"nightly\"\ncomponents = [\"rust-src\"]\n");
        let mut all = vec![
            identity_of(&Rustup::default(), None),
            identity_of(&nightly, Some("rustc 1.97.0-nightly (a 2026-05-19)")),
            identity_of(&nightly, Some("rustc 1.97.0-nightly (b 2026-05-20)")),
            identity_of(&with_source, Some("rustc 1.97.0-nightly (a 2026-05-19)")),
        ];
        assert_eq!(all[0], Digest::of(b"image"));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn what_is_missing_is_told_where_it_is_asked_for() {
        let rustup = asked(
            "[toolchain]\ncomponents = [\n  \"rustfmt\",\n  \"rust-src\",\n]\ntargets = [\"wasm32-wasip1\"]\n",
        );
        let report = ToolchainReport {
            rustc: "rustc 1.95.0".to_owned(),
            components: vec!["rust-src".to_owned()],
            targets: vec!["wasm32-wasip1".to_owned()],
        };
        let told = missing(&report, &rustup, "my/rust:1");
        let places: Vec<String> = told.iter().map(|warning| warning.primary().unwrap().to_string()).collect();
        assert_eq!(places, ["rust-toolchain.toml:4", "rust-toolchain.toml:6"]);
        let message = "the component `rust-src` of `rust-toolchain.toml` is not in `my/rust:1`, and there is no rustup to add it";
        assert_eq!(told[0].message, message);
    }
}
