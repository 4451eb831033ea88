//! What a series found, as it is kept in a file: enough to go on with it and to report it.

use serde::{Deserialize, Serialize};

use crate::matrix::{Cell, Contender, Runner};

/// A series, finished or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Where it was measured.
    pub machine: Machine,
    /// One for each build that was timed.
    pub measurements: Vec<Measurement>,
    /// One for each cache that was exported.
    pub exports: Vec<Export>,
    /// Rounds that are complete: what is in them is not measured again.
    pub complete: Vec<Round>,
}

/// What Longshore is called among the programs of a machine.
pub const LONGSHORE: &str = "Longshore";

/// A machine and the programs on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// Processors that the system sees.
    pub cpus: usize,
    /// Bytes of memory.
    pub memory: u64,
    /// Name and version of the system and its kernel.
    pub system: String,
    /// Programs and their versions.
    pub tools: Vec<(String, String)>,
}

/// One timed build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Its workspace's name.
    pub workspace: String,
    /// From 1.
    pub round: usize,
    /// The revision of Longshore that was measured, or measured against.
    #[serde(default)]
    pub revision: Option<String>,
    /// The machine's processor, where several series were merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Where it ran.
    pub runner: Runner,
    /// What had changed.
    pub cell: Cell,
    /// Who built.
    pub contender: Contender,
    /// From the start of the client to its end.
    pub seconds: f64,
    /// CPU time of the client, the engine and all it ran, in seconds.
    pub cpu: Option<f64>,
    /// The most anonymous memory that the build's containers had at once, in bytes.
    pub memory: Option<u64>,
    /// The most containers that it had at once.
    #[serde(default)]
    pub containers: Option<usize>,
    /// Vertices that ran.
    pub ran: usize,
    /// Vertices that were cached.
    pub cached: usize,
    /// Bytes that came from the registry.
    pub imported: Option<u64>,
    /// The machine's load average before it began.
    pub load: f64,
    /// CPU time that everybody else on the machine had meanwhile, in seconds.
    pub foreign: Option<f64>,
    /// Others had so much of the machine that the time says little.
    pub noisy: bool,
}

/// One export of a cache, by a build in which nothing ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// Its workspace's name.
    pub workspace: String,
    /// From 1.
    pub round: usize,
    /// Whose cache.
    pub contender: Contender,
    /// From the start of the client to its end.
    pub seconds: f64,
    /// What BuildKit says that the export took of them.
    pub exporting: f64,
    /// Blobs that the cache's manifest names.
    pub blobs: usize,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Bytes that went to the registry.
    pub sent: u64,
}

/// A round of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Round {
    /// Its workspace's name.
    pub workspace: String,
    /// From 1.
    pub round: usize,
}

impl Machine {
    /// The revision of Longshore.
    pub fn revision(&self) -> Option<&str> {
        self.tools.iter().find(|(name, _)| name == LONGSHORE).map(|(_, revision)| revision.as_str())
    }
}

impl Series {
    /// Forgets what was found in rounds that were not finished: their builds stand on each other.
    pub fn drop_incomplete(&mut self) {
        let complete = &self.complete;
        let is_complete = |workspace: &str, round: usize| {
            complete.iter().any(|found| found.workspace == workspace && found.round == round)
        };
        self.measurements.retain(|found| is_complete(&found.workspace, found.round));
        self.exports.retain(|found| is_complete(&found.workspace, found.round));
    }

    /// One series of several, in which rounds are numbered on. The first one's machine is the machine; each measurement keeps
    /// the revision and the processor that its own series was of.
    pub fn merged(series: impl IntoIterator<Item = Self>) -> Self {
        let mut merged: Option<Self> = None;
        for mut next in series {
            let revision = next.machine.revision().map(str::to_owned);
            for found in &mut next.measurements {
                found.revision = found.revision.take().or_else(|| revision.clone());
                found.processor.get_or_insert_with(|| next.machine.processor.clone());
            }
            let Some(all) = &mut merged else {
                merged = Some(next);
                continue;
            };
            let last = |all: &Self, workspace: &str| {
                let rounds = all.measurements.iter().filter(|found| found.workspace == workspace);
                rounds.map(|found| found.round).max().unwrap_or(0)
            };
            for found in &mut next.measurements {
                found.round += last(all, &found.workspace);
            }
            for found in &mut next.exports {
                found.round += last(all, &found.workspace);
            }
            for found in &mut next.complete {
                found.round += last(all, &found.workspace);
            }
            all.measurements.append(&mut next.measurements);
            all.exports.append(&mut next.exports);
            all.complete.append(&mut next.complete);
        }
        merged.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::series;

    #[test]
    fn rounds_without_an_end_are_forgotten() {
        let mut found = series();
        found.complete = vec![Round { workspace: "ripgrep".to_owned(), round: 1 }];
        found.drop_incomplete();
        assert!(!found.measurements.is_empty());
        assert!(found.measurements.iter().all(|found| found.round == 1));
        assert!(found.exports.iter().all(|found| found.round == 1));
    }

    #[test]
    fn rounds_of_several_files_are_numbered_on() {
        let merged = Series::merged([series(), series()]);
        assert_eq!(merged.measurements.len(), 2 * series().measurements.len());
        let rounds: std::collections::BTreeSet<_> =
            merged.measurements.iter().map(|found| found.round).collect();
        assert_eq!(rounds.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn rounds_of_several_files_keep_their_revisions() {
        let of = |revision: &str| {
            let mut series = series();
            series.machine.tools.push((LONGSHORE.to_owned(), revision.to_owned()));
            // As in files that were written before rounds had one.
            series.measurements.iter_mut().for_each(|found| found.revision = None);
            series
        };
        let merged = Series::merged([of("a"), of("b")]);
        let found: std::collections::BTreeSet<_> =
            merged.measurements.iter().map(|found| (found.round <= 2, found.revision.as_deref())).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(false, Some("b")), (true, Some("a"))]);
    }

    #[test]
    fn rounds_of_several_files_keep_their_processors() {
        let of = |processor: &str| {
            let mut series = series();
            series.machine.processor = processor.to_owned();
            series
        };
        // What is merged can be merged again.
        let merged = Series::merged([Series::merged([of("a"), of("b")])]);
        let found: std::collections::BTreeSet<_> =
            merged.measurements.iter().map(|found| (found.round <= 2, found.processor.as_deref())).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(false, Some("b")), (true, Some("a"))]);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = serde_json::to_string(&series()).unwrap();
        assert_eq!(serde_json::from_str::<Series>(&text).unwrap(), series());
    }
}
