//! The workspace made ready to build: what holds for all platforms, then the plan for one, then its graph.
//!
//! Each step asks BuildKit for what the next one needs and hands it to the pure phases.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::{Digest, Platform, Span, State};
use camino::Utf8PathBuf;
use cargo_metadata::Metadata;

use crate::{
    caution,
    config::{Config, EntryKind, Given, PackageConfig, SecretPlace, StandalonePackage},
    context::{self, BuildContext, Entry},
    cross::{Cross, Given as CrossGiven},
    diagnostic::{Diagnostic, Diagnostics},
    emit::{
        Prefix, Workshop, crates,
        package::{self, CachePrefix, Grants, Output, Packages, SecretGrant, Sources, Toolkit, packages},
        record::Selection,
    },
    gateway::{Failure, Gateway},
    image::BaseConfig,
    lock::Lock,
    members::{self, Manifests, Members, Settings},
    named::{self, Loaded, Role},
    plan::{Plan, VertexId},
    request::Request,
    target::Target,
    triple,
    units::{PackageIx, Side, UnitGraph},
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
    crates: BTreeMap<String, State>,
}

/// The plan for one platform.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What it is for.
    pub platform: Platform,
    /// The accelerator that it is for.
    pub variant: Option<Variant>,
    /// Before the names of its steps.
    pub prefix: Prefix,
    /// What cargo was asked to build.
    pub selection: Selection,
    /// What cargo said.
    pub workspace: Workspace,
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

/// The graph for some vertices of a plan.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The members among them.
    pub members: Members,
    /// What each vertex makes.
    pub outputs: BTreeMap<VertexId, Output>,
    /// Members' own files.
    pub own: BTreeMap<PackageIx, State>,
    /// What some of them see.
    pub toolkit: Option<Toolkit>,
}

impl Compiled {
    /// Secrets that the members name, and where.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &Span)> {
        let all = self.members.configs.values().flat_map(|config| &config.secrets);
        all.map(|secret| (secret.id.as_str(), &secret.span))
    }

    /// What the members of a target have to tell.
    pub fn reports(&self, planned: &Planned, target: &Target) -> Vec<&State> {
        let wanted = planned.plan.closure(target.artifacts.iter().map(|artifact| artifact.vertex));
        wanted.iter().filter_map(|id| self.outputs.get(id)?.report.as_ref()).collect()
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
        let (Some(mut config), Some(lock), true) = (config, lock, problems.is_empty()) else {
            return Err(Diagnostics::new(problems).into());
        };
        config.features.extend(words(given, "FEATURES"));
        if let Some(profile) = given.get("PROFILE").filter(|profile| !profile.is_empty()) {
            config.profile.clone_from(profile);
        }
        let build_platform = request.build_platform.clone();
        let toolchain =
            named::image(gateway, request, &config.toolchain.reference, &build_platform, Role::Toolchain)
                .await?;
        let workshop = Workshop {
            build_platform,
            toolchain: toolchain.state.clone(),
            toolchain_env: BaseConfig::parse_or_empty(toolchain.config.as_deref()).env(),
            helper: (frontend.clone(), HELPER_IN_IMAGE.to_owned()),
            sandbox: request.sandbox.clone(),
        };
        let crates = crates::crates(&lock);
        Ok(Project { config, packages, context, lock, manifests, toolchain, workshop, crates })
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
        variant: Option<&Variant>,
    ) -> Result<Planned, Failure> {
        let compiled_for = match variant {
            Some(variant) => variant.platform(platform)?,
            None => platform.clone(),
        };
        let target = self.triple(platform)?;
        let features = variant.map(|variant| variant.accelerator.features.as_slice()).unwrap_or_default();
        let bare = variant.is_some_and(|variant| variant.accelerator.no_default_features);
        let rustflags = request.build_args.get("RUSTFLAGS").cloned().unwrap_or_default();
        let selection = Selection {
            profile: self.config.profile.clone(),
            features: self.config.features.iter().chain(features).cloned().collect(),
            no_default_features: self.config.no_default_features || bare,
            all_features: self.config.all_features,
            cross: self.cross(gateway, request, &compiled_for, &target, &rustflags).await?,
            target,
            rustflags,
        };
        let toolchain = self.config.toolchain.reference.familiar();
        let prefix = Prefix::new(platform, &request.platforms);
        let names = Names {
            manifest: &self.context.manifest,
            toolchain: &toolchain,
            toolchain_span: self.config.toolchain.span.as_ref(),
            prefix: &prefix,
        };
        let mut workspace = workspace::query(
            gateway,
            request,
            &self.workshop,
            &self.context,
            &self.crates,
            &selection,
            &names,
        )
        .await?;
        selection.cross.complete(&selection.target, &mut workspace.recording);
        let graph =
            UnitGraph::new(&workspace.recording, &workspace.metadata).unwrap_or_else(|bad| panic!("{bad}"));
        let plan = Plan::new(&graph);
        let cached =
            |triple: &str| self.cache_prefix(request, &workspace.metadata, triple, &selection.profile);
        let cache_prefix =
            CachePrefix { host: cached(&workspace.recording.host), target: cached(&selection.target) };
        Ok(Planned {
            platform: platform.clone(),
            variant: variant.cloned(),
            prefix,
            selection,
            workspace,
            graph,
            plan,
            cache_prefix,
        })
    }

    /// The triple that is compiled for a platform.
    fn triple(&self, platform: &Platform) -> Result<String, Diagnostic> {
        let wanted: Vec<String> = self.config.target.iter().map(|(triple, _)| triple.clone()).collect();
        triple::chosen(platform, &wanted).map_err(|wrong| match self.config.target.first() {
            Some((_, span)) => wrong.at(span),
            None => wrong,
        })
    }

    /// What cargo is told of a target that is not the builder's own, or that is of one of its CPUs.
    async fn cross(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        platform: &Platform,
        triple: &str,
        rustflags: &str,
    ) -> Result<Cross, Failure> {
        if *platform == request.build_platform {
            return Ok(Cross::default());
        }
        let cargo_config = context::cargo_config(gateway, &self.context).await?;
        Ok(Cross::new(&CrossGiven {
            build_platform: &request.build_platform,
            platform,
            triple,
            cargo_config: cargo_config.as_deref(),
            toolchain_env: &self.workshop.toolchain_env,
            rustflags,
        }))
    }

    /// What a build of this workspace may not do as its user expects.
    pub fn cautions(&self, planned: &Planned) -> Vec<Diagnostic> {
        let toolchain = self.config.toolchain.reference.familiar();
        let mut warnings = caution::warnings(&self.context.listing, &planned.workspace.recording, &toolchain);
        let manifests = self.manifests.files().filter(|file| file.name() != self.context.manifest.name());
        warnings.extend(std::iter::once(&self.context.manifest).chain(manifests).flat_map(caution::misspelt));
        warnings.extend(self.context.cargo_config.iter().flat_map(caution::cargo_config));
        warnings
    }

    /// Makes the graph of `wanted` and all that it needs.
    ///
    /// # Errors
    /// The settings of a member are wrong, or its files cannot be read.
    pub async fn compile(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        planned: &Planned,
        wanted: impl IntoIterator<Item = VertexId>,
    ) -> Result<Compiled, Failure> {
        let Planned { graph, plan, workspace, cache_prefix, .. } = planned;
        let wanted = plan.closure(wanted);
        let in_use: BTreeSet<PackageIx> = wanted.iter().map(|id| plan.vertex(*id).package).collect();
        let settings =
            Settings { manifests: &self.manifests, args: &self.config.args, standalone: &self.packages };
        let directories: BTreeSet<Utf8PathBuf> = members::directories(&workspace.metadata);
        let members =
            members::load(gateway, request, &self.context, &settings, graph, &in_use, &directories).await?;
        let toolkit = match &planned.variant {
            Some(variant) => Some(self.toolkit(gateway, request, planned, variant, &members, &wanted).await?),
            None => None,
        };
        let Packages { outputs, own } = packages(
            &self.workshop,
            graph,
            plan,
            &wanted,
            &Sources {
                crates: &self.crates,
                context: &self.context.state,
                listing: &self.context.listing,
                outside: &members.outside,
                spans: &members.spans,
                members: &directories,
                cache_prefix,
                prefix: &planned.prefix,
                grants: &self.grants(request, &members),
                toolkit: toolkit.as_ref(),
                no_cache: &request.no_cache,
                build: request.session.as_str(),
            },
        );
        Ok(Compiled { members, outputs, own, toolkit })
    }

    /// The toolkit of an accelerator, and who sees it: packages that name it or are known to want it, and what is
    /// linked with them.
    async fn toolkit(
        &self,
        gateway: &impl Gateway,
        request: &Request,
        planned: &Planned,
        variant: &Variant,
        members: &Members,
        wanted: &BTreeSet<VertexId>,
    ) -> Result<Toolkit, Failure> {
        let (plan, accelerator) = (&planned.plan, &variant.accelerator);
        let names =
            |config: &PackageConfig| config.accelerators.iter().any(|(name, _)| *name == accelerator.name);
        let wants = |package: PackageIx| {
            accelerator.packages.contains(&planned.graph.package(package).name)
                || members.configs.get(&package).is_some_and(names)
        };
        let compiles = |id: &VertexId| {
            let vertex = plan.vertex(*id);
            vertex.side == Side::Target && wants(vertex.package)
        };
        let links = plan
            .targets
            .iter()
            .map(|artifact| artifact.vertex)
            .filter(|id| wanted.contains(id) && plan.closure([*id]).iter().any(compiles));
        let seen_by: BTreeSet<VertexId> =
            wanted.iter().copied().filter(|id| compiles(id)).chain(links).collect();
        let files = match &accelerator.image {
            Some(image) if !seen_by.is_empty() => {
                let platform = &request.build_platform;
                let loaded =
                    named::image(gateway, request, &image.reference, platform, Role::Toolkit).await?;
                Some((loaded.state, accelerator.paths.clone()))
            }
            _ => None,
        };
        let path = self.workshop.toolchain_env.get("PATH").map(String::as_str);
        Ok(Toolkit { name: variant.identity.clone(), seen_by, env: variant.env(path), files })
    }

    /// What the steps of members see besides their files.
    fn grants(&self, request: &Request, members: &Members) -> BTreeMap<PackageIx, Grants> {
        let colour = request.build_args.get_key_value("CARGO_TERM_COLOR");
        let of = |config: &PackageConfig| {
            let value = |name: &String| Some((name.clone(), self.config.args.get(name)?.value.clone()));
            let mut args: BTreeMap<String, String> = config.args.iter().filter_map(value).collect();
            args.extend(colour.map(|(name, value)| (name.clone(), value.clone())));
            let secrets = config.secrets.iter().map(|secret| SecretGrant {
                id: secret.id.clone(),
                place: match &secret.place {
                    SecretPlace::Env(name) => package::SecretPlace::Env(name.clone()),
                    SecretPlace::File(path) => package::SecretPlace::File(path.clone()),
                },
                optional: !secret.required,
            });
            Grants { args, secrets: secrets.collect() }
        };
        members.configs.iter().map(|(package, config)| (*package, of(config))).collect()
    }

    /// What tells one workspace's cache mounts from another's, and one toolchain's, target's and profile's state from
    /// another's, so that nothing in a mount can be read by a compiler that did not write it.
    fn cache_prefix(&self, request: &Request, metadata: &Metadata, triple: &str, profile: &str) -> String {
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
        format!(
            "{namespace}longshore/{workspace}/{triple}/{profile}/{}",
            &self.toolchain.identity.hex()[..16]
        )
    }
}
