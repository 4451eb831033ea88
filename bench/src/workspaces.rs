//! The workspaces that are built, and where in them the edits go. Facts about their files, nothing that reads them.

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// As in options.
    pub name: &'static str,
    /// What it is, for the report.
    pub about: &'static str,
    /// How its files are had.
    pub from: From,
    /// cargo's profile: `release` or `dev`.
    pub profile: &'static str,
    /// Its programs, all of which are built into one image.
    pub programs: &'static [&'static str],
    /// What the cells change.
    pub edits: Edits,
}

/// How a workspace's files are had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// A script of `scripts/lib`, which fills the directory that it is given.
    Script(&'static str),
    /// A directory of this repository.
    Directory(&'static str),
    /// A published program, some of whose dependencies become members.
    Published(Published),
}

/// A program from crates.io.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its name there.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The sha256 of its archive.
    pub sha256: &'static str,
    /// Packages of its lock file that become members.
    pub members: &'static [&'static str],
}

/// Where the edits go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edits {
    /// The `main.rs` of a program.
    pub leaf: &'static str,
    /// The `lib.rs` of the member that most others depend on.
    pub shared: &'static str,
    /// The package of the lock file that gets another version.
    pub bump: Bump,
    /// What the new member uses.
    pub member: NewMember,
    /// The directory of the member that gets a second binary; empty for the root.
    pub binary_in: &'static str,
}

/// Another version of a package: compatible, with the same dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bump {
    /// A package that the lock file has once.
    pub name: &'static str,
    /// The other version.
    pub version: &'static str,
    /// The sha256 of its archive.
    pub checksum: &'static str,
}

/// What the new member uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewMember {
    /// A package that the lock file has once.
    pub dependency: &'static str,
    /// Calls it; something that can be shown with `{:?}`.
    pub expression: &'static str,
}

const ITOA: Bump = Bump {
    name: "itoa",
    version: "1.0.17",
    checksum: "92ecc6618181def0457392ccd0ee51198e065e016d1d527a7ac1b6dc7c1f09d2",
};

const MEMCHR: NewMember = NewMember { dependency: "memchr", expression: "memchr::memchr(b'n', b\"banana\")" };

/// All that there are.
pub const ALL: [Workspace; 5] = [
    Workspace {
        name: "ripgrep",
        about: "ripgrep 15.1.0 as in its repository: ten members, one program",
        from: From::Script("ripgrep-workspace"),
        profile: "release",
        programs: &["rg"],
        edits: Edits {
            leaf: "crates/core/main.rs",
            shared: "crates/matcher/src/lib.rs",
            bump: ITOA,
            member: MEMCHR,
            binary_in: "",
        },
    },
    Workspace {
        name: "inference",
        about: "`testdata/inference`: two services and two command lines over gRPC and HTTP, C and a procedural macro",
        from: From::Directory("testdata/inference"),
        profile: "release",
        programs: &["server", "gateway", "infer", "label"],
        edits: Edits {
            leaf: "services/gateway/src/main.rs",
            shared: "crates/tensor/src/lib.rs",
            bump: ITOA,
            member: MEMCHR,
            binary_in: "services/gateway",
        },
    },
    Workspace {
        name: "many",
        about: "mdbook 0.5.4 with 24 of its dependencies as members, seven of which are members in its repository too",
        from: From::Published(Published {
            name: "mdbook",
            version: "0.5.4",
            sha256: "5f68ffebcd0b9a4eb72aaacc4342bc94e1d63c01893b7c921437f6ef02443699",
            members: &[
                "mdbook-core",
                "mdbook-driver",
                "mdbook-html",
                "mdbook-markdown",
                "mdbook-preprocessor",
                "mdbook-renderer",
                "mdbook-summary",
                "ego-tree",
                "elasticlunr-rs",
                "font-awesome-as-a-crate",
                "globset",
                "handlebars",
                "hex",
                "ignore",
                "notify",
                "notify-debouncer-mini",
                "notify-types",
                "opener",
                "pathdiff",
                "pulldown-cmark",
                "pulldown-cmark-escape",
                "same-file",
                "topological-sort",
                "walkdir",
            ],
        }),
        profile: "release",
        programs: &["mdbook"],
        edits: Edits {
            leaf: "src/main.rs",
            shared: "crates/mdbook-core/src/lib.rs",
            bump: ITOA,
            member: MEMCHR,
            binary_in: "",
        },
    },
    Workspace {
        name: "large",
        about: "miniserve 0.35.0 with the fifteen packages of actix and one that uses them as members; some 300 packages are compiled",
        from: From::Published(Published {
            name: "miniserve",
            version: "0.35.0",
            sha256: "f1b4d21e72ebf1a464a623a73e3be821bd29a52e5a99a235401b67f19b20702e",
            members: &[
                "actix-codec",
                "actix-files",
                "actix-http",
                "actix-macros",
                "actix-multipart",
                "actix-multipart-derive",
                "actix-router",
                "actix-rt",
                "actix-server",
                "actix-service",
                "actix-tls",
                "actix-utils",
                "actix-web",
                "actix-web-codegen",
                "actix-web-httpauth",
                "dav-server",
            ],
        }),
        // Its own release profile has fat LTO: minutes for each edit, whoever builds.
        profile: "dev",
        programs: &["miniserve"],
        edits: Edits {
            leaf: "src/main.rs",
            shared: "crates/actix-service/src/lib.rs",
            bump: ITOA,
            member: MEMCHR,
            binary_in: "",
        },
    },
    Workspace {
        name: "small",
        about: "`testdata/from-cargo-chef`: two services and a library, nineteen packages; quick, to see that all works",
        from: From::Directory("testdata/from-cargo-chef"),
        profile: "release",
        programs: &["api", "worker"],
        edits: Edits {
            leaf: "services/api/src/main.rs",
            shared: "crates/orders/src/lib.rs",
            bump: ITOA,
            member: MEMCHR,
            binary_in: "services/api",
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<_> = ALL.iter().map(|workspace| workspace.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
