//! What kind of file a build starts from.

use toml::de::DeTable;

/// The kinds of entry files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// The manifest of the workspace.
    Manifest,
    /// A `longshore.toml`: settings, and nothing of cargo's.
    Standalone,
    /// A Dockerfile that names our targets.
    Dockerfile,
}

/// Tells from a file's name and text what it is.
///
/// What is called `.toml` is TOML, however broken; any other file has to look like it.
pub fn entry_kind(name: &str, text: &str) -> EntryKind {
    let (root, errors) = DeTable::parse_recoverable(text);
    let root = root.get_ref();
    let is_toml = name.to_ascii_lowercase().ends_with(".toml") || (errors.is_empty() && !root.is_empty());
    if !is_toml {
        EntryKind::Dockerfile
    } else if root.is_empty() || root.get("package").is_some() || root.get("workspace").is_some() {
        EntryKind::Manifest
    } else {
        EntryKind::Standalone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_looks_like() {
        let kinds = [
            ("Cargo.toml", "[package]\nname = \"x\"\n", EntryKind::Manifest),
            ("service.manifest", "[workspace]\n", EntryKind::Manifest),
            ("Cargo.toml", "[package\n", EntryKind::Manifest),
            ("longshore.toml", "profile = \"dev\"\n", EntryKind::Standalone),
            ("Dockerfile", "# syntax=x\nFROM scratch\n", EntryKind::Dockerfile),
            ("Dockerfile", "# only a comment\n", EntryKind::Dockerfile),
        ];
        for (name, text, kind) in kinds {
            assert_eq!(entry_kind(name, text), kind, "{name}: {text}");
        }
    }
}
