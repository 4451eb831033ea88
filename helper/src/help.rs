//! Says what to do about failures that come from building in a closed container: missing files, no network.
//!
//! Pure functions over what the tools printed; a guess that is not safe is not made.

mod cross;
mod packages;

use std::os::unix::process::ExitStatusExt;
use std::path::{Component, Path, PathBuf};
use std::process::ExitStatus;

use longshore_helper::spec::{Member, Spec};

const SIGKILL: i32 = 9;

/// What resolvers and HTTP clients print when there is no network.
const NETWORK_FAILURES: [&str; 9] = [
    "Temporary failure in name resolution",
    "Name or service not known",
    "Could not resolve host",
    "Couldn't resolve host",
    "failed to lookup address information",
    "Network is unreachable",
    "unable to resolve host address",
    "dns error",
    "Failed to connect to",
];

/// For an error that rustc reported.
pub(crate) fn for_compile_error(message: &str, spec: &Spec, cwd: &str) -> Option<String> {
    if message.starts_with("file not found for module") {
        let text = "if the module's file exists, it is not in the build context: `.dockerignore` excludes it";
        return spec.member.is_some().then(|| text.to_owned());
    }
    if let Some(text) = cross::for_compile_error(message, spec) {
        return Some(text);
    }
    let (_, rest) = message.split_once("couldn't read `")?;
    let (path, reason) = rest.split_once('`')?;
    if !reason.contains("No such file") {
        return None;
    }
    let path = normalise(&Path::new(cwd).join(path));
    if path.starts_with(&spec.output) {
        return Some(format!(
            "`{}` would be an output of the build script of {}, which did not write it",
            path.display(),
            spec.package
        ));
    }
    Some(for_missing_file(&path, spec.member.as_ref()?))
}

/// For a build script that failed, from all that it printed.
pub(crate) fn for_failed_script(said: &str, spec: &Spec) -> Option<String> {
    if let Some(line) =
        said.lines().find(|line| NETWORK_FAILURES.iter().any(|failure| line.contains(failure)))
    {
        return Some(no_network(line.trim(), spec));
    }
    if let Some(text) = cross::for_failed_script(said, spec) {
        return Some(text);
    }
    if let Some(text) = packages::for_failed_script(said, &spec.package) {
        return Some(text);
    }
    let member = spec.member.as_ref()?;
    let is_missing_file = said.contains("No such file or directory") || said.contains("code: NotFound");
    is_missing_file.then(|| {
        format!(
            "if the build script of {} reads a file outside of `{}`, name it in `{}`, relative to the build \
             context:\n{}",
            spec.package,
            shown_directory(member),
            manifest(member),
            inputs("path/to/file")
        )
    })
}

/// For a process that was killed: on a build machine that is nearly always the kernel, short of memory.
pub(crate) fn killed(status: ExitStatus) -> Option<&'static str> {
    (status.signal() == Some(SIGKILL))
        .then_some("the process was killed, most likely because the builder ran out of memory")
}

fn no_network(line: &str, spec: &Spec) -> String {
    let package = &spec.package;
    let remedy = match &spec.member {
        Some(member) => format!(
            "put the file into the workspace and, if it lies outside of `{}`, name it in `{}`:\n{}",
            shown_directory(member),
            manifest(member),
            inputs("path/to/file")
        ),
        None => {
            "use a version or a feature of the package that brings the file along, or that finds it installed"
                .to_owned()
        }
    };
    let name = package.split(' ').next().unwrap_or(package);
    let allowed = format!(
        "or allow it, and its result is not pinned:\n    [workspace.metadata.longshore]\n    crates.{name}.network = true"
    );
    format!(
        "packages are compiled without network, and the build script of {package} tried to use it (`{line}`); {remedy}\n{allowed}"
    )
}

fn for_missing_file(path: &Path, member: &Member) -> String {
    let Ok(relative) = path.strip_prefix(&member.workspace) else {
        return format!(
            "`{}` is outside of the workspace, so it is not there during the build; move it into the workspace",
            path.display()
        );
    };
    let shown = relative.display();
    let manifest = manifest(member);
    let add = format!("add to `{manifest}`:\n{}", inputs(&relative.to_string_lossy()));
    if !relative.starts_with(&member.directory) {
        return format!(
            "`{shown}` is outside of `{}`; if it exists, and `.dockerignore` does not exclude it, {add}",
            member.directory
        );
    }
    let missing =
        format!("`{shown}` is not in the build context: it does not exist, or `.dockerignore` excludes it");
    // The root package's directory contains those of the other members, whose files it does not see either.
    if member.directory.is_empty() {
        format!("{missing}; if it belongs to another member, {add}")
    } else {
        missing
    }
}

fn inputs(path: &str) -> String {
    let quoted = path.replace('\\', "\\\\").replace('"', "\\\"");
    format!("    [package.metadata.longshore]\n    inputs = [\"{quoted}\"]")
}

fn manifest(member: &Member) -> String {
    if member.directory.is_empty() {
        "Cargo.toml".to_owned()
    } else {
        format!("{}/Cargo.toml", member.directory.trim_end_matches('/'))
    }
}

fn shown_directory(member: &Member) -> &str {
    if member.directory.is_empty() { "." } else { &member.directory }
}

/// Resolves `.` and `..` by name alone: the file does not exist, so there is nothing to ask.
fn normalise(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn spec(directory: Option<&str>) -> Spec {
        let member =
            |directory: &str| Member { directory: directory.to_owned(), workspace: "/ws".to_owned() };
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
            package: "app 0.1.0".to_owned(),
            member: directory.map(member),
            output: "/t/app-0.1.0".to_owned(),
            cache: None,
            env: BTreeMap::new(),
            dependencies: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn compile(path: &str, directory: Option<&str>) -> Option<String> {
        let message = format!("couldn't read `{path}`: No such file or directory (os error 2)");
        for_compile_error(&message, &spec(directory), "/ws")
    }

    #[test]
    fn a_file_of_another_member_is_named_with_the_line_to_add() {
        let expected = "`shared/schema.json` is outside of `crates/app`; if it exists, and `.dockerignore` does not \
                        exclude it, add to `crates/app/Cargo.toml`:\n    [package.metadata.longshore]\n    inputs = [\"shared/schema.json\"]";
        for path in ["crates/app/src/../../../shared/schema.json", "/ws/shared/./schema.json"] {
            assert_eq!(compile(path, Some("crates/app")).as_deref(), Some(expected), "{path}");
        }
        let sibling = compile("crates/app-data/x", Some("crates/app")).unwrap();
        assert!(sibling.starts_with("`crates/app-data/x` is outside of `crates/app`"), "{sibling}");
    }

    #[test]
    fn a_file_of_the_member_itself_is_missing() {
        let expected = "`crates/app/src/x.txt` is not in the build context: it does not exist, or `.dockerignore` \
                        excludes it";
        assert_eq!(compile("crates/app/src/x.txt", Some("crates/app")).as_deref(), Some(expected));
        let root = compile("crates/b/x.txt", Some("")).unwrap();
        assert!(root.contains("does not exist, or `.dockerignore`"), "{root}");
        assert!(root.ends_with("inputs = [\"crates/b/x.txt\"]"), "{root}");
    }

    #[test]
    fn a_missing_module_may_be_excluded() {
        let message = "file not found for module `generated`";
        assert!(for_compile_error(message, &spec(Some("")), "/ws").unwrap().contains(".dockerignore"));
        assert_eq!(for_compile_error(message, &spec(None), "/ws"), None);
    }

    #[test]
    fn other_places_have_other_remedies() {
        assert!(compile("../etc/x", Some("")).unwrap().contains("outside of the workspace"));
        assert!(compile("/t/app-0.1.0/out/gen.rs", None).unwrap().contains("did not write it"));
        assert_eq!(compile("src/x.txt", None), None);
        assert_eq!(for_compile_error("mismatched types", &spec(Some("")), "/ws"), None);
        let unreadable = "couldn't read `src/x`: stream did not contain valid UTF-8";
        assert_eq!(for_compile_error(unreadable, &spec(Some("")), "/ws"), None);
    }

    #[test]
    fn attempts_to_use_the_network_are_recognised() {
        for line in [
            "curl: (6) Could not resolve host: example.org",
            "Dns Failed: resolve dns name 'x:443': failed to lookup address information: Temporary failure in name \
             resolution",
            "error sending request: dns error",
            "connect: Network is unreachable",
        ] {
            let text = for_failed_script(&format!("noise\n  {line}\n"), &spec(None)).unwrap();
            for part in
                ["without network", "the build script of app 0.1.0", line, "crates.app.network = true"]
            {
                assert!(text.contains(part), "{part:?} is not in {text}");
            }
        }
        let member = for_failed_script("Could not resolve host: x", &spec(Some("crates/app"))).unwrap();
        assert!(member.contains("`crates/app/Cargo.toml`") && member.contains("inputs = ["), "{member}");
    }

    #[test]
    fn a_missing_file_is_for_members_only() {
        let said =
            "thread 'main' panicked: Os { code: 2, kind: NotFound, message: \"No such file or directory\" }";
        assert!(
            for_failed_script(said, &spec(Some("crates/app"))).unwrap().contains("crates/app/Cargo.toml")
        );
        assert_eq!(for_failed_script(said, &spec(None)), None);
        assert_eq!(for_failed_script("assertion failed", &spec(Some("crates/app"))), None);
    }
}
