//! Never more vertices at work than there are slots, and none is lost when a process dies.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use longshore_helper::spec::{BuildScript, Heavy, Spec, Step};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::support::{alone, helper, spec, text, write_program};

const PATIENCE: Duration = Duration::from_secs(60);

fn slots() -> usize {
    thread::available_parallelism().unwrap().get()
}

/// Starts a build whose only step is the program at `exe`.
fn start(root: &Path, exe: &str, name: &str) -> Child {
    start_weighing(root, exe, name, None)
}

fn start_weighing(root: &Path, exe: &str, name: &str, heavy: Option<Heavy>) -> Child {
    let own = root.join(name);
    fs::create_dir_all(own.join("cwd")).unwrap();
    let step = BuildScript {
        name: "app (build script)".to_owned(),
        exe: text(&root.join(exe)),
        cwd: text(&own.join("cwd")),
        env: [("NAME".to_owned(), name.to_owned())].into(),
        out_dir: text(&own.join("out")),
        script: text(&own.join("script.json")),
        links_of_dependencies: Vec::new(),
        is_told: false,
        double_colon: true,
        link_targets: vec![],
    };
    let spec = Spec { output: text(&own), heavy, steps: vec![Step::BuildScript(step)], ..spec(root) };
    fs::create_dir_all(root.join("slots")).unwrap();
    let mut command = helper("build", &alone(&spec));
    command.env("LONGSHORE_SLOTS_DIR", root.join("slots")).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited too long for: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn running(root: &Path) -> Vec<String> {
    let names = fs::read_dir(root.join("running")).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn never_more_than_the_slots_run_and_all_get_their_turn() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::create_dir_all(root.join("running")).unwrap();
    // Each run counts itself and the others half way.
    let running = root.join("running").display().to_string();
    let counts = root.join("counts").display().to_string();
    write_program(
        &root.join("count"),
        &format!("touch {running}/$NAME; sleep 0.05; ls {running} | wc -l >> {counts}; rm {running}/$NAME"),
    );
    let total = 3 * slots() + 1;
    let children: Vec<_> = (0..total).map(|index| start(root, "count", &format!("vertex-{index}"))).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let counts: Vec<usize> =
        fs::read_to_string(counts).unwrap().lines().map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!(counts.len(), total);
    assert!(counts.iter().all(|count| *count <= slots()), "{counts:?}");
}

#[test]
fn a_killed_process_frees_its_slot() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::create_dir_all(root.join("running")).unwrap();
    let directory = root.join("running").display().to_string();
    // Ends when its file is removed, or when the test has long failed.
    write_program(
        &root.join("hold"),
        &format!(
            "touch {directory}/$NAME; i=0; \
             while [ -e {directory}/$NAME ] && [ $i -lt 3000 ]; do sleep 0.02; i=$((i+1)); done"
        ),
    );
    let mut holders: Vec<_> =
        (0..slots()).map(|index| start(root, "hold", &format!("holder-{index}"))).collect();
    wait_for("all slots to be taken", || running(root).len() == slots());
    let mut waiting = start(root, "hold", "waiting");
    // Only who waits for a slot holds the turnstile for longer than a moment.
    let turnstile = File::open(root.join("slots/turnstile")).unwrap();
    wait_for("the turnstile to be held", || {
        let is_held = flock(&turnstile, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK);
        if !is_held {
            flock(&turnstile, FlockOperation::Unlock).unwrap();
        }
        is_held
    });
    assert!(!running(root).contains(&"waiting".to_owned()));

    // The build script of the killed helper lives on; it must not keep the slot.
    holders[0].kill().unwrap();
    holders[0].wait().unwrap();
    wait_for("the waiting build to start", || running(root).contains(&"waiting".to_owned()));
    assert_eq!(running(root).len(), slots() + 1, "the orphan is still there");

    for name in running(root) {
        fs::remove_file(root.join("running").join(name)).unwrap();
    }
    assert!(waiting.wait().unwrap().success());
    for mut holder in holders.into_iter().skip(1) {
        assert!(holder.wait().unwrap().success());
    }
}

#[test]
fn what_is_heavy_waits_without_a_slot() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::create_dir_all(root.join("slots")).unwrap();
    fs::create_dir_all(root.join("running")).unwrap();
    write_program(&root.join("touch"), &format!("touch {}/$NAME", root.join("running").display()));
    // As if as many that are heavy were at work as there can be.
    let others: Vec<File> =
        (0..slots()).map(|index| File::create(root.join(format!("slots/heavy-{index}"))).unwrap()).collect();
    for other in &others {
        flock(other, FlockOperation::NonBlockingLockExclusive).unwrap();
    }
    let mut heavy = start_weighing(root, "touch", "heavy", Some(Heavy::Lto));
    for index in 0..2 * slots() {
        assert!(start(root, "touch", &format!("light-{index}")).wait().unwrap().success());
    }
    assert_eq!(heavy.try_wait().unwrap(), None);
    assert!(!running(root).contains(&"heavy".to_owned()));
    drop(others);
    assert!(heavy.wait().unwrap().success());
    assert!(running(root).contains(&"heavy".to_owned()));
}
