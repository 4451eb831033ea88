//! A published program whose dependencies become members of one workspace: many members, all of them real.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use cargo_metadata::{Metadata, MetadataCommand};
use toml::{Table, Value};

use crate::{Result, contenders, engine, files, prepare::Places, workspaces::Published};

/// Downloads the program and its packages, and puts the members below `crates`. The lock file stays what the program
/// was published with, but for what members are not: downloaded.
///
/// # Errors
/// Packages cannot be had, or cargo refuses the workspace.
pub fn lay_out(places: &Places, published: &Published, directory: &Path) -> Result {
    let script = places.repository.join("scripts/lib/published-crate");
    let source = [published.name, published.version, published.sha256];
    engine::run(Command::new(script).args(source).arg(directory))?;
    let vendor = places.cache.join(published.name);
    files::empty(&vendor)?;
    engine::run(
        Command::new("cargo")
            .args(["vendor", "--quiet", "--locked", "--versioned-dirs"])
            .arg(&vendor)
            .current_dir(directory),
    )?;
    let lock = files::read(&directory.join("Cargo.lock"))?;
    let locked = locked(&lock)?;
    let vendored = contenders::BASE_CONFIG.replace("/vendor", &vendor.display().to_string());
    let config = places.cache.join("members.toml");
    files::write(&config, &vendored)?;
    let metadata = || {
        let mut cargo = Command::new("cargo");
        cargo.args(["metadata", "--quiet", "--offline", "--format-version", "1", "--config"]).arg(&config);
        cargo.current_dir(directory);
        cargo
    };
    let built = MetadataCommand::parse(engine::run(&mut metadata())?)?;
    let enabled = features(&built);
    for member in published.members {
        let versions: Vec<_> = locked.iter().filter(|package| package.name == *member).collect();
        let [Locked { version, uses, .. }] = versions[..] else {
            return Err(format!("`{member}` is locked {} times, not once", versions.len()).into());
        };
        let to = directory.join("crates").join(member);
        let aside = [".cargo-checksum.json", ".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml.orig"];
        files::copy(&vendor.join(format!("{member}-{version}")), &to, &aside)?;
        let manifest = to.join("Cargo.toml");
        let enabled = enabled.get(*member).ok_or_else(|| format!("cargo does not build `{member}`"))?;
        files::write(&manifest, &as_member(&files::read(&manifest)?, uses, enabled, published.members)?)?;
    }
    let manifest = directory.join("Cargo.toml");
    files::write(&manifest, &as_root(&files::read(&manifest)?, published.members)?)?;
    files::write(&directory.join("Cargo.lock"), &without_source(&lock, published.members))?;
    // Features of members count, whoever uses them: cargo adds what these name, all of which is there.
    engine::run(&mut metadata())?;
    alone(&self::locked(&files::read(&directory.join("Cargo.lock"))?)?, published)
}

/// The features that each package is built with, by its name.
fn features(metadata: &Metadata) -> BTreeMap<&str, BTreeSet<String>> {
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let mut features: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for node in nodes {
        let enabled = node.features.iter().map(ToString::to_string);
        features.entry(metadata[&node.id].name.as_str()).or_default().extend(enabled);
    }
    features
}

/// Fails where a package that is no member uses one: it has that from the registry, so that all below is there twice.
fn alone(locked: &[Locked], published: &Published) -> Result {
    let is_member = |name: &str| published.members.contains(&name);
    let others = locked.iter().filter(|package| package.name != published.name && !is_member(&package.name));
    for package in others {
        if let Some((used, _)) = package.uses.iter().find(|(used, _)| is_member(used)) {
            return Err(format!("`{}` is no member, and uses `{used}`", package.name).into());
        }
    }
    Ok(())
}

/// A package of a lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Locked {
    name: String,
    version: String,
    /// Packages that it uses, on whatever target: names and versions.
    uses: Uses,
}

type Uses = BTreeSet<(String, String)>;

fn locked(lock: &str) -> Result<Vec<Locked>> {
    let lock: Table = lock.parse()?;
    let packages = lock.get("package").and_then(Value::as_array).ok_or("the lock file has no packages")?;
    let text = |package: &Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let all: Uses = packages
        .iter()
        .filter_map(|package| Some((text(package, "name")?, text(package, "version")?)))
        .collect();
    let uses = |package: &Value| {
        let uses = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        let uses = uses.filter_map(Value::as_str).map(|one| one.split_once(' ').unwrap_or((one, "")));
        // Where there are several, the version follows.
        uses.flat_map(|(name, version)| {
            all.iter().filter(move |one| one.0 == name && (version.is_empty() || one.1 == version)).cloned()
        })
        .collect()
    };
    Ok(packages
        .iter()
        .filter_map(|package| {
            let (name, version) = (text(package, "name")?, text(package, "version")?);
            Some(Locked { name, version, uses: uses(package) })
        })
        .collect())
}

/// A published manifest as a member's: a library, without tests and what they need, and without optional dependencies
/// that the program does not use. Other members are beside it.
fn as_member(manifest: &str, uses: &Uses, enabled: &BTreeSet<String>, members: &[&str]) -> Result<String> {
    let mut manifest: Table = manifest.parse()?;
    depend_on_members(&mut manifest, members, "..");
    for key in ["bin", "test", "bench", "example", "lints", "badges"] {
        manifest.remove(key);
    }
    let mut gone = BTreeSet::new();
    dependencies(&mut manifest, &mut |table| {
        table.retain(|name, dependency| {
            let package = dependency.get("package").and_then(Value::as_str).unwrap_or(name);
            let is_optional = dependency.get("optional").and_then(Value::as_bool) == Some(true);
            let wanted = match &*dependency {
                Value::String(wanted) => wanted,
                _ => dependency.get("version").and_then(Value::as_str).unwrap_or_default(),
            };
            let is_used = uses.iter().any(|(name, version)| name == package && fits(version, wanted));
            let stays = !is_optional || is_used;
            if !stays {
                gone.insert(name.to_owned());
            }
            stays
        });
    });
    let features = manifest.entry("features").or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(features) = features {
        let is_gone = |item: &Value| {
            let item = item.as_str().unwrap_or_default();
            gone.contains(
                item.strip_prefix("dep:").unwrap_or(item).split(['/', '?']).next().unwrap_or_default(),
            )
        };
        let own: BTreeSet<String> = features.iter().map(|(name, _)| name.clone()).collect();
        for (_, items) in features.iter_mut() {
            if let Value::Array(items) = items {
                // A feature may have the name of the dependency that it stands for.
                items.retain(|item| !is_gone(item) || item.as_str().is_some_and(|item| own.contains(item)));
            }
        }
        // Other members may name the feature that an optional dependency is.
        for name in gone.difference(&own) {
            features.insert(name.clone(), Value::Array(Vec::new()));
        }
        // A member is built for itself too, with its default features: those that the program has it built with, since the
        // others need what is left out.
        let enabled = enabled.iter().filter(|name| *name != "default" && own.contains(*name));
        features.insert("default".to_owned(), Value::Array(enabled.cloned().map(Value::String).collect()));
    }
    if let Some(Value::Table(package)) = manifest.get_mut("package") {
        for key in ["workspace", "default-run"] {
            package.remove(key);
        }
    }
    Ok(manifest.to_string())
}

/// Has every dependency on a member name the member's directory, below `directory`. A workspace of one's own is written like
/// that; cargo-chef, which gives members another version, cannot cook one in which they stand for packages of a registry.
fn depend_on_members(manifest: &mut Table, members: &[&str], directory: &str) {
    dependencies(manifest, &mut |table| {
        for (name, dependency) in table.iter_mut() {
            let package = dependency.get("package").and_then(Value::as_str).unwrap_or(name);
            let Some(member) = members.iter().find(|member| **member == package) else { continue };
            if let Value::String(version) = dependency {
                let version = ("version".to_owned(), Value::String(version.clone()));
                *dependency = Value::Table(Table::from_iter([version]));
            }
            if let Value::Table(dependency) = dependency {
                dependency.insert("path".to_owned(), Value::String(format!("{directory}/{member}")));
            }
        }
    });
}

/// Visits the tables of a manifest's dependencies, for whatever target, but for those of tests, which it removes.
fn dependencies(manifest: &mut Table, visit: &mut dyn FnMut(&mut Table)) {
    manifest.remove("dev-dependencies");
    for (key, value) in manifest.iter_mut() {
        let Value::Table(inner) = value else { continue };
        match key.as_str() {
            "dependencies" | "build-dependencies" => visit(inner),
            "target" => {
                let targets = inner.iter_mut().filter_map(|(_, value)| value.as_table_mut());
                targets.for_each(|target| dependencies(target, visit));
            }
            _ => {}
        }
    }
}

/// Whether a version is of the series that is wanted, as `1` or `0.23` begins one. Enough to tell renamed dependencies
/// on one package apart.
fn fits(version: &str, wanted: &str) -> bool {
    let wanted = wanted.split(',').next().unwrap_or_default().trim_start_matches(['^', '=', '~', '>', ' ']);
    let (mut version, mut wanted) = (version.split('.'), wanted.split('.'));
    let major = wanted.next();
    if major.is_some_and(|major| !major.is_empty() && version.next() != Some(major)) {
        return false;
    }
    major != Some("0") || wanted.next().is_none_or(|minor| version.next() == Some(minor))
}

/// The program's manifest with a workspace of these members, without tests and what they need.
fn as_root(manifest: &str, members: &[&str]) -> Result<String> {
    let mut manifest: Table = manifest.parse()?;
    for key in ["workspace", "patch", "test", "bench", "example", "lints"] {
        manifest.remove(key);
    }
    depend_on_members(&mut manifest, members, "crates");
    let paths: Vec<String> = members.iter().map(|member| format!("\"crates/{member}\"")).collect();
    Ok(format!("{manifest}\n[workspace]\nmembers = [{}]\n", paths.join(", ")))
}

/// A lock file in which these packages are not downloaded.
fn without_source(lock: &str, members: &[&str]) -> String {
    let entry = |entry: &str| -> String {
        let is_member = members.iter().any(|member| entry.contains(&format!("name = \"{member}\"\n")));
        let lines = entry.split_inclusive('\n');
        let stays =
            |line: &&str| !is_member || !line.starts_with("source = ") && !line.starts_with("checksum = ");
        lines.filter(stays).collect()
    };
    lock.split("[[package]]").map(entry).collect::<Vec<_>>().join("[[package]]")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn used(packages: &[(&str, &str)]) -> Uses {
        packages.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn a_member_that_others_have_from_the_registry_is_refused() {
        let published = Published { name: "app", version: "1.0.0", sha256: "", members: &["web", "codec"] };
        let package = |name: &str, uses: &[(&str, &str)]| Locked {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            uses: used(uses),
        };
        let [web, codec] = [("web", "1.0.0"), ("codec", "1.0.0")];
        let mut locked = vec![package("app", &[web]), package("web", &[codec]), package("codec", &[])];
        assert!(alone(&locked, &published).is_ok());
        locked.push(package("dav", &[web]));
        assert_eq!(alone(&locked, &published).unwrap_err().to_string(), "`dav` is no member, and uses `web`");
    }

    #[test]
    fn a_member_is_what_the_program_needs_of_it() {
        let manifest = r#"
[package]
name = "regex"
version = "1.0.0"

[[bench]]
name = "all"

[features]
default = ["std", "perf", "log"]
std = ["memchr?/std", "dep:arbitrary"]
perf = ["memchr"]
log = ["dep:log", "log/std"]

[dependencies]
memchr = { version = "2", optional = true }
arbitrary = { version = "1", optional = true }
tls-23 = { package = "tls", version = "0.23", optional = true }
tls-26 = { package = "tls", version = "0.26.2", optional = true }
logger = { package = "log", version = "1", optional = true }
syntax = "1"

[dev-dependencies]
quickcheck = "1"

[target.'cfg(windows)'.dependencies]
log = { version = "1", optional = true }

[target.'cfg(windows)'.dev-dependencies]
winapi = "1"
"#;
        let found = as_member(
            manifest,
            &used(&[("memchr", "2.1.0"), ("syntax", "1.0.0"), ("tls", "0.26.4")]),
            &["default", "perf", "tls-26"].map(str::to_owned).into(),
            &["memchr", "syntax"],
        )
        .unwrap();
        expect![[r#"
            [dependencies.memchr]
            optional = true
            path = "../memchr"
            version = "2"

            [dependencies.syntax]
            path = "../syntax"
            version = "1"

            [dependencies.tls-26]
            optional = true
            package = "tls"
            version = "0.26.2"

            [features]
            arbitrary = []
            default = ["perf"]
            log = []
            logger = []
            perf = ["memchr"]
            std = ["memchr?/std"]
            tls-23 = []

            [package]
            name = "regex"
            version = "1.0.0"

            [target."cfg(windows)".dependencies]
        "#]]
        .assert_eq(&found);
    }

    #[test]
    fn members_of_the_lock_file_are_not_downloaded() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"x\"\nchecksum = \"y\"\n\n\
                    [[package]]\nname = \"ab\"\nversion = \"2.0.0\"\nsource = \"x\"\nchecksum = \"z\"\ndependencies = [\n \"a 1.0.0\",\n]\n";
        let found = without_source(lock, &["a"]);
        assert_eq!(found, lock.replacen("source = \"x\"\nchecksum = \"y\"\n", "", 1));
        let packages = locked(&found).unwrap();
        assert_eq!((packages[1].name.as_str(), packages[1].version.as_str()), ("ab", "2.0.0"));
        assert_eq!(packages[1].uses, used(&[("a", "1.0.0")]));
    }

    #[test]
    fn the_root_names_its_members() {
        let manifest =
            "[package]\nname = \"p\"\n[dependencies]\nc = \"1\"\n[target.x.build-dependencies]\nb = \"1\"\n";
        let root = as_root(manifest, &["a", "b"]).unwrap();
        expect![[r#"
            [dependencies]
            c = "1"

            [package]
            name = "p"

            [target.x.build-dependencies.b]
            path = "crates/b"
            version = "1"

            [workspace]
            members = ["crates/a", "crates/b"]
        "#]]
        .assert_eq(&root);
    }
}
