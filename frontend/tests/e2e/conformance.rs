//! The same program built by plain cargo and by Longshore, process by process (see the crate `longshore-conformance`).
//!
//! Knows how the two are built; what is equal is for that crate to say.

mod plain;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;
use longshore_conformance::{
    Report, Side, compare,
    corpus::{Corpus, Program},
    table::{self, Other, Row},
};

use crate::{
    Result,
    build::{Order, tag},
    clock,
    engine::{Engine, FRONTEND_IMAGE, Output, Run},
    note,
    project::{Project, nonce, repository},
};

/// The default of `base`.
const BASE: &str = "debian:bookworm-slim";

/// How many differences are shown of one program.
const SHOWN_MAX: usize = 12;

/// Those that are part of every run.
pub(crate) fn always() -> Vec<Trial> {
    read_corpus().programs.into_iter().filter(|program| program.always).map(trial).collect()
}

/// All of them; what they find goes into the table, in sums where they are compiled by a toolchain that only this run names.
pub(crate) fn corpus(toolchain: Option<&str>) -> Vec<Trial> {
    let mut all: Vec<Trial> = read_corpus().programs_with(toolchain).into_iter().map(trial).collect();
    if toolchain.is_none() {
        all.push(clock::trial("a_workspace_of_600_packages_is_built", large));
    }
    all
}

/// More packages than any other: they are planned, compiled and linked, and nothing runs again.
fn large() -> Result {
    let engine = Engine::of_environment();
    let project = Project::of_testdata("large")?;
    let build = || Order::build(&engine, project.path(), "large").must();
    build()?;
    let said = engine.run_image(&["--network", "none"], &tag("large"), &[])?;
    assert_eq!(said.stdout, "large\n", "{said:?}");
    let again = build()?;
    again.assert_ran([]);
    let cached = again.progress.cached();
    let steps: Vec<&str> = cached.iter().filter_map(|name| name.strip_prefix("[crate] ")).collect();
    // A step is called after all that it compiles.
    let compiled: usize = steps.iter().map(|name| name.split(", ").count()).sum();
    assert!(compiled > 600, "{compiled} packages");
    assert!(steps.len() < compiled / 2, "{} steps for {compiled} packages", steps.len());
    Ok(())
}

fn trial(program: Program) -> Trial {
    let title: String =
        program.title().chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect();
    let absent = program.where_present && !Engine::of_environment().has_image(plain::toolchain(&program));
    clock::trial(&format!("{title}_is_built_as_by_cargo"), move || conforms(&program))
        .with_ignored_flag(absent)
}

fn read_corpus() -> Corpus {
    Corpus::parse(include_str!("../../../conformance/corpus.toml")).expect("tested where it lies")
}

/// A program of one side, to be compared with the other's.
struct Built {
    said: Output,
    sha256: String,
    file: PathBuf,
}

fn conforms(program: &Program) -> Result {
    let engine = Engine::of_environment();
    let scratch = tempfile::tempdir()?;
    let project = sources::lay_out(program, scratch.path())?;
    let mut plain = plain::build(&engine, program, project.path(), scratch.path())?;
    let mut ours = trace(&engine, program, project.path())?;
    let mut notes = Vec::new();
    for (variable, why) in &program.varies {
        plain.side.forget(variable);
        ours.forget(variable);
        notes.push(format!("`{variable}` is not compared: {why}"));
    }
    let report = compare(&plain.side, &ours);

    let mut same = 0;
    let mut unlike = Vec::new();
    for bin in &program.bins {
        let theirs = plain.program(bin, &program.smoke)?;
        let mine = from_image(&engine, program, bin, scratch.path())?;
        if theirs.said != mine.said {
            unlike.push(format!("`{bin}` says {:?}, cargo's {:?}", mine.said, theirs.said));
        }
        let is_same = ours.made.values().any(|sum| *sum == theirs.sha256);
        same += usize::from(is_same);
        if is_same {
            continue;
        }
        if exported(&theirs.file)? != exported(&mine.file)? {
            unlike.push(format!("`{bin}` exports other symbols than cargo's"));
        }
        match names_out_dir(&fs::read(&mine.file)?) {
            Some(path) => {
                notes.push(format!("`{bin}` holds names of files that build scripts wrote, such as `{path}`"))
            }
            None => unlike.push(format!("`{bin}` has other bytes than cargo's")),
        }
    }
    write_down(program, &report, same, &unlike, &notes.join("; "))?;
    verdict(program, &report, same, unlike)
}

/// Builds all targets, and reads what their vertices ran and made.
fn trace(engine: &Engine, program: &Program, directory: &Path) -> Result<Side> {
    let trace = format!("{:x}", nonce());
    let mut side = Side::default();
    // What another toolchain compiled may need a newer C library than the default base has.
    let base = format!("{BASE}=docker-image://{}", program.toolchain.as_deref().unwrap_or(BASE));
    // A vertex that two of them share runs in one, and tells nothing in the other.
    for bin in program.bins.iter().chain(&program.libraries) {
        let build = Order::build(engine, directory, &image_name(program, bin))
            .target(bin)
            .args(["--build-arg", &format!("BUILDKIT_SYNTAX={FRONTEND_IMAGE}")])
            .args(["--build-arg", &format!("LONGSHORE_TRACE={trace}")])
            // What cache mounts hold would spare build scripts.
            .args(["--build-arg", &format!("BUILDKIT_CACHE_MOUNT_NS={trace}")])
            .args([
                "--build-context",
                &format!("{}=docker-image://{}", plain::TOOLCHAIN, plain::toolchain(program)),
            ])
            .args(["--build-context", &base])
            .args(["--build-arg", &format!("PROFILE={}", program.profile)])
            .args(["--build-arg", &format!("FEATURES={}", program.features.join(","))])
            .must()?;
        for vertex in build.progress.vertices.values() {
            side.add_log(&vertex.log);
        }
    }
    Ok(side)
}

fn image_name(program: &Program, bin: &str) -> String {
    format!("conformance-{}-{}", program.name.to_lowercase(), bin.to_lowercase().replace(':', "-"))
}

/// Starts a program in its image, and takes it out.
fn from_image(engine: &Engine, program: &Program, bin: &str, scratch: &Path) -> Result<Built> {
    let image = tag(&image_name(program, bin));
    let smoke: Vec<&str> = program.smoke.iter().map(String::as_str).collect();
    let said = engine.run_image(&["--network", "none"], &image, &smoke)?;
    let entrypoint =
        engine.docker(["image", "inspect", "--format", "{{index .Config.Entrypoint 0}}", &image]).run()?;
    let container = engine.docker(["create", &image]).run()?;
    let file = scratch.join(format!("ours-{}", bin.replace(':', "-")));
    let copied = engine
        .docker(["cp", &format!("{}:{}", container.trim(), entrypoint.trim()), &file.to_string_lossy()])
        .run();
    engine.docker(["rm", "--force", container.trim()]).run()?;
    copied?;
    Ok(Built { said, sha256: String::new(), file })
}

/// A file below a build script's `OUT_DIR` that a program names: in messages of panics, in information for debuggers. Such a
/// program cannot have the bytes of one whose `OUT_DIR` was another.
fn names_out_dir(program: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(program);
    let at = text.match_indices("/run-").map(|(at, _)| at).find(|at| {
        let rest = &text[at + "/run-".len()..];
        rest.get(16..20) == Some("/out") && rest.as_bytes()[..16].iter().all(u8::is_ascii_hexdigit)
    })?;
    let begin = text[..at].rfind(['\0', '\u{fffd}', ' ']).map_or(0, |before| before + 1);
    let end = text[at..].find(['\0', '\u{fffd}']).map_or(text.len(), |after| at + after);
    Some(text[begin..end].chars().filter(|char| !char.is_control()).take(80).collect())
}

/// Names that others can link with.
fn exported(file: &Path) -> Result<BTreeSet<String>> {
    let mut nm = Command::new("nm");
    nm.args(["--dynamic", "--defined-only", "--format=posix"]).arg(file);
    let symbols = Run(nm).output()?.stdout;
    Ok(symbols.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

fn verdict(program: &Program, report: &Report, same: usize, unlike: Vec<String>) -> Result {
    note!(
        "{} compilations, {} build scripts, {} packages; {} of {} files and {same} of {} programs are the same bytes",
        report.compilations,
        report.scripts,
        report.packages,
        report.files - report.other_bytes.len(),
        report.files,
        program.bins.len(),
    );
    let mut wrong: Vec<String> = report.differences.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
    if report.differences.len() > SHOWN_MAX {
        wrong.push(format!("and {} more differences", report.differences.len() - SHOWN_MAX));
    }
    wrong.extend(unlike);
    // Where names of programs have no hash, libraries are all that is compared as files.
    if report.compilations == 0 || report.files + same == 0 {
        wrong.push("nothing was compared".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Results of single programs, until there is one for each row of the table: those of the corpus, or those of another
/// toolchain.
fn results(toolchain: Option<&str>) -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
    match toolchain {
        None => all,
        Some(image) => all.join("others").join(image.replace(['/', ':'], "-")),
    }
}

/// The toolchain that only this run names.
pub(crate) fn named_toolchain() -> Option<String> {
    std::env::var("CONFORMANCE_TOOLCHAIN").ok()
}

fn file_name(program: &Program) -> String {
    format!("{}.json", program.title().replace(['/', ':'], "-"))
}

fn write_down(program: &Program, report: &Report, same: usize, unlike: &[String], note: &str) -> Result {
    let differences = report.differences.iter().map(ToString::to_string).chain(unlike.iter().cloned());
    let row = Row {
        title: program.title(),
        shows: program.shows.clone(),
        profile: program.profile.clone(),
        packages: report.packages,
        compilations: report.compilations,
        scripts: report.scripts,
        differences: differences.collect(),
        files: report.files,
        same_bytes: report.files - report.other_bytes.len(),
        programs: (same, program.bins.len()),
        alike: unlike.is_empty(),
        note: note.to_owned(),
    };
    let results = results(named_toolchain().as_deref());
    fs::create_dir_all(&results)?;
    fs::write(results.join(file_name(program)), serde_json::to_vec(&row)?)?;
    Ok(())
}

/// Writes `docs/conformance.md` of all that was found, now or in runs before that were cut short.
pub(crate) fn write_table() -> Result {
    let engine = Engine::of_environment();
    let rustc = |image: &str| -> Result<String> {
        let said = engine.run_image(&["--network", "none"], image, &["rustc", "--version"])?;
        Ok(said.stdout.trim().to_owned())
    };
    if let Some(image) = named_toolchain() {
        fs::create_dir_all(results(Some(&image)))?;
        fs::write(results(Some(&image)).join(IMAGE), format!("{image}\n{}\n", rustc(&image)?))?;
    }
    let (rows, missing) = read_rows(read_corpus().programs, &results(None))?;
    if rows.is_empty() {
        return Err("no page is written: run scripts/conformance without --toolchain before".into());
    }
    let mut others = Vec::new();
    for (image, rustc) in named_before()? {
        let programs = read_corpus().programs_with(Some(&image));
        let (rows, missing) = read_rows(programs, &results(Some(&image)))?;
        others.push(Other { image, rustc, rows, missing });
    }
    let page = table::page(&rows, &missing, &rustc(plain::TOOLCHAIN)?, &others);
    fs::write(repository().join("docs/conformance.md"), page)?;
    Ok(())
}

/// In a directory of results, the image that they are of and what its rustc says of itself, a line each.
const IMAGE: &str = "image";

/// What was found of these programs, and the names of those of which nothing was.
fn read_rows(programs: Vec<Program>, results: &Path) -> Result<(Vec<Row>, Vec<String>)> {
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for program in programs {
        match fs::read(results.join(file_name(&program))) {
            Ok(text) => rows.push(serde_json::from_slice(&text)?),
            Err(_) => missing.push(program.title()),
        }
    }
    Ok((rows, missing))
}

/// Images that a run has named, by name, and what compiles in them.
fn named_before() -> Result<BTreeMap<String, String>> {
    let Ok(entries) = fs::read_dir(results(None).join("others")) else { return Ok(BTreeMap::new()) };
    let mut images = BTreeMap::new();
    for entry in entries {
        // A run that was cut short has left none.
        let Ok(text) = fs::read_to_string(entry?.path().join(IMAGE)) else { continue };
        images
            .extend(text.split_once('\n').map(|(image, rustc)| (image.to_owned(), rustc.trim().to_owned())));
    }
    Ok(images)
}
