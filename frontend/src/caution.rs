//! What a build can do and its user may not expect: settings without effect, results tied to one machine, images that
//! could not start. Pure.

use std::collections::BTreeMap;

use buildkit_llb::{SourceFile, Span};
use longshore_helper::{
    recording::{Recording, describes_recording},
    spec::{Spec, Step},
};
use toml::de::DeTable;

use crate::{
    cargo_config::{CargoConfig, Entry},
    config::Base,
    diagnostic::{Code, Diagnostic, did_you_mean},
    triple,
};

/// Warnings about a workspace, in a fixed order. `compiler` is what compiles, in words.
pub fn warnings(recording: &Recording, compiler: &str) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    if let Some(Old { message, help }) = old(&recording.rustc, compiler) {
        let help = format!("{help}; what cargo does differently before that is not looked for");
        warnings.push(Diagnostic::warning(Code::OldToolchain, message).help(help));
    }
    if recording.calls.iter().flat_map(|call| &call.args).any(|arg| arg.contains("target-cpu=native")) {
        warnings.push(
            Diagnostic::warning(
                Code::InvalidValue,
                "`target-cpu=native` compiles for the builder's CPU, and a shared cache or image may reach another",
            )
            .help("name the CPU, for example `target-cpu=x86-64-v3`"),
        );
    }
    warnings
}

/// What there is to say of a compiler that is older than those that are tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Old {
    /// How old it is.
    pub message: String,
    /// What to take instead.
    pub help: String,
}

/// Whether a compiler is older than those that are tested. `rustc` is what it says of its version, `compiler` what it is, in
/// words.
pub fn old(rustc: &str, compiler: &str) -> Option<Old> {
    let (major, minor) = version(rustc).filter(|version| *version < OLDEST)?;
    let (oldest_major, oldest_minor) = OLDEST;
    Some(Old {
        message: format!(
            "{compiler} has Rust {major}.{minor}, and Longshore is tested with {oldest_major}.{oldest_minor} and newer"
        ),
        help: "take a newer image as `toolchain`".to_owned(),
    })
}

/// The oldest Rust whose cargo is compared with what vertices run.
const OLDEST: (u32, u32) = (1, 85);

/// Of `rustc 1.95.0 (59807616e 2026-04-14)`.
fn version(rustc: &str) -> Option<(u32, u32)> {
    let mut parts = rustc.strip_prefix("rustc ")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Tables of a manifest that look as if they were meant to be ours. Other tools have tables of their own, so any name is
/// allowed, and ours under another is read by nobody.
pub fn misspelt(manifest: &SourceFile) -> Vec<Diagnostic> {
    let text = String::from_utf8_lossy(manifest.text());
    let (root, _) = DeTable::parse_recoverable(&text);
    let mut found = Vec::new();
    for place in ["workspace", "package"] {
        let metadata = root
            .get_ref()
            .get(place)
            .and_then(|table| table.get_ref().as_table()?.get("metadata")?.get_ref().as_table());
        for (name, _) in metadata.into_iter().flatten() {
            let written: &str = name.get_ref();
            if written != TABLE && did_you_mean(written, [TABLE]).is_some() {
                let message = format!("nothing reads `[{place}.metadata.{written}]`");
                let warning = Diagnostic::warning(Code::UnknownKey, message).at(&manifest.span(name.span()));
                found.push(warning.help(format!("did you mean `[{place}.metadata.{TABLE}]`?")));
            }
        }
    }
    found
}

/// What our table is called.
const TABLE: &str = "longshore";

/// What cargo's configuration asks for and does not get, each at its place.
pub fn cargo_config(config: &CargoConfig) -> Vec<Diagnostic> {
    let keys = [
        ("target", "the platform decides (`--platform linux/arm64`), and `target` in the settings"),
        ("rustc-wrapper", "every step is cached by BuildKit"),
        ("rustc-workspace-wrapper", "every step is cached by BuildKit"),
    ];
    let build = config.table("build");
    let ignored = keys.into_iter().filter_map(|(key, help)| {
        let message = format!("`build.{key}` has no effect");
        let warning = Diagnostic::warning(Code::IgnoredSetting, message);
        Some(warning.at(&build?.get(key)?.place).help(help))
    });
    let variables = config.table("env").into_iter().flatten();
    let dropped = variables.filter(|(name, _)| describes_recording(name)).map(|(name, entry)| {
        let message = format!("`env.{name}` has no effect: such a variable tells of cargo's own run");
        // The others are made anew for every step.
        let is_kept = name == "LD_LIBRARY_PATH" || name.starts_with("SSL_CERT_");
        let help = match is_kept {
            true => format!("set it before cargo starts: `builder.env = {{ {name} = \"…\" }}`"),
            false => "leave it out: steps are told by Longshore".to_owned(),
        };
        Diagnostic::warning(Code::IgnoredSetting, message).at(&entry.place).help(help)
    });
    let lost = config.lost().iter().map(|path| {
        let message = format!("`{path}` has no effect: the link leads to nothing in the build context");
        Diagnostic::warning(Code::IgnoredSetting, message).help(
            "what cargo is configured with has to lie in the build context; see that `.dockerignore` lets it in",
        )
    });
    ignored.chain(dropped).chain(lost).collect()
}

/// Refuses another compiler than the one that steps run. Cargo would ask it what it can do, and steps would compile with
/// what `PATH` has. `env` are the variables of the toolchain image, `toolchain` is where it is named.
///
/// # Errors
/// A variable or the configuration names another.
pub fn compiler(
    config: &CargoConfig,
    env: &BTreeMap<String, String>,
    toolchain: Option<&Span>,
) -> Result<(), Diagnostic> {
    // As cargo asks them, the first that is set.
    let variable = ["RUSTC", "CARGO_BUILD_RUSTC"].into_iter().find_map(|name| Some((name, env.get(name)?)));
    let configured = config.table("build").and_then(|build| build.get("rustc"));
    let (named, value, place, help) = match (variable, configured.and_then(Entry::text), configured) {
        (Some((name, value)), ..) => {
            let help = format!(
                "take an image as `toolchain` whose `PATH` leads to that compiler, and say `{name} = \"rustc\"` under `builder.env`"
            );
            (format!("`{name}` of the toolchain image"), value.as_str(), toolchain, help)
        }
        (None, Some(value), Some(entry)) => {
            let help = "leave it out, and take an image as `toolchain` whose `PATH` leads to that compiler";
            ("`build.rustc`".to_owned(), value, Some(&entry.place), help.to_owned())
        }
        _ => return Ok(()),
    };
    let directories = env.get("PATH").map(String::as_str).unwrap_or_default();
    let is_in_path = |directory: &str| directories.split(':').any(|one| one == directory);
    if value == RUSTC || value.strip_suffix("/rustc").is_some_and(is_in_path) {
        return Ok(());
    }
    let message = format!("{named} is `{value}`, and steps compile with the `{RUSTC}` of `PATH`");
    let refused = Diagnostic::error(Code::InvalidValue, message).help(help);
    Err(match place {
        Some(place) => refused.at(place),
        None => refused,
    })
}

/// The compiler, as it is found by `PATH`.
const RUSTC: &str = "rustc";

/// Named contexts that stand for nothing in this build. `used` are the names of its images.
pub fn contexts<'n>(named: impl Iterator<Item = &'n str>, used: &[String]) -> Vec<Diagnostic> {
    let plain = |name: &'n str| name.split("::").next().unwrap_or(name);
    let is_used =
        |name: &str| used.iter().any(|used| used == name || used.strip_suffix(":latest") == Some(name));
    let unused = named.map(plain).filter(|name| !is_used(name));
    unused
        .map(|name| {
            let list: Vec<String> = used.iter().map(|name| format!("`{name}`")).collect();
            Diagnostic::warning(Code::UnusedContext, format!("nothing uses the context `{name}`"))
                .help(format!("this build uses {}", list.join(", ")))
        })
        .collect()
}

/// Refuses an image whose program could not start: `scratch` has no dynamic loader. `spec` is the vertex that links it.
///
/// # Errors
/// The base is `scratch` and the program is linked dynamically.
pub fn starts(base: &Base, spec: &Spec, bin: &str) -> Result<(), Diagnostic> {
    if *base == Base::Scratch && !is_static(spec) {
        return Err(Diagnostic::error(
            Code::InvalidValue,
            format!("`base = \"scratch\"` has no dynamic loader, and `{bin}` is linked dynamically"),
        )
        .help(
            "link it statically with `[build] rustflags = [\"-C\", \"target-feature=+crt-static\"]` in \
             `.cargo/config.toml`, or leave `base` out",
        ));
    }
    Ok(())
}

/// Whether what the vertex links needs no loader and no library at run time: as its flags say, else as its target has it.
pub fn is_static(spec: &Spec) -> bool {
    spec.steps.iter().any(|step| match step {
        Step::Rustc(step) => {
            let flags = step.args.iter().rev();
            let said =
                flags.filter(|arg| arg.contains("crt-static")).map(|arg| arg.contains("+crt-static")).next();
            let target = step.args.iter().skip_while(|arg| *arg != "--target").nth(1);
            said.unwrap_or_else(|| target.is_some_and(|target| triple::is_static(target)))
        }
        Step::BuildScript(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use longshore_helper::{
        recording::{Call, CallKind},
        spec::{Rustc, TargetKind},
    };

    use super::*;

    #[test]
    fn a_table_under_nearly_our_name_is_mentioned() {
        let text =
            "[workspace.metadata.longshor]\n[package.metadata.docs.rs]\n[package.metadata.longshore]\n";
        let found = misspelt(&SourceFile::new("Cargo.toml", "TOML", text));
        let said: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "nothing reads `[workspace.metadata.longshor]`\nhelp: did you mean `[workspace.metadata.longshore]`?"
            ]
        );
    }

    fn recording(args: &[&str]) -> Recording {
        let call = Call {
            kind: CallKind::Rustc,
            exe: String::new(),
            args: args.iter().map(ToString::to_string).collect(),
            cwd: "/ws".to_owned(),
            env: BTreeMap::new(),
        };
        Recording {
            rustc: String::new(),
            cargo: String::new(),
            host: String::new(),
            sizes: [].into(),
            calls: vec![call],
        }
    }

    #[test]
    fn a_plain_workspace_has_no_warning() {
        assert_eq!(warnings(&recording(&["-C", "target-cpu=x86-64-v3"]), "rust:1"), []);
        let newest = Recording { rustc: "rustc 1.100.0-nightly (0 2027-01-01)".to_owned(), ..recording(&[]) };
        assert_eq!(warnings(&newest, "rust:1"), []);
    }

    #[test]
    fn what_is_of_one_machine_and_what_is_old_is_said() {
        let old = Recording {
            rustc: "rustc 1.84.1 (e71f9a9a9 2025-01-27)".to_owned(),
            ..recording(&["-Ctarget-cpu=native"])
        };
        let warned = warnings(&old, "the toolchain image `rust:1.84`");
        let said: Vec<_> = warned.iter().map(|warning| format!("{}: {warning}\n", warning.code)).collect();
        expect![[r#"
            old-toolchain: the toolchain image `rust:1.84` has Rust 1.84, and Longshore is tested with 1.85 and newer
            help: take a newer image as `toolchain`; what cargo does differently before that is not looked for
            invalid-value: `target-cpu=native` compiles for the builder's CPU, and a shared cache or image may reach another
            help: name the CPU, for example `target-cpu=x86-64-v3`
        "#]].assert_eq(&said.concat());
    }

    #[test]
    fn what_cargo_is_told_and_does_not_do_is_said_where_it_stands() {
        let said = |text: &str| {
            cargo_config(&CargoConfig::parse(&SourceFile::new(".cargo/config.toml", "TOML", text)))
        };
        let found = said("[build]\ntarget = \"x\"\nrustc-wrapper = \"sccache\"\nrustflags = []\n");
        let places: Vec<String> = found.iter().filter_map(|one| Some(one.primary()?.to_string())).collect();
        assert_eq!(places, [".cargo/config.toml:2", ".cargo/config.toml:3"]);
        assert_eq!(said("[build]\njobs = 2\n[env]\nMODE = \"fast\"\n"), []);
        let [dropped] = &said("[env]\nMODE = \"fast\"\nLD_LIBRARY_PATH = \"/opt/lib\"\n")[..] else {
            panic!("one")
        };
        assert_eq!(dropped.primary().unwrap().to_string(), ".cargo/config.toml:3");
        assert!(dropped.message.contains("`env.LD_LIBRARY_PATH` has no effect"), "{}", dropped.message);
    }

    #[test]
    fn another_compiler_is_refused_where_it_is_named() {
        let said = |config: &str, env: &[(&str, &str)]| {
            let file = SourceFile::new(".cargo/config.toml", "TOML", config);
            let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let manifest = SourceFile::new("Cargo.toml", "TOML", "toolchain");
            let refused = compiler(&CargoConfig::parse(&file), &env, Some(&manifest.span(0..1))).err()?;
            Some(format!("{}: {}", refused.primary()?, refused.message))
        };
        let path = ("PATH", "/usr/local/cargo/bin:/usr/bin");
        assert_eq!(
            said("[build]\njobs = 1\nrustc = \"tools/rustc\"\n", &[path]).as_deref(),
            Some(
                ".cargo/config.toml:3: `build.rustc` is `tools/rustc`, and steps compile with the `rustc` of `PATH`"
            )
        );
        assert_eq!(
            said("", &[path, ("RUSTC", "/opt/rustc/bin/rustc")]).as_deref(),
            Some(
                "Cargo.toml:1: `RUSTC` of the toolchain image is `/opt/rustc/bin/rustc`, and steps compile with the `rustc` of `PATH`"
            )
        );
        let other = "[build]\nrustc = \"clippy-driver\"\n";
        assert!(said(other, &[path]).is_some());
        assert_eq!(said(other, &[path, ("RUSTC", "rustc")]), None, "the variable goes first");
        assert_eq!(said("[build]\nrustc = \"rustc\"\n", &[]), None);
        assert_eq!(said("", &[path, ("CARGO_BUILD_RUSTC", "/usr/local/cargo/bin/rustc")]), None);
    }

    #[test]
    fn a_context_that_stands_for_nothing_is_mentioned() {
        let used = ["rust:1.95-bookworm".to_owned(), "debian:bookworm-slim".to_owned()];
        let named = ["rust:1.95-bookworm::linux/arm64", "debian"];
        let texts: Vec<String> = contexts(named.into_iter(), &used).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "nothing uses the context `debian`\nhelp: this build uses `rust:1.95-bookworm`, `debian:bookworm-slim`"
            ]
        );
    }

    #[test]
    fn nothing_dynamic_goes_on_scratch() {
        let spec = |args: &[&str]| Spec {
            report: None,
            unpack: None,
            ledger: None,
            pass_env: Vec::new(),
            yields: Vec::new(),
            secret_env: Vec::new(),
            files: Vec::new(),
            sysroot: None,
            heavy: None,
            package: "app 0.1.0".to_owned(),
            member: None,
            output: "/t/app".to_owned(),
            cache: None,
            env: BTreeMap::new(),
            dependencies: Vec::new(),
            steps: vec![Step::Rustc(Rustc {
                name: "app".to_owned(),
                args: args.iter().map(ToString::to_string).collect(),
                overridden: 0,
                cwd: "/ws".to_owned(),
                env: BTreeMap::new(),
                target: TargetKind::Bin("app".to_owned()),
                has_lib_beside: false,
                script: None,
                dependency_scripts: Vec::new(),
            })],
        };
        assert!(starts(&Base::Scratch, &spec(&[]), "app").is_err());
        assert!(starts(&Base::Scratch, &spec(&["-C", "target-feature=+crt-static"]), "app").is_ok());
        let musl = ["--target", "x86_64-unknown-linux-musl"];
        assert!(starts(&Base::Scratch, &spec(&musl), "app").is_ok());
        let dynamic = [musl[0], musl[1], "-C", "target-feature=-crt-static"];
        assert!(starts(&Base::Scratch, &spec(&dynamic), "app").is_err());
    }
}
