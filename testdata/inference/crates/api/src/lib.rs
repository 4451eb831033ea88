//! The messages of the inference service. gRPC carries them as protobuf, HTTP as JSON.

// The derive macro names this crate by the name that others know it by.
extern crate self as api;

mod check;

pub use check::{Checked, Refusal};

/// Generated from `proto/inference.proto`.
#[allow(missing_docs, reason = "generated")]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/inference.v1.rs"));
}
