//! What builds use of a machine: the control group that holds an engine's build containers, and `/proc` for the rest.
//! Both versions of control groups.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Result, engine::Engine, machine};

/// Clock ticks of `/proc` in a second: the kernel reports 100 to programs, whatever it counts in.
const TICKS: f64 = 100.0;

/// How often containers are looked at.
const SAMPLE: Duration = Duration::from_millis(50);

/// At rest all processors together work less than this, in CPU seconds of a second: what a system does by itself.
const REST_MAX: f64 = 0.1;

/// For how long they must.
const REST: Duration = Duration::from_millis(500);

/// How long rest is waited for.
const REST_WAIT_MAX: Duration = Duration::from_secs(30);

/// Waits until the machine is at rest, or for half a minute: after a build the daemons collect what nothing needs any more,
/// and the next build would pay for that.
fn rest() {
    let busy = || fs::read_to_string("/proc/stat").ok().and_then(|text| machine_seconds(&text));
    rested(busy, REST, REST_WAIT_MAX);
}

/// Whether `busy`, CPU seconds since some time in the past, grew by less than [`REST_MAX`] a second for `span`, before
/// `most` was over.
fn rested(mut busy: impl FnMut() -> Option<f64>, span: Duration, most: Duration) -> bool {
    let start = Instant::now();
    let mut before = busy();
    while start.elapsed() < most {
        thread::sleep(span);
        let now = busy();
        // Where nobody can tell, it is as it was without waiting.
        let Some((now_seconds, seconds)) = now.zip(before) else { return false };
        if now_seconds - seconds < REST_MAX * span.as_secs_f64() {
            return true;
        }
        before = now;
    }
    false
}

/// CPU seconds since some time in the past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// Of the engine's containers; nothing where their control group is not found.
    pub containers: Option<f64>,
    /// Of processes that its daemons waited for: the runtime and, through it, containers.
    pub waited: f64,
    /// Of its daemons themselves.
    pub daemons: f64,
    /// Of this process and the clients that it waited for.
    pub own: f64,
    /// Of all processors, idle time left out.
    pub machine: f64,
}

impl Clock {
    /// Now.
    pub fn read(engine: &Engine) -> Self {
        let own = fs::read_to_string("/proc/self/stat").ok().and_then(|text| process_seconds(&text, true));
        let machine = fs::read_to_string("/proc/stat").ok().and_then(|text| machine_seconds(&text));
        let (daemons, waited) = daemons(engine);
        Self {
            containers: containers(engine),
            waited,
            daemons,
            own: own.unwrap_or(0.0),
            machine: machine.unwrap_or(0.0),
        }
    }

    /// CPU seconds of a build since `self`, and those of everybody else.
    pub fn until(&self, later: &Self) -> (Option<f64>, Option<f64>) {
        let Some(containers) = later.containers.zip(self.containers).map(|(later, earlier)| later - earlier)
        else {
            return (None, None);
        };
        // Containers have processes that nobody waited for, the runtime has time of its own.
        let ran = containers.max(later.waited - self.waited);
        let build = ran + later.daemons - self.daemons + later.own - self.own;
        (Some(build), Some((later.machine - self.machine - build).max(0.0)))
    }
}

/// What a command took, with all that an engine did for it.
#[derive(Debug)]
pub struct Usage {
    /// What it wrote, and how it ended.
    pub output: Output,
    /// Wall time, in seconds.
    pub seconds: f64,
    /// CPU seconds of the client, the daemons and the containers, where they can be told.
    pub cpu: Option<f64>,
    /// CPU seconds of everything else on the machine.
    pub foreign: Option<f64>,
    /// The most that there was at once.
    pub most: Most,
    /// The load average before it.
    pub load: f64,
}

impl Usage {
    /// Runs a command that has an engine work, once the machine is at rest.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn of(engine: &Engine, command: &mut Command) -> Result<Self> {
        rest();
        let load = machine::load();
        let watch = Watch::start(engine);
        let before = Clock::read(engine);
        let start = Instant::now();
        let output = command.output()?;
        let seconds = start.elapsed().as_secs_f64();
        let (cpu, foreign) = before.until(&Clock::read(engine));
        Ok(Self { output, seconds, cpu, foreign, most: watch.end(), load })
    }
}

/// The most of an engine's containers at once, where their control group is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Most {
    /// Their memory, in bytes.
    pub memory: Option<u64>,
    /// How many there were.
    pub containers: Option<usize>,
}

/// Looks at an engine's containers until it is asked for the most it saw.
#[derive(Debug)]
pub struct Watch {
    ended: Arc<AtomicBool>,
    thread: thread::JoinHandle<Most>,
}

impl Watch {
    /// Begins.
    pub fn start(engine: &Engine) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let groups = [(group("", engine), "anon"), (group("memory", engine), "total_rss")];
        let until = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let mut most = Most::default();
            while !until.load(Ordering::Relaxed) {
                let memory = groups.iter().find_map(|(group, key)| {
                    let text = fs::read_to_string(group.join("memory.stat")).ok()?;
                    value(&text, key)
                });
                most.memory = most.memory.max(memory);
                most.containers = most.containers.max(groups.iter().find_map(|(group, _)| children(group)));
                thread::sleep(SAMPLE);
            }
            most
        });
        Self { ended, thread }
    }

    /// What was the most.
    pub fn end(self) -> Most {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// How many containers have a group below that of an engine: those of builds are together in one.
fn children(group: &Path) -> Option<usize> {
    let directories = |group: &Path| -> Option<Vec<PathBuf>> {
        let entries = fs::read_dir(group).ok()?.flatten();
        let found = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        Some(found.map(|entry| entry.path()).collect())
    };
    let (builds, others): (Vec<PathBuf>, Vec<PathBuf>) = directories(group)?
        .into_iter()
        .partition(|group| group.file_name().is_some_and(|name| name == BUILDS));
    let of_builds = builds.iter().filter_map(|group| directories(group)).map(|found| found.len());
    Some(others.len() + of_builds.sum::<usize>())
}

/// The group that containers of builds have below that of the daemon (BuildKit's executor/oci/spec.go, `GenerateSpec`).
const BUILDS: &str = "buildkit";

/// The engine's group below a controller's directory (version 1), or below the only one (version 2, no name);
/// `scripts/engine` has told the daemon to put containers there.
fn group(controller: &str, engine: &Engine) -> PathBuf {
    PathBuf::from("/sys/fs/cgroup").join(controller).join("longshore").join(&engine.name)
}

/// CPU seconds of build containers.
fn containers(engine: &Engine) -> Option<f64> {
    let second_version = || {
        let text = fs::read_to_string(group("", engine).join("cpu.stat")).ok()?;
        Some(value(&text, "usage_usec")? as f64 / 1e6)
    };
    let first_version = || {
        let text = fs::read_to_string(group("cpuacct", engine).join("cpuacct.usage")).ok()?;
        Some(text.trim().parse::<u64>().ok()? as f64 / 1e9)
    };
    second_version().or_else(first_version)
}

/// CPU seconds of the daemons themselves, and of what they waited for.
fn daemons(engine: &Engine) -> (f64, f64) {
    let Some(pid) = engine.directory().and_then(|directory| fs::read_to_string(directory.join("pid")).ok())
    else {
        return (0.0, 0.0);
    };
    let mut open = vec![pid.trim().to_owned()];
    let (mut own, mut waited) = (0.0, 0.0);
    while let Some(pid) = open.pop() {
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let is_daemon = ["(dockerd)", "(containerd)", "(docker-init)", "(unshare)"];
        if !is_daemon.iter().any(|name| stat.contains(name)) {
            continue;
        }
        let of_process = process_seconds(&stat, false).unwrap_or(0.0);
        own += of_process;
        if stat.contains("(dockerd)") {
            waited += process_seconds(&stat, true).unwrap_or(0.0) - of_process;
        }
        for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            open.extend(children.split_whitespace().map(str::to_owned));
        }
    }
    (own, waited)
}

/// User and system time in a line of `/proc/PID/stat`; with that of the children that were waited for, if asked.
fn process_seconds(stat: &str, with_children: bool) -> Option<f64> {
    // The name, in parentheses, may hold anything. After it comes the third field.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let wanted = if with_children { 11..15 } else { 11..13 };
    let ticks: Option<Vec<f64>> = fields.get(wanted)?.iter().map(|field| field.parse().ok()).collect();
    Some(ticks?.iter().sum::<f64>() / TICKS)
}

/// What the processors did in the first line of `/proc/stat`: user, nice, system, interrupts, and what the machine
/// below took.
fn machine_seconds(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<f64> = line.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    let busy: f64 = [0, 1, 2, 5, 6, 7].iter().filter_map(|at| fields.get(*at)).sum();
    Some(busy / TICKS)
}

fn value(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let stat = "12 (a ) b) S 1 1 1 0 -1 0 0 0 0 0 150 50 300 100 20 0";
        assert_eq!(process_seconds(stat, false), Some(2.0));
        assert_eq!(process_seconds(stat, true), Some(6.0));
        assert_eq!(machine_seconds("cpu  100 0 50 1000 70 10 10 30 0 0\ncpu0 1"), Some(2.0));
        assert_eq!(value("cache 1\ntotal_rss_huge 5\ntotal_rss 4096\n", "total_rss"), Some(4096));
        assert_eq!(value("usage_usec 7\n", "usage"), None);
    }

    #[test]
    fn rest_is_waited_for_and_not_for_ever() {
        let (span, most) = (Duration::from_millis(1), Duration::from_secs(60));
        let mut seconds = vec![9.0, 9.0, 8.0, 5.0, 0.0];
        assert!(rested(|| seconds.pop(), span, most));
        assert_eq!(seconds.len(), 0, "it is at rest when nothing was added, and not before");
        let mut worked = 0.0;
        let busy = || {
            worked += 1.0;
            Some(worked)
        };
        assert!(!rested(busy, span, Duration::from_millis(5)));
        assert!(!rested(|| None, span, most), "a machine that says nothing is not waited for");
    }

    #[test]
    fn each_group_of_a_build_is_a_container() {
        let group = tempfile::tempdir().unwrap();
        fs::create_dir_all(group.path().join("buildkit")).unwrap();
        fs::write(group.path().join("memory.stat"), "anon 0\n").unwrap();
        assert_eq!(children(group.path()), Some(0));
        for container in ["buildkit/one", "buildkit/two", "three"] {
            fs::create_dir_all(group.path().join(container)).unwrap();
        }
        assert_eq!(children(group.path()), Some(3));
        assert_eq!(children(&group.path().join("four")), None);
    }

    #[test]
    fn what_no_build_used_others_did() {
        let earlier = Clock { containers: Some(1.0), waited: 2.0, daemons: 0.0, own: 0.5, machine: 10.0 };
        let later = Clock { containers: Some(3.0), waited: 4.5, daemons: 0.5, own: 1.0, machine: 15.0 };
        assert_eq!(earlier.until(&later), (Some(3.5), Some(1.5)));
        assert_eq!(earlier.until(&Clock { waited: 2.0, ..later }), (Some(3.0), Some(2.0)));
        assert_eq!(Clock { containers: None, ..earlier }.until(&later), (None, None));
    }
}
