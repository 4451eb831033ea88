//! The command line.

use crate::{
    Result,
    matrix::{Cell, Contender},
    workspaces::{self, Workspace},
};

/// What `--help` says; `bench/run` says it too.
pub const HELP: &str = "\
Usage: bench/run [OPTIONS]
       bench/run --together [--rounds N] [--out DIR]
       bench/run --report-only FILE.json... [--out DIR]

Builds the same Cargo workspaces in four ways on one Docker Engine, in turns, and
writes how long each way took: DIR/report.md, matrix.json, matrix.svg, and
results.json with every single measurement.

Ways (contenders):
  plain      Dockerfile: COPY, one RUN cargo build
  mounts     the same with cache mounts for the registry and the target directory
  chef       cargo-chef's three stages
  longshore  -f Cargo.toml, this repository's frontend
  bundled    the same with `bundle = true`; only when named
  apart      the same with `bundle = false`; only when named
  local      `cargo build` without Docker, in a directory that stays, on the warm
             builder; only when named. Needs the toolchain image's version of Rust

What was changed (cells): cold, no-change, leaf, shared, lock-bump, new-member,
new-binary. Each is measured on the warm builder; each but cold also on a fresh
runner, an empty engine that has nothing but the cache in a registry. What compiles
everything whatever was changed is measured for leaf alone, if that is asked for.

Options:
  --workspace NAME     one of them; may be repeated (default: all)
  --cells LIST         cells, with commas between (default: all)
  --contenders LIST    contenders, with commas between (default: the first
                       four)
  --rounds N           how often everything is measured (default: 3)
  --no-fresh           the warm builder only
  --out DIR            where the files go (default: bench/out). A series that is
                       there already is gone on with: complete rounds stay, and
                       only those that are missing are measured
  --together           another measurement: twelve images of `testdata/inference`
                       by one bake, of Longshore's targets and of as many plain
                       Dockerfiles; DIR/together.json and together.md
  --report-only FILE.json...
                       measures nothing: writes the report of these results.json
  -h, --help           this

Engines of our own are used, `bench` and `bench-fresh` (scripts/engine), which
needs root; so no other build meets them. The machine should do nothing else:
measurements in which it did are marked.
";

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// `--help`.
    Help,
    /// Measure.
    Measure(Options),
    /// Measure images that are asked for at once, so often, and write there.
    Together(usize, String),
    /// Report these files.
    Report(Vec<String>, String),
}

/// What is to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// In this order.
    pub workspaces: Vec<Workspace>,
    /// In the order of the matrix.
    pub cells: Vec<Cell>,
    /// In the order of the matrix.
    pub contenders: Vec<Contender>,
    /// How often.
    pub rounds: usize,
    /// On a fresh runner too.
    pub fresh: bool,
    /// A directory.
    pub out: String,
}

/// Reads the arguments.
///
/// # Errors
/// One of them is not known, or has no value.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Task> {
    let mut options = Options {
        workspaces: Vec::new(),
        cells: Cell::ALL.to_vec(),
        contenders: Contender::USUAL.to_vec(),
        rounds: 3,
        fresh: true,
        out: "bench/out".to_owned(),
    };
    let mut report: Option<Vec<String>> = None;
    let mut together = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{argument}` needs a value"));
        match argument.as_str() {
            "-h" | "--help" => return Ok(Task::Help),
            "--workspace" => {
                let name = value()?;
                let known: Vec<_> = workspaces::ALL.iter().map(|workspace| workspace.name).collect();
                let found = workspaces::ALL.iter().find(|workspace| workspace.name == name);
                let found = found
                    .ok_or_else(|| format!("there is no workspace `{name}`, only {}", known.join(", ")))?;
                options.workspaces.push(found.clone());
            }
            "--cells" => options.cells = list(&value()?, &Cell::ALL, Cell::name)?,
            "--contenders" => options.contenders = list(&value()?, &Contender::ALL, Contender::name)?,
            "--rounds" => {
                let text = value()?;
                let rounds = text.parse().ok().filter(|rounds| *rounds > 0);
                options.rounds = rounds.ok_or_else(|| format!("`--rounds {text}` is not a number from 1"))?;
            }
            "--no-fresh" => options.fresh = false,
            "--together" => together = true,
            "--out" => options.out = value()?,
            "--report-only" => report = Some(report.unwrap_or_default()),
            file if report.is_some() && !file.starts_with('-') => {
                report.get_or_insert_default().push(file.to_owned());
            }
            _ => return Err(format!("`{argument}` is not known (see --help)").into()),
        }
    }
    if let Some(files) = report {
        if files.is_empty() {
            return Err("`--report-only` needs files".into());
        }
        return Ok(Task::Report(files, options.out));
    }
    if together {
        return Ok(Task::Together(options.rounds, options.out));
    }
    if options.workspaces.is_empty() {
        options.workspaces = workspaces::ALL.to_vec();
    }
    Ok(Task::Measure(options))
}

/// Names with commas between, in the order of `all`.
fn list<T: Copy + PartialEq>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<Vec<T>> {
    let wanted: Vec<&str> = text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    if let Some(unknown) = wanted.iter().find(|word| !all.iter().any(|item| name(*item) == **word)) {
        let known: Vec<_> = all.iter().map(|item| name(*item)).collect();
        return Err(format!("there is no `{unknown}`, only {}", known.join(", ")).into());
    }
    Ok(all.iter().copied().filter(|item| wanted.contains(&name(*item))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Task> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_say_what_is_measured() {
        let Task::Measure(options) =
            of("--workspace ripgrep --cells leaf,cold --contenders longshore,plain --rounds 2 --no-fresh --out x").unwrap()
        else {
            panic!("not a measurement")
        };
        assert_eq!(options.workspaces.len(), 1);
        assert_eq!(options.cells, [Cell::Cold, Cell::Leaf]);
        assert_eq!(options.contenders, [Contender::Plain, Contender::Longshore]);
        assert_eq!((options.rounds, options.fresh, options.out.as_str()), (2, false, "x"));
        let Task::Measure(options) = of("").unwrap() else { panic!("not a measurement") };
        assert_eq!(options.workspaces.len(), workspaces::ALL.len());
    }

    #[test]
    fn images_at_once_are_another_measurement() {
        assert_eq!(of("--together --rounds 2 --out x").unwrap(), Task::Together(2, "x".to_owned()));
    }

    #[test]
    fn a_report_has_files() {
        assert_eq!(
            of("--report-only a.json b.json --out x").unwrap(),
            Task::Report(vec!["a.json".to_owned(), "b.json".to_owned()], "x".to_owned())
        );
        assert!(of("--report-only").is_err());
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for line in ["--workspace x", "--cells leaf,x", "--rounds 0", "--rounds", "--fast", "ripgrep"] {
            assert!(of(line).is_err(), "{line}");
        }
    }
}
