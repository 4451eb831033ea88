//! Whole builds with a toolchain file against the fake daemon: what rustup is asked before cargo is, what comes of that in
//! keys, and what cannot be had.

use buildkit_proto::gateway::SolveRequest;
use buildkit_proto::pb;
use expect_test::expect;
use longshore::gateway::fake::{Answer, Script, Tree, name_of};
use longshore_helper::recording::{FAILURE_FILE, Failure, RECORDING_FILE, Recording};
use prost::Message as _;

use super::{check_refused, error};
use crate::{
    daemon::{Built, build_with, daemon, options},
    project::Project,
};

const STEP: &str = "[builder] toolchain: ";

fn project(toolchain: &str) -> Project {
    let mut project = Project::load("toolchain-file");
    project.files.insert("rust-toolchain.toml".to_owned(), toolchain.as_bytes().to_vec());
    project
}

/// Builds where the step answers so.
async fn build(
    project: &Project,
    answer: impl Fn() -> Result<Answer, tonic::Status> + Send + Sync + 'static,
) -> Built {
    let script = daemon(project);
    let solve = move |request: &SolveRequest| {
        let name = request.definition.as_ref().and_then(name_of).unwrap_or_default();
        if name.starts_with(STEP) { answer() } else { (script.solve)(request) }
    };
    build_with(&options(project), Script { solve: Box::new(solve), ..daemon(project) }).await
}

fn report(text: &'static str) -> impl Fn() -> Result<Answer, tonic::Status> {
    move || Ok(Tree::from([("toolchain.json".to_owned(), text.as_bytes().to_vec())]).into())
}

/// The environment of the step that records, and the names of cache mounts of those that compile.
fn known(built: &Built) -> (Vec<String>, Vec<String>) {
    let (mut env, mut mounts) = (Vec::new(), Vec::new());
    for graph in ["[plan] cargo build, recorded", "[image]"] {
        let graph = built.graph(graph).unwrap().definition().to_proto();
        for op in graph.def.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap()) {
            let Some(pb::op::Op::Exec(exec)) = op.op else { continue };
            let meta = exec.meta.unwrap();
            if meta.args.last().is_some_and(|command| command == "record") {
                env = meta.env.into_iter().filter(|var| var.contains("_TOOLCHAIN=")).collect();
            }
            let caches = exec.mounts.into_iter().filter_map(|mount| mount.cache_opt);
            mounts.extend(caches.map(|cache| cache.id).filter(|id| id.contains("toolchain-file")));
        }
    }
    (env, mounts)
}

#[tokio::test]
async fn a_channel_that_moves_is_part_of_keys_and_is_warned_about() {
    let moving = project("[toolchain]\nchannel = \"nightly\"\n");
    let monday = build(
        &moving,
        report(r#"{"rustc":"rustc 1.97.0-nightly (a 2026-05-18)","components":[],"targets":[]}"#),
    )
    .await;
    let said = monday.transcript.to_string();
    assert!(said.contains("for [builder] toolchain: nightly, evaluate"), "{said}");
    assert!(said.contains("`nightly` of `rust-toolchain.toml` is another toolchain tomorrow"), "{said}");
    let (env, mounts) = known(&monday);
    let expected = ["LONGSHORE_TOOLCHAIN=rustc 1.97.0-nightly (a 2026-05-18)", "RUSTUP_TOOLCHAIN=nightly"];
    assert_eq!(env, expected);

    let tuesday = build(
        &moving,
        report(r#"{"rustc":"rustc 1.97.0-nightly (b 2026-05-19)","components":[],"targets":[]}"#),
    )
    .await;
    let (other_env, other_mounts) = known(&tuesday);
    assert_ne!(env, other_env);
    assert!(!mounts.is_empty() && mounts.iter().all(|id| !other_mounts.contains(id)), "{mounts:?}");
}

#[tokio::test]
async fn what_an_image_without_rustup_lacks_is_shown_in_the_file() {
    let wanted = project("[toolchain]\nchannel = \"stable\"\ncomponents = [\"rust-src\"]\n");
    let built = build(
        &wanted,
        report(r#"{"rustc":"rustc 1.95.0 (a 2026-04-14)","components":["rust-src"],"targets":[]}"#),
    )
    .await;
    let said = built.transcript.to_string();
    let warning = "the component `rust-src` of `rust-toolchain.toml` is not in `rust:1.95-bookworm`, and there is no rustup to add it";
    assert!(said.contains(warning), "{said}");
    assert_eq!(known(&built).0, [""; 0], "the image's own toolchain compiles");
}

#[tokio::test]
async fn a_toolchain_that_cannot_be_installed() {
    let failed = || {
        Err(tonic::Status::unknown(
            "process \"/longshore/helper toolchain\" did not complete successfully: exit code: 1",
        ))
    };
    let built = build(&project("[toolchain]\nchannel = \"nightly-2026-01-05\"\n"), failed).await;
    let message = "the toolchain file asks for what could not be installed; what the step said is above";
    assert_eq!(error(&built).message, message);
}

#[tokio::test]
async fn a_toolchain_of_one_machine() {
    let local = project("[toolchain]\npath = \"/opt/rust\"\n");
    check_refused(
        &build_with(&options(&local), daemon(&local)).await,
        expect![[r#"
            `path` of `rust-toolchain.toml` is a toolchain of one machine, and no step has it
            help: choose a `channel`, or name an image that has this toolchain as `toolchain` under `[workspace.metadata.longshore]`
            at rust-toolchain.toml:2-2
        "#]],
    );
}

const OLD: &str = "rustc 1.84.1 (e71f9a9a9 2025-01-27)\n";

/// With a toolchain that says this of itself.
fn recorded_with(mut project: Project, rustc: &str) -> Project {
    let recorded = project.recorded.get_mut(RECORDING_FILE).unwrap();
    let recording: Recording = serde_json::from_slice(recorded).unwrap();
    *recorded = serde_json::to_vec(&Recording { rustc: rustc.to_owned(), ..recording }).unwrap();
    project
}

/// Of which cargo takes nothing, since an edition is newer than it.
fn refused_by(mut project: Project, rustc: &str) -> Project {
    let failure = Failure {
        command: "cargo metadata --format-version 1 --locked".to_owned(),
        status: 101,
        stderr: "error: failed to parse manifest at `/ws/Cargo.toml`\n\n\
                 Caused by:\n  feature `edition2024` is required\n"
            .to_owned(),
        rustc: rustc.to_owned(),
    };
    project.recorded = [(FAILURE_FILE.to_owned(), serde_json::to_vec(&failure).unwrap())].into();
    project
}

#[tokio::test]
async fn a_toolchain_that_is_too_old_is_warned_about() {
    let warned = async |rustc: &str| {
        let project = recorded_with(Project::load("hello"), rustc);
        let transcript = build_with(&options(&project), daemon(&project)).await.transcript.to_string();
        assert!(transcript.contains("\nreturn ref-"), "{transcript}");
        let calls = transcript.lines().skip_while(|line| !line.starts_with("warn "));
        let warning = calls.enumerate().take_while(|(at, line)| *at == 0 || line.starts_with("    "));
        warning.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    expect![[r#"
        warn old-toolchain: the toolchain image `rust:1.95-bookworm` has Rust 1.84, and Longshore is tested with 1.85 and newer
            The toolchain is older than those that are tested.
            help: take a newer image as `toolchain`; what cargo does differently before that is not looked for
    "#]].assert_eq(&warned(OLD).await);
    assert_eq!(warned("rustc 1.85.0 (4d91de4e4 2025-02-17)\n").await, "");
}

#[tokio::test]
async fn a_toolchain_whose_cargo_is_too_old_for_the_workspace() {
    let hello = refused_by(Project::load("hello"), OLD);
    check_refused(
        &build_with(&options(&hello), daemon(&hello)).await,
        expect![[r#"
        `cargo metadata` failed
        error: failed to parse manifest at `Cargo.toml`

        Caused by:
          feature `edition2024` is required
        help: the toolchain image `rust:1.95-bookworm` has Rust 1.84, and Longshore is tested with 1.85 and newer: take a newer image as `toolchain`
    "#]],
    );
    // What the image has itself may be newer.
    let channel = refused_by(project("[toolchain]\nchannel = \"nightly-2024-11-01\"\n"), OLD);
    check_refused(
        &build_with(&options(&channel), daemon(&channel)).await,
        expect![[r#"
        `cargo metadata` failed
        error: failed to parse manifest at `Cargo.toml`

        Caused by:
          feature `edition2024` is required
        help: `nightly-2024-11-01` has Rust 1.84, and Longshore is tested with 1.85 and newer: take a newer image as `toolchain`
    "#]],
    );
}
