//! Twelve images of one workspace, asked for at once: four programs, each for three levels of the processor. By one bake of
//! Longshore's targets, and by one of as many Dockerfiles.

use std::{
    fmt::Write as _,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Result,
    contenders::{arguments, base_image},
    engine::{self, Engine},
    files,
    matrix::{Contender, order},
    prepare::{self, Places},
    progress::Counts,
    results::Machine,
    stats::Spread,
    usage::{Most, Usage},
    workspaces::{self, Workspace},
};

/// The workspace.
const WORKSPACE: &str = "inference";

/// Its setting of levels, and the one that is measured.
const ARCHS: [&str; 2] = ["archs = [\"v3\"]", "archs = [\"v2\", \"v3\"]"];

/// Levels besides the lowest, which has no name.
const LEVELS: [&str; 2] = ["v2", "v3"];

/// Who builds. Dockerfiles are plain ones.
const CONTENDERS: [Contender; 2] = [Contender::Plain, Contender::Longshore];

/// Files that are written.
pub const RESULTS: [&str; 2] = ["together.json", "together.md"];

/// A program for a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Image<'a> {
    program: &'a str,
    level: Option<&'a str>,
}

/// What one bake took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Bake {
    contender: Contender,
    round: usize,
    seconds: f64,
    cpu: Option<f64>,
    memory: Option<u64>,
    containers: Option<usize>,
    ran: usize,
    foreign: Option<f64>,
}

fn images<'a>(workspace: &Workspace) -> Vec<Image<'a>> {
    let levels = || [None].into_iter().chain(LEVELS.map(Some));
    workspace.programs.iter().flat_map(|program| levels().map(|level| Image { program, level })).collect()
}

impl Image<'_> {
    /// The target, as Longshore calls it.
    fn target(&self) -> String {
        self.level.map_or_else(|| self.program.to_owned(), |level| format!("{}-cpu-{level}", self.program))
    }

    fn tag(&self, contender: Contender) -> String {
        format!("longshore-bench/together:{}-{}", contender.name(), self.target())
    }

    /// What a user would write for it.
    fn dockerfile(&self, base: &str) -> String {
        let Image { program, level } = self;
        let flags = level.map(|level| format!("ENV RUSTFLAGS=\"-C target-cpu=x86-64-{level}\"\n"));
        format!(
            "FROM {base} AS build\nWORKDIR /app\nCOPY . .\n{}RUN cargo build --release --locked --offline --bin {program}\n\n\
             FROM debian:bookworm-slim\nCOPY --from=build /app/target/release/{program} /usr/local/bin/\n",
            flags.unwrap_or_default()
        )
    }
}

/// The file that `docker buildx bake` reads. `context` is relative to where it runs.
fn bake_file(
    contender: Contender,
    images: &[Image<'_>],
    context: &str,
    base: &str,
    namespace: &str,
) -> Value {
    let targets = images.iter().map(|image| {
        let mut target = json!({
            "context": context,
            "args": { "BUILDKIT_CACHE_MOUNT_NS": namespace },
            "output": ["type=docker"],
            "tags": [image.tag(contender)],
        });
        if contender.is_ours() {
            target["dockerfile"] = "Cargo.toml".into();
            target["target"] = image.target().into();
        } else {
            target["dockerfile-inline"] = image.dockerfile(base).into();
        }
        (image.target(), target)
    });
    let targets: serde_json::Map<String, Value> = targets.collect();
    let names: Vec<&String> = targets.keys().collect();
    json!({ "group": { "default": { "targets": names } }, "target": targets })
}

/// Measures, and writes what came of it into `out`.
///
/// # Errors
/// A build fails, or what it needs cannot be had.
pub fn run(places: &Places, engine: &Engine, machine: &Machine, rounds: usize, out: &Path) -> Result {
    let workspace =
        workspaces::ALL.iter().find(|known| known.name == WORKSPACE).ok_or("no such workspace")?;
    let base = prepare::workspace(places, workspace)?;
    prepare::base_image(places, workspace, &base, engine)?;
    let contexts = places.cache.join(WORKSPACE).join("together");
    let images = images(workspace);
    let started = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut bakes = Vec::new();
    for round in 1..=rounds {
        for contender in order(&CONTENDERS, round, 0) {
            let salt = format!("{started}-{round}-{}", contender.name());
            let context = contexts.join(contender.name());
            prepare::salted(&base, &context, &salt)?;
            let manifest = context.join("Cargo.toml");
            files::write(&manifest, &files::read(&manifest)?.replacen(ARCHS[0], ARCHS[1], 1))?;
            engine.clear()?;
            if contender.is_ours() {
                let at = context.to_str().ok_or("the cache's path is not UTF-8")?;
                // Packages are downloaded, and nothing is compiled.
                let mut plan = engine.docker(["buildx", "build", "--call=plan,format=json"]);
                engine::run(plan.args(arguments(contender, workspace, at, "")))?;
                engine.clear()?;
            }
            let name = format!("{}.json", contender.name());
            let bake = bake_file(contender, &images, contender.name(), &base_image(WORKSPACE), &salt);
            files::write(&contexts.join(&name), &bake.to_string())?;
            let mut command = engine.docker(["buildx", "bake", "--progress=rawjson", "--file", &name]);
            let usage = Usage::of(engine, command.current_dir(&contexts))?;
            let said = String::from_utf8_lossy(&usage.output.stderr);
            if !usage.output.status.success() {
                return Err(said.into_owned().into());
            }
            for image in &images {
                engine::run(&mut engine.docker(["image", "inspect", &image.tag(contender)]))?;
            }
            let ran = Counts::parse(&said).ran;
            let Usage { seconds, cpu, most: Most { memory, containers }, foreign, .. } = usage;
            eprintln!("bench: together {round} {}: {seconds:.1} s, {ran} vertices ran", contender.name());
            bakes.push(Bake { contender, round, seconds, cpu, memory, containers, ran, foreign });
            files::write(&out.join(RESULTS[0]), &serde_json::to_string_pretty(&(machine, &bakes))?)?;
            files::write(&out.join(RESULTS[1]), &page(&bakes))?;
        }
    }
    engine.clear()
}

/// A table.
fn page(bakes: &[Bake]) -> String {
    let mut page = format!(
        "| {} images at once | wall s | CPU s | most memory MB | most containers | vertices |\n|---|---:|---:|---:|---:|---:|\n",
        workspaces::ALL.iter().find(|known| known.name == WORKSPACE).map_or(0, |known| images(known).len())
    );
    for contender in CONTENDERS {
        let own: Vec<&Bake> = bakes.iter().filter(|bake| bake.contender == contender).collect();
        let median = |of: &dyn Fn(&Bake) -> Option<f64>, digits: usize| {
            let spread = Spread::of(own.iter().filter_map(|bake| of(bake)));
            spread.map_or("–".to_owned(), |spread| format!("{:.digits$}", spread.median))
        };
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            contender.name(),
            median(&|bake| Some(bake.seconds), 1),
            median(&|bake| bake.cpu, 1),
            median(&|bake| Some(bake.memory? as f64 / 1e6), 0),
            median(&|bake| Some(bake.containers? as f64), 0),
            median(&|bake| Some(bake.ran as f64), 0),
        )
        .expect("a string takes all");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_images_are_asked_for_by_name() {
        let workspace = workspaces::ALL.iter().find(|known| known.name == WORKSPACE).unwrap();
        let images = images(workspace);
        assert_eq!(images.len(), 12);
        let ours = bake_file(Contender::Longshore, &images, "longshore", "base", "n");
        assert_eq!(ours["target"]["server-cpu-v3"]["target"], "server-cpu-v3");
        assert_eq!(ours["target"]["server"]["dockerfile"], "Cargo.toml");
        assert_eq!(ours["group"]["default"]["targets"].as_array().unwrap().len(), 12);
        let plain = bake_file(Contender::Plain, &images, "plain", "base", "n");
        let dockerfile = plain["target"]["label-cpu-v2"]["dockerfile-inline"].as_str().unwrap();
        assert!(
            dockerfile.contains("ENV RUSTFLAGS=\"-C target-cpu=x86-64-v2\"\nRUN cargo build"),
            "{dockerfile}"
        );
        assert!(!images[0].dockerfile("base").contains("RUSTFLAGS"));
    }

    #[test]
    fn the_table_has_medians() {
        let bake = |contender, seconds| Bake {
            contender,
            round: 1,
            seconds,
            cpu: Some(2.0),
            memory: Some(3_000_000),
            containers: Some(6),
            ran: 4,
            foreign: None,
        };
        let page = page(&[
            bake(Contender::Plain, 8.0),
            bake(Contender::Longshore, 1.0),
            bake(Contender::Longshore, 2.0),
        ]);
        assert!(page.contains("| 12 images at once |"), "{page}");
        assert!(
            page.contains("| plain | 8.0 | 2.0 | 3 | 6 | 4 |\n| longshore | 1.5 | 2.0 | 3 | 6 | 4 |\n"),
            "{page}"
        );
    }
}
