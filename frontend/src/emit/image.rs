//! The image's filesystem: a base, and binaries on it.

use buildkit_llb::{Annotate, Copy, Files, Owner, Span, State};

/// One binary of an image.
#[derive(Debug, Clone)]
pub struct Binary<'a> {
    /// The output of the vertex that compiled it.
    pub output: &'a State,
    /// File in that output.
    pub file: &'a str,
    /// Absolute path in the image.
    pub path: String,
}

/// Where binaries go.
pub const BIN_DIR: &str = "/usr/local/bin";

/// Lays binaries on a base.
///
/// `plan` is the recording: nothing of it is copied, but it becomes part of the result's graph, so that a cache
/// exported with `mode=max` carries it and a fresh machine need not record again.
pub fn image(
    base: &State,
    binaries: &[Binary<'_>],
    plan: &State,
    name: &str,
    span: Option<&Span>,
    epoch: Option<i64>,
) -> State {
    let mut files = Files::on(base);
    for binary in binaries {
        let mut copy = Copy::new(binary.output, format!("/{}", binary.file), binary.path.as_str())
            .mode(0o755)
            .owner(Owner::ids(0, 0))
            .parents();
        if let Some(epoch) = epoch {
            copy = copy.timestamp(epoch);
        }
        files = files.add(copy);
    }
    files = files.add(Copy::new(plan, "/nothing-of-the-plan*", "/").wildcard().allow_empty_wildcard());
    let mut files = files.labeled(format!("image:{name}")).named(format!("[image] {name}"));
    if let Some(span) = span {
        files = files.at(span);
    }
    files.state()
}
