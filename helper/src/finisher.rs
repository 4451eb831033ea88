//! `longshore-helper finish`: looks at programs with the eyes of their image, before there is an image.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use longshore_helper::finish::{FinishRequest, Libraries, Program};

use crate::console::say;
use crate::device;
use crate::elf::{self, Needs};
use crate::loader::{Found, Lack, Root};
use crate::problem::{Doing, Problem, Result};
use crate::runner::Verdict;
use crate::{mtime, stamp};

/// Where this vertex has libraries of its own: those of the toolchain image, and of an accelerator's toolkit.
const OWN_ROOT: &str = "/";

/// Makes the directories of the programs, and copies them where that is asked for. What keeps one from starting in its image is
/// said on stderr.
pub(crate) fn finish(request: &FinishRequest) -> Result<Verdict> {
    let output = Path::new(&request.output);
    fs::create_dir_all(output).doing("create", output)?;
    let empty = output.join(".");
    let root = Root::new(request.root.as_ref().map_or(&empty, |root| Path::new(root)), &request.library_path);
    let mut verdict = Verdict::Passed;
    let mut device_code = BTreeSet::new();
    let mut is_packed = false;
    for program in &request.programs {
        let file = Path::new(&program.file);
        if request.device_code.is_some() {
            let data = fs::read(file).doing("read", file)?;
            device_code.extend(device::architectures(&data));
            is_packed |= device::is_packed(&data);
        }
        if is_directory(&root, &program.path) {
            say!("error: the image has a directory where the program `{}` belongs", program.path);
            say!("help: take a `base` without it, or give the program another name");
            verdict = Verdict::Failed;
            continue;
        }
        if request.copied || request.stamp.is_some() {
            let copy = put(output, &root.landing(&program.path), file)?;
            if let Some(text) = &request.stamp {
                let mut opened = File::options().read(true).write(true).open(&copy).doing("open", &copy)?;
                stamp::write(&mut opened, text)
                    .map_err(|why| Problem::new(format!("`{}`: {why}", program.path)))?;
            }
        } else {
            make_directory_of(&output.join(root.landing(&program.path)))?;
        }
        let needs = elf::needs(File::open(file).doing("open", file)?).map_err(|why| {
            Problem::new(format!("`{}` is no program that can be read: {why}", program.path))
        })?;
        let Some(needs) = needs.filter(|_| request.libraries != Libraries::Ignore) else { continue };
        if !complete(request, &root, program, &needs)? {
            verdict = Verdict::Failed;
        }
    }
    if let Some(wanted) = &request.device_code
        && !is_for(wanted, &device_code, is_packed)
    {
        verdict = Verdict::Failed;
    }
    mtime::normalise(output)?;
    if let Some(libraries) = request.libraries_output.as_ref().map(Path::new) {
        fs::create_dir_all(libraries).doing("create", libraries)?;
        mtime::normalise(libraries)?;
    }
    Ok(verdict)
}

/// Whether the image has a directory at `path`. A link to one is replaced.
fn is_directory(root: &Root, path: &str) -> bool {
    fs::symlink_metadata(root.at().join(root.landing(path))).is_ok_and(|there| there.is_dir())
}

/// Whether the programs have the device code that was asked for. What is wrong is said on stderr.
fn is_for(wanted: &[String], found: &BTreeSet<String>, is_packed: bool) -> bool {
    let (missing, more) = device::compare(wanted, found);
    if missing.is_empty() && more.is_empty() {
        return true;
    }
    if found.is_empty() {
        say!("error: the image has no device code for {}", wanted.join(", "));
        say!(
            "help: {}",
            if is_packed {
                "there is some that is compressed and cannot be read; compile it with `--no-offload-compress`, or set `verify = false`"
            } else {
                "see that the features of the accelerator compile kernels, and that who compiles them sees its variables (`accelerators`, `build.packages`); where kernels are compiled when the program runs, set `verify = false`"
            }
        );
        return false;
    }
    say!("error: the device code of the image is not what was asked for");
    say!("  asked for: {}", wanted.join(", "));
    say!("  there is:  {}", found.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
    say!(
        "help: the tool that compiles it reads another variable than `arch-env` sets, or finds an older result; or set `verify = false`"
    );
    false
}

/// Whether the program has all that it needs, or gets it now.
fn complete(request: &FinishRequest, root: &Root, program: &Program, needs: &Needs) -> Result<bool> {
    let (mut lacks, found) = root.check(&program.path, needs);
    // What the image has by itself in one of its programs' places; whether the loader looks there is the user's business.
    let comes_along = |library: &String| {
        request.driver.contains(library) || request.programs.iter().any(|other| name(&other.path) == library)
    };
    lacks.retain(|lack| !matches!(lack, Lack::Library { name, .. } if comes_along(name)));
    if let Some(output) = request.libraries_output.as_ref().filter(|_| !lacks.is_empty()) {
        let own = Root::new(Path::new(OWN_ROOT), &request.library_path);
        let (_, mut here) = own.check(&program.path, needs);
        // A toolkit has a stub of it to link with.
        here.retain(|library| !request.driver.iter().any(|driver| driver == name(&library.path)));
        for library in here.difference(&found) {
            // What the image has goes before what the toolchain has.
            if root.resolve(&library.path).is_none() && missing(&lacks, library) {
                let file = own.resolve(&library.path).unwrap_or_else(|| PathBuf::from(&library.path));
                put(Path::new(output), &root.landing(&library.path), &file)?;
            }
        }
        let names: BTreeSet<&str> = here.iter().map(|library| name(&library.path)).collect();
        lacks.retain(|lack| match lack {
            Lack::Interpreter(path) => !names.contains(name(path)),
            Lack::Library { name, .. } => !names.contains(name.as_str()),
            Lack::Version { .. } => true,
        });
    }
    if lacks.is_empty() {
        return Ok(true);
    }
    say!("error: `{}` could not start in this image", program.path);
    for lack in &lacks {
        say!("  {}", explain(lack, &program.path));
    }
    say!("help: {}", help(&lacks, request.libraries));
    Ok(false)
}

/// Whether a library of the toolchain's is what the image lacks, or may be below what it lacks.
fn missing(lacks: &BTreeSet<Lack>, library: &Found) -> bool {
    let is_libc =
        |lack: &Lack| matches!(lack, Lack::Version { library: old, .. } if old == name(&library.path));
    !lacks.iter().any(is_libc)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn explain(lack: &Lack, program: &str) -> String {
    let by = |user: &str| if user == program { String::new() } else { format!(", which `{user}` needs") };
    match lack {
        Lack::Interpreter(path) => format!("it has no dynamic loader `{path}`"),
        Lack::Library { name, needed_by } => format!("it has no library `{name}`{}", by(needed_by)),
        Lack::Version { library, version, needed_by } => {
            format!("its `{library}` is too old: there is no `{version}`{}", by(needed_by))
        }
    }
}

fn help(lacks: &BTreeSet<Lack>, libraries: Libraries) -> &'static str {
    if lacks.iter().any(|lack| matches!(lack, Lack::Version { .. })) {
        "the toolchain image is newer than `base`: take a `base` of the same release, or an older toolchain"
    } else if lacks.iter().any(|lack| matches!(lack, Lack::Interpreter(_))) {
        "take a `base` with a C library, or link statically (`-C target-feature=+crt-static`)"
    } else if lacks
        .iter()
        .any(|lack| matches!(lack, Lack::Library { name, .. } if name.starts_with("libstd-")))
    {
        "a crate of type `dylib` is linked at run time, and with it Rust's standard library: leave `dylib` out of its `crate-type`, as a `lib` becomes part of the program"
    } else if libraries == Libraries::Copy {
        "neither the toolchain image nor a toolkit has them where the loader looks: put their directory into the image's `LD_LIBRARY_PATH` (`env`), or take a `base` that has them"
    } else {
        "set `libraries = \"copy\"` to take them from the toolchain image or the accelerator's toolkit, bring them with `files`, or take a `base` that has them"
    }
}

/// Copies a file to where the image has it. The kernel does (`std::fs::copy`, "Platform-specific behavior"), so its size costs no
/// memory.
fn put(output: &Path, path: &Path, file: &Path) -> Result<PathBuf> {
    let to = output.join(path);
    make_directory_of(&to)?;
    fs::copy(file, &to).doing("copy", file)?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).doing("set the mode of", &to)?;
    Ok(to)
}

fn make_directory_of(file: &Path) -> Result<()> {
    let directory = file.parent().unwrap_or(file);
    fs::create_dir_all(directory).doing("create", directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(owner: &Path, root: Option<&Path>, libraries: Libraries) -> FinishRequest {
        let file = std::env::current_exe().unwrap();
        FinishRequest {
            programs: vec![Program {
                file: file.to_str().unwrap().to_owned(),
                path: "/usr/local/bin/program".to_owned(),
            }],
            root: root.map(|root| root.to_str().unwrap().to_owned()),
            libraries,
            library_path: Vec::new(),
            stamp: None,
            device_code: None,
            driver: Vec::new(),
            copied: false,
            output: owner.join("output").to_str().unwrap().to_owned(),
            libraries_output: (libraries == Libraries::Copy)
                .then(|| owner.join("libraries").to_str().unwrap().to_owned()),
        }
    }

    #[test]
    fn a_program_that_finds_everything_is_copied_if_asked_for() {
        for copied in [false, true] {
            let owner = tempfile::tempdir().unwrap();
            let request =
                FinishRequest { copied, ..request(owner.path(), Some(Path::new("/")), Libraries::Check) };
            assert_eq!(finish(&request), Ok(Verdict::Passed));
            let directory = owner.path().join("output/usr/local/bin");
            assert!(directory.is_dir());
            assert_eq!(directory.join("program").is_file(), copied);
        }
    }

    #[test]
    fn a_directory_in_the_place_of_a_program_is_said_and_a_link_to_one_is_not() {
        let owner = tempfile::tempdir().unwrap();
        let base = owner.path().join("base");
        let bin = base.join("usr/local/bin");
        let request = request(owner.path(), Some(&base), Libraries::Ignore);
        fs::create_dir_all(bin.join("program")).unwrap();
        assert_eq!(finish(&request), Ok(Verdict::Failed));
        fs::rename(bin.join("program"), bin.join("directory")).unwrap();
        std::os::unix::fs::symlink("directory", bin.join("program")).unwrap();
        assert_eq!(finish(&request), Ok(Verdict::Passed));
    }

    #[test]
    fn a_program_that_could_not_start_fails_unless_nobody_looks() {
        let owner = tempfile::tempdir().unwrap();
        assert_eq!(finish(&request(owner.path(), None, Libraries::Check)), Ok(Verdict::Failed));
        assert_eq!(finish(&request(owner.path(), None, Libraries::Ignore)), Ok(Verdict::Passed));
    }

    #[test]
    fn what_is_missing_can_come_along_and_then_nothing_is_missing() {
        let owner = tempfile::tempdir().unwrap();
        let request = request(owner.path(), None, Libraries::Copy);
        assert_eq!(finish(&request), Ok(Verdict::Passed));
        let needs = elf::needs(File::open(std::env::current_exe().unwrap()).unwrap()).unwrap().unwrap();
        let (lacks, _) =
            Root::new(&owner.path().join("libraries"), &[]).check("/usr/local/bin/program", &needs);
        assert_eq!(lacks, BTreeSet::new());
    }

    #[test]
    fn files_land_where_links_of_the_base_lead() {
        let owner = tempfile::tempdir().unwrap();
        let base = owner.path().join("base");
        fs::create_dir_all(base.join("usr/lib")).unwrap();
        fs::create_dir_all(base.join("usr/local")).unwrap();
        fs::create_dir_all(base.join("opt/bin")).unwrap();
        std::os::unix::fs::symlink("usr/lib", base.join("lib")).unwrap();
        std::os::unix::fs::symlink("/opt/bin", base.join("usr/local/bin")).unwrap();
        let request = request(owner.path(), Some(&base), Libraries::Copy);
        assert_eq!(finish(&request), Ok(Verdict::Passed));
        let links = [owner.path().join("output/opt/bin"), owner.path().join("libraries/usr/lib")];
        assert!(links.iter().all(|directory| directory.is_dir()), "{links:?}");
        let instead = [owner.path().join("output/usr"), owner.path().join("libraries/lib")];
        assert!(!instead.iter().any(|directory| directory.exists()), "{instead:?}");
    }

    #[test]
    fn a_library_of_the_image_is_not_missing() {
        let owner = tempfile::tempdir().unwrap();
        let mut request = request(owner.path(), Some(owner.path()), Libraries::Check);
        let root = Root::new(owner.path(), &[]);
        let program = request.programs[0].clone();
        let needs = Needs { libraries: vec!["libplugin.so".to_owned()], ..Needs::default() };
        assert_eq!(complete(&request, &root, &program, &needs), Ok(false));
        request.programs.push(Program { path: "/usr/local/lib/libplugin.so".to_owned(), ..program.clone() });
        assert_eq!(complete(&request, &root, &program, &needs), Ok(true));
    }

    #[test]
    fn what_the_driver_brings_does_not_come_along() {
        let owner = tempfile::tempdir().unwrap();
        let mut request = request(owner.path(), None, Libraries::Copy);
        request.driver.push("libc.so.6".to_owned());
        assert_eq!(finish(&request), Ok(Verdict::Passed));
        let needs = elf::needs(File::open(std::env::current_exe().unwrap()).unwrap()).unwrap().unwrap();
        let (lacks, _) =
            Root::new(&owner.path().join("libraries"), &[]).check("/usr/local/bin/program", &needs);
        let missing = |lack: &Lack| matches!(lack, Lack::Library { name, .. } if name == "libc.so.6");
        assert!(!lacks.is_empty() && lacks.iter().all(missing), "{lacks:?}");
    }
}
