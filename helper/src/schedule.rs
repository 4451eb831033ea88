//! The packages of a bundle: each as soon as those of the bundle that it depends on are done.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

use longshore_helper::spec::Spec;

use crate::problem::Result;
use crate::runner::Verdict;

/// How far the packages are.
struct State {
    /// Indices of those that nobody has begun, in order.
    waiting: Vec<usize>,
    /// Outputs of those that are not done.
    missing: BTreeSet<String>,
    /// The first that did not pass; nothing is begun after it.
    ended: Option<Result<Verdict>>,
}

/// Does `work` on every package, on at most `workers` at a time.
pub(crate) fn all(
    packages: &[Spec],
    workers: usize,
    work: impl Fn(&Spec) -> Result<Verdict> + Sync,
) -> Result<Verdict> {
    let state = Mutex::new(State {
        waiting: (0..packages.len()).collect(),
        missing: packages.iter().map(|package| package.output.clone()).collect(),
        ended: None,
    });
    let changed = Condvar::new();
    thread::scope(|scope| {
        for _ in 0..workers.min(packages.len()) {
            scope.spawn(|| {
                while let Some(package) = next(packages, &state, &changed) {
                    let result = work(package);
                    let mut state = lock(&state);
                    state.missing.remove(&package.output);
                    if result != Ok(Verdict::Passed) {
                        state.ended.get_or_insert(result);
                    }
                    changed.notify_all();
                }
            });
        }
    });
    state.into_inner().expect("no worker panics").ended.unwrap_or(Ok(Verdict::Passed))
}

/// Waits for a package that can be begun; `None` when there is nothing to begin any more.
fn next<'a>(packages: &'a [Spec], state: &Mutex<State>, changed: &Condvar) -> Option<&'a Spec> {
    let mut state = lock(state);
    loop {
        if state.ended.is_some() || state.waiting.is_empty() {
            return None;
        }
        let is_ready = |index: &usize| {
            !packages[*index].dependencies.iter().any(|output| state.missing.contains(output))
        };
        if let Some(at) = state.waiting.iter().position(is_ready) {
            return Some(&packages[state.waiting.remove(at)]);
        }
        state = changed.wait(state).expect("no worker panics");
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no worker panics")
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    /// One without steps: `NAME` or `NAME: DEPENDENCY…`.
    pub(crate) fn package(line: &str) -> Spec {
        let (name, dependencies) = line.split_once(':').unwrap_or((line, ""));
        Spec {
            package: name.to_owned(),
            member: None,
            unpack: None,
            output: name.to_owned(),
            cache: None,
            env: std::collections::BTreeMap::new(),
            dependencies: dependencies.split_whitespace().map(str::to_owned).collect(),
            report: None,
            ledger: None,
            pass_env: Vec::new(),
            yields: Vec::new(),
            secret_env: Vec::new(),
            files: Vec::new(),
            sysroot: None,
            heavy: None,
            steps: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::package;
    use super::*;
    use crate::problem::Problem;

    /// One a line.
    fn packages(lines: &str) -> Vec<Spec> {
        lines.lines().map(package).collect()
    }

    #[test]
    fn dependencies_come_first_and_all_are_done() {
        let packages = packages("d: c\nc: a b\na\nb: elsewhere\ne");
        for workers in [1, 2, 8] {
            let done = Mutex::new(Vec::new());
            let verdict = all(&packages, workers, |package| {
                let mut done = done.lock().unwrap();
                for dependency in package.dependencies.iter().filter(|name| *name != "elsewhere") {
                    assert!(done.contains(dependency), "{} before {dependency}", package.package);
                }
                done.push(package.package.clone());
                Ok(Verdict::Passed)
            });
            assert_eq!(verdict, Ok(Verdict::Passed));
            assert_eq!(done.into_inner().unwrap().len(), 5);
        }
    }

    #[test]
    fn packages_run_at_the_same_time() {
        let both = std::sync::Barrier::new(2);
        let verdict = all(&packages("a\nb"), 2, |_| {
            both.wait();
            Ok(Verdict::Passed)
        });
        assert_eq!(verdict, Ok(Verdict::Passed));
    }

    #[test]
    fn nothing_is_begun_after_a_failure() {
        let problem = || Err(Problem::new("no disk"));
        for (said, expected) in [(Ok(Verdict::Failed), Ok(Verdict::Failed)), (problem(), problem())] {
            let said = Mutex::new(Some(said));
            let verdict = all(&packages("a\nb: a\nc"), 1, |package| {
                assert_eq!(package.package, "a");
                said.lock().unwrap().take().unwrap()
            });
            assert_eq!(verdict, expected);
        }
    }
}
