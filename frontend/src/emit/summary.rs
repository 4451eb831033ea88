//! The vertex that looks back at a build: what took how long, how large the images are, what compilers warned about.
//!
//! It sees the images, so it runs when they are made. What it reads of the ledger lies outside of all keys: it is as it was
//! when the images were made, unless it is asked for anew.

use buildkit_llb::{Annotate, State};
use longshore_helper::report::SummaryRequest;

use super::{Workshop, known_by_origin};
use crate::paths;

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub struct Looked<'a> {
    /// Entries of the ledger.
    pub keys: Vec<String>,
    /// Filesystems whose size is wanted.
    pub images: Vec<&'a State>,
    /// Reports of members, each once. Their order is that of the question, so it must not come from their digests: what is
    /// made of the client's files has another in each session.
    pub reports: Vec<&'a State>,
    /// What has to have run.
    pub ran: Vec<&'a State>,
    /// Filesystems of whose files the digests are wanted.
    pub digested: Vec<&'a State>,
    /// When the build began, in milliseconds since 1970: whoever gives it is told what the ledger says now, and a container
    /// starts for that. Without, an earlier answer about the very same vertices and images will do.
    pub since: Option<u64>,
}

/// The vertex; its output holds [`longshore_helper::report::SUMMARY_FILE`].
pub fn summary(workshop: &Workshop, looked: &Looked<'_>) -> State {
    let places = |top: &str, count: usize| (0..count).map(|at| format!("{top}/{at}")).collect::<Vec<_>>();
    let measured = places(paths::IMAGE, looked.images.len());
    let reports = places(paths::REPORT, looked.reports.len());
    let digested = places(paths::DIGESTED, looked.digested.len());
    let request = SummaryRequest {
        digested: digested.clone(),
        keys: looked.keys.clone(),
        measured: measured.clone(),
        reports: if reports.is_empty() { Vec::new() } else { vec![paths::REPORT.to_owned()] },
        output: paths::SUMMARY.to_owned(),
        since: looked.since,
    };
    let request = serde_json::to_string(&request).expect("strings can be written as JSON");
    let mut exec = workshop.helper("summary", &request).mount(longshore_helper::SLOTS_DIR, Workshop::slots());
    let images = looked.images.iter().copied();
    let looked_at = measured
        .iter()
        .zip(images)
        .chain(reports.iter().zip(looked.reports.iter().copied()))
        .chain(digested.iter().zip(looked.digested.iter().copied()));
    for (place, state) in looked_at {
        exec = exec.mount(place, known_by_origin(state));
    }
    for (at, state) in looked.ran.iter().enumerate() {
        exec = exec.mount(format!("{}/{at}", paths::SMOKE), known_by_origin(state));
    }
    exec.output(paths::SUMMARY, &State::SCRATCH)
        .labeled("summary")
        .named("[longshore] summary")
        .export_cache(false)
        .run()
}
