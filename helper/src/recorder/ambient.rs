//! Which variables of a call cargo set: a difference, since no list of names could be complete.
//!
//! Users set variables of any name through `[env]`, and BuildKit adds some with random values to every process, so
//! what counts is only what differs from the environment in which cargo itself was started. What cargo sets is in
//! `Compilation::fill_env` (its `core/compiler/compilation.rs`) and `prepare_rustc`, and in the Cargo book, "Environment Variables".

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use longshore_helper::recording::describes_recording;

use crate::environment::Environment;
use crate::files;
use crate::problem::{Problem, Result};

const AMBIENT_FILE: &str = "ambient.json";

/// Keeps the environment in which cargo is about to be started.
pub(super) fn save(recording: &Path, environment: &Environment) -> Result<()> {
    let ambient: BTreeMap<_, _> =
        environment.iter().map(|(name, value)| (name.to_string_lossy(), value.to_string_lossy())).collect();
    files::write_json(&recording.join(AMBIENT_FILE), &ambient)
}

/// What this process was given beyond the saved environment.
pub(super) fn difference_to_saved(recording: &Path) -> Result<BTreeMap<String, String>> {
    let ambient: BTreeMap<String, String> = files::read_json(&recording.join(AMBIENT_FILE))?;
    let mut now = BTreeMap::new();
    for (name, value) in env::vars_os() {
        let lossy = name.to_string_lossy().into_owned();
        let value = match value.into_string() {
            Ok(value) => value,
            Err(value) if ambient.get(&lossy).is_some_and(|before| *before == value.to_string_lossy()) => {
                continue;
            }
            Err(_) => {
                return Err(Problem::new(format!(
                    "cargo set `{lossy}` to a value that is not UTF-8, which cannot be recorded"
                )));
            }
        };
        now.insert(lossy, value);
    }
    Ok(difference(&ambient, now))
}

fn difference(ambient: &BTreeMap<String, String>, now: BTreeMap<String, String>) -> BTreeMap<String, String> {
    now.into_iter()
        .filter(|(name, value)| !describes_recording(name) && !is_ambient(ambient, name, value))
        .collect()
}

fn is_ambient(ambient: &BTreeMap<String, String>, name: &str, value: &str) -> bool {
    let Some(before) = ambient.get(name) else {
        return false;
    };
    if name != "PATH" {
        return before == value;
    }
    // rustup's proxies put `$CARGO_HOME/bin` in front (`Toolchain::set_ldpath` in rustup's `src/toolchain.rs`), and the
    // recording's CARGO_HOME exists only here.
    let Some(home) = ambient.get("CARGO_HOME") else {
        return before == value;
    };
    let bin = format!("{}/bin", home.trim_end_matches('/'));
    let without = |path: &str| path.split(':').filter(|part| *part != bin).collect::<Vec<_>>().join(":");
    without(before) == without(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_what_cargo_changed_is_kept_and_empty_values_are_values() {
        let ambient = map(&[("SAME", "1"), ("CHANGED", "1"), ("HOSTNAME", "a"), ("EMPTY", "")]);
        let now = map(&[
            ("SAME", "1"),
            ("CHANGED", "2"),
            ("EMPTY", ""),
            ("HOSTNAME", "a"),
            ("NEW", ""),
            ("OTEL_SERVICE_NAME", "mine"),
            ("CARGO_ENCODED_RUSTFLAGS", ""),
            ("CARGO_PKG_NAME", "app"),
            ("CARGO_TARGET_TMPDIR", "/t"),
        ]);
        let kept = map(&[
            ("CARGO_ENCODED_RUSTFLAGS", ""),
            ("CARGO_PKG_NAME", "app"),
            ("CARGO_TARGET_TMPDIR", "/t"),
            ("CHANGED", "2"),
            ("NEW", ""),
            ("OTEL_SERVICE_NAME", "mine"),
        ]);
        assert_eq!(difference(&ambient, now), kept);
    }

    #[test]
    fn what_describes_the_recording_is_dropped() {
        for name in [
            "RUSTC_WRAPPER",
            "CARGO_MAKEFLAGS",
            "NUM_JOBS",
            "LD_LIBRARY_PATH",
            "CARGO_BUILD_BUILD_DIR",
            "CARGO_TERM_COLOR",
            "LONGSHORE_RECORDING",
            "SSL_CERT_FILE",
        ] {
            assert_eq!(difference(&BTreeMap::new(), map(&[(name, "x")])), BTreeMap::new(), "{name}");
        }
    }

    #[test]
    fn rustups_addition_to_path_is_not_a_change_and_any_other_is() {
        let ambient = map(&[("PATH", "/usr/bin:/bin"), ("CARGO_HOME", "/cargo/")]);
        assert_eq!(difference(&ambient, map(&[("PATH", "/cargo/bin:/usr/bin:/bin")])), BTreeMap::new());
        let changed = map(&[("PATH", "/opt/bin:/usr/bin:/bin")]);
        assert_eq!(difference(&ambient, changed.clone()), changed);
    }
}
