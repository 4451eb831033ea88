//! Paths in what compilers and build scripts are told: arguments and variables.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::{normalise, resolve};
use crate::paths;

/// Paths of the workspace that command lines and variables name, relative to its root: a linker, a script for it, a
/// directory that cargo's configuration has made absolute. Whether they exist is the caller's to know.
pub fn in_workspace<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<Utf8PathBuf> {
    let root = format!("{}/", paths::WORKSPACE);
    let mut found = BTreeSet::new();
    for text in texts {
        for (at, _) in text.match_indices(&root) {
            let rest = &text[at + root.len()..];
            let end = rest.find([',', ':', ';', '"', '\'', ' ', '\u{1f}']).unwrap_or(rest.len());
            // One that has such a sign in it, or one of several in a text: who looks which exist sees which is meant.
            for path in [&rest[..end], rest] {
                found.extend(normalise(Utf8Path::new(""), path));
            }
        }
    }
    found
}

/// Variables whose values can name files of the workspace that are not the package's own: all but those that cargo has of its
/// own, which name the package.
pub fn configured(env: &BTreeMap<String, String>) -> impl Iterator<Item = &String> {
    let own = |name: &str| name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR";
    env.iter().filter(move |(name, _)| !own(name)).map(|(_, value)| value)
}

/// What rustc takes for a path behind `-C`.
const CODEGEN: &[&str] =
    &["link-arg", "link-args", "linker", "llvm-args", "pre-link-arg", "pre-link-args", "profile-use"];

/// Paths that rustc's arguments name relative to `cwd`, the directory in which it is run: where to search for libraries, and
/// what is handed to the linker. `cwd` and they are relative to the workspace root; the root itself is empty. Most are no
/// paths; whether they exist is the caller's to know.
pub fn in_flags(args: &[String], cwd: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let mut found = BTreeSet::new();
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        let mut value = |names: &[&str]| {
            let rest = names.iter().find_map(|name| arg.strip_prefix(name))?;
            if rest.is_empty() { args.next() } else { Some(rest.trim_start_matches('=')) }
        };
        if let Some(search) = value(&["-L"]) {
            found.extend(resolve(cwd, searched(search)));
        } else if let Some((name, value)) =
            value(&["-C", "-Z", "--codegen"]).and_then(|option| option.split_once('='))
            && CODEGEN.contains(&name)
        {
            found.extend(words(name, value).filter_map(|word| normalise(cwd, word)));
        }
    }
    found
}

/// What cargo tells rustc for a build script that prints `directive`, if that is a flag with which a path can come. Nothing when
/// the script puts something into it (the Cargo book, "Outputs of the Build Script").
pub(super) fn told(directive: &str) -> Vec<String> {
    let said = directive.strip_prefix("cargo::").or_else(|| directive.strip_prefix("cargo:"));
    let Some((key, value)) =
        said.and_then(|said| said.split_once('=')).filter(|(_, value)| !value.contains('{'))
    else {
        return Vec::new();
    };
    let value = value.trim_end();
    let link_arg = |arg: &str| vec!["-C".to_owned(), format!("link-arg={arg}")];
    match key {
        "rustc-flags" => value.split_whitespace().map(str::to_owned).collect(),
        "rustc-link-search" => vec!["-L".to_owned(), value.to_owned()],
        "rustc-link-arg"
        | "rustc-link-arg-bins"
        | "rustc-link-arg-examples"
        | "rustc-link-arg-cdylib"
        | "rustc-cdylib-link-arg" => link_arg(value),
        "rustc-link-arg-bin" => value.split_once('=').map_or_else(Vec::new, |(_, arg)| link_arg(arg)),
        _ => Vec::new(),
    }
}

/// `-L KIND=PATH`, less the kind.
fn searched(search: &str) -> &str {
    const KINDS: &[&str] = &["all", "crate", "dependency", "framework", "native"];
    match search.split_once('=') {
        Some((kind, path)) if KINDS.contains(&kind) => path,
        _ => search,
    }
}

/// What may be a path in the value of a codegen option. A program without `/` is searched for in `PATH`.
fn words<'a>(name: &str, value: &'a str) -> impl Iterator<Item = &'a str> {
    let is_program = name == "linker";
    let all = value.split(['=', ',', ':', ' ']).map(|word| {
        // Scripts, directories and programs of linkers, in one word with their option.
        ["-T", "-L", "-B"].iter().find_map(|option| word.strip_prefix(option)).unwrap_or(word)
    });
    all.filter(move |word| !word.starts_with('-') && (!is_program || word.contains('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_configurations_name_is_found_in_command_lines() {
        let texts = [
            "linker=/ws/tools/our-gcc",
            "link-arg=-Wl,-T/ws/board/../memory.x,-z,now",
            "/opt/ws",
            "src/main.rs",
            "/ws",
            "/ws/my files/a",
        ];
        let found: Vec<String> = in_workspace(texts).into_iter().map(String::from).collect();
        assert_eq!(found, ["memory.x", "memory.x,-z,now", "my", "my files/a", "tools/our-gcc"]);
    }

    fn check_flags(cwd: &str, args: &str, expected: &str) {
        let args: Vec<String> = args.split('|').map(str::to_owned).collect();
        let found: Vec<String> = in_flags(&args, Utf8Path::new(cwd)).into_iter().map(String::from).collect();
        assert_eq!(found.join(" "), expected, "{args:?}");
    }

    #[test]
    fn directories_of_libraries_are_relative_to_where_rustc_runs() {
        for args in ["-L|native=libs", "-Lnative=libs", "-L|libs", "-Llibs", "-L|framework=./libs/"] {
            check_flags("", args, "libs");
            check_flags("rust", args, "rust/libs");
        }
        check_flags("rust", "-L|native=../libs", "libs");
        check_flags("rust", "-L|native=.", "rust");
        assert_eq!(in_flags(&["-L.".to_owned()], Utf8Path::new("")), BTreeSet::from(["".into()]));
        check_flags("", "-L|dependency=/longshore/target/release/deps|-L|/usr/lib|-L|../x|-L", "");
    }

    #[test]
    fn what_is_for_the_linker_is_relative_too() {
        for (args, expected) in [
            ("-C|link-arg=-Tlinker.ld", "linker.ld"),
            ("-Clink-arg=-Tboard/linker.ld", "board/linker.ld"),
            ("--codegen=link-arg=board/start.o", "board/start.o"),
            ("--codegen|link-arg=board/start.o", "board/start.o"),
            ("-Clink-args=-Llibs -T linker.ld", "libs linker.ld"),
            ("-Clink-arg=-Wl,--version-script=a.map,-T,b.ld", "a.map b.ld"),
            ("-C|linker=tools/cc", "tools/cc"),
            ("-C|linker=clang", ""),
            ("-C|profile-use=pgo/merged.profdata", "pgo/merged.profdata"),
            ("-Zpre-link-args=start.o", "start.o"),
        ] {
            check_flags("", args, expected);
        }
    }

    #[test]
    fn build_scripts_tell_rustc_where_to_look() {
        for (directive, expected) in [
            ("cargo:rustc-link-search=native=libs", "libs"),
            ("cargo::rustc-link-search=libs\n", "libs"),
            ("cargo:rustc-flags=-L libs -lx", "libs"),
            ("cargo:rustc-link-arg=-Tboard/x.ld", "board/x.ld"),
            ("cargo:rustc-link-arg-bin=app=-Wl,--version-script=app.map", "app.map"),
            ("cargo::rustc-link-arg-bins=start.o", "start.o"),
            ("cargo:rustc-cdylib-link-arg=start.o", "start.o"),
            ("cargo:rustc-link-search={dir}", ""),
            ("cargo:rustc-link-search={}/libs", ""),
            ("cargo:rustc-link-arg-tests=-Tx.ld", ""),
            ("cargo:rustc-link-lib=z", ""),
            ("cargo:rustc-link-search", ""),
            ("rustc-link-search=libs", ""),
        ] {
            check_flags("", &told(directive).join("|"), expected);
        }
    }

    #[test]
    fn what_is_no_path_for_rustc_is_none() {
        check_flags(
            "",
            "-C|target-cpu=native|-C|opt-level=3|--crate-name|app|app/src/main.rs|-C|lto|--cfg|a=\"b\"",
            "",
        );
    }
}
