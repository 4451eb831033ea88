//! `longshore-helper install`: has the image's own package manager install what build scripts need.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use longshore_helper::install::InstallRequest;

use crate::console::say;
use crate::environment::{self, Environment};
use crate::problem::{Problem, Result};
use crate::process;
use crate::runner::Verdict;

/// What package managers keep that no step needs.
const LEFT_OVERS: [&str; 3] = ["var/lib/apt/lists", "var/cache/apt/archives", "var/cache/apk"];

/// Installs, or says why not.
pub(crate) fn install(request: &InstallRequest) -> Result<Verdict> {
    install_in(Path::new("/"), request, environment::base())
}

/// Installs, and leaves in `root` nothing of what package managers keep.
fn install_in(root: &Path, request: &InstallRequest, mut environment: Environment) -> Result<Verdict> {
    let packages: Vec<&str> = request.packages.iter().map(String::as_str).collect();
    let commands: Vec<Vec<&str>> = if has("apt-get", &environment) {
        environment.insert("DEBIAN_FRONTEND".into(), "noninteractive".into());
        let architectures = architectures(&packages);
        let mut commands: Vec<Vec<&str>> =
            architectures.into_iter().map(|name| vec!["dpkg", "--add-architecture", name]).collect();
        commands.push(vec!["apt-get", "--quiet", "update", "--option", "Acquire::Retries=3"]);
        let install = [
            "apt-get",
            "--quiet",
            "install",
            "--yes",
            "--no-install-recommends",
            "--option",
            "Acquire::Retries=3",
        ];
        commands.push([&install, packages.as_slice()].concat());
        commands
    } else if has("apk", &environment) {
        vec![[&["apk", "add", "--no-cache"], packages.as_slice()].concat()]
    } else {
        say!("error: the toolchain image has neither apt-get nor apk, so nothing can be installed by name");
        say!("help: install it with lines of `builder.setup`, or take another image as `toolchain`");
        return Ok(Verdict::Failed);
    };
    for command in commands {
        let (program, args) = command.split_first().expect("a command has a program");
        let finished = process::run_showing_stderr(
            Command::new(program).args(args).env_clear().envs(&environment).current_dir(root),
        )
        .map_err(|error| Problem::io(format_args!("start `{program}`"), &error))?;
        say!("{}", String::from_utf8_lossy(&finished.stdout).trim_end());
        if !finished.status.success() {
            let said = String::from_utf8_lossy(&finished.stderr).into_owned();
            say!("error: `{}` failed ({})", command.join(" "), finished.status);
            say!("help: {}", help(&said));
            return Ok(Verdict::Failed);
        }
    }
    for directory in LEFT_OVERS.map(|directory| root.join(directory)) {
        // What cannot be removed only takes space.
        let _ = fs::remove_dir_all(&directory).and_then(|()| fs::create_dir_all(&directory));
    }
    Ok(Verdict::Passed)
}

/// Whether `PATH` has the program.
pub(crate) fn has(program: &str, environment: &Environment) -> bool {
    let path = environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Architectures that packages are asked for besides the image's own; `dpkg` takes its own name as well.
fn architectures<'a>(packages: &[&'a str]) -> BTreeSet<&'a str> {
    let named = packages.iter().filter_map(|package| package.split('=').next()?.split_once(':'));
    named
        .map(|(_, architecture)| architecture)
        .filter(|name| !["any", "native", "all"].contains(name))
        .collect()
}

fn help(said: &str) -> String {
    let unknown = said.lines().find_map(|line| {
        let line = line.trim();
        line.strip_prefix("E: Unable to locate package ")
            .or_else(|| line.strip_suffix(" (no such package):").map(str::trim))
    });
    match unknown {
        Some(name) => format!(
            "the image's distribution has no package `{name}`; look for its name there, or take an image of a newer \
             distribution as `toolchain`"
        ),
        None if said.contains("Temporary failure resolving") || said.contains("Could not connect") => {
            "this step has the builder's network; `--build-arg http_proxy=…` names a proxy, `--add-host` a host".to_owned()
        }
        None => "what the package manager said is above".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_was_only_looked_up_is_not_kept() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("bin")).unwrap();
        fs::create_dir_all(at("var/lib/apt/lists")).unwrap();
        let shell = "#!/bin/sh\necho \"$3\" >>var/lib/apt/lists/asked\ncp var/lib/apt/lists/asked .\n";
        fs::write(at("bin/apt-get"), shell).unwrap();
        fs::set_permissions(at("bin/apt-get"), fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", at("bin").display());
        let request = InstallRequest { packages: vec!["cmake".to_owned()] };
        let verdict = install_in(root.path(), &request, [("PATH".into(), path.into())].into()).unwrap();
        assert_eq!(verdict, Verdict::Passed);
        assert_eq!(fs::read_to_string(at("asked")).unwrap(), "--option\n--yes\n");
        assert_eq!(fs::read_dir(at("var/lib/apt/lists")).unwrap().count(), 0);
    }

    #[test]
    fn architectures_are_told_to_dpkg() {
        let named = architectures(&[
            "libssl-dev:arm64",
            "zlib1g-dev:arm64=1:1.2",
            "cmake=3.25:1",
            "gcc",
            "g++:native",
        ]);
        assert_eq!(named.into_iter().collect::<Vec<_>>(), ["arm64"]);
    }

    #[test]
    fn a_package_that_there_is_none_of_is_named() {
        assert!(help("E: Unable to locate package libnone-dev\n").contains("`libnone-dev`"));
        assert!(
            help("ERROR: unable to select packages:\n  libnone-dev (no such package):\n")
                .contains("`libnone-dev`")
        );
        assert!(help("Temporary failure resolving 'deb.debian.org'").contains("proxy"));
    }
}
