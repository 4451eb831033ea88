//! The frontend's own work grows with what it makes, and not with the square of that: CPU time for each piece of a large
//! workspace, next to that for each piece of a small one.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

#[path = "shared/phases.rs"]
mod phases;
#[path = "shared/synthetic.rs"]
mod synthetic;

use phases::{Made, PHASES};
use prost::Message as _;
use synthetic::Synthetic;

/// Locked packages; a tenth as many members.
const SMALL: usize = 80;
const LARGE: usize = 480;

/// What is quadratic takes six times as long for each piece of the large workspace.
const SLOWER_MAX: f64 = 3.0;

/// Nanoseconds of each phase for each piece of what it reads or makes: the best of several runs, since everything that can
/// disturb one makes it slower.
fn costs(packages: usize, runs: usize) -> [f64; PHASES.len()] {
    let workspace = Synthetic::new(packages, packages / 10);
    let mut best = [f64::INFINITY; PHASES.len()];
    for _ in 0..runs {
        let made = Made::new(&workspace, false);
        // A vertex has as much of its own, its command lines above all, as twenty outputs that it sees.
        let planned = 20 * made.plan.vertices.len() + made.mounts();
        let bytes = made.definition.encoded_len();
        let pieces = [
            workspace.lock.lines().count(),
            made.plan.vertices.iter().map(|vertex| vertex.spec.steps.len()).sum(),
            planned,
            bytes,
            bytes,
        ];
        for (phase, pieces) in pieces.into_iter().enumerate() {
            best[phase] = best[phase].min(made.took[phase].as_secs_f64() * 1e9 / pieces as f64);
        }
    }
    best
}

#[test]
fn no_phase_is_quadratic() {
    let small = costs(SMALL, 5);
    let large = costs(LARGE, 2);
    let slower = |phase: usize| large[phase] / small[phase];
    let text: Vec<String> = PHASES
        .iter()
        .enumerate()
        .map(|(phase, name)| {
            format!("{name}: {:.0} ns, then {:.0} ns, {:.2} times", small[phase], large[phase], slower(phase))
        })
        .collect();
    println!("{}", text.join("\n"));
    assert!((0..PHASES.len()).all(|phase| slower(phase) < SLOWER_MAX), "\n{}", text.join("\n"));
}

/// The shape that the module's text promises: what cargo's unit graph has for real workspaces of these sizes.
#[test]
fn a_synthetic_package_loads_as_many_crates_as_a_real_one() {
    for (packages, real) in [(114, 5.1), (621, 12.2), (770, 13.8)] {
        let plan = Made::new(&Synthetic::new(packages, packages / 20), false).plan;
        let seen: Vec<usize> = plan
            .vertices
            .iter()
            .filter(|vertex| vertex.spec.member.is_none())
            .map(|vertex| vertex.inputs.len())
            .collect();
        let mean = seen.iter().sum::<usize>() as f64 / seen.len() as f64;
        assert!((mean / real - 1.0).abs() < 0.25, "{packages} packages see {mean:.1} each, real ones {real}");
    }
}
