//! What `longshore-helper finish` is asked to do: look at programs before there is an image, and make what goes with them.

use serde::{Deserialize, Serialize};

/// Programs are looked at as their image will have them. What is copied is as much as has to be: programs have any size, and
/// an exported cache would have each of them once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishRequest {
    /// What there is.
    pub programs: Vec<Program>,
    /// The root of what lies below the programs; absent for an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// What becomes of shared libraries that are needed and not in the root.
    pub libraries: Libraries,
    /// Directories that the image's environment has the loader search first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub library_path: Vec<String>,
    /// What to write into the programs that have room for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<String>,
    /// The architectures that the programs' device code must be for: `sm_80`, `ptx_80`, `gfx90a`. Absent, nobody looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_code: Option<Vec<String>>,
    /// Libraries that the driver of the machine brings, whatever the root has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub driver: Vec<String>,
    /// Whether the programs are copied to `output`, at their paths in the image. Otherwise there are the directories alone; but those
    /// that are stamped are copied in any case.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copied: bool,
    /// Where directories, and programs that are copied, go.
    pub output: String,
    /// Where libraries go that come along, at their paths in the image; absent where none do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libraries_output: Option<String>,
}

/// A program or library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Where it is.
    pub file: String,
    /// Where the image has it.
    pub path: String,
}

/// What becomes of shared libraries that are needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Libraries {
    /// One that is missing is an error.
    #[default]
    Check,
    /// Those that are missing come along.
    Copy,
    /// Nobody looks.
    Ignore,
}
