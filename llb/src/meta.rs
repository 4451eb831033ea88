//! Annotations: what an op carries for people and for the scheduler. Nothing here reaches a digest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use buildkit_proto::pb;

use crate::caps::Cap;
use crate::digest::Digest;
use crate::span::{Location, Span};

/// Where the client looks for the name it shows.
pub(crate) const NAME_KEY: &str = "llb.customname";
/// Where the label stays; the daemon passes on what it does not know.
pub(crate) const LABEL_KEY: &str = "llb.label";

/// What every op can carry and no cache key sees.
pub trait Annotate: sealed::Annotated + Sized {
    /// A stable id for the op: it names the op in the text form and in messages.
    #[must_use]
    fn labeled(mut self, label: impl Into<Arc<str>>) -> Self {
        self.notes().description.insert(LABEL_KEY.into(), label.into());
        self
    }

    /// What the user sees in the progress display.
    #[must_use]
    fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.notes().description.insert(NAME_KEY.into(), name.into());
        self
    }

    /// Shows the op as part of a group, in one row with the others.
    #[must_use]
    fn grouped(mut self, group: &ProgressGroup) -> Self {
        self.notes().group = Some(group.clone());
        self
    }

    /// The place that asked for this op: where the client points when the op fails. Several calls add up.
    #[must_use]
    fn at(mut self, span: &Span) -> Self {
        self.notes().add_location(span.location());
        self
    }

    /// Always runs the op, whatever the cache has. Its cache mounts are emptied as well.
    #[must_use]
    fn uncached(mut self) -> Self {
        self.notes().ignore_cache = true;
        self
    }

    /// Whether the op's result may be exported to a remote cache; without this call the export mode decides.
    #[must_use]
    fn export_cache(mut self, export: bool) -> Self {
        self.notes().export_cache = Some(export);
        self
    }
}

impl<T: sealed::Annotated> Annotate for T {}

/// Several vertices shown as one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressGroup {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) weak: bool,
}

impl ProgressGroup {
    /// A group of this name. The id derives from the name, so that equal inputs give equal definitions.
    pub fn new(name: impl Into<Arc<str>>) -> ProgressGroup {
        let name = name.into();
        let id = Digest::of(name.as_bytes()).hex()[..25].into();
        ProgressGroup { id, name, weak: false }
    }

    /// A group that stays hidden until a member of a group that is not weak starts, or one fails.
    #[must_use]
    pub fn weak(mut self) -> ProgressGroup {
        self.weak = true;
        self
    }
}

/// Limits of one exec. They are not part of its cache key. Zero and empty mean no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// Memory.
    pub memory_bytes: i64,
    /// Memory and swap together; -1 is unlimited swap.
    pub memory_swap_bytes: i64,
    /// Weight against other containers.
    pub cpu_shares: u64,
    /// Length of a scheduling period.
    pub cpu_period_us: u64,
    /// CPU time in a period.
    pub cpu_quota_us: i64,
    /// CPUs to run on, `0-3,5`.
    pub cpuset_cpus: String,
    /// Memory nodes to use, `0,1`.
    pub cpuset_mems: String,
}

impl Resources {
    pub(crate) fn to_proto(&self) -> pb::LinuxResources {
        pb::LinuxResources {
            memory: self.memory_bytes,
            memory_swap: self.memory_swap_bytes,
            cpu_shares: self.cpu_shares,
            cpu_period: self.cpu_period_us,
            cpu_quota: self.cpu_quota_us,
            cpuset_cpus: self.cpuset_cpus.clone(),
            cpuset_mems: self.cpuset_mems.clone(),
        }
    }

    pub(crate) fn from_proto(proto: &pb::LinuxResources) -> Resources {
        Resources {
            memory_bytes: proto.memory,
            memory_swap_bytes: proto.memory_swap,
            cpu_shares: proto.cpu_shares,
            cpu_period_us: proto.cpu_period,
            cpu_quota_us: proto.cpu_quota,
            cpuset_cpus: proto.cpuset_cpus.clone(),
            cpuset_mems: proto.cpuset_mems.clone(),
        }
    }
}

/// Everything beside the op's bytes.
#[derive(Debug, Clone, Default)]
#[doc(hidden)]
pub struct Notes {
    pub(crate) description: BTreeMap<Arc<str>, Arc<str>>,
    pub(crate) group: Option<ProgressGroup>,
    pub(crate) locations: Vec<Location>,
    pub(crate) ignore_cache: bool,
    pub(crate) export_cache: Option<bool>,
    pub(crate) resources: Option<Resources>,
    pub(crate) caps: BTreeSet<Cap>,
}

impl Notes {
    pub(crate) fn need(&mut self, cap: Cap) {
        self.caps.insert(cap);
    }

    pub(crate) fn label(&self) -> Option<&str> {
        self.description.get(LABEL_KEY).map(|label| &**label)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.description.get(NAME_KEY).map(|name| &**name)
    }

    fn add_location(&mut self, location: Location) {
        if !self.locations.contains(&location) {
            self.locations.push(location);
        }
    }

    /// Adds the notes of an equal op: what is set stays, places and needs add up.
    pub(crate) fn merge(&mut self, other: &Notes) {
        for (key, text) in &other.description {
            self.description.entry(Arc::clone(key)).or_insert_with(|| Arc::clone(text));
        }
        for location in &other.locations {
            self.add_location(location.clone());
        }
        if self.group.is_none() {
            self.group.clone_from(&other.group);
        }
        if self.resources.is_none() {
            self.resources.clone_from(&other.resources);
        }
        self.ignore_cache |= other.ignore_cache;
        self.export_cache = self.export_cache.or(other.export_cache);
        self.caps.extend(other.caps.iter().cloned());
    }

    pub(crate) fn to_proto(&self) -> pb::OpMetadata {
        pb::OpMetadata {
            ignore_cache: self.ignore_cache,
            description: self
                .description
                .iter()
                .map(|(key, text)| (key.to_string(), text.to_string()))
                .collect(),
            export_cache: self.export_cache.map(|value| pb::ExportCache { value }),
            caps: self.caps.iter().map(|cap| (cap.as_str().to_owned(), true)).collect(),
            progress_group: self.group.as_ref().map(|group| pb::ProgressGroup {
                id: group.id.to_string(),
                name: group.name.to_string(),
                weak: group.weak,
            }),
            linux_resources: self.resources.as_ref().map(Resources::to_proto),
        }
    }

    pub(crate) fn from_proto(proto: &pb::OpMetadata) -> Notes {
        Notes {
            description: proto
                .description
                .iter()
                .map(|(key, text)| (key.as_str().into(), text.as_str().into()))
                .collect(),
            group: proto.progress_group.as_ref().map(|group| ProgressGroup {
                id: group.id.as_str().into(),
                name: group.name.as_str().into(),
                weak: group.weak,
            }),
            locations: Vec::new(),
            ignore_cache: proto.ignore_cache,
            export_cache: proto.export_cache.as_ref().map(|export| export.value),
            resources: proto.linux_resources.as_ref().map(Resources::from_proto),
            caps: proto
                .caps
                .iter()
                .filter(|(_, needed)| **needed)
                .map(|(cap, _)| Cap::named(cap.as_str()))
                .collect(),
        }
    }
}

pub(crate) mod sealed {
    use super::Notes;

    /// Keeps [`Annotate`](super::Annotate) to the builders of this crate.
    pub trait Annotated {
        #[doc(hidden)]
        fn notes(&mut self) -> &mut Notes;
    }
}

/// Implements [`Annotate`] for a builder with a field `notes`.
macro_rules! annotated {
    ($($builder:ty),+ $(,)?) => {
        $(impl crate::meta::sealed::Annotated for $builder {
            fn notes(&mut self) -> &mut crate::meta::Notes {
                &mut self.notes
            }
        })+
    };
}
pub(crate) use annotated;
