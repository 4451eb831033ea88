//! One build from the client's options to the image: the only place that knows the order of the phases.

use std::collections::BTreeSet;

use buildkit_llb::{Digest, Platform, State};
use cargo_metadata::Metadata;

use crate::{
    caution,
    config::{Base, Config},
    context::{self, EntryRole, When},
    diagnostic::{Code, Diagnostic},
    emit::{
        Workshop, crates,
        image::{self as filesystem, BIN_DIR, Binary},
        package::{Sources, packages},
        record::Selection,
    },
    gateway::{BuildResult, Failure, Gateway, Warning},
    image::{self, BaseConfig},
    lock::Lock,
    members,
    named::{self, Loaded, Role},
    output,
    plan::Plan,
    request::{NoCache, Request},
    target, triple,
    units::{PackageIx, UnitGraph},
    workspace::{self, Names},
};

/// Builds what the request asks for. `frontend` is the definition of the frontend's own image, which holds the helper.
///
/// # Errors
/// The user's input is wrong, or a solve failed.
pub async fn run(
    gateway: &impl Gateway,
    request: &Request,
    frontend: &State,
) -> Result<BuildResult, Failure> {
    let platform = supported(request)?;
    warn_of_what_is_ignored(gateway, request).await?;
    let triple = triple::of(platform)?;

    let entry = context::entry(gateway, request).await?;
    let config = Config::from_workspace_manifest(&entry.file)?;
    let build_context = context::discover(gateway, request, &entry, EntryRole::Manifest).await?;
    let lock = Lock::parse(&build_context.lock)?;

    let toolchain =
        named::image(gateway, request, &config.toolchain.reference, platform, Role::Toolchain).await?;
    let toolchain_config = base_config(toolchain.config());
    let toolchain_name = config.toolchain.reference.familiar();
    let workshop = Workshop {
        build_platform: platform.clone(),
        toolchain: toolchain.state.clone(),
        toolchain_env: toolchain_config.env(),
        helper: (frontend.clone(), HELPER_IN_IMAGE.to_owned()),
    };

    let crates = crates::crates(&lock);
    let selection = Selection {
        profile: config.profile.clone(),
        features: config.features.clone(),
        no_default_features: config.no_default_features,
        all_features: config.all_features,
        target: triple.to_owned(),
    };
    let workspace = workspace::query(
        gateway,
        request,
        &workshop,
        &build_context,
        &crates,
        &selection,
        &Names {
            manifest: &entry.file,
            toolchain: &toolchain_name,
            toolchain_span: config.toolchain.span.as_ref(),
        },
    )
    .await?;
    for warning in caution::warnings(&build_context.listing, &workspace.recording, &toolchain_name) {
        gateway.warn(&Warning::from(&warning)).await?;
    }
    let graph =
        UnitGraph::new(&workspace.recording, &workspace.metadata).unwrap_or_else(|bad| panic!("{bad}"));
    let plan = Plan::new(&graph);
    let target = target::select(&plan, request.target.as_deref())?;
    let wanted = plan.closure([target.vertex]);

    let in_use: BTreeSet<PackageIx> = wanted.iter().map(|id| plan.vertex(*id).package).collect();
    let directories = members::directories(&workspace.metadata);
    let members = members::load(gateway, request, &build_context, &graph, &in_use, &directories).await?;
    let cache_prefix = cache_prefix(request, &workspace.metadata, &selection, &toolchain);
    let outputs = packages(
        &workshop,
        &graph,
        &plan,
        &wanted,
        &Sources {
            crates: &crates,
            context: &build_context.state,
            listing: &build_context.listing,
            outside: &members.outside,
            spans: &members.spans,
            members: &directories,
            cache_prefix: &cache_prefix,
        },
    );

    let package_config = members.configs.get(&target.package).cloned().unwrap_or_default();
    let settings = config.image.with(&package_config.image);
    caution::starts(&settings.base, &plan.vertex(target.vertex).spec, &target.bin)?;
    let (base, base_json) = match &settings.base {
        Base::Scratch => (State::SCRATCH, Vec::new()),
        Base::Image(name) => {
            let image = named::image(gateway, request, &name.reference, platform, Role::Base).await?;
            (image.state, image.config.unwrap_or_default())
        }
    };
    let epoch = request.source_date_epoch.and_then(|epoch| i64::try_from(epoch).ok());
    let path = format!("{BIN_DIR}/{}", target.bin);
    let files = filesystem::image(
        &base,
        &[Binary { output: &outputs[&target.vertex], file: &target.file, path: path.clone() }],
        &workspace.vertex,
        &target.name,
        members.spans.get(&target.package),
        epoch,
    );
    let settings =
        output::image_settings(&settings, graph.package(target.package), target, &path, &request.labels);
    let config = image::config(&base_config(&base_json), platform, &settings, epoch);

    let reference = context::solve(gateway, request, &files, When::Used).await?;
    Ok(output::result(request, platform, reference, config, base_json))
}

/// The last second whose date image configurations can write: 9999-12-31T23:59:59Z.
const EPOCH_MAX: u64 = 253_402_300_799;

/// Where the frontend's image has the helper.
pub const HELPER_IN_IMAGE: &str = "/longshore-helper";

/// The one platform to build for; refuses what cannot be built.
fn supported(request: &Request) -> Result<&Platform, Diagnostic> {
    if let Some(call) = &request.subrequest {
        return Err(Diagnostic::error(
            Code::UnsupportedOption,
            format!("this frontend cannot answer `{call}`"),
        ));
    }
    if request.source_date_epoch.is_some_and(|epoch| epoch > EPOCH_MAX) {
        return Err(Diagnostic::error(Code::InvalidOption, "`SOURCE_DATE_EPOCH` lies after the year 9999")
            .help("it counts seconds, not milliseconds"));
    }
    let platform = request.single_platform()?;
    if platform != &request.build_platform {
        return Err(Diagnostic::error(
            Code::UnsupportedOption,
            format!("cannot build for `{platform}` on `{}`", request.build_platform),
        )
        .help("leave `--platform` out, or use a builder of that platform"));
    }
    Ok(platform)
}

/// Says which options have no effect, so that nobody waits for one.
async fn warn_of_what_is_ignored(gateway: &impl Gateway, request: &Request) -> Result<(), Failure> {
    if request.no_cache != NoCache::Off {
        let warning = Diagnostic::warning(
            Code::UnsupportedOption,
            "`--no-cache` and `--no-cache-filter` have no effect",
        )
        .help("`docker buildx prune` empties the builder's cache");
        gateway.warn(&Warning::from(&warning)).await?;
    }
    Ok(())
}

/// What cannot be read is as good as an image that says nothing; scratch has no configuration at all.
fn base_config(json: &[u8]) -> BaseConfig {
    BaseConfig::parse(json).unwrap_or_default()
}

/// What tells one workspace's cache mounts from another's, and one toolchain's, target's and profile's state from
/// another's, so that nothing in a mount can be read by a compiler that did not write it.
fn cache_prefix(request: &Request, metadata: &Metadata, selection: &Selection, toolchain: &Loaded) -> String {
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
        "{namespace}longshore/{workspace}/{}/{}/{}",
        selection.target,
        selection.profile,
        &toolchain.identity.hex()[..16]
    )
}
