//! Packages as registries serve them: archives, unpacked where their files belong.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use longshore_helper::archive_of;
use longshore_helper::recording::Excerpt;

use crate::files;
use crate::problem::{Doing, Problem, Result};

/// Longer manifests are refused: a crafted archive must not fill memory. Cargo reads any (`read_toml_string` in its
/// `util/toml/mod.rs`), of an archive whose size it limits (`max_unpack_size` in `sources/registry/mod.rs`).
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// Unpacks the archive of the package that belongs at `place`.
pub(crate) fn unpack(place: &Path) -> Result<()> {
    unpack_from(&file_of(place), place)
}

fn unpack_from(file: &Path, place: &Path) -> Result<()> {
    let (parent, name) = parts(place)?;
    fs::create_dir_all(parent).doing("create", parent)?;
    let mut archive = open(file)?;
    for entry in archive.entries().doing("read", file)? {
        let mut entry = entry.doing("read", file)?;
        let path = entry.path().doing("read", file)?.into_owned();
        // By that name cargo marks what it has unpacked (`unpack` in its `sources/registry/mod.rs`).
        if relative(&path, name, file)?.file_name().is_some_and(|name| name == ".cargo-ok") {
            continue;
        }
        entry.unpack_in(parent).doing("unpack", file)?;
    }
    Ok(())
}

/// What cargo reads of the package that belongs at `place` when it plans: its manifest, and its sources' names (see
/// `recorder/skeleton.rs`). `checksum` is the archive's, where it is known.
pub(crate) fn excerpt(place: &Path, checksum: Option<&str>) -> Result<Excerpt> {
    excerpt_from(&file_of(place), place, checksum)
}

fn excerpt_from(file: &Path, place: &Path, checksum: Option<&str>) -> Result<Excerpt> {
    let (_, name) = parts(place)?;
    let mut excerpt = Excerpt {
        checksum: checksum.map_or_else(|| files::sha256(file), |known| Ok(known.to_owned()))?,
        bytes: file.metadata().doing("look at", file)?.len(),
        manifest: None,
        names: Vec::new(),
    };
    let mut archive = open(file)?;
    for entry in archive.entries().doing("read", file)? {
        let mut entry = entry.doing("read", file)?;
        let path = entry.path().doing("read", file)?.into_owned();
        let path = relative(&path, name, file)?;
        if path == Path::new("Cargo.toml") {
            let mut text = String::new();
            if entry.size() > MANIFEST_BYTES_MAX {
                let (path, max) = (path.display(), MANIFEST_BYTES_MAX >> 20);
                return Err(Problem::new(format!("{}: `{path}` is larger than {max} MiB", file.display())));
            }
            entry.by_ref().take(MANIFEST_BYTES_MAX).read_to_string(&mut text).doing("read", file)?;
            let is_complete = names_its_targets(&text);
            excerpt.manifest = Some(text);
            // Nothing after it is looked for.
            if is_complete {
                break;
            }
        } else if (path.extension().is_some_and(|extension| extension == "rs") || is_readme(path))
            && entry.header().entry_type().is_file()
            // Cargo finds no target by another name.
            && let Some(path) = path.to_str()
        {
            excerpt.names.push(path.to_owned());
        }
    }
    excerpt.names.sort();
    Ok(excerpt)
}

/// Lays out what cargo reads of a package where the package belongs.
pub(crate) fn lay_out(excerpt: &Excerpt, place: &Path) -> Result<()> {
    fs::create_dir_all(place).doing("create", place)?;
    let write = |name: &str, text: &str| {
        let to = place.join(name);
        fs::write(&to, text).doing("write", &to)
    };
    // Cargo reads a directory source only with this file; an empty list of files turns its own check off, and the
    // archive's checksum is what the lock file is compared with (cargo's `sources/directory.rs`).
    write(".cargo-checksum.json", &format!(r#"{{"files":{{}},"package":"{}"}}"#, excerpt.checksum))?;
    for name in &excerpt.names {
        create_empty(&place.join(name))?;
    }
    excerpt.manifest.iter().try_for_each(|text| write("Cargo.toml", text))
}

/// What `CARGO_PKG_README` is in a manifest that says nothing of it (`default_readme_from_package_root` in cargo's
/// `util/toml/mod.rs`).
fn is_readme(path: &Path) -> bool {
    ["README.md", "README.txt", "README"].iter().any(|name| path == Path::new(name))
}

fn create_empty(path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).doing("create", parent)?;
    }
    OpenOptions::new().write(true).create(true).truncate(false).open(path).map(drop).doing("create", path)
}

/// Whether cargo looks for no file of this package: since 1.80 it publishes manifests that name every target and turn
/// discovery off (`prepare_targets_for_publish` in its `util/toml/mod.rs`).
fn names_its_targets(manifest: &str) -> bool {
    const OFF: [&str; 5] = [
        "autolib = false",
        "autobins = false",
        "autoexamples = false",
        "autotests = false",
        "autobenches = false",
    ];
    let head: Vec<&str> = manifest
        .lines()
        .skip_while(|line| *line != "[package]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .collect();
    OFF.iter().all(|off| head.contains(off)) && head.iter().any(|line| line.starts_with("build = "))
}

fn open(file: &Path) -> Result<tar::Archive<GzDecoder<File>>> {
    Ok(tar::Archive::new(GzDecoder::new(File::open(file).doing("open", file)?)))
}

fn file_of(place: &Path) -> PathBuf {
    PathBuf::from(archive_of(&place.to_string_lossy()))
}

/// The directory above, and the name that everything in the archive begins with.
fn parts(place: &Path) -> Result<(&Path, &Path)> {
    match (place.parent(), place.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, Path::new(name))),
        _ => Err(Problem::new(format!("`{}` is no place for a package", place.display()))),
    }
}

/// What a path in the archive is within the package; cargo refuses others too (`unpack` in its
/// `sources/registry/mod.rs`).
fn relative<'a>(path: &'a Path, name: &Path, file: &Path) -> Result<&'a Path> {
    let inside = path.strip_prefix(name).ok();
    inside.filter(|path| path.components().all(|part| matches!(part, Component::Normal(_)))).ok_or_else(
        || {
            Problem::io(
                format_args!("unpack `{}`", file.display()),
                &io::Error::other(format!(
                    "it has `{}`, which does not lie in `{}`",
                    path.display(),
                    name.display()
                )),
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    struct Case {
        root: tempfile::TempDir,
    }

    impl Case {
        /// An archive of these files.
        fn new(files: &[(&str, &str)]) -> Self {
            let root = tempfile::tempdir().unwrap();
            let mut tar = tar::Builder::new(Vec::new());
            for (path, text) in files {
                let mut header = tar::Header::new_gnu();
                // As they are: the builder refuses what must be refused here.
                let name = &mut header.as_gnu_mut().unwrap().name;
                name[..path.len()].copy_from_slice(path.as_bytes());
                header.set_size(text.len() as u64);
                header.set_mode(0o644);
                header.set_mtime(1_153_704_088);
                header.set_cksum();
                tar.append(&header, text.as_bytes()).unwrap();
            }
            let mut gzip =
                GzEncoder::new(File::create(root.path().join("a.crate")).unwrap(), Compression::fast());
            gzip.write_all(&tar.into_inner().unwrap()).unwrap();
            gzip.finish().unwrap();
            Case { root }
        }

        fn place(&self) -> PathBuf {
            self.root.path().join("vendor/a-1.0.0")
        }

        fn file(&self) -> PathBuf {
            self.root.path().join("a.crate")
        }

        fn read(&self, path: &str) -> Option<String> {
            fs::read_to_string(self.place().join(path)).ok()
        }
    }

    #[test]
    fn files_lie_where_they_belong() {
        let case = Case::new(&[("a-1.0.0/Cargo.toml", "manifest"), ("a-1.0.0/src/lib.rs", "code")]);
        unpack_from(&case.file(), &case.place()).unwrap();
        assert_eq!(case.read("Cargo.toml").as_deref(), Some("manifest"));
        assert_eq!(case.read("src/lib.rs").as_deref(), Some("code"));
    }

    #[test]
    fn cargos_mark_is_no_file_of_a_package() {
        let case = Case::new(&[
            ("a-1.0.0/.cargo-ok", "crafted"),
            ("a-1.0.0/src/.cargo-ok", ""),
            ("a-1.0.0/b.rs", ""),
        ]);
        unpack_from(&case.file(), &case.place()).unwrap();
        assert_eq!(case.read(".cargo-ok"), None);
        assert_eq!(case.read("src/.cargo-ok"), None);
        assert_eq!(case.read("b.rs").as_deref(), Some(""));
    }

    #[test]
    fn a_manifest_that_would_fill_memory_is_refused() {
        let long = "#".repeat(usize::try_from(MANIFEST_BYTES_MAX).unwrap() + 1);
        let case = Case::new(&[("a-1.0.0/Cargo.toml", &long)]);
        let problem = excerpt_from(&case.file(), &case.place(), Some("0")).unwrap_err().to_string();
        assert!(problem.ends_with("`Cargo.toml` is larger than 16 MiB"), "{problem}");
    }

    #[test]
    fn what_leads_out_is_refused() {
        for path in ["b-1.0.0/x", "a-1.0.0/../x", "/etc/x", "a-1.0.0x"] {
            let case = Case::new(&[(path, "")]);
            let problem = unpack_from(&case.file(), &case.place()).unwrap_err().to_string();
            assert!(problem.contains("which does not lie in `a-1.0.0`"), "{path}: {problem}");
            assert!(excerpt_from(&case.file(), &case.place(), Some("0")).is_err(), "{path}");
        }
    }

    #[test]
    fn cargo_plans_with_manifests_and_names() {
        let case = Case::new(&[
            ("a-1.0.0/Cargo.toml", "[package]\nname = \"a\"\n"),
            ("a-1.0.0/README.md", "text"),
            ("a-1.0.0/src/lib.rs", "code"),
        ]);
        let excerpt = excerpt_from(&case.file(), &case.place(), Some("0123")).unwrap();
        assert_eq!(excerpt.bytes, fs::metadata(case.file()).unwrap().len());
        assert_eq!(excerpt.names, ["README.md", "src/lib.rs"]);
        lay_out(&excerpt, &case.place()).unwrap();
        assert_eq!(case.read("Cargo.toml").as_deref(), Some("[package]\nname = \"a\"\n"));
        assert_eq!(case.read("src/lib.rs").as_deref(), Some(""));
        assert_eq!(case.read("README.md").as_deref(), Some(""));
        assert_eq!(case.read(".cargo-checksum.json").as_deref(), Some(r#"{"files":{},"package":"0123"}"#));
    }

    #[test]
    fn a_manifest_that_names_its_targets_is_enough() {
        let off = "build = false\nautolib = false\nautobins = false\nautoexamples = false\nautotests = false\nautobenches = false\n";
        let complete = format!("# by cargo\n[package]\nname = \"a\"\n{off}\n[lib]\npath = \"src/lib.rs\"\n");
        assert!(names_its_targets(&complete));
        assert!(!names_its_targets(&complete.replace("autobins = false\n", "")));
        assert!(!names_its_targets(&format!("[package]\nname = \"a\"\n[package.metadata]\n{off}")));
        let case = Case::new(&[("a-1.0.0/Cargo.toml", &complete), ("a-1.0.0/src/lib.rs", "")]);
        let excerpt = excerpt_from(&case.file(), &case.place(), None).unwrap();
        assert_eq!(excerpt.names, [""; 0]);
        assert_eq!(excerpt.manifest.as_ref(), Some(&complete));
        assert_eq!(excerpt.checksum, files::sha256(&case.file()).unwrap());
    }
}
