//! One form for both sides: the same process looks the same, wherever the two put their files.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use longshore_helper::{recording::CallKind, trace::Ran};
use regex::Regex;

use crate::allowed::is_allowed;

/// What tells one unit from another, on both sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    /// Compiler or build script.
    pub(crate) kind: CallKind,
    /// Package, version and crate, for people.
    pub(crate) title: String,
    /// Cargo's hash: of the file that is compiled, of the `OUT_DIR`.
    pub(crate) hash: String,
}

impl Name {
    /// A build script is compiled.
    pub(crate) fn is_build_script(&self) -> bool {
        self.kind == CallKind::Rustc && self.title.contains(" build_script_")
    }
}

/// A process without what may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Normal {
    pub(crate) args: Vec<String>,
    pub(crate) cwd: String,
    pub(crate) env: BTreeMap<String, String>,
}

/// A crate in the layout that cargo is to have (`-Z build-dir-new-layout`): `build/NAME/HASH/out/libNAME-HASH.rlib`.
static CRATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(^|[^\w./-])/longshore/target(/[^/\s:]+){1,2}/build/[^/\s:]+/[0-9a-f]{16}/out(/lib[^/\s:]+\.(rlib|rmeta|so))")
        .expect("valid")
});

/// `OUT_DIR` of cargo's (`build/NAME-HASH/out`, in that layout `build/NAME/HASH/out`) and of a vertex's (`run-HASH/out`).
static OUT_DIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(^|[^\w./-])(/longshore/target(/[^/\s:]+){1,2}/build/[^/\s:]+[-/]|/[th]/(?:small-[0-9a-f-]+/)?[^/\s:]+/run-)([0-9a-f]{16})/out",
    )
    .expect("valid")
});

/// What else lies in output directories of either side.
static OUTPUT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(^|[^\w./-])(/longshore/target(/[^/\s:]+){1,2}/(deps|build/[^/\s:]+)|/tmp/longshore/[^/\s:]+|/[th]/(?:small-[0-9a-f-]+/)?[^/\s:=]+-[0-9]+\.[^/\s:=]*)(/|$)").expect("valid")
});

pub(crate) fn name(ran: &Ran) -> Name {
    let variable = |name: &str| ran.env.get(name).map(String::as_str).unwrap_or_default();
    let package = format!("{} {}", variable("CARGO_PKG_NAME"), variable("CARGO_PKG_VERSION"));
    match ran.kind {
        CallKind::Rustc => {
            let types: Vec<&str> = values(&ran.args, "--crate-type").collect();
            Name {
                kind: ran.kind,
                title: format!("{package} ({} {})", types.join("+"), variable("CARGO_CRATE_NAME")),
                hash: values(&ran.args, "-C")
                    .find_map(|value| value.strip_prefix("metadata="))
                    .unwrap_or_default()
                    .to_owned(),
            }
        }
        CallKind::BuildScript => Name {
            kind: ran.kind,
            title: format!("{package} (build script)"),
            hash: path(variable("OUT_DIR")),
        },
    }
}

fn values<'a>(args: &'a [String], option: &'a str) -> impl Iterator<Item = &'a str> {
    args.iter()
        .zip(args.iter().skip(1))
        .filter(move |(name, _)| *name == option)
        .map(|(_, value)| value.as_str())
}

pub(crate) fn normal(ran: &Ran) -> Normal {
    let mut args = Vec::new();
    let mut rest = ran.args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--out-dir" => {
                rest.next();
            }
            "-L" => match rest.next() {
                Some(value) if value.starts_with("dependency=") => {}
                value => args.extend([arg.clone(), path(value.map(String::as_str).unwrap_or_default())]),
            },
            "-C" => match rest.next().map(String::as_str).unwrap_or_default() {
                value if value.starts_with("incremental=") => {
                    args.extend([arg.clone(), "incremental=…".to_owned()]);
                }
                value => args.extend([arg.clone(), path(value)]),
            },
            _ => args.push(path(arg)),
        }
    }
    let env = ran
        .env
        .iter()
        .filter(|(name, _)| !is_allowed(name))
        .map(|(name, value)| (name.clone(), path(value)))
        .collect();
    Normal { args, cwd: path(&ran.cwd), env }
}

/// Text in which the places of outputs have one name.
fn path(text: &str) -> String {
    let text = CRATE.replace_all(text, "$1{output}$3");
    let text = OUT_DIR.replace_all(&text, "$1{OUT_DIR $4}");
    OUTPUT.replace_all(&text, "$1{output}$5").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_either_side_have_one_name() {
        for (cargo, ours) in [
            (
                "native=/longshore/target/x86_64-unknown-linux-gnu/release/build/z-sys-0123456789abcdef/out/lib",
                "native=/t/z-sys-1.0.0/run-0123456789abcdef/out/lib",
            ),
            (
                "/longshore/target/release/build/z-sys/0123456789abcdef/out",
                "/h/z-sys-1.0.0/run-0123456789abcdef/out",
            ),
            (
                "serde=/longshore/target/release/build/serde/fedcba9876543210/out/libserde-0123456789abcdef.rmeta",
                "serde=/h/serde-1.0.228/libserde-0123456789abcdef.rmeta",
            ),
            (
                "serde=/longshore/target/release/deps/libserde-0123456789abcdef.rmeta",
                "serde=/h/serde-1.0.228/libserde-0123456789abcdef.rmeta",
            ),
            (
                "serde=/longshore/target/release/deps/libserde-0123456789abcdef.rmeta",
                "serde=/h/small-0-3/serde-1.0.228/libserde-0123456789abcdef.rmeta",
            ),
            (
                "native=/longshore/target/release/build/z-sys-0123456789abcdef/out",
                "native=/t/small-00ff00ff00ff00ff/z-sys-1.0.0/run-0123456789abcdef/out",
            ),
            (
                "/longshore/target/release/build/ring-0123456789abcdef",
                "/tmp/longshore/release.build.ring-0123456789abcdef",
            ),
        ] {
            assert_eq!(path(cargo), path(ours));
        }
    }

    #[test]
    fn what_is_no_place_of_outputs_stays() {
        for text in ["/ws/src/main.rs", "/vendor/a-1.0.0/t/x-1.rs", "feature=\"h\"", "native=/usr/lib"] {
            assert_eq!(path(text), text);
        }
    }
}
