//! The comparison: every process of one side has its equal on the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use longshore_helper::recording::CallKind;

use crate::normal::{Name, Normal, name, normal};
use crate::side::Side;

/// What came of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Compilations that were compared.
    pub compilations: usize,
    /// Runs of build scripts that were compared.
    pub scripts: usize,
    /// Packages that they belong to.
    pub packages: usize,
    /// What cargo ran for members that no program asked for uses.
    pub unasked: usize,
    /// What is not the same, and should be.
    pub differences: Vec<Difference>,
    /// Files that both sides made.
    pub files: usize,
    /// Those among them that have other bytes.
    pub other_bytes: BTreeSet<String>,
}

/// Something that only one side did, or that each did in its own way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Package, version and crate.
    pub unit: String,
    /// What is different there.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.unit, self.what)
    }
}

/// Compares two builds of the same workspace.
pub fn compare(cargo: &Side, ours: &Side) -> Report {
    let (theirs, twice_theirs) = by_name(cargo);
    let (mine, twice_mine) = by_name(ours);
    let mut report = Report::default();
    let mut packages = BTreeSet::new();
    let used = Used::by(mine.values());
    for (unit, expected) in &theirs {
        match mine.get(unit) {
            Some(found) => report.differences.extend(differences(unit, expected, found)),
            None if used.has(unit, expected) => {
                report.differences.push(only(unit, "cargo runs it, and no vertex does"));
            }
            None => {
                report.unasked += 1;
                continue;
            }
        }
        match unit.kind {
            CallKind::Rustc => report.compilations += 1,
            CallKind::BuildScript => report.scripts += 1,
        }
        packages.insert(unit.title.split(" (").next());
    }
    report.packages = packages.len();
    for unit in mine.keys().filter(|unit| !theirs.contains_key(*unit)) {
        report.differences.push(only(unit, "a vertex runs it, and cargo does not"));
    }
    for unit in twice_theirs.iter().chain(&twice_mine) {
        report.differences.push(only(unit, "it runs more than once"));
    }
    for (file, sum) in &cargo.made {
        if let Some(found) = ours.made.get(file) {
            report.files += 1;
            if found != sum {
                report.other_bytes.insert(file.clone());
            }
        }
    }
    report.differences.sort();
    report
}

/// What command lines and environments name: whatever is in none of them has no part in what was compiled.
struct Used(String);

impl Used {
    fn by<'a>(all: impl Iterator<Item = &'a Normal>) -> Self {
        let texts = all.flat_map(|process| process.args.iter().chain(process.env.values()));
        Self(texts.flat_map(|text| [text.as_str(), "\n"]).collect())
    }

    fn has(&self, unit: &Name, process: &Normal) -> bool {
        match (unit.kind, process.args.iter().find_map(|arg| arg.strip_prefix("extra-filename="))) {
            (CallKind::BuildScript, _) => self.0.contains(&unit.hash),
            // A file of a program's, or of a build script's whose run is judged by itself, is in no command line.
            (CallKind::Rustc, Some(extra)) => self.0.contains(&format!("{extra}.")),
            // So is one of a program without a hash in its name, as newer layouts of cargo's build directory have them.
            (CallKind::Rustc, None) => !is_program(process),
        }
    }
}

fn is_program(process: &Normal) -> bool {
    process.args.windows(2).any(|pair| pair == ["--crate-type", "bin"])
}

fn only(unit: &Name, what: &str) -> Difference {
    Difference { unit: unit.title.clone(), what: what.to_owned() }
}

/// And those that are there more than once.
fn by_name(side: &Side) -> (BTreeMap<Name, Normal>, Vec<Name>) {
    let mut found = BTreeMap::new();
    let mut twice = Vec::new();
    for ran in &side.ran {
        let (unit, process) = (name(ran), normal(ran));
        let before = found.insert(unit.clone(), process.clone());
        if before.is_some_and(|before| !unit.is_build_script() || before != process) {
            twice.push(unit);
        }
    }
    (found, twice)
}

fn differences(unit: &Name, cargo: &Normal, ours: &Normal) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |what: String| found.push(Difference { unit: unit.title.clone(), what });
    if cargo.cwd != ours.cwd {
        add(format!("works in `{}`, not in `{}`", ours.cwd, cargo.cwd));
    }
    if cargo.args != ours.args {
        let same = cargo.args.iter().zip(&ours.args).take_while(|(a, b)| a == b).count();
        let rest = |args: &[String]| args[same..].iter().take(6).cloned().collect::<Vec<_>>().join(" ");
        add(format!(
            "arguments from the {}th on: cargo `{}`, here `{}`",
            same + 1,
            rest(&cargo.args),
            rest(&ours.args)
        ));
    }
    let names: BTreeSet<&String> = cargo.env.keys().chain(ours.env.keys()).collect();
    for name in names {
        match (cargo.env.get(name), ours.env.get(name)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => add(format!("`{name}`: cargo `{a}`, here `{b}`")),
            (Some(a), None) => add(format!("`{name}` is not set; cargo `{a}`")),
            (None, Some(b)) => add(format!("`{name}` is `{b}`; cargo does not set it")),
            (None, None) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use longshore_helper::trace::Ran;

    use super::*;

    fn ran(args: &str, env: &[(&str, &str)]) -> Ran {
        let mut all =
            vec![("CARGO_PKG_NAME", "a"), ("CARGO_PKG_VERSION", "1.0.0"), ("CARGO_CRATE_NAME", "a")];
        all.extend(env);
        Ran {
            kind: CallKind::Rustc,
            program: "rustc".to_owned(),
            args: args.split(' ').map(str::to_owned).collect(),
            cwd: "/ws".to_owned(),
            env: all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    fn side(ran: &[Ran]) -> Side {
        Side { ran: ran.to_vec(), made: BTreeMap::new() }
    }

    fn found(cargo: &Side, ours: &Side) -> Vec<String> {
        compare(cargo, ours).differences.iter().map(ToString::to_string).collect()
    }

    const CARGO: &str = "--crate-name a --crate-type lib --out-dir /longshore/target/release/deps -C metadata=0123456789abcdef \
        -L dependency=/longshore/target/release/deps --cfg feature=\"x\"";
    const OURS: &str = "--crate-name a --crate-type lib --out-dir /t/a-1.0.0 -C metadata=0123456789abcdef --cfg feature=\"x\" \
        -L dependency=/t/b-1.0.0";

    #[test]
    fn places_and_the_jobserver_are_no_difference() {
        let cargo = side(&[ran(CARGO, &[("CARGO_MAKEFLAGS", "-j"), ("TRACEPARENT", "00-1")])]);
        let report = compare(&cargo, &side(&[ran(OURS, &[("TRACEPARENT", "00-2")])]));
        assert_eq!(
            (report.differences.as_slice(), report.compilations, report.packages),
            ([].as_slice(), 1, 1)
        );
    }

    #[test]
    fn every_other_one_is_found() {
        let cargo = side(&[ran(CARGO, &[])]);
        let changed = |args: &str, env: &[(&str, &str)]| found(&cargo, &side(&[ran(args, env)]));
        assert_eq!(
            changed(&OURS.replace("\"x\"", "\"y\""), &[]),
            ["a 1.0.0 (lib a): arguments from the 8th on: cargo `feature=\"x\"`, here `feature=\"y\"`"]
        );
        assert_eq!(changed(OURS, &[("X", "1")]), ["a 1.0.0 (lib a): `X` is `1`; cargo does not set it"]);
        let empty = side(&[ran(CARGO, &[("EMPTY", "")])]);
        assert_eq!(
            found(&empty, &side(&[ran(OURS, &[])])),
            ["a 1.0.0 (lib a): `EMPTY` is not set; cargo ``"]
        );
        let named = "-C extra-filename=-00000000000000aa";
        let library = side(&[ran(&format!("{CARGO} {named}"), &[])]);
        let user = ran("--crate-name b -C metadata=b --extern a=/t/a-1.0.0/liba-00000000000000aa.rmeta", &[]);
        let both = Side { ran: [library.ran.clone(), vec![user.clone()]].concat(), ..Side::default() };
        assert_eq!(found(&both, &side(&[user])), ["a 1.0.0 (lib a): cargo runs it, and no vertex does"]);
        let report = compare(&library, &side(&[]));
        assert_eq!((report.differences.len(), report.unasked, report.compilations), (0, 1, 0));
        let program = ran("--crate-name a --crate-type bin", &[]);
        let of_nothing = compare(&side(&[program]), &side(&[]));
        assert_eq!((of_nothing.differences.len(), of_nothing.unasked), (0, 1), "nobody asked for it");
        assert_eq!(found(&cargo, &side(&[])), ["a 1.0.0 (lib a): cargo runs it, and no vertex does"]);
        assert_eq!(found(&side(&[]), &cargo), ["a 1.0.0 (lib a): a vertex runs it, and cargo does not"]);
        let twice = side(&[ran(OURS, &[]), ran(OURS, &[])]);
        assert_eq!(found(&cargo, &twice), ["a 1.0.0 (lib a): it runs more than once"]);
    }

    #[test]
    fn a_build_script_may_be_compiled_for_each_side() {
        let script = |args: &str| ran(args, &[("CARGO_CRATE_NAME", "build_script_build")]);
        let cargo = side(&[script(CARGO)]);
        assert_eq!(found(&cargo, &side(&[script(OURS), script(OURS)])), [""; 0]);
        let other = script(&format!("{OURS} --cfg x"));
        assert_eq!(found(&cargo, &side(&[other, script(OURS)])).len(), 1);
    }

    #[test]
    fn bytes_are_compared_by_the_name_of_the_file() {
        let made =
            |sum: &str| Side { ran: Vec::new(), made: BTreeMap::from([("liba-1.rlib".into(), sum.into())]) };
        assert_eq!(compare(&made("1"), &made("1")).other_bytes, BTreeSet::new());
        let other = compare(&made("1"), &made("2"));
        assert_eq!((other.files, other.other_bytes), (1, BTreeSet::from(["liba-1.rlib".to_owned()])));
    }
}
