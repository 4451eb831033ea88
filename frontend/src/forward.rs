//! A Dockerfile of the user's, handed on to the Dockerfile frontend with the workspace's targets as named contexts.
//!
//! Pure: which targets the file may want, under which names, and which options go along.

use std::collections::BTreeMap;

use buildkit_llb::{Platform, State};
use buildkit_proto::pb;

use crate::{
    diagnostic::{Code, Diagnostic},
    dockerfile::Mentions,
    gateway::Forward,
    request::Request,
};

/// The frontend that BuildKit has built in (frontend/dockerfile).
const DOCKERFILE_FRONTEND: &str = "dockerfile.v0";

/// Before the name of a target that a stage of the Dockerfile hides.
const PREFIX: &str = "bin-";

/// What the Dockerfile frontend must not see.
///
/// Ours, or of no use to it: where this frontend comes from, and the features that the client asked our image for.
/// With `cmdline` left in, it does not look at the syntax line, which would start us again
/// (frontend/dockerfile/builder/build.go).
const DROPPED: [&str; 3] = ["source", "frontend.caps", "build-arg:BUILDKIT_SYNTAX"];

/// A target, as the Dockerfile sees it.
#[derive(Debug, Clone)]
pub struct Offered {
    /// The name under which the file reaches it.
    pub name: String,
    /// For which platform.
    pub platform: Platform,
    /// Its files.
    pub state: State,
    /// Its image configuration, where it is an image that one can build `FROM`.
    pub config: Option<Vec<u8>>,
}

/// Of `targets`, those that the Dockerfile may want, with the name under which it reaches each.
///
/// A stage goes before a target of the same name, as in every Dockerfile; `bin-NAME` always means the target.
pub fn wanted<'t>(
    mentions: &Mentions,
    targets: impl IntoIterator<Item = &'t str>,
) -> BTreeMap<String, &'t str> {
    let mut wanted = BTreeMap::new();
    for target in targets {
        // Names of contexts are names of images: no upper case.
        let name = target.to_ascii_lowercase();
        for name in [format!("{PREFIX}{name}"), name] {
            let is_named = mentions.dynamic || mentions.sources.contains(&name);
            if is_named && !mentions.stages.contains(&name) {
                wanted.insert(name, target);
            }
        }
    }
    wanted
}

/// Says where a stage hides a target that the file seems to want.
pub fn hidden<'t>(mentions: &Mentions, targets: impl IntoIterator<Item = &'t str>) -> Vec<Diagnostic> {
    let hidden = targets.into_iter().filter(|target| {
        let name = target.to_ascii_lowercase();
        mentions.stages.contains(&name)
            && mentions.sources.contains(&name)
            && !mentions.sources.contains(&format!("{PREFIX}{name}"))
    });
    hidden
        .map(|target| {
            Diagnostic::warning(
                Code::HiddenTarget,
                format!("`{target}` means the stage of that name, and not the workspace's target"),
            )
            .help(format!("write `--from={PREFIX}{}` for the target", target.to_ascii_lowercase()))
        })
        .collect()
}

/// The build of the Dockerfile. `inputs` are the graphs that the client handed in.
pub fn forward(request: &Request, offered: &[Offered], inputs: BTreeMap<String, pb::Definition>) -> Forward {
    let mut options = request.options.clone();
    for key in DROPPED {
        options.remove(key);
    }
    options.entry("cmdline".to_owned()).or_insert_with(|| DOCKERFILE_FRONTEND.to_owned());
    let mut inputs = inputs;
    let first = request.platforms.first();
    for target in offered {
        let name = &target.name;
        // The client's own context of that name goes first: it replaces ours.
        if request.named_context(name, &target.platform).is_some() {
            continue;
        }
        let input = format!("longshore:{name}::{}", target.platform);
        let mut context = |key: String| {
            options.insert(format!("context:{key}"), format!("input:{input}"));
        };
        context(format!("{name}::{}", target.platform));
        // A stage for another platform (`FROM --platform=$BUILDPLATFORM`) gets it as well.
        if first == Some(&target.platform) {
            context(name.clone());
        }
        if let Some(config) = &target.config {
            options.insert(format!("input-metadata:{input}"), metadata(config));
        }
        inputs.insert(input, target.state.definition().to_proto());
    }
    Forward {
        frontend: DOCKERFILE_FRONTEND.to_owned(),
        options,
        inputs,
        cache_imports: request.cache_imports.clone(),
    }
}

/// What Go reads into a map from strings to bytes.
fn metadata(config: &[u8]) -> String {
    use base64::Engine as _;
    let config = base64::engine::general_purpose::STANDARD.encode(config);
    serde_json::json!({ "containerimage.config": config }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions(text: &str) -> Mentions {
        Mentions::parse(text)
    }

    #[test]
    fn only_what_is_named_is_offered() {
        let file = mentions("FROM debian\nCOPY --from=server /server /\n");
        let wanted = wanted(&file, ["gateway", "server"]);
        assert_eq!(wanted, [("server".to_owned(), "server")].into());
        let file = mentions("ARG A\nFROM debian\nCOPY --from=$A /server /\n");
        assert_eq!(super::wanted(&file, ["gateway", "server"]).len(), 4);
    }

    #[test]
    fn a_stage_hides_a_target_that_has_a_second_name() {
        let file = mentions("FROM debian AS server\nCOPY --from=bin-server /server /\n");
        assert_eq!(wanted(&file, ["server"]), [("bin-server".to_owned(), "server")].into());
        assert!(hidden(&file, ["server"]).is_empty());
        let file = mentions("FROM debian AS server\nCOPY --from=Server /server /\n");
        assert!(wanted(&file, ["server"]).is_empty());
        assert_eq!(hidden(&file, ["server"]).len(), 1);
    }

    #[test]
    fn a_target_in_upper_case_has_a_name_that_contexts_can_have() {
        let file = mentions("FROM debian\nCOPY --from=Server /Server /\n");
        assert_eq!(wanted(&file, ["Server"]), [("server".to_owned(), "Server")].into());
    }
}
