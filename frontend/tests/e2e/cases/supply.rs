//! What is attached to an image, and that equal inputs make equal images.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::unseen;
use crate::{
    Result,
    build::Order,
    engine::{Engine, Fresh},
};

/// An OCI layout on disk.
struct Layout<'a>(&'a Path);

impl Layout<'_> {
    fn index(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&fs::read(self.0.join("index.json"))?)?)
    }

    fn blob(&self, digest: &Value) -> Result<Value> {
        let digest = digest.as_str().ok_or("no digest")?.replace(':', "/");
        Ok(serde_json::from_slice(&fs::read(self.0.join("blobs").join(digest))?)?)
    }
}

fn build(engine: &Engine, project: &Path, to: &Path, args: &[&str]) -> Result {
    let output = format!("type=oci,tar=false,rewrite-timestamp=true,dest={}", to.display());
    let args = [&["--output", &output, "--build-arg", "SOURCE_DATE_EPOCH=1700000000"], args].concat();
    Order::build(engine, project, "attested").target("server").args(args).must()?;
    Ok(())
}

/// An SBOM of what is linked, and a statement about the build.
pub(crate) fn an_image_says_what_it_is_made_of() -> Result {
    let engine = Engine::of_environment();
    let scratch = tempfile::tempdir()?;
    build(&engine, unseen::built()?.path(), scratch.path(), &["--sbom=true", "--provenance=mode=max"])?;
    let layout = Layout(scratch.path());
    let index = layout.blob(&layout.index()?["manifests"][0]["digest"])?;
    let manifests = index["manifests"].as_array().ok_or("no manifests")?;
    let attested = manifests
        .iter()
        .find(|manifest| manifest["annotations"]["vnd.docker.reference.type"] == "attestation-manifest")
        .ok_or("no attestations")?;
    let layers = layout.blob(&attested["digest"])?["layers"].clone();
    let statements: Vec<Value> = layers
        .as_array()
        .ok_or("no layers")?
        .iter()
        .map(|layer| layout.blob(&layer["digest"]))
        .collect::<Result<_>>()?;
    let of = |kind: &str| {
        let found = statements.iter().find(|statement| {
            statement["predicateType"].as_str().is_some_and(|found| found.starts_with(kind))
        });
        found.map(|statement| statement["predicate"].clone()).ok_or(format!("no {kind}"))
    };

    let sbom = of("https://spdx.dev/Document")?;
    let packages = sbom["packages"].as_array().ok_or("no packages")?;
    let named = |name: &str| packages.iter().find(|package| package["name"] == name);
    let tokio = named("tokio").ok_or("tokio is linked")?;
    assert!(tokio["checksums"][0]["checksumValue"].as_str().is_some_and(|sum| sum.len() == 64), "{tokio}");
    assert_eq!(tokio["licenseDeclared"], "MIT");
    let relations = sbom["relationships"].as_array().ok_or("no relationships")?;
    let is = |kind: &str, package: &Value| {
        relations.iter().any(|relation| {
            relation["relationshipType"] == kind
                && [&relation["spdxElementId"], &relation["relatedSpdxElement"]].contains(&&package["SPDXID"])
        })
    };
    assert!(is("CONTAINS", tokio));
    let syn = named("syn").ok_or("syn is used")?;
    assert!(is("BUILD_DEPENDENCY_OF", syn) && !is("CONTAINS", syn), "only procedural macros use it");
    // Everything that is spoken of is there.
    let ids: BTreeSet<&str> = packages.iter().filter_map(|package| package["SPDXID"].as_str()).collect();
    assert_eq!(ids.len(), packages.len(), "an id of two packages");
    for relation in relations {
        for end in [&relation["spdxElementId"], &relation["relatedSpdxElement"]] {
            let end = end.as_str().unwrap_or_default();
            assert!(end == "SPDXRef-DOCUMENT" || ids.contains(end), "{relation}");
        }
    }

    let statement = of("urn:longshore:build:")?;
    assert_eq!((&statement["target"], &statement["platform"]), (&"server".into(), &"linux/amd64".into()));
    assert!(statement["lockFile"]["sha256"].as_str().is_some_and(|sum| sum.len() == 64));
    assert!(statement["packages"].as_array().is_some_and(|packages| packages.len() > 50));

    let provenance = of("https://slsa.dev/provenance/")?.to_string();
    assert!(provenance.contains("crates/tokio/"), "packages are materials");
    Ok(())
}

/// Two daemons, nothing shared: one digest.
pub(crate) fn two_daemons_make_one_image() -> Result {
    let first = Engine::of_environment();
    // The first has compiled it already, beside others.
    let project = unseen::built()?;
    let second = Fresh::reset(&first)?;
    let mut digests = BTreeSet::new();
    for engine in [&first, &second.engine] {
        // A name of the directory's own must not reach the image either.
        let copy = project.copy()?;
        let scratch = tempfile::tempdir()?;
        build(engine, copy.path(), scratch.path(), &["--provenance=false"])?;
        digests.insert(Layout(scratch.path()).index()?["manifests"][0]["digest"].to_string());
    }
    assert_eq!(digests.len(), 1, "{digests:?}");
    Ok(())
}
