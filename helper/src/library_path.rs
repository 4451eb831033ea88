//! `LD_LIBRARY_PATH` for processes that may be linked to shared libraries of the build.
//!
//! cargo lists its `deps` directory for rustc (procedural macros) and for build scripts (`Compilation::fill_env` in its
//! `core/compiler/compilation.rs`, and the Cargo book, "Dynamic library paths"); here that directory is many.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use longshore_helper::spec::ScriptOutput;
use longshore_helper::{HOST_OUTPUTS, SCRIPT_FILE};

use crate::environment::Environment;
use crate::problem::{Doing, Problem, Result};
use crate::{elf, files, script, tree};

/// In the output of a procedural macro: shared libraries of the build that it is linked with. Who uses the macro has its output
/// and not those of what it was made from.
const LINKED: &str = "linked";

const VARIABLE: &str = "LD_LIBRARY_PATH";

/// Puts those of `dependencies` in front that have shared libraries at all, since the loader tries every directory
/// for every library, then `toolchain`, which such libraries need in turn.
pub(crate) fn add(
    environment: &mut Environment,
    dependencies: &[String],
    toolchain: Option<PathBuf>,
) -> Result<()> {
    let mut path = searched(dependencies)?;
    path.extend(toolchain);
    if path.is_empty() {
        return Ok(());
    }
    let ambient = environment.get(OsStr::new(VARIABLE)).cloned().unwrap_or_default();
    path.extend(env::split_paths(&ambient).filter(|part| !part.as_os_str().is_empty()));
    let joined = env::join_paths(path)
        .map_err(|error| Problem::new(format!("a directory cannot be listed in `{VARIABLE}`: {error}")))?;
    environment.insert(VARIABLE.into(), joined);
    Ok(())
}

/// Keeps the shared libraries of the build that a procedural macro is linked with, directly or not, in its output. Cargo lists
/// where they lie for all who use the macro (`add_plugin_deps` in its `core/compiler/mod.rs`). Those that the macro's own build
/// script built are there already, and may need others; what is needed by a path and not by a name is looked for nowhere else
/// (ld.so(8)).
pub(crate) fn keep_linked(output: &Path, dependencies: &[String]) -> Result<()> {
    let below = searched(dependencies)?;
    if below.is_empty() {
        return Ok(());
    }
    let searched = [built_by_scripts(output)?, below].concat();
    let names = tree::names(output).doing("list", output)?;
    let mut open: Vec<PathBuf> =
        names.iter().filter(|name| is_shared_library(name)).map(|name| output.join(name)).collect();
    let mut seen = BTreeSet::new();
    while let Some(file) = open.pop() {
        let opened = fs::File::open(&file).doing("open", &file)?;
        let needs = elf::needs(opened).ok().flatten().unwrap_or_default();
        for name in needs.libraries {
            let found = searched.iter().map(|directory| directory.join(&name)).find(|file| file.is_file());
            // The toolchain's and the system's are there for everybody.
            let Some(found) = found.filter(|_| seen.insert(name.clone())) else { continue };
            if !name.contains('/') && !found.starts_with(output) {
                let kept = output.join(LINKED);
                fs::create_dir_all(&kept).doing("create", &kept)?;
                fs::copy(&found, kept.join(&name)).doing("copy", &found)?;
            }
            open.push(found);
        }
    }
    Ok(())
}

/// Directories of `dependencies` that have shared libraries.
fn searched(dependencies: &[String]) -> Result<Vec<PathBuf>> {
    let mut path = Vec::new();
    for directory in dependencies.iter().map(Path::new) {
        for directory in [directory.to_owned(), directory.join(LINKED)] {
            if has_shared_libraries(&directory)? {
                path.push(directory);
            }
        }
        if directory.starts_with(HOST_OUTPUTS) {
            path.extend(built_by_scripts(directory)?);
        }
    }
    Ok(path)
}

/// Search paths that a package's build scripts named, of those in their `OUT_DIR` (`filter_dynamic_search_path` in the same
/// file): what is linked with such a library and runs during the build is looked for there.
fn built_by_scripts(output: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for name in tree::names(output).unwrap_or_default() {
        let file = output.join(&name).join(SCRIPT_FILE);
        if !file.is_file() {
            continue;
        }
        let said: ScriptOutput = files::read_json(&file)?;
        let named = said.library_paths.iter().map(|path| Path::new(script::search_path_directory(path)));
        for directory in named.filter(|path| path.starts_with(&said.out_dir)) {
            if has_shared_libraries(directory)? {
                found.push(directory.to_owned());
            }
        }
    }
    Ok(found)
}

fn has_shared_libraries(directory: &Path) -> Result<bool> {
    match tree::names(directory) {
        Ok(names) => Ok(names.iter().any(is_shared_library)),
        // rustc takes a search path that does not exist without a word, and so do we.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).doing("list", directory),
    }
}

/// `libz.so`, and `libz.so.1`, which is what others are linked with where the library says so.
fn is_shared_library(name: impl AsRef<Path>) -> bool {
    let name = name.as_ref().to_string_lossy();
    name.ends_with(".so") || name.contains(".so.")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_directories_with_shared_libraries_are_searched() {
        let root = tempfile::tempdir().unwrap();
        for (directory, file) in [("a", "liba.rlib"), ("b", "libb.so")] {
            fs::create_dir(root.path().join(directory)).unwrap();
            fs::write(root.path().join(directory).join(file), "").unwrap();
        }
        let path = |name: &str| root.path().join(name).to_string_lossy().into_owned();
        let mut environment = Environment::new();
        add(&mut environment, &[path("a"), path("missing")], None).unwrap();
        assert_eq!(environment, Environment::new());

        environment.insert(VARIABLE.into(), "/x".into());
        add(&mut environment, &[path("a"), path("b")], Some(PathBuf::from("/toolchain"))).unwrap();
        let expected = OsString::from(format!("{}:/toolchain:/x", path("b")));
        assert_eq!(environment.get(OsStr::new(VARIABLE)), Some(&expected));
    }

    #[test]
    fn libraries_that_scripts_built_are_found_where_they_said() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name).to_string_lossy().into_owned();
        for name in ["run-1/out/lib", "run-1/out/static", "elsewhere"] {
            fs::create_dir_all(root.path().join(name)).unwrap();
        }
        for file in ["run-1/out/lib/libx.so", "run-1/out/static/libx.a", "elsewhere/liby.so"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        let said = ScriptOutput {
            out_dir: path("run-1/out"),
            library_paths: vec![
                format!("native={}", path("run-1/out/lib")),
                path("run-1/out/static"),
                path("elsewhere"),
            ],
            ..ScriptOutput::default()
        };
        files::write_json(&root.path().join("run-1").join(SCRIPT_FILE), &said).unwrap();
        assert_eq!(built_by_scripts(root.path()).unwrap(), [root.path().join("run-1/out/lib")]);
    }

    /// Makes the shared library `file` in `root`, which calls itself `name` and is linked with those in `needed`.
    fn link(root: &Path, file: &str, name: Option<&str>, needed: &[&str]) {
        fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
        let mut command = Command::new("cc");
        command.current_dir(root).args(["-shared", "-nostdlib", "-x", "c", "/dev/null", "-x", "none"]);
        command.args(["-Wl,--no-as-needed", "-o", file]);
        command.args(name.map(|name| format!("-Wl,-soname,{name}"))).args(needed);
        assert!(command.status().unwrap().success());
    }

    fn kept(output: &Path) -> Vec<String> {
        let names = tree::names(&output.join(LINKED)).unwrap_or_default();
        names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_a_macro_is_linked_with_goes_where_the_macro_goes() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        link(root, "below/libbelow.so", Some("libbelow.so"), &[]);
        link(root, "unused/libunused.so", Some("libunused.so"), &[]);
        link(root, "native/libnative.so", Some("libnative.so"), &["below/libbelow.so"]);
        link(root, "macros/libmacros.so", Some("libmacros.so"), &["native/libnative.so"]);
        let path = |name: &str| root.join(name).to_string_lossy().into_owned();

        let macros = root.join("macros");
        keep_linked(&macros, &[path("below"), path("native"), path("unused")]).unwrap();
        assert_eq!(kept(&macros), ["libbelow.so", "libnative.so"]);

        let mut environment = Environment::new();
        add(&mut environment, &[path("macros")], None).unwrap();
        let expected = OsString::from(format!("{}:{}", path("macros"), path("macros/linked")));
        assert_eq!(environment.get(OsStr::new(VARIABLE)), Some(&expected));
    }

    #[test]
    fn a_library_may_have_its_version_in_its_name() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        link(root, "native/libnative.so.1.2", Some("libnative.so.1"), &[]);
        symlink("libnative.so.1.2", root.join("native/libnative.so.1")).unwrap();
        link(root, "macros/libmacros.so", None, &["native/libnative.so.1"]);
        let path = |name: &str| root.join(name).to_string_lossy().into_owned();

        let macros = root.join("macros");
        keep_linked(&macros, &[path("native")]).unwrap();
        assert_eq!(kept(&macros), ["libnative.so.1"]);
        assert!(macros.join("linked/libnative.so.1").symlink_metadata().unwrap().is_file());

        let mut environment = Environment::new();
        add(&mut environment, &[path("macros")], None).unwrap();
        let expected = OsString::from(format!("{}:{}", path("macros"), path("macros/linked")));
        assert_eq!(environment.get(OsStr::new(VARIABLE)), Some(&expected));
    }

    #[test]
    fn what_is_needed_by_its_path_stays_where_it_is() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        link(root, "native/libnative.so", None, &[]);
        let native = root.join("native/libnative.so");
        link(root, "macros/libmacros.so", None, &[native.to_str().unwrap()]);
        let before = fs::read(&native).unwrap();
        keep_linked(&root.join("macros"), &[root.join("native").to_string_lossy().into_owned()]).unwrap();
        assert_eq!(kept(&root.join("macros")), [""; 0]);
        assert!(fs::read(&native).unwrap() == before);
    }

    #[test]
    fn what_the_script_of_a_macro_built_needs_goes_along() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        link(root, "below/libbelow.so", Some("libbelow.so"), &[]);
        link(root, "macros/run-1/out/libown.so", Some("libown.so"), &["below/libbelow.so"]);
        link(root, "macros/libmacros.so", None, &["macros/run-1/out/libown.so"]);
        let path = |name: &str| root.join(name).to_string_lossy().into_owned();
        let said = ScriptOutput {
            out_dir: path("macros/run-1/out"),
            library_paths: vec![path("macros/run-1/out")],
            ..ScriptOutput::default()
        };
        files::write_json(&root.join("macros/run-1").join(SCRIPT_FILE), &said).unwrap();
        keep_linked(&root.join("macros"), &[path("below")]).unwrap();
        assert_eq!(kept(&root.join("macros")), ["libbelow.so"]);
    }
}
