//! Longshore's schedule against cargo's, simulated: `schedule [FILE…]`, by default the recorded builds of
//! `frontend/tests/schedule`.

#![expect(clippy::unwrap_used, reason = "a panic ends the program")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[path = "../tests/shared/schedule.rs"]
mod schedule;

use std::fs;
use std::path::Path;

use longshore::plan::bundle::SMALL_BYTES_MAX;
use schedule::{
    Job, Order, Outcome, Overhead, Unit, by_bundle, by_package, cargo, parse, run, vertices, vertices_inside,
    work,
};

const CORES: [usize; 3] = [4, 16, 64];

/// CPU time of a container, and of each bind mount in it, as measured with BuildKit 0.32 on an idle machine.
const OVERHEAD: Overhead = Overhead { vertex: 0.080, mount: 0.0011 };
const NOTHING: Overhead = Overhead { vertex: 0.0, mount: 0.0 };

fn main() {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schedule");
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        files = entries.map(|path| path.to_str().unwrap().to_owned()).collect();
        files.sort();
    }
    for file in files {
        let units = parse(&fs::read_to_string(&file).unwrap());
        let name = Path::new(&file).file_stem().unwrap().to_str().unwrap();
        println!("{name}: {} units, {:.1} s of CPU time", units.len(), work(&units));
        // Code generation on one core, as where all are busy, and on up to 16, as rustc does where it may.
        for widest in [1, 16] {
            table(&units, widest);
        }
    }
}

fn table(units: &[Unit], widest: usize) {
    let work = work(units);
    println!("\n  code generation of one process on up to {widest}");
    print!("  {:<46} {:>8} {:>7}", "", "vertices", "mounts");
    for cores in CORES {
        print!(" | {:>5} {:>4} {:>5}", format!("{cores}"), "util", "/cargo");
    }
    println!(" | critical");
    let pure = cargo(units);
    let reference: Vec<f64> =
        CORES.map(|cores| run(&pure, cores, widest, Order::Awaited, work).makespan).to_vec();
    let row = |name: &str, count: usize, mounts: Option<usize>, jobs: &[Job], order: Order| {
        let mounts = mounts.map_or_else(|| "-".to_owned(), |mounts| mounts.to_string());
        print!("  {name:<46} {count:>8} {mounts:>7}");
        let mut critical = 0.0;
        for (cores, reference) in CORES.iter().zip(&reference) {
            let outcome: Outcome = run(jobs, *cores, widest, order, work);
            critical = outcome.critical;
            print!(
                " | {:>5.1} {:>3.0}% {:>5.2}",
                outcome.makespan,
                outcome.utilisation * 100.0,
                outcome.makespan / reference
            );
        }
        println!(" | {critical:.1}");
    };
    row("cargo", units.len(), None, &pure, Order::Awaited);
    row("cargo, longest way first", units.len(), None, &pure, Order::Longest);
    let packages = by_package(units);
    let (free, mounts) = vertices(units, &packages, NOTHING);
    row("packages at no cost, first come", free.len(), Some(mounts), &free, Order::Ready);
    row("packages at no cost, longest way first", free.len(), Some(mounts), &free, Order::Longest);
    let (jobs, mounts) = vertices(units, &packages, OVERHEAD);
    row("packages, first come", jobs.len(), Some(mounts), &jobs, Order::Ready);
    row("packages, most awaited first", jobs.len(), Some(mounts), &jobs, Order::Awaited);
    row("packages, longest way first", jobs.len(), Some(mounts), &jobs, Order::Longest);
    for kib in [30, 60, 120, 240] {
        let keys = by_bundle(units, kib * 1024);
        let (apart, mounts) = vertices(units, &keys, OVERHEAD);
        let count = apart.len();
        if kib * 1024 == SMALL_BYTES_MAX {
            row(
                "bundles, one unit after the other, longest first",
                count,
                Some(mounts),
                &apart,
                Order::Longest,
            );
            let free = vertices_inside(units, &keys, NOTHING);
            row("bundles at no cost, longest first", count, Some(mounts), &free, Order::Longest);
        }
        let jobs = vertices_inside(units, &keys, OVERHEAD);
        row(&format!("bundles up to {kib} KiB, longest first"), count, Some(mounts), &jobs, Order::Longest);
    }
}
