//! Where things lie inside the vertices. The same everywhere: rustc writes paths into what it compiles, so a
//! package's source and output keep one path in its own vertex and in all that use it.

/// The workspace root; cargo runs members' compilations here.
pub const WORKSPACE: &str = "/ws";
/// Unpacked packages of crates.io, one directory each.
pub const VENDOR: &str = "/vendor";
/// The same of other registries, and of what is replaced: below it one directory for each source.
pub const REGISTRIES: &str = "/registries";
/// `CARGO_HOME` of the recording.
pub const RECORDING_HOME: &str = "/longshore/cargo-home";
/// Checkouts of git dependencies, where cargo has them below its home: `NAME-HASH/COMMIT`. They lie there in all vertices.
pub const GIT_CHECKOUTS: &str = "/longshore/cargo-home/git/checkouts";
/// The same repositories in the recording, by number.
pub const REPOSITORIES: &str = "/longshore/repositories";
/// `CARGO_TARGET_DIR` of the recording; no vertex that compiles has it.
pub const RECORDING_TARGET: &str = "/longshore/target";
/// Outputs of packages compiled for the target platform.
pub const TARGET_OUTPUTS: &str = "/t";
/// Outputs of packages compiled for the build platform: procedural macros, build scripts and what they use.
pub const HOST_OUTPUTS: &str = longshore_helper::HOST_OUTPUTS;
/// Where a build script's executable is compiled to; gone when its vertex ends.
pub const SCRATCH: &str = "/tmp/longshore";
/// A member's cache mount.
pub const MEMBER_CACHE: &str = "/longshore/cache";
/// Where a member's vertex writes what there is to tell about it.
pub const REPORT: &str = "/longshore/report";
/// Programs on their way into an image, one directory each.
pub const PROGRAMS: &str = "/longshore/programs";
/// What lies below the programs of an image.
pub const IMAGE: &str = "/longshore/image";
/// Where the look back at a build is written.
pub const SUMMARY: &str = "/longshore/summary";
/// The directories of programs, and programs that are changed, as their image will have them.
pub const FINISHED: &str = "/longshore/finished";
/// Libraries that programs bring along, as their image will have them.
pub const FINISHED_LIBRARIES: &str = "/longshore/finished-libraries";
/// What a cache must carry along with an image.
pub const KEPT: &str = "/longshore/kept";
/// Members' own files, of which digests are wanted.
pub const DIGESTED: &str = "/longshore/digested";
/// Where a smoke test could write, so that there is something to depend on.
pub const SMOKE: &str = "/longshore/smoke";
/// The standard library of a device, where the toolchain has none.
pub const SYSROOT: &str = "/longshore/sysroot";
/// Where the step that has rustup add to the toolchain image writes what there is then.
pub const TOOLCHAIN: &str = "/longshore/toolchain";
/// What packages for a device were compiled to, for those that load it.
pub const DEVICE: &str = "/longshore/device";
/// The source of a launcher.
pub const LAUNCHER_SOURCE: &str = "/longshore/launcher-source";
/// Where a launcher is compiled to.
pub const LAUNCHER: &str = "/longshore/launcher";
