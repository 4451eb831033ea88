//! Against the crate of this name from 2020: what it can express decodes to the same ops from both.
//!
//! Not compared, because 0.2.0 cannot say it or numbers it by hand: platforms and constraints, the session of a local
//! source, what a git source needs since then, `removeMountStubsRecursive`, the modes of new files, the numbers of inputs
//! and of the outputs of file actions. Inputs are compared by what they are, not by where they stand.
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use buildkit_llb::{
    Annotate, Cache, Copy, Exec, Files, Git, GitUrl, Http, HttpUrl, Image, ImageRef, Local, Mkdir, Mount,
    Platform, ResolveMode, SessionId, State, Write,
};
use buildkit_llb_2020::prelude as old;
use buildkit_llb_2020::prelude::{
    MultiBorrowedOutput as _, OperationBuilder as _, SingleBorrowedOutput as _,
};
use buildkit_llb_2020::utils::{OperationOutput, OutputIdx, OwnOutputIdx};
use buildkit_proto::pb;
use prost::Message as _;

/// An op with everything it needs in place of numbers.
#[derive(Debug, PartialEq)]
struct Tree {
    op: Op,
    name: Option<String>,
    caps: Vec<String>,
    uncached: bool,
}

#[expect(clippy::large_enum_variant, reason = "a handful of values in a test")]
#[derive(Debug, PartialEq)]
enum Op {
    Source(pb::SourceOp),
    Exec { exec: pb::ExecOp, mounts: Vec<(pb::Mount, Input)> },
    Files(Vec<(pb::file_action::Action, Input, Input)>),
}

#[derive(Debug, PartialEq)]
enum Input {
    Scratch,
    Op(Box<Tree>, i64),
    Action(usize),
}

fn tree(definition: &pb::Definition) -> Tree {
    let terminal = pb::Op::decode(definition.def.last().unwrap().as_slice()).unwrap();
    resolve(definition, &terminal.inputs[0].digest)
}

fn resolve(definition: &pb::Definition, digest: &str) -> Tree {
    let bytes = definition
        .def
        .iter()
        .find(|bytes| buildkit_llb::Digest::of(bytes).as_str() == digest)
        .expect("an input is in the definition");
    let op = pb::Op::decode(bytes.as_slice()).unwrap();
    let input = |position: i64| match usize::try_from(position) {
        Err(_) => Input::Scratch,
        Ok(position) if position >= op.inputs.len() => Input::Action(position - op.inputs.len()),
        Ok(position) => {
            let tree = resolve(definition, &op.inputs[position].digest);
            // A file op has one result, which 0.2.0 numbers by hand.
            let index = if matches!(tree.op, Op::Files(_)) { 0 } else { op.inputs[position].index };
            Input::Op(Box::new(tree), index)
        }
    };
    let body = match op.op.clone().unwrap() {
        pb::op::Op::Source(mut source) => {
            for key in ["local.session", "git.fullurl", "git.authtokensecret", "git.authheadersecret"] {
                source.attrs.remove(key);
            }
            Op::Source(source)
        }
        pb::op::Op::Exec(mut exec) => {
            exec.meta.as_mut().unwrap().remove_mount_stubs_recursive = false;
            let mut mounts: Vec<(pb::Mount, Input)> = std::mem::take(&mut exec.mounts)
                .into_iter()
                .map(|mount| (pb::Mount { input: 0, ..mount.clone() }, input(mount.input)))
                .collect();
            mounts.sort_by(|(a, _), (b, _)| a.dest.cmp(&b.dest));
            Op::Exec { exec, mounts }
        }
        pb::op::Op::File(files) => Op::Files(
            files
                .actions
                .into_iter()
                .map(|action| {
                    let mut body = action.action.unwrap();
                    match &mut body {
                        pb::file_action::Action::Mkdir(mkdir) => mkdir.mode = -1,
                        pb::file_action::Action::Mkfile(write) => write.mode = -1,
                        _ => {}
                    }
                    (body, input(action.input), input(action.secondary_input))
                })
                .collect(),
        ),
        other => panic!("0.2.0 has no such op: {other:?}"),
    };
    let meta = &definition.metadata[digest];
    // 0.2.0 left most capabilities as a task for later.
    let since_then = |cap: &str| cap.starts_with("source.") || cap.starts_with("exec.meta.");
    let caps = meta.caps.keys().filter(|cap| !since_then(cap)).cloned().collect();
    Tree {
        op: body,
        name: meta.description.get("llb.customname").cloned(),
        caps,
        uncached: meta.ignore_cache,
    }
}

#[track_caller]
fn same(old: OperationOutput<'_>, new: &State) {
    let mut bytes = Vec::new();
    old::Terminal::with(old).write_definition(&mut bytes).unwrap();
    let old = pb::Definition::decode(bytes.as_slice()).unwrap();
    assert_eq!(tree(&old), tree(&new.definition().to_proto()));
}

fn linux() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn image(name: &str) -> Image {
    Image::new(&ImageRef::parse(name).unwrap(), &linux())
}

fn context() -> State {
    Local::new("context", &SessionId::new("s")).state()
}

#[test]
fn images() {
    for name in [
        "alpine",
        "rust:1.40",
        "rustlang/rust:nightly",
        "localhost:5000/app:nightly",
        "registry.example.net/a/b",
    ] {
        same(old::Source::image(name).output(), &image(name).state());
    }
    same(
        old::Source::image("alpine")
            .with_resolve_mode(old::ResolveMode::ForcePull)
            .custom_name("pull")
            .output(),
        &image("alpine").resolve_mode(ResolveMode::Pull).named("pull").state(),
    );
    same(
        old::Source::image("alpine").with_resolve_mode(old::ResolveMode::PreferLocal).output(),
        &image("alpine").resolve_mode(ResolveMode::Local).state(),
    );
}

#[test]
fn local_directories() {
    same(old::Source::local("context").output(), &context());
    let local = || Local::new("context", &SessionId::new("s"));
    same(
        old::Source::local("context").add_include_pattern("a").add_include_pattern("b").output(),
        &local().include(["a", "b"]).state(),
    );
    same(
        old::Source::local("context").add_exclude_pattern("**/target").ignore_cache(true).output(),
        &local().exclude(["**/target"]).uncached().state(),
    );
}

#[test]
fn git_repositories() {
    let url = GitUrl::parse("https://example.com/team/app.git").unwrap();
    same(old::Source::git("https://example.com/team/app.git").output(), &Git::new(&url, "").state());
    same(
        old::Source::git("https://example.com/team/app.git").with_reference("v1").output(),
        &Git::new(&url, "v1").state(),
    );
}

#[test]
fn files_over_http() {
    let url = HttpUrl::parse("https://example.com/a.tar.gz").unwrap();
    same(old::Source::http("https://example.com/a.tar.gz").output(), &Http::unpinned(&url).state());
    same(
        old::Source::http("https://example.com/a.tar.gz").with_file_name("x").output(),
        &Http::unpinned(&url).filename("x").state(),
    );
}

#[test]
fn execs() {
    let (builder, sources) = (old::Source::image("rust:1.40"), old::Source::local("context"));
    let first = old::Command::run("rustc")
        .args(["--crate-name", "a", ""])
        .env("A", "1")
        .env("B", "")
        .cwd("/src")
        .user("root")
        .mount(old::Mount::ReadOnlyLayer(builder.output(), "/"))
        .mount(old::Mount::SharedCache("/cache"))
        .mount(old::Mount::Scratch(OutputIdx(0), "/out"))
        .mount(old::Mount::ReadOnlySelector(sources.output(), "/src", "/crates/a"))
        .custom_name("compile a");
    let base = image("rust:1.40").state();
    let out = Exec::new(&linux(), &base, ["rustc", "--crate-name", "a", ""])
        .env("A", "1")
        .env("B", "")
        .cwd("/src")
        .user("root")
        .mount("/cache", Cache::new("/cache"))
        .mount("/src", Mount::subpath(&context(), "/crates/a"))
        .output("/out", &State::SCRATCH)
        .named("compile a")
        .run();
    same(first.output(0), &out);

    let second = old::Command::run("make")
        .mount(old::Mount::Layer(OutputIdx(0), builder.output(), "/"))
        .mount(old::Mount::OptionalSshAgent("/run/agent"))
        .mount(old::Mount::ReadOnlyLayer(first.output(0), "/deps"))
        .env("SSH_AUTH_SOCK", "/run/agent");
    let root = Exec::modify(&linux(), &base, ["make"])
        .user("root")
        .mount("/run/agent", Mount::ssh("").optional())
        .mount("/deps", &out)
        .run();
    same(second.output(0), &root);
}

#[test]
fn file_actions() {
    let (base, sources) = (old::Source::image("alpine"), old::Source::local("context"));
    let sequence = old::FileSystem::sequence()
        .append(
            old::FileSystem::mkdir(OutputIdx(0), old::LayerPath::Other(base.output(), "/a/b"))
                .make_parents(true),
        )
        .append(
            old::FileSystem::mkfile(OutputIdx(1), old::LayerPath::Own(OwnOutputIdx(0), "/a/text"))
                .data(b"text\n".to_vec()),
        )
        .append(
            old::FileSystem::copy()
                .from(old::LayerPath::Other(sources.output(), "/crates/*"))
                .to(OutputIdx(2), old::LayerPath::Own(OwnOutputIdx(1), "/a/b/"))
                .follow_symlinks(true)
                .recursive(true)
                .create_path(true)
                .wildcard(true),
        )
        .append(
            old::FileSystem::copy()
                .from(old::LayerPath::Other(sources.output(), "/Cargo.toml"))
                .to(OutputIdx(3), old::LayerPath::Own(OwnOutputIdx(2), "/a/Cargo.toml")),
        )
        .custom_name("assemble");
    let files = Files::on(&image("alpine").state())
        .add(Mkdir::new("/a/b", 0o755).parents())
        .add(Write::new("/a/text", 0o644, "text\n"))
        .add(Copy::new(&context(), "/crates/*", "/a/b/").follow_symlinks().contents().parents().wildcard())
        .copy(&context(), "/Cargo.toml", "/a/Cargo.toml")
        .named("assemble")
        .state();
    same(sequence.output(3), &files);
    let on_scratch = old::FileSystem::mkdir(OutputIdx(0), old::LayerPath::Scratch("/x")).into_operation();
    same(on_scratch.output(0), &Files::on(&State::SCRATCH).add(Mkdir::new("/x", 0o755)).state());
}
