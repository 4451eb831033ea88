//! A whole build against the fake daemon: a project in, the transcript, the result and every solved graph out.
//!
//! Plays both ends that are not ours: the client that sends the project's files, and the daemon that would have run
//! cargo, for which it has the project's recording.

use buildkit_llb::{Annotate as _, Image, ImageRef, Platform, State};
use buildkit_proto::{fstypes, gateway, pb};
use longshore::gateway::fake::{Answer, FakeImage, Script, Transcript, Tree, name_of};
use longshore::gateway::{Failure, Gateway as _, caught};
use longshore::request::{Environment, Request};
use longshore::{listing, run};
use longshore_helper::gather::{GATHERED_FILE, GatherRequest, Gathered};
use longshore_helper::spec::CONTENTS_FILE;
use longshore_helper::toolchain::REPORT_FILE;
use longshore_helper::wire::{self, REQUEST_ENV_PREFIX};
use prost::Message as _;
use serde::de::DeserializeOwned;

use crate::project::Project;

/// Options of a build: `target`, `platform`, `build-arg:…`, as BuildKit hands them over.
pub(crate) type Options = Vec<(String, String)>;

/// What became of a build.
pub(crate) struct Built {
    /// What the daemon was asked.
    pub(crate) transcript: Transcript,
}

/// The options that the project's `case.toml` stands for.
pub(crate) fn options(project: &Project) -> Options {
    let target = project.case.target.iter().map(|target| ("target".to_owned(), target.clone()));
    let args =
        project.case.build_args.iter().map(|(name, value)| (format!("build-arg:{name}"), value.clone()));
    target.chain(args).collect()
}

/// Builds the project as its case says, on a daemon that can do everything.
pub(crate) async fn build(project: &Project) -> Built {
    build_with(&options(project), daemon(project)).await
}

/// Builds with these options on this daemon. A refusal and a panic end the build as they do in `main`.
pub(crate) async fn build_with(options: &[(String, String)], script: Script) -> Built {
    let (client, transcript) = script.start().await.unwrap();
    let built = caught(async {
        let environment = Environment {
            started: option(options, "test:started").map_or(1_000, |time| time.parse().unwrap()),
            options: options.iter().cloned().collect(),
            session: option(options, "test:session").unwrap_or("session").to_owned(),
            platforms: vec![Platform::parse("linux/amd64").unwrap()],
        };
        let request = Request::parse(&environment).map_err(Failure::from)?;
        run::run(&client, &request, &own_image()).await
    })
    .await;
    match built {
        Ok(Ok(result)) => client.return_result(result).await.unwrap(),
        Ok(Err(failure)) => client.return_error(failure.to_status()).await.unwrap(),
        Err(panic) => client.return_error(panic).await.unwrap(),
    }
    Built { transcript }
}

/// The image that the frontend runs from.
fn own_image() -> State {
    let name = ImageRef::parse("localhost/longshore:dev").unwrap();
    Image::new(&name, &Platform::parse("linux/amd64").unwrap()).labeled("frontend").state()
}

/// A daemon whose client has the project, and that has recorded it already.
pub(crate) fn daemon(project: &Project) -> Script {
    let project = project.clone();
    let solve = move |request: &gateway::SolveRequest| {
        let definition = request.definition.as_ref().expect("the frontend hands on to no other");
        Ok(Answer::from(yields(&project, definition)))
    };
    Script { solve: Box::new(solve), images: images(), ..Script::default() }
}

fn yields(project: &Project, definition: &pb::Definition) -> Tree {
    match name_of(definition).unwrap_or_default() {
        "[internal] list build context" => listed(project, definition),
        "[internal] load .dockerignore" | "[internal] load build context" => project.files.clone(),
        name if name.starts_with("[internal] load build definition") => project.files.clone(),
        name if name.starts_with("[builder] toolchain") => toolchain(),
        name if name.ends_with("plan] cargo build, recorded") => project.recorded.clone(),
        name if name.starts_with("[plan] read ") && name.ends_with(" sources") => {
            gathered(project, definition)
        }
        name if name.starts_with("[toolchain] contents of ") => {
            [(CONTENTS_FILE.to_owned(), b"1234".to_vec())].into()
        }
        _ => Tree::new(),
    }
}

/// The texts of the sources that a step is asked to read.
fn gathered(project: &Project, definition: &pb::Definition) -> Tree {
    let requests: Vec<GatherRequest> = asked(definition, "gather");
    let text = |file: &String| String::from_utf8(project.files[file].clone()).unwrap();
    let files = requests.iter().flat_map(|request| &request.files);
    let texts: Gathered = files.map(|file| (file.clone(), text(file))).collect();
    [(GATHERED_FILE.to_owned(), serde_json::to_vec(&texts).unwrap())].into()
}

/// What the helper is asked for in a graph's steps that run this command of it.
pub(crate) fn asked<T: DeserializeOwned>(definition: &pb::Definition, command: &str) -> Vec<T> {
    let ops = definition.def.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap());
    ops.filter_map(|op| match op.op {
        Some(pb::op::Op::Exec(exec)) => asked_by(&exec, command),
        _ => None,
    })
    .collect()
}

/// What the helper is asked for by a step, if that runs this command of it.
pub(crate) fn asked_by<T: DeserializeOwned>(exec: &pb::ExecOp, command: &str) -> Option<T> {
    let meta = exec.meta.as_ref().unwrap();
    let pieces = meta.env.iter().filter(|variable| variable.starts_with(REQUEST_ENV_PREFIX));
    let text: String = pieces.map(|variable| variable.split_once('=').unwrap().1).collect();
    let is_asked = meta.args.ends_with(&[command.to_owned()]);
    is_asked.then(|| serde_json::from_str(&wire::decode(&text).unwrap()).unwrap())
}

/// What the step finds that has rustup install what a toolchain file asks for.
fn toolchain() -> Tree {
    let report = r#"{"rustc":"rustc 1.94.0-nightly (abcdef012 2026-01-04)","components":[],"targets":[]}"#;
    [(REPORT_FILE.to_owned(), report.as_bytes().to_vec())].into()
}

/// The files whose contents are asked for, and the list of names.
fn listed(project: &Project, definition: &pb::Definition) -> Tree {
    let wanted = contents(definition);
    let matches = |path: &str| {
        wanted.iter().any(|pattern| match pattern.strip_prefix("**/") {
            Some(name) => path == name || path.ends_with(&format!("/{name}")),
            None => path == pattern,
        })
    };
    let files = project.files.iter().filter(|(path, _)| matches(path));
    let mut tree: Tree = files.map(|(path, text)| (path.clone(), text.clone())).collect();
    tree.insert(listing::METADATA_FILE.to_owned(), stats(project));
    tree
}

/// The patterns of files of which the client is to send the contents.
fn contents(definition: &pb::Definition) -> Vec<String> {
    let ops = definition.def.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap());
    let sources = ops.filter_map(|op| match op.op {
        Some(pb::op::Op::Source(source)) => source.attrs.get("local.metadatatransferexclude").cloned(),
        _ => None,
    });
    sources.flat_map(|list| serde_json::from_str::<Vec<String>>(&list).unwrap()).collect()
}

/// What the client's stat of every path looks like to BuildKit: directories too, length before each.
fn stats(project: &Project) -> Vec<u8> {
    const DIRECTORY: u32 = 1 << 31;
    const LINK: u32 = 1 << 27;
    let mut entries = std::collections::BTreeMap::new();
    for path in project.files.keys().chain(project.links.keys()) {
        for (at, _) in path.match_indices('/') {
            entries.insert(&path[..at], DIRECTORY | 0o755);
        }
        entries.insert(path, if project.links.contains_key(path) { LINK | 0o777 } else { 0o644 });
    }
    let mut data = Vec::new();
    for (path, mode) in entries {
        let linkname = project.links.get(path).cloned().unwrap_or_default();
        let stat = fstypes::Stat { path: path.to_owned(), mode, linkname, ..fstypes::Stat::default() };
        let stat = stat.encode_to_vec();
        data.extend(u32::try_from(stat.len()).unwrap().to_le_bytes());
        data.extend(stat);
    }
    data
}

fn images() -> std::collections::BTreeMap<String, FakeImage> {
    let image = |digit: &str, config: &str| FakeImage {
        digest: format!("sha256:{}", digit.repeat(64)),
        config: config.to_owned(),
    };
    [
        (
            "docker.io/library/rust:1.95-bookworm".to_owned(),
            image("a", r#"{"os":"linux","config":{"Env":["PATH=/usr/local/cargo/bin:/usr/bin:/bin","CARGO_HOME=/usr/local/cargo"]}}"#),
        ),
        (
            "docker.io/library/debian:bookworm-slim".to_owned(),
            image("b", r#"{"created":"2026-01-01T00:00:00Z","os":"linux","config":{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"Cmd":["bash"]},"rootfs":{"type":"layers","diff_ids":["sha256:base"]}}"#),
        ),
        (
            "quay.io/ascend/cann:9.1.0-910b-ubuntu22.04-py3.12".to_owned(),
            image("c", r#"{"os":"linux","config":{}}"#),
        ),
    ]
    .into()
}

impl Built {
    /// The graph of the first solve whose result the user sees by this name.
    pub(crate) fn graph(&self, name: &str) -> Option<State> {
        let solved = self.transcript.solved();
        let mut definitions = solved.iter().filter_map(|request| request.definition.as_ref());
        let definition =
            definitions.find(|definition| name_of(definition).unwrap_or_default().starts_with(name))?;
        Some(State::from_definition(definition).unwrap())
    }

    /// One entry of the result's metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<Vec<u8>> {
        self.transcript.returned()?.result?.metadata.get(key).cloned()
    }
}

/// The value of an option; `test:session` is none of the client's, and says which client it is.
fn option<'o>(options: &'o [(String, String)], name: &str) -> Option<&'o str> {
    options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
