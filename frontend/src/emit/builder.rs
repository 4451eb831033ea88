//! What is added to the toolchain image: the only steps that run programs and have a network.

use buildkit_llb::{Annotate, Exec, Slot, State};
use longshore_helper::{NO_CACHE_ENV, install::InstallRequest};

use super::Workshop;
use crate::{config::Builder, request::NoCache};

/// What `--no-cache-filter` calls these steps.
const NAME: &str = "builder";

/// How much of a line is shown as the name of its step, in characters.
const SHOWN_MAX: usize = 60;

/// The root for all steps: the workshop's, and what `builder` adds to it. `build` tells this build from all others.
///
/// A root is known by what made it and not by its contents (`solver/llbsolver/ops/exec.go`, `NoContentBasedHash`): on
/// another machine, where archives gave newer packages, what was compiled is found all the same.
pub fn prepared(workshop: &Workshop, builder: &Builder, no_cache: &NoCache, build: &str) -> State {
    let mut root = workshop.toolchain.clone();
    if !builder.packages.is_empty() {
        let request = InstallRequest { packages: builder.packages.clone() };
        let request = serde_json::to_string(&request).expect("strings can be written as JSON");
        let exec = workshop.changing_root("install", &request);
        let exec = exec
            .named(format!("[builder] install {}", builder.packages.join(" ")))
            .labeled("builder:install");
        root = finished(exec, workshop, builder, no_cache, build);
    }
    for line in &builder.setup {
        let mut exec = Exec::modify(&workshop.build_platform, &root, ["/bin/sh", "-c", line]);
        for (name, value) in &workshop.toolchain_env {
            exec = exec.env(name, value);
        }
        let exec =
            workshop.sandbox.apply(exec).named(format!("[builder] {}", shown(line))).labeled("builder:setup");
        root = finished(exec, workshop, builder, no_cache, build);
    }
    root
}

fn finished(
    mut exec: Exec<(Slot,)>,
    workshop: &Workshop,
    builder: &Builder,
    no_cache: &NoCache,
    build: &str,
) -> State {
    if no_cache.covers(NAME) {
        exec = exec.env(NO_CACHE_ENV, build);
    }
    if let Some(span) = &builder.span {
        exec = exec.at(span);
    }
    match workshop.sandbox.network {
        Some(network) => exec.network(network).run(),
        None => exec.run(),
    }
}

fn shown(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
