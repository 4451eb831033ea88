//! Docker, as a command, on an engine of `scripts/engine`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Result;

/// An engine that runs.
#[derive(Debug, Clone)]
pub struct Engine {
    /// As in `scripts/engine --name`.
    pub name: String,
    environment: BTreeMap<String, String>,
}

/// Variables that point `docker` at an engine.
const VARIABLES: [&str; 4] = ["DOCKER_HOST", "DOCKER_CONFIG", "BUILDX_BUILDER", "PATH"];

/// What of the build cache goes before a round, and before each build on a fresh runner: all but downloaded packages,
/// since the Dockerfiles have theirs in an image. The description of a download begins with `http url`; BuildKit's
/// filters have no "not".
const ALL_BUT_DOWNLOADS: &str = r#"description~="^([^h]|h[^t]|ht[^t]|htt[^p]|http[^ ])""#;

impl Engine {
    /// # Errors
    /// It does not run.
    pub fn find(repository: &Path, name: &str) -> Result<Self> {
        let script = "eval \"$(scripts/engine env --name \"$1\")\" && env -0";
        let text = run(Command::new("bash").args(["-c", script, "bash", name]).current_dir(repository))?;
        let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
        let environment: BTreeMap<_, _> = pairs
            .filter(|(key, _)| VARIABLES.contains(key))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        if !environment.contains_key("DOCKER_HOST") {
            return Err(format!("engine `{name}` does not run").into());
        }
        Ok(Self { name: name.to_owned(), environment })
    }

    /// A `docker` command.
    pub fn docker<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("docker");
        // Looked up along the engine's own path.
        command.envs(&self.environment);
        command.args(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        command.stdin(Stdio::null());
        command
    }

    /// Where `scripts/engine` keeps it.
    pub fn directory(&self) -> Option<PathBuf> {
        let socket = self.environment.get("DOCKER_HOST")?.strip_prefix("unix://")?;
        Some(Path::new(socket).parent()?.parent()?.to_owned())
    }

    /// Copies images here from another engine, with the digests that they have there.
    ///
    /// # Errors
    /// Docker's.
    pub fn take(&self, from: &Self, images: &[&str], scratch: &Path) -> Result {
        let archive = scratch.join("images.tar");
        let archive = archive.to_str().ok_or("the scratch directory's path is not UTF-8")?;
        run(&mut from.docker([&["save", "--output", archive], images].concat()))?;
        run(&mut self.docker(["load", "--input", archive]))?;
        Ok(std::fs::remove_file(archive)?)
    }

    /// Empties the build cache of all but downloads, and the store of what was built.
    ///
    /// # Errors
    /// Docker's.
    pub fn clear(&self) -> Result {
        let built = run(&mut self.docker(["images", "--quiet", "--filter", "reference=longshore-bench/*"]))?;
        let mut ids: Vec<&str> = built.lines().collect();
        ids.dedup();
        if !ids.is_empty() {
            run(&mut self.docker(["rmi", "--force"].into_iter().chain(ids)))?;
        }
        run(&mut self.docker(["image", "prune", "--force"]))?;
        self.prune(&[ALL_BUT_DOWNLOADS])
    }

    /// Removes what matches a filter of BuildKit's from the build cache, or all of it.
    ///
    /// # Errors
    /// Docker's.
    pub fn prune(&self, filters: &[&str]) -> Result {
        let mut command = self.docker(["buildx", "prune", "--force", "--all"]);
        for filter in filters {
            command.args(["--filter", filter]);
        }
        run(&mut command)?;
        Ok(())
    }
}

/// Standard output of a command that has to succeed.
///
/// # Errors
/// It does not start, or fails; with all it said.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(format!("{command:?} failed\n{}", String::from_utf8_lossy(&said)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
