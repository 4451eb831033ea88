//! From the paths of cargo's target directory to those of the vertices.
//!
//! Cargo puts everything below one directory; here each package's output has its own, mounted at the same path in
//! every vertex that uses it. Only paths below the recording's target directory are touched.

use std::collections::BTreeMap;

use camino::Utf8Path;
use longshore_helper::SCRIPT_FILE;

use crate::{
    paths,
    units::{UnitGraph, UnitId, UnitKind, args::RustcArgs},
};

/// Knows where every unit's files go.
pub(super) struct Rewriter {
    /// Recorded (directory, file stem) → new directory.
    files: BTreeMap<(String, String), String>,
    /// Recorded output directory and stem of a unit → new `--out-dir`; build scripts are told apart by directory alone.
    out_dirs: BTreeMap<String, String>,
    runs: BTreeMap<UnitId, Run>,
}

struct Run {
    executable: String,
    /// Directory of this run in its vertex's output: holds `out/` and `script.json`.
    directory: String,
}

impl Rewriter {
    /// `output_of` tells the output directory of the vertex that a unit belongs to.
    pub(super) fn new(graph: &UnitGraph, output_of: impl Fn(UnitId) -> String) -> Rewriter {
        let mut rewriter =
            Rewriter { files: BTreeMap::new(), out_dirs: BTreeMap::new(), runs: BTreeMap::new() };
        for (id, unit) in graph.iter() {
            if unit.kind == UnitKind::RunBuildScript {
                let recorded = unit.call.env.get("OUT_DIR").map(String::as_str).unwrap_or_default();
                let directory = format!("{}/{}", output_of(id), run_name(recorded));
                rewriter.out_dirs.insert(recorded.to_owned(), format!("{directory}/out"));
                let exe = Utf8Path::new(&unit.call.exe);
                let executable = format!(
                    "{}/{}",
                    scratch_of(exe.parent().map(Utf8Path::as_str).unwrap_or_default()),
                    compiled_name(graph, unit.script).unwrap_or_default()
                );
                rewriter.runs.insert(id, Run { executable, directory });
                continue;
            }
            let Some(args) = RustcArgs::parse(&unit.call.args) else { continue };
            let directory = match unit.kind {
                UnitKind::BuildScript => scratch_of(args.out_dir),
                _ => output_of(id),
            };
            for stem in args.stems() {
                rewriter.files.insert((args.out_dir.to_owned(), stem), directory.clone());
            }
        }
        rewriter
    }

    /// The command line of a compilation, with the paths of its vertex and without `-L dependency=`.
    pub(super) fn args(&self, recorded: &[String]) -> Vec<String> {
        let own = RustcArgs::parse(recorded)
            .and_then(|args| {
                let stem = args.stems().into_iter().next()?;
                self.files.get(&(args.out_dir.to_owned(), stem)).cloned()
            })
            .unwrap_or_default();
        let mut args = Vec::with_capacity(recorded.len());
        let mut rest = recorded.iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--out-dir" => {
                    rest.next();
                    args.push("--out-dir".to_owned());
                    args.push(own.clone());
                }
                "--extern" => {
                    args.push(arg.clone());
                    args.extend(rest.next().map(|value| self.external(value)));
                }
                "-L" => match rest.next() {
                    Some(value) if is_recorded_dependency_path(value) => {}
                    value => {
                        args.push(arg.clone());
                        args.extend(value.cloned());
                    }
                },
                "-C" => {
                    args.push(arg.clone());
                    args.extend(rest.next().map(|value| match value.strip_prefix("incremental=") {
                        Some(_) => format!("incremental={}/incremental", paths::MEMBER_CACHE),
                        None => value.clone(),
                    }));
                }
                _ => args.push(arg.clone()),
            }
        }
        args
    }

    fn external(&self, value: &str) -> String {
        let Some((name, path)) = value.split_once('=') else { return value.to_owned() };
        let path = Utf8Path::new(path);
        let key = (
            path.parent().map(Utf8Path::to_string).unwrap_or_default(),
            path.file_stem().unwrap_or_default().to_owned(),
        );
        match (self.files.get(&key), path.file_name()) {
            (Some(directory), Some(file)) => format!("{name}={directory}/{file}"),
            _ => value.to_owned(),
        }
    }

    /// The environment of a call, `OUT_DIR` moved.
    pub(super) fn env(&self, recorded: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut env = recorded.clone();
        if let Some(dir) = env.get_mut("OUT_DIR")
            && let Some(moved) = self.out_dirs.get(dir.as_str())
        {
            *dir = moved.clone();
        }
        env
    }

    /// Where the build script of a run lies.
    pub(super) fn executable(&self, run: UnitId) -> String {
        self.runs[&run].executable.clone()
    }

    /// `OUT_DIR` of a run.
    pub(super) fn out_dir(&self, run: UnitId) -> String {
        format!("{}/out", self.runs[&run].directory)
    }

    /// Where a run's output is written down.
    pub(super) fn script(&self, run: UnitId) -> String {
        format!("{}/{SCRIPT_FILE}", self.runs[&run].directory)
    }
}

/// Name of a run's directory: what cargo calls it, `PACKAGE-HASH`, kept because it tells two runs of a package apart.
fn run_name(recorded_out_dir: &str) -> String {
    let path = Utf8Path::new(recorded_out_dir);
    let named = path.parent().and_then(Utf8Path::file_name).unwrap_or("build");
    // Cargo's newer layout has build/PACKAGE/HASH/out: the last part alone is still unique within a package.
    format!("run-{}", named.rsplit('-').next().unwrap_or(named))
}

fn scratch_of(recorded_dir: &str) -> String {
    let relative = recorded_dir.strip_prefix(paths::RECORDING_TARGET).unwrap_or(recorded_dir);
    format!("{}/{}", paths::SCRATCH, relative.trim_start_matches('/').replace('/', "."))
}

/// File that rustc writes for a build script: cargo runs it under another name, a hard link.
fn compiled_name(graph: &UnitGraph, compile: Option<UnitId>) -> Option<String> {
    let unit = graph.unit(compile?);
    RustcArgs::parse(&unit.call.args).map(|args| format!("{}{}", args.crate_name, args.extra_filename))
}

fn is_recorded_dependency_path(value: &str) -> bool {
    value.strip_prefix("dependency=").is_some_and(|path| path.starts_with(paths::RECORDING_TARGET))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_by_cargos_hash() {
        assert_eq!(
            run_name("/longshore/target/x86_64-unknown-linux-gnu/release/build/ring-0123456789abcdef/out"),
            "run-0123456789abcdef"
        );
    }

    #[test]
    fn only_recorded_dependency_paths_are_dropped() {
        assert!(is_recorded_dependency_path("dependency=/longshore/target/release/deps"));
        assert!(!is_recorded_dependency_path("native=/longshore/target/release"));
        assert!(!is_recorded_dependency_path("dependency=/opt/mine"));
    }
}
