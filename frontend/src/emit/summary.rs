//! The vertex that looks back at a build: what took how long, how large the images are, what compilers warned about.
//!
//! It sees the images, so it runs when they are made; and it runs in every build, since what it reads lies outside of
//! all keys.

use buildkit_llb::{Annotate, Copy, Files, State};
use longshore_helper::report::{SummaryRequest, WARNINGS_FILE};

use super::{Workshop, package::Output};
use crate::paths;

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub struct Looked<'a> {
    /// Entries of the ledger.
    pub keys: Vec<String>,
    /// Filesystems whose size is wanted.
    pub images: Vec<&'a State>,
    /// Reports of members, as [`reports`] collects them.
    pub reports: Vec<&'a State>,
    /// When the build began, in milliseconds since 1970.
    pub since: u64,
}

/// The reports of members in one place, each in a directory of its own.
///
/// An image depends on it, without having anything of it, so that a cache exported with `mode=max` carries what members
/// warned about, and a fresh machine need not compile them again to know.
pub fn reports<'a>(outputs: impl IntoIterator<Item = &'a Output>) -> State {
    let mut files = Files::on(&State::SCRATCH);
    let mut count = 0;
    for output in outputs {
        if let Some(report) = &output.report {
            let from = format!("/{WARNINGS_FILE}*");
            files = files.add(
                Copy::new(report, from, format!("/{}/", output.ledger))
                    .wildcard()
                    .allow_empty_wildcard()
                    .parents(),
            );
            count += 1;
        }
    }
    if count == 0 {
        return State::SCRATCH;
    }
    files.labeled("reports").named("[longshore] what members warned about").state()
}

/// The vertex; its output holds [`longshore_helper::report::SUMMARY_FILE`].
pub fn summary(workshop: &Workshop, looked: &Looked<'_>) -> State {
    let places = |top: &str, count: usize| (0..count).map(|at| format!("{top}/{at}")).collect::<Vec<_>>();
    let measured = places(paths::IMAGE, looked.images.len());
    let reports = places(paths::REPORT, looked.reports.len());
    let request = SummaryRequest {
        keys: looked.keys.clone(),
        measured: measured.clone(),
        reports: reports.clone(),
        output: paths::SUMMARY.to_owned(),
        since: looked.since,
    };
    let request = serde_json::to_string(&request).expect("strings can be written as JSON");
    let mut exec = workshop.helper("summary", &request).mount(longshore_helper::SLOTS_DIR, Workshop::slots());
    for (place, state) in measured.iter().zip(&looked.images).chain(reports.iter().zip(&looked.reports)) {
        exec = exec.mount(place, *state);
    }
    exec.output(paths::SUMMARY, &State::SCRATCH)
        .labeled("summary")
        .named("[longshore] summary")
        .export_cache(false)
        .run()
}
