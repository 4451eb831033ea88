//! Sources of a package that others than itself read.
//!
//! Cargo leaves every package's sources where they are while it builds; a vertex has those of its own packages. Others need them
//! in three cases, and then they are part of the output:
//!
//! - Code that runs during the build knows the place by `env!("CARGO_MANIFEST_DIR")`, or `CARGO_MANIFEST_PATH`: openssl-src has
//!   OpenSSL there, protoc-bin-vendored a compiler. rustc notes such a use in its dep-info.
//! - A build script names the place: in metadata that other scripts are told (`DEP_SQLITE3_INCLUDE`), or as a search path.
//! - A build script wrote beside the sources, and the package's programs have vertices of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use longshore_helper::HOST_OUTPUTS;
use longshore_helper::spec::{BuildScript, ScriptOutput, Spec, TargetKind};

use crate::console::say;
use crate::environment::Environment;
use crate::problem::{Doing, Problem, Result};
use crate::{files, tree};

/// In an output: trees, each below the place where it belongs.
const KEPT: &str = "sources";
/// The places, sorted.
const PLACES: &str = "sources.json";
/// In an output: files that a build script wrote, each below the place where it belongs.
const WRITTEN: &str = "written";

/// How rustc writes that `env!` was asked for a package's place: name, `=` and value after `# env-dep:` (`write_out_deps` in
/// `src/passes.rs` of its crate `rustc_interface`; cargo reads it by `parse_rustc_dep_info` in its
/// `core/compiler/fingerprint/dep_info.rs`).
const USES_OF_PLACE: [&str; 2] = ["# env-dep:CARGO_MANIFEST_DIR", "# env-dep:CARGO_MANIFEST_PATH"];

/// Puts what others kept where it belongs.
pub(crate) fn show(spec: &Spec) -> Result<()> {
    for output in spec.dependencies.iter().map(Path::new) {
        for place in places(output)? {
            let kept = below(&output.join(KEPT), &place);
            if let Err(error) = show_at(&kept, Path::new(&place)) {
                say!("note: `{place}` cannot be shown to {}: {error}", spec.package);
            }
        }
        lay_over(spec, output)?;
    }
    Ok(())
}

/// Links to what is not there yet. What is there is the vertex's own: a workspace's root is the place of its root package and
/// lies around all others.
fn show_at(kept: &Path, place: &Path) -> io::Result<()> {
    match fs::symlink_metadata(place) {
        Ok(own) if own.is_dir() && kept.is_dir() => {
            tree::names(kept)?.iter().try_for_each(|name| show_at(&kept.join(name), &place.join(name)))
        }
        Ok(_) => Ok(()),
        // A directory and not a link to one: what lies beside it is beside it also for who goes there by `..`.
        Err(_) if kept.is_dir() => {
            fs::create_dir_all(place)?;
            tree::names(kept)?.iter().try_for_each(|name| link(&kept.join(name), &place.join(name)))
        }
        Err(_) => {
            fs::create_dir_all(place.parent().unwrap_or(place))?;
            link(kept, place)
        }
    }
}

fn link(kept: &Path, place: &Path) -> io::Result<()> {
    match unix::fs::symlink(kept, place) {
        // Another package of the vertex was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// After a call of rustc: keeps the sources, if what it compiled runs during the build and knows their place. A procedural
/// macro passes on what it was made from, which nobody who uses it sees.
pub(crate) fn after_rustc(
    spec: &Spec,
    target: &TargetKind,
    environment: &Environment,
    directories: &[PathBuf],
) -> Result<()> {
    if !Path::new(&spec.output).starts_with(HOST_OUTPUTS) {
        return Ok(());
    }
    let is_used_by_others = match target {
        TargetKind::Lib | TargetKind::Cdylib | TargetKind::ProcMacro => true,
        TargetKind::Bin(_) | TargetKind::Example | TargetKind::BuildScript => false,
    };
    if is_used_by_others && know_their_place(directories)? {
        let place = environment.get(OsStr::new("CARGO_MANIFEST_DIR"));
        place.map_or(Ok(()), |place| keep(spec, Path::new(place)))?;
    }
    if *target == TargetKind::ProcMacro {
        for output in spec.dependencies.iter().map(Path::new) {
            for place in places(output)? {
                let kept = below(&output.join(KEPT), &place);
                keep_from(spec, &kept, Path::new(&place))?;
            }
        }
    }
    Ok(())
}

/// After a build script: keeps the sources, if it named their place to others.
pub(crate) fn after_script(spec: &Spec, step: &BuildScript, said: &ScriptOutput) -> Result<()> {
    let metadata = said.metadata.iter().filter(|_| step.is_told).map(|(_, value)| value);
    let arguments = said.linker_args.iter().map(|(_, argument)| argument);
    let mut named = metadata.chain(&said.library_paths).chain(arguments);
    match named.any(|value| names(value, &step.cwd)) {
        true => keep(spec, Path::new(&step.cwd)),
        false => Ok(()),
    }
}

/// Whether a value has the place in it, and not one that only begins like it.
fn names(value: &str, place: &str) -> bool {
    value.match_indices(place).any(|(at, _)| {
        let next = value[at + place.len()..].chars().next();
        next.is_none_or(|next| !(next.is_alphanumeric() || "-_.+".contains(next)))
    })
}

fn know_their_place(directories: &[PathBuf]) -> Result<bool> {
    for directory in directories {
        for name in tree::names(directory).doing("list", directory)? {
            if name.extension().is_some_and(|extension| extension == "d") {
                let path = directory.join(name);
                let text = fs::read(&path).doing("read", &path)?;
                let is_use = |line: &str| USES_OF_PLACE.iter().any(|known| line.starts_with(known));
                if String::from_utf8_lossy(&text).lines().any(is_use) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn keep(spec: &Spec, place: &Path) -> Result<()> {
    keep_from(spec, place, place)
}

fn keep_from(spec: &Spec, from: &Path, place: &Path) -> Result<()> {
    let output = Path::new(&spec.output);
    let mut all = places(output)?;
    let text = place.to_str().ok_or_else(|| Problem::new(format!("`{}` is no text", place.display())))?;
    if !from.is_dir() || !all.insert(text.to_owned()) {
        return Ok(());
    }
    tree::copy(from, &below(&output.join(KEPT), text)).doing("copy", from)?;
    files::write_json(&output.join(PLACES), &all)
}

fn places(output: &Path) -> Result<BTreeSet<String>> {
    let file = output.join(PLACES);
    if file.exists() { files::read_json(&file) } else { Ok(BTreeSet::new()) }
}

fn below(directory: &Path, place: &str) -> PathBuf {
    directory.join(place.trim_start_matches('/'))
}

/// A member's files: what tells whether one was written to since.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, (u64, u64, i64, i64)>);

impl Snapshot {
    /// Of the package's directory; of a package that is no member's, nothing: what its script writes ends with the vertex, in
    /// which all of it is compiled.
    pub(crate) fn new(spec: &Spec) -> Result<Self> {
        let mut snapshot = Self::default();
        if let Some(directory) = own_directory(spec).filter(|directory| directory.is_dir()) {
            snapshot.add(&directory).doing("list", &directory)?;
        }
        Ok(snapshot)
    }

    fn add(&mut self, directory: &Path) -> io::Result<()> {
        for name in tree::names(directory)? {
            let path = directory.join(name);
            let data = fs::symlink_metadata(&path)?;
            if data.is_dir() {
                self.add(&path)?;
            } else {
                self.0.insert(path, (data.ino(), data.len(), data.ctime(), data.ctime_nsec()));
            }
        }
        Ok(())
    }
}

/// After a member's build script: keeps what it wrote beside the sources.
pub(crate) fn after_writing(spec: &Spec, before: &Snapshot) -> Result<()> {
    let written = Path::new(&spec.output).join(WRITTEN);
    for (path, state) in &Snapshot::new(spec)?.0 {
        if before.0.get(path) == Some(state) || !path.metadata().is_ok_and(|data| data.is_file()) {
            continue;
        }
        let to = written.join(path.strip_prefix("/").unwrap_or(path));
        let parent = to.parent().expect("a file is in a directory");
        fs::create_dir_all(parent).and_then(|()| fs::copy(path, &to)).doing("copy", path)?;
    }
    Ok(())
}

/// Removes what a package that is no member's left for members: its build script can write anywhere in its output, and would
/// change what they are compiled from.
pub(crate) fn refuse_written(spec: &Spec) -> Result<()> {
    let written = Path::new(&spec.output).join(WRITTEN);
    if spec.member.is_some() {
        return Ok(());
    }
    match fs::symlink_metadata(&written) {
        Err(_) => Ok(()),
        Ok(data) if data.is_dir() => fs::remove_dir_all(&written).doing("remove", &written),
        Ok(_) => fs::remove_file(&written).doing("remove", &written),
    }
}

/// Lays what the member's own script wrote over the member's files.
fn lay_over(spec: &Spec, output: &Path) -> Result<()> {
    let Some(own) = own_directory(spec) else { return Ok(()) };
    let written = output.join(WRITTEN).join(own.strip_prefix("/").unwrap_or(&own));
    if written.is_dir() {
        tree::copy_over(&written, &own).doing("lay out", &written)?;
    }
    Ok(())
}

/// Where a member's files are.
fn own_directory(spec: &Spec) -> Option<PathBuf> {
    let member = spec.member.as_ref()?;
    Some(Path::new(&member.workspace).join(&member.directory))
}

#[cfg(test)]
mod tests {
    use longshore_helper::spec::Member;

    use super::*;

    fn spec(root: &Path, output: &str, dependencies: &[&str]) -> Spec {
        let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
        Spec {
            report: None,
            unpack: None,
            ledger: None,
            pass_env: Vec::new(),
            yields: Vec::new(),
            secret_env: Vec::new(),
            files: Vec::new(),
            sysroot: None,
            heavy: None,
            package: "a 1.0.0".to_owned(),
            member: Some(Member { directory: "a".to_owned(), workspace: path("ws") }),
            output: path(output),
            cache: None,
            env: BTreeMap::new(),
            dependencies: dependencies.iter().map(|name| path(name)).collect(),
            steps: Vec::new(),
        }
    }

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (file, text) in files {
            let file = root.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }

    fn read(root: &Path, file: &str) -> String {
        fs::read_to_string(root.join(file)).unwrap()
    }

    #[test]
    fn what_was_kept_is_shown_where_it_was() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, &[("vendor/b-1.0.0/templates/one.txt", "one")]);
        let place = root.join("vendor/b-1.0.0");
        keep(&spec(root, "h/b", &[]), &place).unwrap();
        fs::remove_dir_all(root.join("vendor")).unwrap();
        show(&spec(root, "h/a", &["h/b", "h/absent"])).unwrap();
        assert_eq!(read(root, "vendor/b-1.0.0/templates/one.txt"), "one");
        // What is there is the vertex's own.
        write(root, &[("ws/x", "kept"), ("ws/templates/y", "kept"), ("ws/a/z", "kept")]);
        keep(&spec(root, "h/c", &[]), &root.join("ws")).unwrap();
        fs::remove_dir_all(root.join("ws/templates")).unwrap();
        write(root, &[("ws/x", "own"), ("ws/a/z", "own")]);
        show(&spec(root, "h/a", &["h/c"])).unwrap();
        assert_eq!(
            ["x", "templates/y", "a/z"].map(|file| read(root, &format!("ws/{file}"))),
            ["own", "kept", "own"]
        );
    }

    #[test]
    fn only_what_a_script_wrote_is_laid_over_and_only_over_its_own_package() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, &[("ws/a/src/main.rs", "main"), ("ws/a/src/made.rs", "old"), ("ws/b/src/made.rs", "b")]);
        let own = spec(root, "h/a", &[]);
        let before = Snapshot::new(&own).unwrap();
        write(root, &[("ws/a/src/made.rs", "new"), ("ws/a/deep/er/more.rs", "more")]);
        after_writing(&own, &before).unwrap();
        write(root, &[("ws/a/src/main.rs", "edited"), ("ws/a/src/made.rs", "old")]);
        fs::remove_dir_all(root.join("ws/a/deep")).unwrap();
        show(&spec(root, "t/a.bin", &["h/a"])).unwrap();
        assert_eq!(read(root, "ws/a/src/main.rs"), "edited");
        assert_eq!(read(root, "ws/a/src/made.rs"), "new");
        assert_eq!(read(root, "ws/a/deep/er/more.rs"), "more");

        write(root, &[("ws/a/src/made.rs", "old")]);
        let mut other = spec(root, "t/b", &["h/a"]);
        other.member.as_mut().unwrap().directory = "b".to_owned();
        show(&other).unwrap();
        assert_eq!(
            (read(root, "ws/a/src/made.rs"), read(root, "ws/b/src/made.rs")),
            ("old".to_owned(), "b".to_owned())
        );
    }

    #[test]
    fn a_package_of_elsewhere_leaves_nothing_for_members() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let written = "h/a/written/ws/a/build.rs";
        write(root, &[(written, "bad")]);
        let mut spec = spec(root, "h/a", &[]);
        refuse_written(&spec).unwrap();
        assert_eq!(read(root, written), "bad", "a member's own");
        spec.member = None;
        refuse_written(&spec).unwrap();
        assert!(!root.join("h/a/written").exists());
        unix::fs::symlink("/", root.join("h/a/written")).unwrap();
        refuse_written(&spec).unwrap();
        assert!(root.join("h/a/written").symlink_metadata().is_err());
        refuse_written(&spec).unwrap();
    }

    #[test]
    fn a_place_is_named_whole() {
        for value in ["/v/a-1.0", "/v/a-1.0/include", "native=/v/a-1.0/lib", "-I/x;/v/a-1.0;", "\"/v/a-1.0\""]
        {
            assert!(names(value, "/v/a-1.0"), "{value}");
        }
        for value in ["/v/a-1.0.1", "/v/a-1.0-rc", "/v/a-1.", "/V/a-1.0"] {
            assert!(!names(value, "/v/a-1.0"), "{value}");
        }
    }

    #[test]
    fn metadata_counts_where_somebody_is_told() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, &[("ws/a/include/a.h", "h")]);
        let place = root.join("ws/a").to_str().unwrap().to_owned();
        let step = |is_told| BuildScript {
            name: String::new(),
            exe: String::new(),
            cwd: place.clone(),
            env: BTreeMap::new(),
            out_dir: String::new(),
            script: String::new(),
            links_of_dependencies: Vec::new(),
            double_colon: true,
            link_targets: vec![],
            is_told,
        };
        let include = format!("{place}/include");
        let metadata = ScriptOutput {
            metadata: vec![("include".to_owned(), include.clone())],
            ..ScriptOutput::default()
        };
        let path =
            ScriptOutput { library_paths: vec![format!("native={include}")], ..ScriptOutput::default() };
        for (output, is_told, said, is_kept) in [
            ("o1", false, &metadata, false),
            ("o2", true, &metadata, true),
            ("o3", false, &path, true),
            ("o4", true, &ScriptOutput::default(), false),
        ] {
            let spec = spec(root, output, &[]);
            after_script(&spec, &step(is_told), said).unwrap();
            assert_eq!(places(Path::new(&spec.output)).unwrap().len(), usize::from(is_kept), "{output}");
        }
    }

    #[test]
    fn rustc_says_that_a_place_is_known() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &[("a.d", "a: src/lib.rs\n\n# env-dep:CARGO_PKG_NAME=a\n"), ("a.rlib", "")]);
        let directories = [root.path().to_owned()];
        assert!(!know_their_place(&directories).unwrap());
        for place in ["CARGO_MANIFEST_DIR=/v/b-1.0.0", "CARGO_MANIFEST_PATH=/v/b-1.0.0/Cargo.toml"] {
            write(root.path(), &[("b.d", &format!("b: src/lib.rs\n\n# env-dep:{place}\n"))]);
            assert!(know_their_place(&directories).unwrap(), "{place}");
        }
    }
}
