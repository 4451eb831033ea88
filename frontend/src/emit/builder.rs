//! What is added to the toolchain image: the only steps that run programs and have a network.
//!
//! A root is known by what made it and not by its contents (`solver/llbsolver/ops/exec.go`, `NoContentBasedHash`): on
//! another machine, where archives gave newer packages, what was compiled is found all the same.

use buildkit_llb::{Annotate, Exec, Span, State};
use longshore_helper::{NO_CACHE_ENV, install::InstallRequest, toolchain::ToolchainRequest};

use super::Workshop;
use crate::{
    config::{Builder, Rustup},
    paths,
    request::NoCache,
};

/// What `--no-cache-filter` calls these steps.
const NAME: &str = "builder";

/// How much of a line is shown as the name of its step, in characters.
const SHOWN_MAX: usize = 60;

/// What the steps have in common.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'a> {
    /// What the settings add.
    pub builder: &'a Builder,
    /// Which steps run though their results are known.
    pub no_cache: &'a NoCache,
    /// Tells this build from all others.
    pub build: &'a str,
}

impl Steps<'_> {
    /// The workshop's root with the packages.
    pub fn packages(&self, workshop: &Workshop) -> State {
        let packages = &self.builder.packages;
        if packages.is_empty() {
            return workshop.toolchain.clone();
        }
        let request = InstallRequest { packages: packages.clone() };
        let request = serde_json::to_string(&request).expect("strings can be written as JSON");
        let exec = workshop.changing_root("install", &request);
        let exec = exec.named(format!("[builder] install {}", packages.join(" "))).labeled("builder:install");
        self.finished(exec, workshop, self.builder.span.as_ref()).run()
    }

    /// The workshop's root with what a toolchain file asks of rustup, and a directory with
    /// [`longshore_helper::toolchain::REPORT_FILE`].
    pub fn toolchain(&self, workshop: &Workshop, rustup: &Rustup) -> (State, State) {
        let names = |list: &[(String, Span)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let request = ToolchainRequest {
            file: rustup.file.clone(),
            channel: rustup.channel.as_ref().map(|channel| channel.name.clone()),
            components: names(&rustup.components),
            targets: names(&rustup.targets),
            output: paths::TOOLCHAIN.to_owned(),
        };
        let asked = request.channel.iter().chain(&request.components).chain(&request.targets);
        let asked = asked.map(String::as_str).collect::<Vec<_>>().join(" ");
        let request = serde_json::to_string(&request).expect("strings can be written as JSON");
        let exec = workshop.changing_root("toolchain", &request);
        let exec = exec.named(format!("[builder] toolchain: {}", shown(&asked))).labeled("builder:toolchain");
        self.finished(exec, workshop, rustup.span()).output(paths::TOOLCHAIN, &State::SCRATCH).run()
    }

    /// The workshop's root after the lines for a shell.
    pub fn setup(&self, workshop: &Workshop) -> State {
        let mut root = workshop.toolchain.clone();
        for line in &self.builder.setup {
            let mut exec = Exec::modify(&workshop.build_platform, &root, ["/bin/sh", "-c", line]);
            for (name, value) in &workshop.toolchain_env {
                exec = exec.env(name, value);
            }
            let exec = workshop
                .sandbox
                .apply(exec)
                .named(format!("[builder] {}", shown(line)))
                .labeled("builder:setup");
            root = self.finished(exec, workshop, self.builder.span.as_ref()).run();
        }
        root
    }

    fn finished<Out>(&self, mut exec: Exec<Out>, workshop: &Workshop, span: Option<&Span>) -> Exec<Out> {
        if self.no_cache.covers(NAME) {
            exec = exec.env(NO_CACHE_ENV, self.build);
        }
        if let Some(span) = span {
            exec = exec.at(span);
        }
        match workshop.sandbox.network {
            Some(network) => exec.network(network),
            None => exec,
        }
    }
}

fn shown(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
