//! Where files come from: the build context, the directory of the entry file, named contexts.
//!
//! Only told apart here; loading them is for `context`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildkit_llb::{Digest, HttpUrl, ImageRef, Platform, SessionId};

use super::address::{GitAddress, is_git, is_http, redacted};
use super::values::{Values, boolean};
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
    Git(GitAddress),
    /// An archive on the web, or one that the client reads from its standard input.
    Http(HttpUrl),
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
    Git(GitAddress),
    /// A file on the web.
    Http(HttpUrl),
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
        let main = values.text(&key).map_or(Ok(MainContext::Local), |address| {
            main_context(&address, values).map_err(|why| {
                Diagnostic::error(
                    Code::InvalidContext,
                    format!("the build context is `{}`, {why}", redacted(&address)),
                )
                .help("write `https://HOST/REPOSITORY.git#REF:DIRECTORY`, the URL of an archive, or a directory")
            })
        });
        let main = main.unwrap_or_else(|wrong| {
            values.report(wrong);
            MainContext::Local
        });
        let mut named = BTreeMap::new();
        for (name, address) in values.prefixed("context:") {
            match named_context(&address, values) {
                Ok(context) => {
                    named.insert(name, context);
                }
                Err(why) => values.report(
                    Diagnostic::error(
                        Code::InvalidContext,
                        format!("the context `{name}` is `{}`, {why}", redacted(&address)),
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

    /// The context that stands for a name, with the key that the client gave it under: the name itself, or with
    /// `::PLATFORM` behind it, which goes first.
    pub fn find(&self, name: &str, platform: &Platform) -> Option<(&str, &NamedContext)> {
        // `docker.io/library/alpine:latest`, `alpine:latest` and `alpine` are one name, as clients see it.
        let name = ImageRef::parse(name).map_or_else(|_| name.to_owned(), |reference| reference.familiar());
        let name = name.strip_suffix(":latest").unwrap_or(&name);
        let found = self.named.get_key_value(&format!("{name}::{platform}"));
        found.or_else(|| self.named.get_key_value(name)).map(|(key, context)| (key.as_str(), context))
    }

    /// The names of all named contexts, those for one platform with their platform behind `::`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }
}

fn main_context(address: &str, values: &Values<'_>) -> Result<MainContext, String> {
    if is_git(address) {
        let mut git = GitAddress::parse(address)?;
        // What is no boolean is as good as nothing to the Dockerfile frontend as well.
        let keep = values.text("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR");
        git.keep_git_dir |= keep.and_then(|text| boolean(&text)).unwrap_or(false);
        return Ok(MainContext::Git(git));
    }
    if is_http(address) {
        return HttpUrl::parse(address).map(MainContext::Http).map_err(|error| error.to_string());
    }
    Ok(MainContext::Local)
}

fn named_context(address: &str, values: &Values<'_>) -> Result<NamedContext, String> {
    if is_git(address) {
        return GitAddress::parse(address).map(NamedContext::Git);
    }
    if is_http(address) {
        return HttpUrl::parse(address).map(NamedContext::Http).map_err(|error| error.to_string());
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
