//! What tells one toolchain from another: its contents, whatever its name.

use buildkit_llb::Digest;
use longshore_helper::spec::CONTENTS_FILE;

use crate::{
    context::{self, When},
    emit::{Workshop, contents},
    gateway::{Failure, Gateway},
    named::Loaded,
    request::Request,
};

/// The digest of an image, otherwise of the files themselves: all, or those at `paths`. Equal names would do for no cache
/// mount: what is kept there was made with everything that the toolchain has.
pub(super) async fn identity(
    gateway: &impl Gateway,
    request: &Request,
    workshop: &Workshop,
    loaded: &Loaded,
    paths: &[String],
    name: &str,
) -> Result<Digest, Failure> {
    if loaded.is_pinned {
        return Ok(loaded.identity.clone());
    }
    let vertex = contents::digest(workshop, &loaded.state, paths, name);
    let reference = context::solve(gateway, request, &vertex, When::Now).await?;
    let contents = gateway.read_file(&reference, CONTENTS_FILE).await?;
    Ok(Digest::of(&[loaded.identity.to_string().as_bytes(), &contents].concat()))
}
