//! One line of a build script per rule.

use super::*;

const DIALECT: Dialect<'_> =
    Dialect { package: "a 1.0.0", double_colon: true, bootstrap: false, link_targets: &[] };

fn output(line: &str) -> ScriptOutput {
    let link_targets = [
        LinkArgTarget::Bin,
        LinkArgTarget::SingleBin("a".to_owned()),
        LinkArgTarget::Cdylib,
        LinkArgTarget::Test,
        LinkArgTarget::Bench,
        LinkArgTarget::Example,
    ];
    let said = parse(line.as_bytes(), Dialect { link_targets: &link_targets, ..DIALECT }).unwrap();
    assert_eq!(said.errors, Vec::<String>::new());
    said.output
}

fn error(line: &str, dialect: Dialect<'_>) -> String {
    parse(line.as_bytes(), dialect).unwrap_err()
}

fn strings<const N: usize>(values: [&str; N]) -> Vec<String> {
    values.map(str::to_owned).to_vec()
}

fn pairs<const N: usize>(values: [(&str, &str); N]) -> Vec<(String, String)> {
    values.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

#[test]
fn every_directive_works_with_one_colon_and_with_two() {
    let default = ScriptOutput::default;
    let link_arg = |target, arg: &str| vec![(target, arg.to_owned())];
    for (line, expected) in [
        ("rustc-link-lib=static=z", ScriptOutput { library_links: strings(["static=z"]), ..default() }),
        ("rustc-link-search=native=/x", ScriptOutput { library_paths: strings(["native=/x"]), ..default() }),
        (
            "rustc-flags=-l z -Lnative=/x  -lw -L /y",
            ScriptOutput {
                library_links: strings(["z", "w"]),
                library_paths: strings(["native=/x", "/y"]),
                ..default()
            },
        ),
        ("rustc-flags=", default()),
        ("rustc-cfg=feature=\"x\"", ScriptOutput { cfgs: strings(["feature=\"x\""]), ..default() }),
        ("rustc-check-cfg=cfg(x)", ScriptOutput { check_cfgs: strings(["cfg(x)"]), ..default() }),
        ("rustc-env=A=b=c", ScriptOutput { env: pairs([("A", "b=c")]), ..default() }),
        ("rustc-env=A=", ScriptOutput { env: pairs([("A", "")]), ..default() }),
        ("warning=careful = now", ScriptOutput { warnings: strings(["careful = now"]), ..default() }),
        ("rerun-if-changed=a b", ScriptOutput { rerun_if_changed: strings(["a b"]), ..default() }),
        ("rerun-if-env-changed=CC", ScriptOutput { rerun_if_env_changed: strings(["CC"]), ..default() }),
        ("rustc-link-arg=-s", ScriptOutput { linker_args: link_arg(LinkArgTarget::All, "-s"), ..default() }),
        (
            "rustc-link-arg-cdylib=-s",
            ScriptOutput { linker_args: link_arg(LinkArgTarget::Cdylib, "-s"), ..default() },
        ),
        (
            "rustc-cdylib-link-arg=-s",
            ScriptOutput { linker_args: link_arg(LinkArgTarget::Cdylib, "-s"), ..default() },
        ),
        (
            "rustc-link-arg-bins=-s",
            ScriptOutput { linker_args: link_arg(LinkArgTarget::Bin, "-s"), ..default() },
        ),
        (
            "rustc-link-arg-bin=a=-T=x",
            ScriptOutput {
                linker_args: link_arg(LinkArgTarget::SingleBin("a".to_owned()), "-T=x"),
                ..default()
            },
        ),
        (
            "rustc-link-arg-tests=-s",
            ScriptOutput { linker_args: link_arg(LinkArgTarget::Test, "-s"), ..default() },
        ),
        (
            "rustc-link-arg-benches=-s",
            ScriptOutput { linker_args: link_arg(LinkArgTarget::Bench, "-s"), ..default() },
        ),
        (
            "rustc-link-arg-examples=-s",
            ScriptOutput { linker_args: link_arg(LinkArgTarget::Example, "-s"), ..default() },
        ),
    ] {
        for prefix in ["cargo:", "cargo::", "  cargo:"] {
            assert_eq!(output(&format!("{prefix}{line}  \r\n")), expected, "{prefix}{line}");
        }
    }
}

#[test]
fn link_arguments_for_targets_that_are_not_there_are_refused() {
    let of_b = [LinkArgTarget::Bin, LinkArgTarget::SingleBin("b".to_owned())];
    for (key, value, link_targets, lacks) in [
        ("rustc-link-arg-bins", "-s", [].as_slice(), "bin target."),
        ("rustc-link-arg-bin", "a=-s", of_b.as_slice(), "bin target with the name `a`."),
        ("rustc-link-arg-tests", "-s", of_b.as_slice(), "test target."),
        ("rustc-link-arg-benches", "-s", of_b.as_slice(), "benchmark target."),
        ("rustc-link-arg-examples", "-s", of_b.as_slice(), "example target."),
    ] {
        let dialect = Dialect { link_targets, ..DIALECT };
        for prefix in ["cargo:", "cargo::"] {
            assert_eq!(
                error(&format!("{prefix}{key}={value}"), dialect),
                format!(
                    "invalid instruction `{prefix}{key}` from build script of `a 1.0.0`\n\
                     The package a 1.0.0 does not have a {lacks}"
                )
            );
        }
    }
    assert_eq!(parse(b"cargo:rustc-link-arg=-s", DIALECT).unwrap().output.linker_args.len(), 1);
    let said = parse(b"cargo:rustc-cdylib-link-arg=-s", DIALECT).unwrap();
    assert_eq!(said.output.linker_args.len(), 1);
    assert!(
        said.output.warnings[0].contains("does not contain a cdylib target"),
        "{:?}",
        said.output.warnings
    );
}

#[test]
fn metadata_has_a_spelling_for_each_syntax() {
    assert_eq!(output("cargo:root=/x=y").metadata, pairs([("root", "/x=y")]));
    assert_eq!(output("cargo::metadata=root=/x").metadata, pairs([("root", "/x")]));
    // In the old syntax neither of these is reserved.
    assert_eq!(output("cargo:metadata=root=/x").metadata, pairs([("metadata", "root=/x")]));
    assert_eq!(output("cargo:error=boom").metadata, pairs([("error", "boom")]));
    assert_eq!(output("cargo:rustc-link-libs=z").metadata, pairs([("rustc-link-libs", "z")]));
}

#[test]
fn only_directives_count_and_bytes_that_are_not_text_are_skipped() {
    assert_eq!(output("hello\ncargo\nCARGO:rustc-cfg=x\n# cargo:rustc-cfg=x\n"), ScriptOutput::default());
    let said = parse(b"cargo:rustc-cfg=\xff\ncargo:rustc-cfg=x", DIALECT).unwrap();
    assert_eq!(said.output.cfgs, ["x"]);
}

#[test]
fn errors_are_collected() {
    let said = parse(b"cargo::error=one\ncargo::error=two\n", DIALECT).unwrap();
    assert_eq!(said.errors, ["one", "two"]);
    assert_eq!(
        messages(b"x\ncargo::error=one\ncargo:warning=w\ncargo::warning=v\n").output.warnings,
        ["w", "v"]
    );
    assert_eq!(messages(b"cargo::error=one\n").errors, ["one"]);
}

#[test]
fn mistakes_name_the_line() {
    for (line, expected) in [
        (
            "cargo:novalue",
            "invalid output in build script of `a 1.0.0`: `cargo:novalue`\nexpected a line with \
          `cargo:KEY=VALUE` with an `=`",
        ),
        ("cargo::novalue", "expected a line with `cargo::KEY=VALUE`"),
        ("cargo::metadata=novalue", "expected a line with `cargo::metadata=KEY=VALUE`"),
        ("cargo::no-such-key=x", "`cargo::no-such-key=x`\nunknown key: `no-such-key`"),
        ("cargo:rustc-flags=-O", "only `-l` and `-L` flags are allowed in build script of `a 1.0.0`: `-O`"),
        (
            "cargo:rustc-flags=-lz -L",
            "flag in rustc-flags has no value in build script of `a 1.0.0`: `-lz -L`",
        ),
        ("cargo:rustc-env=X", "variable rustc-env has no value in build script of `a 1.0.0`: X"),
        ("cargo::rustc-link-arg-bin=x", "should have the form cargo::rustc-link-arg-bin=BIN=ARG"),
    ] {
        let message = error(line, DIALECT);
        assert!(message.contains(expected), "{line}: {message}");
    }
}

#[test]
fn two_colons_need_a_package_that_is_new_enough() {
    let old = Dialect { double_colon: false, ..DIALECT };
    assert!(error("cargo::rustc-cfg=x", old).contains("switch to the old `cargo:rustc-cfg=x` syntax"));
    assert!(error("cargo::metadata=a=b", old).contains("switch to the old `cargo:a=b` syntax"));
    assert!(!error("cargo::error=x", old).contains("switch to"));
    assert_eq!(parse(b"cargo:rustc-cfg=x", old).unwrap().output.cfgs, ["x"]);
}

#[test]
fn bootstrap_is_refused_or_ignored_but_never_set() {
    let line = "cargo:rustc-env=RUSTC_BOOTSTRAP=1";
    assert!(
        error(line, DIALECT).starts_with("cannot set `RUSTC_BOOTSTRAP=1` from build script of `a 1.0.0`")
    );
    let said = parse(line.as_bytes(), Dialect { bootstrap: true, ..DIALECT }).unwrap();
    assert_eq!(said.output.env, Vec::new());
    assert_eq!(said.output.warnings.len(), 1);
}

#[test]
fn search_paths_lose_their_kind_and_nothing_else() {
    for (path, directory) in [("native=/x", "/x"), ("/x", "/x"), ("all=/a=b", "/a=b"), ("/a=b", "/a=b")] {
        assert_eq!(search_path_directory(path), directory);
    }
}
