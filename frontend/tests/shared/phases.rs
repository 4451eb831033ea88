//! The pure phases, one after the other, on a synthetic workspace: what each makes of it, and how long that took.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use buildkit_llb::{Annotate as _, Copy, Files, Image, ImageRef, Local, Platform, SourceFile, State};
use buildkit_proto::pb;
use camino::Utf8PathBuf;
use longshore::emit::crates::{Locked, Provider, Provision};
use longshore::emit::package::{CachePrefix, Packages, Sources, packages};
use longshore::emit::summary::{Looked, summary};
use longshore::emit::{Prefix, Workshop};
use longshore::listing::{Kind, Listing};
use longshore::lock::Lock;
use longshore::members;
use longshore::plan::{
    ArtifactKind, Plan, VertexId,
    bundle::{Bundling, SMALL_BYTES_MAX},
};
use longshore::registry::{Download, Registry};
use longshore::request::{NoCache, Sandbox};
use longshore::units::{Origin, UnitGraph};
use prost::Message as _;
use rustix::time::{ClockId, clock_gettime};

use crate::synthetic::Synthetic;

/// Phases, in their order.
pub(crate) const PHASES: [&str; 5] = ["lock", "units", "plan", "emit", "define"];

/// What the phases made.
pub(crate) struct Made {
    /// CPU time of each: that of the clock says more about what else the machine does.
    pub(crate) took: [Duration; PHASES.len()],
    /// Packages with what they run and see.
    pub(crate) plan: Plan,

    /// The message that asks for everything: all programs, and the look back at them.
    pub(crate) definition: pb::Definition,
}

impl Made {
    /// Runs every phase; with `bundle`, small packages share vertices.
    pub(crate) fn new(workspace: &Synthetic, bundle: bool) -> Self {
        let platform = Platform::parse("linux/amd64").unwrap();
        let image = |name: &str| Image::new(&ImageRef::parse(name).unwrap(), &platform).labeled(name).state();
        let workshop = Workshop {
            toolchain: image("rust:1.95-bookworm"),
            toolchain_env: [
                ("PATH", "/usr/local/cargo/bin:/usr/bin:/bin"),
                ("CARGO_HOME", "/usr/local/cargo"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            helper: (image("localhost/longshore:dev"), "/longshore-helper".to_owned()),
            sandbox: Sandbox::default(),
            build_platform: platform,
        };
        let context = Local::unique("context", "build").labeled("context").state();
        let listing = listing(workspace);
        let directories = members::directories(&workspace.metadata);
        let lock_file = SourceFile::new("Cargo.lock", "TOML", workspace.lock.as_str());

        let bytes_max = if bundle { SMALL_BYTES_MAX } else { 0 };
        let bundling = Bundling { bytes_max, alone: BTreeSet::new() };

        let mut took = [Duration::ZERO; PHASES.len()];
        let mut started = cpu_time();
        let mut lap = |phase: usize| {
            let now = cpu_time();
            took[phase] = now - std::mem::replace(&mut started, now);
        };

        let lock = Lock::parse(&lock_file).unwrap();
        lap(0);
        let graph = UnitGraph::new(&workspace.recording, &workspace.metadata).unwrap();
        lap(1);
        let plan = Plan::bundled(&graph, &bundling);
        lap(2);
        let download = Provision::Download { download: Download::crates_io(), token: None };
        let crates_io = Provider { name: "crates-io".to_owned(), provision: download };
        let locked =
            Locked::new(&lock, &[(Registry::crates_io().as_str().to_owned(), crates_io)].into(), &context);
        let spans = graph.packages().filter_map(|(ix, package)| {
            let Origin::Member { directory } = &package.origin else { return None };
            let name = directory.join("Cargo.toml");
            let file =
                SourceFile::new(name.as_str(), "TOML", workspace.manifests[directory.as_str()].as_str());
            Some((ix, file.span(0..9)))
        });
        let all: BTreeSet<VertexId> = (0..).map(VertexId).take(plan.vertices.len()).collect();
        let Packages { outputs, .. } = packages(
            &workshop,
            &graph,
            &plan,
            &all,
            &Sources {
                locked: &locked,
                context: &context,
                listing: &listing,
                outside: &BTreeMap::new(),
                hidden: &BTreeMap::new(),
                manifests: &BTreeMap::new(),
                spans: &spans.collect(),
                members: &directories,
                cache_prefix: &CachePrefix {
                    host: "longshore/host".to_owned(),
                    target: "longshore/target".to_owned(),
                },
                prefix: &Prefix::default(),
                grants: &BTreeMap::new(),
                yielding_env: &BTreeSet::new(),
                toolkit: None,
                sysroot: None,
                no_cache: &NoCache::Off,
                build: "session",
                trace: None,
            },
        );
        let programs = plan.targets.iter().filter(|target| target.kind == ArtifactKind::Program);
        let images: Vec<State> = programs
            .map(|target| {
                let copy =
                    Copy::new(&outputs[&target.vertex].files, format!("/{}", target.file), "/usr/bin/");
                Files::on(&State::SCRATCH).add(copy).named(format!("[image] {}", target.name)).state()
            })
            .collect();
        let looked = Looked {
            keys: outputs.values().map(|output| output.ledger.clone()).collect(),
            images: images.iter().collect(),
            reports: outputs.values().filter_map(|output| output.report.as_ref()).collect(),
            ..Looked::default()
        };
        let summary = summary(&workshop, &looked);
        lap(3);
        let definition = summary.definition().to_proto();
        assert!(!definition.encode_to_vec().is_empty());
        lap(4);
        Self { took, plan, definition }
    }

    /// Outputs that vertices see of others, all together.
    pub(crate) fn mounts(&self) -> usize {
        self.plan.vertices.iter().map(|vertex| vertex.inputs.len()).sum()
    }
}

fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

/// The names of the members' files.
fn listing(workspace: &Synthetic) -> Listing {
    let mut listing = Listing::default();
    let mut directories = BTreeSet::new();
    for directory in workspace.manifests.keys() {
        for file in ["Cargo.toml", "src/lib.rs", "src/main.rs", "src/error.rs", "src/config.rs"] {
            let path = Utf8PathBuf::from(directory).join(file);
            directories.extend(path.ancestors().skip(1).map(ToOwned::to_owned));
            listing.insert(path.as_str(), Kind::File, String::new());
        }
    }
    for directory in directories {
        listing.insert(directory.as_str(), Kind::Directory, String::new());
    }
    listing
}
