//! What there is to build, and which of it is asked for: binaries, libraries for others to load, images of the user's
//! own making. Pure.

use std::collections::BTreeMap;

use crate::{
    config::ImageTable,
    diagnostic::{Code, Diagnostic},
    plan::{Artifact, ArtifactKind, Plan},
};

/// Something that `--target` can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What of the plan lies in its image.
    pub artifacts: Vec<Artifact>,
    /// It has settings of its own under `images`.
    pub is_declared: bool,
}

impl Target {
    /// Its settings among `images`, where it has some.
    pub fn declared<'c>(&self, images: &'c BTreeMap<String, ImageTable>) -> Option<&'c ImageTable> {
        images.get(&self.name).filter(|_| self.is_declared)
    }

    /// It is one library and nothing else.
    pub fn is_library(&self) -> bool {
        !self.is_declared && self.artifacts.iter().all(|artifact| artifact.kind == ArtifactKind::Library)
    }

    /// cargo makes all of it when nothing is named.
    fn is_default(&self) -> bool {
        self.artifacts.iter().all(|artifact| artifact.is_default) && !self.artifacts.is_empty()
    }

    /// The package whose settings and manifest describe the image, when there is only one.
    pub fn package(&self) -> Option<crate::units::PackageIx> {
        let mut packages: Vec<_> = self.artifacts.iter().map(|artifact| artifact.package).collect();
        packages.dedup();
        match packages.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

/// Every target, by name: what the plan makes, and `images`, which go before binaries of the same name.
///
/// # Errors
/// An image names a binary that does not exist.
pub fn all(plan: &Plan, images: &BTreeMap<String, ImageTable>) -> Result<Vec<Target>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut targets: BTreeMap<String, Target> = BTreeMap::new();
    for artifact in &plan.targets {
        let name = artifact.name.clone();
        let none = Target { name: name.clone(), artifacts: Vec::new(), is_declared: false };
        targets.entry(name).or_insert(none).artifacts.push(artifact.clone());
    }
    for (name, table) in images {
        let mut artifacts = Vec::new();
        for bin in &table.bins {
            match find(&plan.targets, &bin.value) {
                Ok(artifact) => artifacts.push(artifact.clone()),
                Err(problem) => problems.push(problem.at(&bin.span)),
            }
        }
        targets.insert(name.clone(), Target { name: name.clone(), artifacts, is_declared: true });
    }
    if problems.is_empty() { Ok(targets.into_values().collect()) } else { Err(problems) }
}

/// The target to build.
///
/// # Errors
/// There is none of that name, or none was named and there are several, or there is nothing to build at all.
pub fn select<'t>(targets: &'t [Target], asked: Option<&str>) -> Result<&'t Target, Diagnostic> {
    let Some(asked) = asked else {
        let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        // A library comes along with others more often than it is wanted by itself.
        let images: Vec<&Target> = targets.iter().filter(|target| !target.is_library()).collect();
        let defaults: Vec<&Target> = images.iter().copied().filter(|target| target.is_default()).collect();
        return match (images.as_slice(), targets) {
            ([only], _) => Ok(*only),
            _ if defaults.len() == 1 => Ok(defaults[0]),
            ([], [only]) => Ok(only),
            ([], []) => Err(Diagnostic::error(Code::NoTarget, "no package of the workspace has a binary")
                .help("add `src/main.rs` to a package, or a `[[bin]]`; one with `required-features` needs `features` under `[workspace.metadata.longshore]`")),
            _ => Err(Diagnostic::error(
                Code::TargetRequired,
                format!("the workspace has {} targets, and none was asked for", names.len()),
            )
            .help(format!("choose one with `--target`: {}", list(&names)))),
        };
    };
    let is_asked = |target: &&Target| {
        target.name == asked
            || (!target.is_declared && target.artifacts.iter().any(|artifact| artifact.qualified == asked))
    };
    if let Some(target) = targets.iter().find(is_asked) {
        return Ok(target);
    }
    let plain: Vec<Artifact> = targets
        .iter()
        .filter(|target| !target.is_declared)
        .flat_map(|target| target.artifacts.clone())
        .collect();
    match find(&plain, asked) {
        Err(problem) if problem.code == Code::AmbiguousTarget => Err(problem),
        _ => Err(unknown(asked, targets.iter().map(|target| target.name.as_str()))),
    }
}

/// The artifact of that name, with or without its package's before it. Of a library that is shared and static, the shared one: an
/// image is for what runs.
fn find<'a>(artifacts: &'a [Artifact], name: &str) -> Result<&'a Artifact, Diagnostic> {
    if let Some(artifact) =
        artifacts.iter().find(|artifact| artifact.name == name || artifact.qualified == name)
    {
        return Ok(artifact);
    }
    let same: Vec<&str> = artifacts
        .iter()
        .filter(|artifact| artifact.bin == name)
        .map(|artifact| artifact.name.as_str())
        .collect();
    if same.is_empty() {
        return Err(unknown(name, artifacts.iter().map(|artifact| artifact.name.as_str())));
    }
    Err(Diagnostic::error(Code::AmbiguousTarget, format!("{} packages have a binary `{name}`", same.len()))
        .help(format!("name the package as well: {}", list(&same))))
}

fn unknown<'n>(name: &str, names: impl Iterator<Item = &'n str> + Clone) -> Diagnostic {
    let unknown = Diagnostic::error(Code::UnknownTarget, format!("no target is named `{name}`"));
    let suggested = unknown.suggest(name, names.clone());
    if suggested.help.is_some() {
        return suggested;
    }
    let names: Vec<&str> = names.collect();
    if names.is_empty() { suggested } else { suggested.help(format!("targets are {}", list(&names))) }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
