//! The SBOM: an SPDX 2.3 document in JSON (spdx.github.io/spdx-spec/v2.3).

use buildkit_llb::Digest;
use serde_json::{Value, json};

use super::{Facts, published};
use crate::{
    image::rfc3339,
    lock::LockedPackage,
    registry::Download,
    request::redacted,
    units::{Origin, Package},
};

const NONE: &str = "NOASSERTION";
const IMAGE: &str = "SPDXRef-Image";

/// The document: the same bytes for the same image.
pub fn document(facts: &Facts<'_>) -> Vec<u8> {
    let mut packages = vec![image(facts)];
    let mut relations = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE)];
    for (package, linked) in facts.packages() {
        let package = facts.graph().package(package);
        let id = id(package);
        packages.push(cargo_package(facts, package));
        relations.push(match linked {
            true => relation(IMAGE, "CONTAINS", &id),
            false => relation(&id, "BUILD_DEPENDENCY_OF", IMAGE),
        });
    }
    for (user, used, linked) in facts.edges() {
        let (user, used) = (id(facts.graph().package(user)), id(facts.graph().package(used)));
        relations.push(match linked {
            true => relation(&user, "DEPENDS_ON", &used),
            false => relation(&used, "BUILD_DEPENDENCY_OF", &user),
        });
    }
    let rustc = facts.planned.workspace.recording.rustc.lines().next().unwrap_or_default();
    packages.push(named("SPDXRef-Rust", "rust", rustc.split_whitespace().nth(1).unwrap_or(NONE), "LIBRARY"));
    relations.push(relation(IMAGE, "CONTAINS", "SPDXRef-Rust"));
    packages.push(container("SPDXRef-Toolchain", &facts.toolchain.name, facts.toolchain.digest.as_ref()));
    relations.push(relation("SPDXRef-Toolchain", "BUILD_TOOL_OF", IMAGE));
    if let Some(base) = facts.base {
        packages.push(container("SPDXRef-Base", &base.name, base.digest.as_ref()));
        relations.push(relation(IMAGE, "DESCENDANT_OF", "SPDXRef-Base"));
    }
    for (at, asset) in facts.assets.iter().enumerate() {
        let id = format!("SPDXRef-Asset-{at}");
        let mut package = named(&id, &asset.to, NONE, "DATA");
        package["downloadLocation"] = published(asset.url.as_str()).into();
        package["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": asset.sha256.hex() }]);
        packages.push(package);
        relations.push(relation(IMAGE, "CONTAINS", &id));
    }

    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": facts.name,
        "creationInfo": {
            "created": rfc3339(facts.created),
            "creators": [format!("Tool: longshore-{}", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relations,
    });
    // A name of its own for each document: what it says.
    let digest = Digest::of(document.to_string().as_bytes());
    document["documentNamespace"] = format!("urn:longshore:spdx:{}", digest.hex()).into();
    serde_json::to_vec_pretty(&document).expect("a JSON value can be written")
}

fn image(facts: &Facts<'_>) -> Value {
    let versions: Vec<&str> = facts
        .artifacts
        .iter()
        .map(|artifact| facts.graph().package(artifact.package).version.as_str())
        .collect();
    let version = match versions.as_slice() {
        [first, rest @ ..] if rest.iter().all(|version| version == first) => first,
        _ => NONE,
    };
    let mut package = named(IMAGE, facts.name, version, "CONTAINER");
    if let Some(source) = facts.source {
        package["sourceInfo"] =
            format!("built from {} at {}", redacted(source), facts.commit.unwrap_or("an unknown commit"))
                .into();
    }
    package
}

/// As a value in a purl.
fn escaped(text: &str) -> impl std::fmt::Display {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}

fn cargo_package(facts: &Facts<'_>, package: &Package) -> Value {
    let is_member = package.member_directory().is_some();
    let purpose = if is_member { "APPLICATION" } else { "LIBRARY" };
    let mut value = named(&id(package), &package.name, &package.version, purpose);
    let mut purl = format!("pkg:cargo/{}@{}", package.name, package.version.replace('+', "%2B"));
    if let Some(LockedPackage { registry, checksum, .. }) = facts.locked(package) {
        if registry.is_crates_io() {
            let location = Download::crates_io().address(&package.name, &package.version, checksum);
            value["downloadLocation"] = location.into();
        }
        value["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": checksum }]);
        purl = format!("{purl}?checksum=sha256:{checksum}");
        if !registry.is_crates_io() {
            // As the purl specification's type `cargo` names another registry.
            purl = format!("{purl}&repository_url={}", escaped(&redacted(registry.address())));
        }
    }
    if let Origin::Git { repository, .. } = &package.origin {
        // As SPDX 2.3 (7.7) and the purl specification write a commit of a repository.
        let location = format!("git+{}@{}", redacted(&repository.url), repository.commit);
        purl = format!("{purl}?vcs_url={}", escaped(&location));
        value["downloadLocation"] = location.into();
    }
    // What a member is called says nothing about a package of that name on crates.io.
    if !is_member {
        value["externalRefs"] = json!([{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        }]);
    }
    if let Some(license) = &package.license {
        match expression(license) {
            Some(expression) => value["licenseDeclared"] = expression.into(),
            None => value["licenseComments"] = format!("the manifest says `{license}`").into(),
        }
    }
    if let Some(description) = &package.description {
        value["summary"] = description.split_whitespace().collect::<Vec<_>>().join(" ").into();
    }
    if let Some(repository) = &package.repository {
        value["homepage"] = repository.clone().into();
    }
    value
}

/// The licence as SPDX writes it: cargo once had `/` for `OR`.
fn expression(license: &str) -> Option<String> {
    let license = license.replace('/', " OR ").split_whitespace().collect::<Vec<_>>().join(" ");
    spdx::Expression::parse(&license).ok().map(|_| license)
}

fn container(id: &str, name: &str, digest: Option<&Digest>) -> Value {
    let mut package = named(id, name, digest.map_or(NONE, Digest::as_str), "CONTAINER");
    if let Some(digest) = digest {
        let (name, tag) =
            name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((name, "latest"));
        package["externalRefs"] = json!([{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": format!("pkg:docker/{name}@{tag}?digest={digest}"),
        }]);
    }
    package
}

fn named(id: &str, name: &str, version: &str, purpose: &str) -> Value {
    let mut package = json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": NONE,
        "filesAnalyzed": false,
        "licenseConcluded": NONE,
        "licenseDeclared": NONE,
        "copyrightText": NONE,
        "supplier": NONE,
        "primaryPackagePurpose": purpose,
    });
    if version != NONE {
        package["versionInfo"] = version.into();
    }
    // SPDX 2.3 knows no purpose for data but this.
    if purpose == "DATA" {
        package["primaryPackagePurpose"] = "FILE".into();
    }
    package
}

/// Ids have letters, digits, `.` and `-`.
fn id(package: &Package) -> String {
    let fits = |char: char| if char.is_ascii_alphanumeric() || char == '.' { char } else { '-' };
    let name: String = package.key.chars().map(fits).collect();
    // Two keys that differ in a character that does not fit must not become one.
    let digest = Digest::of(package.key.as_bytes());
    format!("SPDXRef-Cargo-{name}-{}", &digest.hex()[..8])
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_spdx_expressions() {
        assert_eq!(expression("MIT/Apache-2.0").as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(
            expression("MIT OR (Apache-2.0 AND BSD-3-Clause)").as_deref(),
            Some("MIT OR (Apache-2.0 AND BSD-3-Clause)")
        );
        assert_eq!(expression("see LICENSE.txt"), None);
    }
}
