//! The order in which everything is built and timed.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    Result,
    contenders::{arguments, base_image, dockerfile, local_arguments, seed_dockerfile},
    edits,
    engine::{self, Engine},
    files,
    matrix::{Cell, Contender, Runner, order},
    options::Options,
    prepare::{self, Places},
    progress::Counts,
    report,
    results::{Export, Measurement, Round, Series},
    sweep,
    usage::{Most, Usage},
    wire::{Relay, cache_size},
    workspaces::Workspace,
};

/// Others had more than this share of all processors: the time says little.
const FOREIGN_MAX: f64 = 0.1;

/// So many CPU seconds the system itself has in any build.
const FOREIGN_MIN: f64 = 0.25;

/// As the workspaces' syntax lines name it.
const FRONTEND: &str = "localhost/longshore:dev";

/// Repositories of exported caches, in the registry.
const REPOSITORY: &str = "longshore-bench";

/// The engines, the registry, and where results go.
#[derive(Debug)]
pub struct Bench {
    /// Where things lie.
    pub places: Places,
    /// What is asked for.
    pub options: Options,
    /// It keeps its cache from one build to the next.
    pub warm: Engine,
    /// Emptied before each build, with the registry's address.
    pub fresh: Option<(Engine, String)>,
    /// What was found so far.
    pub series: Series,
}

/// A round of a workspace: what its builds have in common.
struct Stage<'a> {
    workspace: &'a Workspace,
    /// Its files before any edit.
    base: &'a Path,
    round: usize,
    /// Different in every round of every run.
    salt: String,
    /// Copies of the workspace, one for each contender.
    contexts: PathBuf,
}

/// What is the same in all builds of one measurement.
struct Build<'a> {
    engine: &'a Engine,
    contender: Contender,
    context: PathBuf,
    programs: &'a [String],
    /// More options.
    more: Vec<String>,
    /// What names it within its round: its image, and the file that has what it said.
    name: String,
}

/// A build that was timed.
struct Timed {
    seconds: f64,
    counts: Counts,
    cpu: Option<f64>,
    most: Most,
    load: f64,
    foreign: Option<f64>,
    noisy: bool,
}

impl Bench {
    /// Measures what is missing, and writes results after each cell.
    ///
    /// # Errors
    /// A build fails, or what it needs cannot be had.
    pub fn run(&mut self) -> Result {
        let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        self.series.drop_incomplete();
        for workspace in self.options.workspaces.clone() {
            let is_missing = |round: &usize| {
                let round = Round { workspace: workspace.name.to_owned(), round: *round };
                !self.series.complete.contains(&round)
            };
            let missing: Vec<usize> = (1..=self.options.rounds).filter(is_missing).collect();
            if missing.is_empty() {
                continue;
            }
            eprintln!("bench: {}: preparing", workspace.name);
            let base = prepare::workspace(&self.places, &workspace)?;
            prepare::base_image(&self.places, &workspace, &base, &self.warm)?;
            if let Some((fresh, _)) = &self.fresh {
                let images = [&base_image(workspace.name), FRONTEND];
                fresh.take(&self.warm, &images, &self.places.cache)?;
            }
            for round in missing {
                let stage = Stage {
                    workspace: &workspace,
                    base: &base,
                    round,
                    salt: format!("{run}-{round}"),
                    contexts: self.places.cache.join(workspace.name).join("contexts"),
                };
                self.round(&stage)?;
                let complete = Round { workspace: workspace.name.to_owned(), round };
                self.series.complete.push(complete);
                self.save()?;
            }
        }
        Ok(())
    }

    fn round(&mut self, stage: &Stage<'_>) -> Result {
        self.warm.clear()?;
        self.download(stage, &self.warm)?;
        if let Some((fresh, _)) = &self.fresh {
            fresh.clear()?;
            self.download(stage, fresh)?;
        }
        files::empty(&stage.local_target())?;
        for contender in &self.options.contenders {
            self.lay_out(stage, *contender)?;
        }
        let mut programs: Vec<String> =
            stage.workspace.programs.iter().map(|name| (*name).to_owned()).collect();
        // Always: the others need what it leaves.
        for contender in order(&self.options.contenders, stage.round, 0) {
            self.measure_warm(stage, Cell::Cold, contender, &programs)?;
        }
        self.export(stage, &programs)?;
        for cell in self.cells() {
            programs = edits::programs(cell, programs);
            for contender in order(&self.options.contenders, stage.round, cell as usize) {
                let serial = stage.serial(cell, contender);
                prepare::edit(&stage.context(contender), stage.workspace, cell, serial)?;
                if self.measures(Runner::Warm, cell, contender) {
                    self.measure_warm(stage, cell, contender, &programs)?;
                }
            }
            self.save()?;
        }
        self.fresh_cells(stage)
    }

    /// A contender's copy of the workspace, before any edit.
    fn lay_out(&self, stage: &Stage<'_>, contender: Contender) -> Result {
        let context = stage.context(contender);
        prepare::salted(stage.base, &context, &stage.salt_of(contender))?;
        contender.bundle().map_or(Ok(()), |bundle| prepare::bundled(&context, bundle))
    }

    /// The contenders that leave a cache which can be exported.
    fn in_docker(&self) -> Vec<Contender> {
        let all = self.options.contenders.iter().copied();
        all.filter(|contender| *contender != Contender::Local).collect()
    }

    /// The cells asked for that come after a cold build.
    fn cells(&self) -> Vec<Cell> {
        self.options.cells.iter().copied().filter(|cell| *cell != Cell::Cold).collect()
    }

    /// Not where another cell that is measured stands for this one.
    fn measures(&self, runner: Runner, cell: Cell, contender: Contender) -> bool {
        let other = contender.stands_for(runner, cell);
        other == cell || !self.options.cells.contains(&other)
    }

    /// Has an engine download and unpack all packages of both lock files: Longshore plans, and nothing is compiled.
    fn download(&self, stage: &Stage<'_>, engine: &Engine) -> Result {
        if !self.options.contenders.iter().any(|contender| contender.is_ours()) {
            return Ok(());
        }
        let directory = stage.contexts.join("download");
        for cell in [Cell::NoChange, Cell::LockBump] {
            prepare::salted(stage.base, &directory, "download")?;
            prepare::edit(&directory, stage.workspace, cell, 0)?;
            let context = text(&directory)?;
            let mut command = engine.docker(["buildx", "build", "--call=plan,format=json"]);
            engine::run(command.args(arguments(Contender::Longshore, stage.workspace, context, "")))?;
        }
        Ok(())
    }

    fn measure_warm(
        &mut self,
        stage: &Stage<'_>,
        cell: Cell,
        contender: Contender,
        programs: &[String],
    ) -> Result {
        let context = stage.context(contender);
        let name = format!("warm-{}", cell.name());
        let build = Build { engine: &self.warm, contender, context, programs, more: Vec::new(), name };
        let timed = self.timed(stage, &build)?;
        self.note(stage, Runner::Warm, cell, contender, timed, None);
        Ok(())
    }

    /// Exports each contender's cache as it is after the cold build; nothing runs in these builds.
    fn export(&mut self, stage: &Stage<'_>, programs: &[String]) -> Result {
        let Some((_, registry)) = self.fresh.clone() else { return Ok(()) };
        let relay = Relay::start(&registry)?;
        for contender in order(&self.in_docker(), stage.round, 0) {
            let (repository, tag) = stage.cache(contender);
            let to = |tag: &str| {
                let reference = format!("{}/{repository}:{tag}", relay.address);
                format!("type=registry,ref={reference},mode=max,compression=zstd")
            };
            self.seed(stage, &to("images"))?;
            let to = to(&tag);
            let more = vec!["--cache-to".to_owned(), to];
            let context = stage.context(contender);
            let name = "export".to_owned();
            let build = Build { engine: &self.warm, contender, context, programs, more, name };
            let before = relay.bytes().0;
            let timed = self.timed(stage, &build)?;
            let (blobs, bytes) = cache_size(&registry, &repository, &tag)?;
            let export = Export {
                workspace: stage.workspace.name.to_owned(),
                round: stage.round,
                contender,
                seconds: timed.seconds,
                exporting: timed.counts.export,
                blobs,
                bytes,
                sent: relay.bytes().0 - before,
            };
            eprintln!(
                "bench: {} {} export {}: {:.2} s, {blobs} blobs, {bytes} bytes",
                export.workspace,
                export.round,
                contender.name(),
                export.seconds
            );
            self.series.exports.push(export);
        }
        self.save()
    }

    /// Has a repository hold the layers of the images that builds begin with, as it does after the first export.
    fn seed(&self, stage: &Stage<'_>, to: &str) -> Result {
        let directory = stage.contexts.join("seed");
        files::write(&directory.join("Dockerfile"), &seed_dockerfile(stage.workspace.name))?;
        let mut command = self.warm.docker(["buildx", "build", "--output=type=cacheonly", "--cache-to", to]);
        engine::run(command.arg(&directory))?;
        Ok(())
    }

    /// Every edit alone, on the files whose cache was exported, by an engine without a cache of its own.
    fn fresh_cells(&mut self, stage: &Stage<'_>) -> Result {
        let Some((fresh, registry)) = self.fresh.clone() else { return Ok(()) };
        let relay = Relay::start(&registry)?;
        let programs: Vec<String> = stage.workspace.programs.iter().map(|name| (*name).to_owned()).collect();
        for cell in self.cells() {
            let programs = edits::programs(cell, programs.clone());
            for contender in order(&self.in_docker(), stage.round, cell as usize) {
                if !self.measures(Runner::Fresh, cell, contender) {
                    continue;
                }
                let context = stage.context(contender);
                self.lay_out(stage, contender)?;
                prepare::edit(&context, stage.workspace, cell, stage.serial(cell, contender))?;
                fresh.clear()?;
                let (repository, tag) = stage.cache(contender);
                let from = format!("type=registry,ref={}/{repository}:{tag}", relay.address);
                let more = vec!["--cache-from".to_owned(), from];
                let name = format!("fresh-{}", cell.name());
                let build = Build { engine: &fresh, contender, context, programs: &programs, more, name };
                let before = relay.bytes().1;
                let timed = self.timed(stage, &build)?;
                let imported = relay.bytes().1 - before;
                self.note(stage, Runner::Fresh, cell, contender, timed, Some(imported));
            }
            self.save()?;
        }
        fresh.clear()?;
        let state =
            self.warm.directory().and_then(|directory| Some(directory.parent()?.parent()?.to_owned()));
        if let Some(state) = state {
            sweep::sweep(&state.join("registry/data"), REPOSITORY)?;
        }
        Ok(())
    }

    /// One build, and what it took.
    fn timed(&self, stage: &Stage<'_>, build: &Build<'_>) -> Result<Timed> {
        let contender = build.contender;
        let path = stage.contexts.join(format!("Dockerfile.{}", contender.name()));
        if let Some(file) = dockerfile(contender, stage.workspace, build.programs) {
            files::write(&path, &file)?;
        }
        // A tag that moves from one image to the next has the engine collect the old one's layers, at times before it has
        // unpacked the new one on top of them (Docker 28.5).
        let tag = format!("longshore-bench/{}:{}-{}", stage.workspace.name, contender.name(), build.name);
        // Cache mounts of a round are its own, for all contenders alike.
        let namespace = format!("BUILDKIT_CACHE_MOUNT_NS={}-{}", stage.workspace.name, stage.salt);
        let mut command = if contender == Contender::Local {
            let vendor = prepare::vendored(&self.places, stage.workspace);
            let mut command = Command::new("cargo");
            command.args(local_arguments(stage.workspace, text(&vendor)?)).current_dir(&build.context);
            command.env("CARGO_TARGET_DIR", stage.local_target());
            command
        } else {
            let mut command =
                build.engine.docker(["buildx", "build", "--progress=rawjson", "--output=type=docker"]);
            command.args(["--tag", &tag, "--build-arg", &namespace]).args(&build.more);
            command.args(arguments(contender, stage.workspace, text(&build.context)?, text(&path)?));
            command
        };

        let Usage { output, seconds, cpu, foreign, most, load } = Usage::of(build.engine, &mut command)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let log = format!("{}-{}-{}.jsonl", stage.workspace.name, build.name, contender.name());
        let log = self.places.cache.join("log").join(log);
        files::write(&log, &said)?;
        if !output.status.success() {
            return Err(format!("{command:?} failed; {} has what it said", log.display()).into());
        }
        let cpus = self.series.machine.cpus as f64;
        let noisy = match foreign {
            Some(foreign) => foreign > (FOREIGN_MAX * seconds * cpus).max(FOREIGN_MIN),
            None => load > cpus,
        };
        Ok(Timed { seconds, counts: Counts::parse(&said), cpu, most, load, foreign, noisy })
    }

    fn note(
        &mut self,
        stage: &Stage<'_>,
        runner: Runner,
        cell: Cell,
        contender: Contender,
        timed: Timed,
        imported: Option<u64>,
    ) {
        let measurement = Measurement {
            workspace: stage.workspace.name.to_owned(),
            round: stage.round,
            revision: self.series.machine.revision().map(str::to_owned),
            processor: None,
            runner,
            cell,
            contender,
            seconds: timed.seconds,
            cpu: timed.cpu,
            memory: timed.most.memory,
            containers: timed.most.containers,
            ran: timed.counts.ran,
            cached: timed.counts.cached,
            imported,
            load: timed.load,
            foreign: timed.foreign,
            noisy: timed.noisy,
        };
        eprintln!(
            "bench: {} {} {} {} {}: {:.2} s, {} vertices ran, {} cached{}",
            measurement.workspace,
            measurement.round,
            runner.name(),
            cell.name(),
            contender.name(),
            measurement.seconds,
            measurement.ran,
            measurement.cached,
            if measurement.noisy { ", noisy" } else { "" }
        );
        self.series.measurements.push(measurement);
    }

    fn save(&self) -> Result {
        report::write(Path::new(&self.options.out), &self.series)
    }
}

impl Stage<'_> {
    /// Where cargo alone builds.
    fn local_target(&self) -> PathBuf {
        self.contexts.join("local-target")
    }

    fn context(&self, contender: Contender) -> PathBuf {
        self.contexts.join(contender.name())
    }

    /// The repository and tag of a contender's cache.
    fn cache(&self, contender: Contender) -> (String, String) {
        (format!("{REPOSITORY}/{}-{}", self.workspace.name, contender.name()), self.salt.clone())
    }

    /// Of a contender's own, so that nobody finds a layer that another has just made of equal files.
    fn salt_of(&self, contender: Contender) -> String {
        format!("{}-{}", self.salt, contender.name())
    }

    /// A number that no other edit of a series has.
    fn serial(&self, cell: Cell, contender: Contender) -> u64 {
        self.round as u64 * 1000 + cell as u64 * 10 + contender as u64
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()).into())
}
