//! The unit graph: what cargo would run, as units and the edges between them, read off a recording.
//!
//! Pure. Words are cargo's (`Unit`, build script "compile" and "run"); vertices and mounts are not known here.
//! Edges: `--extern` names the file that another unit writes; `OUT_DIR` ties a package's units to the run of its
//! build script; the run's executable ties it to the unit that compiled it.

pub mod args;
mod dormant;
pub mod reach;

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::{CrateType, Metadata, Source, semver::Version};
use longshore_helper::{
    recording::{Call, CallKind, Recording},
    spec::LinkArgTarget,
};

use crate::{cargo_config::Overrides, lock::LockedRepository, paths};
use args::RustcArgs;
pub use dormant::Dormant;

/// Index of a [`Unit`] in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitId(pub u32);

/// Index of a [`Package`] in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageIx(pub u32);

/// Which machine a unit's output runs on. Cargo keeps the two apart because every recording passes `--target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The build platform: procedural macros, build scripts, and what they use.
    Host,
    /// The platform that the image is for.
    Target,
}

/// A package that takes part in the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Name, as in its manifest.
    pub name: String,
    /// Version.
    pub version: String,
    /// Name of its output directory: unique among the packages of the graph.
    pub key: String,
    /// Where its source lies in the vertices.
    pub origin: Origin,
    /// Bytes of the archive that it came as.
    pub bytes: Option<u64>,
    /// `links`, when the manifest has it.
    pub links: Option<String>,
    /// It has a library or procedural macro among its targets, built or not.
    pub has_lib: bool,
    /// Its manifest allows `cargo::` directives: no `rust-version`, or one of at least 1.77.
    pub double_colon: bool,
    /// The link arguments for which it has targets, built or not.
    pub link_targets: Vec<LinkArgTarget>,
    /// Roots of its examples.
    pub examples: BTreeSet<Utf8PathBuf>,
    /// SPDX expression of its manifest.
    pub license: Option<String>,
    /// Description of its manifest.
    pub description: Option<String>,
    /// Repository of its manifest.
    pub repository: Option<String>,
    /// Authors of its manifest.
    pub authors: Vec<String>,
    /// cargo builds it when nothing is named: one of `default-members`, which are all members or the root package where the
    /// manifest lists none.
    pub is_default: bool,
}

/// Where a package's source comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The build context, in this directory relative to the workspace root (empty: the root package).
    Member {
        /// Directory, relative, `/`-separated.
        directory: Utf8PathBuf,
    },
    /// A registry, or the directory that replaces a source.
    Locked {
        /// Where it lies in the vertices: in [`paths::VENDOR`], or in a directory below [`paths::REGISTRIES`].
        place: Utf8PathBuf,
    },
    /// A repository that the lock file pins.
    Git {
        /// Which.
        repository: LockedRepository,
        /// Where it is checked out in the vertices: below [`paths::GIT_CHECKOUTS`].
        checkout: Utf8PathBuf,
        /// The package's directory in it.
        directory: Utf8PathBuf,
    },
}

impl Package {
    /// Directory of a member; `None` for a locked package.
    pub fn member_directory(&self) -> Option<&Utf8Path> {
        match &self.origin {
            Origin::Member { directory } => Some(directory),
            Origin::Locked { .. } | Origin::Git { .. } => None,
        }
    }
}

/// What a unit does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitKind {
    /// Compile a build script.
    BuildScript,
    /// Run a build script.
    RunBuildScript,
    /// Compile a procedural macro.
    ProcMacro,
    /// Compile a library; `cdylib` when that is among its crate types.
    Lib {
        /// The crate types include `cdylib`.
        cdylib: bool,
    },
    /// Compile a binary of this name.
    Bin(String),
    /// Compile an example of this name.
    Example(String),
}

/// One process of the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its package.
    pub package: PackageIx,
    /// What it does.
    pub kind: UnitKind,
    /// For which machine. The compilation of a build script is always [`Side::Host`]; its run is on the side that uses it.
    pub side: Side,
    /// The recorded process.
    pub call: Call,
    /// Units whose output its command line names, in the order of the `--extern`s.
    pub externs: Vec<UnitId>,
    /// For a compiled unit, the run whose `OUT_DIR` it sees; for a run, the unit that compiled the script.
    pub script: Option<UnitId>,
    /// How many of its last arguments cargo's configuration says in place of build scripts.
    pub overridden: usize,
}

impl Unit {
    /// Other packages' crates link it: a library, and not a program or macro.
    pub fn is_linkable(&self) -> bool {
        matches!(self.kind, UnitKind::Lib { .. })
    }
}

/// All units of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitGraph {
    /// Sorted by name, version, origin.
    pub packages: Vec<Package>,
    /// Sorted by package, kind, side.
    pub units: Vec<Unit>,
    /// Host triple.
    pub host: String,
    /// Programs of members that are not made, by name, and by that with the package's before it.
    pub dormant: BTreeMap<String, Dormant>,
}

/// A recording that contradicts itself: a mistake of ours or a cargo newer than we know, never of the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the recording of cargo cannot be read: {0}")]
pub struct BadRecording(pub String);

impl UnitGraph {
    /// Connects the recorded calls.
    ///
    /// # Errors
    /// A call names a package, file or directory that nothing else in the recording explains.
    pub fn new(recording: &Recording, metadata: &Metadata) -> Result<UnitGraph, BadRecording> {
        let packages = packages(recording, metadata)?;
        let by_root: BTreeMap<String, PackageIx> =
            (0..).map(PackageIx).zip(&packages).map(|(ix, package)| (root_of(package), ix)).collect();

        let mut units = Vec::new();
        for call in &recording.calls {
            let unit = unit(call, &by_root, &packages)?;
            // Another example of that name, and no program: no other unit uses it.
            if unit.is_linkable() && is_example(call, &packages[unit.package.0 as usize]) {
                continue;
            }
            units.push(unit);
        }
        units.sort_by(|a, b| {
            (a.package, &a.kind, a.side, &a.call).cmp(&(b.package, &b.kind, b.side, &b.call))
        });

        connect(&mut units, &packages)?;
        let dormant = dormant::dormant(&units, metadata);
        Ok(UnitGraph { packages, units, host: recording.host.clone(), dormant })
    }

    /// The same, with what the configuration says in place of build scripts told from the rest of each command line.
    #[must_use]
    pub fn overridden(mut self, overrides: &Overrides) -> UnitGraph {
        let [host, target] = [Side::Host, Side::Target].map(|side| self.rustflags(side));
        for unit in &mut self.units {
            let rustflags = match unit.side {
                Side::Host => &host,
                Side::Target => &target,
            };
            unit.overridden = overrides.count(&unit.call.args, rustflags);
        }
        self
    }

    /// Flags of the user for what is compiled for `side`, as cargo tells them to build scripts that run for it. Where none does,
    /// they are not known.
    fn rustflags(&self, side: Side) -> Vec<String> {
        let mut runs =
            self.units.iter().filter(|unit| unit.kind == UnitKind::RunBuildScript && unit.side == side);
        let encoded = runs.find_map(|run| run.call.env.get("CARGO_ENCODED_RUSTFLAGS"));
        let flags = encoded.into_iter().flat_map(|flags| flags.split('\u{1f}'));
        flags.filter(|flag| !flag.is_empty()).map(str::to_owned).collect()
    }

    /// Every package with its index.
    pub fn packages(&self) -> impl Iterator<Item = (PackageIx, &Package)> {
        (0..).map(PackageIx).zip(&self.packages)
    }

    /// The package at `ix`.
    pub fn package(&self, ix: PackageIx) -> &Package {
        &self.packages[ix.0 as usize]
    }

    /// The unit at `id`.
    pub fn unit(&self, id: UnitId) -> &Unit {
        &self.units[id.0 as usize]
    }

    /// The units of a package.
    pub fn units_of(&self, package: PackageIx) -> &[Unit] {
        let start = self.units.partition_point(|unit| unit.package < package);
        let count = self.units[start..].partition_point(|unit| unit.package == package);
        &self.units[start..start + count]
    }

    /// Every unit with its id.
    pub fn iter(&self) -> impl Iterator<Item = (UnitId, &Unit)> {
        (0..).map(UnitId).zip(&self.units)
    }
}

fn root_of(package: &Package) -> String {
    match &package.origin {
        Origin::Member { directory } if directory.as_str().is_empty() => paths::WORKSPACE.to_owned(),
        Origin::Member { directory } => format!("{}/{directory}", paths::WORKSPACE),
        Origin::Locked { place } => place.to_string(),
        Origin::Git { checkout, directory, .. } if directory.as_str().is_empty() => checkout.to_string(),
        Origin::Git { checkout, directory, .. } => format!("{checkout}/{directory}"),
    }
}

/// The packages that the recorded calls belong to, sorted.
fn packages(recording: &Recording, metadata: &Metadata) -> Result<Vec<Package>, BadRecording> {
    let used: BTreeSet<&str> = recording
        .calls
        .iter()
        .filter_map(|call| call.env.get("CARGO_MANIFEST_DIR"))
        .map(String::as_str)
        .collect();
    let mut packages = Vec::new();
    for package in &metadata.packages {
        let Some(root) = package.manifest_path.parent().filter(|root| used.contains(root.as_str())) else {
            continue;
        };
        let origin = if let Ok(directory) = root.strip_prefix(paths::WORKSPACE) {
            Origin::Member { directory: directory.to_owned() }
        } else if root.starts_with(paths::VENDOR) || root.starts_with(paths::REGISTRIES) {
            Origin::Locked { place: root.to_owned() }
        } else if let Some(origin) = checked_out(root, package.source.as_ref()) {
            origin
        } else {
            return Err(BadRecording(format!(
                "package `{}` lies at `{root}`, outside the workspace",
                package.name
            )));
        };
        packages.push(Package {
            name: package.name.to_string(),
            version: package.version.to_string(),
            key: String::new(),
            origin,
            bytes: recording.sizes.get(root.as_str()).copied(),
            links: package.links.clone(),
            has_lib: package.targets.iter().any(|target| {
                target.crate_types.iter().any(|kind| !matches!(kind, CrateType::Bin))
                    && !target.is_example()
                    && !target.is_test()
                    && !target.is_bench()
                    && !target.is_custom_build()
            }),
            double_colon: package.rust_version.as_ref().is_none_or(|v| (v.major, v.minor) >= (1, 77)),
            link_targets: link_targets(&package.targets),
            examples: package
                .targets
                .iter()
                .filter(|target| target.is_example())
                .map(|target| target.src_path.clone())
                .collect(),
            license: package.license.clone(),
            description: package.description.clone(),
            repository: package.repository.clone(),
            authors: package.authors.clone(),
            is_default: metadata.workspace_default_members.is_available()
                && metadata.workspace_default_members.contains(&package.id),
        });
    }
    // As cargo's `PackageId` has it: search paths of build scripts come in this order.
    packages.sort_by_cached_key(|package| {
        let version = Version::parse(&package.version).ok();
        (package.name.clone(), version, package.version.clone(), package.origin.clone())
    });

    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    for package in &mut packages {
        let key = format!("{}-{}", package.name, package.version);
        let count = taken.entry(key.clone()).or_insert(0);
        *count += 1;
        // Two packages of one name and version can only differ in where they come from.
        package.key = if *count == 1 { key } else { format!("{key}.{count}") };
    }
    Ok(packages)
}

/// Sorted, each once. Crate types of a library are its kinds; those of an example are not.
fn link_targets(targets: &[cargo_metadata::Target]) -> Vec<LinkArgTarget> {
    let mut found = BTreeSet::new();
    for target in targets {
        if target.is_bin() {
            found.extend([LinkArgTarget::Bin, LinkArgTarget::SingleBin(target.name.clone())]);
        }
        for (is_one, kind) in [
            (target.is_cdylib(), LinkArgTarget::Cdylib),
            (target.is_test(), LinkArgTarget::Test),
            (target.is_bench(), LinkArgTarget::Bench),
            (target.is_example(), LinkArgTarget::Example),
        ] {
            found.extend(is_one.then_some(kind));
        }
    }
    found.into_iter().collect()
}

/// Of a package in `NAME-HASH/COMMIT` below cargo's checkouts.
fn checked_out(root: &Utf8Path, source: Option<&Source>) -> Option<Origin> {
    let repository = LockedRepository::parse(&source?.repr)?;
    let mut parts = root.strip_prefix(paths::GIT_CHECKOUTS).ok()?.components();
    let checkout = Utf8Path::new(paths::GIT_CHECKOUTS).join(parts.next()?).join(parts.next()?);
    Some(Origin::Git { repository, checkout, directory: parts.as_path().to_owned() })
}

fn unit(
    call: &Call,
    by_root: &BTreeMap<String, PackageIx>,
    packages: &[Package],
) -> Result<Unit, BadRecording> {
    let root = call
        .env
        .get("CARGO_MANIFEST_DIR")
        .ok_or_else(|| BadRecording(format!("a call has no CARGO_MANIFEST_DIR: {:?}", call.args)))?;
    let package = *by_root
        .get(root)
        .ok_or_else(|| BadRecording(format!("`cargo metadata` knows no package at `{root}`")))?;
    let (kind, side) = match call.kind {
        // The side of a run is that of the units that use it; `connect` finds out.
        CallKind::BuildScript => (UnitKind::RunBuildScript, Side::Target),
        CallKind::Rustc => {
            let args = RustcArgs::parse(&call.args).ok_or_else(|| {
                BadRecording(format!("a call of rustc has no output directory: {:?}", call.args))
            })?;
            let side = if args.target.is_some() { Side::Target } else { Side::Host };
            (kind_of(&args, call, &packages[package.0 as usize]), side)
        }
    };
    Ok(Unit { package, kind, side, call: call.clone(), externs: Vec::new(), script: None, overridden: 0 })
}

fn kind_of(args: &RustcArgs, call: &Call, package: &Package) -> UnitKind {
    let is = |kind| args.crate_types.contains(&kind);
    // A program without CARGO_BIN_NAME is a build script: cargo sets that variable for binaries, and since 1.69 for examples
    // that are programs (book, "Environment variables Cargo sets for crates"; its change log).
    match call.env.get("CARGO_BIN_NAME") {
        Some(name) if is("bin") && is_example(call, package) => UnitKind::Example(name.clone()),
        Some(name) if is("bin") => UnitKind::Bin(name.clone()),
        None if is("bin") && args.crate_name.starts_with("build_script_") => UnitKind::BuildScript,
        None if is("bin") => UnitKind::Bin(package.name.clone()),
        _ if is("proc-macro") => UnitKind::ProcMacro,
        _ => UnitKind::Lib { cdylib: is("cdylib") },
    }
}

/// Names tell nothing: an example may be called as a binary is, and in cargo's new layout of build directories both lie alike.
fn is_example(call: &Call, package: &Package) -> bool {
    args::root(call).is_some_and(|root| package.examples.contains(&root))
}

fn connect(units: &mut [Unit], packages: &[Package]) -> Result<(), BadRecording> {
    let mut by_file: BTreeMap<(String, String), UnitId> = BTreeMap::new();
    let mut by_out_dir: BTreeMap<String, UnitId> = BTreeMap::new();
    let mut compiled_in: BTreeMap<String, UnitId> = BTreeMap::new();
    for (id, unit) in (0..).map(UnitId).zip(units.iter()) {
        if unit.kind == UnitKind::RunBuildScript {
            if let Some(dir) = unit.call.env.get("OUT_DIR") {
                by_out_dir.insert(dir.clone(), id);
            }
            continue;
        }
        let Some(args) = RustcArgs::parse(&unit.call.args) else { continue };
        if unit.kind == UnitKind::BuildScript {
            compiled_in.insert(args.out_dir.to_owned(), id);
        }
        for stem in args.stems() {
            by_file.insert((args.out_dir.to_owned(), stem), id);
        }
    }

    for unit in units.iter_mut() {
        let (externs, script) = if unit.kind == UnitKind::RunBuildScript {
            let directory = Utf8Path::new(&unit.call.exe).parent().map(Utf8Path::as_str).unwrap_or_default();
            let compile = compiled_in.get(directory).ok_or_else(|| {
                BadRecording(format!("nothing compiled the build script `{}`", unit.call.exe))
            })?;
            (Vec::new(), Some(*compile))
        } else {
            let args = RustcArgs::parse(&unit.call.args).expect("checked when the unit was made");
            let mut externs = Vec::new();
            for path in &args.externs {
                let path = Utf8Path::new(path);
                // A user's own `--extern` in rustflags: a file of the toolchain image.
                if !path.starts_with(paths::RECORDING_TARGET) {
                    continue;
                }
                let key = (
                    path.parent().map(Utf8Path::to_string).unwrap_or_default(),
                    path.file_stem().unwrap_or_default().to_owned(),
                );
                let dep =
                    by_file.get(&key).ok_or_else(|| BadRecording(format!("nothing writes `{path}`")))?;
                externs.push(*dep);
            }
            let script = match (&unit.kind, unit.call.env.get("OUT_DIR")) {
                (UnitKind::BuildScript, _) | (_, None) => None,
                // The user's own, for packages without a build script: `[env]` in cargo's configuration.
                (_, Some(dir)) if !Utf8Path::new(dir).starts_with(paths::RECORDING_TARGET) => None,
                (_, Some(dir)) => match by_out_dir.get(dir) {
                    Some(run) => Some(*run),
                    // The configuration has what the script would say, and cargo does not run it (book, "Overriding
                    // build scripts"); what it says instead is in the command line already.
                    None if packages[unit.package.0 as usize].links.is_some() => None,
                    None => return Err(BadRecording(format!("no build script writes `{dir}`"))),
                },
            };
            (externs, script)
        };
        unit.externs = externs;
        unit.script = script;
    }

    // A run belongs to the side of what it prepares; one that prepares nothing is for the target.
    let mut sides: BTreeMap<UnitId, Side> = BTreeMap::new();
    for unit in units.iter().filter(|unit| unit.kind != UnitKind::RunBuildScript) {
        if let Some(run) = unit.script {
            let side = sides.entry(run).or_insert(unit.side);
            *side = (*side).max(unit.side);
        }
    }
    for (run, side) in sides {
        units[run.0 as usize].side = side;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
