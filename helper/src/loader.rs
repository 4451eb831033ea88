//! Where the dynamic loader of an image would find libraries: ld.so(8), with another root.
//!
//! Nothing outside the root is looked at: links are followed as a program in the image would follow them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::elf::{self, Needs};

/// Directories that the loader searches last: glibc's own, Debian's for each architecture, musl's.
const DEFAULT_DIRECTORIES: [&str; 5] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib"];

/// How many links one path may go through (Linux's MAXSYMLINKS).
const LINKS_MAX: usize = 40;

/// The filesystem of an image.
#[derive(Debug)]
pub(crate) struct Root {
    at: PathBuf,
    configured: Vec<String>,
    library_path: Vec<String>,
}

/// A library that a program needs, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    /// Absolute path in the image.
    pub(crate) path: String,
}

/// Why a program could not start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lack {
    /// No file at the loader's path.
    Interpreter(String),
    /// No library of that name; who needs it.
    Library { name: String, needed_by: String },
    /// The library is there, and older than what the program was linked with.
    Version { library: String, version: String, needed_by: String },
}

impl Root {
    /// The filesystem below `at`; its environment has `library_path` as `LD_LIBRARY_PATH`.
    pub(crate) fn new(at: &Path, library_path: &[String]) -> Root {
        let mut root =
            Root { at: at.to_owned(), configured: Vec::new(), library_path: library_path.to_vec() };
        let mut configured = Vec::new();
        root.read_configuration("/etc/ld.so.conf", &mut configured, 0);
        root.configured = configured;
        root
    }

    /// `/etc/ld.so.conf`: a directory in each line, and patterns of further such files (ldconfig(8)).
    fn read_configuration(&self, path: &str, found: &mut Vec<String>, depth: usize) {
        let Some(text) = self.resolve(path).and_then(|path| fs::read_to_string(path).ok()) else { return };
        for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
            match line.strip_prefix("include ") {
                Some(pattern) if depth < LINKS_MAX => {
                    for path in self.matching(pattern.trim()) {
                        self.read_configuration(&path, found, depth + 1);
                    }
                }
                None if line.starts_with('/') => found.push(line.to_owned()),
                _ => {}
            }
        }
    }

    /// Files that a pattern names: `*` in the last part is all that anyone writes there.
    fn matching(&self, pattern: &str) -> Vec<String> {
        let (directory, name) = pattern.rsplit_once('/').unwrap_or(("/etc", pattern));
        let directory =
            if directory.starts_with('/') { directory.to_owned() } else { format!("/etc/{directory}") };
        let (start, end) = name.split_once('*').unwrap_or((name, ""));
        let entries = self.resolve(&directory).and_then(|path| fs::read_dir(path).ok());
        let mut found: Vec<String> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|file| file.starts_with(start) && file.ends_with(end))
            .map(|file| format!("{directory}/{file}"))
            .collect();
        found.sort();
        found
    }

    /// The file that a path of the image leads to, outside of the image; `None` when it leads nowhere.
    pub(crate) fn resolve(&self, path: &str) -> Option<PathBuf> {
        let mut open: VecDeque<PathBuf> = [PathBuf::from(path)].into();
        let mut inside = PathBuf::new();
        let mut links = 0;
        while let Some(next) = open.pop_front() {
            let mut parts = next.components();
            let Some(part) = parts.next() else { continue };
            let rest = parts.as_path().to_owned();
            if !rest.as_os_str().is_empty() {
                open.push_front(rest);
            }
            match part {
                Component::RootDir | Component::Prefix(_) => inside.clear(),
                Component::CurDir => {}
                Component::ParentDir => {
                    inside.pop();
                }
                Component::Normal(name) => {
                    let here = self.at.join(&inside).join(name);
                    let kind = fs::symlink_metadata(&here).ok()?;
                    if kind.is_symlink() {
                        links += 1;
                        if links > LINKS_MAX {
                            return None;
                        }
                        open.push_front(fs::read_link(&here).ok()?);
                    } else {
                        inside.push(name);
                    }
                }
            }
        }
        Some(self.at.join(inside))
    }

    /// Where it is, outside of the image.
    pub(crate) fn at(&self) -> &Path {
        &self.at
    }

    /// Where in the image a file comes to lie that is written at `path`: what is above it may be a link, as `/lib` is one to
    /// `usr/lib` (Debian 12). What is not there yet will be made.
    pub(crate) fn landing(&self, path: &str) -> PathBuf {
        let path = Path::new(path);
        for above in path.ancestors().skip(1) {
            let real = above.to_str().and_then(|above| self.resolve(above));
            if let (Some(real), Ok(below)) = (real, path.strip_prefix(above)) {
                return real.strip_prefix(&self.at).unwrap_or(Path::new("")).join(below);
            }
        }
        path.strip_prefix("/").unwrap_or(path).to_owned()
    }

    /// What `program`, whose place in the image is `path`, lacks there, and the libraries that it finds.
    /// `also` are directories that are searched for what the image itself does not have.
    pub(crate) fn check(&self, path: &str, program: &Needs) -> (BTreeSet<Lack>, BTreeSet<Found>) {
        let mut lacks = BTreeSet::new();
        let mut found: BTreeMap<String, Option<Found>> = BTreeMap::new();
        let mut provided: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut files = BTreeSet::new();
        if let Some(interpreter) = &program.interpreter {
            match self.resolve(interpreter) {
                Some(_) => {
                    files.insert(Found { path: interpreter.clone() });
                }
                None => {
                    lacks.insert(Lack::Interpreter(interpreter.clone()));
                }
            }
        }
        // DT_RPATH of the program is searched for the libraries of its libraries as well.
        let inherited = if program.own_paths_only { Vec::new() } else { expand(&program.paths, path) };
        let mut open: VecDeque<(String, Needs)> = [(path.to_owned(), program.clone())].into();
        let mut asked = Vec::new();
        while let Some((user, needs)) = open.pop_front() {
            let own = expand(&needs.paths, &user);
            for name in &needs.libraries {
                if found.contains_key(name) {
                    continue;
                }
                let place = self.find(name, &own, &inherited, needs.machine);
                match &place {
                    Some((path, library)) => {
                        provided.insert(name.clone(), library.provides.clone());
                        files.insert(Found { path: path.clone() });
                        open.push_back((path.clone(), library.clone()));
                    }
                    None => {
                        lacks.insert(Lack::Library { name: name.clone(), needed_by: user.clone() });
                    }
                }
                found.insert(name.clone(), place.map(|(path, _)| Found { path }));
            }
            asked.extend(
                needs
                    .versions
                    .iter()
                    .map(|(library, version)| (library.clone(), version.clone(), user.clone())),
            );
        }
        for (library, version, needed_by) in asked {
            // A library without any versions takes what it is asked for (dl_check_map_versions).
            let has = provided.get(&library);
            if has.is_some_and(|has| !has.is_empty() && !has.contains(&version)) {
                lacks.insert(Lack::Version { library, version, needed_by });
            }
        }
        (lacks, files)
    }

    fn find(
        &self,
        name: &str,
        own: &[String],
        inherited: &[String],
        machine: u16,
    ) -> Option<(String, Needs)> {
        let candidates: Vec<String> = if name.contains('/') {
            vec![name.to_owned()]
        } else {
            let directories = inherited.iter().chain(own).chain(&self.library_path).chain(&self.configured);
            let directories = directories.map(String::as_str).chain(DEFAULT_DIRECTORIES);
            directories.map(|directory| format!("{}/{name}", directory.trim_end_matches('/'))).collect()
        };
        let multiarch = multiarch(machine)
            .into_iter()
            .flat_map(|triple| ["/lib", "/usr/lib"].map(|directory| format!("{directory}/{triple}/{name}")));
        candidates.into_iter().chain(multiarch).find_map(|path| {
            let file = fs::File::open(self.resolve(&path)?).ok()?;
            // As the loader does, pass over libraries for other machines.
            let needs = elf::needs(file).ok()??;
            (needs.machine == machine).then_some((path, needs))
        })
    }
}

/// Debian's names of the directories of an architecture.
fn multiarch(machine: u16) -> Option<&'static str> {
    Some(match machine {
        object::elf::EM_X86_64 => "x86_64-linux-gnu",
        object::elf::EM_AARCH64 => "aarch64-linux-gnu",
        object::elf::EM_386 => "i386-linux-gnu",
        object::elf::EM_ARM => "arm-linux-gnueabihf",
        object::elf::EM_RISCV => "riscv64-linux-gnu",
        object::elf::EM_PPC64 => "powerpc64le-linux-gnu",
        object::elf::EM_S390 => "s390x-linux-gnu",
        _ => return None,
    })
}

/// Search paths with `$ORIGIN` replaced by the directory of the file that has them.
fn expand(paths: &[String], file: &str) -> Vec<String> {
    let origin = file.rsplit_once('/').map_or("", |(directory, _)| directory);
    paths.iter().map(|path| path.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_inside_the_root() {
        let owner = tempfile::tempdir().unwrap();
        let at = owner.path();
        fs::create_dir_all(at.join("usr/lib")).unwrap();
        fs::write(at.join("usr/lib/libx.so.1.2"), "").unwrap();
        symlink("libx.so.1.2", at.join("usr/lib/libx.so.1")).unwrap();
        symlink("usr/lib", at.join("lib")).unwrap();
        symlink("/usr/lib/libx.so.1", at.join("absolute")).unwrap();
        symlink("../../../../etc/passwd", at.join("outside")).unwrap();
        symlink("around", at.join("around")).unwrap();
        let root = Root::new(at, &[]);
        let place = Some(at.join("usr/lib/libx.so.1.2"));
        assert_eq!(root.resolve("/lib/libx.so.1"), place);
        assert_eq!(root.resolve("/absolute"), place);
        assert_eq!(root.resolve("/outside"), None, "the machine has an /etc/passwd, the image does not");
        assert_eq!(root.resolve("/around"), None);
    }

    #[test]
    fn configured_directories_are_read_with_what_they_include() {
        let owner = tempfile::tempdir().unwrap();
        let at = owner.path();
        fs::create_dir_all(at.join("etc/ld.so.conf.d")).unwrap();
        fs::write(at.join("etc/ld.so.conf"), "include /etc/ld.so.conf.d/*.conf\n# a comment\n/opt/lib\n")
            .unwrap();
        fs::write(at.join("etc/ld.so.conf.d/b.conf"), "/b # here\n").unwrap();
        fs::write(at.join("etc/ld.so.conf.d/a.conf"), "/a\n").unwrap();
        fs::write(at.join("etc/ld.so.conf.d/not"), "/c\n").unwrap();
        assert_eq!(Root::new(at, &[]).configured, ["/a", "/b", "/opt/lib"]);
    }

    #[test]
    fn this_test_starts_here_and_not_in_an_empty_image() {
        let program = elf::needs(fs::File::open(std::env::current_exe().unwrap()).unwrap()).unwrap().unwrap();
        let (lacks, found) = Root::new(Path::new("/"), &[]).check("/bin/test", &program);
        assert_eq!(lacks, BTreeSet::new());
        assert!(found.iter().any(|found| found.path.contains("libc.so")), "{found:?}");
        let empty = tempfile::tempdir().unwrap();
        let (lacks, found) = Root::new(empty.path(), &[]).check("/bin/test", &program);
        assert!(found.is_empty());
        assert!(lacks.iter().any(|lack| matches!(lack, Lack::Interpreter(_))), "{lacks:?}");
        assert!(lacks.iter().any(|lack| matches!(lack, Lack::Library { name, .. } if name == "libc.so.6")));
    }

    #[test]
    fn a_newer_version_than_the_library_has_is_a_lack() {
        let mut program =
            elf::needs(fs::File::open(std::env::current_exe().unwrap()).unwrap()).unwrap().unwrap();
        program.versions.insert(("libc.so.6".to_owned(), "GLIBC_9.99".to_owned()));
        let (lacks, _) = Root::new(Path::new("/"), &[]).check("/bin/test", &program);
        let lack = Lack::Version {
            library: "libc.so.6".to_owned(),
            version: "GLIBC_9.99".to_owned(),
            needed_by: "/bin/test".to_owned(),
        };
        assert_eq!(lacks, [lack].into());
    }

    #[test]
    fn origin_is_the_directory_of_the_file() {
        let paths = ["$ORIGIN/../lib".to_owned(), "/x".to_owned()];
        assert_eq!(expand(&paths, "/opt/app/bin/server"), ["/opt/app/bin/../lib", "/x"]);
    }
}
