//! Typed BuildKit LLB graphs with canonical digests.
//!
//! BuildKit runs a graph of *vertices*. Each vertex is one *op* (a source, an exec, file actions, a merge …); its
//! name is the digest of the op's bytes, and the bytes hold the digests of the vertices it needs. So a graph is built
//! from the leaves up, and a vertex is finished, digested and immutable the moment it exists.
//!
//! - A [`State`] is one filesystem: an output of one vertex, or scratch. It is a cheap handle; comparing two states
//!   compares digests.
//! - The builders ([`Image`], [`Local`], [`Git`], [`Http`], [`OciLayout`], [`Exec`], [`Files`], [`Merge`], [`Diff`],
//!   [`Passthrough`]) are values that turn into states once, by `.state()` or `.run()`. The order of their calls is
//!   not part of the digest unless the order means something (file actions, ignore patterns).
//! - [`Annotate`] adds what people see (names, groups, places in source files). It never reaches a digest.
//! - A [`Definition`] is what goes to the daemon: all vertices below a state, each digest once, inputs first. Its
//!   [`Display`](std::fmt::Display) is a text form made for tests; [`Definition::check`] says which op needs a
//!   capability that the daemon lacks.
//!
//! ```
//! use buildkit_llb::{Annotate, Exec, Files, Image, ImageRef, Mount, Platform, State};
//!
//! let linux = Platform::parse("linux/amd64").unwrap();
//! let toolchain = Image::new(&ImageRef::parse("rust:1.95-slim").unwrap(), &linux).labeled("toolchain").state();
//! let source = Files::on(&State::SCRATCH).write("/main.rs", 0o644, "fn main() {}").labeled("source").state();
//! let binary = Exec::new(&linux, &toolchain, ["rustc", "/src/main.rs", "-o", "/out/main"])
//!     .cwd("/src")
//!     .offline()
//!     .mount("/src", &source)
//!     .mount("/tmp", Mount::tmpfs())
//!     .output("/out", &State::SCRATCH)
//!     .labeled("compile")
//!     .run();
//! assert_eq!(binary.definition().vertices().count(), 3);
//! ```
//!
//! This crate knows BuildKit's ops and nothing of what is built with them: no Cargo, no files, no network.

mod caps;
mod combine;
mod definition;
mod digest;
mod exec;
mod files;
mod import;
mod json;
mod meta;
mod path;
mod platform;
mod source;
mod span;
mod state;
mod text;

pub use caps::{Cap, CapSet, MissingCap, MissingCaps};
pub use combine::{Diff, Merge, Passthrough, diff, merge};
pub use definition::{Definition, VertexRef};
pub use digest::{Digest, InvalidDigest};
pub use exec::mount::{Bind, Cache, ContentCache, Mount, Secret, Sharing, Ssh, Tmpfs};
pub use exec::outputs::{Outputs, PushOutput, Slot};
pub use exec::{Exec, Network, ProxyEnv};
pub use files::action::{Action, Copy, Mkdir, Remove, Symlink, Write};
pub use files::{Files, Owner, User};
pub use import::InvalidDefinition;
pub use meta::{Annotate, ProgressGroup, Resources};
pub use platform::{InvalidPlatform, Platform};
pub use source::git::{Git, GitUrl, InvalidGitUrl};
pub use source::http::{Http, HttpUrl, InvalidHttpUrl};
pub use source::image::{Image, ResolveMode};
pub use source::local::{Differ, Local, SessionId};
pub use source::oci_layout::OciLayout;
pub use source::reference::{ImageRef, InvalidImageRef};
pub use span::{SourceFile, Span};
pub use state::State;
