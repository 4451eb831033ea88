//! One `docker buildx build` or `bake`, timed, and questions about what it did.
//!
//! Knows no project and no case.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    Result,
    engine::{Engine, TAG},
    note,
    progress::Progress,
};

/// How many names are shown of a list that should be empty.
const SHOWN_MAX: usize = 20;

/// A build that is about to start.
#[derive(Debug)]
pub(crate) struct Order {
    engine: Engine,
    directory: PathBuf,
    what: String,
    args: Vec<String>,
}

impl Order {
    /// `docker buildx build` in a directory, of the image with this tag (see [`tag`]).
    pub(crate) fn build(engine: &Engine, directory: &Path, name: &str) -> Self {
        let args = ["buildx", "build", "--file", "Cargo.toml", "--tag", &tag(name)];
        Self::new(engine, directory, name, &args)
    }

    /// The same with the directory's `Dockerfile`.
    pub(crate) fn dockerfile(engine: &Engine, directory: &Path, name: &str) -> Self {
        Self::new(engine, directory, name, &["buildx", "build", "--tag", &tag(name)])
    }

    /// `docker buildx bake` in a directory. The images get [`tag`]s like those of single builds.
    pub(crate) fn bake(engine: &Engine, directory: &Path, names: &[&str]) -> Self {
        let mut order =
            Self::new(engine, directory, &format!("bake of {}", names.join(", ")), &["buildx", "bake"]);
        for name in names {
            order = order.args(["--set", &format!("{name}.tags={}", tag(name))]);
        }
        order
    }

    fn new(engine: &Engine, directory: &Path, what: &str, args: &[&str]) -> Self {
        Self {
            engine: engine.clone(),
            directory: directory.to_owned(),
            what: what.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        }
    }

    /// `--target`.
    pub(crate) fn target(self, name: &str) -> Self {
        self.args(["--target", name])
    }

    /// More arguments.
    pub(crate) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    /// Builds, whatever comes of it.
    pub(crate) fn run(mut self) -> Result<Build> {
        let is_build = self.args[1] == "build";
        self.args.push("--progress=rawjson".to_owned());
        if is_build {
            self.args.push(".".to_owned());
        }
        let start = Instant::now();
        let args = self.args.iter().map(String::as_str);
        let output = self.engine.docker(args).at(&self.directory).output()?;
        let wall = start.elapsed();
        let progress = Progress::parse(&output.stderr);
        let build = Build { succeeded: output.code == Some(0), wall, progress };
        note!(
            "{}: {:.1} s, {} steps ran, {} cached",
            self.what,
            wall.as_secs_f32(),
            build.progress.ran().len(),
            build.progress.cached().len()
        );
        Ok(build)
    }

    /// Builds what has to succeed.
    pub(crate) fn must(self) -> Result<Build> {
        let build = self.run()?;
        if !build.succeeded {
            return Err(format!("the build failed\n{}", build.progress.tail()).into());
        }
        Ok(build)
    }
}

/// The image that the tests make of a target.
pub(crate) fn tag(name: &str) -> String {
    format!("{TAG}{name}")
}

/// A build that ended.
#[derive(Debug)]
pub(crate) struct Build {
    /// The client said so.
    pub(crate) succeeded: bool,
    /// From the client's start to its end.
    pub(crate) wall: Duration,
    /// What happened.
    pub(crate) progress: Progress,
}

impl Build {
    /// Fails unless exactly these vertices ran, and everything else was cached.
    #[track_caller]
    pub(crate) fn assert_ran<'a>(&self, expected: impl IntoIterator<Item = &'a str>) {
        let expected: BTreeSet<&str> = expected.into_iter().collect();
        let ran = self.progress.ran();
        let missing: Vec<_> = expected.difference(&ran).take(SHOWN_MAX).collect();
        let more: Vec<_> = ran.difference(&expected).take(SHOWN_MAX).collect();
        assert!(
            missing.is_empty() && more.is_empty(),
            "should have run but was cached or not there: {missing:#?}\nran but should not have: {more:#?}"
        );
        assert!(!self.progress.cached().is_empty() || !expected.is_empty(), "the build has no steps at all");
    }

    /// Fails when something was compiled more than once, and says how much was compiled.
    #[track_caller]
    pub(crate) fn assert_nothing_twice(&self) -> usize {
        let twice: BTreeMap<_, _> =
            self.progress.compiled().into_iter().filter(|(_, times)| *times > 1).collect();
        assert!(twice.is_empty(), "compiled more than once in one build: {twice:#?}");
        self.progress.compiled().len()
    }
}
