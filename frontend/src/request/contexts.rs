//! Where files come from: the build context, the directory of the entry file, named contexts.
//!
//! Only told apart here; loading them is for `context`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildkit_llb::{Digest, ImageRef, Platform, SessionId};

use super::git_ref::GitRef;
use super::values::Values;
use crate::diagnostic::{Code, Diagnostic};

/// All of a build's contexts.
#[derive(Clone, Debug, PartialEq)]
pub struct Contexts {
    /// The build context.
    pub main: MainContext,
    /// The part of the context to use, when it is not all of it.
    pub subdir: Option<String>,
    /// The client's directory that has the entry file, when the client insists on one: it then does not come out of a
    /// remote context or an input.
    pub entry_dir: Option<String>,
    /// By name, or by name and platform: `alpine`, `alpine::linux/arm64`.
    named: BTreeMap<String, NamedContext>,
    /// The session of a client's directory, where it is not the build's own.
    pub sessions: BTreeMap<String, SessionId>,
    /// What tells a client's directories of the same name apart, by name.
    pub shared_keys: BTreeMap<String, String>,
}

/// The build context, as far as the options tell; an input of the name `context` replaces a local one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MainContext {
    /// The client's directory.
    Local,
    /// A git repository.
    Git(GitRef),
    /// A file on the web: an archive to unpack, or the entry file itself.
    Http(String),
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum NamedContext {
    /// Nothing.
    Scratch,
    /// An image in a registry.
    Image(ImageRef),
    /// An image in an OCI layout of the client's.
    OciLayout {
        /// Which of its layouts.
        store: String,
        /// Which image in it.
        digest: Digest,
    },
    /// A git repository.
    Git(GitRef),
    /// A file on the web.
    Http(String),
    /// A directory of the client's, by the name under which it is shared.
    Local(String),
    /// A graph that the client hands in, such as the result of another build.
    Input {
        /// Its name among the inputs.
        name: String,
        /// What is told about it: `containerimage.config`, ….
        metadata: BTreeMap<String, Vec<u8>>,
    },
}

impl Contexts {
    pub(super) fn parse(values: &mut Values<'_>) -> Self {
        // A client may keep the context's address under another key.
        let key = values.text("contextkey").unwrap_or_else(|| "context".to_owned());
        let main = match values.text(&key) {
            Some(address) if is_git(&address) => match GitRef::parse(&address) {
                Ok(mut git) => {
                    git.keep_git_dir |= values
                        .text("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR")
                        .is_some_and(|value| value != "0" && value != "false");
                    MainContext::Git(git)
                }
                Err(why) => {
                    values.report(Diagnostic::error(
                        Code::InvalidContext,
                        format!("the build context is `{address}`, {why}"),
                    ));
                    MainContext::Local
                }
            },
            Some(address) if is_http(&address) => MainContext::Http(address),
            _ => MainContext::Local,
        };
        let mut named = BTreeMap::new();
        for (name, address) in values.prefixed("context:") {
            match named_context(&address, values) {
                Ok(context) => {
                    named.insert(name, context);
                }
                Err(why) => values.report(
                    Diagnostic::error(
                        Code::InvalidContext,
                        format!("the context `{name}` is `{address}`, {why}"),
                    )
                    .help(format!("write `--build-context {name}=docker-image://…`, a URL or a directory")),
                ),
            }
        }
        let sessions = values.prefixed("local-sessionid:").into_iter();
        Self {
            main,
            subdir: values.text("contextsubdir"),
            entry_dir: values.text("dockerfilekey"),
            named,
            sessions: sessions.map(|(name, session)| (name, SessionId::new(session))).collect(),
            shared_keys: values.prefixed("sharedkey:localdir:"),
        }
    }

    pub(super) fn named(&self, name: &str, platform: &Platform) -> Option<&NamedContext> {
        // `docker.io/library/alpine:latest`, `alpine:latest` and `alpine` are one name, as clients see it.
        let name = ImageRef::parse(name).map_or_else(|_| name.to_owned(), |reference| reference.familiar());
        let name = name.strip_suffix(":latest").unwrap_or(&name);
        self.named.get(&format!("{name}::{platform}")).or_else(|| self.named.get(name))
    }

    /// The names of all named contexts, those for one platform with their platform behind `::`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }
}

fn named_context(address: &str, values: &Values<'_>) -> Result<NamedContext, String> {
    if is_git(address) {
        return GitRef::parse(address).map(NamedContext::Git);
    }
    if is_http(address) {
        return Ok(NamedContext::Http(address.to_owned()));
    }
    let Some((scheme, rest)) = address.split_once(':') else {
        return Err("which has no scheme".to_owned());
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    match scheme {
        "docker-image" if path == "scratch" => Ok(NamedContext::Scratch),
        "docker-image" => ImageRef::parse(path).map(NamedContext::Image).map_err(|error| error.to_string()),
        "oci-layout" => {
            let digest = path.split_once('@').and_then(|(name, digest)| {
                // A tag beside the digest says nothing.
                let store = name.rsplit_once(':').map_or(name, |(store, _)| store);
                Some(NamedContext::OciLayout { store: store.to_owned(), digest: Digest::parse(digest).ok()? })
            });
            digest.ok_or_else(|| "which has no digest".to_owned())
        }
        "local" => Ok(NamedContext::Local(rest.to_owned())),
        "input" => {
            let metadata = values.get(&format!("input-metadata:{rest}")).map(input_metadata).transpose()?;
            Ok(NamedContext::Input { name: rest.to_owned(), metadata: metadata.unwrap_or_default() })
        }
        _ => Err(format!("`{scheme}` is not a kind of context")),
    }
}

/// Go writes bytes in JSON as base64.
fn input_metadata(json: &str) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("whose metadata cannot be read: {error}");
    let texts: BTreeMap<String, Option<String>> =
        serde_json::from_str(json).map_err(|error| unreadable(&error))?;
    let pairs = texts.into_iter().map(|(key, text)| {
        let bytes = STANDARD.decode(text.unwrap_or_default()).map_err(|error| unreadable(&error))?;
        Ok((key, bytes))
    });
    pairs.collect()
}

fn is_http(address: &str) -> bool {
    address.starts_with("http://") || address.starts_with("https://")
}

/// As clients tell repositories from files (frontend/dockerfile/dfgitutil, `ParseGitRef`).
fn is_git(address: &str) -> bool {
    if ["git://", "ssh://", "github.com/"].iter().any(|start| address.starts_with(start)) {
        return true;
    }
    if is_http(address) {
        let path = address.split(['#', '?']).next().unwrap_or(address);
        return path.ends_with(".git");
    }
    // `git@github.com:owner/name`, but not `docker-image://…@sha256:…`.
    let user_and_host = address.split_once(':').map(|(head, _)| head).filter(|head| !head.contains('/'));
    user_and_host.is_some_and(|head| {
        head.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
    })
}
