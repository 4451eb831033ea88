//! A member's own manifest without what is not for its steps.
//!
//! What an image listens on is no reason to compile its program again, nor is another member for the package at the root of the
//! workspace. What of these matters to a step is in its command line or environment. For cargo, which build scripts and macros
//! may have read the manifest, nothing is missing: it does not look at `metadata` (the Cargo book, "The `metadata` table"), other
//! members are not there in a step, and what the package inherits stays.

use std::collections::BTreeSet;

use camino::Utf8Path;
use toml::Table;
use toml_edit::{DocumentMut, Item, TableLike};

use super::inherited::{inherited_dependencies, inherited_fields, is_inherited, path_dependencies};

/// The manifest without `[package.metadata.longshore]` and `[workspace.metadata.longshore]`, and where it is a workspace's as
/// well without its members and what they inherit; else as it was, but for ends of lines, which are those of Unix. `None` where
/// nothing is other than it was, or it is no TOML.
pub fn own(manifest: &str) -> Option<String> {
    let mut document: DocumentMut = manifest.parse().ok()?;
    let mut differs = false;
    for table in ["package", "workspace"] {
        let metadata = document.get_mut(table).and_then(|table| table.get_mut("metadata"));
        if let Some(metadata) = metadata.and_then(Item::as_table_like_mut) {
            differs |= metadata.remove("longshore").is_some();
        }
    }
    if let Some(workspace) = document.get_mut("workspace").and_then(Item::as_table_like_mut) {
        differs |= without_others(workspace, &manifest.parse().ok()?);
    }
    differs.then(|| document.to_string())
}

/// Leaves in `[workspace]` what the package at its root inherits, and what cargo is to pass over; tells whether that is other than
/// it was. Packages that are excluded lie where they did, and a build script may have cargo compile them.
fn without_others(workspace: &mut dyn TableLike, manifest: &Table) -> bool {
    let mut differs = false;
    for key in ["members", "default-members"] {
        differs |= workspace.remove(key).is_some();
    }
    if !manifest.get("lints").is_some_and(is_inherited) {
        differs |= workspace.remove("lints").is_some();
    }
    differs |= retain(workspace, "package", &inherited_fields(manifest));
    differs |= retain(workspace, "dependencies", &inherited_dependencies(manifest));
    differs | exclude(workspace, &path_dependencies(manifest, Utf8Path::new("")))
}

/// Adds directories to those that are excluded already; tells whether there are any. What is depended on by path would be a
/// member, and is not there.
fn exclude(workspace: &mut dyn TableLike, directories: &[String]) -> bool {
    let mut excluded = workspace.get("exclude").and_then(Item::as_array).cloned().unwrap_or_default();
    let is_excluded = |directory: &&String| {
        let mut above = excluded.iter().filter_map(|value| value.as_str());
        above.any(|above| Utf8Path::new(directory).starts_with(above))
    };
    let more: Vec<&String> = directories.iter().filter(|directory| !is_excluded(directory)).collect();
    if more.is_empty() {
        return false;
    }
    excluded.extend(more);
    workspace.insert("exclude", Item::Value(excluded.into()));
    true
}

/// Leaves these keys in a table, and no empty table.
fn retain(workspace: &mut dyn TableLike, table: &str, keys: &BTreeSet<&str>) -> bool {
    let Some(kept) = workspace.get_mut(table).and_then(Item::as_table_like_mut) else { return false };
    let all: Vec<String> = kept.iter().map(|(key, _)| key.to_owned()).collect();
    for key in all.iter().filter(|key| !keys.contains(key.as_str())) {
        kept.remove(key);
    }
    let is_less = kept.len() < all.len();
    if kept.is_empty() {
        workspace.remove(table);
    }
    is_less
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn all_else_is_as_it_was() {
        let manifest = r#"# syntax=localhost/longshore:dev
[package] # named
name   =  "app"

[package.metadata.docs.rs]
all-features = true

[package.metadata.longshore]
expose = [8080] # a port

[package.metadata.longshore.env]
A = "b"

# Used everywhere.
[dependencies]
log = '0.4'

[workspace.metadata.longshore.images.both]
bins = ["app"]
"#;
        expect![[r#"
            # syntax=localhost/longshore:dev
            [package] # named
            name   =  "app"

            [package.metadata.docs.rs]
            all-features = true

            # Used everywhere.
            [dependencies]
            log = '0.4'
        "#]]
        .assert_eq(&own(manifest).unwrap());
    }

    #[test]
    fn however_it_is_written() {
        for written in [
            "[package]\nname = \"a\"\nmetadata.longshore.expose = [1]\n",
            "[package]\nname = \"a\"\nmetadata = { longshore = { expose = [1] } }\n",
            "[package]\nname = \"a\"\n[package.metadata]\nlongshore = {}\n",
            "package = { name = \"a\", metadata = { longshore = {} } }\n",
        ] {
            let rest = own(written).unwrap();
            assert!(!rest.contains("longshore") && rest.contains("name = \"a\""), "{rest}");
            assert_eq!(own(&rest), None, "{rest}");
        }
    }

    #[test]
    fn lines_end_as_on_unix() {
        let manifest = "[package]\r\nname = \"a\"\r\n\r\n[package.metadata.longshore]\r\nexpose = [1]\r\n";
        assert_eq!(own(manifest).unwrap(), "[package]\nname = \"a\"\n");
    }

    #[test]
    fn what_has_neither_is_left_alone() {
        assert_eq!(own("[package]\nname = \"longshore\"\n"), None);
        assert_eq!(own("[package.metadata]\nother.longshore = 1\n"), None);
        assert_eq!(own("[package"), None);
    }

    #[test]
    fn at_the_root_what_the_package_inherits_stays() {
        let manifest = r#"
[workspace]
members = ["crates/*"]
default-members = ["."]
exclude = ["old"]
resolver = "3"

[workspace.package]
edition = "2024"
license = "MIT"

[workspace.dependencies]
near = { path = "crates/near" }
rt = { package = "tokio", version = "1" }
other = "3"

[workspace.lints.rust]
unsafe_code = "forbid"

[package]
name = "root"
edition.workspace = true

[dependencies]
beside = { path = "crates/beside" }
near.workspace = true
rt.workspace = true
"#;
        expect![[r#"

            [workspace]
            exclude = ["old", "crates/beside", "crates/near"]
            resolver = "3"

            [workspace.package]
            edition = "2024"

            [workspace.dependencies]
            near = { path = "crates/near" }
            rt = { package = "tokio", version = "1" }

            [package]
            name = "root"
            edition.workspace = true

            [dependencies]
            beside = { path = "crates/beside" }
            near.workspace = true
            rt.workspace = true
        "#]]
        .assert_eq(&own(manifest).unwrap());
    }

    #[test]
    fn what_lies_there_and_is_excluded_stays_so() {
        let manifest = r#"
[package]
name = "root"

[workspace]
exclude = ["guest", "vendor"]

[dependencies]
beside = { path = "crates/beside" }
vendored = { path = "vendor/v" }
"#;
        let own = own(manifest).unwrap();
        assert!(own.contains("exclude = [\"guest\", \"vendor\", \"crates/beside\"]"), "{own}");
    }

    #[test]
    fn what_is_depended_on_by_path_is_no_member() {
        let manifest = "[package]\nname = \"a\"\n[workspace]\n[dependencies]\nb = { path = \"b\" }\n";
        let own_of = own(manifest).unwrap();
        assert!(own_of.contains("exclude = [\"b\"]"), "{own_of}");
        assert_eq!(own(&own_of), None);
    }

    #[test]
    fn the_package_may_be_called_a_project() {
        let manifest =
            "[project]\nname = \"a\"\nversion.workspace = true\n[workspace.package]\nversion = \"1.0.0\"\n";
        assert_eq!(own(manifest), None);
    }

    #[test]
    fn another_member_changes_nothing_at_the_root() {
        let root = |members: &str, more: &str| {
            own(&format!(
                "[package]\nname = \"a\"\n\n[workspace]\nmembers = [{members}]\n\n[workspace.dependencies]\nlog = \"1\"\n{more}"
            ))
        };
        assert_eq!(root("", "").unwrap(), root("\"b\", \"c\"", "rand = \"2\"\n").unwrap());
    }
}
