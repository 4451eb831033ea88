//! Manifests without what is said to Longshore.
//!
//! What an image listens on is no reason to compile its program again. So the steps of a member see its manifest without our
//! settings; what of them matters to a step is in its command line or environment. For cargo, which build scripts and macros may
//! have read the manifest, nothing is missing: it does not look at `metadata` (the Cargo book, "The `metadata` table").

use toml_edit::{DocumentMut, Item};

/// The manifest without `[package.metadata.longshore]` and `[workspace.metadata.longshore]`, and else as it was, but for
/// ends of lines, which are those of Unix; `None` where it has neither, or is no TOML.
pub fn without_settings(manifest: &str) -> Option<String> {
    let mut document: DocumentMut = manifest.parse().ok()?;
    let mut is_less = false;
    for table in ["package", "workspace"] {
        let metadata = document.get_mut(table).and_then(|table| table.get_mut("metadata"));
        if let Some(metadata) = metadata.and_then(Item::as_table_like_mut) {
            is_less |= metadata.remove("longshore").is_some();
        }
    }
    is_less.then(|| document.to_string())
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
        .assert_eq(&without_settings(manifest).unwrap());
    }

    #[test]
    fn however_it_is_written() {
        for written in [
            "[package]\nname = \"a\"\nmetadata.longshore.expose = [1]\n",
            "[package]\nname = \"a\"\nmetadata = { longshore = { expose = [1] } }\n",
            "[package]\nname = \"a\"\n[package.metadata]\nlongshore = {}\n",
            "package = { name = \"a\", metadata = { longshore = {} } }\n",
        ] {
            let rest = without_settings(written).unwrap();
            assert!(!rest.contains("longshore") && rest.contains("name = \"a\""), "{rest}");
            assert_eq!(without_settings(&rest), None, "{rest}");
        }
    }

    #[test]
    fn lines_end_as_on_unix() {
        let manifest = "[package]\r\nname = \"a\"\r\n\r\n[package.metadata.longshore]\r\nexpose = [1]\r\n";
        assert_eq!(without_settings(manifest).unwrap(), "[package]\nname = \"a\"\n");
    }

    #[test]
    fn what_has_no_settings_is_left_alone() {
        assert_eq!(without_settings("[package]\nname = \"longshore\"\n"), None);
        assert_eq!(without_settings("[package.metadata]\nother.longshore = 1\n"), None);
        assert_eq!(without_settings("[package"), None);
    }
}
