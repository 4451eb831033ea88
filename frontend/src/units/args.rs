//! One rustc command line, read as cargo wrote it.

use camino::{Utf8Path, Utf8PathBuf};
use longshore_helper::recording::Call;

/// The parts of a rustc command line that connect units. Borrowed from the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RustcArgs<'a> {
    /// `--crate-name`.
    pub crate_name: &'a str,
    /// The crate's root, which cargo writes before all flags of the user's (`build_base_args` in its `core/compiler/mod.rs`);
    /// empty when absent.
    pub root: &'a str,
    /// Every `--crate-type`, split at commas.
    pub crate_types: Vec<&'a str>,
    /// `--out-dir`.
    pub out_dir: &'a str,
    /// `-C extra-filename=`, empty when absent.
    pub extra_filename: &'a str,
    /// `--target`: absent for what runs on the build platform.
    pub target: Option<&'a str>,
    /// Paths of `--extern NAME=PATH`, in order.
    pub externs: Vec<&'a str>,
}

impl<'a> RustcArgs<'a> {
    /// Reads a recorded command line. `None` when cargo would not have written it so: no crate name or output directory.
    pub fn parse(args: &'a [String]) -> Option<Self> {
        let mut parsed = RustcArgs {
            crate_name: "",
            root: args
                .iter()
                .find(|arg| arg.ends_with(".rs") && !arg.starts_with('-'))
                .map_or("", String::as_str),
            crate_types: Vec::new(),
            out_dir: "",
            extra_filename: "",
            target: None,
            externs: Vec::new(),
        };
        for (flag, value) in pairs(args) {
            match flag {
                "--crate-name" => parsed.crate_name = value,
                "--crate-type" => parsed.crate_types.extend(value.split(',')),
                "--out-dir" => parsed.out_dir = value,
                "--target" => parsed.target = Some(value),
                "--extern" => parsed.externs.extend(value.split_once('=').map(|(_, path)| path)),
                "-C" => {
                    if let Some(extra) = value.strip_prefix("extra-filename=") {
                        parsed.extra_filename = extra;
                    }
                }
                _ => {}
            }
        }
        (!parsed.crate_name.is_empty() && !parsed.out_dir.is_empty()).then_some(parsed)
    }

    /// The stem of every file this call writes, by crate type: `libNAME-HASH` for libraries, `NAME-HASH` for programs.
    pub fn stems(&self) -> Vec<String> {
        let plain = format!("{}{}", self.crate_name, self.extra_filename);
        let mut stems: Vec<String> = self
            .crate_types
            .iter()
            .map(|kind| if *kind == "bin" { plain.clone() } else { format!("lib{plain}") })
            .collect();
        stems.sort();
        stems.dedup();
        stems
    }
}

/// The root of the crate that a call compiles, as `cargo metadata` has it: cargo writes what lies in the workspace relative to
/// it (`path_args` in its `util/workspace.rs`).
pub fn root(call: &Call) -> Option<Utf8PathBuf> {
    let root = RustcArgs::parse(&call.args)?.root;
    (!root.is_empty()).then(|| Utf8Path::new(&call.cwd).join(root))
}

/// Flags with a value: `--flag value`, `--flag=value`, `-C value`, `-Cvalue`.
pub fn pairs(args: &[String]) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = args.iter().map(String::as_str);
    std::iter::from_fn(move || {
        loop {
            let arg = rest.next()?;
            if let Some((flag, value)) = arg.split_once('=').filter(|(flag, _)| is_long_with_value(flag)) {
                return Some((flag, value));
            }
            if is_long_with_value(arg) || matches!(arg, "-C" | "-L" | "-l") {
                return Some((arg, rest.next()?));
            }
            for short in ["-C", "-L", "-l"] {
                if let Some(value) = arg.strip_prefix(short) {
                    return Some((short, value));
                }
            }
        }
    })
}

fn is_long_with_value(flag: &str) -> bool {
    matches!(
        flag,
        "--crate-name"
            | "--crate-type"
            | "--out-dir"
            | "--target"
            | "--extern"
            | "--edition"
            | "--cfg"
            | "--check-cfg"
            | "--cap-lints"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_library_of_cargo_is_read() {
        let args = strings(
            "--crate-name serde --edition=2021 /vendor/serde/src/lib.rs --crate-type lib --emit=dep-info,metadata,link \
             -C opt-level=3 -C metadata=1 -C extra-filename=-abc --out-dir /x/deps --target x86_64-unknown-linux-gnu \
             -L dependency=/x/deps --extern serde_core=/x/deps/libserde_core-1.rmeta --cap-lints allow",
        );
        let parsed = RustcArgs::parse(&args).unwrap();
        assert_eq!(parsed.crate_name, "serde");
        assert_eq!(parsed.root, "/vendor/serde/src/lib.rs");
        assert_eq!(parsed.stems(), ["libserde-abc"]);
        assert_eq!(parsed.externs, ["/x/deps/libserde_core-1.rmeta"]);
        assert_eq!(parsed.target, Some("x86_64-unknown-linux-gnu"));
    }

    #[test]
    fn an_extern_without_a_path_is_no_edge() {
        let args = strings("--crate-name m --crate-type proc-macro --out-dir /x --extern proc_macro");
        assert_eq!(RustcArgs::parse(&args).unwrap().externs, Vec::<&str>::new());
    }

    #[test]
    fn a_probe_is_no_unit() {
        assert_eq!(RustcArgs::parse(&strings("-vV")), None);
    }
}
