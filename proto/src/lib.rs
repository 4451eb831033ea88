//! BuildKit's wire contract, for a frontend and for a daemon that tests one.
//!
//! The messages and the service come from the `.proto` files beside this crate's sources, whose
//! `VERSION` names the BuildKit release they were checked against. Nothing here knows what a build
//! looks like; that is for `buildkit-llb` and the frontend.
//!
//! Encode an [`pb::Op`] with [`encode_op`], never with prost: its digest has to be the one that the
//! daemon computes.

mod canonical;
mod wire;

pub use canonical::encode_op;
pub use prost_types::{Any, Timestamp};
pub use wire::fsutil::types as fstypes;
pub use wire::google::rpc;
pub use wire::moby::buildkit::v1::{apicaps, frontend as gateway, sourcepolicy, types};
pub use wire::pb;

/// How the daemon reports progress to its client: `moby.buildkit.v1`, less the service.
pub mod control {
    pub use crate::wire::moby::buildkit::v1::{
        StatusResponse, Vertex, VertexLog, VertexStatus, VertexWarning,
    };
}
