//! One target for one platform: its settings, its filesystem, its configuration.

use buildkit_llb::State;

use crate::{
    caution,
    config::{Base, ImageSettings, PackageConfig},
    emit::image::{self as filesystem, About, BIN_DIR, Contents, LIB_DIR, Program},
    gateway::{Failure, Gateway},
    image::{self, BaseConfig},
    named::{self, Loaded, Role},
    output::{self, Revision},
    plan::ArtifactKind,
    project::{Compiled, Planned, Project},
    request::Request,
    target::Target,
};

/// An image that can be solved.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// Its filesystem.
    pub files: State,
    /// Its configuration, JSON.
    pub config: Vec<u8>,
    /// What it stands on; absent for `scratch`.
    pub base: Option<Loaded>,
    /// What the user says about it.
    pub settings: ImageSettings,
}

/// Lays a target on its base.
///
/// # Errors
/// The image could not start, or its base does not exist.
pub async fn assemble(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    planned: &Planned,
    compiled: &Compiled,
    target: &Target,
) -> Result<Assembled, Failure> {
    let package = target.package();
    let own = package.and_then(|package| compiled.members.configs.get(&package)).cloned().unwrap_or_default();
    let settings = settings(project, target, &own);
    let is_static = target
        .artifacts
        .iter()
        .all(|artifact| caution::is_static(&planned.plan.vertex(artifact.vertex).spec));
    for artifact in target.artifacts.iter().filter(|artifact| artifact.kind == ArtifactKind::Program) {
        caution::starts(&settings.base, &planned.plan.vertex(artifact.vertex).spec, &artifact.bin)?;
    }
    let base = match &settings.base {
        Base::Scratch => None,
        Base::Image(name) => {
            Some(named::image(gateway, request, &name.reference, &planned.platform, Role::Base).await?)
        }
    };
    let base_state = base.as_ref().map_or(State::SCRATCH, |base| base.state.clone());
    let base_config = BaseConfig::parse_or_empty(base.as_ref().and_then(|base| base.config.as_deref()));

    let paths = output::paths(target, BIN_DIR, LIB_DIR);
    let epoch = request.source_date_epoch.and_then(|epoch| i64::try_from(epoch).ok());
    let contents = Contents {
        base: &base_state,
        assets: Vec::new(),
        certificates: false,
        bare: base.is_none(),
        files: Vec::new(),
        programs: target
            .artifacts
            .iter()
            .zip(&paths)
            .map(|(artifact, path)| Program {
                output: &compiled.outputs[&artifact.vertex].files,
                file: &artifact.file,
                path: path.clone(),
            })
            .collect(),
        libraries: longshore_helper::finish::Libraries::Check,
        library_path: Vec::new(),
        checked_on_base: base.is_some() && !is_static,
        stamp: None,
    };
    let about = About {
        name: &target.name,
        span: package.and_then(|package| compiled.members.spans.get(&package)),
        plan: &planned.workspace.vertex,
        epoch,
    };
    let files = filesystem::image(&project.workshop, &contents, &about);
    let described = package.map(|package| planned.graph.package(package));
    let image =
        output::image_settings(&settings, described, target, &paths, &Revision::default(), &request.labels);
    let config = image::config(&base_config, &planned.platform, &image, epoch);
    Ok(Assembled { files, config, base, settings })
}

/// The name of the image that a target stands on; `None` for `scratch`.
pub fn base_name(project: &Project, compiled: &Compiled, target: &Target) -> Option<String> {
    let own = target.package().and_then(|package| compiled.members.configs.get(&package)).cloned();
    match settings(project, target, &own.unwrap_or_default()).base {
        Base::Scratch => None,
        Base::Image(name) => Some(name.reference.familiar()),
    }
}

/// The workspace's settings, under those of the target's package or of the image itself.
fn settings(project: &Project, target: &Target, package: &PackageConfig) -> ImageSettings {
    let workspace = &project.config.image;
    match project.config.images.get(&target.name) {
        Some(declared) => workspace.with(&package.image).with(&declared.image),
        None => workspace.with(&package.image),
    }
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
        let image = assemble(gateway, request, project, planned, compiled, target).await?;
        return Ok((image.files, Some(image.config)));
    }
    let programs = target.artifacts.iter().map(|artifact| Program {
        output: &compiled.outputs[&artifact.vertex].files,
        file: &artifact.file,
        path: format!("/{}", artifact.installed),
    });
    let programs: Vec<Program<'_>> = programs.collect();
    Ok((filesystem::programs(&programs, &target.name, &planned.workspace.vertex), None))
}
