//! What the frontend and the in-container helper say to each other.
//!
//! The frontend puts a [`RecordRequest`](recording::RecordRequest) or a [`Bundle`](spec::Bundle) into a vertex; the helper, which is this crate's
//! binary, acts on it there. A recording comes back as files in the vertex's output.
//! Nothing here knows LLB, and nothing in the frontend knows how rustc is run.

pub mod finish;
pub mod gather;
pub mod install;
pub mod recording;
pub mod report;
pub mod spec;
pub mod toolchain;
pub mod trace;
pub mod wire;

/// Where the helper itself is mounted in every vertex.
pub const HELPER_PATH: &str = "/longshore/helper";

/// What a run of a build script said, beside its `out`: a [`ScriptOutput`](spec::ScriptOutput).
pub const SCRIPT_FILE: &str = "script.json";

/// Below it lie outputs of packages compiled for the build platform: procedural macros, build scripts and what they use.
pub const HOST_OUTPUTS: &str = "/h";

/// Where the slots' cache mount lies: files `0`, `1`, … of which a running vertex holds one by `flock`.
pub const SLOTS_DIR: &str = "/longshore/slots";

/// A name that a vertex's `/etc/hosts` has, if its place in the queue for slots matters: the address, less its first byte, is
/// its priority. Of all that a vertex can be told, addresses of extra hosts alone are no part of its cache key
/// (BuildKit's `solver/llbsolver/ops/exec.go`, `CacheMap`), and what has to go first changes with every dependent.
/// They are part of an op's digest: builds at one time that tell a vertex different things have two of it and of all above.
pub const PRIORITY_HOST: &str = "longshore-priority";

/// The most that a priority can be.
pub const PRIORITY_MAX: u32 = 0x00ff_ffff;

/// Set on a vertex that must not use what earlier runs left in cache mounts; its value tells one build from another, so that it
/// runs. For an op that ignores the cache BuildKit would prune its cache mounts, and forget which all builds of the daemon use
/// together (`detectPrunedCacheID` in its `solver/llbsolver/vertex.go`, `PruneCacheMounts` in `worker/base/worker.go`).
pub const NO_CACHE_ENV: &str = "LONGSHORE_NO_CACHE";

/// The mounted archive of the package that belongs at `place`, an absolute path: `/vendor/serde-1.0.228`.
pub fn archive_of(place: &str) -> String {
    format!("/longshore/archives{place}.crate")
}

/// Set on vertices whose toolchain has a name that means another one later (`nightly`): which one it is, so that nothing
/// that one of them compiled is taken for the work of another.
pub const TOOLCHAIN_ENV: &str = "LONGSHORE_TOOLCHAIN";
