//! The arguments of one call: what cargo recorded, where the dependencies are, and what cargo adds after the build
//! scripts have run (`add_native_deps` and `add_custom_flags` in its `core/compiler/mod.rs`).

use std::path::Path;

use longshore_helper::spec::{LinkArgTarget, Rustc, ScriptOutput, Spec, TargetKind};

use crate::files;
use crate::problem::Result;
use crate::script;

/// What the build scripts said that this call depends on.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    pub(super) own: Option<ScriptOutput>,
    pub(super) dependencies: Vec<ScriptOutput>,
}

/// Reads each script's output once, however often it is listed.
pub(super) fn read_scripts(step: &Rustc) -> Result<Scripts> {
    let mut scripts = Scripts::default();
    if let Some(path) = &step.script {
        scripts.own = Some(files::read_json(Path::new(path))?);
    }
    for (index, path) in step.dependency_scripts.iter().enumerate() {
        let seen = step.script.as_ref() == Some(path) || step.dependency_scripts[..index].contains(path);
        if !seen {
            scripts.dependencies.push(files::read_json(Path::new(path))?);
        }
    }
    Ok(scripts)
}

/// The whole argument list.
pub(super) fn all(spec: &Spec, step: &Rustc, scripts: &Scripts) -> Vec<String> {
    let (planned, overridden) = step.args.split_at(step.args.len().saturating_sub(step.overridden));
    let overridden = Overridden::parse(overridden);
    let mut args = planned.to_vec();
    for directory in spec.dependencies.iter().chain([&spec.output]) {
        args.extend(["-L".to_owned(), format!("dependency={directory}")]);
    }
    add_native(&mut args, step, scripts, &overridden);
    if let Some(own) = &scripts.own {
        for (flag, values) in [("--cfg", &own.cfgs), ("--check-cfg", &own.check_cfgs)] {
            for value in values {
                args.extend([flag.to_owned(), value.clone()]);
            }
        }
    }
    args.extend_from_slice(overridden.cfgs);
    args
}

/// What cargo's configuration says in place of build scripts, in the order of cargo: search paths, what is linked and how, cfgs.
/// A package has either that or a script; of its dependencies some may have the one and some the other.
struct Overridden<'a> {
    searched: &'a [String],
    linked: &'a [String],
    cfgs: &'a [String],
}

impl<'a> Overridden<'a> {
    fn parse(args: &'a [String]) -> Self {
        let end_of = |options: &[&str], start: usize| {
            let pairs = args[start..].chunks(2);
            start + 2 * pairs.take_while(|pair| options.contains(&pair[0].as_str())).count()
        };
        let searched = end_of(&["-L"], 0).min(args.len());
        let linked = end_of(&["-l", "-C"], searched).min(args.len());
        Self { searched: &args[..searched], linked: &args[searched..linked], cfgs: &args[linked..] }
    }
}

fn add_native(args: &mut Vec<String>, step: &Rustc, scripts: &Scripts, overridden: &Overridden<'_>) {
    // What a script built comes before what the system has, so that a system library of the same name never wins. The
    // configuration's paths are the system's for cargo; it has them among those of dependencies, in the order of packages.
    let (own, below) = (scripts.own.as_slice(), scripts.dependencies.as_slice());
    let searched = |scripts: &[ScriptOutput], built: bool| -> Vec<String> {
        let of = |script: &ScriptOutput| {
            let paths = script.library_paths.iter().filter(|path| is_built(script, path) == built);
            paths.flat_map(|path| ["-L".to_owned(), path.clone()]).collect::<Vec<_>>()
        };
        scripts.iter().flat_map(of).collect()
    };
    args.extend(searched(own, true));
    args.extend(searched(below, true));
    args.extend(searched(own, false));
    args.extend_from_slice(overridden.searched);
    args.extend(searched(below, false));
    if let Some(own) = &scripts.own {
        // `pass_l_flag` in cargo's `core/compiler/mod.rs` (`rustc`): a library's `-l` reaches its binaries through its
        // metadata; twice would change the order of linking.
        if is_library(&step.target) || !step.has_lib_beside {
            for library in &own.library_links {
                args.extend(["-l".to_owned(), library.clone()]);
            }
        }
        add_link_args(args, own, |target| applies(target, &step.target));
    }
    args.extend_from_slice(overridden.linked);
    // That these cross package borders is an accident of cargo's that crates depend on (cargo#9562).
    for dependency in &scripts.dependencies {
        add_link_args(args, dependency, |target| {
            *target == LinkArgTarget::Cdylib && step.target == TargetKind::Cdylib
        });
    }
}

fn add_link_args(args: &mut Vec<String>, output: &ScriptOutput, applies: impl Fn(&LinkArgTarget) -> bool) {
    for (target, arg) in &output.linker_args {
        if applies(target) {
            args.extend(["-C".to_owned(), format!("link-arg={arg}")]);
        }
    }
}

/// Whether a search path lies in the `OUT_DIR` of the script that printed it (`LibraryPath::CargoArtifact` in cargo's
/// `core/compiler/custom_build.rs`, since 1.88).
fn is_built(output: &ScriptOutput, path: &str) -> bool {
    !output.out_dir.is_empty() && Path::new(script::search_path_directory(path)).starts_with(&output.out_dir)
}

/// cargo counts procedural macros among the libraries (`Target::is_lib` in its `core/manifest.rs`).
fn is_library(target: &TargetKind) -> bool {
    match target {
        TargetKind::Lib | TargetKind::Cdylib | TargetKind::ProcMacro => true,
        TargetKind::Bin(_) | TargetKind::Example | TargetKind::BuildScript => false,
    }
}

/// `LinkArgTarget::applies_to` in cargo's `core/compiler/custom_build.rs`.
fn applies(argument: &LinkArgTarget, target: &TargetKind) -> bool {
    match argument {
        LinkArgTarget::All => true,
        LinkArgTarget::Cdylib => *target == TargetKind::Cdylib,
        LinkArgTarget::Bin => matches!(target, TargetKind::Bin(_)),
        LinkArgTarget::SingleBin(name) => matches!(target, TargetKind::Bin(bin) if bin == name),
        LinkArgTarget::Example => *target == TargetKind::Example,
        // Tests and benchmarks are not built into images.
        LinkArgTarget::Test | LinkArgTarget::Bench => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn own() -> ScriptOutput {
        let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let all = [
            LinkArgTarget::All,
            LinkArgTarget::Cdylib,
            LinkArgTarget::Bin,
            LinkArgTarget::SingleBin("app".to_owned()),
            LinkArgTarget::Test,
            LinkArgTarget::Example,
        ];
        ScriptOutput {
            library_paths: strings(&["/usr/lib", "native=/t/own/out/lib"]),
            library_links: strings(&["static=z"]),
            linker_args: all.map(|target| (target.clone(), format!("{target:?}").replace('"', ""))).to_vec(),
            cfgs: strings(&["has_x"]),
            check_cfgs: strings(&["cfg(has_x)"]),
            out_dir: "/t/own/out".to_owned(),
            ..ScriptOutput::default()
        }
    }

    fn dependency() -> ScriptOutput {
        ScriptOutput {
            library_paths: vec!["/t/dep/out".to_owned(), "/t/own/out/stolen".to_owned()],
            library_links: vec!["never".to_owned()],
            linker_args: vec![
                (LinkArgTarget::Cdylib, "dep-cdylib".to_owned()),
                (LinkArgTarget::All, "dep-all".to_owned()),
            ],
            cfgs: vec!["never".to_owned()],
            out_dir: "/t/dep/out".to_owned(),
            ..ScriptOutput::default()
        }
    }

    fn native(target: TargetKind, has_lib_beside: bool) -> String {
        let step = Rustc {
            name: String::new(),
            args: Vec::new(),
            overridden: 0,
            cwd: String::new(),
            env: BTreeMap::new(),
            target,
            has_lib_beside,
            script: None,
            dependency_scripts: Vec::new(),
        };
        let mut args = Vec::new();
        let scripts = Scripts { own: Some(own()), dependencies: vec![dependency()] };
        add_native(&mut args, &step, &scripts, &Overridden::parse(&[]));
        args.join(" ")
    }

    const PATHS: &str = "-L native=/t/own/out/lib -L /t/dep/out -L /usr/lib -L /t/own/out/stolen";

    #[test]
    fn libraries_get_the_libraries_and_their_own_link_arguments() {
        for target in [TargetKind::Lib, TargetKind::ProcMacro] {
            assert_eq!(native(target, true), format!("{PATHS} -l static=z -C link-arg=All"));
        }
    }

    #[test]
    fn a_cdylib_also_gets_those_of_its_dependencies() {
        let expected = "-l static=z -C link-arg=All -C link-arg=Cdylib -C link-arg=dep-cdylib";
        assert_eq!(native(TargetKind::Cdylib, false), format!("{PATHS} {expected}"));
    }

    #[test]
    fn a_binary_gets_the_libraries_only_without_a_library_beside_it() {
        let app = || TargetKind::Bin("app".to_owned());
        let link_args = "-C link-arg=All -C link-arg=Bin -C link-arg=SingleBin(app)";
        assert_eq!(native(app(), true), format!("{PATHS} {link_args}"));
        assert_eq!(native(app(), false), format!("{PATHS} -l static=z {link_args}"));
        let other = native(TargetKind::Bin("other".to_owned()), true);
        assert_eq!(other, format!("{PATHS} -C link-arg=All -C link-arg=Bin"));
        let example = native(TargetKind::Example, true);
        assert_eq!(example, format!("{PATHS} -C link-arg=All -C link-arg=Example"));
    }

    #[test]
    fn directories_come_first_and_cfgs_last() {
        let spec = Spec {
            report: None,
            unpack: None,
            ledger: None,
            pass_env: Vec::new(),
            yields: Vec::new(),
            secret_env: Vec::new(),
            files: Vec::new(),
            sysroot: None,
            heavy: None,
            package: String::new(),
            member: None,
            output: "/t/own".to_owned(),
            cache: None,
            env: BTreeMap::new(),
            dependencies: vec!["/t/dep".to_owned()],
            steps: Vec::new(),
        };
        let said =
            |line: &str, overridden: usize, own: Option<ScriptOutput>, dependencies: Vec<ScriptOutput>| {
                let step = Rustc {
                    name: String::new(),
                    args: line.split(' ').map(str::to_owned).collect(),
                    overridden,
                    cwd: String::new(),
                    env: BTreeMap::new(),
                    target: TargetKind::Lib,
                    has_lib_beside: false,
                    script: None,
                    dependency_scripts: Vec::new(),
                };
                all(&spec, &step, &Scripts { own, dependencies }).join(" ")
            };
        let start = "src/lib.rs -L dependency=/t/dep -L dependency=/t/own";
        assert_eq!(
            said("src/lib.rs", 0, Some(own()), Vec::new()),
            format!(
                "{start} -L native=/t/own/out/lib -L /usr/lib -l static=z -C link-arg=All --cfg has_x \
                 --check-cfg cfg(has_x)"
            )
        );
        // What the configuration says of a dependency.
        assert_eq!(
            said("src/lib.rs -L /opt/ssl", 2, Some(own()), Vec::new()),
            format!(
                "{start} -L native=/t/own/out/lib -L /usr/lib -L /opt/ssl -l static=z -C link-arg=All \
                 --cfg has_x --check-cfg cfg(has_x)"
            )
        );
        // What it says of the package itself.
        assert_eq!(
            said("src/lib.rs -L /opt/ssl -l ssl --cfg ossl", 6, None, vec![dependency()]),
            format!("{start} -L /t/dep/out -L /opt/ssl -L /t/own/out/stolen -l ssl --cfg ossl")
        );
    }
}
