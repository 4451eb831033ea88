//! Where files and programs of an image lie, and what would be in their way.

use super::{changed, pairs};
use crate::daemon::{build_with, daemon};

/// Whether an image with this in its settings is refused, as its program has no place.
async fn is_refused(settings: &str) -> bool {
    let table = format!("[workspace.metadata.longshore]\n{settings}\n[workspace]");
    let mut project = changed("hello", &[("Cargo.toml", "[workspace]", &table)]);
    project.files.insert("static/deep/page.html".to_owned(), b"page".to_vec());
    let said = build_with(&pairs(&[]), daemon(&project)).await.transcript.to_string();
    let refused =
        said.contains("there would be a directory where the image has the program `/usr/local/bin/hello`");
    assert!(refused || !said.contains("invalid-value"), "{said}");
    refused
}

#[tokio::test]
async fn nothing_lies_in_the_place_of_a_program() {
    let sum = "0".repeat(64);
    let file = |from: &str, to: &str| format!("files = [{{ from = \"{from}\", to = \"{to}\" }}]");
    let asset = |more: &str, to: &str| {
        format!(
            "assets = [{{ url = \"https://example.com/x.tar.gz\", sha256 = \"{sum}\", to = \"{to}\"{more} }}]"
        )
    };
    let refused = [
        file("static", "/usr/local/bin/hello"),
        file("static/deep/page.html", "/usr/local/bin/hello/page.html"),
        file("static/deep/page.html", "/usr/local/bin/hello/"),
        file("static/*", "/usr/local/bin/hello"),
        file("static", "/usr/local/bin/hello/static"),
        asset(", unpack = true", "/usr/local/bin/hello"),
        asset("", "/usr/local/bin/hello/x"),
    ];
    for settings in refused {
        assert!(is_refused(&settings).await, "{settings}");
    }
    let fine = [
        file("static", "/usr/local/bin"),
        file("static", "/usr/local/bin/hello-static"),
        file("static/deep/page.html", "/usr/local/bin/"),
        // The program goes before it.
        file("static/deep/page.html", "/usr/local/bin/hello"),
        asset(", unpack = true", "/usr/local/bin/"),
    ];
    for settings in fine {
        assert!(!is_refused(&settings).await, "{settings}");
    }
}
