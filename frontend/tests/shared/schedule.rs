//! How long a build takes on a number of cores, from how long each of its units takes: cargo's order of things, and that
//! of vertices, whose dependents see nothing before they have ended. Pure.
//!
//! Both start what is ready whenever a slot is free. What is left out: links that want much memory, the network, and the
//! effect that cores have on each other.

use std::collections::{BTreeMap, BTreeSet};

/// One process of a build.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unit {
    /// Name and version.
    pub(crate) package: String,
    /// Bytes of the package's archive; absent for members.
    pub(crate) bytes: Option<u64>,
    /// What it is.
    pub(crate) kind: Kind,
    /// It is for the build platform.
    pub(crate) is_host: bool,
    /// CPU time of the process.
    pub(crate) seconds: f64,
    /// CPU time until other libraries can be compiled against it; absent where they have to wait for its end.
    pub(crate) metadata: Option<f64>,
    /// Units that it needs, which come before it.
    pub(crate) deps: Vec<usize>,
}

/// Kinds of [`Unit`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Compile a build script.
    Script,
    /// Run it.
    Run,
    /// Compile a procedural macro.
    Macro,
    /// Compile a library.
    Lib,
    /// Compile a program; a vertex of its own.
    Bin,
}

/// The text form: `NUMBER PACKAGE[*] BYTES|- KIND HOST|TARGET SECONDS METADATA|- DEPS|-`, one unit a line, `#` before comments.
/// A star marks packages of the workspace.
pub(crate) fn parse(text: &str) -> Vec<Unit> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .enumerate()
        .map(|(at, line)| {
            let words: Vec<&str> = line.split(' ').collect();
            let [number, package, bytes, kind, side, seconds, metadata, deps] = words[..] else {
                panic!("`{line}` has not eight words")
            };
            assert_eq!(number.parse(), Ok(at), "`{line}` is out of order");
            let kind = match kind {
                "script" => Kind::Script,
                "run" => Kind::Run,
                "macro" => Kind::Macro,
                "lib" => Kind::Lib,
                "bin" => Kind::Bin,
                other => panic!("`{other}` is no kind of unit"),
            };
            let deps: Vec<usize> = match deps {
                "-" => Vec::new(),
                list => list.split(',').map(|dep| dep.parse().unwrap()).collect(),
            };
            assert!(deps.iter().all(|dep| *dep < at), "`{line}` needs what comes after it");
            Unit {
                package: package.to_owned(),
                bytes: (bytes != "-").then(|| bytes.parse().unwrap()),
                kind,
                is_host: side == "host",
                seconds: seconds.parse().unwrap(),
                metadata: (metadata != "-").then(|| metadata.parse().unwrap()),
                deps,
            }
        })
        .collect()
}

impl Unit {
    /// A package of the workspace.
    pub(crate) fn is_member(&self) -> bool {
        self.package.ends_with('*')
    }
}

/// Something that takes a slot.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Job {
    /// Seconds that only one core can work on.
    pub(crate) serial: f64,
    /// Seconds after that, which rustc spreads over the cores that nobody else wants.
    pub(crate) spread: f64,
    /// Jobs that must have ended.
    pub(crate) after: Vec<usize>,
    /// Jobs that must have done their serial part.
    pub(crate) after_serial: Vec<usize>,
}

impl Job {
    fn seconds(&self) -> f64 {
        self.serial + self.spread
    }
}

/// Which of several ready jobs goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The one that was ready first.
    Ready,
    /// The one with the longest way to the end of the build.
    Longest,
    /// The one that most others wait for, as cargo has it.
    Awaited,
}

/// What a vertex costs besides its units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Overhead {
    /// Seconds for the container.
    pub(crate) vertex: f64,
    /// Seconds for each output that it sees.
    pub(crate) mount: f64,
}

/// How a schedule ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    /// Seconds from start to end.
    pub(crate) makespan: f64,
    /// The same with a core for every job.
    pub(crate) critical: f64,
    /// The share of all cores' time that was spent on `work` seconds of units.
    pub(crate) utilisation: f64,
}

/// cargo's jobs, one for each unit. A library waits for the metadata of libraries; what is linked waits for all that goes
/// into it (cargo's `job_queue`, `only_requires_rmeta` and `requires_upstream_objects`).
pub(crate) fn cargo(units: &[Unit]) -> Vec<Job> {
    let mut below: Vec<BTreeSet<usize>> = Vec::with_capacity(units.len());
    let mut jobs = Vec::with_capacity(units.len());
    for unit in units {
        let mut libraries = BTreeSet::new();
        for dep in unit.deps.iter().filter(|dep| units[**dep].kind == Kind::Lib) {
            libraries.insert(*dep);
            libraries.extend(&below[*dep]);
        }
        let (early, late): (Vec<usize>, Vec<usize>) = unit.deps.iter().partition(|dep| {
            unit.kind == Kind::Lib && units[**dep].kind == Kind::Lib && units[**dep].metadata.is_some()
        });
        let late =
            if unit.kind == Kind::Lib { late } else { late.into_iter().chain(libraries.clone()).collect() };
        jobs.push(Job { after: late, after_serial: early, ..job(unit) });
        below.push(libraries);
    }
    jobs
}

fn job(unit: &Unit) -> Job {
    let serial = match unit.kind {
        Kind::Run => unit.seconds,
        _ => unit.metadata.unwrap_or(unit.seconds * 0.3).min(unit.seconds),
    };
    Job { serial, spread: unit.seconds - serial, ..Job::default() }
}

/// Among how many bundles those of one depth are divided.
const BUCKETS: usize = 4;

/// Where units go: one vertex for all with the same key.
pub(crate) type Key = (String, bool, Option<usize>);

/// One vertex for each package and side, and one for each program of a member.
pub(crate) fn by_package(units: &[Unit]) -> Vec<Key> {
    let key = |(at, unit): (usize, &Unit)| {
        let own = unit.kind == Kind::Bin && unit.is_member();
        (unit.package.clone(), unit.is_host, own.then_some(at))
    };
    let mut keys: Vec<Key> = units.iter().enumerate().map(key).collect();
    // A build script is compiled wherever it runs; here, once, with the last run.
    for (at, unit) in units.iter().enumerate().filter(|(_, unit)| unit.kind == Kind::Run) {
        for script in unit.deps.iter().filter(|dep| units[**dep].kind == Kind::Script) {
            keys[*script] = keys[at].clone();
        }
    }
    keys
}

/// The plan's bundles: small packages that wait for the same large ones, and of those that wait for none the ones of one
/// depth, [`BUCKETS`] times (`longshore::plan::bundle`, which says why).
pub(crate) fn by_bundle(units: &[Unit], bytes_max: u64) -> Vec<Key> {
    let keys = by_package(units);
    let vertices = vertices_of(units, &keys);
    let mut small: BTreeSet<&Key> = keys.iter().collect();
    for (unit, key) in
        units.iter().zip(&keys).filter(|(unit, _)| unit.bytes.is_none_or(|bytes| bytes > bytes_max))
    {
        assert!(!unit.is_member() || unit.bytes.is_none());
        small.remove(key);
    }
    // Of each vertex the large ones below it, and how deep it lies.
    let mut below: BTreeMap<&Key, (BTreeSet<&Key>, usize)> = BTreeMap::new();
    let mut bundles: BTreeMap<&Key, Key> = BTreeMap::new();
    for key in topological(&vertices) {
        let mut large = BTreeSet::new();
        let mut depth = 0;
        for seen in &vertices[key].seen {
            let (more, deep) = &below[seen];
            large.extend(more.iter().copied());
            large.extend(
                vertices.get_key_value(seen).map(|(seen, _)| seen).filter(|seen| !small.contains(seen)),
            );
            depth = depth.max(deep + 1);
        }
        if small.contains(key) {
            let name = match large.is_empty() {
                true => format!("depth {depth}, {}", key.0.bytes().map(usize::from).sum::<usize>() % BUCKETS),
                false => format!("{large:?}"),
            };
            bundles.insert(key, (name, key.1, None));
        }
        below.insert(key, (large, depth));
    }
    keys.iter().map(|key| bundles.get(key).unwrap_or(key).clone()).collect()
}

/// A vertex of the plan.
#[derive(Debug, Default)]
struct Vertex {
    units: Vec<usize>,
    /// Those that its units name.
    direct: BTreeSet<Key>,
    /// Those whose output it sees.
    seen: BTreeSet<Key>,
}

fn vertices_of(units: &[Unit], keys: &[Key]) -> BTreeMap<Key, Vertex> {
    let mut loadable: Vec<BTreeSet<usize>> = Vec::with_capacity(units.len());
    let mut vertices: BTreeMap<Key, Vertex> = BTreeMap::new();
    for (at, unit) in units.iter().enumerate() {
        let mut seen: BTreeSet<usize> = unit.deps.iter().copied().collect();
        for dep in unit.deps.iter().filter(|dep| units[**dep].kind == Kind::Lib) {
            seen.extend(&loadable[*dep]);
        }
        let vertex = vertices.entry(keys[at].clone()).or_default();
        vertex.units.push(at);
        vertex.direct.extend(unit.deps.iter().map(|dep| keys[*dep].clone()));
        vertex.seen.extend(seen.iter().map(|dep| keys[*dep].clone()));
        loadable.push(seen);
    }
    for (key, vertex) in &mut vertices {
        vertex.direct.remove(key);
        vertex.seen.remove(key);
    }
    vertices
}

fn topological(vertices: &BTreeMap<Key, Vertex>) -> Vec<&Key> {
    fn visit<'v>(
        vertices: &'v BTreeMap<Key, Vertex>,
        key: &'v Key,
        seen: &mut BTreeSet<&'v Key>,
        order: &mut Vec<&'v Key>,
    ) {
        if seen.insert(key) {
            vertices[key].direct.iter().for_each(|dep| visit(vertices, dep, seen, order));
            order.push(key);
        }
    }
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    vertices.keys().for_each(|key| visit(vertices, key, &mut seen, &mut order));
    order
}

/// The jobs of vertices, and how many outputs they see all together. A vertex does its units one after the other.
pub(crate) fn vertices(units: &[Unit], keys: &[Key], overhead: Overhead) -> (Vec<Job>, usize) {
    let vertices = vertices_of(units, keys);
    let order = topological(&vertices);
    let index: BTreeMap<&Key, usize> = order.iter().enumerate().map(|(at, key)| (*key, at)).collect();
    let mut mounts = 0;
    let jobs = order.iter().map(|key| {
        let vertex = &vertices[*key];
        mounts += vertex.seen.len();
        let own = vertex.units.iter().map(|at| job(&units[*at])).fold(Job::default(), |sum, next| Job {
            serial: sum.serial + next.serial,
            spread: sum.spread + next.spread,
            ..sum
        });
        Job {
            serial: own.serial + overhead.vertex + overhead.mount * vertex.seen.len() as f64,
            after: vertex.seen.iter().map(|dep| index[dep]).collect(),
            ..own
        }
    });
    let jobs = jobs.collect();
    (jobs, mounts)
}

/// The same, but a vertex does what of its units is ready at once, on as many slots as there are.
pub(crate) fn vertices_inside(units: &[Unit], keys: &[Key], overhead: Overhead) -> Vec<Job> {
    let vertices = vertices_of(units, keys);
    // A job that opens the container, then its units, which wait for each other only.
    let order = topological(&vertices);
    let opens: BTreeMap<&Key, usize> = order.iter().enumerate().map(|(at, key)| (*key, at)).collect();
    let first = order.len();
    let mut jobs: Vec<Job> = Vec::new();
    for key in &order {
        let seen = &vertices[*key].seen;
        jobs.push(Job {
            serial: overhead.vertex + overhead.mount * seen.len() as f64,
            after: seen.iter().flat_map(|dep| &vertices[dep].units).map(|at| first + at).collect(),
            ..Job::default()
        });
    }
    for (at, unit) in units.iter().enumerate() {
        let within = unit.deps.iter().filter(|dep| keys[**dep] == keys[at]).map(|dep| first + dep);
        let after = within.chain([opens[&keys[at]]]).collect();
        jobs.push(Job { after, ..job(unit) });
    }
    jobs
}

/// Seconds of all units.
pub(crate) fn work(units: &[Unit]) -> f64 {
    units.iter().map(|unit| unit.seconds).sum()
}

/// Runs the jobs on `cores`. A running job has a core; what is left over is shared out among those that can use more, up
/// to `widest` each.
pub(crate) fn run(jobs: &[Job], cores: usize, widest: usize, order: Order, work: f64) -> Outcome {
    let makespan = simulate(jobs, cores, widest, order);
    let critical = simulate(jobs, jobs.len() * widest, widest, order);
    Outcome { makespan, critical, utilisation: work / (makespan * cores as f64) }
}

fn simulate(jobs: &[Job], cores: usize, widest: usize, order: Order) -> f64 {
    const EPSILON: f64 = 1e-9;
    let mut dependents: Vec<Vec<(usize, bool)>> = vec![Vec::new(); jobs.len()];
    let mut waits: Vec<usize> = vec![0; jobs.len()];
    for (at, job) in jobs.iter().enumerate() {
        let late: BTreeSet<usize> = job.after.iter().copied().collect();
        let early: BTreeSet<usize> =
            job.after_serial.iter().copied().filter(|dep| !late.contains(dep)).collect();
        waits[at] = late.len() + early.len();
        late.iter().for_each(|dep| dependents[*dep].push((at, true)));
        early.iter().for_each(|dep| dependents[*dep].push((at, false)));
    }
    let rank = ranks(jobs, &dependents, order);
    // Sorted: the first goes first.
    let mut ready: BTreeSet<(i64, usize)> = BTreeSet::new();
    let mut arrived = 0;
    let mut arrive = |ready: &mut BTreeSet<(i64, usize)>, at: usize| {
        arrived += 1;
        ready.insert((rank.as_ref().map_or(arrived, |rank| -rank[at]), at));
    };
    (0..jobs.len()).filter(|at| waits[*at] == 0).for_each(|at| arrive(&mut ready, at));
    let mut running: Vec<Running> = Vec::new();
    let mut now = 0.0;
    let mut ended = 0;
    loop {
        while running.len() < cores {
            let Some((_, at)) = ready.pop_first() else { break };
            let Job { serial, spread, .. } = jobs[at];
            running.push(Running { at, serial, spread, is_told: false });
        }
        if running.is_empty() {
            assert_eq!(ended, jobs.len(), "the jobs wait for each other");
            return now;
        }
        let wide = running.iter().filter(|job| job.serial <= EPSILON).count();
        let spare = (cores - running.len()) as f64;
        let speed = 1.0 + (spare / wide.max(1) as f64).min(widest as f64 - 1.0);
        let left = |job: &Running| if job.serial > EPSILON { job.serial } else { job.spread / speed };
        let step = running.iter().map(left).fold(f64::INFINITY, f64::min);
        now += step;
        let mut released = Vec::new();
        running.retain_mut(|job| {
            if job.serial > EPSILON {
                job.serial -= step;
            } else {
                job.spread -= step * speed;
            }
            if job.serial <= EPSILON && !job.is_told {
                job.is_told = true;
                released.push((job.at, false));
            }
            let goes_on = job.serial > EPSILON || job.spread > EPSILON;
            if !goes_on {
                released.push((job.at, true));
                ended += 1;
            }
            goes_on
        });
        for (at, is_end) in released {
            for (dependent, wants_end) in &dependents[at] {
                if *wants_end == is_end {
                    waits[*dependent] -= 1;
                    if waits[*dependent] == 0 {
                        arrive(&mut ready, *dependent);
                    }
                }
            }
        }
    }
}

/// A job at work, and what is left of it.
struct Running {
    at: usize,
    serial: f64,
    spread: f64,
    /// Who waits for its serial part knows that it has ended.
    is_told: bool,
}

/// The larger the earlier; none where it is first come, first served.
fn ranks(jobs: &[Job], dependents: &[Vec<(usize, bool)>], order: Order) -> Option<Vec<i64>> {
    match order {
        Order::Ready => None,
        Order::Longest => {
            let mut longest: Vec<f64> = vec![-1.0; jobs.len()];
            for at in 0..jobs.len() {
                longest_from(at, jobs, dependents, &mut longest);
            }
            Some(longest.iter().map(|seconds| (seconds * 1e6) as i64).collect())
        }
        Order::Awaited => {
            let count = |at: usize| {
                let mut seen = BTreeSet::new();
                let mut open = vec![at];
                while let Some(next) = open.pop() {
                    open.extend(dependents[next].iter().map(|(at, _)| *at).filter(|at| seen.insert(*at)));
                }
                i64::try_from(seen.len()).unwrap()
            };
            Some((0..jobs.len()).map(count).collect())
        }
    }
}

fn longest_from(at: usize, jobs: &[Job], dependents: &[Vec<(usize, bool)>], longest: &mut Vec<f64>) -> f64 {
    if longest[at] < 0.0 {
        let mut most: f64 = jobs[at].seconds();
        for (dependent, wants_end) in &dependents[at] {
            let own = if *wants_end { jobs[at].seconds() } else { jobs[at].serial };
            most = most.max(own + longest_from(*dependent, jobs, dependents, longest));
        }
        longest[at] = most;
    }
    longest[at]
}
