//! The report: tables for people, the same numbers for programs, and a picture.

use std::{fmt::Write as _, path::Path};

use crate::{
    Result, chart, files,
    matrix::{Contender, Runner},
    results::{LONGSHORE, Machine, Series},
    stats::Spread,
    summary::{Build, Rounds, Summary},
    workspaces,
};

/// The file with every measurement, from which a series goes on.
pub const RESULTS: &str = "results.json";

/// Writes all files.
///
/// # Errors
/// They cannot be written.
pub fn write(out: &Path, series: &Series) -> Result {
    let summary = Summary::of(series);
    files::write(&out.join(RESULTS), &(serde_json::to_string_pretty(series)? + "\n"))?;
    files::write(&out.join("matrix.json"), &(serde_json::to_string_pretty(&summary)? + "\n"))?;
    files::write(&out.join("report.md"), &page(&summary, &series.machine))?;
    files::write(&out.join("matrix.svg"), &chart::draw(&summary))
}

/// The page.
fn page(summary: &Summary, machine: &Machine) -> String {
    let mut page = String::from("# Rebuild matrix\n\n");
    // Workspaces say of which revision they are.
    let tools = machine.tools.iter().filter(|(name, _)| name != LONGSHORE);
    let tools: Vec<String> = tools.map(|(name, version)| format!("{name} {version}")).collect();
    line(
        &mut page,
        &format!(
            "{} with {} CPUs and {:.0} GiB of memory, {}. {}.\n",
            machine.processor,
            machine.cpus,
            machine.memory as f64 / (1u64 << 30) as f64,
            machine.system,
            tools.join(", ")
        ),
    );
    page.push_str(METHOD);
    for (contender, what) in BESIDE {
        if summary.builds.iter().any(|build| build.contender == contender) {
            line(&mut page, &format!("- **{}**: {what}", contender.name()));
        }
    }
    for name in &summary.workspaces {
        line(&mut page, &format!("\n## {name}\n"));
        if let Some(known) = workspaces::ALL.iter().find(|known| known.name == name) {
            line(&mut page, &format!("{}. Profile `{}`.", known.about, known.profile));
        }
        if let Some(Rounds { count, revisions, other_processors, .. }) =
            summary.rounds.iter().find(|rounds| rounds.workspace == *name)
        {
            let rounds = if *count == 1 { "One round".to_owned() } else { format!("{count} rounds") };
            let of = if revisions.is_empty() {
                String::new()
            } else {
                format!(", Longshore {}", revisions.join(", "))
            };
            let on = if other_processors.is_empty() {
                String::new()
            } else {
                format!(", on another machine of that size: {}", other_processors.join(", "))
            };
            line(&mut page, &format!("{rounds}{of}{on}."));
        }
        for runner in [Runner::Warm, Runner::Fresh] {
            let builds: Vec<&Build> = summary
                .builds
                .iter()
                .filter(|b| b.key.workspace == *name && b.key.runner == runner)
                .collect();
            if !builds.is_empty() {
                times(&mut page, summary, runner, &builds);
            }
        }
        details(&mut page, summary, name);
        exports(&mut page, summary, name);
    }
    page
}

const METHOD: &str = "\
Each row is the wall time of `docker buildx build --output type=docker`, client included, in seconds: the median of all
rounds, with the least and the most. A ratio is Longshore's time by the other's, the median of the rounds' ratios: below 1,
Longshore was faster. All contenders build the same files to an image with all programs of the workspace, on the same engine
in turns, another one first in each cell and round. Each begins when the machine is at rest, or after half a minute.

- **plain**: `COPY . .`, one `RUN cargo build --locked --offline --workspace --bins`; **mounts**: the same with cache mounts for
  registry and target directory; **chef**: cargo-chef's planner, cook and build. The image they begin with has the toolchain and
  all packages, vendored. **longshore**: `-f Cargo.toml`, packages downloaded before. So no time has a download from the internet.
- **cold**: a variable in cargo's configuration has a new value, and cache mounts are empty. The other rows follow on a warm
  builder, each edit on top of those before it: **leaf**, a line of a binary's `main.rs`; **shared**, a function in a member that
  others depend on; **lock-bump**, another version of `itoa` in `Cargo.lock`; **new-member**, a member with a binary whose
  dependencies were locked before; **new-binary**, a second one in a member.
  After any edit **plain** compiles everything, and so does **mounts** on a fresh runner. So they are measured after the first
  edit only; ratios of the other rows are to that.
- **fresh runner**: an engine with an empty build cache. It imports what the warm one exported after the cold build to a registry
  on the same machine (`mode=max`, zstd), for every contender alike, and then builds one edit. Images and downloaded packages
  are there, cache mounts are not exported. The registry had the layers of the images before the export: MB are all that
  a cache has, sent is what came new.
- CPU time is that of the client, the daemons and all containers; memory the most anonymous memory of all containers
  at once, containers the most that there were at once. Of vertices, those that ran: not context, downloads and exports. `*`: in
  so many rounds others had more than a tenth of the machine.
";

/// What contenders are that are not always measured.
const BESIDE: [(Contender, &str); 3] = [
    (Contender::Bundled, "Longshore with `bundle = true`."),
    (Contender::Apart, "Longshore with `bundle = false`."),
    (
        Contender::Local,
        "`cargo build` on the machine itself, without Docker, in a directory that stays; it makes no image.",
    ),
];

fn times(page: &mut String, summary: &Summary, runner: Runner, builds: &[&Build]) {
    let contenders: Vec<Contender> =
        Contender::ALL.into_iter().filter(|one| builds.iter().any(|build| build.contender == *one)).collect();
    let ratio = |build: &Build, against: Contender| {
        summary.ratios.iter().find(|ratio| ratio.key == build.key && ratio.against == against)
    };
    let against: Vec<Contender> = contenders
        .iter()
        .copied()
        .filter(|one| builds.iter().any(|build| ratio(build, *one).is_some()))
        .collect();
    line(page, &format!("\n### {} on the {}\n", builds[0].key.workspace, runner.name()));
    let names = contenders.iter().map(|one| one.name().to_owned());
    let ratios = against.iter().map(|one| format!("longshore / {}", one.name()));
    let head: Vec<String> = ["cell".to_owned()].into_iter().chain(names).chain(ratios).collect();
    row(page, &head);
    line(page, &format!("|---{}", "|---:".repeat(head.len() - 1) + "|"));
    let mut keys: Vec<_> = builds.iter().map(|build| &build.key).collect();
    keys.dedup();
    for key in keys {
        let of = |one: Contender| builds.iter().find(|build| build.key == *key && build.contender == one);
        let seconds = contenders.iter().map(|one| {
            of(*one).map_or("–".to_owned(), |build| {
                let noisy = if build.noisy > 0 { format!(" *{}", build.noisy) } else { String::new() };
                spread(&build.seconds) + &noisy
            })
        });
        let ratios = against.iter().map(|one| {
            let found = summary.ratios.iter().find(|ratio| ratio.key == *key && ratio.against == *one);
            found.map_or("–".to_owned(), |found| spread(&found.ratio))
        });
        row(page, &[key.cell.name().to_owned()].into_iter().chain(seconds).chain(ratios).collect::<Vec<_>>());
    }
}

fn details(page: &mut String, summary: &Summary, workspace: &str) {
    line(page, &format!("\n### {workspace}: what it took\n"));
    row(
        page,
        &["builder", "cell", "contender", "CPU s", "memory MB", "containers", "vertices", "imported MB"]
            .map(str::to_owned),
    );
    line(page, "|---|---|---|---:|---:|---:|---:|---:|");
    let median = |found: &Option<Spread>, unit: f64, digits: usize| {
        found.map_or("–".to_owned(), |found| format!("{:.digits$}", found.median / unit))
    };
    for build in summary.builds.iter().filter(|build| build.key.workspace == workspace) {
        row(
            page,
            &[
                build.key.runner.name().to_owned(),
                build.key.cell.name().to_owned(),
                build.contender.name().to_owned(),
                median(&build.cpu, 1.0, 1),
                median(&build.memory, 1e6, 0),
                median(&build.containers, 1.0, 0),
                median(&Some(build.ran), 1.0, 0),
                median(&build.imported, 1e6, 1),
            ],
        );
    }
}

fn exports(page: &mut String, summary: &Summary, workspace: &str) {
    let found: Vec<_> = summary.exports.iter().filter(|export| export.workspace == workspace).collect();
    if found.is_empty() {
        return;
    }
    line(page, &format!("\n### {workspace}: the exported cache\n"));
    row(page, &["contender", "blobs", "MB", "sent MB", "export s", "with its build s"].map(str::to_owned));
    line(page, "|---|---:|---:|---:|---:|---:|");
    for export in found {
        row(
            page,
            &[
                export.contender.name().to_owned(),
                format!("{:.0}", export.blobs.median),
                format!("{:.1}", export.bytes.median / 1e6),
                format!("{:.1}", export.sent.median / 1e6),
                spread(&export.exporting),
                spread(&export.seconds),
            ],
        );
    }
}

/// `1.20 (1.00–2.00)`; without the parentheses where there was one round.
fn spread(found: &Spread) -> String {
    match found.count {
        1 => number(found.median),
        _ => format!("{} ({}–{})", number(found.median), number(found.min), number(found.max)),
    }
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn row(page: &mut String, cells: &[String]) {
    line(page, &format!("| {} |", cells.join(" | ")));
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("a string takes all");
}

#[cfg(test)]
pub(crate) mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{
        matrix::Cell,
        results::{Export, Measurement, Round},
    };

    fn measured(round: usize, runner: Runner, cell: Cell, contender: Contender, seconds: f64) -> Measurement {
        Measurement {
            workspace: "ripgrep".to_owned(),
            round,
            revision: Some("0123abc".to_owned()),
            processor: None,
            runner,
            cell,
            contender,
            seconds,
            cpu: Some(2.0 * seconds),
            memory: Some(512_000_000),
            containers: Some(5),
            ran: 3,
            cached: 40,
            imported: (runner == Runner::Fresh).then_some(1_500_000),
            load: 0.5,
            foreign: Some(0.0),
            noisy: contender == Contender::Plain && round == 2,
        }
    }

    /// Two rounds of two contenders.
    pub(crate) fn series() -> Series {
        let mut series = Series {
            machine: Machine {
                processor: "A processor".to_owned(),
                cpus: 2,
                memory: 4 << 30,
                system: "Debian, Linux 6.1".to_owned(),
                tools: vec![("buildx".to_owned(), "0.29.1".to_owned())],
            },
            ..Series::default()
        };
        for (round, factor) in [(1, 1.0), (2, 2.0)] {
            for (runner, cell, plain, longshore) in [
                (Runner::Warm, Cell::Cold, 120.0, 130.0),
                (Runner::Warm, Cell::Leaf, 60.0, 6.0 * factor),
                (Runner::Fresh, Cell::Leaf, 100.0, 12.5),
            ] {
                series.measurements.push(measured(round, runner, cell, Contender::Plain, plain * factor));
                series.measurements.push(measured(round, runner, cell, Contender::Longshore, longshore));
            }
            let shared = measured(round, Runner::Warm, Cell::Shared, Contender::Longshore, 12.0 * factor);
            series.measurements.push(shared);
            series.exports.push(Export {
                workspace: "ripgrep".to_owned(),
                round,
                contender: Contender::Longshore,
                seconds: 4.0,
                exporting: 3.0,
                blobs: 90,
                bytes: 12_000_000,
                sent: 12_100_000,
            });
            series.complete.push(Round { workspace: "ripgrep".to_owned(), round });
        }
        series
    }

    #[test]
    fn a_machine_that_is_not_the_first_ones_is_named() {
        let mut series = series();
        for found in &mut series.measurements {
            found.processor = Some("Another processor".to_owned());
        }
        let page = page(&Summary::of(&series), &series.machine);
        let rounds = "2 rounds, Longshore 0123abc, on another machine of that size: Another processor.";
        assert!(page.contains(rounds), "{page}");
    }

    #[test]
    fn the_page_has_all_numbers() {
        let series = series();
        let page = page(&Summary::of(&series), &series.machine);
        let tables = page.replace(METHOD, "METHOD\n");
        expect![[r#"
            # Rebuild matrix

            A processor with 2 CPUs and 4 GiB of memory, Debian, Linux 6.1. buildx 0.29.1.

            METHOD

            ## ripgrep

            ripgrep 15.1.0 as in its repository: ten members, one program. Profile `release`.
            2 rounds, Longshore 0123abc.

            ### ripgrep on the warm builder

            | cell | plain | longshore | longshore / plain |
            |---|---:|---:|---:|
            | cold | 180 (120–240) *1 | 130 (130–130) | 0.81 (0.54–1.08) |
            | leaf | 90.0 (60.0–120) *1 | 9.00 (6.00–12.0) | 0.10 (0.10–0.10) |
            | shared | – | 18.0 (12.0–24.0) | 0.20 (0.20–0.20) |

            ### ripgrep on the fresh runner

            | cell | plain | longshore | longshore / plain |
            |---|---:|---:|---:|
            | leaf | 150 (100–200) *1 | 12.5 (12.5–12.5) | 0.09 (0.06–0.12) |

            ### ripgrep: what it took

            | builder | cell | contender | CPU s | memory MB | containers | vertices | imported MB |
            |---|---|---|---:|---:|---:|---:|---:|
            | warm builder | cold | plain | 360.0 | 512 | 5 | 3 | – |
            | warm builder | cold | longshore | 260.0 | 512 | 5 | 3 | – |
            | warm builder | leaf | plain | 180.0 | 512 | 5 | 3 | – |
            | warm builder | leaf | longshore | 18.0 | 512 | 5 | 3 | – |
            | warm builder | shared | longshore | 36.0 | 512 | 5 | 3 | – |
            | fresh runner | leaf | plain | 300.0 | 512 | 5 | 3 | 1.5 |
            | fresh runner | leaf | longshore | 25.0 | 512 | 5 | 3 | 1.5 |

            ### ripgrep: the exported cache

            | contender | blobs | MB | sent MB | export s | with its build s |
            |---|---:|---:|---:|---:|---:|
            | longshore | 90 | 12.0 | 12.1 | 3.00 (3.00–3.00) | 4.00 (4.00–4.00) |
        "#]]
        .assert_eq(&tables);
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([0.123, 4.567, 45.67, 456.7].map(number), ["0.12", "4.57", "45.7", "457"]);
    }
}
