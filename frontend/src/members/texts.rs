//! The texts of members' sources: BuildKit is asked for each where they are few, and vertices read them where they are many.

use std::collections::BTreeMap;

use buildkit_llb::State;
use camino::Utf8Path;
use longshore_helper::gather::{GATHERED_FILE, Gathered};

use super::Asked;
use crate::{
    context::{self, When},
    emit::gather::{self, Directory},
    gateway::{self, Failure, Gateway},
    listing::Kind,
    outside::{self, SourceRole},
    units::PackageIx,
};

/// A source of a member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// Which member's, of those in use.
    pub(super) at: usize,
    /// Where it is, relative to the root of the context.
    pub(super) file: &'a Utf8Path,
    /// What it is to the member.
    pub(super) role: SourceRole,
}

/// Up to how many sources BuildKit is asked for each of them. Reading one takes it about a millisecond, and a vertex that reads
/// them takes what a container takes, where one has changed.
const READ_ALONE: usize = 128;

/// How many sources such a vertex reads, about: it runs again when one of them changes.
const READ_TOGETHER: usize = 128;

/// The texts of sources, at least of those that say something; and the vertices that read them.
pub(super) async fn texts<'a>(
    asked: &Asked<'_, impl Gateway>,
    used: &[(PackageIx, &'a Utf8Path)],
    sources: &[Source<'a>],
) -> Result<(BTreeMap<&'a Utf8Path, String>, Vec<State>), Failure> {
    let Asked { gateway, request, context, workshop } = *asked;
    let is_plain = |source: &&Source<'_>| {
        context.listing.kind(source.file) == Some(Kind::File) && source.file.starts_with(used[source.at].1)
    };
    let (together, alone): (Vec<&Source<'_>>, Vec<&Source<'_>>) = match sources.len() {
        // Crate roots may lie elsewhere, and what a link leads to.
        READ_ALONE.. => sources.iter().partition(is_plain),
        _ => (Vec::new(), sources.iter().collect()),
    };
    let mut texts = BTreeMap::new();
    if !alone.is_empty() {
        let files = &context::solve(gateway, request, &context.state, When::Used).await?;
        let read = alone.iter().map(|source| async move {
            // A link that leads nowhere, such as an editor's lock: rustc will say so if it matters.
            let text = context::read_optional(gateway, files, source.file.as_str()).await?;
            let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
            Ok::<_, Failure>((source.file, text.unwrap_or_default()))
        });
        for text in gateway::together(read).await {
            texts.extend([text?]);
        }
    }
    let mut vertices = Vec::new();
    for group in groups(used, &together) {
        vertices.push(gather::gather(workshop, &context.state, &group, &outside::WORDS));
    }
    let read = vertices.iter().map(|vertex| async move {
        let reference = context::solve(gateway, request, vertex, When::Now).await?;
        Ok::<_, Failure>(gateway.read_file(&reference, GATHERED_FILE).await?)
    });
    for data in gateway::together(read).await {
        let mut gathered: Gathered = serde_json::from_slice(&data?)
            .unwrap_or_else(|error| panic!("`{GATHERED_FILE}` cannot be read: {error}"));
        let own =
            together.iter().filter_map(|source| Some((source.file, gathered.remove(source.file.as_str())?)));
        texts.extend(own);
    }
    Ok((texts, vertices))
}

/// Sources that are read together, member after member.
fn groups<'a>(used: &[(PackageIx, &'a Utf8Path)], sources: &[&Source<'a>]) -> Vec<Vec<Directory<'a>>> {
    let mut groups: Vec<Vec<Directory<'a>>> = Vec::new();
    for of_member in sources.chunk_by(|one, other| one.at == other.at) {
        let files: Vec<&Utf8Path> = of_member.iter().map(|source| source.file).collect();
        let directory = Directory { path: used[of_member[0].at].1, files };
        match groups.last_mut() {
            Some(group) if group.iter().map(|one| one.files.len()).sum::<usize>() < READ_TOGETHER => {
                group.push(directory);
            }
            _ => groups.push(vec![directory]),
        }
    }
    groups
}
