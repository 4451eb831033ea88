//! The workspace as cargo sees it: one vertex that records, and what it wrote, read back.

pub mod refusal;

use buildkit_llb::{SourceFile, Span, State};
use cargo_metadata::Metadata;
use longshore_helper::recording::{
    FAILURE_FILE, Failure as Refusal, METADATA_FILE, RECORDING_FILE, Recording,
};

use crate::{
    context::{self, BuildContext, When},
    diagnostic::Code,
    emit::{
        Prefix, Workshop,
        crates::Locked,
        record::{self, Selection},
    },
    gateway::{Failure, Gateway},
    request::Request,
};

/// What cargo said about the workspace.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Every process that a build would start.
    pub recording: Recording,
    /// `cargo metadata`.
    pub metadata: Metadata,
    /// The vertex that recorded.
    pub vertex: State,
}

/// What a refusal is explained with.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The workspace's manifest.
    pub manifest: &'a SourceFile,
    /// The toolchain image, as the user or a default names it.
    pub toolchain: &'a str,
    /// Where the user named it.
    pub toolchain_span: Option<&'a Span>,
    /// What compiles, in words.
    pub compiler: &'a str,
    /// Before the names of steps.
    pub prefix: &'a Prefix,
}

/// Has cargo record the workspace. A recording that is cached is only read.
///
/// # Errors
/// Cargo refuses the workspace (at the right place in the user's file), or the vertex cannot run.
pub async fn query(
    gateway: &impl Gateway,
    request: &Request,
    workshop: &Workshop,
    context: &BuildContext,
    locked: &Locked,
    selection: &Selection,
    names: &Names<'_>,
) -> Result<Workspace, Failure> {
    let skeleton =
        record::skeleton(&context.manifests, &context.listing, &context.root, &context.cargo_config);
    let vertex =
        record::record(workshop, &skeleton, locked, &context.listing, &context.root, selection, names.prefix);
    // A failing step speaks for itself: it fails here, where nothing is put before its error, and not when the
    // recording is read.
    let reference = context::solve(gateway, request, &vertex, When::Now).await?;
    // At once: each is a megabyte or so of a large workspace. Of one that cargo refused there may be the second without the first.
    let (recording, metadata) = tokio::try_join!(
        context::read_optional(gateway, &reference, RECORDING_FILE),
        context::read_optional(gateway, &reference, METADATA_FILE),
    )?;
    let (recording, metadata) = match (recording, metadata) {
        (Some(recording), Some(metadata)) => (recording, metadata),
        _ => {
            let data = gateway.read_file(&reference, FAILURE_FILE).await?;
            let refusal: Refusal = parse(&data, FAILURE_FILE);
            let refused = refusal::diagnose(&refusal, names, &context.lock, &context.root);
            return Err(match names.toolchain_span {
                Some(span) if refused.code == Code::NoCargoInToolchain => refused.at(span),
                _ => refused,
            }
            .into());
        }
    };
    Ok(Workspace {
        recording: parse(&recording, RECORDING_FILE),
        metadata: parse(&metadata, METADATA_FILE),
        vertex,
    })
}

/// Reads what our own helper, or cargo beside it, wrote.
fn parse<T: serde::de::DeserializeOwned>(data: &[u8], name: &str) -> T {
    serde_json::from_slice(data)
        .unwrap_or_else(|error| panic!("the recording's `{name}` cannot be read: {error}"))
}
