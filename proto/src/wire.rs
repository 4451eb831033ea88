//! The generated code, nested as its protobuf packages are, since it refers to itself by such paths.
//! Written by `tests/generated.rs`, never by hand.

#![expect(missing_docs, reason = "a field is documented where its name does not say enough")]
#![expect(unused_qualifications, reason = "tonic writes full paths, whatever is in scope")]
#![expect(
    clippy::allow_attributes_without_reason,
    reason = "tonic suppresses lints in the code it generates without saying why"
)]
#![expect(
    clippy::large_enum_variant,
    reason = "an exec is the usual op, and boxes would be in everyone's way"
)]

/// LLB, the build graph: `pb`.
pub mod pb {
    include!("gen/pb.rs");
}

pub(crate) mod fsutil {
    /// Files as the daemon reports them: `fsutil.types`.
    pub mod types {
        include!("gen/fsutil.types.rs");
    }
}

pub(crate) mod google {
    /// Errors with a gRPC code: `google.rpc`.
    pub mod rpc {
        include!("gen/google.rpc.rs");
    }
}

pub(crate) mod moby {
    pub(crate) mod buildkit {
        pub(crate) mod v1 {
            include!("gen/moby.buildkit.v1.rs");

            /// Features the daemon knows: `moby.buildkit.v1.apicaps`.
            pub mod apicaps {
                include!("gen/moby.buildkit.v1.apicaps.rs");
            }

            /// The gateway, with client and server of `LLBBridge`: `moby.buildkit.v1.frontend`.
            pub mod frontend {
                include!("gen/moby.buildkit.v1.frontend.rs");
            }

            /// Rules on sources: `moby.buildkit.v1.sourcepolicy`.
            pub mod sourcepolicy {
                include!("gen/moby.buildkit.v1.sourcepolicy.rs");
            }

            /// Workers of the daemon: `moby.buildkit.v1.types`.
            pub mod types {
                include!("gen/moby.buildkit.v1.types.rs");
            }
        }
    }
}
