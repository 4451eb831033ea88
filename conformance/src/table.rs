//! What a full comparison found, as the documentation shows it.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::allowed::ALLOWED;

/// One row: what a program's comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Name and version.
    pub title: String,
    /// What is special about it.
    pub shows: String,
    /// cargo's profile.
    pub profile: String,
    /// Packages that were compiled.
    pub packages: usize,
    /// Calls of rustc.
    pub compilations: usize,
    /// Runs of build scripts.
    pub scripts: usize,
    /// What was different and may not be.
    pub differences: Vec<String>,
    /// Libraries and programs that both sides made.
    pub files: usize,
    /// Those of them with the same bytes.
    pub same_bytes: usize,
    /// Programs of it that are the same byte for byte, of how many.
    pub programs: (usize, usize),
    /// What the programs print and export is the same.
    pub alike: bool,
    /// Why files have other bytes.
    pub note: String,
}

/// What the comparison found of all programs in another image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The image.
    pub image: String,
    /// What its rustc says of itself.
    pub rustc: String,
    /// Of each program.
    pub rows: Vec<Row>,
    /// Programs that were not compared in it.
    pub missing: Vec<String>,
}

/// The page. `missing` are programs of the corpus that were not compared.
pub fn page(rows: &[Row], missing: &[String], toolchain: &str, others: &[Other]) -> String {
    let mut page = String::from(INTRODUCTION);
    writeln!(page, "Toolchain: {toolchain}.\n").expect("a string takes all");
    page.push_str("| program | shows | profile | packages | rustc | build scripts | differences | same bytes | programs | behaves alike |\n");
    page.push_str("|---|---|---|---|---|---|---|---|---|---|\n");
    for row in rows {
        let (same, all) = row.programs;
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} | {} of {} | {same} of {all} | {} |",
            row.title,
            row.shows,
            row.profile,
            row.packages,
            row.compilations,
            row.scripts,
            row.differences.len(),
            row.same_bytes,
            row.files,
            if row.alike { "yes" } else { "**no**" }
        )
        .expect("a string takes all");
    }
    writeln!(page, "| **{} programs** | | | {} |", rows.len(), sums(rows)).expect("a string takes all");
    if !missing.is_empty() {
        writeln!(page, "\nNot compared when this was written: {}.", missing.join(", "))
            .expect("a string takes all");
    }
    notes(&mut page, rows);
    other_toolchains(&mut page, others);
    page.push_str("\n## What may differ\n\n| what | why |\n|---|---|\n");
    for allowed in ALLOWED {
        writeln!(page, "| {} | {} |", allowed.what, allowed.why).expect("a string takes all");
    }
    page
}

const INTRODUCTION: &str = "# Conformance

`scripts/conformance` builds each program twice in the same toolchain image: with plain `cargo build --workspace --locked
--target …`, whose calls of rustc and runs of build scripts are logged, and with Longshore, whose steps say what they
ran (`--build-arg LONGSHORE_TRACE=…`). Each process of one side must have its equal on the other: the same arguments in the
same order, the same working directory, the same environment, except for what the second table lists. Then it compares what
came of it: bytes of every library and program, what the programs print, and the symbols that they export. This page is
what it wrote; `conformance/corpus.toml` says where the programs come from.

Build scripts, procedural macros and what these use have no debug information on either side (`--config
profile.….build-override.debug=false`) unless the manifest says how much: as cargo has it by itself where it is not given
`--target`.

A library's bytes hold two things that are no part of its code: the path of a build script's `OUT_DIR`, where it includes
files from there; and a hash that rustc makes otherwise when it can read the sources of macros of other packages, which a
vertex does not have. A program that has other bytes than cargo's must be found to hold such a path, or it fails.

";

/// The cells of all rows together, from the packages on.
fn sums(rows: &[Row]) -> String {
    let sum = |of: fn(&Row) -> usize| rows.iter().map(of).sum::<usize>();
    format!(
        "{} | {} | {} | {} | {} of {} | {} of {} | {}",
        sum(|row| row.packages),
        sum(|row| row.compilations),
        sum(|row| row.scripts),
        sum(|row| row.differences.len()),
        sum(|row| row.same_bytes),
        sum(|row| row.files),
        sum(|row| row.programs.0),
        sum(|row| row.programs.1),
        sum(|row| usize::from(row.alike)),
    )
}

fn other_toolchains(page: &mut String, others: &[Other]) {
    if others.is_empty() {
        return;
    }
    page.push_str(
        "\n## Other toolchains\n\nThe same programs in other images (`scripts/conformance --toolchain IMAGE`), summed up.\n\n\
         | toolchain | compared | packages | rustc | build scripts | differences | same bytes | programs | behaves alike |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for Other { image, rustc, rows, .. } in others {
        writeln!(page, "| {rustc}, `{image}` | {} | {} |", rows.len(), sums(rows))
            .expect("a string takes all");
    }
    for Other { missing, .. } in others.iter().filter(|other| !other.missing.is_empty()) {
        writeln!(page, "\nNot compared there: {}.", missing.join(", ")).expect("a string takes all");
    }
    let told = others.iter().flat_map(|other| &other.rows);
    let lines: Vec<String> = told
        .flat_map(|row| {
            row.differences.iter().map(|difference| format!("- **{}**: {difference}\n", row.title))
        })
        .collect();
    if !lines.is_empty() {
        page.push('\n');
        page.extend(lines);
    }
}

fn notes(page: &mut String, rows: &[Row]) {
    let told: Vec<&Row> =
        rows.iter().filter(|row| !row.note.is_empty() || !row.differences.is_empty()).collect();
    if told.is_empty() {
        return;
    }
    page.push_str("\n## Notes\n\n");
    for row in told {
        if !row.note.is_empty() {
            writeln!(page, "- **{}**: {}", row.title, row.note).expect("a string takes all");
        }
        for difference in &row.differences {
            writeln!(page, "- **{}**: {difference}", row.title).expect("a string takes all");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            title: "a 1.0.0".to_owned(),
            shows: "nothing".to_owned(),
            profile: "release".to_owned(),
            packages: 2,
            compilations: 3,
            scripts: 1,
            differences: vec!["a 1.0.0 (lib a): `X` is not set".to_owned()],
            files: 3,
            same_bytes: 2,
            programs: (1, 1),
            alike: false,
            note: "its program holds `OUT_DIR`".to_owned(),
        }
    }

    #[test]
    fn a_failure_is_in_the_table_and_told_of() {
        let rows = [row(), Row { differences: Vec::new(), alike: true, note: String::new(), ..row() }];
        let other = Row { title: "a 1.0.0 with an image".to_owned(), ..row() };
        let others = [Other {
            image: "an/image:1".to_owned(),
            rustc: "rustc 2".to_owned(),
            rows: vec![other],
            missing: vec!["c with an image".to_owned()],
        }];
        let page = page(&rows, &["b 2.0.0".to_owned()], "rustc 1.95.0", &others);
        for line in [
            "Toolchain: rustc 1.95.0.",
            "| a 1.0.0 | nothing | release | 2 | 3 | 1 | 1 | 2 of 3 | 1 of 1 | **no** |",
            "| a 1.0.0 | nothing | release | 2 | 3 | 1 | 0 | 2 of 3 | 1 of 1 | yes |",
            "| **2 programs** | | | 4 | 6 | 2 | 1 | 4 of 6 | 2 of 2 | 1 |",
            "Not compared when this was written: b 2.0.0.",
            "- **a 1.0.0**: its program holds `OUT_DIR`",
            "- **a 1.0.0**: a 1.0.0 (lib a): `X` is not set",
            "| rustc 2, `an/image:1` | 1 | 2 | 3 | 1 | 1 | 2 of 3 | 1 of 1 | 0 |",
            "Not compared there: c with an image.",
            "- **a 1.0.0 with an image**: a 1.0.0 (lib a): `X` is not set",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }
}
