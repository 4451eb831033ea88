//! Runs the real helper with the real cargo and rustc, without any container.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod build;
mod git;
mod install;
mod record;
mod replay;
mod slots;
mod support;
mod toolchain;
mod workspace;
