//! The standard library of a device, for toolchains that come without.

use buildkit_llb::{Annotate, State};
use longshore_helper::{SLOTS_DIR, spec::Sysroot};

use super::Workshop;
use crate::paths;

/// A step that compiles it from the toolchain's `rust-src`; its output is empty where the toolchain has one.
pub fn sysroot(workshop: &Workshop, triple: &str, rustflags: &[String], name: &str) -> State {
    let request = Sysroot {
        target: triple.to_owned(),
        rustflags: rustflags.to_vec(),
        output: paths::SYSROOT.to_owned(),
    };
    let request = serde_json::to_string(&request).expect("strings can be written as JSON");
    workshop
        .helper("sysroot", &request)
        .mount(SLOTS_DIR, Workshop::slots())
        .output(paths::SYSROOT, &State::SCRATCH)
        .labeled(format!("sysroot:{triple}"))
        .named(format!("[{name} toolchain] core and alloc"))
        .run()
}
