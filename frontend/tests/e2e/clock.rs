//! How long the cases took: where to look when a run takes too long.

use std::{
    cmp::Reverse,
    sync::Mutex,
    time::{Duration, Instant},
};

use libtest_mimic::Trial;

use crate::{Result, note};

/// How many are listed.
const LISTED: usize = 20;

static TOOK: Mutex<Vec<(String, Duration)>> = Mutex::new(Vec::new());

/// Takes the time until it is dropped: a case that fails does so by a panic.
struct Clock {
    name: String,
    begin: Instant,
}

impl Drop for Clock {
    fn drop(&mut self) {
        let took = (std::mem::take(&mut self.name), self.begin.elapsed());
        TOOK.lock().expect("nobody panics with it").push(took);
    }
}

/// A case whose time is taken.
pub(crate) fn trial(name: &str, body: impl FnOnce() -> Result + Send + 'static) -> Trial {
    let timed = name.to_owned();
    Trial::test(name, move || {
        let _clock = Clock { name: timed, begin: Instant::now() };
        body().inspect_err(|failed| note!("{}", crate::reason(failed)))
    })
}

/// Lists those that took longest, unless there were few.
pub(crate) fn print_longest() {
    let mut took = TOOK.lock().expect("nobody panics with it");
    if took.len() <= LISTED {
        return;
    }
    took.sort_by_key(|(_, time)| Reverse(*time));
    let all: Duration = took.iter().map(|(_, time)| *time).sum();
    eprintln!("\n{} cases in {:.0} s; the longest:", took.len(), all.as_secs_f64());
    for (name, time) in took.iter().take(LISTED) {
        eprintln!("{:7.1} s  {name}", time.as_secs_f64());
    }
}
