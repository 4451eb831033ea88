//! Images and named contexts as states: what a name in the settings stands for in this build.
//!
//! A named context of an image's name replaces the image: `--build-context rust:1.95-bookworm=docker-image://my/rust`,
//! or a directory, a repository, the result of another target of a bake file.

use buildkit_llb::{Annotate, Digest, Http, HttpUrl, Image, ImageRef, Local, OciLayout, Platform, State};

use crate::{
    config::ImageName,
    context::{self, When},
    diagnostic::{Code, Diagnostic},
    gateway::{Failure, Gateway, ImageQuery, OciStore},
    ignore,
    request::{NamedContext, Request},
};

/// The file of an image's configuration among what is told about an input.
const CONFIG_KEY: &str = "containerimage.config";

/// A filesystem from outside the workspace.
#[derive(Debug, Clone)]
pub struct Loaded {
    source: Source,
    platform: Platform,
    /// The image configuration, JSON, if it is an image.
    pub config: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
enum Source {
    /// An image in a registry or the daemon's store, pinned.
    Image { reference: ImageRef, digest: Digest },
    /// Anything else.
    Other(State),
}

/// Whether a filesystem's layers go into an exported cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exported {
    /// As the client's cache options say.
    AsCacheSays,
    /// Never: a gigabyte that every machine has from its registry, and that no image is made of.
    No,
}

impl Loaded {
    /// The filesystem. An image's key is its digest.
    pub fn pinned(&self, label: &str, exported: Exported) -> State {
        let (reference, digest) = match &self.source {
            Source::Image { reference, digest } => (reference, digest),
            Source::Other(state) => return state.clone(),
        };
        let source = Image::new(&reference.clone().with_digest(digest), &self.platform)
            .labeled(label)
            .named(format!("[{label}] {}", reference.familiar()));
        match exported {
            Exported::AsCacheSays => source.state(),
            Exported::No => source.export_cache(false).state(),
        }
    }

    /// What tells it from others: for the names of cache mounts.
    pub fn identity(&self) -> String {
        let hex = match &self.source {
            Source::Image { digest, .. } => digest.hex().to_owned(),
            // The graph that makes it: a directory of the client's is the same mount whatever it contains.
            Source::Other(state) => state.digest().map_or_else(String::new, |digest| digest.hex().to_owned()),
        };
        hex.chars().take(16).collect()
    }

    /// Its name and digest, if it is an image.
    pub fn image(&self) -> Option<(&ImageRef, &Digest)> {
        match &self.source {
            Source::Image { reference, digest } => Some((reference, digest)),
            Source::Other(_) => None,
        }
    }
}

/// What an image's name stands for: the named context of that name, or the image itself.
///
/// # Errors
/// There is no such image, or the named context cannot be had.
pub async fn image(
    gateway: &impl Gateway,
    request: &Request,
    name: &ImageName,
    platform: &Platform,
) -> Result<Loaded, Failure> {
    let familiar = name.reference.familiar();
    let loaded = match request.named_context(&familiar, platform) {
        None => registry_image(gateway, request, &name.reference, platform).await,
        Some(context) => load(gateway, request, &familiar, context, platform).await,
    };
    loaded
}

/// What a named context stands for.
///
/// # Errors
/// It cannot be had.
pub async fn load(
    gateway: &impl Gateway,
    request: &Request,
    name: &str,
    context: &NamedContext,
    platform: &Platform,
) -> Result<Loaded, Failure> {
    let label = format!("context:{name}");
    let shown = |what: &str| format!("[context {name}] {what}");
    let other = |state: State, config: Option<Vec<u8>>| Loaded {
        source: Source::Other(state),
        platform: platform.clone(),
        config,
    };
    Ok(match context {
        NamedContext::Scratch => other(State::SCRATCH, None),
        NamedContext::Image(reference) => registry_image(gateway, request, reference, platform).await?,
        NamedContext::OciLayout { store, digest } => {
            // For messages; the digest is what counts (frontend/dockerui/namedcontext.go).
            let reference = ImageRef::parse(name)
                .or_else(|_| ImageRef::parse("oci-layout"))
                .expect("a plain word names an image")
                .with_digest(digest);
            let query = ImageQuery {
                log_name: shown(&format!("load metadata for {}", reference.familiar())),
                reference: reference.clone(),
                platform: platform.clone(),
                resolve_mode: request.resolve_mode,
                oci_layout: Some(OciStore { session: request.session.clone(), store: store.clone() }),
            };
            let resolved = gateway.resolve_image(&query).await?;
            let state = OciLayout::new(store, &resolved.digest, platform)
                .reference(reference.to_string())
                .session(&request.session)
                .labeled(label)
                .named(shown("OCI load from client"))
                .state();
            other(state, Some(resolved.config))
        }
        NamedContext::Git(git) => other(git.source().labeled(label).named(shown(&git.url)).state(), None),
        NamedContext::Http(url) => {
            let url = HttpUrl::parse(url.as_str()).map_err(|error| {
                Diagnostic::error(
                    Code::InvalidContext,
                    format!("the context `{name}` is `{url}`, which {error}"),
                )
            })?;
            let state =
                Http::unpinned(&url).filename("context").labeled(label).named(shown(url.as_str())).state();
            other(state, None)
        }
        NamedContext::Local(directory) => other(local(gateway, request, name, directory).await?, None),
        NamedContext::Input { name: input, metadata } => {
            let inputs = gateway.inputs().await?;
            let Some(definition) = inputs.get(input) else {
                return Err(Diagnostic::error(
                    Code::InvalidContext,
                    format!("the context `{name}` is the input `{input}`, which the client does not hand in"),
                )
                .into());
            };
            let state = State::from_definition(definition).map_err(|error| {
                Diagnostic::error(
                    Code::InvalidContext,
                    format!("the context `{name}` cannot be read: {error}"),
                )
            })?;
            other(state, metadata.get(CONFIG_KEY).cloned())
        }
    })
}

/// A directory of the client's, less what its own `.dockerignore` names.
async fn local(
    gateway: &impl Gateway,
    request: &Request,
    name: &str,
    directory: &str,
) -> Result<State, Failure> {
    let session = request.contexts.sessions.get(directory).unwrap_or(&request.session);
    // Clients share several directories under one name; this tells them apart (frontend/dockerui/namedcontext.go).
    let shared = request.contexts.shared_keys.get(directory).map(|key| format!("-{key}")).unwrap_or_default();
    let hint = format!("context:{name}{shared}");
    let ignore = Local::new(directory, session)
        .follow_paths([".dockerignore"])
        .shared_key_hint(&format!("{hint}-.dockerignore"))
        .labeled(format!("ignore:{name}"))
        .named(format!("[context {name}] load .dockerignore"))
        .state();
    let reference = context::solve(gateway, request, &ignore, When::Used).await?;
    let text = context::read_optional(gateway, &reference, ".dockerignore").await?.unwrap_or_default();
    Ok(Local::new(directory, session)
        .exclude(ignore::patterns(&String::from_utf8_lossy(&text)))
        .shared_key_hint(&hint)
        .labeled(format!("context:{name}"))
        .named(format!("[context {name}] load from client"))
        .state())
}

async fn registry_image(
    gateway: &impl Gateway,
    request: &Request,
    reference: &ImageRef,
    platform: &Platform,
) -> Result<Loaded, Failure> {
    let query = ImageQuery {
        log_name: format!("[internal] load metadata for {}", reference.familiar()),
        reference: reference.clone(),
        platform: platform.clone(),
        resolve_mode: request.resolve_mode,
        oci_layout: None,
    };
    let resolved = gateway.resolve_image(&query).await?;
    Ok(Loaded {
        source: Source::Image { reference: resolved.reference, digest: resolved.digest },
        platform: platform.clone(),
        config: Some(resolved.config),
    })
}

/// One file of a named context; `None` when the context does not have it.
///
/// # Errors
/// The context cannot be had.
pub async fn read_file(
    gateway: &impl Gateway,
    request: &Request,
    name: &str,
    context: &NamedContext,
    path: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    let loaded = load(gateway, request, name, context, &request.build_platform).await?;
    let state = loaded.pinned(&format!("context:{name}"), Exported::AsCacheSays);
    if state.is_scratch() {
        return Ok(None);
    }
    let reference = context::solve(gateway, request, &state, When::Used).await?;
    Ok(context::read_optional(gateway, &reference, path).await?)
}
