//! What cargo 1.85 and 1.95 say when they refuse, and what the user is told.

use expect_test::{Expect, expect};

use super::*;
use crate::{diagnostic::text::draw, emit::Prefix};

const MANIFEST: &str = "[workspace]
members = [\"crates/app\", \"crates/util\"]

[profile.release]
opt-level = \"fast\"
";

fn failed(command: &str, status: i32, stderr: &str) -> Failure {
    Failure { command: command.to_owned(), status, stderr: stderr.to_owned(), rustc: String::new() }
}

fn refused(failure: &Failure, manifest: &SourceFile, lock: &SourceFile) -> Diagnostic {
    let names = Names {
        manifest,
        toolchain: "rust:1.95-bookworm",
        toolchain_span: None,
        compiler: "the toolchain image `rust:1.95-bookworm`",
        prefix: &Prefix::default(),
    };
    diagnose(failure, &names, lock, "".into())
}

fn diagnosed(failure: &Failure) -> Diagnostic {
    let manifest = SourceFile::new("Cargo.toml", "TOML", MANIFEST);
    let lock = SourceFile::new("Cargo.lock", "TOML", "version = 4\n");
    refused(failure, &manifest, &lock)
}

fn check(stderr: &str, expected: Expect) {
    let failure = failed("cargo metadata --format-version 1 --locked --offline", 101, stderr);
    let diagnostic = diagnosed(&failure);
    let code = diagnostic.code;
    expected.assert_eq(&format!("{code}\n{}", draw(&diagnostic.into())));
}

#[test]
fn cargo_1_85_would_write_the_lock_file() {
    check(
        "error: the lock file /ws/Cargo.lock needs to be updated but --locked was passed to prevent this
If you want to try to generate the lock file without accessing the network, remove the --locked flag and use --offline instead.
",
        expect![[r#"
            lock-out-of-date
            Cargo.lock:1
            --------------------
               1 | >>> version = 4
               2 |     
            --------------------
            ERROR: failed to build: failed to solve: `Cargo.lock` does not fit the manifests
            error: the lock file Cargo.lock needs to be updated but --locked was passed to prevent this
            help: run `cargo update --workspace` and commit `Cargo.lock`
        "#]],
    );
}

#[test]
fn cargo_1_95_would_write_the_lock_file() {
    check(
        "error: cannot update the lock file /ws/Cargo.lock because --locked was passed to prevent this
help: to generate the lock file without accessing the network, remove the --locked flag and use --offline instead.
",
        expect![[r#"
            lock-out-of-date
            Cargo.lock:1
            --------------------
               1 | >>> version = 4
               2 |     
            --------------------
            ERROR: failed to build: failed to solve: `Cargo.lock` does not fit the manifests
            error: cannot update the lock file Cargo.lock because --locked was passed to prevent this
            help: run `cargo update --workspace` and commit `Cargo.lock`
        "#]],
    );
}

#[test]
fn a_dependency_is_not_in_the_lock_file() {
    check(
        "error: no matching package named `itoa` found
location searched: directory source `/vendor` (which is replacing registry `crates-io`)
required by package `app v0.1.0 (/ws)`
As a reminder, you're using offline mode (--offline) which can sometimes cause surprising resolution failures, if this error is too confusing you may wish to retry without the offline flag.
",
        expect![[r#"
            lock-out-of-date
            Cargo.lock:1
            --------------------
               1 | >>> version = 4
               2 |     
            --------------------
            ERROR: failed to build: failed to solve: `Cargo.lock` does not fit the manifests
            error: no matching package named `itoa` found
            required by package `app v0.1.0`
            help: run `cargo update --workspace` and commit `Cargo.lock`
        "#]],
    );
}

#[test]
fn a_dependency_is_too_old_in_the_lock_file() {
    check(
        "error: failed to select a version for the requirement `itoa = \"^1.0.15\"`
candidate versions found which didn't match: 1.0.9
location searched: directory source `/vendor` (which is replacing registry `crates-io`)
required by package `app v0.1.0 (/ws/crates/app)`
perhaps a crate was updated and forgotten to be re-vendored?
As a reminder, you're using offline mode (--offline) which can sometimes cause surprising resolution failures, if this error is too confusing you may wish to retry without `--offline`.
",
        expect![[r#"
            lock-out-of-date
            Cargo.lock:1
            --------------------
               1 | >>> version = 4
               2 |     
            --------------------
            ERROR: failed to build: failed to solve: `Cargo.lock` does not fit the manifests
            error: failed to select a version for the requirement `itoa = "^1.0.15"`
            candidate versions found which didn't match: 1.0.9
            required by package `app v0.1.0 (crates/app)`
            help: run `cargo update --workspace` and commit `Cargo.lock`
        "#]],
    );
}

#[test]
fn a_member_is_missing() {
    check(
        "error: failed to load manifest for workspace member `/ws/crates/util`
referenced by workspace at `/ws/Cargo.toml`

Caused by:
  failed to read `/ws/crates/util/Cargo.toml`

Caused by:
  No such file or directory (os error 2)
",
        expect![[r#"
            missing-member
            Cargo.toml:2
            --------------------
               1 |     [workspace]
               2 | >>> members = ["crates/app", "crates/util"]
               3 |     
               4 |     [profile.release]
            --------------------
            ERROR: failed to build: failed to solve: workspace member `crates/util` has no `Cargo.toml` in the build context
            help: remove `crates/util` from `members`, or add `crates/util/Cargo.toml` (see also `.dockerignore`)
        "#]],
    );
}

#[test]
fn a_path_dependency_is_missing() {
    check(
        "error: failed to load manifest for dependency `util`

Caused by:
  failed to read `/ws/shared/util/Cargo.toml`

Caused by:
  No such file or directory (os error 2)
",
        expect![[r#"
            missing-file
            ERROR: failed to build: failed to solve: the dependency `util` has no `shared/util/Cargo.toml` in the build context
            help: add `shared/util/Cargo.toml` (see also `.dockerignore`), or correct the `path` of `util`
        "#]],
    );
}

#[test]
fn a_path_dependency_lies_outside() {
    check(
        "error: failed to load manifest for dependency `util`

Caused by:
  failed to read `/util/Cargo.toml`

Caused by:
  No such file or directory (os error 2)
",
        expect![[r#"
            missing-file
            ERROR: failed to build: failed to solve: the dependency `util` lies outside the build context
            help: pass a directory as build context that holds all path dependencies, and put the workspace's manifest there
        "#]],
    );
}

#[test]
fn a_mistake_in_the_entry_file_is_shown_there() {
    check(
        "error: must be `0`, `1`, `2`, `3`, `s` or `z`, but found the string: \"fast\"
 --> Cargo.toml:5:13
  |
5 | opt-level = \"fast\"
  |             ^^^^^^
",
        expect![[r#"
            cargo-failed
            Cargo.toml:5
            --------------------
               3 |     
               4 |     [profile.release]
               5 | >>> opt-level = "fast"
               6 |     
            --------------------
            ERROR: failed to build: failed to solve: `cargo metadata` failed
            error: must be `0`, `1`, `2`, `3`, `s` or `z`, but found the string: "fast"
             --> Cargo.toml:5:13
              |
            5 | opt-level = "fast"
              |             ^^^^^^
        "#]],
    );
}

#[test]
fn a_mistake_in_a_member_is_in_cargos_words() {
    check(
        "    Blocking waiting for file lock on package cache
error: invalid basic string, expected `\"`
 --> m/Cargo.toml:2:10
  |
2 | name = \"m
  |          ^
error: failed to load manifest for workspace member `/ws/m`
referenced by workspace at `/ws/Cargo.toml`
",
        expect![[r#"
            cargo-failed
            ERROR: failed to build: failed to solve: `cargo metadata` failed
            error: invalid basic string, expected `"`
             --> m/Cargo.toml:2:10
              |
            2 | name = "m
              |          ^
            error: failed to load manifest for workspace member `m`
            referenced by workspace at `Cargo.toml`
        "#]],
    );
}

/// What cargo 1.77 says of a lock file that 1.83 wrote.
const NEWER_LOCK_FILE: &str = "error: failed to parse lock file at: /ws/Cargo.lock

Caused by:
  lock file version `4` was found, but this version of Cargo does not understand this lock file, perhaps Cargo needs to be updated?
";

#[test]
fn a_cargo_that_is_too_old_is_told_of_as_such() {
    let said = |stderr: &str, rustc: &str| {
        let failure = failed("cargo metadata --format-version 1 --locked --offline", 101, stderr);
        draw(&diagnosed(&Failure { rustc: rustc.to_owned(), ..failure }).into())
    };
    let old = "rustc 1.77.2 (25ef9e3d8 2024-04-09)\nhost: a-b-c\n";
    expect![[r#"
        ERROR: failed to build: failed to solve: `cargo metadata` failed
        error: failed to parse lock file at: Cargo.lock

        Caused by:
          lock file version `4` was found, but this version of Cargo does not understand this lock file, perhaps Cargo needs to be updated?
        help: the toolchain image `rust:1.95-bookworm` has Rust 1.77, and Longshore is tested with 1.85 and newer: take a newer image as `toolchain`
    "#]].assert_eq(&said(NEWER_LOCK_FILE, old));
    expect![[r#"
        Cargo.lock:1
        --------------------
           1 | >>> version = 4
           2 |     
        --------------------
        ERROR: failed to build: failed to solve: `Cargo.lock` does not fit the manifests
        error: the lock file Cargo.lock needs to be updated but --locked was passed to prevent this
        help: run `cargo update --workspace` and commit `Cargo.lock`; also, the toolchain image `rust:1.95-bookworm` has Rust 1.77, and Longshore is tested with 1.85 and newer: take a newer image as `toolchain`
    "#]].assert_eq(&said(
        "error: the lock file /ws/Cargo.lock needs to be updated but --locked was passed to prevent this\n",
        old,
    ));
    let tested = said(NEWER_LOCK_FILE, "rustc 1.85.0 (4d91de4e4 2025-02-17)\n");
    assert!(!tested.contains("help: "), "{tested}");
}

#[test]
fn what_nobody_foresaw_is_shown_whole() {
    check(
        "thread 'main' panicked at src/cargo/x.rs\n",
        expect![[r#"
        cargo-failed
        ERROR: failed to build: failed to solve: `cargo metadata` failed
        thread 'main' panicked at src/cargo/x.rs
    "#]],
    );
}

#[test]
fn a_program_that_is_not_there_is_told_from_one_that_was_killed() {
    let absent = diagnosed(&failed("cargo", -1, "there is no `cargo` in the image: `PATH` is `/bin`\n"));
    assert_eq!(absent.code, Code::NoCargoInToolchain);
    assert_eq!(absent.message, "the toolchain image `rust:1.95-bookworm` has no `cargo`");
    let killed = diagnosed(&failed("cargo build --workspace", -1, ""));
    assert_eq!(killed.code, Code::CargoFailed);
    assert_eq!(killed.message, "`cargo build` was killed");
}

#[test]
fn settings_name_what_no_manifest_has() {
    let manifest = SourceFile::new(
        "Cargo.toml",
        "TOML",
        "[workspace.metadata.longshore]\nprofile = \"disst\"\nfeatures = [\"app/metrcs\"]\n",
    );
    let lock = SourceFile::new("Cargo.lock", "TOML", "version = 4\n");
    let drawn = |stderr: &str| {
        let failure = failed("cargo build --quiet", 101, stderr);
        draw(&refused(&failure, &manifest, &lock).into())
    };
    expect![[r#"
        Cargo.toml:2
        --------------------
           1 |     [workspace.metadata.longshore]
           2 | >>> profile = "disst"
           3 |     features = ["app/metrcs"]
           4 |     
        --------------------
        ERROR: failed to build: failed to solve: there is no profile `disst`
        help: write a table `[profile.disst]` into the workspace's manifest, with `inherits = "release"`; or name another as `profile` or `--build-arg PROFILE=…`
    "#]].assert_eq(&drawn("error: profile `disst` is not defined\n"));
    expect![[r#"
        Cargo.toml:3
        --------------------
           1 |     [workspace.metadata.longshore]
           2 |     profile = "disst"
           3 | >>> features = ["app/metrcs"]
           4 |     
        --------------------
        ERROR: failed to build: failed to solve: there is no feature `app/metrcs`
        error: the package 'app' does not contain this feature: app/metrcs
        help: features are named in `features` and in `--build-arg FEATURES=…`, as `package/feature`
    "#]]
    .assert_eq(&drawn("error: the package 'app' does not contain this feature: app/metrcs\n"));
    expect![[r#"
        ERROR: failed to build: failed to solve: there is no feature `other`
        error: none of the selected packages contains this feature: other
        selected packages: app
        help: features are named in `features` and in `--build-arg FEATURES=…`, as `package/feature`
    "#]]
    .assert_eq(&drawn(
        "error: none of the selected packages contains this feature: other\nselected packages: app\n",
    ));
}

#[test]
fn an_archive_of_the_workspace_is_another() {
    let manifest = SourceFile::new("Cargo.toml", "TOML", MANIFEST);
    let lock = SourceFile::new(
        "Cargo.lock",
        "TOML",
        "[[package]]\nname = \"words\"\nversion = \"3.0.0\"\nchecksum = \"cafe\"\n",
    );
    let said =
        "error: failed to verify the checksum of `words-3.0.0`: it is beef, and `Cargo.lock` has cafe\n";
    let diagnostic = refused(&failed("cargo fetch --locked", 101, said), &manifest, &lock);
    expect![[r#"
        Cargo.lock:4
        --------------------
           2 |     name = "words"
           3 |     version = "3.0.0"
           4 | >>> checksum = "cafe"
           5 |     
        --------------------
        ERROR: failed to build: failed to solve: failed to verify the checksum of `words-3.0.0`: it is beef, and `Cargo.lock` has cafe
        help: take the archive from the registry again, as `cargo local-registry` does; or, if it is meant to be another, lock that
    "#]].assert_eq(&draw(&diagnostic.into()));
}

#[test]
fn an_example_may_need_features() {
    check(
        "error: target `demo` in package `app` requires the features: `loud`, `dynamic`
Consider enabling them by passing, e.g., `--features=\"loud dynamic\"`
",
        expect![[r#"
            cargo-failed
            ERROR: failed to build: failed to solve: `cargo metadata` failed
            error: target `demo` in package `app` requires the features: `loud`, `dynamic`
            help: pass `--build-arg FEATURES=app/loud,app/dynamic`, or name them as `features` under `[workspace.metadata.longshore]`
        "#]],
    );
}
