//! What may differ between the two sides, and why. Nothing else may.

/// A difference that is no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Where: an option of rustc's, a variable, a path.
    pub what: &'static str,
    /// Why it says nothing about what is compiled.
    pub why: &'static str,
}

/// The list, as the documentation shows it. The code that makes each true is in `normal.rs`.
pub const ALLOWED: &[Allowed] = &[
    Allowed {
        what: "directories of `--out-dir` and `--extern`, paths below a build script's `OUT_DIR`",
        why: "each package's output is a directory of its own; names of files, with cargo's hashes, are compared",
    },
    Allowed {
        what: "`-L dependency=`",
        why: "one for each package instead of one or two for all: rustc looks there for crates by name and hash",
    },
    Allowed {
        what: "the directory of `-C incremental=`",
        why: "it lies in the member's cache mount, and is no part of what is compiled",
    },
    Allowed {
        what: "members that no program asked for uses",
        why: "`cargo build --workspace` compiles them too; an image needs what its programs need",
    },
    Allowed {
        what: "a build script is compiled twice",
        why: "once beside each run, where its package is used on the host and on the target: the two vertices can start at once",
    },
    Allowed {
        what: "`LD_LIBRARY_PATH`",
        why: "lists the directories of shared libraries of the build, which lie elsewhere",
    },
    Allowed {
        what: "`CARGO_MAKEFLAGS`, `MAKEFLAGS`, `MFLAGS`",
        why: "the jobserver is another: its tokens are slots, which all builds of a daemon share",
    },
    Allowed {
        what: "`NUM_JOBS`",
        why: "how many processes a build script may start; says nothing about its result",
    },
    Allowed {
        what: "`TRACEPARENT`, `OTEL_*`",
        why: "BuildKit gives them to every process, with random values",
    },
    Allowed {
        what: "`SSL_CERT_FILE`, `SSL_CERT_DIR`",
        why: "cargo sets them for itself, to where the machine has certificates; its children inherit them",
    },
    Allowed { what: "`HOSTNAME`", why: "BuildKit's, in a container that it makes" },
];

/// Variables of the list.
pub(crate) fn is_allowed(variable: &str) -> bool {
    const NAMES: [&str; 7] =
        ["LD_LIBRARY_PATH", "CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS", "NUM_JOBS", "TRACEPARENT", "HOSTNAME"];
    NAMES.contains(&variable) || variable.starts_with("OTEL_") || variable.starts_with("SSL_CERT_")
}
