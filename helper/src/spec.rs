//! What `longshore-helper build` is asked to do in the vertex of one package.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What one vertex does: one package's steps, or those of several packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The vertex's output directory, writable, in which the outputs of its packages lie, or which is its package's.
    pub output: String,
    /// Packages before those that depend on them. Those that do not wait for each other run at the same time.
    pub packages: Vec<Spec>,
}

/// The steps of one package, run one after the other while holding one slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Name and version, for messages: `serde 1.0.228`.
    pub package: String,
    /// For a workspace member: its directory relative to the workspace, and the manifest to name in help texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Member>,
    /// Where its archive is to be unpacked before the steps ([`crate::archive_of`]), if it came as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpack: Option<String>,
    /// The package's output directory: `/t/serde-1.0.228`.
    pub output: String,
    /// The cache mount of this member, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
    /// Environment that all steps share.
    pub env: BTreeMap<String, String>,
    /// Output directories of the packages this one may load crates from; each becomes `-L dependency=`.
    pub dependencies: Vec<String>,
    /// Where to write what there is to tell about a member besides its output: its warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// The name of the vertex's entry in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<String>,
    /// Variables of the vertex's environment that the steps see, besides those written here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass_env: Vec<String>,
    /// Those of `pass_env` that cargo's `[env]` has too, without `force`: it gives way where the vertex has the variable
    /// (`GlobalContext::env_config` in its `util/context/mod.rs`; the Cargo book, "Configuration").
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yields: Vec<String>,
    /// Those of `pass_env` that are secrets: no log has their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_env: Vec<String>,
    /// Files besides the package's own that its steps are told of: what a build script made of them counts for no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// For a package that runs on a device: where [`Sysroot`] was asked to put the device's standard library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sysroot: Option<String>,
    /// One of its steps takes several times the memory of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heavy: Option<Heavy>,
    /// In order.
    pub steps: Vec<Step>,
}

/// What takes so much memory that few can run at once, however many CPUs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heavy {
    /// A link with optimisation of the whole program: one process, whose threads share what it takes.
    Lto,
    /// A build script that uses an accelerator's toolkit: each compiler that it starts is heavy.
    Toolkit,
}

/// What `longshore-helper sysroot` is asked: the standard library of a device, where the toolchain has none.
///
/// Devices such as `amdgcn-amd-amdhsa` come without one, and are compiled with `-Zbuild-std`
/// (<https://doc.rust-lang.org/rustc/platform-support.html>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysroot {
    /// The device's triple.
    pub target: String,
    /// Flags of rustc's that its crates are compiled with, as those of the user's crates are.
    pub rustflags: Vec<String>,
    /// Where to put it, as rustc's `--sysroot` takes it. Stays empty where the toolchain has its own.
    pub output: String,
}

/// What `longshore-helper contents` is asked: a digest of what lies in directories, for what no digest comes with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// In order.
    pub directories: Vec<String>,
    /// Where to write [`CONTENTS_FILE`].
    pub output: String,
}

/// Holds the digest.
pub const CONTENTS_FILE: &str = "contents";

/// Where a member lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Directory, relative to the workspace root; empty for the root package.
    pub directory: String,
    /// Absolute path of the workspace root in the vertex: `/ws`.
    pub workspace: String,
}

/// One process of a [`Spec`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum Step {
    /// Run rustc once.
    Rustc(Rustc),
    /// Run a build script once.
    BuildScript(BuildScript),
}

/// One call of rustc.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rustc {
    /// What to call it in messages: `serde (lib)`, `app (bin "server")`, `app (build script)`.
    pub name: String,
    /// Arguments as cargo gave them, paths already those of the vertex, without `-L dependency=`.
    pub args: Vec<String>,
    /// How many of the last of them cargo's configuration says in place of build scripts. What scripts say goes between.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub overridden: usize,
    /// Working directory.
    pub cwd: String,
    /// Environment beyond the spec's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// What is compiled: decides which `rustc-link-arg-*` apply, and whether `-l` does.
    pub target: TargetKind,
    /// The package also has a library, so `-l` of its build script goes there and not to this target.
    #[serde(default)]
    pub has_lib_beside: bool,
    /// What the package's own build script said: a file that a [`BuildScript`] step wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// What build scripts of linkable dependencies said, in cargo's order; their search paths (and, for a
    /// cdylib, their cdylib link arguments) apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependency_scripts: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What a rustc call makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// `lib`, `rlib`, `dylib` or a mixture that includes no cdylib.
    Lib,
    /// A library whose crate types include `cdylib`.
    Cdylib,
    /// A procedural macro.
    ProcMacro,
    /// A binary of this name (dashes kept).
    Bin(String),
    /// An example that is a program.
    Example,
    /// A build script.
    BuildScript,
}

/// One run of a build script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildScript {
    /// What to call it in messages: `ring 0.17.8 (build script)`.
    pub name: String,
    /// The executable that an earlier step compiled.
    pub exe: String,
    /// Working directory: the package's root.
    pub cwd: String,
    /// Environment beyond the spec's, `OUT_DIR` included.
    pub env: BTreeMap<String, String>,
    /// `OUT_DIR`; created before the run.
    pub out_dir: String,
    /// Where to write the [`ScriptOutput`].
    pub script: String,
    /// `DEP_<LINKS>_<KEY>`: for each direct dependency with `links`, its name and its script's output file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links_of_dependencies: Vec<(String, String)>,
    /// Scripts of other packages are told its metadata.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_told: bool,
    /// Old-style `cargo:KEY=VALUE` lines are metadata, whatever the package; `cargo::` needs rust-version ≥ 1.77
    /// in the package if it states one. False when the package states an older one. (`BuildOutput::parse` in cargo's
    /// `core/compiler/custom_build.rs`; the Cargo book, "Build Scripts".)
    pub double_colon: bool,
    /// Which link arguments the package has targets for; cargo refuses others. [`LinkArgTarget::All`] is not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link_targets: Vec<LinkArgTarget>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What one run of a build script said, as cargo understands it (`BuildOutput` in its `core/compiler/custom_build.rs`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScriptOutput {
    /// `-L` values, in order, duplicates kept: `native=/x`, `/y`, …
    pub library_paths: Vec<String>,
    /// `-l` values.
    pub library_links: Vec<String>,
    /// Link arguments and the targets they are for.
    pub linker_args: Vec<(LinkArgTarget, String)>,
    /// `--cfg` values.
    pub cfgs: Vec<String>,
    /// `--check-cfg` values.
    pub check_cfgs: Vec<String>,
    /// `rustc-env`, in order.
    pub env: Vec<(String, String)>,
    /// Metadata for `DEP_<LINKS>_<KEY>`, in order.
    pub metadata: Vec<(String, String)>,
    /// `rerun-if-changed` paths, as printed.
    pub rerun_if_changed: Vec<String>,
    /// `rerun-if-env-changed` names.
    pub rerun_if_env_changed: Vec<String>,
    /// `warning` lines.
    pub warnings: Vec<String>,
    /// The `OUT_DIR` of the run: search paths inside of it come before all others, and its contents count as input
    /// of the scripts that get this one's metadata. Filled in by the helper.
    pub out_dir: String,
}

/// Which targets a link argument is for (`LinkArgTarget` in cargo's `core/compiler/custom_build.rs`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkArgTarget {
    /// `rustc-link-arg`.
    All,
    /// `rustc-cdylib-link-arg`, `rustc-link-arg-cdylib`.
    Cdylib,
    /// `rustc-link-arg-bins`.
    Bin,
    /// `rustc-link-arg-bin=NAME=FLAG`.
    SingleBin(String),
    /// `rustc-link-arg-tests`.
    Test,
    /// `rustc-link-arg-benches`.
    Bench,
    /// `rustc-link-arg-examples`.
    Example,
}
