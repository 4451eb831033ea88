//! What the measurements were made on.

use std::{fs, path::Path, process::Command, thread};

use crate::{
    Result,
    engine::{Engine, run},
    prepare::Places,
    results::{LONGSHORE, Machine},
};

/// Asks the machine and its programs.
///
/// # Errors
/// A program that is measured does not say its version.
pub fn describe(places: &Places, engine: &Engine, chef: &str) -> Result<Machine> {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, key: &str, end: char| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once(end).map(|(_, value)| value.trim().trim_matches('"').to_owned()).unwrap_or_default()
    };
    let memory = after(&text("/proc/meminfo"), "MemTotal", ':');
    let kibibytes: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let kernel = text("/proc/sys/kernel/osrelease");
    let mut tools = Vec::new();
    let mut tool = |name: &str, version: String| tools.push((name.to_owned(), version.trim().to_owned()));
    tool("Docker Engine", run(&mut engine.docker(["version", "--format", "{{.Server.Version}}"]))?);
    tool("buildx", second(&run(&mut engine.docker(["buildx", "version"]))?));
    let rustc = ["run", "--rm", "--network=none", &places.toolchain, "rustc", "-V"];
    tool("rustc", second(&run(&mut engine.docker(rustc))?));
    tool("cargo-chef", chef.to_owned());
    tool(LONGSHORE, revision(&places.repository)?);
    Ok(Machine {
        processor: after(&text("/proc/cpuinfo"), "model name", ':'),
        cpus: thread::available_parallelism().map_or(0, usize::from),
        memory: kibibytes * 1024,
        system: format!("{}, Linux {}", after(&text("/etc/os-release"), "PRETTY_NAME", '='), kernel.trim()),
        tools,
    })
}

/// Whether this machine's own Rust is that of the toolchain image.
///
/// # Errors
/// It is another, or none.
pub fn has_rustc_of(machine: &Machine) -> Result {
    let own = second(&run(Command::new("rustc").arg("-V"))?);
    match machine.tools.iter().find(|(name, _)| name == "rustc") {
        Some((_, version)) if *version == own => Ok(()),
        found => {
            Err(format!("`local` needs the rustc of the toolchain image, {found:?}, and here is {own}")
                .into())
        }
    }
}

/// The load average of the last minute.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

fn second(text: &str) -> String {
    text.split_whitespace().nth(1).unwrap_or_default().to_owned()
}

/// The commit, and whether what was built differs from it.
fn revision(repository: &Path) -> Result<String> {
    let git = |arguments: &[&str]| run(Command::new("git").args(arguments).current_dir(repository));
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Ok(format!("{}{}", commit.trim(), if changed.is_empty() { "" } else { " with changes" }))
}
