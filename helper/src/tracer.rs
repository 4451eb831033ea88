//! Says what runs and what comes of it, where that is asked for (see `longshore_helper::trace`).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;
use std::{env, thread};

use longshore_helper::recording::CallKind;
use longshore_helper::spec::Spec;
use longshore_helper::trace::{Event, LINE_PREFIX, Made, Ran, TRACE_ENV};

use crate::console::say;
use crate::environment::Environment;
use crate::problem::{Doing, Result};
use crate::{files, tree};

/// BuildKit cuts what a step says faster than 200 KiB a second (`util/progress/logs/logs.go`); with room for what
/// compilers say.
const BYTES_PER_SECOND_MAX: f64 = 100.0 * 1024.0;

fn is_asked_for() -> bool {
    env::var_os(TRACE_ENV).is_some()
}

/// A process of a package's is about to be started with exactly this.
pub(crate) fn ran(
    spec: &Spec,
    kind: CallKind,
    program: &Path,
    args: &[String],
    cwd: &str,
    environment: &Environment,
) {
    if !is_asked_for() {
        return;
    }
    let text = |value: &OsStr| value.to_string_lossy().into_owned();
    tell(&Event::Ran(Ran {
        kind,
        program: text(program.as_os_str()),
        args: args.to_vec(),
        cwd: cwd.to_owned(),
        env: shown(spec, environment),
    }));
}

/// Secrets as no more than that they are there.
fn shown(spec: &Spec, environment: &Environment) -> BTreeMap<String, String> {
    let text = |value: &OsStr| value.to_string_lossy().into_owned();
    let value = |(name, value): (&OsString, &OsString)| {
        let name = text(name);
        let value = if spec.secret_env.contains(&name) { "(secret)".to_owned() } else { text(value) };
        (name, value)
    };
    environment.iter().map(value).collect()
}

/// The files of an output are complete. What build scripts left in their directories is not told of.
pub(crate) fn made(output: &Path) -> Result<()> {
    if !is_asked_for() {
        return Ok(());
    }
    for name in tree::names(output).doing("list", output)? {
        let path = output.join(name);
        if path.is_file() {
            let sha256 = files::sha256(&path)?;
            tell(&Event::Made(Made { file: path.to_string_lossy().into_owned(), sha256 }));
        }
    }
    Ok(())
}

fn tell(event: &Event) {
    let json = serde_json::to_string(event).expect("strings can be written as JSON");
    // In this thread, which starts nothing meanwhile: what compilers say is slow enough by itself.
    thread::sleep(Duration::from_secs_f64(json.len() as f64 / BYTES_PER_SECOND_MAX));
    say!("{LINE_PREFIX}{json}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::fixture::package;

    #[test]
    fn values_of_secrets_are_not_shown() {
        let mut spec = package("app");
        spec.secret_env = vec!["TOKEN".to_owned()];
        let environment = [("TOKEN", "hunter2"), ("MODE", "fast")];
        let environment = environment.map(|(name, value)| (name.into(), value.into())).into();
        let expected = [("MODE", "fast"), ("TOKEN", "(secret)")];
        assert_eq!(shown(&spec, &environment), expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
    }
}
