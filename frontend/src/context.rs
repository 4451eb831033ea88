//! The user's files: the entry file, the ignore file, the names in the build context, the files that decide the plan.
//!
//! Everything here asks BuildKit and reads the answer; what the files mean is for the phases to the right.

use buildkit_llb::{Annotate, Cap, Differ, Local, SessionId, SourceFile, State};
use camino::Utf8Path;

use crate::{
    config::{self, EntryKind},
    diagnostic::{Code, Diagnostic},
    emit::record,
    gateway::{Error, Failure, FileKind, Gateway, Reference, SolveOptions},
    ignore,
    listing::{self, Kind, Listing},
    request::Request,
};

/// The manifest's name, at the root of the context.
const MANIFEST: &str = "Cargo.toml";

/// The lock file's name, at the root of the context.
pub const LOCK_FILE: &str = "Cargo.lock";

/// The name under which the client shares the build context.
const MAIN: &str = "context";

/// The file that carries the syntax line.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its text, and the vertex that loaded it.
    pub file: SourceFile,
    /// What it is.
    pub kind: EntryKind,
    /// `FILE.dockerignore` beside it.
    pub ignore: Option<String>,
}

/// What is known of the build context before anything of it is compiled.
#[derive(Debug, Clone)]
pub struct BuildContext {
    /// The whole context, as the client sends it when a vertex needs it.
    pub state: State,
    /// Manifests, lock file and cargo configuration, with their contents; the whole context where it cannot be split.
    pub manifests: State,
    /// The same, to read from.
    pub manifests_reference: Reference,
    /// Names of everything.
    pub listing: Listing,
    /// The manifest at the root.
    pub manifest: SourceFile,
    /// `Cargo.lock`.
    pub lock: SourceFile,
}

/// Reads the entry file.
///
/// # Errors
/// It does not exist, or the client cannot be asked.
pub async fn entry(gateway: &impl Gateway, request: &Request) -> Result<Entry, Failure> {
    let name = request.filename.as_str();
    let ignore_name = format!("{name}.dockerignore");
    let local = request.contexts.entry_dir.as_deref().unwrap_or("dockerfile");
    let state = Local::new(local, session_of(request, local))
        .follow_paths([name, ignore_name.as_str()])
        .shared_key_hint(local)
        .differ(Differ::None)
        .labeled("entry")
        .named(format!("[internal] load build definition from {name}"))
        .state();
    let reference = solve(gateway, request, &state, When::Used).await?;
    let Some(text) = read_optional(gateway, &reference, name).await? else {
        return Err(Diagnostic::error(Code::NoEntryFile, format!("`{name}` does not exist"))
            .help("pass the manifest of the workspace: `docker buildx build -f Cargo.toml .`")
            .into());
    };
    let ignore = read_optional(gateway, &reference, &ignore_name).await?;
    let kind = config::entry_kind(name, &String::from_utf8_lossy(&text));
    let language = if kind == EntryKind::Dockerfile { "Dockerfile" } else { "TOML" };
    Ok(Entry {
        file: SourceFile::new(name, language, text).loaded_by(&state),
        kind,
        ignore: ignore.map(|text| String::from_utf8_lossy(&text).into_owned()),
    })
}

/// Lists the build context and reads its lock file.
///
/// # Errors
/// There is no lock file, or the client cannot be asked.
pub async fn discover(
    gateway: &impl Gateway,
    request: &Request,
    entry: &Entry,
) -> Result<BuildContext, Failure> {
    let session = session_of(request, MAIN);
    let text = match &entry.ignore {
        Some(text) => text.clone(),
        None => context_ignore(gateway, request, session).await?,
    };
    let exclude = ignore::patterns(&text);
    let state = Local::new(MAIN, session)
        .exclude(&exclude)
        .shared_key_hint("context")
        .labeled("context")
        .named("[internal] load build context")
        .state();

    let (manifests, manifests_reference, listing) =
        if gateway.llb_caps().supports(&Cap::SOURCE_LOCAL_METADATA) {
            list_by_metadata(gateway, request, session, &exclude).await?
        } else {
            list_by_contents(gateway, request, &state).await?
        };

    let manifest = root_manifest(gateway, &manifests_reference, entry).await?;
    let manifest = match entry.kind {
        EntryKind::Manifest => entry.file.clone(),
        _ => SourceFile::new(MANIFEST, "TOML", manifest).loaded_by(&manifests),
    };
    let Some(lock) = read_optional(gateway, &manifests_reference, LOCK_FILE).await? else {
        return Err(Diagnostic::error(Code::NoLockFile, "`Cargo.lock` is not in the build context")
            .help(
                "run `cargo generate-lockfile` and commit `Cargo.lock`; see that `.dockerignore` does not name it",
            )
            .into());
    };
    let lock = SourceFile::new(LOCK_FILE, "TOML", lock).loaded_by(&manifests);
    Ok(BuildContext { state, manifests, manifests_reference, listing, manifest, lock })
}

/// The manifest at the root of the context: cargo plans that one, whatever file the client points at. Refuses another
/// manifest, which would be read for its settings and then not built.
async fn root_manifest(
    gateway: &impl Gateway,
    manifests: &Reference,
    entry: &Entry,
) -> Result<Vec<u8>, Failure> {
    let found = read_optional(gateway, manifests, MANIFEST).await?;
    let message = match &found {
        None => "the build context has no `Cargo.toml` at its root".to_owned(),
        Some(text) if entry.kind == EntryKind::Manifest && text != entry.file.text() => {
            format!("`{}` is not the `Cargo.toml` at the root of the build context", entry.file.name())
        }
        Some(text) => return Ok(text.clone()),
    };
    let call = match entry.kind {
        EntryKind::Manifest => "`docker buildx build -f DIRECTORY/Cargo.toml DIRECTORY`".to_owned(),
        _ => format!("`docker buildx build -f {} DIRECTORY`", entry.file.name()),
    };
    let help = format!(
        "the build context must be the directory of the workspace's manifest, and `.dockerignore` must not name it: \
         {call}"
    );
    Err(Diagnostic::error(Code::InvalidContext, message).help(help).into())
}

/// Reads a file that may be missing.
///
/// # Errors
/// The daemon fails for another reason.
pub async fn read_optional(
    gateway: &impl Gateway,
    reference: &Reference,
    path: &str,
) -> Result<Option<Vec<u8>>, Error> {
    match gateway.read_file(reference, path).await {
        Ok(data) => Ok(Some(data)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.doing(format!("read `{path}` from the build context"))),
    }
}

fn session_of<'r>(request: &'r Request, local: &str) -> &'r SessionId {
    request.contexts.sessions.get(local).unwrap_or(&request.session)
}

/// When a solved graph runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// When something of it is read or returned.
    Used,
    /// At once, so that its failure is the failure of the solve.
    Now,
}

/// Hands a graph to the daemon, as every graph of a build is: what the daemon cannot run is refused in words, and the
/// client's caches are looked in.
///
/// # Errors
/// The daemon is too old, or solving fails.
pub async fn solve(
    gateway: &impl Gateway,
    request: &Request,
    state: &State,
    when: When,
) -> Result<Reference, Failure> {
    let definition = state.definition();
    definition.check(gateway.llb_caps()).map_err(|missing| {
        Diagnostic::error(Code::BuildkitTooOld, format!("this BuildKit cannot run the build\n{missing}"))
            .help("use Docker Engine 27.5 or newer, or a builder with BuildKit 0.18 or newer")
    })?;
    let options = SolveOptions { evaluate: when == When::Now, cache_imports: request.cache_imports.clone() };
    Ok(gateway.solve(&definition, &options).await?)
}

async fn context_ignore(
    gateway: &impl Gateway,
    request: &Request,
    session: &SessionId,
) -> Result<String, Failure> {
    let state = Local::new(MAIN, session)
        .follow_paths([".dockerignore"])
        .shared_key_hint("context-.dockerignore")
        .differ(Differ::None)
        .labeled("ignore")
        .named("[internal] load .dockerignore")
        .state();
    let reference = solve(gateway, request, &state, When::Used).await?;
    let text = read_optional(gateway, &reference, ".dockerignore").await?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default())
}

/// One tiny transfer: names of everything, contents of manifests.
async fn list_by_metadata(
    gateway: &impl Gateway,
    request: &Request,
    session: &SessionId,
    exclude: &[String],
) -> Result<(State, Reference, Listing), Failure> {
    let state = Local::new(MAIN, session)
        .exclude(exclude)
        .metadata_only(record::CONTENTS)
        .shared_key_hint("context-manifests")
        .differ(Differ::None)
        .labeled("manifests")
        .named("[internal] list build context")
        .state();
    let reference = solve(gateway, request, &state, When::Used).await?;
    let data = read_optional(gateway, &reference, listing::METADATA_FILE).await?.unwrap_or_default();
    let listing = Listing::parse(&data).expect("BuildKit writes whole entries");
    Ok((state, reference, listing))
}

/// For a BuildKit before 0.22: the client sends the whole context, of which a build needs most sooner or later, and
/// it is listed directory by directory.
async fn list_by_contents(
    gateway: &impl Gateway,
    request: &Request,
    state: &State,
) -> Result<(State, Reference, Listing), Failure> {
    let reference = solve(gateway, request, state, When::Used).await?;
    let mut entries = Vec::new();
    let mut open = vec![String::new()];
    while let Some(directory) = open.pop() {
        let found = gateway
            .read_dir(&reference, &format!("/{directory}"), "")
            .await
            .map_err(|error| error.doing(format!("list `{directory}` in the build context")))?;
        for entry in found {
            let path = Utf8Path::new(&directory).join(&entry.path).to_string();
            let kind = match entry.kind {
                FileKind::Directory => Kind::Directory,
                FileKind::File => Kind::File,
                _ => Kind::Other,
            };
            if kind == Kind::Directory {
                open.push(path.clone());
            }
            entries.push((path, kind));
        }
    }
    Ok((state.clone(), reference, entries.into_iter().collect()))
}
