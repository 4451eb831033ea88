//! The simulated schedules: small graphs by hand, and the recorded builds.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

#[path = "shared/schedule.rs"]
mod schedule;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use schedule::{
    Key, Order, Overhead, Unit, by_bundle, by_package, cargo, parse, run, vertices, vertices_inside, work,
};

const NOTHING: Overhead = Overhead { vertex: 0.0, mount: 0.0 };

/// `app` links `top`, which is compiled against `base`.
const CHAIN: &str = "\
0 base-1.0.0 1 lib target 4.00 1.00 -
1 top-1.0.0 1 lib target 3.00 1.00 0
2 app-1.0.0* - bin target 2.00 - 1
";

/// Archives up to 100 bytes are small here: all but `wide`'s.
const MIXED: &str = "\
0 left-1.0.0 100 lib target 1.00 1.00 -
1 wide-1.0.0 101 lib target 1.00 1.00 -
2 above-1.0.0 1 lib target 1.00 1.00 0,1
3 beside-1.0.0 1 lib target 1.00 1.00 2
4 other-1.0.0 1 lib target 1.00 1.00 0
5 app-1.0.0* - bin target 1.00 - 2,3,4
";

fn recorded() -> Vec<(String, Vec<Unit>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schedule");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.iter().map(|path| (path.display().to_string(), parse(&fs::read_to_string(path).unwrap()))).collect()
}

fn names(groups: &[Key]) -> Vec<&str> {
    groups.iter().map(|key| key.0.as_str()).collect()
}

#[test]
fn cargo_compiles_against_metadata_and_links_what_has_ended() {
    let units = parse(CHAIN);
    let outcome = run(&cargo(&units), 8, 1, Order::Ready, work(&units));
    // `top` starts after 1 s and both libraries end after 4 s.
    assert_eq!(outcome.makespan, 6.0);
    assert_eq!(run(&cargo(&units), 1, 1, Order::Ready, work(&units)).makespan, 9.0);
}

#[test]
fn a_vertex_waits_for_the_end_of_those_it_sees() {
    let units = parse(CHAIN);
    let (jobs, mounts) = vertices(&units, &by_package(&units), Overhead { vertex: 0.5, mount: 0.25 });
    assert_eq!(mounts, 3, "`top` sees one output, `app` two");
    assert_eq!(run(&jobs, 8, 1, Order::Ready, work(&units)).makespan, 9.0 + 3.0 * 0.5 + 3.0 * 0.25);
}

#[test]
fn code_generation_takes_the_cores_that_nobody_else_has() {
    let units = parse(CHAIN);
    let (jobs, _) = vertices(&units, &by_package(&units), NOTHING);
    // 1 s and 3 s on two cores, 1 s and 2 s on two, and of the program 0.6 s before that.
    let outcome = run(&jobs, 2, 16, Order::Ready, work(&units));
    assert!((outcome.makespan - (2.5 + 2.0 + 0.6 + 0.7)).abs() < 1e-6, "{outcome:?}");
}

#[test]
fn the_longest_way_goes_first_when_asked() {
    let units = parse(
        "0 a-1.0.0 1 lib target 1.00 1.00 -\n1 b-1.0.0 1 lib target 1.00 1.00 -\n2 c-1.0.0 1 lib target 5.00 5.00 1\n\
         3 app-1.0.0* - bin target 0.00 - 0,2\n",
    );
    let (jobs, _) = vertices(&units, &by_package(&units), NOTHING);
    let makespan = |order| run(&jobs, 1, 1, order, work(&units)).makespan;
    assert_eq!((makespan(Order::Ready), makespan(Order::Longest)), (7.0, 7.0));
    let two = |order| run(&jobs, 2, 1, order, work(&units)).makespan;
    assert_eq!((two(Order::Ready), two(Order::Longest)), (6.0, 6.0));
}

#[test]
fn small_packages_are_together_that_wait_for_the_same_large_ones() {
    let units = parse(MIXED);
    let keys = by_bundle(&units, 100);
    let same = |one: usize, other: usize| keys[one] == keys[other];
    // Both wait for `wide` alone, the one for the other besides.
    assert!(same(2, 3));
    assert_eq!(names(&[keys[1].clone(), keys[5].clone()]), ["wide-1.0.0", "app-1.0.0*"]);
    // They wait for nothing large, but one lies deeper.
    assert!(!same(0, 4) && !same(0, 2) && !same(4, 2));
    assert_eq!(by_bundle(&units, 0), by_package(&units));
    let (jobs, mounts) = vertices(&units, &keys, NOTHING);
    // `wide` and `left`, one each for `above` and `beside`, for `other`, and for `app` everything.
    assert_eq!((jobs.len(), mounts), (5, 2 + 1 + 4));
}

#[test]
fn no_schedule_beats_its_bounds() {
    for (name, units) in recorded() {
        let work = work(&units);
        for bytes_max in [0, 30 << 10, 120 << 10] {
            let groups = by_bundle(&units, bytes_max);
            let (one_by_one, _) = vertices(&units, &groups, NOTHING);
            let inside = vertices_inside(&units, &groups, NOTHING);
            for jobs in [cargo(&units), one_by_one, inside] {
                for (cores, order) in [(4, Order::Ready), (16, Order::Longest), (64, Order::Awaited)] {
                    let outcome = run(&jobs, cores, 1, order, work);
                    let bound = outcome.critical.max(work / cores as f64) - 1e-6;
                    assert!(outcome.makespan >= bound, "{name}: {outcome:?} on {cores}");
                    assert!(outcome.utilisation <= 1.0 + 1e-6);
                }
            }
        }
    }
}

#[test]
fn groups_of_recorded_builds_see_less_and_keep_members_apart() {
    for (name, units) in recorded() {
        let packages = by_package(&units);
        let groups = by_bundle(&units, 120 << 10);
        let count = |keys: &[Key]| keys.iter().collect::<BTreeSet<_>>().len();
        assert!(count(&groups) < count(&packages), "{name}");
        let (_, before) = vertices(&units, &packages, NOTHING);
        let (_, after) = vertices(&units, &groups, NOTHING);
        assert!(after < before, "{name}: {after} mounts instead of {before}");
        for (unit, (own, group)) in units.iter().zip(packages.iter().zip(&groups)) {
            assert!(!unit.is_member() || own == group, "{name}: {} is in {group:?}", unit.package);
        }
    }
}
