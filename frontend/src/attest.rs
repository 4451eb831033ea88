//! Attestations: what [`supply`](crate::supply) says about an image, in the form in which BuildKit attaches it.

use buildkit_llb::{Annotate, Cap, Digest, Files, State};
use buildkit_proto::gateway::{Attestation, AttestationKind, Attestations, InTotoSubject, InTotoSubjectKind};

use crate::{
    assemble::Assembled,
    context::{self, When},
    gateway::{Failure, Gateway},
    output::Revision,
    project::{Planned, Project},
    request::Request,
    supply::{self, Facts, ImageFact, SPDX_PREDICATE, STATEMENT_PREDICATE},
    target::Target,
};

/// The gateway's capability to take attestations.
const CAPABILITY: &str = "reference.attestations";

/// What the client asks to be attached to an image: an SBOM, a statement about the build.
///
/// # Errors
/// A solve fails.
pub async fn attestations(
    gateway: &impl Gateway,
    request: &Request,
    project: &Project,
    planned: &Planned,
    target: &Target,
    image: &Assembled,
) -> Result<Option<Attestations>, Failure> {
    let is_asked = request.sbom.is_some() || request.provenance;
    if !is_asked || !gateway.caps().supports(&Cap::named(CAPABILITY)) {
        return Ok(None);
    }
    let toolchain = ImageFact {
        name: project.config.toolchain.reference.familiar(),
        digest: project.toolchain.reference.as_ref().and_then(|reference| reference.digest().cloned()),
    };
    let base = image.base.as_ref().map(|base| ImageFact {
        name: base
            .reference
            .as_ref()
            .map_or_else(|| "a directory".to_owned(), |reference| reference.familiar()),
        digest: base.reference.as_ref().and_then(|reference| reference.digest().cloned()),
    });
    let revision = Revision::of(request);
    let facts = Facts {
        name: &target.name,
        artifacts: &target.artifacts,
        planned,
        lock: &project.lock,
        lock_digest: &Digest::of(project.context.lock.text()),
        toolchain: &toolchain,
        base: base.as_ref(),
        assets: &image.settings.assets,
        commit: revision.commit.as_deref(),
        source: revision.source.as_deref(),
        created: request.source_date_epoch.and_then(|epoch| i64::try_from(epoch).ok()).unwrap_or(0),
    };
    let mut list = Vec::new();
    if request.sbom.is_some() {
        list.push(
            attestation(gateway, request, SPDX_PREDICATE, "sbom.spdx.json", supply::document(&facts)).await?,
        );
    }
    list.push(
        attestation(gateway, request, STATEMENT_PREDICATE, "build.json", supply::statement(&facts)).await?,
    );
    Ok(Some(Attestations { attestation: list }))
}

/// A predicate is a file in a filesystem of its own (exporter/attestation/make.go).
async fn attestation(
    gateway: &impl Gateway,
    request: &Request,
    predicate: &str,
    name: &str,
    data: Vec<u8>,
) -> Result<Attestation, Failure> {
    let state = Files::on(&State::SCRATCH)
        .write(format!("/{name}"), 0o644, data)
        .labeled(format!("attestation:{name}"))
        .named(format!("[longshore] {name}"))
        .state();
    let reference = context::solve(gateway, request, &state, When::Used).await?;
    Ok(Attestation {
        kind: AttestationKind::InToto.into(),
        r#ref: Some(reference.to_proto()),
        path: format!("/{name}"),
        in_toto_predicate_type: predicate.to_owned(),
        in_toto_subjects: vec![InTotoSubject {
            kind: InTotoSubjectKind::Self_.into(),
            ..InTotoSubject::default()
        }],
        ..Attestation::default()
    })
}
