//! Images of registries and of the daemon's own store.

use crate::caps::Cap;
use crate::digest::Digest;
use crate::meta::{Notes, annotated};
use crate::platform::Platform;
use crate::source::reference::ImageRef;
use crate::source::{Attrs, source};
use crate::state::State;

/// Where a tag is looked up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResolveMode {
    /// As the daemon is set up.
    #[default]
    Default,
    /// Always in the registry.
    Pull,
    /// In the daemon's store first.
    Local,
}

/// The root filesystem of an image.
#[must_use = "an image does nothing until `state` is called"]
#[derive(Debug, Clone)]
pub struct Image {
    reference: ImageRef,
    platform: Platform,
    attrs: Attrs,
    notes: Notes,
}

impl Image {
    /// The image for a platform.
    pub fn new(reference: &ImageRef, platform: &Platform) -> Image {
        let mut notes = Notes::default();
        notes.need(Cap::SOURCE_IMAGE);
        Image { reference: reference.clone(), platform: platform.clone(), attrs: Attrs::default(), notes }
    }

    /// Where the tag is looked up.
    pub fn resolve_mode(mut self, mode: ResolveMode) -> Image {
        let value = match mode {
            ResolveMode::Default => "",
            ResolveMode::Pull => "pull",
            ResolveMode::Local => "local",
        };
        self.attrs.set("image.resolvemode", value);
        if mode == ResolveMode::Pull {
            // The other modes are hints that an old daemon may ignore.
            self.notes.need(Cap::SOURCE_IMAGE_RESOLVE_MODE);
        }
        self
    }

    /// Fails unless the image has this digest.
    pub fn checksum(mut self, digest: &Digest) -> Image {
        self.attrs.set("image.checksum", digest.as_str());
        self.notes.need(Cap::SOURCE_IMAGE_CHECKSUM);
        self
    }

    /// Takes the lowest layers only.
    pub fn layer_limit(mut self, layers_max: u32) -> Image {
        self.attrs.set("image.layerlimit", layers_max.to_string());
        self.notes.need(Cap::SOURCE_IMAGE_LAYER_LIMIT);
        self
    }

    /// Marks the image as a tool of the build, which the daemon counts apart when it cleans up.
    pub fn internal(mut self) -> Image {
        self.attrs.set("image.recordtype", "internal");
        self
    }

    /// The filesystem.
    #[must_use]
    pub fn state(self) -> State {
        source(format!("docker-image://{}", self.reference), Some(&self.platform), self.attrs, self.notes)
    }
}

annotated!(Image);
