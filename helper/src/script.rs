//! The language in which build scripts speak to cargo on stdout, by the rules of cargo's `BuildOutput::parse`
//! (`core/compiler/custom_build.rs`, as of 1.95) and of the Cargo book, "Build Scripts".
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
    /// Link arguments that the package has targets for.
    pub(crate) link_targets: &'a [LinkArgTarget],
}

/// What a script said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) output: ScriptOutput,
    /// `cargo::error`: each fails the build.
    pub(crate) errors: Vec<String>,
}

/// Keys that the old syntax knows; any other is metadata (`RESERVED_PREFIXES` in `custom_build.rs`).
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

/// The directory of a search path such as `native=/usr/lib`, whose kinds are rustc's (`-L KIND=PATH`).
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
            "rustc-link-arg" => (LinkArgTarget::All, value),
            "rustc-link-arg-cdylib" | "rustc-cdylib-link-arg" => (LinkArgTarget::Cdylib, value),
            "rustc-link-arg-bins" => (LinkArgTarget::Bin, value),
            "rustc-link-arg-tests" => (LinkArgTarget::Test, value),
            "rustc-link-arg-benches" => (LinkArgTarget::Bench, value),
            "rustc-link-arg-examples" => (LinkArgTarget::Example, value),
            "rustc-link-arg-bin" => {
                let Some((bin, arg)) = self.value.split_once('=') else {
                    return Err(format!(
                        "invalid instruction `{}` from build script of `{}`\n\
                         the instruction should have the form {}rustc-link-arg-bin=BIN=ARG",
                        self.line, dialect.package, self.prefix
                    ));
                };
                (LinkArgTarget::SingleBin(bin.to_owned()), arg.to_owned())
            }
            unknown => {
                return Err(format!(
                    "invalid output in build script of `{}`: `{}`\nunknown key: `{unknown}`\n{MORE}",
                    dialect.package, self.line
                ));
            }
        };
        self.check_target(&link_arg.0, output, dialect)?;
        output.linker_args.push(link_arg);
        Ok(())
    }

    /// A link argument for targets that the package does not have is an error, but for a cdylib, which gives a warning
    /// (`check_and_add_target` in cargo's `BuildOutput::parse`).
    fn check_target(
        &self,
        target: &LinkArgTarget,
        output: &mut ScriptOutput,
        dialect: Dialect<'_>,
    ) -> Result<(), String> {
        let Directive { prefix, key, .. } = self;
        let package = dialect.package;
        if dialect.link_targets.contains(target) {
            return Ok(());
        }
        let lacks = match target {
            LinkArgTarget::All => return Ok(()),
            LinkArgTarget::Cdylib => {
                output.warnings.push(format!(
                    "{prefix}{key} was specified in the build script of {package}, but that package does not contain \
                     a cdylib target; it does nothing, see https://github.com/rust-lang/cargo/issues/9562"
                ));
                return Ok(());
            }
            LinkArgTarget::SingleBin(bin) => format!("bin target with the name `{bin}`"),
            LinkArgTarget::Bin => "bin target".to_owned(),
            LinkArgTarget::Test => "test target".to_owned(),
            LinkArgTarget::Bench => "benchmark target".to_owned(),
            LinkArgTarget::Example => "example target".to_owned(),
        };
        Err(format!(
            "invalid instruction `{prefix}{key}` from build script of `{package}`\n\
             The package {package} does not have a {lacks}."
        ))
    }

    /// Only `-l` and `-L`, with the value in the same word or in the next (`BuildOutput::parse_rustc_flags`).
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

    /// `NAME=VALUE`; one variable is refused, where it would matter (`BuildOutput::parse_rustc_env`, and what follows it).
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
mod tests;
