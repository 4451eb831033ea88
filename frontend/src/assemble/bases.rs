//! The base of images, asked for while cargo plans: a registry is a round trip away, which is much of a build of which all is
//! cached.

use std::collections::BTreeMap;

use buildkit_llb::{ImageRef, Platform};

use crate::{
    config::{Base, PackageConfig},
    cross,
    gateway::{Failure, Gateway},
    named::{self, Loaded, Role},
    project::Project,
    request::Request,
    triple, variant,
};

/// In flags that have programs linked statically.
const STATIC: &str = "crt-static";

/// What was asked for ahead, by name.
#[derive(Debug, Clone, Default)]
pub struct Bases(BTreeMap<String, Loaded>);

impl Bases {
    /// Asks for the base that the images of the workspace have, where that is one: which image is built is not known yet. What
    /// cannot be had is not complained about, since it may not be needed.
    pub async fn ahead(
        gateway: &impl Gateway,
        request: &Request,
        project: &Project,
        platform: &Platform,
    ) -> Self {
        let Some(name) = only_base(request, project, platform) else { return Self::default() };
        match named::image(gateway, request, &name, platform, Role::Base).await {
            Ok(loaded) => Self([(name.familiar(), loaded)].into()),
            Err(_) => Self::default(),
        }
    }

    /// The base of that name.
    ///
    /// # Errors
    /// As for [`named::image`].
    pub async fn get(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        name: &ImageRef,
        platform: &Platform,
    ) -> Result<Loaded, Failure> {
        match self.0.get(&name.familiar()) {
            Some(loaded) => Ok(loaded.clone()),
            None => named::image(gateway, request, name, platform, Role::Base).await,
        }
    }
}

/// `None` where several are named, where an accelerator has one of its own, and where programs may be linked statically, which
/// need none unless the user says so.
fn only_base(request: &Request, project: &Project, platform: &Platform) -> Option<ImageRef> {
    let config = &project.config;
    let asked = request.target.as_deref();
    if asked.is_some_and(|name| !variant::asked(&config.accelerators, name).is_empty()) {
        return None;
    }
    let manifests = project.manifests.files();
    let own = manifests.filter_map(|file| PackageConfig::from_manifest(file, Some(&config.args)).ok());
    let packages = project.packages.values().map(|package| package.config.clone()).chain(own);
    let images =
        packages.map(|package| package.image).chain(config.images.values().map(|table| table.image.clone()));
    let mut bases = images.filter_map(|image| image.base);
    if bases.any(|base| base != config.image.base) {
        return None;
    }
    let may_be_static = || {
        let mut variables =
            request.build_args.get("RUSTFLAGS").into_iter().chain(project.workshop.toolchain_env.values());
        let Ok(triple) = project.triple(platform) else { return true };
        variables.any(|flags| flags.contains(STATIC))
            || project.context.cargo_config.has(STATIC, |name| cross::is_of(name, &triple))
            || triple::is_static(&triple)
    };
    match &config.image.base {
        Base::Fitting if may_be_static() => None,
        base => base.image(false).map(|name| name.reference),
    }
}
