//! Where the packages of a lock file are had: asked of registries, looked up in directories that replace them.

use std::collections::BTreeMap;

use buildkit_llb::{Annotate, Git, Http, State};
use camino::Utf8Path;

use crate::{
    context::{self, BuildContext, When},
    diagnostic::{Code, Diagnostic, Diagnostics},
    emit::crates::{Provider, Provision},
    gateway::{Failure, Gateway},
    listing::Kind,
    lock::{self, Lock},
    registry::{Download, Index, Registry},
    replacement::{Replaced, Replacement, Replacements},
    request::{Request, redacted},
};

/// What a registry says of itself, at the root of its index.
const CONFIG_FILE: &str = "config.json";

/// Finds a provider for every source of the lock file.
///
/// # Errors
/// A registry does not answer, a replacement cannot be had, or a package is not in the directory that replaces its source.
pub async fn providers(
    gateway: &impl Gateway,
    request: &Request,
    context: &BuildContext,
    lock: &Lock,
) -> Result<BTreeMap<String, Provider>, Failure> {
    let replacements = Replacements::parse(&context.cargo_config);
    let mut providers = BTreeMap::new();
    for (number, source) in lock.sources().into_iter().enumerate() {
        let described = replacements.of(source)?;
        let registry = Registry::parse(source);
        let by = described.as_ref().and_then(|described| described.by.as_ref());
        let provision = match (by, registry) {
            (Some(Replacement::Directory(at)), _) => directory(at, source, lock, context)?,
            (Some(Replacement::LocalRegistry(at)), Some(_)) => archives(at, source, lock, context)?,
            (Some(Replacement::Registry(other)), Some(_)) => {
                served(gateway, request, &replacements, other).await?
            }
            (None, Some(registry)) => served(gateway, request, &replacements, &registry).await?,
            (None, None) => Provision::Repository,
            (Some(_), None) => {
                let message =
                    format!("`{source}` is replaced by a registry, which can hold no git dependency");
                return Err(Diagnostic::error(Code::UnsupportedSource, message)
                    .help("replace it by a directory, as `cargo vendor` does")
                    .into());
            }
        };
        let name = match described {
            Some(Replaced { name, .. }) => name,
            None => format!("longshore-source-{number}"),
        };
        providers.insert(source.to_owned(), Provider { name, provision });
    }
    Ok(providers)
}

/// A registry's servers.
async fn served(
    gateway: &impl Gateway,
    request: &Request,
    replacements: &Replacements,
    registry: &Registry,
) -> Result<Provision, Failure> {
    if registry.is_crates_io() {
        return Ok(Provision::Download { download: Download::crates_io(), token: None });
    }
    let address = redacted(registry.address());
    // What cargo takes a registry's token from, as the name of a secret.
    let token = replacements
        .registry_name(registry)
        .map(|name| format!("CARGO_REGISTRIES_{}_TOKEN", name.to_uppercase().replace('-', "_")));
    let unavailable = |why: &str| {
        let refused = Diagnostic::error(
            Code::RegistryUnavailable,
            format!("the registry `{address}` does not say where its packages are: {why}"),
        );
        match &token {
            Some(token) => refused.help(format!(
                "where it asks for a token, pass one: `--secret id={token},env={token}`"
            )),
            None => refused.help(format!(
                "where it asks for a token, give it a name: `[registries.NAME]` with `index = \"{address}\"` in \
                 `.cargo/config.toml`, and pass `--secret id=CARGO_REGISTRIES_NAME_TOKEN,env=CARGO_REGISTRIES_NAME_TOKEN`"
            )),
        }
    };
    let graphs: Vec<(State, bool)> = match registry.index() {
        Some(Index::Sparse(url)) => {
            let file = || Http::unpinned(&url).filename(CONFIG_FILE).export_cache(false);
            let plain = file().labeled("registry").named(format!("[crates] ask {address}")).state();
            let with_token = token.iter().map(|token| {
                let file = file().auth_header_secret(token);
                file.labeled("registry").named(format!("[crates] ask {address} with a token")).state()
            });
            [(plain, false)].into_iter().chain(with_token.map(|state| (state, true))).collect()
        }
        Some(Index::Git(url)) => {
            let git = Git::new(&url, "").labeled("registry").named(format!("[crates] ask {address}"));
            vec![(git.export_cache(false).state(), false)]
        }
        None => return Err(unavailable("its address cannot be understood").into()),
    };
    let mut why = String::new();
    for (graph, shows_token) in graphs {
        let answer = match context::solve(gateway, request, &graph, When::Used).await {
            Ok(reference) => gateway.read_file(&reference, CONFIG_FILE).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(json) => {
                let download = Download::parse(&json)
                    .map_err(|why| unavailable(&format!("its `{CONFIG_FILE}` cannot be used: {why}")))?;
                let needs_token = shows_token || download.auth_required;
                return Ok(Provision::Download { download, token: token.filter(|_| needs_token) });
            }
            Err(failure) => why = failure.to_string(),
        }
    }
    Err(unavailable(&why).into())
}

/// What a source has in the lock file: names and versions.
fn locked<'l>(lock: &'l Lock, source: &str) -> impl Iterator<Item = (&'l str, &'l str)> {
    let published = lock.packages.iter().filter(move |it| it.registry.as_str() == source);
    let of_repository = lock.git.iter().filter(move |it| it.source == source);
    published
        .map(|it| (it.name.as_str(), it.version.as_str()))
        .chain(of_repository.map(|it| (it.name.as_str(), it.version.as_str())))
}

/// `cargo vendor` calls directories by name, and by name and version where it has several versions of a package, all but
/// one (cargo's `ops/vendor.rs`).
fn directory(
    at: &Utf8Path,
    source: &str,
    lock: &Lock,
    context: &BuildContext,
) -> Result<Provision, Diagnostics> {
    let has = |path: &Utf8Path| context.listing.kind(path) == Some(Kind::Directory);
    let mut packages = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, version) in locked(lock, source) {
        let candidates = [at.join(format!("{name}-{version}")), at.join(name)];
        match candidates.into_iter().find(|path| has(path)) {
            Some(path) => {
                packages.insert((name.to_owned(), version.to_owned()), path);
            }
            None => problems.push(missing(at, name, version, context, "cargo vendor")),
        }
    }
    Diagnostics::check(Provision::Directory { at: at.to_owned(), packages }, problems)
}

fn archives(
    at: &Utf8Path,
    source: &str,
    lock: &Lock,
    context: &BuildContext,
) -> Result<Provision, Diagnostics> {
    let problems = locked(lock, source)
        .filter(|(name, version)| {
            !context.listing.has_file(at.join(format!("{name}-{version}.crate")).as_str())
        })
        .map(|(name, version)| missing(at, name, version, context, "cargo local-registry"));
    Diagnostics::check(Provision::Archives(at.to_owned()), problems.collect())
}

fn missing(at: &Utf8Path, name: &str, version: &str, context: &BuildContext, command: &str) -> Diagnostic {
    let message =
        format!("`{name} {version}` is not in `{at}`, which `.cargo/config.toml` names as its source");
    let help =
        format!("run `{command}` again, and see that `.dockerignore` lets `{at}` into the build context");
    let missing = Diagnostic::error(Code::MissingFile, message).help(help);
    match lock::place_of(&context.lock, name, version) {
        Some(place) => missing.at(&place),
        None => missing,
    }
}
