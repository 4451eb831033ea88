//! Images in an OCI layout that the client serves.

use crate::caps::Cap;
use crate::digest::Digest;
use crate::meta::{Notes, annotated};
use crate::platform::Platform;
use crate::source::local::SessionId;
use crate::source::{Attrs, source};
use crate::state::State;

/// The root filesystem of an image in a layout of the client.
#[must_use = "an OCI layout does nothing until `state` is called"]
#[derive(Debug, Clone)]
pub struct OciLayout {
    reference: String,
    platform: Platform,
    attrs: Attrs,
    notes: Notes,
}

impl OciLayout {
    /// The image with this digest in the store of that name.
    pub fn new(store: &str, digest: &Digest, platform: &Platform) -> OciLayout {
        let mut notes = Notes::default();
        notes.need(Cap::SOURCE_OCI_LAYOUT);
        let mut attrs = Attrs::default();
        attrs.set("oci.store", store);
        // The daemon wants a reference here, and finds the image by its digest alone.
        OciLayout { reference: format!("{store}@{digest}"), platform: platform.clone(), attrs, notes }
    }

    /// The name under which the image stands in the identifier, where the store's name is no image name.
    pub fn reference(mut self, reference: impl Into<String>) -> OciLayout {
        self.reference = reference.into();
        self
    }

    /// The session that serves the layout; without it, any of the build.
    pub fn session(mut self, session: &SessionId) -> OciLayout {
        self.attrs.set("oci.session", session.as_str());
        self
    }

    /// Takes the lowest layers only.
    pub fn layer_limit(mut self, layers_max: u32) -> OciLayout {
        self.attrs.set("oci.layerlimit", layers_max.to_string());
        self
    }

    /// The filesystem.
    #[must_use]
    pub fn state(self) -> State {
        source(format!("oci-layout://{}", self.reference), Some(&self.platform), self.attrs, self.notes)
    }
}

annotated!(OciLayout);
