//! What a member sees of the build context beyond its own directory, because its sources, links, flags or cargo's configuration
//! name it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use buildkit_llb::State;
use camino::{Utf8Path, Utf8PathBuf};
use globset::GlobBuilder;
use longshore_helper::recording::{Call, CallKind};

use super::{
    Asked,
    texts::{Source, texts},
};
use crate::{
    config::Input,
    diagnostic::{Code, Diagnostic},
    gateway::{Failure, Gateway},
    listing::{Kind, Listing, is_shared_library},
    outside::{self, Named, SourceRole},
    paths,
    units::{PackageIx, Unit, UnitGraph, UnitKind, args},
};

/// A path lies in a member's directory and in no other's within it: the copy of the member has it.
pub(super) fn is_own(path: &Utf8Path, directory: &Utf8Path, nested: &[&Utf8PathBuf]) -> bool {
    path.starts_with(directory) && !nested.iter().any(|inner| path.starts_with(inner))
}

/// A directory that a member is in, or that is one's: with it, all of that would come.
fn holds_members(path: &Utf8Path, all_directories: &BTreeSet<Utf8PathBuf>) -> bool {
    // Sorted by components: what lies below a directory stands behind it.
    let at = (Bound::Included(path), Bound::Unbounded);
    all_directories.range::<Utf8Path, _>(at).next().is_some_and(|member| member.starts_with(path))
}

/// What is known of where a member stands.
pub(super) struct Around<'a> {
    /// Its directory.
    pub(super) directory: &'a Utf8Path,
    /// Members in its directory.
    pub(super) nested: &'a [&'a Utf8PathBuf],
    /// Those of all packages in the build context.
    pub(super) all_directories: &'a BTreeSet<Utf8PathBuf>,
    /// What is in the build context.
    pub(super) listing: &'a Listing,
}

impl Around<'_> {
    /// What cargo's configuration has a member's process told of the workspace, outside its directory: absolute paths anywhere,
    /// and flags that are relative to where it runs.
    pub(super) fn configured(&self, call: &Call) -> BTreeSet<Utf8PathBuf> {
        let texts = call.args.iter().chain(outside::configured(&call.env));
        let mut found = outside::in_workspace(texts.map(String::as_str));
        found.retain(|path| self.is_beyond(path));
        found.extend(self.in_flags(call, &call.args));
        found
    }

    /// What `flags` name outside a member's directory when rustc is run as in `call`. Of a directory around members, which is
    /// searched for libraries, the libraries.
    pub(super) fn in_flags(&self, call: &Call, flags: &[String]) -> BTreeSet<Utf8PathBuf> {
        let mut found = BTreeSet::new();
        let cwd = Utf8Path::new(&call.cwd).strip_prefix(paths::WORKSPACE).ok();
        let cwd = cwd.filter(|_| call.kind == CallKind::Rustc);
        for path in cwd.into_iter().flat_map(|cwd| outside::in_flags(flags, cwd)) {
            if holds_members(&path, self.all_directories) {
                let beside = self.listing.files_below(&path).filter(|file| file.parent() == Some(&path));
                found.extend(beside.filter(|file| is_library(file)).map(Utf8Path::to_owned));
            } else {
                found.insert(path);
            }
        }
        found.retain(|path| self.is_beyond(path));
        found
    }

    /// Crate roots of a member that its manifest has outside of its directory, with what lies beside them: there are their
    /// modules. Beside a manifest, which may have a target directory, and in a directory around members, the file alone.
    fn roots<'c>(&self, units: impl Iterator<Item = &'c Unit>) -> BTreeMap<Utf8PathBuf, SourceRole> {
        let compiled = units.filter(|unit| unit.call.kind == CallKind::Rustc);
        let roots = compiled.filter_map(|unit| {
            let root = args::root(&unit.call)?;
            let role = match unit.kind {
                UnitKind::BuildScript => SourceRole::BuildScript,
                _ => SourceRole::Crate,
            };
            Some((outside::normalise("".into(), root.strip_prefix(paths::WORKSPACE).ok()?.as_str())?, role))
        });
        let seen = roots.filter(|(root, _)| self.is_beyond(root)).map(|(root, role)| {
            let beside = root.parent().filter(|beside| {
                let has_manifest = self.listing.kind(&beside.join("Cargo.toml")).is_some();
                !has_manifest && !holds_members(beside, self.all_directories)
            });
            (beside.map_or_else(|| root.clone(), Utf8Path::to_owned), role)
        });
        // A build script names more than a crate does, so what is beside both is read as one.
        seen.fold(BTreeMap::new(), |mut roots, (root, role)| {
            let known = roots.entry(root).or_insert(role);
            if role == SourceRole::BuildScript {
                *known = role;
            }
            roots
        })
    }

    /// It is there, and the copy of the member lacks it.
    fn is_beyond(&self, path: &Utf8Path) -> bool {
        self.listing.kind(path).is_some() && !is_own(path, self.directory, self.nested)
    }
}

pub(super) fn is_library(file: &Utf8Path) -> bool {
    is_shared_library(file) || matches!(file.extension(), Some("a" | "dylib" | "lib" | "o" | "rlib"))
}

/// Whether a literal of a crate that could be a path is one that a macro reads: it is there, and is no more than what one
/// package would read.
fn is_read(
    path: &Utf8Path,
    all_directories: &BTreeSet<Utf8PathBuf>,
    output: &Utf8Path,
    listing: &Listing,
) -> bool {
    let is_there = match listing.kind(path) {
        Some(Kind::Directory) => !holds_members(path, all_directories),
        kind => kind.is_some(),
    };
    is_there && !path.starts_with(output)
}

/// What the sources of a member name.
#[derive(Default)]
pub(super) struct InSources {
    /// Outside its directory.
    pub(super) paths: BTreeSet<Utf8PathBuf>,
    /// What its build script has cargo tell rustc.
    pub(super) flags: Vec<String>,
    /// Whether they name a manifest.
    pub(super) manifest: bool,
}

/// What the sources of each member name; and the vertices that read them, where there are any.
pub(super) async fn named_outside(
    asked: &Asked<'_, impl Gateway>,
    graph: &UnitGraph,
    used: &[(PackageIx, &Utf8Path)],
    all_directories: &BTreeSet<Utf8PathBuf>,
) -> Result<(BTreeMap<PackageIx, InSources>, Vec<State>), Failure> {
    let context = asked.context;
    let listing = &context.listing;
    let nested: Vec<Vec<&Utf8PathBuf>> =
        used.iter().map(|(_, directory)| nested_in(directory, all_directories).collect()).collect();
    let roots: Vec<BTreeMap<Utf8PathBuf, SourceRole>> = used
        .iter()
        .zip(&nested)
        .map(|((ix, directory), nested)| {
            let around = Around { directory, nested, all_directories, listing };
            around.roots(graph.units_of(*ix).iter())
        })
        .collect();
    let sources: Vec<Source<'_>> = used
        .iter()
        .zip(nested.iter().zip(&roots))
        .enumerate()
        .flat_map(|(at, ((ix, directory), (nested, roots)))| {
            let is_example = |unit: &Unit| matches!(unit.kind, UnitKind::Example(_));
            let with_examples = graph.units_of(*ix).iter().any(is_example);
            let own = own_sources(directory, nested, listing, with_examples);
            let beside = roots.iter().flat_map(|(root, role)| {
                let files = listing.files_below(root).filter(|file| file.extension() == Some("rs"));
                files.map(move |file| (file, *role))
            });
            own.chain(beside).map(move |(file, role)| Source { at, file, role })
        })
        .collect();
    let (texts, gathered) = texts(asked, used, &sources).await?;
    let output = context.root.join("target");
    let mut found: BTreeMap<PackageIx, InSources> = BTreeMap::new();
    for ((ix, _), roots) in used.iter().zip(&roots) {
        found.entry(*ix).or_default().paths.extend(roots.keys().cloned());
    }
    for Source { at, file, role } in sources {
        let Some(text) = texts.get(file) else { continue };
        let (ix, directory) = used[at];
        let Named { certain, possible, flags, manifest } = outside::named_paths(file, directory, text, role);
        let certain = certain.into_iter().filter(|path| context.listing.kind(path).is_some());
        let possible =
            possible.into_iter().filter(|path| is_read(path, all_directories, &output, &context.listing));
        let all = certain.chain(possible).filter(|path| !is_own(path, directory, &nested[at]));
        let of_member = found.entry(ix).or_default();
        of_member.paths.extend(all);
        of_member.flags.extend(flags);
        of_member.manifest |= manifest;
    }
    Ok((found, gathered))
}

pub(super) fn nested_in<'a>(
    directory: &'a Utf8Path,
    all: &'a BTreeSet<Utf8PathBuf>,
) -> impl Iterator<Item = &'a Utf8PathBuf> {
    // Sorted by components: what lies below a directory stands behind it.
    let behind = (Bound::Excluded(directory), Bound::Unbounded);
    all.range::<Utf8Path, _>(behind).take_while(move |other| other.starts_with(directory))
}

/// What symbolic links in a member's directory lead to, outside of it: its copy has the links, so it needs the rest.
pub(super) fn linked(
    directory: &Utf8Path,
    nested: &[&Utf8PathBuf],
    listing: &Listing,
) -> BTreeSet<Utf8PathBuf> {
    let own = |path: &Utf8Path| is_own(path, directory, nested);
    let mut found = BTreeSet::new();
    let mut open: Vec<Utf8PathBuf> =
        listing.links_below(directory).filter(|(from, _)| own(from)).map(|(_, to)| to).collect();
    while let Some(path) = open.pop() {
        if listing.kind(&path).is_some() && !own(&path) && found.insert(path.clone()) {
            open.extend(listing.links_below(&path).map(|(_, to)| to));
        }
    }
    found
}

/// Sources that a build of libraries and binaries, or of an example, can compile: not tests and benches.
fn own_sources<'a>(
    directory: &'a Utf8Path,
    nested: &'a [&Utf8PathBuf],
    listing: &'a Listing,
    with_examples: bool,
) -> impl Iterator<Item = (&'a Utf8Path, SourceRole)> {
    let examples = directory.join("examples");
    let mut aside = ["tests", "benches", "target"].map(|name| directory.join(name)).to_vec();
    if !with_examples {
        aside.push(examples.clone());
    }
    listing.files_below(directory).filter_map(move |path| {
        let skipped =
            aside.iter().any(|dir| path.starts_with(dir)) || nested.iter().any(|dir| path.starts_with(dir));
        if skipped || path.extension() != Some("rs") {
            return None;
        }
        // A build script and its modules lie beside the manifest, or wherever `build =` says; what lies in `src` is a crate.
        let is_crate = path.starts_with(directory.join("src")) || path.starts_with(&examples);
        let role = if is_crate { SourceRole::Crate } else { SourceRole::BuildScript };
        Some((path, role))
    })
}

/// Files that `inputs` names: paths as they are, directories whole, patterns expanded over the listing.
pub fn declared(
    inputs: &[Input],
    listing: &Listing,
    problems: &mut Vec<Diagnostic>,
) -> BTreeSet<Utf8PathBuf> {
    let mut found = BTreeSet::new();
    for input in inputs {
        let path = Utf8Path::new(&input.pattern);
        if listing.kind(path).is_some() {
            found.insert(path.to_owned());
            continue;
        }
        let glob = match GlobBuilder::new(&input.pattern).literal_separator(true).build() {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                problems.push(
                    Diagnostic::error(
                        Code::InvalidValue,
                        format!("input `{}` is no pattern: {error}", input.pattern),
                    )
                    .at(&input.span),
                );
                continue;
            }
        };
        let mut matching =
            listing.files().filter(|file| glob.is_match(file)).map(Utf8Path::to_owned).peekable();
        if matching.peek().is_none() {
            problems.push(
                Diagnostic::error(
                    Code::MissingFile,
                    format!("input `{}` is not in the build context", input.pattern),
                )
                .at(&input.span)
                .help("inputs are relative to the build context; see also `.dockerignore`"),
            );
        }
        found.extend(matching);
    }
    found
}

/// Without what lies below another of them: a directory is copied whole.
pub(super) fn outermost(paths: BTreeSet<Utf8PathBuf>) -> BTreeSet<Utf8PathBuf> {
    let all = paths.clone();
    paths.into_iter().filter(|path| !path.ancestors().skip(1).any(|above| all.contains(above))).collect()
}

#[cfg(test)]
mod tests;
