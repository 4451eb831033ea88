//! The language in which build scripts speak to cargo on stdout, by the rules of cargo's `BuildOutput::parse`.
//!
//! Pure: text in, directives out. What the directives do is decided elsewhere.

use longshore_helper::spec::{LinkArgTarget, ScriptOutput};

/// What the rules depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect<'a> {
    /// For messages: `ring 0.17.8`.
    pub(crate) package: &'a str,
    /// `cargo::` is understood; the package states no rust-version before 1.77.
    pub(crate) double_colon: bool,
    /// `RUSTC_BOOTSTRAP` would change nothing, so setting it is ignored with a warning instead of refused.
    pub(crate) bootstrap: bool,
}

/// What a script said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) output: ScriptOutput,
    /// `cargo::error`: each fails the build.
    pub(crate) errors: Vec<String>,
}

/// Keys that the old syntax knows; any other is metadata.
const OLD_KEYS: [&str; 17] = [
    "rerun-if-changed",
    "rerun-if-env-changed",
    "rustc-cdylib-link-arg",
    "rustc-cfg",
    "rustc-check-cfg",
    "rustc-env",
    "rustc-flags",
    "rustc-link-arg",
    "rustc-link-arg-benches",
    "rustc-link-arg-bin",
    "rustc-link-arg-bins",
    "rustc-link-arg-cdylib",
    "rustc-link-arg-examples",
    "rustc-link-arg-tests",
    "rustc-link-lib",
    "rustc-link-search",
    "warning",
];

const MORE: &str =
    "see https://doc.rust-lang.org/cargo/reference/build-scripts.html#outputs-of-the-build-script";

/// Parses all of a script's stdout. The error is a message for the user.
pub(crate) fn parse(stdout: &[u8], dialect: Dialect<'_>) -> Result<Said, String> {
    let mut said = Said::default();
    for line in stdout.split(|byte| *byte == b'\n') {
        // Scripts pass on what tools print; text in another encoding is no directive.
        let Ok(line) = std::str::from_utf8(line) else {
            continue;
        };
        if let Some(directive) = Directive::split(line.trim(), dialect)? {
            directive.apply(&mut said, dialect)?;
        }
    }
    Ok(said)
}

/// The messages among the output of a script that failed, where nothing else counts any more.
pub(crate) fn messages(stdout: &[u8]) -> Said {
    let mut said = Said::default();
    for line in String::from_utf8_lossy(stdout).lines() {
        if let Some(error) = line.strip_prefix("cargo::error=") {
            said.errors.push(error.to_owned());
        } else if let Some(warning) =
            line.strip_prefix("cargo::warning=").or_else(|| line.strip_prefix("cargo:warning="))
        {
            said.output.warnings.push(warning.to_owned());
        }
    }
    said
}

/// The directory of a search path such as `native=/usr/lib`.
pub(crate) fn search_path_directory(path: &str) -> &str {
    match path.split_once('=') {
        Some(("native" | "crate" | "dependency" | "framework" | "all", directory)) => directory,
        _ => path,
    }
}

/// One `cargo:KEY=VALUE` or `cargo::KEY=VALUE`.
struct Directive<'a> {
    line: &'a str,
    /// `cargo:` or `cargo::`
    prefix: &'static str,
    key: &'a str,
    value: &'a str,
}

impl<'a> Directive<'a> {
    fn split(line: &'a str, dialect: Dialect<'_>) -> Result<Option<Self>, String> {
        let (prefix, data) = if let Some(data) = line.strip_prefix("cargo::") {
            if !dialect.double_colon {
                return Err(too_new(data, dialect.package));
            }
            ("cargo::", data)
        } else if let Some(data) = line.strip_prefix("cargo:") {
            ("cargo:", data)
        } else {
            return Ok(None);
        };
        if prefix == "cargo:" && !has_old_key(data) {
            return Ok(Some(Directive { line, prefix, key: "metadata", value: data }));
        }
        let Some((key, value)) = data.split_once('=') else {
            return Err(without_equals(line, prefix, dialect.package));
        };
        Ok(Some(Directive { line, prefix, key, value: value.trim_end() }))
    }

    fn apply(&self, said: &mut Said, dialect: Dialect<'_>) -> Result<(), String> {
        let output = &mut said.output;
        let value = self.value.to_owned();
        let link_arg = match self.key {
            "rustc-flags" => return self.flags(output, dialect),
            "rustc-env" => return self.env(output, dialect),
            "metadata" => return self.metadata(output, dialect),
            "rustc-link-lib" => return push(&mut output.library_links, value),
            "rustc-link-search" => return push(&mut output.library_paths, value),
            "rustc-cfg" => return push(&mut output.cfgs, value),
            "rustc-check-cfg" => return push(&mut output.check_cfgs, value),
            "error" => return push(&mut said.errors, value),
            "warning" => return push(&mut output.warnings, value),
            "rerun-if-changed" => return push(&mut output.rerun_if_changed, value),
            "rerun-if-env-changed" => return push(&mut output.rerun_if_env_changed, value),
            "rustc-link-arg" => LinkArgTarget::All,
            "rustc-link-arg-cdylib" | "rustc-cdylib-link-arg" => LinkArgTarget::Cdylib,
            "rustc-link-arg-bins" => LinkArgTarget::Bin,
            "rustc-link-arg-tests" => LinkArgTarget::Test,
            "rustc-link-arg-benches" => LinkArgTarget::Bench,
            "rustc-link-arg-examples" => LinkArgTarget::Example,
            "rustc-link-arg-bin" => {
                let Some((bin, arg)) = self.value.split_once('=') else {
                    return Err(format!(
                        "invalid instruction `{}` from build script of `{}`\n\
                         the instruction should have the form {}rustc-link-arg-bin=BIN=ARG",
                        self.line, dialect.package, self.prefix
                    ));
                };
                output.linker_args.push((LinkArgTarget::SingleBin(bin.to_owned()), arg.to_owned()));
                return Ok(());
            }
            unknown => {
                return Err(format!(
                    "invalid output in build script of `{}`: `{}`\nunknown key: `{unknown}`\n{MORE}",
                    dialect.package, self.line
                ));
            }
        };
        output.linker_args.push((link_arg, value));
        Ok(())
    }

    /// Only `-l` and `-L`, with the value in the same word or in the next.
    fn flags(&self, output: &mut ScriptOutput, dialect: Dialect<'_>) -> Result<(), String> {
        let mut words = self.value.split_whitespace();
        while let Some(word) = words.next() {
            let (target, joined) = if let Some(value) = word.strip_prefix("-l") {
                (&mut output.library_links, value)
            } else if let Some(value) = word.strip_prefix("-L") {
                (&mut output.library_paths, value)
            } else {
                return Err(format!(
                    "only `-l` and `-L` flags are allowed in build script of `{}`: `{}`",
                    dialect.package, self.value
                ));
            };
            let value = if joined.is_empty() { words.next() } else { Some(joined) };
            let Some(value) = value else {
                return Err(format!(
                    "flag in rustc-flags has no value in build script of `{}`: `{}`",
                    dialect.package, self.value
                ));
            };
            target.push(value.to_owned());
        }
        Ok(())
    }

    fn env(&self, output: &mut ScriptOutput, dialect: Dialect<'_>) -> Result<(), String> {
        let package = dialect.package;
        let Some((name, value)) = self.value.split_once('=') else {
            return Err(format!(
                "variable rustc-env has no value in build script of `{package}`: {}",
                self.value
            ));
        };
        if name != "RUSTC_BOOTSTRAP" {
            output.env.push((name.to_owned(), value.to_owned()));
            return Ok(());
        }
        let message = format!(
            "cannot set `RUSTC_BOOTSTRAP={value}` from build script of `{package}`.\n\
             note: crates cannot set `RUSTC_BOOTSTRAP` themselves, as doing so would subvert the stability \
             guarantees of Rust for your project."
        );
        if !dialect.bootstrap {
            return Err(format!(
                "{message}\nhelp: if you are sure, set the environment variable `RUSTC_BOOTSTRAP` for the whole build"
            ));
        }
        output.warnings.push(message);
        Ok(())
    }

    fn metadata(&self, output: &mut ScriptOutput, dialect: Dialect<'_>) -> Result<(), String> {
        let Some((key, value)) = self.value.split_once('=') else {
            let syntax = if self.prefix == "cargo:" { "cargo:" } else { "cargo::metadata=" };
            return Err(without_equals(self.line, syntax, dialect.package));
        };
        output.metadata.push((key.to_owned(), value.trim_end().to_owned()));
        Ok(())
    }
}

fn push(values: &mut Vec<String>, value: String) -> Result<(), String> {
    values.push(value);
    Ok(())
}

fn has_old_key(data: &str) -> bool {
    OLD_KEYS.iter().any(|key| data.strip_prefix(key).is_some_and(|rest| rest.starts_with('=')))
}

fn without_equals(line: &str, syntax: &str, package: &str) -> String {
    format!(
        "invalid output in build script of `{package}`: `{line}`\n\
         expected a line with `{syntax}KEY=VALUE` with an `=` character, but none was found\n{MORE}"
    )
}

fn too_new(data: &str, package: &str) -> String {
    let instead = match data.strip_prefix("metadata=") {
        Some(metadata) => format!("switch to the old `cargo:{metadata}` syntax (note the single colon)\n"),
        None if has_old_key(data) => {
            format!("switch to the old `cargo:{data}` syntax (note the single colon)\n")
        }
        None => String::new(),
    };
    format!(
        "the `cargo::` syntax for build script output instructions was added in Rust 1.77.0, but the minimum \
         supported Rust version of `{package}` is older: `cargo::{data}`\n{instead}{MORE}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect<'_> = Dialect { package: "a 1.0.0", double_colon: true, bootstrap: false };

    fn output(line: &str) -> ScriptOutput {
        let said = parse(line.as_bytes(), DIALECT).unwrap();
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
            (
                "rustc-link-search=native=/x",
                ScriptOutput { library_paths: strings(["native=/x"]), ..default() },
            ),
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
            (
                "rustc-link-arg=-s",
                ScriptOutput { linker_args: link_arg(LinkArgTarget::All, "-s"), ..default() },
            ),
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
            (
                "cargo:rustc-flags=-O",
                "only `-l` and `-L` flags are allowed in build script of `a 1.0.0`: `-O`",
            ),
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
}
