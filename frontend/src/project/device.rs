//! Packages that run on an accelerator themselves: planned and compiled for its processor, one for each architecture,
//! and handed as files to the packages that load them.
//!
//! A plan of its own: for cargo it is a build of these packages with another `--target`, and for BuildKit it is vertices
//! like all others.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::Span;
use cargo_metadata::Metadata;

use super::compiled::Shown;
use super::{Bench, Compiled, Planned, Project, identity::identity, of_image};
use crate::{
    accelerator::Arch,
    cross::{Cross, Given},
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    emit::{
        Prefix, Workshop, device,
        grants::{DeviceFile, Grants},
        record::Selection,
    },
    gateway::{Failure, Gateway},
    image::BaseConfig,
    members::{self, Members},
    named::{self, Role},
    paths,
    plan::{Artifact, VertexId},
    request::Request,
    units::PackageIx,
    variant::Variant,
};

/// What was compiled for one architecture of a device.
#[derive(Debug, Clone)]
pub struct Device {
    /// The architecture, as variables have it after their names; empty where there is none to name.
    suffix: String,
    /// It is the only one.
    only: bool,
    /// What cargo planned.
    pub planned: Planned,
    /// Its vertices.
    pub compiled: Compiled,
}

/// Packages for devices, by name: for which accelerators, and where that is said.
type OnDevices = BTreeMap<String, Vec<(String, Span)>>;

impl Project {
    /// The workspace's packages that run on devices.
    pub(super) fn on_devices(&self, metadata: &Metadata) -> Result<OnDevices, Diagnostics> {
        let found = members::on_devices(&self.settings(), metadata)?;
        let names = found.values().flatten().map(|(name, span)| ("device", name, span));
        let problems: Vec<Diagnostic> = self.unknown_accelerators(names).collect();
        Diagnostics::check(found, problems)
    }

    /// Compiles what `members` load on devices of the plan's accelerator.
    pub(super) async fn devices(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        planned: &Planned,
        members: &Members,
    ) -> Result<Vec<Device>, Failure> {
        let all = self.on_devices(&planned.workspace.metadata)?;
        known(&all, members)?;
        let Some(variant) = planned.variant.as_ref().map(Variant::compiled) else { return Ok(Vec::new()) };
        let accelerator = &variant.accelerator;
        let loaded = members.configs.values().flat_map(|config| &config.device_crates);
        let packages: BTreeMap<&str, &Span> = loaded
            .filter_map(|(name, _)| {
                let (_, span) = all.get(name)?.iter().find(|(of, _)| *of == accelerator.name)?;
                Some((name.as_str(), span))
            })
            .collect();
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        let Some(triple) = &accelerator.device else {
            let nothing = Diagnostic::error(
                Code::InvalidValue,
                format!("Rust does not compile for the device of `{}`", accelerator.name),
            );
            return Err(nothing
                .help("name its triple, if it has one: `device.target = \"nvptx64-nvidia-cuda\"`")
                .at(&accelerator.span)
                .into());
        };
        let bench = self.bench(gateway, request, variant).await?;
        let given = Given {
            build_platform: &request.build_platform,
            platform: &planned.platform,
            triple,
            cargo_config: &self.context.cargo_config,
            toolchain_env: &bench.workshop.toolchain_env,
            rustflags: "",
        };
        let mut devices = Vec::new();
        for cpu in cpus(variant) {
            let only = devices.is_empty() && cpus(variant).len() == 1;
            // As names of platforms: `nvptx64/sm_80`.
            let architecture = triple.split('-').next().unwrap_or(triple);
            let name =
                cpu.as_ref().map_or(architecture.to_owned(), |cpu| format!("{architecture}/{}", cpu.name));
            let flag = cpu.as_ref().map(|cpu| format!("-Ctarget-cpu={}", cpu.name));
            let selection = self.on_device(&given, variant, &packages, flag.as_deref());
            let prefix = Prefix::of_device(&name);
            let sysroot = device::sysroot(&bench.workshop, triple, flag.as_slice(), &name);
            let planned =
                self.planned(gateway, request, &planned.platform, selection, prefix, bench.clone()).await?;
            let wanted = wanted(&planned, &packages)?;
            let wanted = planned.plan.closure(wanted);
            let members = self.members(gateway, request, &planned, &wanted).await?;
            let shown =
                Shown { grants: self.grants(request, &members, None), toolkit: None, sysroot: Some(sysroot) };
            let compiled = self.graph(request, &planned, &wanted, members, shown);
            let suffix = cpu.map(|cpu| cpu.suffix).unwrap_or_default();
            devices.push(Device { suffix, only, planned, compiled });
        }
        Ok(devices)
    }

    /// What compiles for the device.
    async fn bench(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        variant: &Variant,
    ) -> Result<Bench, Failure> {
        let Some(image) = &variant.accelerator.device_toolchain else { return Ok(self.own_bench()) };
        let platform = &request.build_platform;
        let loaded = named::image(gateway, request, &image.reference, platform, Role::Toolchain).await?;
        let toolchain_env = BaseConfig::parse_or_empty(loaded.config.as_deref()).env();
        let name = image.reference.familiar();
        let workshop = Workshop { toolchain: loaded.state.clone(), toolchain_env, ..self.workshop.clone() };
        let identity = identity(gateway, request, &workshop, &loaded, &[], &name).await?;
        let compiler = of_image(&name);
        Ok(Bench { workshop, identity, name, span: image.span.clone(), compiler })
    }

    /// What cargo is asked to build for it: these packages, with their own features and nobody else's.
    fn on_device(
        &self,
        given: &Given<'_>,
        variant: &Variant,
        packages: &BTreeMap<&str, &Span>,
        flag: Option<&str>,
    ) -> Selection {
        let is_theirs = |feature: &&String| {
            feature.split_once('/').is_some_and(|(package, _)| packages.contains_key(package))
        };
        Selection {
            packages: packages.keys().map(ToString::to_string).collect(),
            examples: Vec::new(),
            profile: self.config.profile.clone(),
            features: self
                .config
                .features
                .iter()
                .chain(&variant.features())
                .filter(is_theirs)
                .cloned()
                .collect(),
            no_default_features: false,
            all_features: false,
            target: given.triple.to_owned(),
            rustflags: String::new(),
            without_build_debug: self.without_build_debug(given.toolchain_env),
            cross: Cross::of_device(flag, given),
        }
    }
}

/// Refuses names of packages that are not for devices.
fn known(all: &OnDevices, members: &Members) -> Result<(), Diagnostics> {
    let named = members.configs.values().flat_map(|config| &config.device_crates);
    let problems = named.filter(|(name, _)| !all.contains_key(name)).map(|(name, span)| {
        let unknown = Diagnostic::error(
            Code::InvalidValue,
            format!("`device-crates` has `{name}`, which is no package for devices"),
        );
        let help = match did_you_mean(name, all.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "a member of that name needs `device = [\"ACCELERATOR\"]` under `[package.metadata.longshore]` of its \
                 `Cargo.toml`"
                .to_owned(),
        };
        unknown.help(help).at(span)
    });
    let problems: Vec<Diagnostic> = problems.collect();
    Diagnostics::check((), problems)
}

/// A processor that is compiled for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cpu {
    /// As `-C target-cpu` takes it.
    name: String,
    /// As names of variables have it.
    suffix: String,
}

/// Those of a variant, each once; one without a name where it has none.
fn cpus(variant: &Variant) -> Vec<Option<Cpu>> {
    let family = variant.accelerator.family;
    let mut seen = BTreeSet::new();
    let named = variant.archs.iter().filter_map(|arch: &Arch| {
        let name = arch.cpu(family);
        seen.insert(name.clone()).then(|| {
            let suffix = name.replace(|char: char| !char.is_ascii_alphanumeric(), "").to_ascii_uppercase();
            Some(Cpu { name, suffix })
        })
    });
    let named: Vec<_> = named.collect();
    if named.is_empty() { vec![None] } else { named }
}

/// The vertices that make what is loaded.
fn wanted(planned: &Planned, packages: &BTreeMap<&str, &Span>) -> Result<Vec<VertexId>, Diagnostics> {
    let mut problems = Vec::new();
    let mut wanted = Vec::new();
    for (name, span) in packages {
        match artifact(planned, name) {
            Some(artifact) => wanted.push(artifact.vertex),
            None => problems.push(
                Diagnostic::error(
                    Code::InvalidValue,
                    format!("`{name}` makes nothing that a device could load"),
                )
                .help("write `crate-type = [\"cdylib\"]` under `[lib]` of its `Cargo.toml`")
                .at(span),
            ),
        }
    }
    Diagnostics::check(wanted, problems)
}

fn artifact<'a>(planned: &'a Planned, package: &str) -> Option<&'a Artifact> {
    let mut all = planned.plan.targets.iter();
    all.find(|artifact| {
        planned.graph.package(artifact.package).name == package && !artifact.file.ends_with(".a")
    })
}

/// Hands the files to the packages that name them, in variables that are named as those of cargo's artifact
/// dependencies (<https://doc.rust-lang.org/cargo/reference/unstable.html#artifact-dependencies>). With several
/// architectures each has its name at the end.
pub(super) fn grant(devices: &[Device], members: &Members, grants: &mut BTreeMap<PackageIx, Grants>) {
    for (package, config) in &members.configs {
        for device in devices {
            for (name, _) in &config.device_crates {
                let Some(artifact) = artifact(&device.planned, name) else { continue };
                let Some(output) = device.compiled.outputs.get(&artifact.vertex) else { continue };
                let mut variable =
                    format!("CARGO_CDYLIB_FILE_{}", name.replace('-', "_").to_ascii_uppercase());
                if !device.only {
                    variable = format!("{variable}_{}", device.suffix);
                }
                let directory =
                    if device.suffix.is_empty() { name.clone() } else { format!("{name}/{}", device.suffix) };
                grants.entry(*package).or_default().device_files.push(DeviceFile {
                    variable,
                    path: format!(
                        "{}/{}/{}",
                        paths::DEVICE,
                        directory.to_ascii_lowercase(),
                        artifact.installed
                    ),
                    files: output.files.clone(),
                    file: artifact.file.clone(),
                });
            }
        }
    }
}
