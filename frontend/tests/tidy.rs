//! House rules as tests: what `ARCHITECTURE.md` promises, and what no compiler checks.
//!
//! Every rule is a function from a file to complaints, so that a rule can itself be tried on a file that breaks it.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 500;

/// A module of the frontend as `ARCHITECTURE.md` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Module {
    name: String,
    is_async: bool,
    is_protobuf: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files of the repository that people wrote, by path relative to its root.
fn files(extension: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let last = name.rsplit('/').next().unwrap();
            // Hidden directories are tools' own, `gen` and recordings are written by programs.
            if path.is_dir() && !last.starts_with('.') && !["target", "gen", "recorded"].contains(&last) {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// Our own sources: not those of projects that are input, nor of what must not compile.
fn sources() -> BTreeMap<String, String> {
    let mut sources = files("rs");
    sources.retain(|path, _| !path.starts_with("testdata/") && !path.starts_with("llb/tests/misuse/"));
    assert!(sources.len() > 100, "only {} sources were found", sources.len());
    sources
}

/// A source without its comments and unit tests: what the rules on imports and calls are about.
fn code_of(path: &str, text: &str) -> String {
    if path.ends_with("/tests.rs") || path.contains("/tests/") {
        return String::new();
    }
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The rows of the table of modules.
fn modules(architecture: &str) -> Vec<Module> {
    let section =
        architecture.split("## Modules of the frontend").nth(1).expect("there is a section on modules");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let marks: BTreeSet<&str> = cells[2].split(", ").collect();
        Module {
            name: cells[1].trim_matches('`').to_owned(),
            is_async: marks.contains("async"),
            is_protobuf: marks.contains("protobuf"),
        }
    })
    .collect()
}

/// The module of the frontend that a file belongs to; `main` and `lib` are above all.
fn module_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix("frontend/src/")?.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (!["main", "lib"].contains(&name)).then_some(name)
}

fn imports_go_up(path: &str, text: &str, modules: &[Module]) -> Vec<String> {
    let Some(own) = module_of(path) else { return Vec::new() };
    let place = |name: &str| modules.iter().position(|module| module.name == name);
    let Some(at) = place(own) else { return vec![format!("{path}: `{own}` is not in ARCHITECTURE.md")] };
    let used = imported(&code_of(path, text)).into_iter().filter(|name| name != own);
    let below = used.filter(|name| place(name).is_none_or(|other| other > at));
    below.map(|name| format!("{path}: `{own}` imports `{name}`, which is not above it")).collect()
}

/// Names that follow `crate::`, alone or as the first level of a `use` in braces.
fn imported(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            found.insert(first_name(after));
            continue;
        };
        let mut depth = 0;
        let mut entry = String::new();
        for char in list.chars() {
            match char {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.insert(first_name(&std::mem::take(&mut entry)));
                }
                _ if depth == 0 => entry.push(char),
                _ => {}
            }
        }
        found.insert(first_name(&entry));
    }
    found.remove("");
    found
}

fn first_name(text: &str) -> String {
    text.trim_start().chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}

fn marks_hold(path: &str, text: &str, modules: &[Module]) -> Vec<String> {
    let module = module_of(path).and_then(|name| modules.iter().find(|module| module.name == name));
    let Some(module) = module else { return Vec::new() };
    let code = code_of(path, text);
    let mut problems = Vec::new();
    if !module.is_async && (code.contains("async ") || code.contains(".await")) {
        problems.push(format!("{path}: `{}` is not marked async", module.name));
    }
    if !module.is_protobuf && code.contains("buildkit_proto") {
        problems.push(format!("{path}: `{}` is not marked protobuf", module.name));
    }
    problems
}

/// What stands where it must not: the text, where that is, and what to do instead.
fn forbidden(path: &str, text: &str) -> Vec<String> {
    let code = code_of(path, text);
    let in_frontend = path.starts_with("frontend/src/");
    let in_llb = path.starts_with("llb/src/");
    let is_door = path.starts_with("frontend/src/gateway/") || path == "frontend/src/main.rs";
    let rules: [(bool, &str, &[&str], &str); 6] = [
        (true, text, &[concat!("Hash", "Map"), concat!("Hash", "Set")], "order reaches digests; use a BTree"),
        (
            true,
            text,
            &[
                concat!("to", "do!("),
                concat!("un", "implemented!("),
                concat!("TO", "DO"),
                concat!("FIX", "ME"),
                concat!("db", "g!("),
            ],
            "finish it",
        ),
        (
            in_frontend || in_llb,
            &code,
            &["env::var", "env::args", "env::current_", "env::temp_dir"],
            "only `main` reads the environment",
        ),
        (
            in_frontend || in_llb,
            &code,
            &["Command::new", "process::Command"],
            "only the helper starts processes",
        ),
        (
            in_frontend || in_llb,
            &code,
            &[" println!(", " print!(", "io::stdout"],
            "stdout is the connection to BuildKit",
        ),
        (
            !path.starts_with("frontend/tests/"),
            &code,
            &[concat!("/wor", "k/"), concat!("/ho", "me/")],
            "no paths of a machine",
        ),
    ];
    let mut problems = Vec::new();
    for (applies, where_, words, why) in rules {
        for word in words.iter().filter(|word| applies && where_.contains(**word)) {
            let is_exempt = is_door && (word.contains("env") || word.contains("stdout"));
            if !is_exempt {
                problems.push(format!("{path}: `{}`: {why}", word.trim()));
            }
        }
    }
    problems
}

fn shape(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !text.starts_with("//! ") {
        problems.push(format!("{path}: does not open with `//!`"));
    }
    let lines = text.lines().count();
    // Goldens of a test may be long.
    if lines > LINES_MAX && path.contains("/src/") {
        problems.push(format!("{path}: {lines} lines are about two things"));
    }
    if path.ends_with("/mod.rs") {
        problems.push(format!("{path}: is called `mod.rs`"));
    }
    problems
}

fn dependencies_have_reasons(manifest: &str) -> Vec<String> {
    let table = manifest.split("[workspace.dependencies]\n").nth(1).unwrap_or_default();
    let table = table.split("\n[").next().unwrap_or_default();
    let lines = table.lines().filter(|line| line.contains(" = ") && !line.contains("{ path ="));
    let without = lines.filter(|line| line.split_once(" # ").is_none_or(|(_, why)| why.trim().len() < 10));
    without.map(|line| format!("Cargo.toml: no reason for `{line}`")).collect()
}

/// Words in backticks that are paths of the repository: with a slash or an extension, and no sign of anything else.
fn paths_named(text: &str) -> BTreeSet<&str> {
    let spans = text.split('`').skip(1).step_by(2);
    spans
        .filter(|span| {
            let is_plain = span.chars().all(|char| char.is_ascii_alphanumeric() || "/._-".contains(char));
            let known = [".rs", ".md", ".toml", ".txt"].iter().any(|end| span.ends_with(end));
            is_plain && !span.starts_with(['/', '.', '-']) && (span.contains('/') || known)
        })
        .collect()
}

fn complain(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_module_imports_only_what_stands_above_it() {
    let modules = modules(&read("ARCHITECTURE.md"));
    complain(sources().iter().flat_map(|(path, text)| imports_go_up(path, text, &modules)).collect());
}

#[test]
fn only_marked_modules_wait_or_speak_protobuf() {
    let modules = modules(&read("ARCHITECTURE.md"));
    complain(sources().iter().flat_map(|(path, text)| marks_hold(path, text, &modules)).collect());
}

#[test]
fn the_map_names_every_module_and_no_other() {
    let named: BTreeSet<String> =
        modules(&read("ARCHITECTURE.md")).into_iter().map(|module| module.name).collect();
    let lib = read("frontend/src/lib.rs");
    let lines = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    assert_eq!(named, lines.map(str::to_owned).collect());
}

#[test]
fn every_path_on_the_map_exists() {
    let map = read("ARCHITECTURE.md");
    let paths = paths_named(&map);
    assert!(paths.len() > 20, "{paths:?}");
    let not_ours = ["Cargo.lock", "Cargo.toml"];
    let missing = paths.into_iter().filter(|path| !not_ours.contains(path) && !root().join(path).exists());
    complain(missing.map(|path| format!("ARCHITECTURE.md: there is no {path}")).collect());
}

#[test]
fn nothing_forbidden_is_in_the_sources() {
    complain(sources().iter().flat_map(|(path, text)| forbidden(path, text)).collect());
}

#[test]
fn every_source_opens_with_its_purpose_and_is_short() {
    complain(sources().iter().flat_map(|(path, text)| shape(path, text)).collect());
}

#[test]
fn every_dependency_has_a_reason() {
    complain(dependencies_have_reasons(&read("Cargo.toml")));
}

/// A document that shows a file says which: `<!-- file: PATH -->` before the block.
#[test]
fn files_in_documents_are_those_of_the_repository() {
    let mut shown = 0;
    for (document, text) in files("md") {
        for after in text.split("<!-- file: ").skip(1) {
            let (path, rest) = after.split_once(" -->").unwrap();
            let block = rest.split("```").nth(1).and_then(|block| block.split_once('\n')).unwrap().1;
            assert_eq!(block, read(path), "{document} shows another {path}");
            shown += 1;
        }
    }
    assert!(shown > 1, "only {shown} files are shown");
}

#[test]
fn the_example_of_the_readme_is_a_project_that_is_built() {
    let readme = read("README.md");
    let mut examples = readme.split("```toml\n").skip(1).filter_map(|after| after.split("```").next());
    let example =
        examples.find(|text| text.starts_with("# syntax=")).expect("an example has the syntax line");
    assert!(read("testdata/hello/Cargo.toml").contains(example), "not in testdata/hello:\n{example}");
}

#[test]
fn no_document_names_a_path_of_a_machine() {
    let documents =
        files("md").into_iter().chain(files("toml")).filter(|(_, text)| text.contains(concat!("/wor", "k/")));
    complain(documents.map(|(path, _)| format!("{path}: names a path of a machine")).collect());
}

#[test]
fn the_rules_see_what_breaks_them() {
    let map = "## Modules of the frontend\n| `listing` | protobuf | a |\n| `plan` | | b |\n| `run` | async | c |\n## Next\n| `x` | | |\n";
    let modules = modules(map);
    assert_eq!(modules.len(), 3);
    let plan = "frontend/src/plan/text.rs";
    for (text, complaints) in [
        ("use crate::{\n    listing::Listing,\n    paths,\n    run::{self, run},\n};\n", 2),
        ("fn f() { crate::run::run() }\n", 1),
        ("use crate::listing::{Kind, Listing};\n//! crate::run\n", 0),
        ("#[cfg(test)]\nmod tests {\n    use crate::run;\n", 0),
    ] {
        assert_eq!(imports_go_up(plan, text, &modules).len(), complaints, "{text}");
    }
    assert_eq!(imports_go_up("frontend/src/new.rs", "", &modules).len(), 1);
    for (path, text, complaints) in [
        (plan, "pub async fn f() {}\n", 1),
        (plan, "use buildkit_proto::pb;\n", 1),
        ("frontend/src/run.rs", "pub async fn f() {}\n", 0),
        ("frontend/src/listing.rs", "use buildkit_proto::pb;\n", 0),
    ] {
        assert_eq!(marks_hold(path, text, &modules).len(), complaints, "{path}: {text}");
    }
    for (text, complaints) in [
        (concat!("type A = Hash", "Map<u8, u8>;"), 1),
        (concat!("// FIX", "ME\n"), 1),
        ("fn f() { std::env::var(\"A\"); }", 1),
        ("fn f() { println!(); eprintln!(); }", 1),
        ("fn f() { Command::new(\"rustc\"); }", 1),
        (concat!("const A: &str = \"/wor", "k/x\";"), 1),
        ("const A: &str = env!(\"CARGO_PKG_VERSION\");", 0),
    ] {
        assert_eq!(forbidden(plan, text).len(), complaints, "{text}");
    }
    assert_eq!(forbidden("frontend/src/main.rs", "fn f() { std::env::vars(); }").len(), 0);
    assert_eq!(shape("a/src/mod.rs", &"\n".repeat(LINES_MAX + 1)).len(), 3);
    assert_eq!(
        dependencies_have_reasons(
            "[workspace.dependencies]\na = { path = \"a\" }\nb = \"1\"\nc = \"1\" # parses what users write\n"
        )
        .len(),
        1
    );
    assert_eq!(
        paths_named("`llb/src/a.rs` `a b/c` `/ws` `README.md` `plan` `--x/y`")
            .into_iter()
            .collect::<Vec<_>>(),
        ["README.md", "llb/src/a.rs"]
    );
}
