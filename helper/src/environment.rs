//! The environment that children of the helper get.
//!
//! A vertex's environment is that of its image plus what BuildKit and the frontend add for themselves; the latter
//! must reach neither cargo, which would record it, nor rustc and build scripts, which could depend on it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};

use longshore_helper::spec::Spec;
use longshore_helper::trace::TRACE_ENV;
use longshore_helper::{NO_CACHE_ENV, TOOLCHAIN_ENV, wire::REQUEST_ENV_PREFIX};

use crate::recorder::RECORDING_ENV;
use crate::slots::SLOTS_DIR_ENV;

/// A whole environment: children are started with exactly this one.
pub(crate) type Environment = BTreeMap<OsString, OsString>;

/// What the image and the user set, without what only this process is told.
pub(crate) fn base() -> Environment {
    env::vars_os().filter(|(name, _)| !is_private(name)).collect()
}

/// Adds or replaces variables.
pub(crate) fn extend(environment: &mut Environment, more: &BTreeMap<String, String>) {
    for (name, value) in more {
        environment.insert(name.into(), value.into());
    }
}

/// Adds or replaces what was recorded, but for what `spec` says gives way to a variable that is there: what `[env]` has
/// without `force` (`GlobalContext::env_config` in cargo's `util/context/mod.rs`; the Cargo book, "Configuration").
pub(crate) fn extend_with_recorded(
    environment: &mut Environment,
    recorded: &BTreeMap<String, String>,
    spec: &Spec,
) {
    for (name, value) in recorded {
        if !(spec.yields.contains(name) && environment.contains_key(OsStr::new(name))) {
            environment.insert(name.into(), value.into());
        }
    }
}

/// Whether a variable is for this process alone: our own, and the tracing ones, whose values BuildKit makes up
/// anew for every process.
fn is_private(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == "TRACEPARENT"
        || name == "TRACESTATE"
        || name.starts_with("OTEL_")
        || name.starts_with(REQUEST_ENV_PREFIX)
        || [NO_CACHE_ENV, RECORDING_ENV, SLOTS_DIR_ENV, TOOLCHAIN_ENV, TRACE_ENV].contains(&name.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yields_is_for_where_nothing_is_set() {
        let mut spec = crate::schedule::fixture::package("app");
        spec.yields = vec!["GIVEN".to_owned(), "NOT_GIVEN".to_owned()];
        let recorded = ["GIVEN", "NOT_GIVEN", "OTHER"].map(|name| (name.to_owned(), "recorded".to_owned()));
        let mut environment: Environment =
            ["GIVEN", "OTHER"].map(|name| (name.into(), "given".into())).into_iter().collect();
        extend_with_recorded(&mut environment, &recorded.into(), &spec);
        let value = |name: &str| environment[OsStr::new(name)].to_str().unwrap();
        assert_eq!([value("GIVEN"), value("NOT_GIVEN"), value("OTHER")], ["given", "recorded", "recorded"]);
    }

    #[test]
    fn tracing_and_requests_are_private_and_nothing_else_is() {
        let tracing = ["TRACEPARENT", "TRACESTATE", "OTEL_TRACES_EXPORTER"];
        let own = ["LONGSHORE_REQUEST_0", "LONGSHORE_NO_CACHE", "LONGSHORE_RECORDING", "LONGSHORE_SLOTS_DIR"];
        let own = own.into_iter().chain(["LONGSHORE_TOOLCHAIN", "LONGSHORE_TRACE"]);
        for private in tracing.into_iter().chain(own) {
            assert!(is_private(OsStr::new(private)), "{private}");
        }
        // The last is a preset's, and for build scripts.
        for public in ["PATH", "CARGO_HOME", "TRACE", "RUSTFLAGS", "LONGSHORE_TPU_TOPOLOGIES"] {
            assert!(!is_private(OsStr::new(public)), "{public}");
        }
    }
}
