//! Which directories of the build context a manifest calls members of its workspace.

use std::collections::BTreeSet;

use buildkit_llb::SourceFile;
use camino::{Utf8Path, Utf8PathBuf};
use globset::GlobBuilder;
use toml::de::{DeTable, DeValue};

use crate::listing::Listing;

/// The directories that `[workspace] members` names and that have a manifest, and the workspace's own, `at`, if it is a
/// package. All are relative to the root of the build context.
///
/// What cannot be read names nothing. Members that only a path dependency names are not among them.
pub fn workspace_members(manifest: &SourceFile, at: &Utf8Path, listing: &Listing) -> BTreeSet<Utf8PathBuf> {
    let text = String::from_utf8_lossy(manifest.text());
    let (root, _) = DeTable::parse_recoverable(&text);
    let root = root.get_ref();
    let mut found = BTreeSet::new();
    if root.get("package").is_some() {
        found.insert(at.to_owned());
    }
    let workspace = root.get("workspace").and_then(|value| value.get_ref().as_table());
    let strings = |key: &str| -> Vec<String> {
        let list = workspace.and_then(|table| table.get(key)).and_then(|value| value.get_ref().as_array());
        list.into_iter()
            .flat_map(|list| list.iter())
            .filter_map(|value| match value.get_ref() {
                DeValue::String(text) => Some(text.trim_start_matches("./").trim_end_matches('/').to_owned()),
                _ => None,
            })
            .collect()
    };
    let excluded = strings("exclude");
    let members: Vec<_> = strings("members")
        .iter()
        .filter_map(|pattern| GlobBuilder::new(pattern).literal_separator(true).build().ok())
        .map(|glob| glob.compile_matcher())
        .collect();
    for file in listing.files().filter(|file| file.file_name() == Some("Cargo.toml")) {
        let directory = file.parent().unwrap_or(Utf8Path::new(""));
        let Ok(below) = directory.strip_prefix(at) else { continue };
        let is_excluded = excluded.iter().any(|prefix| below.starts_with(prefix));
        if !is_excluded && members.iter().any(|member| member.is_match(below)) {
            found.insert(directory.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::Kind;

    fn check(manifest: &str, at: &str, expected: &[&str]) {
        let paths =
            ["Cargo.toml", "a/Cargo.toml", "b/c/Cargo.toml", "b/d/Cargo.toml", "b/d/e/Cargo.toml", "b/x.rs"];
        let listing: Listing = paths.into_iter().map(|path| (path, Kind::File)).collect();
        let manifest = SourceFile::new("Cargo.toml", "TOML", manifest);
        let found = workspace_members(&manifest, at.into(), &listing);
        let found: Vec<&str> = found.iter().map(|path| path.as_str()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn patterns_name_directories_that_have_a_manifest() {
        check("[workspace]\nmembers = [\"a\", \"./b/*\", \"gone\"]\n", "", &["a", "b/c", "b/d"]);
        check("[workspace]\nmembers = [\"b/**\"]\nexclude = [\"b/d\"]\n", "", &["b/c"]);
    }

    #[test]
    fn a_package_at_the_root_is_a_member() {
        check("[package]\nname = \"x\"\n[workspace]\nmembers = [\"a/\"]\n", "", &["", "a"]);
        check("[workspace", "", &[]);
    }

    #[test]
    fn a_workspace_below_the_root_names_directories_below_itself() {
        check(
            "[package]\nname = \"x\"\n[workspace]\nmembers = [\"*\"]\nexclude = [\"c\"]\n",
            "b",
            &["b", "b/d"],
        );
    }
}
