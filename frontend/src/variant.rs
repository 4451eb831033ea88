//! What an accelerator makes of a target: names, variables, labels. Pure.

use std::collections::BTreeMap;

use buildkit_llb::Platform;

use crate::{
    accelerator::{Arch, ArchMode, Family, Layout, arch},
    config::Accelerator,
    diagnostic::{Code, Diagnostic},
};

/// An accelerator, with the architectures of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Its settings.
    pub accelerator: Accelerator,
    /// What the image has code for; empty where no build has to know.
    pub archs: Vec<Arch>,
    /// What its targets have after their names: `cuda`, `cuda-sm80`.
    pub suffix: String,
    /// The same for all names of one variant.
    pub identity: String,
    /// The variants that one image has the programs of, and a launcher; empty where it is built by itself.
    pub parts: Vec<Variant>,
    /// It is such a part itself.
    pub is_part: bool,
}

/// The variants of all accelerators.
///
/// One that is built for each architecture by itself is its first architecture under its plain name.
pub fn all(accelerators: &BTreeMap<String, Accelerator>) -> Vec<Variant> {
    accelerators.values().flat_map(of).collect()
}

fn of(accelerator: &Accelerator) -> Vec<Variant> {
    let variant = |archs: &[Arch], suffix: String, identity: String| Variant {
        accelerator: match archs {
            [one] => accelerator.of_arch(one),
            _ => accelerator.clone(),
        },
        archs: archs.to_vec(),
        suffix,
        identity,
        parts: Vec::new(),
        is_part: false,
    };
    let name = accelerator.name.clone();
    match accelerator.mode {
        ArchMode::PerBuild => {
            let long = |arch: &Arch| format!("{name}-{}", arch.suffix(accelerator.family));
            let first = &accelerator.archs[..accelerator.archs.len().min(1)];
            let identity = first.first().map_or_else(|| name.clone(), long);
            let single = |arch| variant(std::slice::from_ref(arch), long(arch), long(arch));
            let single: Vec<Variant> = accelerator.archs.iter().map(single).collect();
            if accelerator.layout == Layout::Fat {
                let parts = single.into_iter().map(|part| Variant { is_part: true, ..part }).collect();
                return vec![Variant { parts, ..variant(&accelerator.archs, name.clone(), name) }];
            }
            let mut variants = vec![variant(first, name, identity)];
            variants.extend(single);
            variants
        }
        ArchMode::List | ArchMode::None => vec![variant(&accelerator.archs, name.clone(), name)],
    }
}

/// What a target's name may mean besides a target: a variant, and the target that it is one of. The longest suffix goes
/// first.
pub fn asked<'a>(accelerators: &BTreeMap<String, Accelerator>, name: &'a str) -> Vec<(Variant, &'a str)> {
    let mut found: Vec<(Variant, &str)> = all(accelerators)
        .into_iter()
        .filter_map(|variant| {
            let base = name.strip_suffix(&variant.suffix)?.strip_suffix('-')?;
            Some((variant, base))
        })
        .collect();
    found.sort_by_key(|(variant, _)| std::cmp::Reverse(variant.suffix.len()));
    found
}

impl Variant {
    /// What is planned and compiled for it: the first of its parts, or itself.
    pub fn compiled(&self) -> &Variant {
        self.parts.first().unwrap_or(self)
    }

    /// The name of a part's program beside the launcher: `server-sm80`.
    pub fn beside(&self, path: &str) -> String {
        let archs = self.archs.iter().map(|arch| format!("-{}", arch.suffix(self.accelerator.family)));
        format!("{path}{}", archs.collect::<String>())
    }

    /// It has a longer name as well.
    pub fn is_short(&self) -> bool {
        self.suffix != self.identity
    }

    /// The name of a target of this variant.
    pub fn name(&self, target: &str) -> String {
        format!("{target}-{}", self.suffix)
    }

    /// In a sentence: `NVIDIA GPUs, CUDA 13: sm_80`.
    pub fn about(&self) -> String {
        let archs: Vec<String> = self.archs.iter().map(|arch| arch.label(self.accelerator.family)).collect();
        let about = match self.accelerator.about.as_str() {
            "" => self.accelerator.name.as_str(),
            about => about,
        };
        if archs.is_empty() { about.to_owned() } else { format!("{about}: {}", archs.join(", ")) }
    }

    /// Variables of the steps that see the toolkit, over `path`, the `PATH` of the image that they run in. `prefix` is what
    /// the compiler of the image's platform has before its name, where that is not the builder's.
    pub fn env(&self, path: Option<&str>, prefix: Option<&str>) -> BTreeMap<String, String> {
        let Accelerator { family, env, arch_env, path: first, .. } = &self.accelerator;
        let mut variables = env.clone();
        if let (Family::Cuda, Some(prefix)) = (family, prefix) {
            // nvcc and what starts it (cudaforge, bindgen_cuda) find the host's compiler by it.
            variables.entry("NVCC_CCBIN".to_owned()).or_insert_with(|| format!("{prefix}-g++"));
        }
        for (name, value) in self.rendered(arch_env) {
            variables.entry(name).or_insert(value);
        }
        if !first.is_empty() {
            let rest = path.map(|path| format!(":{path}")).unwrap_or_default();
            variables.insert("PATH".to_owned(), format!("{}{rest}", first.join(":")));
        }
        variables
    }

    /// Variables with the architectures filled in; none where there are none.
    pub fn rendered(&self, templates: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let family = self.accelerator.family;
        let templates = templates.iter().filter(|_| !self.archs.is_empty());
        // Settings are checked when they are read.
        let rendered = |template: &String| {
            arch::render(template, &self.archs, family).unwrap_or_else(|_| template.clone())
        };
        templates.map(|(name, template)| (name.clone(), rendered(template))).collect()
    }

    /// The names of the images that have the toolkit and the device's toolchain, as the settings have them.
    pub fn images(&self) -> Vec<String> {
        let images = self.accelerator.image.iter().chain(&self.accelerator.device_toolchain);
        images.map(|image| image.reference.familiar()).collect()
    }

    /// Labels of its images.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.accelerator.labels.clone();
        if !self.archs.is_empty() {
            let archs: Vec<String> =
                self.archs.iter().map(|arch| arch.label(self.accelerator.family)).collect();
            labels.insert("longshore.archs".to_owned(), archs.join(","));
        }
        let features = self.compiled().features();
        if !features.is_empty() {
            labels.insert("longshore.features".to_owned(), features.join(","));
        }
        labels
    }

    /// The architectures that device code must have; `None` where nobody looks.
    pub fn device_code(&self) -> Option<Vec<String>> {
        let looked_at = self.accelerator.verify && !self.archs.is_empty();
        looked_at.then(|| self.archs.iter().map(|arch| arch.label(self.accelerator.family)).collect())
    }

    /// Features on top of the workspace's.
    pub fn features(&self) -> Vec<String> {
        self.accelerator.features.clone()
    }

    /// The platform that is compiled for: a level of the CPU is one of its own.
    ///
    /// # Errors
    /// The accelerator does not exist there.
    pub fn platform(&self, platform: &Platform) -> Result<Platform, Diagnostic> {
        let name = &self.accelerator.name;
        let allowed = &self.accelerator.platforms;
        let refused = |help: String| {
            Diagnostic::error(Code::UnsupportedOption, format!("`{name}` is not built for `{platform}`"))
                .help(help)
                .at(&self.accelerator.span)
        };
        if !allowed.is_empty() && !allowed.contains(platform) {
            let allowed: Vec<String> = allowed.iter().map(|platform| format!("`{platform}`")).collect();
            return Err(refused(format!("it is for {}", allowed.join(", "))));
        }
        match self.archs.first() {
            Some(level) if self.accelerator.family == Family::Cpu => {
                if platform.architecture() != "amd64" {
                    return Err(refused("levels are those of `linux/amd64`".to_owned()));
                }
                let name = format!("{}/{}/{}", platform.os(), platform.architecture(), level.as_str());
                Platform::parse(&name).map_err(|error| refused(error.to_string()))
            }
            _ => Ok(platform.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use buildkit_llb::SourceFile;

    use super::*;
    use crate::config::{Config, Given};

    fn accelerators(text: &str) -> BTreeMap<String, Accelerator> {
        let file = SourceFile::new("longshore.toml", "TOML", text);
        Config::from_standalone(&file, &Given::new()).unwrap().0.accelerators
    }

    const TWO: &str = r#"
        [accelerator.cuda]
        preset = "cuda-13"
        archs = ["80", "90a"]
        [accelerator.rocm]
        preset = "rocm-7"
        archs = ["gfx90a", "gfx1100"]
    "#;

    #[test]
    fn names_mean_the_longest_suffix() {
        let two = accelerators(TWO);
        let names: Vec<String> = all(&two).iter().map(|variant| variant.name("server")).collect();
        assert_eq!(names, ["server-cuda", "server-cuda-sm80", "server-cuda-sm90a", "server-rocm"]);
        let found = asked(&two, "server-cuda-sm90a");
        let found: Vec<_> = found.iter().map(|(variant, base)| (variant.suffix.as_str(), *base)).collect();
        assert_eq!(found, [("cuda-sm90a", "server")]);
        assert!(asked(&two, "server").is_empty() && asked(&two, "cuda").is_empty());
    }

    #[test]
    fn tools_find_their_variables() {
        let two = accelerators(TWO);
        let (cuda, _) = &asked(&two, "server-cuda-sm90a")[0];
        let env = cuda.env(Some("/usr/bin"), None);
        assert_eq!(env["CUDA_COMPUTE_CAP"], "90a");
        assert_eq!(env["TORCH_CUDA_ARCH_LIST"], "9.0a");
        assert_eq!(env["PATH"], "/usr/local/cuda/bin:/usr/bin");
        assert_eq!(env.get("NVCC_CCBIN"), None);
        assert_eq!(cuda.env(None, Some("aarch64-linux-gnu"))["NVCC_CCBIN"], "aarch64-linux-gnu-g++");
        assert_eq!(cuda.labels()["longshore.archs"], "sm_90a");
        assert_eq!(cuda.device_code(), Some(vec!["sm_90a".to_owned()]));
        assert_eq!(cuda.images(), ["nvidia/cuda:13.0.2-devel-ubuntu24.04"]);
        let (rocm, _) = &asked(&two, "server-rocm")[0];
        assert_eq!(rocm.env(None, None)["AMDGPU_TARGETS"], "gfx90a;gfx1100");
    }

    #[test]
    fn an_accelerator_is_for_its_platforms() {
        let amd64 = Platform::parse("linux/amd64").unwrap();
        let arm64 = Platform::parse("linux/arm64").unwrap();
        let two = accelerators(TWO);
        let (rocm, _) = &asked(&two, "server-rocm")[0];
        assert_eq!(rocm.platform(&amd64).unwrap(), amd64);
        assert_eq!(
            rocm.platform(&arm64).unwrap_err().to_string(),
            "`rocm` is not built for `linux/arm64`\nhelp: it is for `linux/amd64`"
        );
        let cpu = accelerators("[accelerator.cpu]\narchs = [\"v3\"]\n");
        let (level, _) = &asked(&cpu, "server-cpu-v3")[0];
        assert_eq!(level.platform(&amd64).unwrap().to_string(), "linux/amd64/v3");
    }
}
