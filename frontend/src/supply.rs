//! What an image is made of and how, for those who have to answer for it: an SBOM, and a statement about the build. Pure.
//!
//! Both say what was really linked: they are read off the plan, not off a lock file that names much more.

mod spdx;
mod statement;

use std::collections::{BTreeMap, BTreeSet};

use buildkit_llb::Digest;

use crate::{
    config::Asset,
    lock::{Lock, LockedPackage},
    plan::{Artifact, Plan},
    project::Planned,
    request::redacted,
    units::{Origin, Package, PackageIx, Side, UnitGraph},
};
pub use spdx::document;
pub use statement::statement;

/// The type of an SPDX document as a predicate, by which BuildKit sees that it need not make one
/// (frontend/attestations/sbom).
pub const SPDX_PREDICATE: &str = "https://spdx.dev/Document";

/// The type of our own predicate.
pub const STATEMENT_PREDICATE: &str = "urn:longshore:build:v1";

/// An image, its name, and what pins it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFact {
    /// As the user or a default names it.
    pub name: String,
    /// What pins it, when it is an image.
    pub digest: Option<Digest>,
}

/// What is known of one image.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The target.
    pub name: &'a str,
    /// What of the plan lies in it.
    pub artifacts: &'a [Artifact],
    /// How it was planned.
    pub planned: &'a Planned,
    /// What was locked.
    pub lock: &'a Lock,
    /// Digest of `Cargo.lock`.
    pub lock_digest: &'a Digest,
    /// What compiled it.
    pub toolchain: &'a ImageFact,
    /// What it stands on; absent for nothing.
    pub base: Option<&'a ImageFact>,
    /// What was downloaded into it.
    pub assets: &'a [Asset],
    /// The commit that it was built from, if the client says.
    pub commit: Option<&'a str>,
    /// The repository, if the client says.
    pub source: Option<&'a str>,
    /// `SOURCE_DATE_EPOCH`, or zero: documents of equal images are equal.
    pub created: i64,
}

/// An address of a file as everybody may read it: without a password, and without the query, which may be a signature.
fn published(url: &str) -> String {
    let url = redacted(url);
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

impl Facts<'_> {
    fn graph(&self) -> &UnitGraph {
        &self.planned.graph
    }

    fn plan(&self) -> &Plan {
        &self.planned.plan
    }

    /// Packages that took part, and whether they are linked into what the image has.
    fn packages(&self) -> BTreeMap<PackageIx, bool> {
        let wanted = self.plan().closure(self.artifacts.iter().map(|artifact| artifact.vertex));
        let mut packages = BTreeMap::new();
        for id in wanted {
            let vertex = self.plan().vertex(id);
            *packages.entry(vertex.package).or_default() |= vertex.side == Side::Target;
        }
        packages
    }

    /// Which package uses which, of those that took part: user, used, and whether the used one is linked into the user.
    fn edges(&self) -> BTreeSet<(PackageIx, PackageIx, bool)> {
        let wanted = self.plan().closure(self.artifacts.iter().map(|artifact| artifact.vertex));
        let mut edges = BTreeSet::new();
        let graph = self.graph();
        for (_, unit) in graph.iter() {
            for used in &unit.externs {
                let used = graph.unit(*used);
                if used.package != unit.package {
                    let linked = unit.side == Side::Target && used.side == Side::Target && used.is_linkable();
                    edges.insert((unit.package, used.package, linked));
                }
            }
        }
        let in_use: BTreeSet<PackageIx> = wanted.iter().map(|id| self.plan().vertex(*id).package).collect();
        edges.retain(|(user, used, _)| in_use.contains(user) && in_use.contains(used));
        edges
    }

    /// What the lock file says of a registry package.
    fn locked(&self, package: &Package) -> Option<&LockedPackage> {
        match &package.origin {
            Origin::Locked { place } => self.lock.at(place),
            Origin::Member { .. } | Origin::Git { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_one_in_is_not_published() {
        for (url, shown) in [
            ("https://e.com/m.bin", "https://e.com/m.bin"),
            ("https://u:p@e.com/m.bin", "https://xxxxx:xxxxx@e.com/m.bin"),
            ("https://e.com/m.bin?X-Amz-Signature=ab#c", "https://e.com/m.bin"),
        ] {
            assert_eq!(published(url), shown);
        }
    }
}
