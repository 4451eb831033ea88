//! Accelerators as data: families of processors, what their architectures are called, and presets. Pure.
//!
//! One list of architectures stands for all the forms in which tools want it; see [`arch`].

pub mod arch;
pub mod preset;

pub use arch::{Arch, Family};
pub use preset::{PRESETS, Preset};

/// How device code for several architectures is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchMode {
    /// One build for each: tools that take a single value, such as `CUDA_COMPUTE_CAP`.
    PerBuild,
    /// One build with code for all.
    List,
    /// The architecture is not known before the program runs.
    None,
}

/// What becomes of programs for several architectures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// An image for each.
    #[default]
    Split,
    /// One image with all, and a launcher that starts the one that fits.
    Fat,
}

impl ArchMode {
    /// As settings write them.
    pub const ALL: [(&'static str, ArchMode); 3] =
        [("per-build", ArchMode::PerBuild), ("list", ArchMode::List), ("none", ArchMode::None)];
}
