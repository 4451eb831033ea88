//! The changes whose cost is measured, as texts of files. Pure: what a file holds is asked of the caller.

use crate::{Result, matrix::Cell, workspaces::Edits};

/// The name of the package and binary that [`Cell::NewMember`] adds.
pub const NEW_MEMBER: &str = "bench-member";

/// The name of the binary that [`Cell::NewBinary`] adds.
pub const NEW_BINARY: &str = "bench-binary";

/// The new text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Relative to the workspace.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// What a cell changes. `serial` becomes part of the code, so that no two edits of a series are the same.
///
/// # Errors
/// A file cannot be read, or does not have what is to be changed.
pub fn changes(
    cell: Cell,
    edits: &Edits,
    serial: u64,
    read: &dyn Fn(&str) -> Result<String>,
) -> Result<Vec<Change>> {
    let change = |path: &str, text: String| Change { path: path.to_owned(), text };
    Ok(match cell {
        Cell::Cold | Cell::NoChange => Vec::new(),
        Cell::Leaf => {
            let text = read(edits.leaf)?;
            vec![change(edits.leaf, format!("{text}\n#[used]\nstatic BENCH_{serial}: u64 = {serial};\n"))]
        }
        Cell::Shared => {
            let text = read(edits.shared)?;
            let function = format!("/// Added.\npub fn bench_{serial}() -> u64 {{\n    {serial}\n}}\n");
            vec![change(edits.shared, format!("{text}\n{function}"))]
        }
        Cell::LockBump => vec![change("Cargo.lock", bumped(&read("Cargo.lock")?, edits)?)],
        Cell::NewMember => {
            let manifest = inserted(&read("Cargo.toml")?, "members = [", &format!("\"{NEW_MEMBER}\", "))?;
            let manifest = with_program(&manifest, NEW_MEMBER)?;
            let dependency = edits.member.dependency;
            vec![
                change("Cargo.toml", manifest),
                change("Cargo.lock", locked(&read("Cargo.lock")?, NEW_MEMBER, dependency)),
                change(
                    &format!("{NEW_MEMBER}/Cargo.toml"),
                    format!(
                        "[package]\nname = \"{NEW_MEMBER}\"\nversion = \"0.1.0\"\nedition = \"2021\"\npublish = false\n\n\
                         [dependencies]\n{dependency} = {{ version = \"*\", default-features = false }}\n"
                    ),
                ),
                change(
                    &format!("{NEW_MEMBER}/src/main.rs"),
                    format!(
                        "fn main() {{\n    println!(\"{{:?}} {serial}\", {});\n}}\n",
                        edits.member.expression
                    ),
                ),
            ]
        }
        Cell::NewBinary => {
            let directory = edits.binary_in;
            let beside = |path: &str| {
                if directory.is_empty() { path.to_owned() } else { format!("{directory}/{path}") }
            };
            let source = format!("src/bin/{NEW_BINARY}.rs");
            let root = with_program(&read("Cargo.toml")?, NEW_BINARY)?;
            let manifest = beside("Cargo.toml");
            let text = if directory.is_empty() { root.clone() } else { read(&manifest)? };
            let text = format!("{text}\n[[bin]]\nname = \"{NEW_BINARY}\"\npath = \"{source}\"\n");
            let mut changes = vec![
                change(&manifest, text),
                change(&beside(&source), format!("fn main() {{\n    println!(\"{serial}\");\n}}\n")),
            ];
            if !directory.is_empty() {
                changes.push(change("Cargo.toml", root));
            }
            changes
        }
    })
}

/// Programs of the workspace once a cell's change is made, given those before.
pub fn programs(cell: Cell, mut programs: Vec<String>) -> Vec<String> {
    match cell {
        Cell::NewMember => programs.push(NEW_MEMBER.to_owned()),
        Cell::NewBinary => programs.push(NEW_BINARY.to_owned()),
        _ => {}
    }
    programs
}

/// The table that makes Longshore build all programs into one image, as the Dockerfiles do.
pub fn image_of_all(programs: &[&str]) -> String {
    let list: Vec<String> = programs.iter().map(|program| format!("\"{program}\"")).collect();
    format!("\n{IMAGE}\nbins = [{}]\n", list.join(", "))
}

const IMAGE: &str = "[workspace.metadata.longshore.images.all]";

/// A workspace's manifest with `bundle`, among its other settings where it has some.
pub fn bundled(manifest: &str, bundle: bool) -> String {
    let setting = format!("{SETTINGS}\nbundle = {bundle}\n");
    let settings = format!("{SETTINGS}\n");
    match manifest.contains(&settings) {
        true => manifest.replacen(&settings, &setting, 1),
        false => format!("{manifest}\n{setting}"),
    }
}

const SETTINGS: &str = "[workspace.metadata.longshore]";

fn with_program(manifest: &str, program: &str) -> Result<String> {
    inserted(manifest, &format!("{IMAGE}\nbins = ["), &format!("\"{program}\", "))
}

fn inserted(text: &str, after: &str, new: &str) -> Result<String> {
    let (before, rest) = text.split_once(after).ok_or_else(|| format!("there is no `{after}`"))?;
    Ok(format!("{before}{after}{new}{rest}"))
}

/// A lock file with the other version of the package that is bumped.
fn bumped(lock: &str, edits: &Edits) -> Result<String> {
    let bump = &edits.bump;
    let entries: Vec<&str> = lock.split("\n\n").collect();
    let found: Vec<usize> =
        (0..entries.len()).filter(|at| name_of(entries[*at]) == Some(bump.name)).collect();
    let [at] = found[..] else {
        return Err(format!("`{}` is locked {} times, not once", bump.name, found.len()).into());
    };
    let line = |line: &str| match line.split_once(" = ").map(|(key, _)| key) {
        Some("version") => format!("version = \"{}\"", bump.version),
        Some("checksum") => format!("checksum = \"{}\"", bump.checksum),
        _ => line.to_owned(),
    };
    let entry: Vec<String> = entries[at].lines().map(line).collect();
    let entry = entry.join("\n") + if at + 1 == entries.len() { "\n" } else { "" };
    if entry == entries[at] {
        return Err(format!("`{}` is {} already", bump.name, bump.version).into());
    }
    let mut entries: Vec<String> = entries.into_iter().map(str::to_owned).collect();
    entries[at] = entry;
    Ok(entries.join("\n\n"))
}

/// A lock file with one more member, where cargo would put it.
fn locked(lock: &str, name: &str, dependency: &str) -> String {
    let entry = format!(
        "[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [\n \"{dependency}\",\n]"
    );
    let mut entries: Vec<String> = lock.trim_end().split("\n\n").map(str::to_owned).collect();
    let at = entries.iter().position(|entry| name_of(entry).is_some_and(|found| found > name));
    entries.insert(at.unwrap_or(entries.len()), entry);
    entries.join("\n\n") + "\n"
}

fn name_of(entry: &str) -> Option<&str> {
    entry.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::{Expect, expect};

    use super::*;
    use crate::workspaces::{Bump, NewMember};

    const EDITS: Edits = Edits {
        leaf: "app/src/main.rs",
        shared: "base/src/lib.rs",
        bump: Bump { name: "itoa", version: "1.0.17", checksum: "ff" },
        member: NewMember { dependency: "itoa", expression: "itoa::Buffer::new().format(1)" },
        binary_in: "app",
    };

    const LOCK: &str = "# Written by cargo.\nversion = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\n\
                        [[package]]\nname = \"itoa\"\nversion = \"1.0.15\"\nsource = \"crates.io\"\nchecksum = \"aa\"\n";

    fn files() -> BTreeMap<String, String> {
        let manifest = format!("[workspace]\nmembers = [\"app\"]\n{}", image_of_all(&["app"]));
        [
            ("Cargo.toml", manifest.as_str()),
            ("Cargo.lock", LOCK),
            ("app/Cargo.toml", "[package]\nname = \"app\"\n"),
            ("app/src/main.rs", "fn main() {}\n"),
            ("base/src/lib.rs", "//! Base.\n"),
        ]
        .into_iter()
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect()
    }

    fn apply(cell: Cell, files: &mut BTreeMap<String, String>) -> String {
        let read = |path: &str| files.get(path).cloned().ok_or_else(|| format!("no {path}").into());
        let changes = changes(cell, &EDITS, 7, &read).unwrap();
        let mut shown = String::new();
        for change in changes {
            shown += &format!("--- {}\n{}", change.path, change.text);
            files.insert(change.path, change.text);
        }
        shown
    }

    fn check(cell: Cell, expect: Expect) {
        expect.assert_eq(&apply(cell, &mut files()));
    }

    #[test]
    fn an_edit_changes_what_its_cell_says() {
        check(Cell::NoChange, expect![""]);
        check(
            Cell::Leaf,
            expect![[r"
                --- app/src/main.rs
                fn main() {}

                #[used]
                static BENCH_7: u64 = 7;
            "]],
        );
        check(
            Cell::Shared,
            expect![[r"
                --- base/src/lib.rs
                //! Base.

                /// Added.
                pub fn bench_7() -> u64 {
                    7
                }
            "]],
        );
        check(
            Cell::LockBump,
            expect![[r#"
                --- Cargo.lock
                # Written by cargo.
                version = 4

                [[package]]
                name = "app"
                version = "0.1.0"

                [[package]]
                name = "itoa"
                version = "1.0.17"
                source = "crates.io"
                checksum = "ff"
            "#]],
        );
        check(
            Cell::NewMember,
            expect![[r#"
                --- Cargo.toml
                [workspace]
                members = ["bench-member", "app"]

                [workspace.metadata.longshore.images.all]
                bins = ["bench-member", "app"]
                --- Cargo.lock
                # Written by cargo.
                version = 4

                [[package]]
                name = "app"
                version = "0.1.0"

                [[package]]
                name = "bench-member"
                version = "0.1.0"
                dependencies = [
                 "itoa",
                ]

                [[package]]
                name = "itoa"
                version = "1.0.15"
                source = "crates.io"
                checksum = "aa"
                --- bench-member/Cargo.toml
                [package]
                name = "bench-member"
                version = "0.1.0"
                edition = "2021"
                publish = false

                [dependencies]
                itoa = { version = "*", default-features = false }
                --- bench-member/src/main.rs
                fn main() {
                    println!("{:?} 7", itoa::Buffer::new().format(1));
                }
            "#]],
        );
        check(
            Cell::NewBinary,
            expect![[r#"
                --- app/Cargo.toml
                [package]
                name = "app"

                [[bin]]
                name = "bench-binary"
                path = "src/bin/bench-binary.rs"
                --- app/src/bin/bench-binary.rs
                fn main() {
                    println!("7");
                }
                --- Cargo.toml
                [workspace]
                members = ["app"]

                [workspace.metadata.longshore.images.all]
                bins = ["bench-binary", "app"]
            "#]],
        );
    }

    #[test]
    fn edits_can_be_made_one_on_top_of_the_other() {
        let mut files = files();
        for cell in Cell::ALL {
            apply(cell, &mut files);
        }
        assert!(files["Cargo.toml"].contains("bins = [\"bench-binary\", \"bench-member\", \"app\"]"));
        assert!(files["Cargo.lock"].contains("1.0.17"));
        assert!(files["Cargo.lock"].contains("bench-member"));
    }

    #[test]
    fn what_is_not_there_cannot_be_changed() {
        let read = |_: &str| Ok("[workspace]\n".to_owned());
        for cell in [Cell::LockBump, Cell::NewMember, Cell::NewBinary] {
            assert!(changes(cell, &EDITS, 1, &read).is_err(), "{cell:?}");
        }
    }

    #[test]
    fn bundles_are_a_setting_among_others() {
        assert_eq!(
            bundled("[workspace]\n", true),
            "[workspace]\n\n[workspace.metadata.longshore]\nbundle = true\n"
        );
        let with = format!("{SETTINGS}\npack = 1\n\n{IMAGE}\nbins = []\n");
        assert_eq!(
            bundled(&with, false),
            format!("{SETTINGS}\nbundle = false\npack = 1\n\n{IMAGE}\nbins = []\n")
        );
    }
}
