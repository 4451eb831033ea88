//! Docker, as a command: the engine of the environment, and a second, empty one for what a fresh CI machine would do.
//!
//! Knows nothing of builds but that they replace images; see [`build`](crate::build).

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{Result, note, project, reason};

/// The frontend, as the syntax lines of testdata name it.
pub(crate) const FRONTEND_IMAGE: &str = "localhost/longshore:dev";

/// Before the names of images that tests make.
pub(crate) const TAG: &str = "longshore-e2e/";

/// The name under which `scripts/engine` keeps the second engine.
const FRESH: &str = "fresh";

/// An engine that `docker` can reach.
#[derive(Debug, Clone, Default)]
pub(crate) struct Engine {
    /// Variables on top of our own; none for the engine of the environment.
    environment: BTreeMap<String, String>,
}

impl Engine {
    /// The one that `docker` finds by itself.
    pub(crate) fn of_environment() -> Self {
        Self::default()
    }

    /// A `docker` command.
    pub(crate) fn docker<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        let mut command = Command::new("docker");
        command.args(args).envs(&self.environment);
        Run(command)
    }

    /// A line for a shell, in which `docker` is this engine's.
    pub(crate) fn shell(&self, line: &str) -> Run {
        let mut command = Command::new("sh");
        command.args(["-c", line]).envs(&self.environment);
        Run(command)
    }

    /// Whether it has an image of that name.
    pub(crate) fn has_image(&self, image: &str) -> bool {
        self.docker(["image", "inspect", image]).run().is_ok()
    }

    /// Runs a command in a new container of `image`; `options` are those of `docker run`.
    pub(crate) fn run_image(&self, options: &[&str], image: &str, args: &[&str]) -> Result<Output> {
        self.docker([&["run", "--rm"], options, &[image], args].concat()).output()
    }

    /// Starts a container that goes away with the value.
    pub(crate) fn start(&self, options: &[&str], image: &str, args: &[&str]) -> Result<Container> {
        let id = self.docker([&["run", "--detach"], options, &[image], args].concat()).run()?;
        Ok(Container { engine: self.clone(), id: id.trim().to_owned() })
    }
}

/// A command that is about to run.
#[derive(Debug)]
pub(crate) struct Run(pub(crate) Command);

/// What a command said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// Exit status.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Run {
    /// In a directory.
    pub(crate) fn at(mut self, directory: &Path) -> Self {
        self.0.current_dir(directory);
        self
    }

    /// More arguments.
    pub(crate) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.0.args(args);
        self
    }

    /// Whatever happens.
    pub(crate) fn output(mut self) -> Result<Output> {
        keep_replaced(&self.0);
        let output =
            self.0.stdin(Stdio::null()).output().map_err(|error| format!("{:?}: {error}", self.0))?;
        Ok(Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Standard output of a command that has to succeed.
    pub(crate) fn run(self) -> Result<String> {
        let shown = format!("{:?}", self.0);
        let output = self.output()?;
        if output.code != Some(0) {
            return Err(format!("{shown} failed\n{}{}", output.stdout, output.stderr).into());
        }
        Ok(output.stdout)
    }
}

/// Gives images that a build is about to replace another name, too.
///
/// An engine with the containerd image store first moves the name to the new image and then unpacks it. In between it may
/// collect what only the old image held, layers of the new one among it: "parent snapshot … does not exist: not found"
/// (moby/buildkit issue 6521). One of a dozen builds of an image failed so when they followed each other at once.
fn keep_replaced(command: &Command) {
    let words: Vec<_> = command.get_args().filter_map(OsStr::to_str).collect();
    if !words.iter().any(|word| word.contains("buildx")) {
        return;
    }
    for name in words.iter().flat_map(|word| word.split([' ', '='])).filter(|word| word.starts_with(TAG)) {
        let mut keep = Command::new("docker");
        keep.args(["tag", name, &format!("{name}:replaced")]);
        keep.envs(command.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        // It fails where nothing is replaced.
        let _: std::io::Result<std::process::Output> = keep.output();
    }
}

/// A container in the background.
#[derive(Debug)]
pub(crate) struct Container {
    engine: Engine,
    /// Its id.
    pub(crate) id: String,
}

impl Container {
    /// Runs a command in it.
    pub(crate) fn exec(&self, options: &[&str], args: &[&str]) -> Result<Output> {
        self.engine.docker([&["exec"], options, &[self.id.as_str()], args].concat()).output()
    }

    /// Copies a file or directory into it.
    pub(crate) fn copy_in(&self, from: &Path, to: &str) -> Result {
        let from = from.to_str().expect("temporary paths are UTF-8");
        self.engine.docker(["cp", from, &format!("{}:{to}", self.id)]).run()?;
        Ok(())
    }

    /// Sends SIGTERM and says with what status the process ended; 137 is one that had to be killed.
    pub(crate) fn stop(&self) -> Result<String> {
        self.engine.docker(["stop", "--time", "5", &self.id]).run()?;
        let format = "{{.State.ExitCode}}";
        Ok(self.engine.docker(["inspect", "--format", format, &self.id]).run()?.trim().to_owned())
    }

    /// What it wrote.
    pub(crate) fn logs(&self) -> Result<String> {
        let output = self.engine.docker(["logs", &self.id]).output()?;
        Ok(output.stdout + &output.stderr)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Err(error) = self.engine.docker(["rm", "--force", &self.id]).run() {
            note!("a container is left behind: {}", reason(&error));
        }
    }
}

/// A second engine, empty but for the base images and the frontend, until dropped.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// How to reach it.
    pub(crate) engine: Engine,
}

impl Fresh {
    /// Empties the second engine, and loads what a CI machine would pull.
    pub(crate) fn reset(from: &Engine) -> Result<Self> {
        script(&["reset", "--name", FRESH])?;
        script(&["images", "--name", FRESH])?;
        let exports = script(&["env", "--name", FRESH])?;
        let fresh = Self { engine: Engine { environment: exported(&exports)? } };

        let directory = tempfile::tempdir()?;
        let archive = directory.path().join("frontend.tar");
        let archive = archive.to_str().expect("temporary paths are UTF-8");
        from.docker(["save", "--output", archive, FRONTEND_IMAGE]).run()?;
        fresh.engine.docker(["load", "--input", archive]).run()?;
        Ok(fresh)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Err(error) = script(&["down", "--name", FRESH]) {
            note!("{}", reason(&error));
        }
    }
}

/// The address of the registry on the loopback device, which both engines reach.
pub(crate) fn registry() -> Result<String> {
    Ok(script(&["registry", "up"])?.trim().to_owned())
}

/// The same when nothing is in it any more: what is new in every run would make it grow.
pub(crate) fn empty_registry() -> Result<String> {
    Ok(script(&["registry", "reset"])?.trim().to_owned())
}

fn script(args: &[&str]) -> Result<String> {
    let mut command = Command::new(project::repository().join("scripts/engine"));
    command.args(args);
    Run(command).run()
}

/// What a shell exports after reading `lines`.
fn exported(lines: &str) -> Result<BTreeMap<String, String>> {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{lines}\nenv -0")]);
    let all = Run(command).run()?;
    Ok(all
        .split('\0')
        .filter_map(|variable| variable.split_once('='))
        .filter(|(name, _)| name.starts_with("DOCKER_") || name.starts_with("BUILDX_") || *name == "PATH")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// The end of the daemon's own log, where it is one that `scripts/engine` started.
pub(crate) fn print_log() {
    let Ok(host) = std::env::var("DOCKER_HOST") else { return };
    let socket = Path::new(host.trim_start_matches("unix://")).to_owned();
    let Some(directory) = socket.parent().and_then(Path::parent) else { return };
    if let Ok(log) = fs::read_to_string(directory.join("log")) {
        // Where there is no registry, every look for an image there is a line.
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains("msg=\"fetch failed\"")).collect();
        eprintln!("\nthe daemon's log ends:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"));
    }
}
