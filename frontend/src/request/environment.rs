//! The environment that BuildKit starts a frontend with (frontend/gateway/gateway.go, `Solve`).

use std::collections::BTreeMap;

use buildkit_llb::Platform;
use serde::Deserialize;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};

/// What stands in the environment, not yet understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    /// The client's options.
    pub options: BTreeMap<String, String>,
    /// The client's session.
    pub session: String,
    /// The platforms of the default worker; the first one is its own.
    pub platforms: Vec<Platform>,
    /// When the frontend was started, in milliseconds since 1970.
    pub started: u64,
}

impl Environment {
    /// Picks out what BuildKit put there.
    ///
    /// # Errors
    /// When BuildKit's description of its workers cannot be read.
    pub fn parse(
        vars: impl IntoIterator<Item = (String, String)>,
        started: u64,
    ) -> Result<Self, Diagnostics> {
        let mut environment = Self { started, ..Self::default() };
        for (key, value) in vars {
            if key.starts_with("BUILDKIT_FRONTEND_OPT_") {
                // The number behind the prefix says nothing. A value may hold further `=`.
                if let Some((name, value)) = value.split_once('=') {
                    environment.options.insert(name.to_owned(), value.to_owned());
                }
            } else if key == "BUILDKIT_SESSION_ID" {
                environment.session = value;
            } else if key == "BUILDKIT_WORKERS" {
                environment.platforms = platforms(&value)?;
            }
        }
        Ok(environment)
    }
}

#[derive(Deserialize)]
struct Worker {
    #[serde(default)]
    platforms: Option<Vec<WorkerPlatform>>,
}

#[derive(Deserialize)]
struct WorkerPlatform {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: String,
}

fn platforms(json: &str) -> Result<Vec<Platform>, Diagnostics> {
    // Go writes an empty list as `null`.
    let workers: Option<Vec<Worker>> = serde_json::from_str(json).map_err(|error| {
        Diagnostic::error(
            Code::InvalidOption,
            format!("BuildKit's `BUILDKIT_WORKERS` cannot be read: {error}"),
        )
    })?;
    let first = workers.into_iter().flatten().next().and_then(|worker| worker.platforms);
    let texts = first.into_iter().flatten().map(|WorkerPlatform { os, architecture, variant }| {
        if variant.is_empty() {
            format!("{os}/{architecture}")
        } else {
            format!("{os}/{architecture}/{variant}")
        }
    });
    // A platform that nobody knows can be emulated by nobody either.
    Ok(texts.filter_map(|text| Platform::parse(&text).ok()).collect())
}
