//! Packages of a bundle that could not be compiled.
//!
//! Who needs one package of a bundle has all of them compiled. That another cannot be compiled (for this platform, say) is no
//! reason to fail, and which are needed cannot be told to a vertex that several builds share. So what was said stands in the
//! place of the output, and who uses it fails with these words: in this build, and in those that find the vertex in the cache.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use longshore_helper::spec::{Spec, Step};

use crate::problem::{Doing, Result};

/// In a package's output directory: name and version, then what was said.
const FILE: &str = "unusable.txt";

/// How much is kept of what was said, at most.
const SAID_BYTES_MAX: usize = 8 * 1024;

/// What systems say (`man 3 strerror`), and cargo and compilers of processes that were killed, when the next time may be another.
const OF_THE_MOMENT: [&str; 10] = [
    "Cannot allocate memory",
    "Disk quota exceeded",
    "Input/output error",
    "Killed",
    "No space left on device",
    "Resource temporarily unavailable",
    "Text file busy",
    "Too many open files",
    "memory allocation of",
    "signal: ",
];

/// Whether what was said speaks of the machine and not of the package, which must not be kept.
pub(crate) fn is_of_the_moment(said: &str) -> bool {
    OF_THE_MOMENT.iter().any(|words| said.contains(words))
}

/// Leaves `said` in place of what there is of the package's output.
pub(crate) fn mark(spec: &Spec, said: &str) -> Result<()> {
    let output = Path::new(&spec.output);
    fs::remove_dir_all(output).doing("remove", output)?;
    fs::create_dir_all(output).doing("create", output)?;
    let file = output.join(FILE);
    fs::write(&file, format!("{}\n{}", spec.package, beginning(said))).doing("write", &file)
}

/// Why the package cannot be compiled, if it uses one that could not be.
pub(crate) fn below(spec: &Spec) -> Option<String> {
    let text = told_of(spec).into_iter().find_map(|output| fs::read_to_string(output.join(FILE)).ok())?;
    let (package, said) = text.split_once('\n')?;
    let name = package.split(' ').next().unwrap_or(package);
    Some(format!(
        "{}\nerror: could not compile `{}`, which uses `{package}`, of which the above was said\n\
         help: the result is kept; `--no-cache-filter {name}` compiles `{package}` again",
        said.trim_end(),
        spec.package
    ))
}

/// Directories in which the steps are told of something, and those around them: the packages' outputs are among them.
fn told_of(spec: &Spec) -> BTreeSet<&Path> {
    let mut paths: Vec<&str> = spec.dependencies.iter().map(String::as_str).collect();
    for step in &spec.steps {
        match step {
            Step::Rustc(step) => {
                paths.extend(step.args.iter().filter_map(|arg| arg.split_once('=')).map(|(_, path)| path));
                paths.extend(step.dependency_scripts.iter().map(String::as_str));
            }
            Step::BuildScript(step) => {
                paths.extend(step.links_of_dependencies.iter().map(|(_, path)| path.as_str()));
            }
        }
    }
    let absolute = paths.into_iter().map(Path::new).filter(|path| path.is_absolute());
    absolute.flat_map(Path::ancestors).filter(|path| !path.starts_with(&spec.output)).collect()
}

/// The first of many lines: a compiler's later errors come of its first.
fn beginning(said: &str) -> &str {
    if said.len() <= SAID_BYTES_MAX {
        return said;
    }
    let end = (0..=SAID_BYTES_MAX).rev().find(|end| said.is_char_boundary(*end)).unwrap_or(0);
    said[..end].rsplit_once('\n').map_or(&said[..end], |(head, _)| head)
}

#[cfg(test)]
mod tests {
    use longshore_helper::spec::BuildScript;

    use super::*;
    use crate::schedule::fixture::package;

    #[test]
    fn who_uses_it_is_told_what_was_said() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
        let socket =
            Spec { package: "socket2 0.6.1".to_owned(), output: path("socket2"), ..package("socket2") };
        fs::create_dir_all(&socket.output).unwrap();
        fs::write(root.path().join("socket2/half.rmeta"), "x").unwrap();
        let user =
            Spec { output: path("user"), dependencies: vec![path("socket2")], ..package("user 1.0.0") };
        let linked = Step::BuildScript(BuildScript {
            links_of_dependencies: vec![("socket".to_owned(), path("socket2/run-0/script.json"))],
            ..script()
        });
        let linked = Spec { output: path("linked"), steps: vec![linked], ..package("linked 1.0.0") };
        let other =
            Spec { output: path("other"), dependencies: vec![path("user")], ..package("other 1.0.0") };
        assert_eq!(below(&user), None);

        mark(&socket, "error: this platform is not supported\n").unwrap();
        assert!(!root.path().join("socket2/half.rmeta").exists());
        assert_eq!(
            below(&user).unwrap(),
            "error: this platform is not supported\n\
             error: could not compile `user 1.0.0`, which uses `socket2 0.6.1`, of which the above was said\n\
             help: the result is kept; `--no-cache-filter socket2` compiles `socket2 0.6.1` again"
        );
        assert!(below(&linked).is_some_and(|why| why.contains("could not compile `linked 1.0.0`")));
        assert_eq!(below(&other), None);
        assert_eq!(below(&socket), None, "it is compiled again");
    }

    fn script() -> BuildScript {
        BuildScript {
            name: "linked (build script)".to_owned(),
            exe: "/h/linked/build".to_owned(),
            cwd: "/vendor/linked".to_owned(),
            env: [].into(),
            out_dir: "/t/linked/out".to_owned(),
            script: "/t/linked/script.json".to_owned(),
            links_of_dependencies: Vec::new(),
            is_told: false,
            double_colon: true,
            link_targets: Vec::new(),
        }
    }

    #[test]
    fn what_the_machine_lacks_is_not_kept() {
        assert!(is_of_the_moment("error: failed to write `/t/x`: No space left on device (os error 28)\n"));
        assert!(is_of_the_moment("cc: fatal error: Killed signal terminated program cc1\n"));
        assert!(!is_of_the_moment("error: mach requires macOS or iOS\n"));
    }

    #[test]
    fn of_many_lines_the_first_are_kept() {
        assert_eq!(beginning("one\ntwo\n"), "one\ntwo\n");
        let many = "é line\n".repeat(10_000);
        let kept = beginning(&many);
        assert!(kept.len() <= SAID_BYTES_MAX && kept.len() > SAID_BYTES_MAX - 10 && kept.ends_with("line"));
    }
}
