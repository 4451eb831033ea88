//! Which files a unit leaves behind, by rustc's naming rules (`rustc_session::output`), which cargo asks for by
//! `--print=file-names` (`TargetInfo::rustc_outputs` in its `core/compiler/build_context/target_info.rs`).

use std::path::{Path, PathBuf};

use super::unit::Unit;

/// A file that rustc would have written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) kind: OutputKind,
    pub(super) path: PathBuf,
}

/// In the order in which rustc writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OutputKind {
    DepInfo,
    Metadata,
    Link,
}

impl OutputKind {
    /// The word of `--emit` and of the artifact notification.
    pub(super) fn emit(self) -> &'static str {
        match self {
            OutputKind::DepInfo => "dep-info",
            OutputKind::Metadata => "metadata",
            OutputKind::Link => "link",
        }
    }

    fn parse(emit: &str) -> Option<Self> {
        [OutputKind::DepInfo, OutputKind::Metadata, OutputKind::Link]
            .into_iter()
            .find(|kind| kind.emit() == emit)
    }
}

/// The outputs of `unit`; `ask` gives the file names of a crate type on a platform that is not Linux.
pub(super) fn of(unit: &Unit, ask: impl Fn(&str) -> Vec<String>) -> Vec<Output> {
    let stem = format!("{}{}", unit.crate_name, unit.extra_filename);
    let directory = Path::new(unit.out_dir.as_deref().unwrap_or_default());
    let mut outputs = Vec::new();
    for (emit, path) in &unit.emits {
        // Other kinds (`asm`, `llvm-ir`, …) are extras that cargo does not look for.
        let Some(kind) = OutputKind::parse(emit) else {
            continue;
        };
        let own_path = path.as_ref().or(unit.out_file.as_ref().filter(|_| kind == OutputKind::Link));
        if let Some(path) = own_path {
            outputs.push(Output { kind, path: PathBuf::from(path) });
            continue;
        }
        let names = match kind {
            OutputKind::DepInfo => vec![format!("{stem}.d")],
            OutputKind::Metadata => vec![format!("lib{stem}.rmeta")],
            OutputKind::Link => {
                unit.crate_types.iter().flat_map(|crate_type| linked(unit, &stem, crate_type, &ask)).collect()
            }
        };
        outputs.extend(names.into_iter().map(|name| Output { kind, path: directory.join(name) }));
    }
    outputs.sort_by_key(|output| output.kind);
    outputs
}

fn linked(unit: &Unit, stem: &str, crate_type: &str, ask: impl Fn(&str) -> Vec<String>) -> Vec<String> {
    // The helper runs on Linux, so a unit without a target is for Linux.
    let is_linux = unit.target.as_ref().is_none_or(|target| target.contains("-linux-"));
    let name = match crate_type {
        "lib" | "rlib" => format!("lib{stem}.rlib"),
        "proc-macro" => format!("lib{stem}.so"),
        _ if !is_linux => return ask(crate_type),
        "dylib" | "cdylib" | "sdylib" => format!("lib{stem}.so"),
        "staticlib" => format!("lib{stem}.a"),
        _ => stem.to_owned(),
    };
    vec![name]
}

/// The smallest dep-info that cargo can read: the output depends on its source (`parse_rustc_dep_info` in its
/// `core/compiler/fingerprint/dep_info.rs`).
pub(super) fn dep_info(output: &Path, source: &str) -> String {
    let escape = |path: &str| path.replace(' ', "\\ ");
    let (output, source) = (escape(&output.to_string_lossy()), escape(source));
    format!("{output}: {source}\n\n{source}:\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(line: &str) -> Vec<String> {
        let args: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let unit = Unit::parse(&args).unwrap();
        of(&unit, |crate_type| vec![format!("asked-{crate_type}")])
            .into_iter()
            .map(|output| format!("{} {}", output.kind.emit(), output.path.display()))
            .collect()
    }

    #[test]
    fn names_follow_rustc() {
        let common = "--crate-name a src/lib.rs --out-dir /t -C extra-filename=-1";
        for (args, expected) in [
            ("--emit=link,dep-info --crate-type bin", vec!["dep-info /t/a-1.d", "link /t/a-1"]),
            (
                "--emit=dep-info,metadata,link --crate-type lib",
                vec!["dep-info /t/a-1.d", "metadata /t/liba-1.rmeta", "link /t/liba-1.rlib"],
            ),
            ("--emit=dep-info,metadata", vec!["dep-info /t/a-1.d", "metadata /t/liba-1.rmeta"]),
            ("--emit=link --crate-type proc-macro", vec!["link /t/liba-1.so"]),
            (
                "--emit=link --crate-type rlib,cdylib --crate-type staticlib",
                vec!["link /t/liba-1.rlib", "link /t/liba-1.so", "link /t/liba-1.a"],
            ),
            ("--emit=link --crate-type cdylib --target wasm32-wasip1", vec!["link /t/asked-cdylib"]),
            ("--emit=link --crate-type lib --target wasm32-wasip1", vec!["link /t/liba-1.rlib"]),
            ("--emit=link --crate-type bin --target aarch64-unknown-linux-musl", vec!["link /t/a-1"]),
            ("--emit=asm,dep-info=/x/y.d", vec!["dep-info /x/y.d"]),
            ("-o /x/app", vec!["link /x/app"]),
        ] {
            assert_eq!(paths(&format!("{common} {args}")), expected, "{args}");
        }
    }

    #[test]
    fn spaces_in_dep_info_are_escaped() {
        assert_eq!(
            dep_info(Path::new("/t/a b.d"), "src/c d.rs"),
            "/t/a\\ b.d: src/c\\ d.rs\n\nsrc/c\\ d.rs:\n"
        );
    }
}
