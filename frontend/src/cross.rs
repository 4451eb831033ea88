//! What cargo and build scripts are told so that a program for one platform is compiled on another. Pure.
//!
//! Compilers and libraries of the target are those of Debian's cross toolchains, which the official Rust images can
//! install. What the user's configuration says instead goes before all that is said here. For the builder's own
//! platform nothing is said, so what is compiled there has the keys that it always had; and nothing reaches a step on
//! the host's side, so that all platforms share those.

use std::collections::BTreeMap;

use buildkit_llb::Platform;
use cfg_expr::{Expression, Predicate, targets::get_builtin_target_by_triple};
use longshore_helper::recording::{CallKind, Recording};
use toml::Value as Toml;

use crate::{
    cargo_config::{CargoConfig, Entry, Value},
    triple,
};

/// What there is to know before cargo is asked.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The platform that vertices run on.
    pub build_platform: &'a Platform,
    /// The platform that the program is for.
    pub platform: &'a Platform,
    /// Its triple.
    pub triple: &'a str,
    /// The workspace's configuration of cargo.
    pub cargo_config: &'a CargoConfig,
    /// The variables of the toolchain image.
    pub toolchain_env: &'a BTreeMap<String, String>,
    /// `RUSTFLAGS` as the build argument has it, which goes before the image's; empty for none.
    pub rustflags: &'a str,
}

/// What cargo and build scripts are told of the target, beyond `--target`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cross {
    /// Variables for cargo, in the recording and nowhere else: what they decide stands in the recorded command lines.
    pub env: BTreeMap<String, String>,
    /// Values of `--config` for cargo's build, in the recording and nowhere else.
    pub config: Vec<String>,
    /// Variables of build scripts that run for the target, see [`Cross::complete`].
    pub script_env: BTreeMap<String, String>,
}

impl Cross {
    /// What is said to compile `given.triple`.
    pub fn new(given: &Given<'_>) -> Cross {
        let user = given.cargo_config;
        let mut cross = Cross::default();
        if let Some(cpu) = triple::cpu(given.platform) {
            cross.add_flag(&format!("-Ctarget-cpu={cpu}"), given, user);
        }
        if given.build_platform.architecture() != given.platform.architecture() {
            cross.add_tools(given, user);
        }
        cross
    }

    /// What is said to compile for a device with this flag.
    pub fn of_device(flag: Option<&str>, given: &Given<'_>) -> Cross {
        let mut cross = Cross::default();
        if let Some(flag) = flag {
            cross.add_flag(flag, given, given.cargo_config);
        }
        cross
    }

    /// Has cargo add a flag to the target's, after all of the user's.
    ///
    /// Cargo takes flags from one kind of source only: `CARGO_ENCODED_RUSTFLAGS`, else `RUSTFLAGS`, else all fitting
    /// `target.*.rustflags`, else `build.rustflags`
    /// (<https://doc.rust-lang.org/cargo/reference/config.html#buildrustflags>). So the flag is added wherever the user
    /// has some: then it is there whichever source cargo chooses, and none is chosen that the user's would not be.
    fn add_flag(&mut self, flag: &str, given: &Given<'_>, user: &CargoConfig) {
        if let Some(flags) = given.toolchain_env.get(ENCODED_RUSTFLAGS) {
            self.env.insert(ENCODED_RUSTFLAGS.to_owned(), joined(flags, '\u{1f}', flag));
        }
        let image = given.toolchain_env.get(RUSTFLAGS).map(String::as_str).unwrap_or_default();
        let flags = if given.rustflags.is_empty() { image } else { given.rustflags };
        if !flags.is_empty() {
            self.env.insert(RUSTFLAGS.to_owned(), joined(flags, ' ', flag));
        }
        let variable = cargo_variable(given.triple, RUSTFLAGS);
        if let Some(flags) = given.toolchain_env.get(&variable) {
            self.env.insert(variable, joined(flags, ' ', flag));
        }
        let build = user.table("build").and_then(|build| build.get("rustflags"));
        self.config.push(format!("build.rustflags={}", with_flag(build, flag)));
        for (name, table) in user.tables("target") {
            if let Some(flags) = table.get("rustflags") {
                self.config.push(format!(
                    "target.{}.rustflags={}",
                    quoted(name),
                    with_flag(Some(flags), flag)
                ));
            }
        }
    }

    /// Names the target's linker, unless the user does, and the target's libraries.
    ///
    /// The `cc` crate, and `cmake` with it, find the compiler by its name.
    fn add_tools(&mut self, given: &Given<'_>, user: &CargoConfig) {
        let Some(prefix) = triple::tool_prefix(given.triple) else { return };
        let variable = cargo_variable(given.triple, "LINKER");
        // As a variable it would win over the user's configuration.
        if !given.toolchain_env.contains_key(&variable) && !has_linker(user, given.triple) {
            self.env.insert(variable, format!("{prefix}-gcc"));
        }
        let Some(multiarch) = triple::multiarch(given.triple) else { return };
        for (name, value) in [
            // The `pkg-config` crate finds nothing for another machine without it.
            ("PKG_CONFIG_ALLOW_CROSS", "1".to_owned()),
            // The directories of Debian's own `TRIPLE-pkg-config`, without the builder's libraries.
            (
                "PKG_CONFIG_LIBDIR",
                format!(
                    "/usr/local/lib/{multiarch}/pkgconfig:/usr/local/share/pkgconfig:/usr/lib/{multiarch}/pkgconfig:\
                     /usr/{prefix}/lib/pkgconfig:/usr/share/pkgconfig"
                ),
            ),
        ] {
            if !given.toolchain_env.contains_key(name) {
                self.script_env.insert(name.to_owned(), value);
            }
        }
    }

    /// Adds to a recording what build scripts that run for `triple` need and cargo does not know of. What cargo sets
    /// for them, from the user's `[env]`, stays.
    pub fn complete(&self, triple: &str, recording: &mut Recording) {
        let scripts = recording.calls.iter_mut().filter(|call| {
            call.kind == CallKind::BuildScript && call.env.get("TARGET").is_some_and(|found| found == triple)
        });
        for script in scripts {
            for (name, value) in &self.script_env {
                script.env.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

const RUSTFLAGS: &str = "RUSTFLAGS";
const ENCODED_RUSTFLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";

/// The variable that stands for `target.TRIPLE.KEY` of cargo's configuration.
fn cargo_variable(triple: &str, key: &str) -> String {
    let triple = triple.to_uppercase().replace(['-', '.'], "_");
    format!("CARGO_TARGET_{triple}_{key}")
}

fn joined(flags: &str, separator: char, flag: &str) -> String {
    if flags.is_empty() { flag.to_owned() } else { format!("{flags}{separator}{flag}") }
}

/// The value that makes cargo use `flag` after the user's: cargo appends an array to an array, but replaces a string
/// and refuses to mix the two.
fn with_flag(flags: Option<&Entry>, flag: &str) -> Toml {
    match flags.map(|flags| &flags.value) {
        Some(Value::Text(flags)) => Toml::String(joined(flags, ' ', flag)),
        _ => Toml::Array(vec![Toml::String(flag.to_owned())]),
    }
}

fn quoted(key: &str) -> Toml {
    Toml::String(key.to_owned())
}

/// Whether the configuration names a linker for a triple.
fn has_linker(user: &CargoConfig, triple: &str) -> bool {
    user.tables("target").any(|(name, table)| table.contains_key("linker") && is_of(name, triple))
}

/// Whether a table `[target.NAME]` of cargo's configuration is about a triple: the name is that, or a `cfg(…)` that is true
/// for it.
pub fn is_of(name: &str, triple: &str) -> bool {
    name == triple || is_true(name, triple)
}

fn is_true(cfg: &str, triple: &str) -> bool {
    let (Ok(expression), Some(target)) = (Expression::parse(cfg), get_builtin_target_by_triple(triple))
    else {
        return false;
    };
    expression.eval(|predicate| match predicate {
        Predicate::Target(predicate) => predicate.matches(target),
        _ => false,
    })
}

#[cfg(test)]
mod tests;
