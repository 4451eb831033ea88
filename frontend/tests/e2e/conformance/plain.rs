//! Plain cargo, in the toolchain image, at the paths that vertices have, with a shim in front of rustc and of build
//! scripts that writes down what is started.

use std::env::consts::ARCH;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_conformance::{Side, TARGET_DIR, corpus::Program, read_process};

use super::Built;
use crate::{
    Result,
    engine::{Engine, Output, Run},
    project::repository,
};

/// The default of `toolchain`.
pub(super) const TOOLCHAIN: &str = "rust:1.95-bookworm";

/// What a program is compiled with.
pub(super) fn toolchain(program: &Program) -> &str {
    program.toolchain.as_deref().unwrap_or(TOOLCHAIN)
}

/// What cargo's build left.
pub(super) struct Plain {
    /// Processes and files.
    pub(super) side: Side,
    result: PathBuf,
}

/// Builds the workspace in `directory`.
pub(super) fn build(engine: &Engine, program: &Program, directory: &Path, scratch: &Path) -> Result<Plain> {
    let at = |name: &str| scratch.join(name);
    let mut vendor = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    vendor
        .args(["vendor", "--quiet", "--locked", "--versioned-dirs"])
        .arg(at("vendor"))
        .current_dir(directory);
    Run(vendor).run()?;
    fs::create_dir_all(at("vendor"))?;
    fs::create_dir_all(at("context"))?;
    fs::copy(repository().join("conformance/shim/rustc.rs"), at("context/rustc.rs"))?;
    fs::write(at("context/Dockerfile"), dockerfile(program))?;
    let context = |name: &str, path: &Path| format!("{name}={}", path.display());
    engine
        .docker(["buildx", "build", "--quiet", "--build-context", &context("vendor", &at("vendor"))])
        .args(["--build-context", &context("workspace", directory)])
        .args(["--output", &format!("type=local,dest={}", at("plain").display())])
        .at(&at("context"))
        .args(["."])
        .run()?;

    let mut side = Side::default();
    for entry in fs::read_dir(at("plain/trace"))? {
        let log = fs::read(entry?.path())?;
        side.ran.push(read_process(&log).map_err(|error| error.to_string())?);
    }
    side.add_sums(&fs::read_to_string(at("plain/sums"))?);
    Ok(Plain { side, result: at("plain") })
}

impl Plain {
    /// One of its programs, and what it said.
    pub(super) fn program(&self, bin: &str, smoke: &[String]) -> Result<Built> {
        let name = bin.rsplit(':').next().unwrap_or(bin);
        let read = |kind: &str| -> Result<String> {
            let file = self.result.join(format!("{name}.{kind}"));
            Ok(fs::read_to_string(&file).map_err(|error| format!("{name} {smoke:?}: {error}"))?)
        };
        let said =
            Output { code: read("code")?.trim().parse().ok(), stdout: read("out")?, stderr: read("err")? };
        let sha256 = read("sha256")?.split(' ').next().unwrap_or_default().to_owned();
        Ok(Built { said, sha256, file: self.result.join(name) })
    }
}

/// Whose every argument is one of the file's, as an argument of the build would be a variable of cargo's.
fn dockerfile(program: &Program) -> String {
    let triple = format!("{ARCH}-unknown-linux-gnu");
    let mut cargo =
        ["cargo", "build", "--workspace", "--locked", "--offline", "--quiet"].map(str::to_owned).to_vec();
    for option in [
        "--profile",
        &program.profile,
        "--target",
        &triple,
        "--target-dir",
        TARGET_DIR,
        "--config",
        "source.crates-io.replace-with = \"vendored\"",
        "--config",
        "source.vendored.directory = \"/vendor\"",
    ] {
        cargo.push(option.to_owned());
    }
    if !program.build_override_debug {
        let profile = &program.profile;
        cargo.extend(["--config".to_owned(), format!("profile.{profile}.build-override.debug=false")]);
    }
    if program.examples {
        cargo.extend(program.bins.iter().flat_map(|bin| ["--example".to_owned(), bin.clone()]));
    }
    if !program.features.is_empty() {
        cargo.extend(["--features".to_owned(), program.features.join(",")]);
    }
    if program.no_default_features {
        cargo.push("--no-default-features".to_owned());
    }
    let toolchain = toolchain(program);
    let mut text = format!(
        "FROM {toolchain} AS shim\nCOPY rustc.rs /\nRUN rustc -O --edition 2021 -o /shim /rustc.rs\n\n\
         FROM {toolchain} AS plain\n"
    );
    if !program.packages.is_empty() {
        let packages = program.packages.join(" ");
        writeln!(
            text,
            "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends {packages}"
        )
        .expect("a string takes all");
    }
    for (name, value) in &program.env {
        writeln!(text, "ENV {name}={value}").expect("a string takes all");
    }
    let profile = match program.profile.as_str() {
        "dev" => "debug",
        profile => profile,
    };
    let programs = if program.examples { "/examples" } else { "" };
    let smoke: String = program.smoke.iter().map(|arg| format!(" '{arg}'")).collect();
    let bins: Vec<&str> = program.bins.iter().map(|bin| bin.rsplit(':').next().unwrap_or(bin)).collect();
    write!(
        text,
        "COPY --from=shim /shim /shim\n\
         RUN bin=$(rustc --print sysroot)/bin && mv $bin/rustc $bin/rustc.real && cp /shim $bin/rustc && mkdir /trace /result\n\
         COPY --from=workspace . /ws\n\
         WORKDIR /ws\n\
         RUN --network=none --mount=from=vendor,target=/vendor,rw {cargo}\n\
         WORKDIR {TARGET_DIR}\n\
         RUN find . \\( -path '*/deps/*' -o -path '*/examples/*' -o -path '*/build/*/out/lib*' \\) -type f ! -name '*.d' -exec sha256sum {{}} + > /result/sums && cp -r /trace /result/\n\
         WORKDIR {TARGET_DIR}/{triple}/{profile}{programs}\n\
         RUN --network=none for bin in {bins}; do cp $bin /result/ && sha256sum $bin > /result/$bin.sha256 && \
         {{ ./$bin{smoke} > /result/$bin.out 2> /result/$bin.err; echo $? > /result/$bin.code; }}; done\n\n\
         FROM scratch\nCOPY --from=plain /result /\n",
        cargo = serde_json::to_string(&cargo).expect("strings can be written as JSON"),
        bins = bins.join(" "),
    )
    .expect("a string takes all");
    text
}
