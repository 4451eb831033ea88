//! Tries to make the cache hand out something wrong.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use longshore_helper::spec::{LinkArgTarget, Spec};

use super::*;

/// A workspace in which a run of a build script has just ended.
struct Case {
    root: tempfile::TempDir,
    spec: Spec,
    step: BuildScript,
    environment: Environment,
    metadata: BTreeMap<String, String>,
    links: Vec<ScriptOutput>,
}

impl Case {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name).to_string_lossy().into_owned();
        for (file, text) in [
            ("package/input", "one"),
            ("package/dir/deep/input", "one"),
            ("script", "program"),
            ("out/generated.rs", "from one"),
            ("out/sub/more", "more"),
            ("dep/out/header.h", "v1"),
            ("flags/header.h", "v1"),
            ("secret", "one"),
        ] {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let spec = Spec {
            report: None,
            unpack: None,
            ledger: None,
            pass_env: Vec::new(),
            yields: Vec::new(),
            secret_env: Vec::new(),
            files: vec![path("secret"), path("absent")],
            sysroot: None,
            heavy: None,
            package: "app 0.1.0".to_owned(),
            member: None,
            output: path("output"),
            cache: Some(path("cache")),
            env: [("CARGO_PKG_NAME".to_owned(), "app".to_owned())].into(),
            dependencies: Vec::new(),
            steps: Vec::new(),
        };
        let step = BuildScript {
            name: "app (build script)".to_owned(),
            exe: path("script"),
            cwd: path("package"),
            env: [("OPT_LEVEL".to_owned(), "0".to_owned())].into(),
            out_dir: path("out"),
            script: path("script.json"),
            links_of_dependencies: Vec::new(),
            double_colon: true,
            link_targets: vec![],
            is_told: false,
        };
        let links = vec![ScriptOutput { out_dir: path("dep/out"), ..ScriptOutput::default() }];
        let flags = ("DEP_Z_CFLAGS".to_owned(), format!("-I{}", path("flags")));
        let metadata = [("DEP_Z_INCLUDE".to_owned(), path("dep/out")), flags].into();
        let environment = [("CC".into(), "gcc".into())].into();
        Case { root, spec, step, environment, metadata, links }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn cache(&self) -> Cache {
        Cache::open(&self.spec, &self.step, &self.metadata, &self.links).unwrap()
    }

    fn store(&self, output: &ScriptOutput) {
        self.cache().store(&self.step, &self.environment, output).unwrap();
    }

    /// What a later build gets: the output directory starts out empty there.
    fn restore(&self) -> Option<ScriptOutput> {
        tree::clear(Path::new(&self.step.out_dir)).unwrap();
        let restored = self.cache().restore(&self.step, &self.environment);
        if restored.is_none() {
            let left = tree::names(Path::new(&self.step.out_dir)).unwrap();
            assert_eq!(left, Vec::<PathBuf>::new(), "a refused entry leaves nothing behind");
        }
        restored
    }

    fn entries(&self) -> Vec<PathBuf> {
        let directory = self.path("cache/build-script");
        tree::names(&directory).unwrap().into_iter().map(|name| directory.join(name)).collect()
    }
}

fn output() -> ScriptOutput {
    ScriptOutput {
        cfgs: vec!["x".to_owned()],
        rerun_if_changed: vec!["input".to_owned(), "dir".to_owned()],
        rerun_if_env_changed: vec!["CC".to_owned()],
        ..ScriptOutput::default()
    }
}

#[test]
fn an_unchanged_run_is_reused_whole() {
    let case = Case::new();
    case.store(&output());
    assert_eq!(case.restore(), Some(output()));
    assert_eq!(fs::read_to_string(case.path("out/generated.rs")).unwrap(), "from one");
    assert_eq!(fs::read_to_string(case.path("out/sub/more")).unwrap(), "more");
}

#[test]
fn a_changed_input_with_the_same_time_and_size_is_seen() {
    for file in ["package/input", "package/dir/deep/input"] {
        let case = Case::new();
        let path = case.path(file);
        let time = SystemTime::UNIX_EPOCH;
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        case.store(&output());
        fs::write(&path, "two").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        assert_eq!(case.restore(), None, "{file}");
        fs::write(&path, "one").unwrap();
        assert_eq!(case.restore(), Some(output()), "{file}");
    }
}

#[test]
fn new_and_removed_inputs_are_seen() {
    let case = Case::new();
    case.store(&output());
    fs::write(case.path("package/dir/another"), "").unwrap();
    assert_eq!(case.restore(), None);
    fs::remove_file(case.path("package/dir/another")).unwrap();
    assert_eq!(case.restore(), Some(output()));
    fs::remove_file(case.path("package/input")).unwrap();
    assert_eq!(case.restore(), None);
}

#[test]
fn every_part_of_the_run_counts() {
    type Change = fn(&mut Case);
    let changes: [(&str, Change); 13] = [
        ("script", |case| fs::write(case.path("script"), "another program").unwrap()),
        ("declared variable", |case| drop(case.environment.insert("CC".into(), "clang".into()))),
        ("declared variable gone", |case| case.environment.clear()),
        ("declared variable empty", |case| drop(case.environment.insert("CC".into(), "".into()))),
        ("step variable", |case| drop(case.step.env.insert("OPT_LEVEL".to_owned(), "3".to_owned()))),
        ("shared variable", |case| drop(case.spec.env.insert("TARGET".to_owned(), "x".to_owned()))),
        ("metadata", |case| drop(case.metadata.insert("DEP_Z_VERSION".to_owned(), "2".to_owned()))),
        ("contents behind a flag", |case| fs::write(case.path("flags/header.h"), "v2").unwrap()),
        ("a file that it is told of", |case| fs::write(case.path("secret"), "another").unwrap()),
        ("a file that was not there", |case| fs::write(case.path("absent"), "").unwrap()),
        ("contents behind metadata", |case| fs::write(case.path("dep/out/header.h"), "v2").unwrap()),
        ("syntax", |case| case.step.double_colon = false),
        ("targets", |case| case.step.link_targets = vec![LinkArgTarget::Bin]),
    ];
    for (what, change) in changes {
        let mut case = Case::new();
        case.store(&output());
        change(&mut case);
        assert_eq!(case.restore(), None, "{what}");
    }
}

#[test]
fn a_script_that_declares_nothing_or_a_missing_file_always_runs() {
    let case = Case::new();
    case.store(&ScriptOutput { cfgs: vec!["x".to_owned()], ..ScriptOutput::default() });
    case.store(&ScriptOutput { rerun_if_changed: vec!["missing".to_owned()], ..ScriptOutput::default() });
    assert_eq!(case.entries(), Vec::<PathBuf>::new());
    assert_eq!(case.restore(), None);
}

#[test]
fn damaged_entries_are_thrown_away() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 6] = [
        ("cut off record", |entry| {
            let file = File::options().write(true).open(entry.join(ENTRY_FILE)).unwrap();
            let length = file.metadata().unwrap().len();
            file.set_len(length - 1).unwrap();
        }),
        ("empty record", |entry| fs::write(entry.join(ENTRY_FILE), "").unwrap()),
        ("no record", |entry| fs::remove_file(entry.join(ENTRY_FILE)).unwrap()),
        ("edited record", |entry| {
            let text = fs::read_to_string(entry.join(ENTRY_FILE)).unwrap();
            fs::write(entry.join(ENTRY_FILE), text.replace("[\"x\"]", "[\"y\"]")).unwrap();
        }),
        ("cut off file", |entry| fs::write(entry.join("out/generated.rs"), "from").unwrap()),
        ("missing file", |entry| fs::remove_file(entry.join("out/sub/more")).unwrap()),
    ];
    for (what, damage) in damages {
        let case = Case::new();
        case.store(&output());
        let [entry] = case.entries().try_into().unwrap();
        damage(&entry);
        assert_eq!(case.restore(), None, "{what}");
        assert_eq!(case.entries(), Vec::<PathBuf>::new(), "{what}");
    }
}

#[test]
fn an_entry_of_another_run_is_thrown_away() {
    let mut case = Case::new();
    case.store(&output());
    let [entry] = case.entries().try_into().unwrap();
    let name = |case: &Case| format!("{}-x", case.cache().key);
    case.step.env.insert("OPT_LEVEL".to_owned(), "3".to_owned());
    fs::rename(entry, case.path("cache/build-script").join(name(&case))).unwrap();
    assert_eq!(case.restore(), None);
    assert_eq!(case.entries(), Vec::<PathBuf>::new());
}

#[test]
fn what_a_script_writes_elsewhere_is_seen() {
    let mut case = Case::new();
    let workspace = case.path("package").to_string_lossy().into_owned();
    case.spec.member = Some(longshore_helper::spec::Member { directory: String::new(), workspace });
    case.spec.output = case.path("").to_string_lossy().into_owned();
    let before = surroundings(&case.spec, &case.step);
    assert!(before.is_some());
    fs::write(case.path("out/generated.rs"), "anew").unwrap();
    assert_eq!(surroundings(&case.spec, &case.step), before, "OUT_DIR is kept");
    for file in ["package/src.rs", "beside-out"] {
        fs::write(case.path(file), "written").unwrap();
        assert_ne!(surroundings(&case.spec, &case.step), before, "{file}");
        fs::remove_file(case.path(file)).unwrap();
    }
}

#[test]
fn a_directory_of_the_mount_replaces_what_has_its_name() {
    let case = Case::new();
    fs::create_dir(case.path("cache")).unwrap();
    std::os::unix::fs::symlink("/nowhere", case.path("cache/build-script")).unwrap();
    case.store(&output());
    assert_eq!(case.restore(), Some(output()));
}

#[test]
fn paths_are_found_in_flags() {
    let paths: Vec<&str> = paths_in("-I/a/b -L/c:/d;e=/f relative g/h").collect();
    assert_eq!(paths, ["/a/b", "/c", "/d", "/f", "/h"]);
}

#[test]
fn an_interrupted_store_is_never_an_entry() {
    let case = Case::new();
    let unfinished = case.cache().directory.join(unfinished());
    tree::copy(&case.path("out"), &unfinished.join(OUT_DIRECTORY)).unwrap();
    assert_eq!(case.restore(), None);
}

#[test]
fn storing_twice_keeps_the_last_and_old_entries_go() {
    let case = Case::new();
    case.store(&output());
    let newer = ScriptOutput { cfgs: vec!["newer".to_owned()], ..output() };
    case.store(&newer);
    assert_eq!(case.entries().len(), 1);
    assert_eq!(case.restore(), Some(newer));
    for round in 0..2 * ENTRIES_MAX {
        fs::write(case.path("package/input"), round.to_string()).unwrap();
        case.store(&output());
        assert!(case.entries().len() <= ENTRIES_MAX);
    }
    // The entry for the present state was stored last.
    assert_eq!(case.restore(), Some(output()));
}

#[test]
fn an_emptied_cache_mount_is_no_failure() {
    let case = Case::new();
    let cache = case.cache();
    fs::remove_dir_all(case.path("cache")).unwrap();
    tree::clear(Path::new(&case.step.out_dir)).unwrap();
    assert_eq!(cache.restore(&case.step, &case.environment), None);
    case.store(&output());
    assert_eq!(case.restore(), Some(output()));
}

#[test]
fn a_file_that_was_read_but_not_declared_is_noticed_and_the_crates_own_sources_are_not() {
    let mut case = Case::new();
    let workspace = case.path("package").to_string_lossy().into_owned();
    case.spec.member = Some(longshore_helper::spec::Member { directory: String::new(), workspace });
    fs::create_dir_all(case.path("package/src")).unwrap();
    fs::write(case.path("package/src/lib.rs"), "one").unwrap();
    fs::write(case.path("package/prices.csv"), "one").unwrap();
    let output = ScriptOutput { rerun_if_changed: vec!["input".to_owned()], ..ScriptOutput::default() };
    case.store(&output);
    fs::write(case.path("package/src/lib.rs"), "two").unwrap();
    assert!(case.restore().is_some(), "an edited source");
    // Another project of the same name has other files.
    fs::write(case.path("package/prices.csv"), "two").unwrap();
    assert!(case.restore().is_none(), "an edited file that the script did not declare");
}
