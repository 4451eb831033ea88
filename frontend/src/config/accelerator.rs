//! `accelerator.NAME`: what is built for processors besides the CPU.

mod raw;
mod values;

use std::collections::BTreeMap;

use buildkit_llb::{GitUrl, Platform, Span};

pub(super) use self::raw::{RawAccelerator, RawVariables};
use self::raw::{RawOverride, RawRepository};
use super::PackageVariables;
use super::image::{ImageName, ImageOverrides};
use super::raw::Spanned;
use super::validate::{self, Wrong, valid};
use crate::accelerator::{Arch, ArchMode, Family, Layout, Preset};
use crate::diagnostic::{Code, Diagnostic};

/// An accelerator of the workspace's: its preset with the user's settings on top.
#[derive(Clone, Debug, PartialEq)]
pub struct Accelerator {
    /// What its targets have after their names.
    pub name: String,
    /// In a sentence; empty without a preset.
    pub about: String,
    /// What its architectures are called.
    pub family: Family,
    /// Those that are built for, in the user's order.
    pub archs: Vec<Arch>,
    /// How code for several is made.
    pub mode: ArchMode,
    /// What becomes of programs for several.
    pub layout: Layout,
    /// Platforms that it is built for; empty for all.
    pub platforms: Vec<Platform>,
    /// Where single architectures differ, by name.
    pub overrides: BTreeMap<String, Override>,
    /// Features on top of the workspace's.
    pub features: Vec<String>,
    /// As for `cargo build --no-default-features`.
    pub no_default_features: bool,
    /// The image that has the toolkit.
    pub image: Option<ImageName>,
    /// What of it is seen, at the same paths.
    pub paths: Vec<String>,
    /// Repositories that build scripts would clone.
    pub git: Vec<Repository>,
    /// Directories that programs are looked for in first.
    pub path: Vec<String>,
    /// Variables of the steps that see it.
    pub env: BTreeMap<String, String>,
    /// The same, with architectures to be filled in.
    pub arch_env: BTreeMap<String, String>,
    /// Packages whose steps see it, besides members that say so themselves.
    pub packages: Vec<String>,
    /// What the device's own processor is called as a target of rustc's; `None` where Rust has none.
    pub device: Option<String>,
    /// The image that compiles packages for it; the workspace's toolchain without.
    pub device_toolchain: Option<ImageName>,
    /// Where its images differ from the workspace's.
    pub runtime: ImageOverrides,
    /// Labels of its images, under the user's.
    pub labels: BTreeMap<String, String>,
    /// Libraries that the machine's driver brings.
    pub driver: Vec<String>,
    /// The architectures of device code are compared with those asked for.
    pub verify: bool,
    /// Where the user named it.
    pub span: Span,
}

/// Where one architecture differs from the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Override {
    /// Features in place of the accelerator's.
    pub features: Option<Vec<String>>,
    /// Variables on top of the accelerator's.
    pub env: BTreeMap<String, String>,
    /// Platforms in place of the accelerator's.
    pub platforms: Option<Vec<Platform>>,
}

/// A checkout that steps see.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    /// Where it is.
    pub url: GitUrl,
    /// Which commit.
    pub commit: String,
    /// Where steps see it, with its `.git`.
    pub to: String,
}

impl Accelerator {
    /// As it is for one of its architectures.
    pub fn of_arch(&self, arch: &Arch) -> Accelerator {
        let mut accelerator = self.clone();
        if let Some(own) = self.overrides.get(arch.as_str()) {
            accelerator.features = own.features.clone().unwrap_or(accelerator.features);
            accelerator.env.extend(own.env.clone());
            accelerator.platforms = own.platforms.clone().unwrap_or(accelerator.platforms);
        }
        accelerator
    }
}

/// Variables that choose devices when a program runs. In an image they would choose on machines that nobody knows yet.
const RUN_TIME: [&str; 8] = [
    "ASCEND_RT_VISIBLE_DEVICES",
    "ASCEND_VISIBLE_DEVICES",
    "CUDA_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "TPU_VISIBLE_CHIPS",
    "ZE_AFFINITY_MASK",
];

/// The accelerators, by name, with their mistakes added to `gathered`.
pub(super) fn accelerators(
    raw: Vec<(Spanned<String>, RawAccelerator)>,
    gathered: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Accelerator> {
    let mut found = BTreeMap::new();
    for (name, raw) in raw {
        let span = name.span.clone();
        let Some(name) = valid("accelerator", name, |name| values::name(&name.value), gathered) else {
            continue;
        };
        if let Some(accelerator) = accelerator(&name, &span, raw, gathered) {
            found.insert(name, accelerator);
        }
    }
    found
}

fn accelerator(
    name: &str,
    span: &Span,
    raw: RawAccelerator,
    gathered: &mut Vec<Diagnostic>,
) -> Option<Accelerator> {
    let preset = match raw.preset {
        Some(written) => Some(valid("preset", written, |written| values::preset(&written.value), gathered)?),
        None => Preset::find(name),
    };
    let family = preset.map_or(Family::Generic, |preset| preset.family);
    let mode = raw
        .mode
        .and_then(|written| valid("arch-mode", written, |written| values::mode(&written.value), gathered))
        .or(preset.map(|preset| preset.mode))
        .unwrap_or(ArchMode::PerBuild);
    let archs = archs(raw.archs, preset, mode, span, name, gathered);
    let defaults = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let mut env = preset.map(|preset| defaults(preset.env)).unwrap_or_default();
    env.extend(variables("build.env", raw.build.env, gathered));
    let mut arch_env = preset.map(|preset| defaults(preset.arch_env)).unwrap_or_default();
    arch_env.extend(templates("build.arch-env", raw.build.arch_env, family, gathered));
    let runtime_env: Vec<_> = raw.runtime.env.iter().map(|(name, _)| name.clone()).collect();
    for variable in runtime_env {
        let foreign =
            variable.value.starts_with("NVIDIA_") && family != Family::Cuda && family != Family::Generic;
        if RUN_TIME.contains(&variable.value.as_str()) || foreign {
            let problem = if foreign {
                format!("`runtime.env` has `{}`, which is for NVIDIA's GPUs", variable.value)
            } else {
                format!("`runtime.env` has `{}`, which chooses devices when the program runs", variable.value)
            };
            let help = "leave it out: whoever runs the image sets it";
            gathered.push(Diagnostic::error(Code::InvalidValue, problem).help(help).at(&variable.span));
        }
    }
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mut absolute = |key: &'static str, list: Option<Spanned<Vec<Spanned<String>>>>| {
        let list = list?.value.into_iter();
        Some(
            list.filter_map(|path| {
                valid(key, path, |path| validate::absolute("paths", &path.value), gathered)
            })
            .collect(),
        )
    };
    let paths: Option<Vec<String>> = absolute("build.paths", raw.build.paths);
    let path: Option<Vec<String>> = absolute("build.path", raw.build.path);
    let image = match raw.build.image {
        Some(written) => valid("build.image", written, validate::toolchain_name, gathered),
        None => preset.and_then(|preset| preset.image).map(ImageName::builtin),
    };
    let paths = paths.unwrap_or_else(|| preset.map(|preset| owned(preset.paths)).unwrap_or_default());
    if image.is_some() && paths.is_empty() {
        let problem = format!("the accelerator `{name}` takes nothing of its `build.image`");
        let help = "name what steps shall see: `build.paths = [\"/usr/local/toolkit\"]`";
        gathered.push(Diagnostic::error(Code::InvalidValue, problem).help(help).at(span));
    }
    let layout = raw
        .layout
        .and_then(|written| {
            valid("layout", written, |written| values::layout(&written.value, family, mode), gathered)
        })
        .unwrap_or_default();
    let overrides = overrides(raw.overrides, &archs, mode, gathered);
    let git = repositories(raw.build.git, gathered);
    let platforms = match raw.platforms {
        Some(written) => platforms(written, gathered),
        None => preset
            .map(|preset| preset.platforms.iter().filter_map(|name| Platform::parse(name).ok()).collect())
            .unwrap_or_default(),
    };
    let device = match raw.device.target {
        Some(written) => {
            valid("device.target", written, |written| validate::triple(&written.value), gathered)
        }
        None => preset.and_then(|preset| preset.device).map(str::to_owned),
    };
    let device_toolchain = raw
        .device
        .toolchain
        .and_then(|written| valid("device.toolchain", written, validate::toolchain_name, gathered));
    let mut packages: Vec<String> = preset.map(|preset| owned(preset.packages)).unwrap_or_default();
    packages.extend(raw.build.packages.into_iter().map(|name| name.value));
    packages.sort();
    packages.dedup();
    let mut runtime = validate::image(raw.runtime, gathered);
    if runtime.base.is_none() {
        let name = preset.and_then(|preset| preset.runtime).map(ImageName::builtin);
        runtime.base = name.map(super::Base::Image);
    }
    let mut labels = preset.map(|preset| defaults(preset.labels)).unwrap_or_default();
    labels.insert("longshore.accelerator".to_owned(), name.to_owned());
    Some(Accelerator {
        name: name.to_owned(),
        about: preset.map(|preset| preset.about.to_owned()).unwrap_or_default(),
        family,
        archs,
        mode,
        platforms,
        layout,
        overrides,
        features: features(raw.features, gathered),
        no_default_features: raw.no_default_features,
        image,
        paths,
        git,
        path: path.unwrap_or_else(|| preset.map(|preset| owned(preset.path)).unwrap_or_default()),
        env,
        arch_env,
        packages,
        device,
        device_toolchain,
        runtime,
        labels,
        driver: preset.map(|preset| owned(preset.driver)).unwrap_or_default(),
        verify: raw.verify.unwrap_or_else(|| preset.is_some_and(|preset| preset.verify)),
        span: span.clone(),
    })
}

fn platforms(written: Spanned<Vec<Spanned<String>>>, gathered: &mut Vec<Diagnostic>) -> Vec<Platform> {
    let names = written.value.into_iter();
    names
        .filter_map(|name| valid("platforms", name, |name| values::platform(&name.value), gathered))
        .collect()
}

fn features(written: Vec<Spanned<String>>, gathered: &mut Vec<Diagnostic>) -> Vec<String> {
    let names = written.into_iter();
    names
        .filter_map(|name| valid("features", name, |name| validate::feature(&name.value), gathered))
        .collect()
}

fn overrides(
    raw: Vec<(Spanned<String>, RawOverride)>,
    archs: &[Arch],
    mode: ArchMode,
    gathered: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Override> {
    let mut found = BTreeMap::new();
    for (name, raw) in raw {
        let known = |name: &Spanned<String>| {
            let text = &name.value;
            if mode != ArchMode::PerBuild {
                return Err(Wrong::new(format!("has `{text}`, and one build is for all architectures"))
                    .help("only with `arch-mode = \"per-build\"` can they differ".to_owned()));
            }
            if !archs.iter().any(|arch| arch.as_str() == text) {
                return Err(Wrong::new(format!("has `{text}`, which is not among `archs`")));
            }
            Ok(text.clone())
        };
        let Some(name) = valid("arch", name, known, gathered) else { continue };
        let own = Override {
            features: raw.features.map(|list| features(list.value, gathered)),
            env: variables("env", raw.env, gathered),
            platforms: raw.platforms.map(|list| platforms(list, gathered)),
        };
        found.insert(name, own);
    }
    found
}

fn repositories(raw: Vec<RawRepository>, gathered: &mut Vec<Diagnostic>) -> Vec<Repository> {
    let mut found = Vec::new();
    for RawRepository { url, commit, to, span } in raw {
        let missing = [("url", url.is_none()), ("commit", commit.is_none()), ("to", to.is_none())];
        for (key, _) in missing.iter().filter(|(_, missing)| *missing) {
            gathered.push(
                Diagnostic::error(Code::InvalidValue, format!("a repository in `build.git` has no `{key}`"))
                    .at(&span),
            );
        }
        let url = url.and_then(|url| {
            let read = |url: &Spanned<String>| {
                GitUrl::parse(&url.value).map_err(|wrong| Wrong::new(format!("is wrong: {wrong}")))
            };
            valid("url", url, read, gathered)
        });
        let commit = commit
            .and_then(|commit| valid("commit", commit, |commit| values::commit(&commit.value), gathered));
        let to = to.and_then(|to| valid("to", to, |to| validate::absolute("to", &to.value), gathered));
        if let (Some(url), Some(commit), Some(to)) = (url, commit, to) {
            found.push(Repository { url, commit, to });
        }
    }
    found
}

fn templates(
    key: &str,
    pairs: Vec<(Spanned<String>, Spanned<String>)>,
    family: Family,
    gathered: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    let pairs = pairs.into_iter().filter_map(|(name, template)| {
        let template = valid(key, template, |template| values::template(&template.value, family), gathered)?;
        Some((name.value, template))
    });
    pairs.collect()
}

/// What a package says of accelerators.
pub(super) fn of_package(
    raw: Vec<(Spanned<String>, RawVariables)>,
    gathered: &mut Vec<Diagnostic>,
) -> BTreeMap<String, PackageVariables> {
    let mut found = BTreeMap::new();
    for (name, raw) in raw {
        let own = PackageVariables {
            env: variables("env", raw.env, gathered),
            arch_env: templates("arch-env", raw.arch_env, Family::Generic, gathered),
            span: name.span.clone(),
        };
        found.insert(name.value, own);
    }
    found
}

fn variables(
    key: &str,
    pairs: Vec<(Spanned<String>, Spanned<String>)>,
    gathered: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    let pairs = pairs.into_iter().filter_map(|(name, value)| {
        let checked = valid(
            key,
            name,
            |name| match RUN_TIME.contains(&name.value.as_str()) {
                true => Err(Wrong::new(format!(
                    "has `{}`, which chooses devices when a program runs",
                    name.value
                ))
                .help("leave it out: nothing runs on a device while images are built".to_owned())),
                false => Ok(name.value.clone()),
            },
            gathered,
        )?;
        Some((checked, value.value))
    });
    pairs.collect()
}

fn archs(
    written: Option<Spanned<Vec<Spanned<String>>>>,
    preset: Option<&Preset>,
    mode: ArchMode,
    span: &Span,
    name: &str,
    gathered: &mut Vec<Diagnostic>,
) -> Vec<Arch> {
    let known = preset.map(|preset| preset.archs).unwrap_or_default();
    let family = preset.map_or(Family::Generic, |preset| preset.family);
    let Some(written) = written.filter(|written| !written.value.is_empty()) else {
        if mode != ArchMode::None && !matches!(family, Family::Cpu | Family::Spirv) && preset.is_some() {
            let example = known.get(known.len() / 2).copied().unwrap_or("v5e:2x2x1");
            gathered.push(
                Diagnostic::error(Code::InvalidValue, format!("the accelerator `{name}` has no `archs`"))
                    .help(format!("name what to compile for: `archs = [\"{example}\"]`"))
                    .at(span),
            );
        }
        return Vec::new();
    };
    if mode == ArchMode::None {
        gathered.push(
            Diagnostic::error(
                Code::InvalidValue,
                format!("`{name}` has `archs`, which nothing is compiled for"),
            )
            .help("leave them out, or choose an `arch-mode`")
            .at(&written.span),
        );
        return Vec::new();
    }
    let mut archs: Vec<Arch> = Vec::new();
    for element in written.value {
        let check = |written: &Spanned<String>| {
            let text = &written.value;
            let arch = Arch::parse(text, family).map_err(|(why, help)| {
                let wrong = Wrong::new(format!("has `{text}`, {why}"));
                match help {
                    Some(help) => wrong.help(help),
                    None => wrong,
                }
            })?;
            if arch.is_ptx() && mode == ArchMode::PerBuild {
                return Err(Wrong::new(format!("has `{text}`, and each build is for one processor")).help(
                    "write `arch-mode = \"list\"` for code of several kinds in one program".to_owned(),
                ));
            }
            if !known.is_empty() && !known.contains(&arch.plain()) {
                let wrong = Wrong::new(format!(
                    "has `{text}`, which the toolkit of `{}` does not know",
                    preset.map_or("", |preset| preset.name)
                ));
                return Err(wrong.help(format!("it knows `{}`", known.join("`, `"))));
            }
            if archs.contains(&arch) {
                return Err(Wrong::new(format!("has `{text}` twice")));
            }
            Ok(arch)
        };
        if let Some(arch) = valid("archs", element, check, gathered) {
            archs.push(arch);
        }
    }
    archs
}
