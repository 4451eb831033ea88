//! What a toolchain file wants: rustup is asked for what is not there and for nothing else, and without rustup what is there
//! is found.

use std::fs;
use std::path::Path;

use longshore_helper::toolchain::{REPORT_FILE, ToolchainReport, ToolchainRequest};

use crate::support::{finished, helper, text, write_program};

/// A rustc that has itself as its sysroot, of a nightly.
const RUSTC: &str = r#"case $1 in
  -vV) printf 'rustc 1.97.0-nightly (e50aa6fba 2026-05-19)\nhost: a-b-c\n' ;;
  *) cd "${0%/bin/rustc}" && pwd ;;
esac
"#;

/// Installs any toolchain but the thirtieth of February's, notes what it is asked, and makes nothing of components.
const RUSTUP: &str = r#"set -eu
toolchains=$(cd "${0%/*}/../toolchains" && pwd)
echo "$* ${RUSTUP_TOOLCHAIN:-}" >>"$toolchains/../asked"
case "$1 $2" in
  "which --toolchain") path=$toolchains/$3/bin/rustc; [ -f "$path" ] && echo "$path" ;;
  "which rustc") echo "$toolchains/own/bin/rustc" ;;
  "toolchain install")
    case $3 in *-02-30) echo "error: no release found for '$3'" >&2; exit 1 ;; esac
    mkdir "$toolchains/$3" && cp -r "$toolchains/own/." "$toolchains/$3/" ;;
esac
"#;

/// A root with a toolchain `own` that has rustfmt and the host's standard library, and what of it is in `PATH`.
fn image(with_rustup: bool) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    let libraries = at("toolchains/own/lib/rustlib/a-b-c/lib");
    fs::create_dir_all(&libraries).unwrap();
    fs::create_dir_all(at("toolchains/own/bin")).unwrap();
    fs::create_dir_all(at("bin")).unwrap();
    fs::write(libraries.join("libcore.rlib"), "").unwrap();
    write_program(&at("toolchains/own/bin/rustc"), RUSTC);
    write_program(&at("toolchains/own/bin/rustfmt"), "exit 0");
    if with_rustup {
        write_program(&at("bin/rustup"), RUSTUP);
    }
    root
}

fn request(root: &Path, channel: Option<&str>, components: &[&str], targets: &[&str]) -> ToolchainRequest {
    let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    ToolchainRequest {
        file: "rust-toolchain.toml".to_owned(),
        channel: channel.map(str::to_owned),
        components: owned(components),
        targets: owned(targets),
        output: text(&root.join("report")),
    }
}

/// Whether it passed, what it said, what it reports.
fn run(root: &Path, request: &ToolchainRequest) -> (bool, String, Option<ToolchainReport>) {
    let path =
        format!("{}:{}:/usr/bin:/bin", text(&root.join("bin")), text(&root.join("toolchains/own/bin")));
    let mut command = helper("toolchain", request);
    let output = command.env("PATH", path).env("RUSTUP_TOOLCHAIN", "another").output().unwrap();
    let (passed, said) = finished(output);
    let report = fs::read(root.join("report").join(REPORT_FILE)).ok();
    (passed, said, report.map(|report| serde_json::from_slice(&report).unwrap()))
}

fn asked(root: &Path) -> Vec<String> {
    let asked = fs::read_to_string(root.join("asked")).unwrap_or_default();
    asked.lines().filter(|line| !line.starts_with("which")).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_channel_is_installed_once_with_all_that_is_listed() {
    let root = image(true);
    let wanted = request(root.path(), Some("nightly-2026-01-05"), &["rustfmt"], &["a-b-c"]);
    let (passed, said, report) = run(root.path(), &wanted);
    assert!(passed, "{said}");
    let install = "toolchain install nightly-2026-01-05 --profile minimal --no-self-update --component rustfmt --target a-b-c";
    assert_eq!(asked(root.path()), [install]);
    let expected = ToolchainReport {
        rustc: "rustc 1.97.0-nightly (e50aa6fba 2026-05-19)".to_owned(),
        ..ToolchainReport::default()
    };
    assert_eq!(report, Some(expected));
    // What is there is not asked for again; what is not, is added to it.
    let more = request(root.path(), Some("nightly-2026-01-05"), &["rust-src", "rustfmt"], &["a-b-c"]);
    assert!(run(root.path(), &more).0);
    let add = "component add --toolchain nightly-2026-01-05 rust-src";
    assert_eq!(asked(root.path()), [install, add]);
}

#[test]
fn the_images_own_toolchain_is_added_to() {
    let root = image(true);
    let (passed, said, _) =
        run(root.path(), &request(root.path(), None, &["rust-src", "rustfmt"], &["d-e-f"]));
    assert!(passed, "{said}");
    // As rustup chooses it: by the variable, if the image has one.
    assert_eq!(asked(root.path()), ["component add rust-src another", "target add d-e-f another"]);
}

#[test]
fn what_rustup_cannot_install_comes_with_its_words_and_ours() {
    let root = image(true);
    let (passed, said, report) =
        run(root.path(), &request(root.path(), Some("nightly-2026-02-30"), &[], &[]));
    assert!(!passed && report.is_none());
    for part in
        ["no release found for", "error: `rustup toolchain install", "help: there is no such toolchain"]
    {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[test]
fn without_rustup_what_is_there_is_found() {
    let root = image(false);
    let wanted = request(root.path(), Some("nightly"), &["rust-src", "rustfmt"], &["a-b-c", "d-e-f"]);
    let (passed, said, report) = run(root.path(), &wanted);
    assert!(passed, "{said}");
    let report = report.unwrap();
    assert_eq!((report.components, report.targets), (vec!["rust-src".to_owned()], vec!["d-e-f".to_owned()]));

    let (passed, said, _) = run(root.path(), &request(root.path(), Some("nightly-2026-05-20"), &[], &[]));
    assert!(!passed);
    let error = "`nightly-2026-05-20` of `rust-toolchain.toml` cannot be installed: the toolchain image has no rustup, and \
                 it has rustc 1.97.0-nightly";
    assert!(said.contains(error) && said.contains("help: name an image"), "{said}");
}
