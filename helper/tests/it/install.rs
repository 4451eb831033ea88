//! How what build scripts need is installed: which package manager is asked, and in which words. None that is asked here gets
//! as far as to install, since the helper tidies up after it, and the root is the machine's own.

use std::fs;

use longshore_helper::install::InstallRequest;

use crate::support::{finished, helper, text, write_program};

/// Notes what it is asked, and does it unless that is to install.
const PROGRAM: &str = r#"echo "${0##*/} $* (${DEBIAN_FRONTEND:-interactive} in $PWD)" >>"${0%/*}/asked"
case "$*" in
  "--quiet update "* | "--add-architecture "*) ;;
  *) echo "E: Unable to locate package libnone-dev" >&2; exit 100 ;;
esac"#;

/// What is asked of an image's programs so that it has `packages`, and what is said when the last one fails.
fn refused(programs: &[&str], packages: &[&str]) -> (String, String) {
    let root = tempfile::tempdir().unwrap();
    for program in programs {
        write_program(&root.path().join(program), PROGRAM);
    }
    let request = InstallRequest { packages: packages.iter().map(ToString::to_string).collect() };
    let mut command = helper("install", &request);
    let (passed, said) = finished(command.env("PATH", text(root.path())).output().unwrap());
    assert!(!passed, "{said}");
    (fs::read_to_string(root.path().join("asked")).unwrap_or_default(), said)
}

#[test]
fn debians_packages_are_looked_up_and_then_installed() {
    let (asked, said) = refused(&["apt-get", "dpkg"], &["cmake", "libnone-dev:arm64=1:2.0"]);
    assert_eq!(
        asked,
        "\
dpkg --add-architecture arm64 (noninteractive in /)
apt-get --quiet update --option Acquire::Retries=3 (noninteractive in /)
apt-get --quiet install --yes --no-install-recommends --option Acquire::Retries=3 cmake libnone-dev:arm64=1:2.0 (noninteractive in /)
"
    );
    for part in [
        "E: Unable to locate package libnone-dev\n",
        "error: `apt-get --quiet install --yes",
        "failed (exit status: 100)\n",
        "help: the image's distribution has no package `libnone-dev`;",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[test]
fn alpines_packages_are_asked_for_at_once() {
    let (asked, said) = refused(&["apk"], &["cmake", "libnone-dev"]);
    assert_eq!(asked, "apk add --no-cache cmake libnone-dev (interactive in /)\n");
    assert!(
        said.contains("error: `apk add --no-cache cmake libnone-dev` failed (exit status: 100)\n"),
        "{said}"
    );
}

#[test]
fn an_image_with_both_is_one_of_debian() {
    let (asked, _) = refused(&["apk", "apt-get"], &["cmake"]);
    assert!(asked.lines().all(|line| line.starts_with("apt-get ")) && asked.lines().count() == 2, "{asked}");
}

#[test]
fn an_image_without_a_package_manager_is_told_of_other_ways() {
    let (asked, said) = refused(&["dnf"], &["cmake"]);
    assert_eq!(asked, "");
    assert_eq!(
        said,
        "error: the toolchain image has neither apt-get nor apk, so nothing can be installed by name\n\
         help: install it with lines of `builder.setup`, or take another image as `toolchain`\n"
    );
}
