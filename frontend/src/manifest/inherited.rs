//! What a member inherits of the workspace's manifest, as a manifest of its own.
//!
//! A member's vertices do not see the workspace's manifest: it would key them by everybody's dependencies. But a member that
//! inherits a dependency under another name says only that it does; which package that is stands in the workspace's manifest
//! alone, and macros such as `proc_macro_crate::crate_name` have cargo look there. For such a member the manifest is written
//! anew, with what it inherits and no more.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use crate::outside::normalise;

/// The workspace's manifest as the member in `directory`, relative to the workspace, needs it; `None` when it inherits no
/// dependency under another name than its own, or when a manifest cannot be read.
///
/// Cargo can load it: whatever the member inherits is there (the Cargo book, "Workspaces": `package`, `dependencies`,
/// `lints`). Where dependencies are from is left out, and the packages that the member's own manifest names by path are excluded,
/// so that nothing else is looked for: to say where a workspace is, cargo 1.85 loads all that belongs to it
/// (`Workspace::find_path_deps` in its `core/workspace.rs`), and 1.95 does where the member is not listed.
pub fn reduced(workspace: &[u8], member: &[u8], directory: &Utf8Path) -> Option<String> {
    let [workspace, member] =
        [workspace, member].map(|text| std::str::from_utf8(text).ok()?.parse::<Table>().ok());
    let (workspace, member) = (workspace?, member?);
    let workspace = workspace.get("workspace")?.as_table()?;
    let declared = workspace.get("dependencies")?.as_table()?;
    let dependencies: Table = inherited_dependencies(&member)
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), dependency(declared.get(name)?).into())))
        .collect();
    if !dependencies.values().any(|dependency| dependency.get("package").is_some()) {
        return None;
    }
    let mut of_workspace = Table::from_iter([
        ("members".to_owned(), Value::from(vec![directory.as_str()])),
        // They would be members, and are not there.
        ("exclude".to_owned(), Value::from(path_dependencies(&member, directory))),
        ("dependencies".to_owned(), dependencies.into()),
    ]);
    if let Some(package) = workspace.get("package").and_then(Value::as_table) {
        let inherited = inherited_fields(&member);
        let package: Table =
            package.clone().into_iter().filter(|(key, _)| inherited.contains(key.as_str())).collect();
        of_workspace.insert("package".to_owned(), package.into());
    }
    if let Some(lints) = workspace.get("lints").filter(|_| member.get("lints").is_some_and(is_inherited)) {
        of_workspace.insert("lints".to_owned(), lints.clone());
    }
    toml::to_string(&Table::from_iter([("workspace".to_owned(), of_workspace.into())])).ok()
}

/// Directories of the packages that a manifest names by path, relative to the workspace: its own dependencies, and where it is
/// the workspace's manifest as well those that it inherits.
pub(super) fn path_dependencies(member: &Table, directory: &Utf8Path) -> Vec<String> {
    let declared = member.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let entries = dependencies(member).filter_map(|(name, dependency)| match is_inherited(dependency) {
        true => declared?.get(name),
        false => Some(dependency),
    });
    let paths = entries.filter_map(|dependency| dependency.get("path")?.as_str());
    let directories: BTreeSet<Utf8PathBuf> = paths.filter_map(|path| normalise(directory, path)).collect();
    directories.into_iter().map(String::from).collect()
}

pub(super) fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// Keys of `[package]` that a manifest inherits. Cargo takes `[project]` for it before edition 2024.
pub(super) fn inherited_fields(member: &Table) -> BTreeSet<&str> {
    ["package", "project"]
        .into_iter()
        .filter_map(|name| member.get(name)?.as_table())
        .flatten()
        .filter(|(_, value)| is_inherited(value))
        .map(|(key, _)| key.as_str())
        .collect()
}

/// Names of the dependencies that a manifest inherits.
pub(super) fn inherited_dependencies(member: &Table) -> BTreeSet<&str> {
    dependencies(member)
        .filter(|(_, dependency)| is_inherited(dependency))
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Dependencies of whatever kind and for whatever platform.
fn dependencies(member: &Table) -> impl Iterator<Item = (&String, &Value)> {
    let platforms = member.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    std::iter::once(member)
        .chain(platforms.filter_map(Value::as_table))
        .flat_map(|table| {
            [
                "dependencies",
                "dev-dependencies",
                "dev_dependencies",
                "build-dependencies",
                "build_dependencies",
            ]
            .into_iter()
            .filter_map(|kind| table.get(kind)?.as_table())
        })
        .flatten()
}

/// Which package it is, and what a member may not contradict.
fn dependency(declared: &Value) -> Table {
    let kept = ["package", "default-features", "default_features"];
    let kept = declared.as_table().into_iter().flatten().filter(|(key, _)| kept.contains(&key.as_str()));
    let mut entry: Table = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    entry.insert("version".to_owned(), "*".into());
    entry
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const WORKSPACE: &str = r#"
        [package]
        name = "root"

        [workspace]
        members = ["a", "b"]
        resolver = "2"

        [workspace.package]
        version = "1.2.3"
        license = "MIT"

        [workspace.dependencies]
        rt = { package = "tokio", version = "1.40", features = ["full"], default-features = false }
        near = { package = "distant", path = "b" }
        other = { package = "unrelated", version = "3" }
        plain = "2"

        [workspace.lints.rust]
        unsafe_code = "forbid"
    "#;

    fn of(member: &str) -> Option<String> {
        reduced(WORKSPACE.as_bytes(), member.as_bytes(), "a".into())
    }

    #[test]
    fn it_has_what_the_member_inherits() {
        let member = r#"
            [package]
            name = "a"
            version.workspace = true
            license = "Apache-2.0"
            [lints]
            workspace = true
            [dependencies]
            plain.workspace = true
            own = { package = "else", version = "1" }
            beside = { path = "../c/d" }
            [dev-dependencies]
            near = { workspace = true }
            [target.'cfg(unix)'.dependencies]
            rt = { workspace = true, features = ["rt"] }
        "#;
        expect![[r#"
            [workspace]
            exclude = ["c/d"]
            members = ["a"]

            [workspace.dependencies.near]
            package = "distant"
            version = "*"

            [workspace.dependencies.plain]
            version = "*"

            [workspace.dependencies.rt]
            default-features = false
            package = "tokio"
            version = "*"

            [workspace.lints.rust]
            unsafe_code = "forbid"

            [workspace.package]
            version = "1.2.3"
        "#]]
        .assert_eq(&of(member).unwrap());
    }

    #[test]
    fn there_is_none_where_names_are_the_packages() {
        for member in [
            "[package]\nname = \"a\"\n",
            "[dependencies]\nplain.workspace = true\n",
            "[dependencies]\nrt = { package = \"tokio\", version = \"1\" }\n",
            "[dependencies]\nunknown.workspace = true\n",
            "[dependencies",
        ] {
            assert_eq!(of(member), None, "{member}");
        }
        assert_eq!(
            reduced(b"[workspace]\nmembers = [\"a\"]\n", b"[dependencies]\nx.workspace = true\n", "a".into()),
            None
        );
        assert_eq!(reduced(&[0xff], b"", "a".into()), None);
    }
}
