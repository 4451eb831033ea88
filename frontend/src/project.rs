//! The workspace made ready to build: what holds for all platforms, then the plan for one, then its graph.
//!
//! Each step asks BuildKit for what the next one needs and hands it to the pure phases.

mod compiled;
mod device;
mod identity;
mod toolchain;
mod tools;

use std::collections::BTreeMap;

use buildkit_llb::{Digest, Platform, Span, State};
use cargo_metadata::Metadata;

pub use compiled::{Compiled, Other};
pub use device::Device;

use crate::{
    cargo_config::Overrides,
    caution,
    config::{self, Chosen, Config, EntryKind, Given, StandalonePackage},
    context::{self, BuildContext, Entry},
    cross::{Cross, Given as CrossGiven},
    diagnostic::{Diagnostic, Diagnostics},
    emit::{Prefix, Workshop, crates::Locked, package::CachePrefix, record::Selection},
    gateway::{Failure, Gateway},
    lock::Lock,
    members::{Manifests, Settings},
    named::{self, Loaded, Role},
    plan::{
        Plan,
        bundle::{self, Bundling},
    },
    profile::{self, Profiles},
    registries,
    request::Request,
    target::{self, Target},
    triple,
    units::UnitGraph,
    variant::Variant,
    workspace::{self, Names, Workspace},
};

/// Where the frontend's image has the helper.
pub const HELPER_IN_IMAGE: &str = "/longshore-helper";

/// What holds for every platform.
#[derive(Debug, Clone)]
pub struct Project {
    /// The user's settings.
    pub config: Config,
    /// What a `longshore.toml` says about packages.
    pub packages: BTreeMap<String, StandalonePackage>,
    /// The user's files.
    pub context: BuildContext,
    /// `Cargo.lock`.
    pub lock: Lock,
    /// Manifests of the members.
    pub manifests: Manifests,
    /// The image that has rustc and cargo.
    pub toolchain: Loaded,
    /// What every vertex has in common.
    pub workshop: Workshop,
    /// Tells what compiles here from what compiles elsewhere: the toolchain's image, and what is added to it.
    pub identity: Digest,
    locked: Locked,
    /// The toolchain that `rust-toolchain.toml` has rustup install.
    channel: Option<String>,
    /// What that file asks for and does not get, and what may be another tomorrow.
    unheeded: Vec<Diagnostic>,
}

/// The toolchain that a plan was made with, and is carried out with.
#[derive(Debug, Clone)]
pub struct Bench {
    /// What every vertex has in common.
    pub workshop: Workshop,
    /// Tells its image from others.
    pub identity: Digest,
    /// The image, as the user or a default names it.
    pub name: String,
    /// Where the user named it.
    pub span: Option<Span>,
    /// What compiles, in words: the image, or what rustup installed in it.
    pub compiler: String,
}

/// The plan for one platform.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What it is for.
    pub platform: Platform,
    /// The accelerator that it is for.
    pub variant: Option<Variant>,
    /// Before the names of an image's steps.
    pub prefix: Prefix,
    /// Before the names of steps that compile.
    pub steps: Prefix,
    /// What it is carried out with.
    pub bench: Bench,
    /// What cargo was asked to build.
    pub selection: Selection,
    /// What cargo said.
    pub workspace: Workspace,
    /// Vertices of the plans that told to make this one.
    pub before: Vec<State>,
    /// Its units.
    pub graph: UnitGraph,
    /// Its vertices.
    pub plan: Plan,
    /// Before the ids of members' cache mounts.
    pub cache_prefix: CachePrefix,
}

impl Planned {
    /// What a target is called here: with the accelerator after its name.
    pub fn title(&self, target: &Target) -> String {
        self.variant.as_ref().map_or_else(|| target.name.clone(), |variant| variant.name(&target.name))
    }
}

/// The words of a build argument that is a list, as cargo's `--features` takes them.
fn words(given: &Given, name: &str) -> Vec<String> {
    let list = given.get(name).map(String::as_str).unwrap_or_default();
    list.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn gather<T>(result: Result<T, Diagnostics>, problems: &mut Vec<Diagnostic>) -> Option<T> {
    result.map_err(|found| problems.extend(found.into_vec())).ok()
}

impl Project {
    /// Loads the workspace that the entry file stands for.
    ///
    /// # Errors
    /// The user's files are wrong, or a solve failed.
    pub async fn load(
        gateway: &impl Gateway,
        request: &Request,
        frontend: &State,
        entry: &Entry,
    ) -> Result<Project, Failure> {
        let context = context::discover(gateway, request, entry).await?;
        let manifests = Manifests::read(gateway, &context, &context.manifest).await?;
        // Everything that can be found before cargo is asked is told at once.
        let mut problems = Vec::new();
        let given = &request.build_args;
        let (config, packages) = match entry.kind {
            EntryKind::Standalone => match gather(Config::from_standalone(&entry.file, given), &mut problems)
            {
                Some((config, packages)) => (Some(config), packages),
                None => (None, BTreeMap::new()),
            },
            _ => (
                gather(Config::from_workspace_manifest(&context.manifest, given), &mut problems),
                BTreeMap::new(),
            ),
        };
        let lock = gather(Lock::parse(&context.lock), &mut problems);
        // A manifest that holds both tables, and cannot be read, has been complained about already.
        let place = |problem: &Diagnostic| (problem.primary().map(ToString::to_string), problem.to_string());
        for mistake in manifests.mistakes(config.as_ref().map(|config| &config.args)) {
            if !problems.iter().any(|problem| place(problem) == place(&mistake)) {
                problems.push(mistake);
            }
        }
        let mut flag = |name| config::flag(given, name).map_err(|wrong| problems.push(wrong)).ok().flatten();
        let (all, bare) = (flag("ALL_FEATURES"), flag("NO_DEFAULT_FEATURES"));
        let (Some(mut config), Some(lock), true) = (config, lock, problems.is_empty()) else {
            return Err(Diagnostics::new(problems).into());
        };
        config.features.extend(words(given, "FEATURES"));
        config.all_features = all.unwrap_or(config.all_features);
        config.no_default_features = bare.unwrap_or(config.no_default_features);
        if let Some(profile) = given.get("PROFILE").filter(|profile| !profile.is_empty()) {
            config.profile.clone_from(profile);
        }
        let mut chosen = match &context.toolchain_file {
            Some(file) => config::chosen(file, &config.toolchain, &config.builder)?,
            None => Chosen::default(),
        };
        config.toolchain = chosen.image.unwrap_or(config.toolchain);
        let platform = &request.build_platform;
        let toolchain =
            named::image(gateway, request, &config.toolchain.reference, platform, Role::Toolchain).await?;
        let prepared =
            toolchain::prepared(gateway, request, frontend, &toolchain, &config, &chosen.rustup).await?;
        chosen.warnings.extend(prepared.warnings);
        let providers = registries::providers(gateway, request, &context, &lock).await?;
        let locked = Locked::new(&lock, &providers, &context.state);
        Ok(Project {
            config,
            packages,
            context,
            lock,
            manifests,
            toolchain,
            workshop: prepared.workshop,
            identity: prepared.identity,
            locked,
            channel: chosen.rustup.channel.map(|channel| channel.name),
            unheeded: chosen.warnings,
        })
    }

    /// Has cargo plan the build for one platform, or for an accelerator on it.
    ///
    /// # Errors
    /// Cargo refuses the workspace, or a solve failed.
    pub async fn plan(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        platform: &Platform,
        asked: Option<&Variant>,
    ) -> Result<Planned, Failure> {
        self.plan_of(gateway, request, platform, asked, &[]).await
    }

    /// The same for examples: these and nothing else, or what is built anyway where there are none.
    ///
    /// # Errors
    /// As of [`plan`](Project::plan).
    pub async fn plan_of(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        platform: &Platform,
        asked: Option<&Variant>,
        examples: &[String],
    ) -> Result<Planned, Failure> {
        let variant = asked.map(Variant::compiled);
        let compiled_for = match variant {
            Some(variant) => variant.platform(platform)?,
            None => platform.clone(),
        };
        let target = self.triple(platform)?;
        let features = variant.map(|variant| variant.features()).unwrap_or_default();
        let bare = variant.is_some_and(|variant| variant.accelerator.no_default_features);
        let rustflags = request.build_args.get("RUSTFLAGS").cloned().unwrap_or_default();
        let selection = Selection {
            packages: Vec::new(),
            examples: examples.to_vec(),
            profile: self.config.profile.clone(),
            features: self.config.features.iter().cloned().chain(features).collect(),
            no_default_features: self.config.no_default_features || bare,
            all_features: self.config.all_features,
            cross: self.cross(request, &compiled_for, &target, &rustflags),
            target,
            rustflags,
            without_build_debug: self.without_build_debug(&self.workshop.toolchain_env),
        };
        let prefix = Prefix::new(platform, &request.platforms);
        let steps = match variant.filter(|variant| variant.is_part) {
            Some(part) => prefix.with(&part.suffix),
            None => prefix.clone(),
        };
        let mut planned =
            self.planned(gateway, request, platform, selection, steps, self.own_bench()).await?;
        planned.prefix = prefix;
        // What runs on a device is made for those that load it there, and is nothing to ask for.
        let on_devices = self.on_devices(&planned.workspace.metadata)?;
        let graph = &planned.graph;
        planned
            .plan
            .targets
            .retain(|artifact| !on_devices.contains_key(&graph.package(artifact.package).name));
        planned.variant = asked.cloned();
        Ok(planned)
    }

    /// What a plan has to ask for, and images of the user's own making. These have nothing of a plan for an example.
    ///
    /// # Errors
    /// An image names a binary that does not exist.
    pub fn targets(&self, planned: &Planned) -> Result<Vec<Target>, Diagnostics> {
        let of_examples = !planned.selection.examples.is_empty();
        let none = BTreeMap::new();
        let images = if of_examples { &none } else { &self.config.images };
        target::all(&planned.plan, images).map_err(Diagnostics::new)
    }

    /// Has cargo plan what `selection` says.
    async fn planned(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        platform: &Platform,
        selection: Selection,
        prefix: Prefix,
        bench: Bench,
    ) -> Result<Planned, Failure> {
        caution::compiler(&self.context.cargo_config, &bench.workshop.toolchain_env, bench.span.as_ref())?;
        let names = Names {
            manifest: &self.context.manifest,
            toolchain: &bench.name,
            toolchain_span: bench.span.as_ref(),
            compiler: &bench.compiler,
            prefix: &prefix,
        };
        let mut workspace = workspace::query(
            gateway,
            request,
            &bench.workshop,
            &self.context,
            &self.locked,
            &selection,
            &names,
        )
        .await?;
        selection.cross.complete(&selection.target, &mut workspace.recording);
        let graph = UnitGraph::new(&workspace.recording, &workspace.metadata)
            .unwrap_or_else(|bad| panic!("{bad}"))
            .overridden(&Overrides::of(&self.context.cargo_config));
        let bundling = Bundling { bytes_max: self.bundled_bytes_max(), alone: self.alone(&graph) };
        let plan = Plan::bundled(&graph, &bundling);
        let cached = |triple: &str| {
            cache_prefix(request, &workspace.metadata, triple, &selection.profile, &bench.identity)
        };
        let cache_prefix =
            CachePrefix { host: cached(&workspace.recording.host), target: cached(&selection.target) };
        Ok(Planned {
            platform: platform.clone(),
            variant: None,
            steps: prefix.clone(),
            prefix,
            bench,
            selection,
            workspace,
            before: Vec::new(),
            graph,
            plan,
            cache_prefix,
        })
    }

    /// What cargo is told, so that it compiles what runs here as in a build without `--target`.
    fn without_build_debug(&self, toolchain_env: &BTreeMap<String, String>) -> Option<String> {
        let profiles = Profiles {
            manifest: &self.context.manifest,
            cargo_config: &self.context.cargo_config,
            toolchain_env,
        };
        profile::without_build_debug(&self.config.profile, &profiles)
    }

    /// Up to how many bytes an archive is small, whose package may share a step.
    fn bundled_bytes_max(&self) -> u64 {
        let is_on = self.config.bundle.unwrap_or_else(|| bundle::is_default(self.locked.crates.len()));
        if is_on { bundle::SMALL_BYTES_MAX } else { 0 }
    }

    /// What compiles for platforms.
    fn own_bench(&self) -> Bench {
        let name = self.config.toolchain.reference.familiar();
        let compiler = match &self.channel {
            Some(channel) => format!("`{channel}`"),
            None => of_image(&name),
        };
        Bench {
            workshop: self.workshop.clone(),
            identity: self.identity.clone(),
            name,
            span: self.config.toolchain.span.clone(),
            compiler,
        }
    }

    /// The triple that is compiled for a platform.
    ///
    /// # Errors
    /// None of those that the user names is for it.
    pub fn triple(&self, platform: &Platform) -> Result<String, Diagnostic> {
        let wanted: Vec<String> = self.config.target.iter().map(|(triple, _)| triple.clone()).collect();
        triple::chosen(platform, &wanted).map_err(|wrong| match self.config.target.first() {
            Some((_, span)) => wrong.at(span),
            None => wrong,
        })
    }

    /// What cargo is told of a target that is not the builder's own, or that is of one of its CPUs.
    fn cross(&self, request: &Request, platform: &Platform, triple: &str, rustflags: &str) -> Cross {
        if *platform == request.build_platform {
            return Cross::default();
        }
        Cross::new(&CrossGiven {
            build_platform: &request.build_platform,
            platform,
            triple,
            cargo_config: &self.context.cargo_config,
            toolchain_env: &self.workshop.toolchain_env,
            rustflags,
        })
    }

    /// What a build of this workspace may not do as its user expects.
    pub fn cautions(&self, planned: &Planned) -> Vec<Diagnostic> {
        let mut warnings = caution::warnings(&planned.workspace.recording, &planned.bench.compiler);
        warnings.extend(self.unheeded.iter().cloned());
        warnings.extend(self.crate_cautions(&planned.graph, &planned.workspace.metadata));
        let manifests = self.manifests.files().filter(|file| file.name() != self.context.manifest.name());
        warnings.extend(std::iter::once(&self.context.manifest).chain(manifests).flat_map(caution::misspelt));
        warnings.extend(caution::cargo_config(&self.context.cargo_config));
        warnings
    }

    fn settings(&self) -> Settings<'_> {
        Settings { manifests: &self.manifests, args: &self.config.args, standalone: &self.packages }
    }
}

/// The compiler of an image, in words.
fn of_image(name: &str) -> String {
    format!("the toolchain image `{name}`")
}

/// What tells one workspace's cache mounts from another's, and one toolchain's, target's and profile's state from
/// another's, so that nothing in a mount can be read by a compiler that did not write it.
fn cache_prefix(
    request: &Request,
    metadata: &Metadata,
    triple: &str,
    profile: &str,
    toolchain: &Digest,
) -> String {
    let mut members: Vec<&str> =
        metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    members.sort_unstable();
    let workspace = match metadata.root_package() {
        Some(root) => root.name.to_string(),
        None => Digest::of(members.join(" ").as_bytes()).hex()[..16].to_owned(),
    };
    let namespace = match request.cache_namespace.as_str() {
        "" => String::new(),
        namespace => format!("{namespace}/"),
    };
    format!("{namespace}longshore/{workspace}/{triple}/{profile}/{}", &toolchain.hex()[..16])
}
