//! The forms in which a member's steps see manifests: its own, and the workspace's. What they need not know is left out, since
//! every byte that they see is in their keys. Pure.

mod inherited;
mod own;

use camino::Utf8PathBuf;

pub use inherited::reduced;
pub use own::own;

/// A manifest in another form than it has in the build context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenManifest {
    /// Where it is, relative to the build context.
    pub path: Utf8PathBuf,
    /// What stands in it.
    pub text: String,
}
