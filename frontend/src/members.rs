//! The members that take part in a build: their settings, where their manifests stand, and which files outside their
//! directories they see.
//!
//! Asks BuildKit for manifests and sources; what sources name is for [`outside`](crate::outside).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use buildkit_llb::{SourceFile, Span};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::Metadata;
use globset::GlobBuilder;
use longshore_helper::recording::{Call, CallKind};

use crate::{
    config::{self, Args, Input, PackageConfig, StandalonePackage},
    context::{self, BuildContext, When},
    diagnostic::{Code, Diagnostic, Diagnostics},
    gateway::{Failure, Gateway, together},
    listing::{Kind, Listing},
    outside::{self, Named, SourceRole},
    paths,
    request::Request,
    units::{PackageIx, UnitGraph},
};

/// What is known of the members in use.
#[derive(Debug, Clone, Default)]
pub struct Members {
    /// `[package.metadata.longshore]`.
    pub configs: BTreeMap<PackageIx, PackageConfig>,
    /// The line that names the package: failing steps point there.
    pub spans: BTreeMap<PackageIx, Span>,
    /// Files and directories outside a member's own directory that its vertices see.
    pub outside: BTreeMap<PackageIx, BTreeSet<Utf8PathBuf>>,
}

/// Directories of all packages that lie in the build context, relative to the build context.
pub fn directories(metadata: &Metadata) -> BTreeSet<Utf8PathBuf> {
    metadata
        .packages
        .iter()
        .filter(|package| package.source.is_none())
        .filter_map(|package| package.manifest_path.parent()?.strip_prefix(paths::WORKSPACE).ok())
        .map(Utf8Path::to_owned)
        .collect()
}

/// Manifests of members, by directory relative to the build context.
#[derive(Debug, Clone, Default)]
pub struct Manifests(BTreeMap<Utf8PathBuf, SourceFile>);

impl Manifests {
    /// All of them.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.0.values()
    }

    /// Reads the manifests that `[workspace] members` names and that are there. Whether they are complete is for cargo
    /// to say; this is to tell the user's mistakes in all of them at once, before anything runs.
    ///
    /// # Errors
    /// The daemon cannot be asked.
    pub async fn read(
        gateway: &impl Gateway,
        context: &BuildContext,
        workspace: &SourceFile,
    ) -> Result<Self, Failure> {
        let directories = config::workspace_members(workspace, &context.root, &context.listing);
        let read = directories.into_iter().map(|directory| async move {
            let manifest = read_manifest(gateway, context, &directory).await?;
            Ok((directory, manifest))
        });
        Ok(Self(together(read).await.into_iter().collect::<Result<_, Failure>>()?))
    }

    /// Every mistake in their settings; `args` are the build arguments, if they are known.
    pub fn mistakes(&self, args: Option<&Args>) -> Vec<Diagnostic> {
        self.0
            .values()
            .filter_map(|file| PackageConfig::from_manifest(file, args).err())
            .flat_map(Diagnostics::into_vec)
            .collect()
    }

    /// Every manifest.
    pub fn iter(&self) -> impl Iterator<Item = (&Utf8PathBuf, &SourceFile)> {
        self.0.iter()
    }
}

async fn read_manifest(
    gateway: &impl Gateway,
    context: &BuildContext,
    directory: &Utf8Path,
) -> Result<SourceFile, Failure> {
    let manifest = directory.join("Cargo.toml");
    let text = gateway
        .read_file(&context.manifests_reference, context.listing.resolved(&manifest).as_str())
        .await
        .map_err(|error| error.doing(format!("read `{manifest}` from the build context")))?;
    Ok(SourceFile::new(manifest.as_str(), "TOML", text).loaded_by(&context.manifests))
}

/// Where settings of packages come from.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// What was read already.
    pub manifests: &'a Manifests,
    /// The workspace's build arguments.
    pub args: &'a Args,
    /// What a `longshore.toml` says about packages.
    pub standalone: &'a BTreeMap<String, StandalonePackage>,
}

impl Settings<'_> {
    /// The settings of one package: those of its manifest, or those of the `longshore.toml`. Both would leave open which
    /// one counts.
    fn of(
        &self,
        package: &str,
        own: PackageConfig,
        manifest: &SourceFile,
    ) -> Result<PackageConfig, Diagnostics> {
        let Some(standalone) = self.standalone.get(package) else { return Ok(own) };
        match config::package_table_span(manifest) {
            None => Ok(standalone.config.clone()),
            Some(span) => Err(Diagnostic::error(
                Code::InvalidValue,
                format!("the settings of `{package}` stand in two places"),
            )
            .at(&standalone.span)
            .labeled(&span, "and here")
            .help("keep one of the two")
            .into()),
        }
    }
}

/// The workspace's packages that run on devices, by name: on those of which accelerators, and where that is said.
///
/// # Errors
/// Settings are wrong.
pub fn on_devices(
    settings: &Settings<'_>,
    metadata: &Metadata,
) -> Result<BTreeMap<String, Vec<(String, Span)>>, Diagnostics> {
    let mut found = BTreeMap::new();
    for package in metadata.workspace_packages() {
        let directory =
            package.manifest_path.parent().and_then(|path| path.strip_prefix(paths::WORKSPACE).ok());
        let Some(manifest) = directory.and_then(|directory| settings.manifests.0.get(directory)) else {
            continue;
        };
        let own = PackageConfig::from_manifest(manifest, Some(settings.args))?;
        let config = settings.of(&package.name, own, manifest)?;
        if !config.device.is_empty() {
            found.insert(package.name.to_string(), config.device);
        }
    }
    Ok(found)
}

/// Reads manifests and sources of the members in `in_use`.
///
/// # Errors
/// Settings are wrong (all members' mistakes together), or the daemon cannot be asked.
pub async fn load(
    gateway: &impl Gateway,
    request: &Request,
    context: &BuildContext,
    settings: &Settings<'_>,
    graph: &UnitGraph,
    in_use: &BTreeSet<PackageIx>,
    all_directories: &BTreeSet<Utf8PathBuf>,
) -> Result<Members, Failure> {
    let mut members = Members::default();
    let mut problems = Vec::new();
    let used: Vec<(PackageIx, &Utf8Path)> =
        in_use.iter().filter_map(|ix| Some((*ix, graph.package(*ix).member_directory()?))).collect();
    let manifests = used.iter().map(|(_, directory)| async move {
        match settings.manifests.0.get(*directory) {
            Some(manifest) => Ok(manifest.clone()),
            None => read_manifest(gateway, context, directory).await,
        }
    });
    let manifests = together(manifests).await;
    let mut named = named_outside(gateway, request, context, &used, all_directories).await?;
    for ((ix, directory), manifest) in used.into_iter().zip(manifests) {
        let manifest = manifest?;
        members.spans.extend(config::package_span(&manifest).map(|span| (ix, span)));

        let mut outside = named.remove(&ix).unwrap_or_default();
        let own = PackageConfig::from_manifest(&manifest, Some(settings.args));
        let own = own.and_then(|own| settings.of(&graph.package(ix).name, own, &manifest));
        match own {
            Ok(config) => {
                outside.extend(declared(&config.inputs, &context.listing, &mut problems));
                members.configs.insert(ix, config);
            }
            Err(found) => problems.extend(found.into_vec()),
        }

        let nested: Vec<&Utf8PathBuf> = nested_in(directory, all_directories).collect();
        outside.extend(linked(directory, &nested, &context.listing));
        let calls = graph.units_of(ix).iter().map(|unit| &unit.call);
        let configured =
            calls.flat_map(|call| configured(call, directory, &nested, all_directories, &context.listing));
        outside.extend(configured);
        members.outside.insert(ix, outermost(outside));
    }
    Ok(Diagnostics::check(members, problems)?)
}

/// A path lies in a member's directory and in no other's within it: the copy of the member has it.
fn is_own(path: &Utf8Path, directory: &Utf8Path, nested: &[&Utf8PathBuf]) -> bool {
    path.starts_with(directory) && !nested.iter().any(|inner| path.starts_with(inner))
}

/// A directory that a member is in, or that is one's: with it, all of that would come.
fn holds_members(path: &Utf8Path, all_directories: &BTreeSet<Utf8PathBuf>) -> bool {
    // Sorted by components: what lies below a directory stands behind it.
    let at = (Bound::Included(path), Bound::Unbounded);
    all_directories.range::<Utf8Path, _>(at).next().is_some_and(|member| member.starts_with(path))
}

/// What cargo's configuration has a member's process told of the workspace, outside its directory: absolute paths anywhere, and
/// flags that are relative to where it runs. Of a directory around members, which is searched for libraries, the libraries.
fn configured(
    call: &Call,
    directory: &Utf8Path,
    nested: &[&Utf8PathBuf],
    all_directories: &BTreeSet<Utf8PathBuf>,
    listing: &Listing,
) -> BTreeSet<Utf8PathBuf> {
    let texts = call.args.iter().chain(outside::configured(&call.env));
    let mut found = outside::in_workspace(texts.map(String::as_str));
    let cwd = Utf8Path::new(&call.cwd).strip_prefix(paths::WORKSPACE).ok();
    let relative = cwd.filter(|_| call.kind == CallKind::Rustc).map(|cwd| outside::in_flags(&call.args, cwd));
    for path in relative.into_iter().flatten() {
        if holds_members(&path, all_directories) {
            let beside = listing.files_below(&path).filter(|file| file.parent() == Some(&path));
            found.extend(beside.filter(|file| is_library(file)).map(Utf8Path::to_owned));
        } else {
            found.insert(path);
        }
    }
    found.retain(|path| listing.kind(path).is_some() && !is_own(path, directory, nested));
    found
}

fn is_library(file: &Utf8Path) -> bool {
    let name = file.file_name().unwrap_or_default();
    name.contains(".so.") || matches!(file.extension(), Some("a" | "dylib" | "lib" | "o" | "rlib" | "so"))
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

/// What the sources of each member name outside its directory.
async fn named_outside(
    gateway: &impl Gateway,
    request: &Request,
    context: &BuildContext,
    used: &[(PackageIx, &Utf8Path)],
    all_directories: &BTreeSet<Utf8PathBuf>,
) -> Result<BTreeMap<PackageIx, BTreeSet<Utf8PathBuf>>, Failure> {
    let nested: Vec<Vec<&Utf8PathBuf>> =
        used.iter().map(|(_, directory)| nested_in(directory, all_directories).collect()).collect();
    let files: Vec<(usize, &Utf8Path, SourceRole)> = used
        .iter()
        .zip(&nested)
        .enumerate()
        .flat_map(|(at, ((_, directory), nested))| {
            own_sources(directory, nested, &context.listing).map(move |(file, role)| (at, file, role))
        })
        .collect();
    let mut found: BTreeMap<PackageIx, BTreeSet<Utf8PathBuf>> = BTreeMap::new();
    if files.is_empty() {
        return Ok(found);
    }
    let sources = &context::solve(gateway, request, &context.state, When::Used).await?;
    let read = files.iter().map(|(at, file, role)| async move {
        // A link that leads nowhere, such as an editor's lock: rustc will say so if it matters.
        let text = context::read_optional(gateway, sources, file.as_str()).await?;
        let text = text.unwrap_or_default();
        Ok(outside::named_paths(file, used[*at].1, &String::from_utf8_lossy(&text), *role))
    });
    let named: Vec<Result<Named, Failure>> = together(read).await;
    let output = context.root.join("target");
    for ((at, _, _), named) in files.iter().zip(named) {
        let (ix, directory) = used[*at];
        let Named { certain, possible } = named?;
        let certain = certain.into_iter().filter(|path| context.listing.kind(path).is_some());
        let possible =
            possible.into_iter().filter(|path| is_read(path, all_directories, &output, &context.listing));
        let all = certain.chain(possible).filter(|path| !is_own(path, directory, &nested[*at]));
        found.entry(ix).or_default().extend(all);
    }
    Ok(found)
}

fn nested_in<'a>(
    directory: &'a Utf8Path,
    all: &'a BTreeSet<Utf8PathBuf>,
) -> impl Iterator<Item = &'a Utf8PathBuf> {
    // Sorted by components: what lies below a directory stands behind it.
    let behind = (Bound::Excluded(directory), Bound::Unbounded);
    all.range::<Utf8Path, _>(behind).take_while(move |other| other.starts_with(directory))
}

/// What symbolic links in a member's directory lead to, outside of it: its copy has the links, so it needs the rest.
fn linked(directory: &Utf8Path, nested: &[&Utf8PathBuf], listing: &Listing) -> BTreeSet<Utf8PathBuf> {
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

/// Sources that a build of libraries and binaries can compile: not tests, examples and benches.
fn own_sources<'a>(
    directory: &'a Utf8Path,
    nested: &'a [&Utf8PathBuf],
    listing: &'a Listing,
) -> impl Iterator<Item = (&'a Utf8Path, SourceRole)> {
    let aside = ["tests", "examples", "benches", "target"].map(|name| directory.join(name));
    listing.files_below(directory).filter_map(move |path| {
        let skipped =
            aside.iter().any(|dir| path.starts_with(dir)) || nested.iter().any(|dir| path.starts_with(dir));
        if skipped || path.extension() != Some("rs") {
            return None;
        }
        // A build script and its modules lie beside the manifest, or wherever `build =` says; what lies in `src` is a crate.
        let role =
            if path.starts_with(directory.join("src")) { SourceRole::Crate } else { SourceRole::BuildScript };
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
fn outermost(paths: BTreeSet<Utf8PathBuf>) -> BTreeSet<Utf8PathBuf> {
    let all = paths.clone();
    paths.into_iter().filter(|path| !path.ancestors().skip(1).any(|above| all.contains(above))).collect()
}

#[cfg(test)]
mod tests;
