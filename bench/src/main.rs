//! The program: reads the command line and what `bench/run` says of its surroundings.

use std::{
    env,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use longshore_bench::{
    Result,
    engine::Engine,
    files, machine,
    matrix::Contender,
    options::{self, Options, Task},
    prepare::{self, Places},
    report,
    results::{Machine, Series},
    series::Bench,
    together,
};

fn main() -> ExitCode {
    match options::parse(env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result {
    match task {
        Task::Help => io::stdout().write_all(options::HELP.as_bytes())?,
        Task::Report(files, out) => {
            let series: Result<Vec<Series>> = files.iter().map(|file| read(Path::new(file))).collect();
            report::write(Path::new(&out), &Series::merged(series?))?;
        }
        Task::Measure(options) => measure(options)?,
        Task::Together(rounds, out) => images_at_once(rounds, &out)?,
    }
    Ok(())
}

/// What `bench/run` says of its surroundings.
fn variable(name: &str) -> Result<String> {
    Ok(env::var(name).map_err(|_| format!("{name} is not set: start bench/run"))?)
}

/// Places, the warm engine, and what these are on.
fn surroundings() -> Result<(Places, Engine, Machine)> {
    let repository = PathBuf::from(variable("BENCH_REPOSITORY")?);
    let warm = Engine::find(&repository, &variable("BENCH_ENGINE")?)?;
    let cache = PathBuf::from(variable("BENCH_CACHE")?);
    let places = Places { repository, cache, toolchain: variable("BENCH_TOOLCHAIN")? };
    let machine = machine::describe(&places, &warm, &prepare::cargo_chef(&places)?)?;
    Ok((places, warm, machine))
}

fn images_at_once(rounds: usize, out: &str) -> Result {
    let (places, warm, machine) = surroundings()?;
    together::run(&places, &warm, &machine, rounds, Path::new(out))
}

fn measure(options: Options) -> Result {
    let (places, warm, machine) = surroundings()?;
    let fresh = match options.fresh {
        true => {
            Some((Engine::find(&places.repository, &variable("BENCH_FRESH")?)?, variable("BENCH_REGISTRY")?))
        }
        false => None,
    };
    if options.contenders.contains(&Contender::Local) {
        machine::has_rustc_of(&machine)?;
    }
    let file = Path::new(&options.out).join(report::RESULTS);
    let mut series = if file.exists() { read(&file)? } else { Series::default() };
    if !series.complete.is_empty() && series.machine != machine {
        return Err(
            format!("{} is of another machine or other tools: choose another --out", file.display()).into()
        );
    }
    series.machine = machine;
    Bench { places, options, warm, fresh, series }.run()
}

fn read(file: &Path) -> Result<Series> {
    let series = serde_json::from_str(&files::read(file)?);
    series.map_err(|error| format!("{}: {error}", file.display()).into())
}
