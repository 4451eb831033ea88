//! The members that take part in a build: their settings, where their manifests stand, and which files outside their
//! directories they see.
//!
//! Asks BuildKit for manifests and sources; what sources name is for [`outside`](crate::outside).

mod beyond;
mod texts;

pub use beyond::declared;

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{SourceFile, Span, State};
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::Metadata;

use self::beyond::{Around, InSources, linked, named_outside, nested_in, outermost};
use crate::{
    config::{self, Args, PackageConfig, StandalonePackage},
    context::BuildContext,
    diagnostic::{Code, Diagnostic, Diagnostics},
    emit::{Workshop, record::LOCK_FILE},
    gateway::{Failure, Gateway, together},
    listing::{Kind, Listing},
    manifest::{self, SeenManifest},
    paths,
    request::Request,
    units::{PackageIx, UnitGraph, UnitKind, reach::Reach},
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
    /// Manifests that a member sees in another form than they have in the build context: its own without what is not for its
    /// steps, and the workspace's with what it inherits.
    pub manifests: BTreeMap<PackageIx, Vec<SeenManifest>>,
    /// Files in a member's directory that it does not see.
    pub hidden: BTreeMap<PackageIx, Utf8PathBuf>,
    /// The vertices that read their sources, if it was not BuildKit that was asked for each.
    pub gathered: Vec<State>,
}

/// Who is asked for manifests and sources, and of what.
pub struct Asked<'a, G> {
    /// The daemon.
    pub gateway: &'a G,
    /// What the client wants.
    pub request: &'a Request,
    /// Where the members are.
    pub context: &'a BuildContext,
    /// What vertices have in common.
    pub workshop: &'a Workshop,
}

impl<G> Clone for Asked<'_, G> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<G> Copy for Asked<'_, G> {}

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
    asked: &Asked<'_, impl Gateway>,
    settings: &Settings<'_>,
    graph: &UnitGraph,
    in_use: &BTreeSet<PackageIx>,
    all_directories: &BTreeSet<Utf8PathBuf>,
) -> Result<Members, Failure> {
    let Asked { gateway, context, .. } = *asked;
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
    let (mut named, gathered) = named_outside(asked, graph, &used, all_directories).await?;
    let mut members = Members { gathered, ..Members::default() };
    for ((ix, directory), manifest) in used.into_iter().zip(manifests) {
        let manifest = manifest?;
        members.spans.extend(config::package_span(&manifest).map(|span| (ix, span)));

        let InSources { paths: mut outside, flags, manifest: reads_manifest } =
            named.remove(&ix).unwrap_or_default();
        let own = if reads_manifest { None } else { own_manifest(context, directory, &manifest) };
        let has_script = graph.units_of(ix).iter().any(|unit| unit.kind == UnitKind::RunBuildScript);
        if *directory == context.root && !reads_manifest && !has_script {
            members.hidden.insert(ix, directory.join(LOCK_FILE));
        }
        members
            .manifests
            .insert(ix, own.into_iter().chain(inherited(context, directory, &manifest)).collect());
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
        let around = Around { directory, nested: &nested, all_directories, listing: &context.listing };
        for unit in graph.units_of(ix) {
            outside.extend(around.configured(&unit.call));
            outside.extend(around.in_flags(&unit.call, &flags));
        }
        members.outside.insert(ix, outermost(outside));
    }
    let passed_on = passed_on(graph, &members.outside, &context.listing);
    for (ix, paths) in passed_on {
        let own = members.outside.remove(&ix).unwrap_or_default();
        members.outside.insert(ix, outermost(own.into_iter().chain(paths).collect()));
    }
    Ok(Diagnostics::check(members, problems)?)
}

/// Libraries outside of members with build scripts, for the members that are linked with those: search paths go along.
fn passed_on(
    graph: &UnitGraph,
    outside: &BTreeMap<PackageIx, BTreeSet<Utf8PathBuf>>,
    listing: &Listing,
) -> BTreeMap<PackageIx, BTreeSet<Utf8PathBuf>> {
    let holds_libraries = |path: &&Utf8PathBuf| listing.files_below(path).any(beyond::is_library);
    let libraries: BTreeMap<PackageIx, Vec<&Utf8PathBuf>> = outside
        .iter()
        .map(|(ix, paths)| (*ix, paths.iter().filter(holds_libraries).collect::<Vec<_>>()))
        .filter(|(_, paths)| !paths.is_empty())
        .collect();
    let mut found: BTreeMap<PackageIx, BTreeSet<Utf8PathBuf>> = BTreeMap::new();
    if libraries.is_empty() {
        return found;
    }
    let reach = Reach::new(graph);
    for (id, unit) in graph.iter().filter(|(_, unit)| outside.contains_key(&unit.package)) {
        let below = reach.linked_scripts(id).iter().map(|run| graph.unit(*run).package);
        for path in below.filter_map(|package| libraries.get(&package)).flatten() {
            found.entry(unit.package).or_default().insert((*path).clone());
        }
    }
    found
}

/// Without what is not for its steps, where it has some of that. A link is left as it is.
fn own_manifest(context: &BuildContext, directory: &Utf8Path, file: &SourceFile) -> Option<SeenManifest> {
    let path = directory.join("Cargo.toml");
    if context.listing.kind(&path) != Some(Kind::File) {
        return None;
    }
    let text = manifest::own(std::str::from_utf8(file.text()).ok()?)?;
    Some(SeenManifest { path, text })
}

/// Of a member that has not the workspace's manifest for its own.
fn inherited(context: &BuildContext, directory: &Utf8Path, own: &SourceFile) -> Option<SeenManifest> {
    let below = directory.strip_prefix(&context.root).ok().filter(|below| !below.as_str().is_empty())?;
    let text = manifest::reduced(context.manifest.text(), own.text(), below)?;
    Some(SeenManifest { path: context.root.join("Cargo.toml"), text })
}

#[cfg(test)]
mod tests;
