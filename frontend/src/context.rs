//! The user's files: the entry file, the ignore file, the names in the build context, the files that decide the plan.
//!
//! Everything here asks BuildKit and reads the answer; what the files mean is for the phases to the right. Where files
//! are is decided in `sources`, what is there is listed in `walk`.

mod archive;
pub mod git;
mod sources;
mod walk;

use std::collections::BTreeMap;

use buildkit_llb::{Annotate, Cap, Differ, Local, SessionId, SourceFile, State};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    cargo_config::CargoConfig,
    config::{self, EntryKind, TOOLCHAIN_FILES},
    diagnostic::{Code, Diagnostic},
    emit::record::{self, LOCK_FILE},
    gateway::{Error, Failure, Gateway, Reference, SolveOptions},
    ignore,
    listing::Listing,
    request::Request,
};
use sources::Main;

/// The manifest's name, in the workspace's directory.
const MANIFEST: &str = "Cargo.toml";

/// The name under which the client shares the build context.
const MAIN: &str = "context";

/// The ignore file's name, at the root of a directory of the client's.
pub const IGNORE_FILE: &str = ".dockerignore";

/// The file that carries the syntax line.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its text, and the vertex that loaded it.
    pub file: SourceFile,
    /// What it is.
    pub kind: EntryKind,
    /// `FILE.dockerignore` beside it.
    pub ignore: Option<String>,
    /// The build context, which may be where the entry file came from.
    main: Main,
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
    /// The workspace's directory: empty, unless its manifest lies further down.
    pub root: Utf8PathBuf,
    /// The manifest there.
    pub manifest: SourceFile,
    /// `Cargo.lock`.
    pub lock: SourceFile,
    /// What cargo is configured with, beside the manifest and above.
    pub cargo_config: CargoConfig,
    /// `rust-toolchain.toml`, or its name without `.toml`: the nearest.
    pub toolchain_file: Option<SourceFile>,
}

/// Reads the entry file: from the client's directory, or where the build context is a repository, an archive or an
/// input, from there, unless the client insists on its own.
///
/// # Errors
/// It does not exist, the build context is none, or the daemon cannot get it.
pub async fn entry(gateway: &impl Gateway, request: &Request) -> Result<Entry, Failure> {
    let name = request.filename.as_str();
    let ignore_name = format!("{name}{IGNORE_FILE}");
    let sources = sources::open(gateway, request).await?;
    let reference = solve(gateway, request, &sources.entry, When::Used).await?;
    let mut found = read_optional(gateway, &reference, name).await?;
    if found.is_none()
        && let Some(other) = lower_case(name)
    {
        found = read_optional(gateway, &reference, &other).await?;
    }
    let Some(text) = found else {
        return Err(Diagnostic::error(Code::NoEntryFile, format!("`{name}` does not exist"))
            .help(sources.main.help_for_entry())
            .into());
    };
    let ignore = match sources.main {
        Main::Client => read_optional(gateway, &reference, &ignore_name).await?,
        // As with the Dockerfile frontend, nothing of what is not the client's directory is ignored.
        Main::Given(_) => None,
    };
    let kind = config::entry_kind(name, &String::from_utf8_lossy(&text));
    let language = if kind == EntryKind::Dockerfile { "Dockerfile" } else { "TOML" };
    Ok(Entry {
        file: SourceFile::new(name, language, text).loaded_by(&sources.entry),
        kind,
        ignore: ignore.map(|text| String::from_utf8_lossy(&text).into_owned()),
        main: sources.main,
    })
}

/// Lists the build context and reads its lock file.
///
/// # Errors
/// There is no lock file or no manifest, or the daemon cannot get the context.
pub async fn discover(
    gateway: &impl Gateway,
    request: &Request,
    entry: &Entry,
) -> Result<BuildContext, Failure> {
    let Found { state, listed, kept } = match &entry.main {
        Main::Given(state) => {
            let listed = walk::by_contents(gateway, request, state).await?;
            Found { state: state.clone(), listed, kept: None }
        }
        Main::Client => client_directory(gateway, request, entry).await?,
    };
    let (root, text) = root_manifest(gateway, &listed.1, &listed.2, entry).await?;
    let lock_file = root.join(LOCK_FILE);
    let lock = read_optional(gateway, &listed.1, lock_file.as_str()).await?;
    let (listed, cargo_config) = configuration(gateway, request, listed, kept.as_deref(), &root).await?;
    let (manifests, manifests_reference, listing) = listed;
    let manifest = match entry.kind {
        EntryKind::Manifest => entry.file.clone(),
        _ => SourceFile::new(MANIFEST, "TOML", text).loaded_by(&manifests),
    };
    let Some(lock) = lock else {
        return Err(Diagnostic::error(Code::NoLockFile, "`Cargo.lock` is not in the build context")
            .help(entry.main.help_for_lock())
            .into());
    };
    let lock = SourceFile::new(lock_file.as_str(), "TOML", lock).loaded_by(&manifests);
    let mut toolchain_file = None;
    if let Some(path) = toolchain_path(&root, &listing)
        && let Some(text) = read_optional(gateway, &manifests_reference, path.as_str()).await?
    {
        toolchain_file = Some(SourceFile::new(path.as_str(), "TOML", text).loaded_by(&manifests));
    }
    Ok(BuildContext {
        state,
        manifests,
        manifests_reference,
        listing,
        root,
        manifest,
        lock,
        cargo_config,
        toolchain_file,
    })
}

/// Where the toolchain file is that counts in a directory: rustup looks there and above, and reads the old name where it finds
/// both.
fn toolchain_path(root: &Utf8Path, listing: &Listing) -> Option<Utf8PathBuf> {
    let mut paths = root.ancestors().flat_map(|above| TOOLCHAIN_FILES.map(|name| above.join(name)));
    paths.find(|path| listing.has_file(path.as_str()))
}

/// Files that are read before anything runs, as patterns of the build context.
fn read_early() -> impl Iterator<Item = &'static str> {
    record::CONTENTS.into_iter().chain(TOOLCHAIN_FILES)
}

/// Whether a file is one of those.
fn is_read_early(path: &Utf8Path) -> bool {
    read_early().any(|pattern| match pattern.strip_prefix("**/") {
        Some(name) => path.ends_with(name),
        None => path == pattern,
    })
}

/// Reads cargo's configuration. What it includes, what links lead to, and the toolchain file of a workspace below the root
/// can have any path, so where the client has kept contents to itself (`kept`: the exclude patterns), it is asked again for
/// those that turn up.
async fn configuration(
    gateway: &impl Gateway,
    request: &Request,
    mut listed: walk::Listed,
    kept: Option<&[String]>,
    root: &Utf8Path,
) -> Result<(walk::Listed, CargoConfig), Failure> {
    let mut texts = BTreeMap::new();
    let toolchain = toolchain_path(root, &listed.2).filter(|path| !is_read_early(path));
    let mut more: Vec<String> = toolchain.into_iter().map(Utf8PathBuf::into_string).collect();
    let mut known = 0;
    loop {
        let (config, missing) = CargoConfig::gather(&listed.2, root, &texts, &listed.0);
        more.extend(missing.iter().filter(|path| !is_read_early(path)).map(ToString::to_string));
        if let Some(exclude) = kept
            && more.len() > known
        {
            known = more.len();
            let session = session_of(request, MAIN);
            listed = walk::by_metadata(gateway, request, session, exclude, &more).await?;
        }
        if missing.is_empty() {
            return Ok((listed, config));
        }
        for path in missing {
            let text = read_optional(gateway, &listed.1, path.as_str()).await?.unwrap_or_default();
            texts.insert(path, text);
        }
    }
}

/// The build context, and what is known of it.
struct Found {
    state: State,
    listed: walk::Listed,
    /// Where only some files have contents: the patterns of those that there are not at all.
    kept: Option<Vec<String>>,
}

/// The context as the client has it, less what is ignored.
async fn client_directory(
    gateway: &impl Gateway,
    request: &Request,
    entry: &Entry,
) -> Result<Found, Failure> {
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
    if gateway.llb_caps().supports(&Cap::SOURCE_LOCAL_METADATA) {
        let listed = walk::by_metadata(gateway, request, session, &exclude, &[]).await?;
        return Ok(Found { state, listed, kept: Some(exclude) });
    }
    // The client sends the whole context, of which a build needs most sooner or later.
    let listed = walk::by_contents(gateway, request, &state).await?;
    Ok(Found { state, listed, kept: None })
}

/// The directory of the workspace, and the text of the manifest there: the root of the context, or where the context has
/// the manifest that the client points at, with a lock file beside it. Its path is known for what is not the client's;
/// a client sends no more than its name. Refuses another manifest, which would be read for its settings and then not
/// built.
async fn root_manifest(
    gateway: &impl Gateway,
    manifests: &Reference,
    listing: &Listing,
    entry: &Entry,
) -> Result<(Utf8PathBuf, Vec<u8>), Failure> {
    let at_root = read_optional(gateway, manifests, MANIFEST).await?;
    let message = match at_root {
        Some(found) if entry.kind != EntryKind::Manifest || found == entry.file.text() => {
            return Ok((Utf8PathBuf::new(), found));
        }
        None => "the build context has no `Cargo.toml` at its root".to_owned(),
        Some(_) => {
            format!("`{}` is not the `Cargo.toml` at the root of the build context", entry.file.name())
        }
    };
    let mut same = Vec::new();
    if entry.kind == EntryKind::Manifest {
        let below = listing.files().filter(|path| path.file_name() == Some(LOCK_FILE));
        for directory in below.filter_map(Utf8Path::parent).filter(|path| !path.as_str().is_empty()) {
            let manifest = directory.join(MANIFEST);
            let named = [Utf8Path::new(entry.file.name()), Utf8Path::new(MANIFEST)];
            if named.iter().any(|name| manifest.ends_with(name))
                && listing.has_file(manifest.as_str())
                && read_optional(gateway, manifests, manifest.as_str()).await?.as_deref()
                    == Some(entry.file.text())
            {
                same.push(directory.to_owned());
            }
        }
    }
    match same.as_slice() {
        [only] => Ok((only.clone(), entry.file.text().to_vec())),
        [first, second, ..] => Err(Diagnostic::error(
            Code::InvalidContext,
            format!("`{}` is the manifest of `{first}` and of `{second}`", entry.file.name()),
        )
        .help("the client does not tell which is meant: add a comment to one, or pass its directory as build context")
        .into()),
        [] => Err(Diagnostic::error(Code::InvalidContext, message)
            .help(entry.main.help_for_manifest(entry.kind))
            .into()),
    }
}

/// `Dockerfile` is found as `dockerfile` as well (frontend/dockerui, `ReadEntrypoint`).
fn lower_case(name: &str) -> Option<String> {
    let directory = name.strip_suffix("Dockerfile")?;
    (directory.is_empty() || directory.ends_with('/')).then(|| format!("{directory}dockerfile"))
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

/// Whose directory of that name is meant: a client that builds several targets may share it in a session of its own.
pub fn session_of<'r>(request: &'r Request, local: &str) -> &'r SessionId {
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
        .follow_paths([IGNORE_FILE])
        .shared_key_hint("context-.dockerignore")
        .differ(Differ::None)
        .labeled("ignore")
        .named("[internal] load .dockerignore")
        .state();
    let reference = solve(gateway, request, &state, When::Used).await?;
    let text = read_optional(gateway, &reference, IGNORE_FILE).await?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
