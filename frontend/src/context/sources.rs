//! Where the entry file and the build context are: on the client's side, or in a graph that the daemon runs.
//!
//! The order is that of the Dockerfile frontend (frontend/dockerui/context.go, `initContext`), since clients count on
//! it: a repository, then an archive, then what the client hands in, then its directories.

use buildkit_llb::{Annotate, Cap, Copy, Differ, Files, Http, HttpUrl, Local, State};

use super::{IGNORE_FILE, When, archive, git, lower_case, session_of, solve};
use crate::{
    config::EntryKind,
    diagnostic::{Code, Diagnostic},
    gateway::{Failure, Gateway},
    request::{MainContext, Request, redacted},
};

/// The name under which the client shares the directory of the entry file.
const ENTRY: &str = "dockerfile";

/// What a downloaded file is called, whatever its URL ends in.
const DOWNLOAD: &str = "context";

/// The build context.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Main {
    /// The client's directory.
    Client,
    /// What the daemon has or makes. Nothing of it is ignored.
    Given(State),
}

/// Where files come from in this build.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sources {
    /// What has the entry file.
    pub(super) entry: State,
    /// The build context.
    pub(super) main: Main,
}

/// Finds out where files come from.
///
/// # Errors
/// A download is no archive, an input is no graph, or the daemon cannot be asked.
pub(super) async fn open(gateway: &impl Gateway, request: &Request) -> Result<Sources, Failure> {
    let contexts = &request.contexts;
    let (main, entry) = match &contexts.main {
        MainContext::Git(address) => {
            let state = git::source(gateway, request, address)
                .labeled("context")
                .named(format!("[internal] load git source {address}"))
                .state();
            (Some(state.clone()), Some(state))
        }
        MainContext::Http(url) => {
            let state = unpacked(gateway, request, url).await?;
            (Some(state.clone()), Some(state))
        }
        MainContext::Local => inputs(gateway).await?,
    };
    let main = match (main, &contexts.subdir) {
        (None, _) => Main::Client,
        (Some(state), None) => Main::Given(state),
        (Some(state), Some(subdir)) => Main::Given(part_of(&state, subdir)),
    };
    let entry = match (entry, &contexts.entry_dir) {
        (Some(state), None) => state,
        (_, insisted) => client_entry(request, insisted.as_deref().unwrap_or(ENTRY)),
    };
    Ok(Sources { entry, main })
}

/// The inputs that stand for the build context and for the directory of the entry file: `docker buildx bake` on a
/// repository sends both.
async fn inputs(gateway: &impl Gateway) -> Result<(Option<State>, Option<State>), Failure> {
    if !gateway.caps().supports(&Cap::named("frontend.inputs")) {
        return Ok((None, None));
    }
    let inputs = gateway.inputs().await?;
    let state = |name: &str| {
        let state = inputs.get(name).map(State::from_definition).transpose();
        state.map_err(|error| {
            Diagnostic::error(Code::InvalidContext, format!("the input `{name}` cannot be used: {error}"))
        })
    };
    Ok((state("context")?, state(ENTRY)?))
}

fn client_entry(request: &Request, local: &str) -> State {
    let name = request.filename.as_str();
    let ignore_name = format!("{name}{IGNORE_FILE}");
    let names = [Some(name.to_owned()), Some(ignore_name), lower_case(name)];
    Local::new(local, session_of(request, local))
        .follow_paths(names.into_iter().flatten())
        .shared_key_hint(local)
        .differ(Differ::None)
        .labeled("entry")
        .named(format!("[internal] load build definition from {name}"))
        .state()
}

/// A client that reads an archive from its standard input names a URL as well, which the daemon reads through the
/// session (`http://buildkit-session/…`, session/upload/uploadprovider).
async fn unpacked(gateway: &impl Gateway, request: &Request, url: &HttpUrl) -> Result<State, Failure> {
    let download = Http::unpinned(url)
        .filename(DOWNLOAD)
        .labeled("download")
        .named("[internal] load remote build context")
        .state();
    let reference = solve(gateway, request, &download, When::Used).await?;
    let head = gateway
        .read_start(&reference, DOWNLOAD, archive::HEAD_BYTES)
        .await
        .map_err(|error| error.doing("read the downloaded build context"))?;
    if !archive::is_archive(&head) {
        let url = redacted(url.as_str());
        return Err(Diagnostic::error(
            Code::InvalidContext,
            format!("the build context `{url}` is not an archive"),
        )
        .help(
            "pass a tar archive (as it is, or with gzip, bzip2, xz or zstd), a repository whose address ends in \
             `.git`, or a directory",
        )
        .into());
    }
    let copy = Copy::new(&download, DOWNLOAD, "/").unpack();
    Ok(Files::on(&State::SCRATCH)
        .add(copy)
        .labeled("context")
        .named("[internal] unpack remote build context")
        .state())
}

fn part_of(state: &State, directory: &str) -> State {
    Files::on(&State::SCRATCH)
        .add(Copy::new(state, directory, "/").contents())
        .labeled("context-part")
        .named(format!("[internal] take `{directory}` of the build context"))
        .state()
}

impl Main {
    /// What to do when there is no entry file.
    pub(super) fn help_for_entry(&self) -> &'static str {
        match self {
            Main::Client => "pass the manifest of the workspace: `docker buildx build -f Cargo.toml .`",
            Main::Given(_) => {
                "`-f` names a file in the repository or archive; an absolute path names one of your own"
            }
        }
    }

    /// What to do when there is no lock file.
    pub(super) fn help_for_lock(&self) -> &'static str {
        match self {
            Main::Client => {
                "run `cargo generate-lockfile` and commit `Cargo.lock`; see that `.dockerignore` does not name it, and that \
                 the build context is the root of the workspace and no member of it"
            }
            Main::Given(_) => "run `cargo generate-lockfile` and commit `Cargo.lock`",
        }
    }

    /// What to do when the root of the context is not the root of the workspace.
    pub(super) fn help_for_manifest(&self, kind: EntryKind) -> &'static str {
        match (self, kind) {
            (Main::Client, EntryKind::Manifest) => {
                "pass the workspace's manifest and its directory, `docker buildx build -f DIRECTORY/Cargo.toml \
                 DIRECTORY`, and choose what to build of it with `--target`; see that `.dockerignore` does not name it"
            }
            (Main::Client, _) => {
                "the build context must be the directory of the workspace's manifest, and `.dockerignore` must not \
                 name it"
            }
            (Main::Given(_), _) => {
                "the workspace must be at the root of the build context: name its directory in the address of a \
                 repository (`….git#REF:DIRECTORY`), or pack an archive in that directory"
            }
        }
    }
}
