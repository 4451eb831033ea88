//! `longshore-helper toolchain`: has the image's rustup install what a toolchain file wants, as rustup itself would have
//! done on a developer's machine; of an image without rustup, says what it lacks.
//!
//! What is there is asked of the toolchain and not of rustup: its proxies (`rustfmt`, `cargo-clippy`) are in `PATH` whether
//! or not there is something behind them (the rustup book, "Proxies").

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use longshore_helper::toolchain::{REPORT_FILE, ToolchainReport, ToolchainRequest};

use crate::console::say;
use crate::environment::{self, Environment};
use crate::installer::has;
use crate::problem::{Problem, Result};
use crate::runner::Verdict;
use crate::{files, mtime, process, tree};

/// Chooses a toolchain before any file or default does.
const TOOLCHAIN: &str = "RUSTUP_TOOLCHAIN";

/// What rustup keeps below its home that no step needs.
const LEFT_OVERS: [&str; 2] = ["downloads", "tmp"];

/// Installs what is wanted and not there, and writes down what there is.
pub(crate) fn provide(request: &ToolchainRequest) -> Result<Verdict> {
    let mut environment = environment::base();
    // What is asked about is not to be installed by the asking.
    environment.insert("RUSTUP_AUTO_INSTALL".into(), "0".into());
    let report = if has("rustup", &environment) {
        if request.channel.is_some() {
            environment.remove(std::ffi::OsStr::new(TOOLCHAIN));
        }
        let Some(report) = installed(request, &environment)? else { return Ok(Verdict::Failed) };
        tidy(&environment);
        report
    } else {
        let Some(report) = found(request, &environment)? else { return Ok(Verdict::Failed) };
        report
    };
    let output = Path::new(&request.output);
    files::write_json(&output.join(REPORT_FILE), &report)?;
    mtime::normalise(output)?;
    Ok(Verdict::Passed)
}

/// With rustup: nothing is missing afterwards, or it has failed.
fn installed(request: &ToolchainRequest, environment: &Environment) -> Result<Option<ToolchainReport>> {
    let channel = request.channel.as_deref();
    let rustc = match which(channel, environment)? {
        Some(rustc) => rustc,
        None => {
            let Some(channel) = channel else {
                say!("error: the toolchain image's rustup has no toolchain of its own");
                say!(
                    "help: have one installed: `channel` of `{}`, or another image as `toolchain`",
                    request.file
                );
                return Ok(None);
            };
            if !run(&install(channel, request), environment)? {
                return Ok(None);
            }
            let Some(rustc) = which(Some(channel), environment)? else {
                return Err(Problem::new(format!("rustup has installed `{channel}` and does not find it")));
            };
            rustc
        }
    };
    let Some(toolchain) = Toolchain::ask(&rustc, environment)? else {
        return Err(Problem::new(format!("rustup names `{}`, which is not there", rustc.display())));
    };
    let missing = [
        ("component", lacking(&request.components, |name| toolchain.has_component(name))),
        ("target", lacking(&request.targets, |triple| toolchain.has_target(triple))),
    ];
    for (kind, names) in missing {
        if !names.is_empty() && !run(&add(kind, channel, &names), environment)? {
            return Ok(None);
        }
    }
    say!("note: {} compiles", toolchain.version);
    Ok(Some(ToolchainReport { rustc: toolchain.version, ..ToolchainReport::default() }))
}

/// Without rustup: what is missing, or nothing where the toolchain itself is another.
fn found(request: &ToolchainRequest, environment: &Environment) -> Result<Option<ToolchainReport>> {
    let toolchain = Toolchain::ask(Path::new("rustc"), environment)?;
    if let Some(channel) = &request.channel
        && !toolchain.as_ref().is_some_and(|toolchain| toolchain.is(channel))
    {
        let own =
            toolchain.map_or_else(|| "there is no rustc".to_owned(), |own| format!("it has {}", own.version));
        say!(
            "error: `{channel}` of `{}` cannot be installed: the toolchain image has no rustup, and {own}",
            request.file
        );
        say!(
            "help: name an image that has this toolchain, which then compiles whatever the file says: `toolchain = \"…\"` \
             under `[workspace.metadata.longshore]`; or take one with rustup, as the official images of Rust are"
        );
        return Ok(None);
    }
    let Some(toolchain) = toolchain else {
        let ToolchainRequest { components, targets, .. } = request.clone();
        return Ok(Some(ToolchainReport { rustc: String::new(), components, targets }));
    };
    let in_path = |name: &str| name == "rustfmt" && has(name, environment);
    Ok(Some(ToolchainReport {
        components: lacking(&request.components, |name| in_path(name) || toolchain.has_component(name)),
        targets: lacking(&request.targets, |triple| toolchain.has_target(triple)),
        rustc: toolchain.version,
    }))
}

fn lacking(wanted: &[String], is_there: impl Fn(&str) -> bool) -> Vec<String> {
    wanted.iter().filter(|name| !is_there(name)).cloned().collect()
}

fn install(channel: &str, request: &ToolchainRequest) -> Vec<String> {
    let fixed = ["rustup", "toolchain", "install", channel, "--profile", "minimal", "--no-self-update"];
    let components = request.components.iter().flat_map(|name| ["--component", name]);
    let targets = request.targets.iter().flat_map(|triple| ["--target", triple]);
    fixed.into_iter().chain(components).chain(targets).map(str::to_owned).collect()
}

fn add(kind: &str, channel: Option<&str>, names: &[String]) -> Vec<String> {
    let toolchain = channel.into_iter().flat_map(|channel| ["--toolchain", channel]);
    let names = names.iter().map(String::as_str);
    ["rustup", kind, "add"].into_iter().chain(toolchain).chain(names).map(str::to_owned).collect()
}

/// The compiler of an installed toolchain.
fn which(channel: Option<&str>, environment: &Environment) -> Result<Option<PathBuf>> {
    let mut rustup = Command::new("rustup");
    rustup.arg("which").args(channel.into_iter().flat_map(|channel| ["--toolchain", channel])).arg("rustc");
    let asked = rustup.env_clear().envs(environment).current_dir("/").output();
    let asked = asked.map_err(|error| Problem::io("start `rustup`", &error))?;
    let path = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    Ok((asked.status.success() && !path.is_empty()).then(|| PathBuf::from(path)))
}

fn run(command: &[String], environment: &Environment) -> Result<bool> {
    let (program, args) = command.split_first().expect("a command has a program");
    let finished = process::run_showing_stderr(
        Command::new(program).args(args).env_clear().envs(environment).current_dir("/"),
    )
    .map_err(|error| Problem::io(format_args!("start `{program}`"), &error))?;
    if !finished.status.success() {
        say!("error: `{}` failed ({})", command.join(" "), finished.status);
        say!("help: {}", help(&String::from_utf8_lossy(&finished.stderr)));
    }
    Ok(finished.status.success())
}

/// What there is to do about what rustup said. Its words are those of its `src/errors.rs` and `src/dist`.
fn help(said: &str) -> &'static str {
    let says = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
    if says(&["no release found", "nonexistent rust version", "invalid toolchain name"]) {
        return "there is no such toolchain: not every day has a nightly, and a beta is dated by its release";
    }
    if says(&[
        "unavailable",
        "does not contain component",
        "does not support target",
        "no prebuilt artifacts",
    ]) {
        return "not every toolchain has every component and target: take another `channel`, or leave out what it lacks";
    }
    if says(&["could not download", "download failed", "error sending request"]) {
        return "this step has the builder's network; `--build-arg https_proxy=…` names a proxy, and \
                `builder.env = { RUSTUP_DIST_SERVER = \"…\" }` a mirror";
    }
    "what rustup said is above"
}

/// What cannot be removed only takes space.
fn tidy(environment: &Environment) {
    if let Some(home) = environment.get(std::ffi::OsStr::new("RUSTUP_HOME")) {
        for name in LEFT_OVERS {
            let _ = fs::remove_dir_all(Path::new(home).join(name));
        }
    }
}

/// A toolchain, asked by way of its rustc.
struct Toolchain {
    /// `rustc 1.95.0 (59807616e 2026-04-14)`
    version: String,
    host: String,
    sysroot: PathBuf,
}

impl Toolchain {
    /// `None` where there is no such program.
    fn ask(rustc: &Path, environment: &Environment) -> Result<Option<Self>> {
        let ask = |args: &[&str]| -> Result<Option<String>> {
            let mut command = Command::new(rustc);
            let asked = match command.args(args).env_clear().envs(environment).current_dir("/").output() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                asked => {
                    asked.map_err(|error| Problem::io(format_args!("start `{}`", rustc.display()), &error))?
                }
            };
            if !asked.status.success() {
                let said = String::from_utf8_lossy(&asked.stderr).trim().to_owned();
                return Err(Problem::new(format!("`{} {}` fails: {said}", rustc.display(), args.join(" "))));
            }
            Ok(Some(String::from_utf8_lossy(&asked.stdout).trim().to_owned()))
        };
        let Some(version) = ask(&["-vV"])? else { return Ok(None) };
        let Some(sysroot) = ask(&["--print", "sysroot"])? else { return Ok(None) };
        let host =
            version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
        let version = version.lines().next().unwrap_or_default().to_owned();
        Ok(Some(Self { version, host, sysroot: PathBuf::from(sysroot) }))
    }

    /// Whether it is of that channel, as far as its version tells: one without a date.
    fn is(&self, channel: &str) -> bool {
        let release = self.version.split(' ').nth(1).unwrap_or_default();
        match channel {
            "nightly" => release.ends_with("-nightly"),
            "beta" => release.contains("-beta"),
            _ => release == channel,
        }
    }

    fn rustlib(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib")
    }

    /// By rustup's own list, which is made by its installer (`src/dist/component`), or by what the component consists of.
    fn has_component(&self, name: &str) -> bool {
        let name = name.trim_end_matches("-preview");
        let names = [name.to_owned(), format!("{name}-preview")];
        let listed = fs::read_to_string(self.rustlib().join("components")).unwrap_or_default();
        let is_listed = listed.lines().any(|line| {
            let line = line.trim();
            names.iter().any(|name| line == name || line == format!("{name}-{}", self.host))
        });
        let file = match name {
            "rust-src" => "lib/rustlib/src/rust/library/core/src/lib.rs".to_owned(),
            "rustfmt" => "bin/rustfmt".to_owned(),
            "llvm-tools" => format!("lib/rustlib/{}/bin/llvm-objcopy", self.host),
            "llvm-bitcode-linker" => {
                format!("lib/rustlib/{}/bin/self-contained/llvm-bitcode-linker", self.host)
            }
            _ => return is_listed,
        };
        is_listed || self.sysroot.join(file).is_file()
    }

    fn has_target(&self, triple: &str) -> bool {
        let libraries = tree::names(&self.rustlib().join(triple).join("lib")).unwrap_or_default();
        libraries.iter().any(|name| Path::new(name).extension().is_some_and(|extension| extension == "rlib"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rustup_said_is_told_apart() {
        for (said, part) in [
            ("error: could not download nonexistent rust version `1.99.9-x86_64`", "no such toolchain"),
            ("error: no release found for 'nightly-2026-02-30'", "no such toolchain"),
            ("error: component 'miri' for target 'a-b-c' is unavailable for download", "leave out"),
            ("error: toolchain 'nightly' does not support target 'x'", "leave out"),
            ("error: component download failed for rust-std-wasm32-wasip1", "RUSTUP_DIST_SERVER"),
            ("error: could not download file from 'https://…'", "RUSTUP_DIST_SERVER"),
            ("error: no space left", "above"),
        ] {
            assert!(help(said).contains(part), "{said}: {}", help(said));
        }
    }

    #[test]
    fn a_version_tells_its_channel_and_not_its_date() {
        let toolchain = |version: &str| Toolchain {
            version: version.to_owned(),
            host: String::new(),
            sysroot: PathBuf::new(),
        };
        let nightly = toolchain("rustc 1.97.0-nightly (e50aa6fba 2026-05-19)");
        assert!(nightly.is("nightly") && !nightly.is("nightly-2026-05-20") && !nightly.is("beta"));
        let beta = toolchain("rustc 1.96.0-beta.3 (abc 2026-04-20)");
        assert!(beta.is("beta") && beta.is("1.96.0-beta.3") && !beta.is("nightly"));
    }
}
