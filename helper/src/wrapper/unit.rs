//! Reads from rustc's arguments what a call makes. Only what decides about output files is kept. What cargo passes is in
//! `prepare_rustc` and `build_base_args` of its `core/compiler/mod.rs`, what rustc takes in the rustc book, "Command-line Arguments".

/// A call of rustc that compiles something.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) crate_name: String,
    /// `bin` where nothing else is said, and for tests.
    pub(super) crate_types: Vec<String>,
    /// What `--emit` asks for, each with its path if it has one of its own.
    pub(super) emits: Vec<(String, Option<String>)>,
    pub(super) out_dir: Option<String>,
    /// `-o`
    pub(super) out_file: Option<String>,
    pub(super) extra_filename: String,
    pub(super) target: Option<String>,
    pub(super) source: String,
    /// Whether outputs are to be announced on stderr.
    pub(super) artifacts_as_json: bool,
}

/// Long options without a value; all others have one.
const FLAGS: [&str; 4] = ["--help", "--test", "--verbose", "--version"];

/// What `--print` can be asked while it still compiles.
const PRINTED_WHILE_COMPILING: [&str; 2] = ["link-args", "native-static-libs"];

impl Unit {
    /// `None` if this is a question to the compiler and no compilation.
    pub(super) fn parse(args: &[String]) -> Option<Unit> {
        let mut unit = Unit::default();
        let mut is_test = false;
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let (name, value) = match split(arg) {
                Arg::Positional => {
                    unit.source.clone_from(arg);
                    continue;
                }
                Arg::Flag(name) => (name, ""),
                Arg::Joined(name, value) => (name, value),
                Arg::Separate(name) => (name, rest.next().map(String::as_str).unwrap_or_default()),
            };
            match name {
                "-h" | "--help" | "-V" | "-vV" | "--version" => return None,
                "--print" => {
                    let what = value.split('=').next().unwrap_or_default();
                    if !PRINTED_WHILE_COMPILING.contains(&what) {
                        return None;
                    }
                }
                "--test" => is_test = true,
                "--crate-name" => value.clone_into(&mut unit.crate_name),
                "--crate-type" => unit.crate_types.extend(value.split(',').map(str::to_owned)),
                "--emit" => unit.emits.extend(value.split(',').map(emit)),
                "--out-dir" => unit.out_dir = Some(value.to_owned()),
                "-o" => unit.out_file = Some(value.to_owned()),
                "--target" => unit.target = Some(value.to_owned()),
                "-C" | "--codegen" => {
                    if let Some(extra) = value.strip_prefix("extra-filename=") {
                        extra.clone_into(&mut unit.extra_filename);
                    }
                }
                "--json" => unit.artifacts_as_json |= value.split(',').any(|part| part == "artifacts"),
                _ => {}
            }
        }
        // By `___` and `-` cargo asks how files are called (`TargetInfo::new` in its
        // `core/compiler/build_context/target_info.rs`).
        if unit.crate_name.is_empty() || unit.crate_name == "___" || matches!(unit.source.as_str(), "" | "-")
        {
            return None;
        }
        if is_test || unit.crate_types.is_empty() {
            unit.crate_types = vec!["bin".to_owned()];
        }
        if unit.emits.is_empty() {
            unit.emits = vec![("link".to_owned(), None)];
        }
        Some(unit)
    }

    /// Build scripts are binaries whose crate names cargo makes from `build-script-<file stem>` (`to_targets` in its
    /// `util/toml/targets.rs`, `Target::crate_name` in `core/manifest.rs`).
    pub(super) fn is_build_script(&self) -> bool {
        self.crate_types == ["bin"] && self.crate_name.starts_with("build_script_")
    }
}

fn emit(value: &str) -> (String, Option<String>) {
    match value.split_once('=') {
        Some((kind, path)) => (kind.to_owned(), Some(path.to_owned())),
        None => (value.to_owned(), None),
    }
}

enum Arg<'a> {
    Positional,
    Flag(&'a str),
    Joined(&'a str, &'a str),
    Separate(&'a str),
}

fn split(arg: &str) -> Arg<'_> {
    if arg == "-" || !arg.starts_with('-') {
        Arg::Positional
    } else if arg.starts_with("--") {
        match arg.split_once('=') {
            Some((name, value)) => Arg::Joined(name, value),
            None if FLAGS.contains(&arg) => Arg::Flag(arg),
            None => Arg::Separate(arg),
        }
    } else if matches!(arg.as_bytes()[1], b'g' | b'h' | b'O' | b'v' | b'V') {
        Arg::Flag(arg)
    } else if arg.len() == 2 {
        Arg::Separate(arg)
    } else if arg.is_char_boundary(2) {
        Arg::Joined(&arg[..2], &arg[2..])
    } else {
        Arg::Flag(arg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Unit> {
        Unit::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn questions_are_not_units() {
        for line in [
            "-vV",
            "--version",
            "- --crate-name ___ --print=file-names --crate-type bin --print=cfg -Wwarnings",
            "--crate-name app --print cfg src/main.rs",
            "--print=sysroot",
            "--crate-name app -",
            "src/main.rs",
            "",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_library_as_cargo_asks_for_it() {
        let unit = parse(
            "--crate-name a_b --edition=2021 src/lib.rs --error-format=json \
             --json=diagnostic-rendered-ansi,artifacts,future-incompat --crate-type rlib --crate-type cdylib \
             --emit=dep-info,metadata,link -C opt-level=3 -Cextra-filename=-12 --out-dir /t/deps \
             --target wasm32-unknown-unknown -L dependency=/t/deps --extern b=/t/libb.rmeta --cap-lints allow",
        )
        .unwrap();
        let emits = ["dep-info", "metadata", "link"].map(|emit| (emit.to_owned(), None));
        assert_eq!(
            unit,
            Unit {
                crate_name: "a_b".to_owned(),
                crate_types: vec!["rlib".to_owned(), "cdylib".to_owned()],
                emits: emits.to_vec(),
                out_dir: Some("/t/deps".to_owned()),
                out_file: None,
                extra_filename: "-12".to_owned(),
                target: Some("wasm32-unknown-unknown".to_owned()),
                source: "src/lib.rs".to_owned(),
                artifacts_as_json: true,
            }
        );
        assert!(!unit.is_build_script());
    }

    #[test]
    fn compiling_with_a_printed_note_is_still_compiling() {
        let unit =
            parse("--crate-name a src/lib.rs --crate-type staticlib --print native-static-libs").unwrap();
        assert_eq!(unit.crate_types, ["staticlib"]);
        assert_eq!(unit.emits, [("link".to_owned(), None)]);
    }

    #[test]
    fn build_scripts_and_tests_are_binaries() {
        assert!(
            parse("--crate-name build_script_build build.rs --crate-type bin").unwrap().is_build_script()
        );
        assert_eq!(parse("--crate-name a src/lib.rs --crate-type lib --test").unwrap().crate_types, ["bin"]);
        assert_eq!(parse("--crate-name a src/main.rs -o /x").unwrap().out_file.as_deref(), Some("/x"));
    }
}
