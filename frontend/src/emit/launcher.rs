//! A program that starts the one of several that fits the processor it finds.

use buildkit_llb::{Annotate, Files, State};
use longshore_helper::{
    SLOTS_DIR,
    spec::{Bundle, Rustc, Spec, Step, TargetKind},
};

use super::{Prefix, Workshop};
use crate::paths;

/// Compiled with the user's toolchain, for the image's platform: one file, nothing but the standard library.
const SOURCE: &str = include_str!("../../examples/launcher.rs");

/// What the program is called in the output.
pub const FILE: &str = "launcher";

/// The variable that chooses a program without a look at the processor.
pub const CHOICE: &str = "LONGSHORE_ARCH";

/// What a launcher is told.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    /// What the image's programs are compiled for.
    pub triple: &'a str,
    /// How those are linked, see [`linking`].
    pub linking: Vec<String>,
    /// Whose architectures these are: `cuda`.
    pub family: &'a str,
    /// Architectures, and where their programs are in the image.
    pub programs: Vec<(String, String)>,
    /// The program that it stands for.
    pub name: &'a str,
    /// Before the names of steps.
    pub prefix: &'a Prefix,
}

/// Arguments of rustc's that say with what a program is linked, and whether statically.
pub fn linking(spec: &Spec) -> Vec<String> {
    let is_about_it = |value: &str| value.starts_with("linker=") || value.contains("crt-static");
    let mut found = Vec::new();
    for step in &spec.steps {
        let Step::Rustc(step) = step else { continue };
        for (at, arg) in step.args.iter().enumerate() {
            let value = match arg.as_str() {
                "-C" => step.args.get(at + 1).map(String::as_str),
                joined => joined.strip_prefix("-C").filter(|value| !value.is_empty()),
            };
            if let Some(value) = value.filter(|value| is_about_it(value)) {
                found.extend(["-C".to_owned(), value.to_owned()]);
            }
        }
    }
    found
}

/// The vertex that compiles it; its output has [`FILE`].
pub fn launcher(workshop: &Workshop, launch: &Launch<'_>) -> State {
    let source = Files::on(&State::SCRATCH)
        .write("/main.rs", 0o644, SOURCE)
        .labeled("launcher:source")
        .named("[launcher] source")
        .state();
    let programs: Vec<String> = launch.programs.iter().map(|(arch, path)| format!("{arch}={path}")).collect();
    let main = format!("{}/main.rs", paths::LAUNCHER_SOURCE);
    let mut args: Vec<String> =
        ["--crate-name", FILE, "--edition=2024", main.as_str(), "--crate-type", "bin"]
            .map(str::to_owned)
            .to_vec();
    for flag in ["opt-level=s", "panic=abort", "strip=symbols"] {
        args.extend(["-C".to_owned(), flag.to_owned()]);
    }
    args.extend(["--emit=link", "--target", launch.triple, "--out-dir", paths::LAUNCHER].map(str::to_owned));
    args.extend(launch.linking.clone());
    let programs = [("LONGSHORE_LAUNCHER".to_owned(), format!("{} {}", launch.family, programs.join(" ")))];
    let label = format!("launcher of {}", launch.name);
    let spec = Spec {
        package: label.clone(),
        member: None,
        output: paths::LAUNCHER.to_owned(),
        cache: None,
        env: programs.into(),
        dependencies: Vec::new(),
        report: None,
        unpack: None,
        ledger: None,
        pass_env: Vec::new(),
        yields: Vec::new(),
        secret_env: Vec::new(),
        files: Vec::new(),
        sysroot: None,
        heavy: None,
        steps: vec![Step::Rustc(Rustc {
            name: label,
            args,
            overridden: 0,
            cwd: "/".to_owned(),
            env: [].into(),
            target: TargetKind::Bin(FILE.to_owned()),
            has_lib_beside: false,
            script: None,
            dependency_scripts: Vec::new(),
        })],
    };
    let bundle = Bundle { output: paths::LAUNCHER.to_owned(), packages: vec![spec] };
    let request = serde_json::to_string(&bundle).expect("a spec can be written as JSON");
    workshop
        .helper("build", &request)
        .mount(SLOTS_DIR, Workshop::slots())
        .mount(paths::LAUNCHER_SOURCE, &source)
        .output(paths::LAUNCHER, &State::SCRATCH)
        .labeled(format!("launcher:{}", launch.name))
        .named(format!("{} {}: launcher", launch.prefix.of("image"), launch.name))
        .run()
}
