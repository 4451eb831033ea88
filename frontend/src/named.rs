//! What stands behind a name: a named context of the client's (`--build-context`, a `target:` of bake) of any kind, or
//! an image.
//!
//! Every image that a build uses goes through [`image()`], so that each can be replaced from outside. Vertices are called
//! `[context NAME] …` as with the Dockerfile frontend (frontend/dockerui/namedcontext.go), whose rules these are.

use buildkit_llb::{
    Annotate, Copy, Differ, Digest, Files, Http, HttpUrl, Image, ImageRef, Local, OciLayout, Platform, State,
};

use crate::{
    context::{self, IGNORE_FILE, When, git, session_of},
    diagnostic::{Code, Diagnostic},
    gateway::{Failure, Gateway, ImageQuery, OciStore, ResolvedImage},
    ignore,
    request::{NamedContext, Request, redacted},
};

/// The key of an image's configuration among what is told about an input (exporter/containerimage/exptypes).
const INPUT_CONFIG: &str = "containerimage.config";

/// What a name stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The filesystem.
    pub state: State,
    /// The image's configuration, JSON; `None` for a filesystem that is no image.
    pub config: Option<Vec<u8>>,
    /// The image's name, pinned unless only the daemon's own store has it; `None` for what comes from no registry.
    pub reference: Option<ImageRef>,
    /// Tells apart what the name can stand for: an image's digest, otherwise a digest of where it comes from and of its
    /// configuration. Equal in every build that passes the same; so a directory keeps it when its contents change.
    pub identity: Digest,
    /// The identity is one of contents.
    pub is_pinned: bool,
}

impl Loaded {
    /// The configuration, empty where there is none.
    pub fn config(&self) -> &[u8] {
        self.config.as_deref().unwrap_or_default()
    }
}

/// What a filesystem is for. Its label in graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Steps run in it. Its layers never go into an exported cache: a gigabyte that every machine has from its
    /// registry, and that no image is made of.
    Toolchain,
    /// Steps see parts of it, which stay out of exported caches as well.
    Toolkit,
    /// Images are made on it.
    Base,
    /// Files are taken from it.
    Files,
}

impl Role {
    fn label(self) -> &'static str {
        match self {
            Self::Toolchain => "toolchain",
            Self::Toolkit => "toolkit",
            Self::Base => "base",
            Self::Files => "files",
        }
    }

    /// Labels a source, and keeps it out of exported caches where it has to be.
    fn mark<S: Annotate>(self, source: S) -> S {
        let source = source.labeled(self.label());
        if matches!(self, Self::Toolchain | Self::Toolkit) { source.export_cache(false) } else { source }
    }
}

/// The image of that name, or the named context that takes its place: one for this platform before one for all.
///
/// # Errors
/// The image cannot be resolved, or the context is no filesystem.
pub async fn image(
    gateway: &impl Gateway,
    request: &Request,
    reference: &ImageRef,
    platform: &Platform,
    role: Role,
) -> Result<Loaded, Failure> {
    let familiar = reference.familiar();
    let Some((name, named)) = request.contexts.find(&familiar, platform) else {
        let query = ImageQuery {
            log_name: format!("[internal] load metadata for {familiar}"),
            reference: reference.clone(),
            platform: platform.clone(),
            resolve_mode: request.resolve_mode,
            oci_layout: None,
        };
        let resolved = gateway.resolve_image(&query).await?;
        let shown = format!("[{}] {}", role.label(), resolved.reference.familiar());
        return Ok(from_registry(request, resolved, platform, role, &shown));
    };
    match named {
        NamedContext::Http(url) => Err(Diagnostic::error(
            Code::InvalidContext,
            format!("the context `{name}` is `{}`, a file and no image", redacted(url.as_str())),
        )
        .help(format!("write `--build-context {name}=docker-image://…`, a repository or a directory"))
        .into()),
        NamedContext::Local(_) => {
            let loaded = load(gateway, request, named, name, platform, Role::Files).await?;
            Ok(Loaded { state: keyed_by_contents(&loaded.state, name, role), ..loaded })
        }
        _ => load(gateway, request, named, name, platform, role).await,
    }
}

/// Loads a named context. `name` is the key under which the client gave it, as [`Contexts::find`] returns it.
///
/// [`Contexts::find`]: crate::request::Contexts::find
///
/// # Errors
/// An image cannot be resolved, an input is not there, or the client cannot be asked.
pub async fn load(
    gateway: &impl Gateway,
    request: &Request,
    context: &NamedContext,
    name: &str,
    platform: &Platform,
    role: Role,
) -> Result<Loaded, Failure> {
    let files = |state: State, address: &str| Loaded {
        state,
        config: None,
        reference: None,
        identity: Digest::of(address.as_bytes()),
        is_pinned: false,
    };
    match context {
        NamedContext::Scratch => Ok(files(State::SCRATCH, "scratch")),
        NamedContext::Image(reference) => {
            let query = ImageQuery {
                log_name: format!("[context {name}] load metadata for {}", reference.familiar()),
                reference: reference.clone(),
                platform: platform.clone(),
                resolve_mode: request.resolve_mode,
                oci_layout: None,
            };
            let resolved = gateway.resolve_image(&query).await.map_err(|error| error.doing(loading(name)))?;
            let shown = format!("[context {name}] {}", reference.familiar());
            Ok(from_registry(request, resolved, platform, role, &shown))
        }
        NamedContext::OciLayout { store, digest } => {
            from_layout(gateway, request, name, (store, digest), platform, role).await
        }
        NamedContext::Git(address) => {
            let source = git::source(gateway, request, address);
            let state =
                role.mark(source).named(format!("[context {name}] load git source {address}")).state();
            Ok(files(state, &address.to_string()))
        }
        NamedContext::Http(url) => Ok(files(download(url, name, role), url.as_str())),
        NamedContext::Local(local) => {
            let state = directory(gateway, request, local, name, role).await?;
            Ok(files(state, local))
        }
        NamedContext::Input { name: input, metadata } => {
            let state = from_input(gateway, input, name).await?;
            let config = metadata.get(INPUT_CONFIG).cloned();
            let known = [input.as_bytes(), config.as_deref().unwrap_or_default()].concat();
            Ok(Loaded { state, identity: Digest::of(&known), is_pinned: false, config, reference: None })
        }
    }
}

/// What a failure to load a context adds, after "failed to".
fn loading(name: &str) -> String {
    format!("load the context `{name}`")
}

fn from_registry(
    request: &Request,
    resolved: ResolvedImage,
    platform: &Platform,
    role: Role,
    shown: &str,
) -> Loaded {
    let ResolvedImage { reference, digest, config } = resolved;
    let (reference, identity) = match digest {
        Some(digest) => (reference.with_digest(&digest), digest),
        // An image of the daemon's own is found by its name alone; its id is the digest of its configuration.
        None => (reference, Digest::of(&config)),
    };
    // It is looked for where its name was resolved. The daemon would ask the registry in every build for an image that was
    // loaded or built on it, though the digest is known (`Resolve` in BuildKit's `util/resolver/pool.go`).
    let source = Image::new(&reference, platform).resolve_mode(request.resolve_mode);
    let state = role.mark(source).named(shown).state();
    Loaded { state, config: Some(config), reference: Some(reference), identity, is_pinned: true }
}

async fn from_layout(
    gateway: &impl Gateway,
    request: &Request,
    name: &str,
    (store, digest): (&str, &Digest),
    platform: &Platform,
    role: Role,
) -> Result<Loaded, Failure> {
    // The daemon wants a name here, shows it, and finds the image by its digest alone. A context whose name no image
    // could have gets one of ours.
    let without_platform = name.split_once("::").map_or(name, |(name, _)| name);
    let reference = ImageRef::parse(&format!("{without_platform}@{digest}"))
        .or_else(|_| ImageRef::parse(&format!("layout@{digest}")))
        .expect("a name and a digest are a reference");
    let query = ImageQuery {
        log_name: format!("[context {name}] load metadata for {}", reference.familiar()),
        reference: reference.clone(),
        platform: platform.clone(),
        resolve_mode: request.resolve_mode,
        oci_layout: Some(OciStore { session: request.session.clone(), store: store.to_owned() }),
    };
    let resolved = gateway.resolve_image(&query).await.map_err(|error| error.doing(loading(name)))?;
    let source =
        OciLayout::new(store, digest, platform).reference(reference.to_string()).session(&request.session);
    let state = role.mark(source).named(format!("[context {name}] OCI load from client")).state();
    Ok(Loaded {
        state,
        config: Some(resolved.config),
        reference: None,
        identity: digest.clone(),
        is_pinned: true,
    })
}

/// A directory with one file, `context`.
fn download(url: &HttpUrl, name: &str, role: Role) -> State {
    let shown = format!("[context {name}] {}", redacted(url.as_str()));
    role.mark(Http::unpinned(url).filename("context")).named(shown).state()
}

/// A directory of the client's, less what its own ignore file names.
async fn directory(
    gateway: &impl Gateway,
    request: &Request,
    local: &str,
    name: &str,
    role: Role,
) -> Result<State, Failure> {
    let session = session_of(request, local);
    let ignore_file = Local::new(local, session)
        .follow_paths([IGNORE_FILE])
        .shared_key_hint(&format!("context:{name}-{IGNORE_FILE}"))
        .differ(Differ::None)
        .labeled("ignore")
        .named(format!("[context {name}] load {IGNORE_FILE}"))
        .state();
    let reference = context::solve(gateway, request, &ignore_file, When::Now).await?;
    let text = context::read_optional(gateway, &reference, IGNORE_FILE)
        .await
        .map_err(|error| error.doing(loading(name)))?;
    let exclude: Vec<String> =
        text.map(|text| ignore::written(&String::from_utf8_lossy(&text)).collect()).unwrap_or_default();
    let key = request.contexts.shared_keys.get(name).map_or("", String::as_str);
    let source =
        Local::new(local, session).exclude(&exclude).shared_key_hint(&format!("context:{name}-{key}"));
    Ok(role.mark(source).named(format!("[context {name}] load from client")).state())
}

/// A copy of a client's directory, which is new in every build: what runs on the copy is keyed by what is in it.
fn keyed_by_contents(directory: &State, name: &str, role: Role) -> State {
    let files = Files::on(&State::SCRATCH).add(Copy::new(directory, "/", "/").contents());
    role.mark(files).named(format!("[context {name}] copy")).state()
}

async fn from_input(gateway: &impl Gateway, input: &str, name: &str) -> Result<State, Failure> {
    let inputs = gateway.inputs().await?;
    let invalid = |what: String| Diagnostic::error(Code::InvalidContext, what);
    let Some(definition) = inputs.get(input) else {
        return Err(invalid(format!(
            "the context `{name}` is the input `{input}`, which the client did not send"
        ))
        .suggest(input, inputs.keys().map(String::as_str))
        .into());
    };
    let state = State::from_definition(definition).map_err(|error| {
        invalid(format!("the context `{name}` is the input `{input}`, which cannot be used: {error}"))
    })?;
    Ok(state)
}

#[cfg(test)]
mod tests;
