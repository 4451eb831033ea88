//! What a build can do and its user may not expect: settings without effect, results tied to one machine, images that
//! could not start. Pure.

use longshore_helper::{
    recording::Recording,
    spec::{Spec, Step},
};

use crate::{
    config::Base,
    diagnostic::{Code, Diagnostic},
    listing::Listing,
};

/// Warnings about a workspace, in a fixed order.
pub fn warnings(listing: &Listing, recording: &Recording, toolchain: &str) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for name in ["rust-toolchain.toml", "rust-toolchain"] {
        if listing.has_file(name) {
            warnings.push(
                Diagnostic::warning(
                    Code::UnsupportedOption,
                    format!("`{name}` has no effect, `{toolchain}` compiles"),
                )
                .help(
                    "set `toolchain` under `[workspace.metadata.longshore]` to the image of that toolchain",
                ),
            );
        }
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

/// Whether what the vertex links needs no loader and no library at run time.
pub fn is_static(spec: &Spec) -> bool {
    spec.steps.iter().any(|step| match step {
        Step::Rustc(step) => step.args.iter().any(|arg| arg.contains("+crt-static")),
        Step::BuildScript(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use longshore_helper::{
        recording::{Call, CallKind},
        spec::{Rustc, TargetKind},
    };

    use super::*;
    use crate::listing::Kind;

    fn recording(args: &[&str]) -> Recording {
        let call = Call {
            kind: CallKind::Rustc,
            exe: String::new(),
            args: args.iter().map(ToString::to_string).collect(),
            cwd: "/ws".to_owned(),
            env: BTreeMap::new(),
        };
        Recording { rustc: String::new(), cargo: String::new(), host: String::new(), calls: vec![call] }
    }

    #[test]
    fn a_plain_workspace_has_no_warning() {
        assert_eq!(warnings(&Listing::default(), &recording(&["-C", "target-cpu=x86-64-v3"]), "rust:1"), []);
    }

    #[test]
    fn what_is_ignored_and_what_is_of_one_machine_is_said() {
        let listing = [("rust-toolchain.toml", Kind::File)].into_iter().collect();
        let found = warnings(&listing, &recording(&["-Ctarget-cpu=native"]), "rust:1");
        let codes: Vec<_> = found.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, [Code::UnsupportedOption, Code::InvalidValue]);
    }

    #[test]
    fn nothing_dynamic_goes_on_scratch() {
        let spec = |args: &[&str]| Spec {
            report: None,
            ledger: None,
            pass_env: Vec::new(),
            package: "app 0.1.0".to_owned(),
            member: None,
            output: "/t/app".to_owned(),
            cache: None,
            env: BTreeMap::new(),
            dependencies: Vec::new(),
            steps: vec![Step::Rustc(Rustc {
                name: "app".to_owned(),
                args: args.iter().map(ToString::to_string).collect(),
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
    }
}
