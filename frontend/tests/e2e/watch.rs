//! Counts compilers while a build runs, from outside: every process that is a `rustc` below a container engine.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Short next to the life of any compiler.
const INTERVAL: Duration = Duration::from_millis(20);

/// What was seen at worst.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Compilers at the same time, below one engine.
    pub(crate) compilers: usize,
    /// Memory of all of them together, in KiB.
    pub(crate) memory_kib: u64,
    /// How often it was looked.
    pub(crate) looks: usize,
}

/// Looks until told to stop.
#[derive(Debug)]
pub(crate) struct Watch {
    done: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    /// Begins.
    pub(crate) fn start() -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let told = done.clone();
        let thread = thread::spawn(move || {
            let mut worst = Seen::default();
            while !told.load(Ordering::Relaxed) {
                look(&mut worst);
                thread::sleep(INTERVAL);
            }
            worst
        });
        Self { done, thread }
    }

    /// Ends.
    pub(crate) fn stop(self) -> Seen {
        self.done.store(true, Ordering::Relaxed);
        self.thread.join().expect("looking does not fail")
    }
}

fn look(worst: &mut Seen) {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let compilers: Vec<u32> = pids
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| is_compiler(*pid))
        .collect();
    // By engine: slots are for one daemon, and there may be several.
    let mut now: BTreeMap<u32, (usize, u64)> = BTreeMap::new();
    // Those that were there first may have made room for the last while the list was read, so look again.
    for pid in compilers.into_iter().filter(|pid| is_compiler(*pid)) {
        if let Some(engine) = engine_of(pid) {
            let entry = now.entry(engine).or_default();
            entry.0 += 1;
            entry.1 += memory_kib(pid).unwrap_or(0);
        }
    }
    worst.looks += 1;
    for (compilers, memory) in now.into_values() {
        worst.compilers = worst.compilers.max(compilers);
        worst.memory_kib = worst.memory_kib.max(memory);
    }
}

/// A `rustc` that compiles: not one that is only asked for its version or for names, and not the copy of itself that
/// it is for a moment when it starts a linker.
fn is_compiler(pid: u32) -> bool {
    let is_rustc = |pid: u32| name_of(pid).as_deref() == Some("rustc");
    is_rustc(pid) && compiles(pid) && parent_of(pid).is_some_and(|parent| !is_rustc(parent))
}

fn name_of(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned())
}

fn compiles(pid: u32) -> bool {
    let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.contains("\0--crate-name\0") && !arguments.contains("\0--print")
}

/// The daemon among its ancestors.
fn engine_of(mut pid: u32) -> Option<u32> {
    while pid > 1 {
        pid = parent_of(pid)?;
        if matches!(name_of(pid)?.as_str(), "dockerd" | "buildkitd") {
            return Some(pid);
        }
    }
    None
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, which may hold anything, ends at the last parenthesis; then come the state and the parent.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn memory_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
