//! Rounds put together: spreads of each build, and ratios between contenders.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    matrix::{Cell, Contender, Runner},
    results::{Measurement, Series},
    stats::Spread,
};

/// All that is said of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Workspaces, in the order of [`workspaces::ALL`](crate::workspaces::ALL), others after them.
    pub workspaces: Vec<String>,
    /// Sorted by workspace, runner, cell and contender.
    pub builds: Vec<Build>,
    /// One for each contender that Longshore is compared with, sorted likewise.
    pub ratios: Vec<Ratio>,
    /// Sorted by workspace and contender.
    pub exports: Vec<Export>,
    /// How often each workspace was measured, in their order.
    pub rounds: Vec<Rounds>,
}

/// The rounds of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rounds {
    /// Its name.
    pub workspace: String,
    /// How many there were.
    pub count: usize,
    /// The revisions of Longshore that were measured in them.
    pub revisions: Vec<String>,
    /// The processors that they ran on, where these are not the machine's.
    pub other_processors: Vec<String>,
}

/// All rounds of one build.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Build {
    /// Which.
    #[serde(flatten)]
    pub key: Key,
    /// Who built.
    pub contender: Contender,
    /// Wall time.
    pub seconds: Spread,
    /// CPU seconds.
    pub cpu: Option<Spread>,
    /// Bytes.
    pub memory: Option<Spread>,
    /// Containers at once.
    pub containers: Option<Spread>,
    /// Vertices that ran.
    pub ran: Spread,
    /// Bytes that came from the registry.
    pub imported: Option<Spread>,
    /// How many of the rounds others disturbed.
    pub noisy: usize,
}

/// A row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// A workspace's name.
    pub workspace: String,
    /// Where it ran.
    pub runner: Runner,
    /// What had changed.
    pub cell: Cell,
}

/// Longshore's wall time by another's, round by round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ratio {
    /// Which of Longshore's builds. The other's is of the cell that stands for it.
    #[serde(flatten)]
    pub key: Key,
    /// The other.
    pub against: Contender,
    /// Below 1, Longshore was faster.
    pub ratio: Spread,
}

/// All exports of a cache.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Export {
    /// A workspace's name.
    pub workspace: String,
    /// Whose.
    pub contender: Contender,
    /// Wall time of a build that does nothing else.
    pub seconds: Spread,
    /// What BuildKit says of the export alone.
    pub exporting: Spread,
    /// Blobs of the cache.
    pub blobs: Spread,
    /// Bytes of them.
    pub bytes: Spread,
    /// Bytes that went to the registry, which had the layers of the images before.
    pub sent: Spread,
}

impl Summary {
    /// Of what was measured.
    pub fn of(series: &Series) -> Self {
        let named = series.measurements.iter().map(|found| found.workspace.clone());
        let names: BTreeSet<String> =
            named.chain(series.exports.iter().map(|e| e.workspace.clone())).collect();
        let mut workspaces: Vec<String> = names.into_iter().collect();
        let place = |name: &String| crate::workspaces::ALL.iter().position(|known| known.name == name);
        workspaces.sort_by_key(|name| place(name).unwrap_or(usize::MAX));

        let keys: BTreeSet<Key> = series.measurements.iter().map(Key::of).collect();
        let mut keys: Vec<Key> = keys.into_iter().collect();
        keys.sort_by_key(|key| {
            (workspaces.iter().position(|name| *name == key.workspace), key.runner, key.cell)
        });
        let mut builds = Vec::new();
        let mut ratios = Vec::new();
        for key in keys {
            let found: Vec<&Measurement> =
                series.measurements.iter().filter(|found| Key::of(found) == key).collect();
            for contender in Contender::ALL {
                builds.extend(build(&key, contender, &found));
                ratios.extend(ratio(&key, contender, series));
            }
        }
        let mut exports = Vec::new();
        for workspace in &workspaces {
            exports
                .extend(Contender::ALL.iter().filter_map(|contender| export(series, workspace, *contender)));
        }
        let rounds = workspaces.iter().map(|workspace| rounds(series, workspace)).collect();
        Self { workspaces, builds, ratios, exports, rounds }
    }
}

fn rounds(series: &Series, workspace: &str) -> Rounds {
    let own = || series.measurements.iter().filter(|found| found.workspace == workspace);
    let count = own().map(|found| found.round).collect::<BTreeSet<_>>().len();
    let revisions = own().filter_map(|found| found.revision.clone()).collect::<BTreeSet<_>>();
    let other_processors = own()
        .filter_map(|found| found.processor.clone())
        .filter(|processor| *processor != series.machine.processor)
        .collect::<BTreeSet<_>>();
    Rounds {
        workspace: workspace.to_owned(),
        count,
        revisions: revisions.into_iter().collect(),
        other_processors: other_processors.into_iter().collect(),
    }
}

impl Key {
    fn of(found: &Measurement) -> Self {
        Self { workspace: found.workspace.clone(), runner: found.runner, cell: found.cell }
    }
}

fn build(key: &Key, contender: Contender, found: &[&Measurement]) -> Option<Build> {
    let own: Vec<&&Measurement> = found.iter().filter(|found| found.contender == contender).collect();
    Some(Build {
        key: key.clone(),
        contender,
        seconds: Spread::of(own.iter().map(|found| found.seconds))?,
        cpu: Spread::of(own.iter().filter_map(|found| found.cpu)),
        memory: Spread::of(own.iter().filter_map(|found| found.memory).map(|bytes| bytes as f64)),
        containers: Spread::of(own.iter().filter_map(|found| found.containers).map(|count| count as f64)),
        ran: Spread::of(own.iter().map(|found| found.ran as f64))?,
        imported: Spread::of(own.iter().filter_map(|found| found.imported).map(|bytes| bytes as f64)),
        noisy: own.iter().filter(|found| found.noisy).count(),
    })
}

fn ratio(key: &Key, against: Contender, series: &Series) -> Option<Ratio> {
    if against == Contender::Longshore {
        return None;
    }
    let of = |contender: Contender, cell: Cell| {
        let key = Key { cell, ..key.clone() };
        series.measurements.iter().filter(move |found| found.contender == contender && Key::of(found) == key)
    };
    let other = if of(against, key.cell).next().is_some() {
        key.cell
    } else {
        against.stands_for(key.runner, key.cell)
    };
    let ratios = of(Contender::Longshore, key.cell).filter_map(|ours| {
        let theirs = of(against, other).find(|theirs| theirs.round == ours.round)?;
        Some(ours.seconds / theirs.seconds)
    });
    Some(Ratio { key: key.clone(), against, ratio: Spread::of(ratios)? })
}

fn export(series: &Series, workspace: &str, contender: Contender) -> Option<Export> {
    let own: Vec<_> = series
        .exports
        .iter()
        .filter(|found| found.workspace == workspace && found.contender == contender)
        .collect();
    Some(Export {
        workspace: workspace.to_owned(),
        contender,
        seconds: Spread::of(own.iter().map(|found| found.seconds))?,
        exporting: Spread::of(own.iter().map(|found| found.exporting))?,
        blobs: Spread::of(own.iter().map(|found| found.blobs as f64))?,
        bytes: Spread::of(own.iter().map(|found| found.bytes as f64))?,
        sent: Spread::of(own.iter().map(|found| found.sent as f64))?,
    })
}
