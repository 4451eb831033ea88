//! The names of everything in a build context, the cheapest way that the daemon knows.

use buildkit_llb::{Annotate, Differ, Local, SessionId, State};
use camino::Utf8Path;

use super::{MAIN, When, read_early, read_optional, solve};
use crate::{
    gateway::{Failure, FileKind, Gateway, Reference},
    listing::{self, Kind, Listing},
    request::Request,
};

/// A graph that has at least manifests and their like, the same to read from, and the names of all files.
pub(super) type Listed = (State, Reference, Listing);

/// One tiny transfer: names of everything, contents of manifests and of the files in `more`.
pub(super) async fn by_metadata(
    gateway: &impl Gateway,
    request: &Request,
    session: &SessionId,
    exclude: &[String],
    more: &[String],
) -> Result<Listed, Failure> {
    let state = Local::new(MAIN, session)
        .exclude(exclude)
        .metadata_only(read_early().map(str::to_owned).chain(more.iter().cloned()))
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

/// Directory by directory, for a context that the daemon has as a whole: a repository, an archive, an input, and on a
/// BuildKit before 0.22 the client's directory.
pub(super) async fn by_contents(
    gateway: &impl Gateway,
    request: &Request,
    state: &State,
) -> Result<Listed, Failure> {
    let reference = solve(gateway, request, state, When::Used).await?;
    let mut listing = Listing::default();
    let mut open = vec![String::new()];
    while let Some(directory) = open.pop() {
        // There is nothing to list in an input that is empty.
        if reference.is_scratch() {
            break;
        }
        let found = gateway
            .read_dir(&reference, &format!("/{directory}"), "")
            .await
            .map_err(|error| error.doing(format!("list `{directory}` in the build context")))?;
        for entry in found {
            let path = Utf8Path::new(&directory).join(&entry.path).to_string();
            match entry.kind {
                FileKind::Directory => {
                    listing.insert(&path, Kind::Directory, String::new());
                    open.push(path);
                }
                FileKind::File => listing.insert(&path, Kind::File, String::new()),
                FileKind::Symlink(link) => listing.insert(&path, Kind::Other, link),
                FileKind::Other => listing.insert(&path, Kind::Other, String::new()),
            }
        }
    }
    Ok((state.clone(), reference, listing))
}
