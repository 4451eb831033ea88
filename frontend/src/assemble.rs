//! One target for one platform: its settings, its filesystem, its configuration.

mod bases;

use buildkit_llb::State;
use camino::Utf8Path;
use longshore_helper::finish;

pub use bases::Bases;

use crate::{
    accelerator::Family,
    caution,
    config::{self, Base, ImageSettings, Libraries, PackageConfig},
    diagnostic::{Code, Diagnostic, Diagnostics},
    emit::{
        image::{
            self as filesystem, About, Asset, BIN_DIR, Certificates, Contents, FileCopy, LIB_DIR, Program,
        },
        launcher::{self, Launch},
    },
    gateway::{Failure, Gateway},
    image::{self, BaseConfig},
    listing::{Kind, Listing, is_shared_library},
    named::Loaded,
    output::{self, Revision},
    plan::{Artifact, ArtifactKind},
    project::{Compiled, Planned, Project},
    request::Request,
    target::Target,
    units::PackageIx,
    variant::Variant,
};

/// An image that can be solved.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// Its filesystem.
    pub files: State,
    /// A run of it that has to succeed.
    pub smoke: Option<State>,
    /// Its configuration, JSON.
    pub config: Vec<u8>,
    /// What it stands on; absent for `scratch`.
    pub base: Option<Loaded>,
    /// The name of that, as the settings have it.
    pub base_name: Option<String>,
    /// What the user says about it.
    pub settings: ImageSettings,
}

/// Lays a target on its base.
///
/// # Errors
/// The image could not start, a file is missing, or the base does not exist.
pub async fn assemble(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    planned: &Planned,
    compiled: &Compiled,
    target: &Target,
    bases: &Bases,
) -> Result<Assembled, Failure> {
    let package = target.package();
    let settings = settings(project, planned, compiled, target);
    let is_static = is_static(planned, target);
    starts(planned, target, &settings)?;
    let base_image = settings.base.image(is_static).map(|name| name.reference);
    let base = match &base_image {
        None => None,
        Some(name) => Some(bases.get(gateway, request, name, &planned.platform).await?),
    };
    let base_state = base.as_ref().map_or(State::SCRATCH, |base| base.state.clone());
    let base_config = BaseConfig::parse_or_empty(base.as_ref().and_then(|base| base.config.as_deref()));

    let paths = output::paths(target, BIN_DIR, LIB_DIR);
    let launchers = launchers(planned, target, &paths, is_static)?;
    let programs = programs(planned, compiled, target, &paths, &launchers);
    in_the_way(project, &settings, &programs)?;
    let revision = if settings.stamp { Revision::of(request) } else { Revision::default() };
    let contents = Contents {
        base: &base_state,
        assets: settings.assets.iter().map(asset).collect(),
        certificates: match settings.certificates {
            Some(true) => Certificates::Yes,
            None if !is_users_base(&settings) => Certificates::IfThere,
            Some(false) | None => Certificates::No,
        },
        bare: base.is_none(),
        files: files(project, &settings)?,
        programs,
        libraries: match settings.libraries {
            Libraries::Check => finish::Libraries::Check,
            Libraries::Copy => finish::Libraries::Copy,
            Libraries::Ignore => finish::Libraries::Ignore,
        },
        library_path: library_path(&base_config, &settings),
        checked_on_base: base.is_some() && !is_static && settings.libraries != Libraries::Ignore,
        stamp: settings.stamp.then(|| stamp(planned, package, &revision)),
        device_code: planned.variant.as_ref().and_then(Variant::device_code),
        driver: planned
            .variant
            .as_ref()
            .map(|variant| variant.accelerator.driver.clone())
            .unwrap_or_default(),
        toolkit: compiled.toolkit.as_ref(),
    };
    let declared = target.declared(&project.config.images).and_then(|table| table.span.as_ref());
    let epoch = request.source_date_epoch.and_then(|epoch| i64::try_from(epoch).ok());
    let about = About {
        name: &target.name,
        prefix: &planned.prefix,
        span: declared.or_else(|| package.and_then(|package| compiled.members.spans.get(&package))),
        kept: &kept(planned, compiled, target),
        epoch,
    };
    let files = filesystem::image(&project.workshop, &contents, &about);
    let described = package.map(|package| planned.graph.package(package));
    let mut image = output::image_settings(&settings, described, target, &paths, &revision, &request.labels);
    for (name, value) in planned.variant.iter().flat_map(Variant::labels) {
        image.labels.entry(name).or_insert(value);
    }
    let config = image::config(&base_config, &planned.platform, &image, epoch);
    let mut env = base_config.env();
    env.extend(settings.env.clone());
    if let Some(first) = planned.variant.iter().flat_map(|variant| &variant.compiled().archs).next()
        && !launchers.is_empty()
    {
        // Nothing that it could look for is here.
        env.insert(launcher::CHOICE.to_owned(), first.as_str().to_owned());
    }
    let smoke = filesystem::Smoke {
        platform: &planned.platform,
        command: image.entrypoint.iter().chain(&settings.smoke).cloned().collect(),
        env,
        user: &settings.user,
        workdir: settings.workdir.as_deref().unwrap_or("/"),
    };
    let runs_here = planned.platform == request.build_platform && !settings.smoke.is_empty();
    let smoke = runs_here.then(|| filesystem::smoke(&files, &smoke, &about));
    let base_name = base_image.map(|name| name.familiar());
    Ok(Assembled { files, smoke, config, base, base_name, settings })
}

/// A target as other builds see it: an image, or a program or library at the root of an empty filesystem.
///
/// # Errors
/// As for [`assemble`].
pub async fn offered(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    planned: &Planned,
    compiled: &Compiled,
    target: &Target,
) -> Result<(State, Option<Vec<u8>>), Failure> {
    if target.is_declared {
        let image = assemble(gateway, request, project, planned, compiled, target, &Bases::default()).await?;
        return Ok((image.files, Some(image.config)));
    }
    let paths: Vec<String> =
        target.artifacts.iter().map(|artifact| format!("/{}", artifact.installed)).collect();
    let launchers = launchers(planned, target, &paths, is_static(planned, target))?;
    let programs = programs(planned, compiled, target, &paths, &launchers);
    let device_code = planned.variant.as_ref().and_then(Variant::device_code);
    let about = About {
        name: &target.name,
        prefix: &planned.prefix,
        span: None,
        kept: &kept(planned, compiled, target),
        epoch: None,
    };
    Ok((filesystem::programs(&project.workshop, programs, device_code, &about), None))
}

/// The name of the image that a target stands on; `None` for `scratch`.
pub fn base_name(
    project: &Project,
    planned: &Planned,
    compiled: &Compiled,
    target: &Target,
) -> Option<String> {
    let base = settings(project, planned, compiled, target).base.image(is_static(planned, target));
    base.map(|name| name.reference.familiar())
}

/// The workspace's settings, under those of the accelerator, under those of the target's package, under those of the
/// image itself.
pub fn settings(project: &Project, planned: &Planned, compiled: &Compiled, target: &Target) -> ImageSettings {
    let none = PackageConfig::default();
    let package =
        target.package().and_then(|package| compiled.members.configs.get(&package)).unwrap_or(&none);
    let workspace = match &planned.variant {
        Some(variant) => project.config.image.with(&variant.accelerator.runtime),
        None => project.config.image.clone(),
    };
    let settings = workspace.with(&package.image);
    match target.declared(&project.config.images) {
        Some(declared) => settings.with(&declared.image),
        None => settings,
    }
}

/// Refuses what can be seen to fail before anything is compiled.
fn starts(planned: &Planned, target: &Target, settings: &ImageSettings) -> Result<(), Diagnostic> {
    // Without a look at libraries, or with them copied, `scratch` is the user's own business.
    if settings.libraries != Libraries::Check {
        return Ok(());
    }
    let mut programs = target.artifacts.iter().filter(|artifact| artifact.kind == ArtifactKind::Program);
    programs.try_for_each(|program| {
        caution::starts(&settings.base, &planned.plan.vertex(program.vertex).spec, &program.bin)
    })
}

/// Whether all of a target's programs need no loader.
fn is_static(planned: &Planned, target: &Target) -> bool {
    target.artifacts.iter().all(|artifact| caution::is_static(&planned.plan.vertex(artifact.vertex).spec))
}

/// A base that the user has chosen may have certificates of its own.
fn is_users_base(settings: &ImageSettings) -> bool {
    matches!(settings.base, Base::Image(_))
}

/// What a cache must carry along: of this target only, or an image would have others compiled.
fn kept<'a>(planned: &'a Planned, compiled: &'a Compiled, target: &Target) -> Vec<&'a State> {
    std::iter::once(&planned.workspace.vertex)
        .chain(&planned.before)
        .chain(compiled.recordings())
        .chain(compiled.reports(planned, target))
        .collect()
}

/// What starts the programs of an image for several architectures: one launcher for each program, in their order; none
/// where there is only one architecture.
fn launchers(
    planned: &Planned,
    target: &Target,
    paths: &[String],
    is_static: bool,
) -> Result<Vec<State>, Diagnostic> {
    let Some(variant) = planned.variant.as_ref().filter(|variant| !variant.parts.is_empty()) else {
        return Ok(Vec::new());
    };
    let accelerator = &variant.accelerator;
    let refused = |what: &str, help: &str| {
        Err(Diagnostic::error(Code::InvalidValue, what.to_owned()).help(help).at(&accelerator.span))
    };
    if target.artifacts.iter().any(|artifact| artifact.kind == ArtifactKind::Library) {
        return refused(
            "a library cannot be launched",
            "leave out `layout = \"fat\"`: each architecture gets its own",
        );
    }
    if is_static && accelerator.family != Family::Cpu {
        return refused(
            "a launcher that is linked statically cannot load a driver",
            "leave out `layout = \"fat\"`, or compile for a target with glibc",
        );
    }
    let made = target.artifacts.iter().zip(paths).map(|(artifact, path)| {
        let programs = variant
            .parts
            .iter()
            .flat_map(|part| part.archs.iter().map(|arch| (arch.as_str().to_owned(), part.beside(path))));
        let launch = Launch {
            triple: &planned.selection.target,
            linking: launcher::linking(&planned.plan.vertex(artifact.vertex).spec),
            family: accelerator.family.launched().unwrap_or_default(),
            programs: programs.collect(),
            name: &artifact.installed,
            prefix: &planned.prefix,
        };
        launcher::launcher(&planned.bench.workshop, &launch)
    });
    Ok(made.collect())
}

fn programs<'a>(
    planned: &'a Planned,
    compiled: &'a Compiled,
    target: &'a Target,
    paths: &[String],
    launchers: &'a [State],
) -> Vec<Program<'a>> {
    let all = |planned: &'a Planned, compiled: &'a Compiled, beside: Option<&Variant>| -> Vec<Program<'a>> {
        let program = |(artifact, path): (&'a Artifact, &String)| {
            let is_same = |other: &&Artifact| {
                other.qualified == artifact.qualified && other.installed == artifact.installed
            };
            let artifact = planned.plan.targets.iter().find(is_same).unwrap_or(artifact);
            Program {
                output: &compiled.outputs[&artifact.vertex].files,
                file: &artifact.file,
                path: beside.map_or_else(|| path.clone(), |part| part.beside(path)),
            }
        };
        target.artifacts.iter().zip(paths).map(program).collect()
    };
    if launchers.is_empty() {
        return all(planned, compiled, None);
    }
    let launched = launchers.iter().zip(paths);
    let mut programs: Vec<Program<'_>> =
        launched.map(|(output, path)| Program { output, file: launcher::FILE, path: path.clone() }).collect();
    let first = planned.variant.as_ref().map(Variant::compiled);
    programs.extend(all(planned, compiled, first));
    for other in &compiled.others {
        programs.extend(all(&other.planned, &other.compiled, other.planned.variant.as_ref()));
    }
    programs
}

fn asset(asset: &config::Asset) -> Asset<'_> {
    Asset {
        url: asset.url.clone(),
        checksum: asset.sha256.clone(),
        to: &asset.to,
        unpack: asset.unpack,
        owner: asset.owner.clone(),
        mode: asset.mode,
        has_libraries: asset.unpack || is_shared_library(Utf8Path::new(&asset.to)),
        span: &asset.span,
    }
}

/// The files of the build context that an image has.
fn files<'a>(project: &'a Project, settings: &'a ImageSettings) -> Result<Vec<FileCopy<'a>>, Diagnostics> {
    let listing = &project.context.listing;
    let mut problems = Vec::new();
    let mut copies = Vec::new();
    for file in &settings.files {
        let kind = listing.kind(Utf8Path::new(&file.from));
        let is_all = file.from.is_empty();
        if kind.is_none() && !is_all && !is_glob(&file.from) {
            let missing =
                Diagnostic::error(Code::MissingFile, format!("`{}` is not in the build context", file.from));
            problems.push(
                missing
                    .at(&file.span)
                    .help("`from` is relative to the build context; see also `.dockerignore`"),
            );
        }
        copies.push(FileCopy {
            context: &project.context.state,
            from: format!("/{}", file.from),
            contents: is_all || kind == Some(Kind::Directory),
            to: &file.to,
            owner: file.owner.clone(),
            mode: file.mode,
            has_libraries: has_libraries(&file.from, listing),
        });
    }
    Diagnostics::check(copies, problems)
}

/// Refuses files and assets that would lie in a directory where a program goes: it takes the place of whatever is there.
fn in_the_way(
    project: &Project,
    settings: &ImageSettings,
    programs: &[Program<'_>],
) -> Result<(), Diagnostics> {
    let below = |place: &Utf8Path| {
        let mut paths = programs.iter().map(|program| Utf8Path::new(&program.path));
        paths.find(|path| place.starts_with(path) && place != *path)
    };
    let files = settings.files.iter().filter_map(|file| {
        let from = Utf8Path::new(&file.from);
        let to = Utf8Path::new(&file.to);
        let is_directory = file.to.ends_with('/') || is_glob(&file.from);
        let itself = if is_directory { below(&to.join("any")) } else { below(to) };
        let inside = |name: &Utf8Path| below(&to.join(name.strip_prefix(from).ok()?));
        let found = itself.or_else(|| project.context.listing.files_below(from).find_map(inside));
        found.map(|program| (program, &file.span))
    });
    let assets = settings.assets.iter().filter_map(|asset| {
        let to = Utf8Path::new(&asset.to);
        let is_directory = asset.unpack || asset.to.ends_with('/');
        let found = if is_directory { below(&to.join("any")) } else { below(to) };
        found.map(|program| (program, &asset.span))
    });
    let refused = files.chain(assets).map(|(program, span)| {
        let problem = format!("there would be a directory where the image has the program `{program}`");
        Diagnostic::error(Code::InvalidValue, problem).at(span).help("choose another place with `to`")
    });
    Diagnostics::check((), refused.collect())
}

fn is_glob(from: &str) -> bool {
    from.contains(['*', '?', '['])
}

/// Whether a path or pattern leads to shared libraries. Of a pattern, what stands before its first sign counts.
fn has_libraries(from: &str, listing: &Listing) -> bool {
    let literal = from.split(['*', '?', '[']).next().unwrap_or_default();
    let directory = match literal == from {
        true => literal,
        false => literal.rsplit_once('/').map_or("", |(directory, _)| directory),
    };
    listing.files_below(Utf8Path::new(directory)).any(is_shared_library)
}

/// Where the image's environment has the loader search.
fn library_path(base: &BaseConfig, settings: &ImageSettings) -> Vec<String> {
    let mut env = base.env();
    env.extend(settings.env.clone());
    let path = env.remove("LD_LIBRARY_PATH").unwrap_or_default();
    path.split(':').filter(|directory| !directory.is_empty()).map(str::to_owned).collect()
}

/// What is written into programs: one line, `0.4.0 (c0ffee1)`.
fn stamp(planned: &Planned, package: Option<PackageIx>, revision: &Revision) -> String {
    let version = package.map(|package| planned.graph.package(package).version.clone()).unwrap_or_default();
    match &revision.commit {
        Some(commit) => format!("{version} ({commit})").trim_start().to_owned(),
        None => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_among_the_files_of_an_image_are_seen() {
        let listing: Listing = [
            ("libs", Kind::Directory),
            ("libs/deep/libv.so.1", Kind::File),
            ("static/index.html", Kind::File),
            ("plug.so", Kind::File),
        ]
        .into_iter()
        .collect();
        for from in ["libs", "libs/deep/*.so.*", "libs/d*", "plug.so", "*.so", ""] {
            assert!(has_libraries(from, &listing), "{from}");
        }
        for from in ["static", "static/*.html", "lib", "README.md"] {
            assert!(!has_libraries(from, &listing), "{from}");
        }
    }
}
