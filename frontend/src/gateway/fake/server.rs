//! The server side of the fake daemon: every call is written down, checked as a daemon would, and answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use buildkit_llb::Platform;
use buildkit_proto::gateway::llb_bridge_server::{LlbBridge, LlbBridgeServer};
use buildkit_proto::gateway::result::Result as References;
use buildkit_proto::{apicaps, fstypes, gateway, types};
use tokio::io::DuplexStream;
use tonic::codegen::tokio_stream::{self, StreamExt as _};
use tonic::{Request, Response, Status};

use super::{Script, Transcript, Tree, caps_of};
use crate::gateway::MESSAGE_BYTES_MAX;

struct Daemon {
    script: Script,
    transcript: Transcript,
    /// What each reference stands for, by its id.
    results: Mutex<BTreeMap<String, Result<Tree, Status>>>,
}

/// Serves one connection until its other end is dropped.
pub(super) fn serve(script: Script, connection: DuplexStream) -> Transcript {
    let transcript = Transcript::default();
    let daemon = Daemon { script, transcript: transcript.clone(), results: Mutex::default() };
    let bridge = LlbBridgeServer::new(daemon)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    // One connection, and then none: a server whose connections have ended would stop.
    let connections = tokio_stream::once(Ok::<_, std::io::Error>(connection)).chain(tokio_stream::pending());
    let server = tonic::transport::Server::builder()
        // A real daemon's limit is Go's, which is as large.
        .http2_max_header_list_size(MESSAGE_BYTES_MAX as u32)
        .serve_with_incoming(bridge, connections);
    tokio::spawn(server);
    transcript
}

impl Daemon {
    fn add(&self, result: Result<Tree, Status>) -> String {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("ref-{}", results.len() + 1);
        results.insert(id.clone(), result);
        id
    }

    fn tree(&self, id: &str) -> Result<Tree, Status> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.get(id).cloned().unwrap_or_else(|| Err(Status::unknown(format!("no such ref: {id}"))))
    }

    fn image(&self, name: &str) -> Result<&super::FakeImage, Status> {
        self.script.images.get(name).ok_or_else(|| Status::not_found(format!("{name}: not found")))
    }
}

fn missing(path: &str) -> Status {
    Status::unknown(format!("open /{path}: no such file or directory"))
}

fn stat(tree: &Tree, path: &str) -> Result<fstypes::Stat, Status> {
    // Go's `os.FileMode` has the directory bit elsewhere than stat(2).
    const DIRECTORY: u32 = 1 << 31;
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    if let Some(bytes) = tree.get(path) {
        return Ok(fstypes::Stat {
            path: name,
            mode: 0o644,
            size: bytes.len() as i64,
            ..fstypes::Stat::default()
        });
    }
    let below = format!("{path}/");
    if path == "." || path.is_empty() || tree.keys().any(|file| file.starts_with(&below)) {
        return Ok(fstypes::Stat { path: name, mode: DIRECTORY | 0o755, ..fstypes::Stat::default() });
    }
    Err(missing(path))
}

#[tonic::async_trait]
impl LlbBridge for Daemon {
    async fn ping(
        &self,
        _: Request<gateway::PingRequest>,
    ) -> Result<Response<gateway::PongResponse>, Status> {
        let enabled =
            |id: &String| apicaps::ApiCap { id: id.clone(), enabled: true, ..apicaps::ApiCap::default() };
        let platforms = self.script.platforms.iter().filter_map(|text| Platform::parse(text).ok());
        let worker = types::WorkerRecord {
            id: "fake".to_owned(),
            platforms: platforms.map(|platform| platform.to_proto()).collect(),
            ..types::WorkerRecord::default()
        };
        Ok(Response::new(gateway::PongResponse {
            frontend_api_caps: self.script.caps.iter().map(enabled).collect(),
            llb_caps: self.script.llb_caps.iter().map(enabled).collect(),
            workers: vec![worker],
        }))
    }

    async fn solve(
        &self,
        request: Request<gateway::SolveRequest>,
    ) -> Result<Response<gateway::SolveResponse>, Status> {
        let request = request.into_inner();
        self.transcript.note_solve(&request);
        let known = |cap: &String| self.script.llb_caps.contains(cap);
        if let Some(cap) = request.definition.iter().flat_map(caps_of).find(|cap| !known(cap)) {
            return Err(Status::unknown(format!(
                "requested experimental feature {cap} has been disabled on the build server: unknown"
            )));
        }
        let definition = request.definition.clone();
        let single = |id: String| References::Ref(gateway::Ref { id, def: definition.clone() });
        let (references, metadata) = match (self.script.solve)(&request) {
            Err(status) if request.evaluate => return Err(status),
            Err(status) => (single(self.add(Err(status))), BTreeMap::new()),
            Ok(answer) => {
                let mut refs: BTreeMap<String, gateway::Ref> = BTreeMap::new();
                for (platform, tree) in answer.trees {
                    refs.insert(platform, gateway::Ref { id: self.add(Ok(tree)), def: definition.clone() });
                }
                let references = match refs.remove("") {
                    Some(reference) => References::Ref(reference),
                    None => References::Refs(gateway::RefMap { refs }),
                };
                (references, answer.metadata)
            }
        };
        Ok(Response::new(gateway::SolveResponse {
            r#ref: String::new(),
            result: Some(gateway::Result {
                result: Some(references),
                metadata,
                attestations: BTreeMap::new(),
            }),
        }))
    }

    async fn evaluate(
        &self,
        request: Request<gateway::EvaluateRequest>,
    ) -> Result<Response<gateway::EvaluateResponse>, Status> {
        let id = request.into_inner().r#ref;
        self.transcript.note(format_args!("evaluate {id}"));
        self.tree(&id).map(|_| Response::new(gateway::EvaluateResponse {}))
    }

    async fn read_file(
        &self,
        request: Request<gateway::ReadFileRequest>,
    ) -> Result<Response<gateway::ReadFileResponse>, Status> {
        let request = request.into_inner();
        let range = request.range.unwrap_or_default();
        let from = if range.offset > 0 { format!(" from {}", range.offset) } else { String::new() };
        self.transcript.note(format_args!("read {} {}{from}", request.r#ref, request.file_path));
        let tree = self.tree(&request.r#ref)?;
        let bytes = tree.get(&request.file_path).ok_or_else(|| missing(&request.file_path))?;
        let whole = request.range.is_none();
        let start = usize::try_from(range.offset).unwrap_or(0).min(bytes.len());
        let length = if whole { bytes.len() } else { usize::try_from(range.length).unwrap_or(0) };
        let end = start.saturating_add(length).min(bytes.len());
        Ok(Response::new(gateway::ReadFileResponse { data: bytes[start..end].to_vec() }))
    }

    async fn read_dir(
        &self,
        request: Request<gateway::ReadDirRequest>,
    ) -> Result<Response<gateway::ReadDirResponse>, Status> {
        let request = request.into_inner();
        self.transcript.note(format_args!("list {} {}", request.r#ref, request.dir_path));
        let tree = self.tree(&request.r#ref)?;
        let prefix = match request.dir_path.trim_matches('/') {
            "" | "." => String::new(),
            path => format!("{path}/"),
        };
        let below = tree.keys().filter_map(|file| file.strip_prefix(&prefix));
        let names: BTreeSet<&str> = below.filter_map(|file| file.split('/').next()).collect();
        if names.is_empty() && !prefix.is_empty() {
            return Err(missing(&request.dir_path));
        }
        let entries = names.into_iter().map(|name| stat(&tree, &format!("{prefix}{name}")));
        Ok(Response::new(gateway::ReadDirResponse { entries: entries.collect::<Result<_, _>>()? }))
    }

    async fn stat_file(
        &self,
        request: Request<gateway::StatFileRequest>,
    ) -> Result<Response<gateway::StatFileResponse>, Status> {
        let request = request.into_inner();
        self.transcript.note(format_args!("stat {} {}", request.r#ref, request.path));
        let stat = stat(&self.tree(&request.r#ref)?, &request.path)?;
        Ok(Response::new(gateway::StatFileResponse { stat: Some(stat) }))
    }

    async fn resolve_source_meta(
        &self,
        request: Request<gateway::ResolveSourceMetaRequest>,
    ) -> Result<Response<gateway::ResolveSourceMetaResponse>, Status> {
        let request = request.into_inner();
        let mut source = request.source.unwrap_or_default();
        let attrs: String = source.attrs.iter().map(|(key, value)| format!("\n    {key}={value}")).collect();
        self.transcript.note(format_args!("resolve {} as {}{attrs}", source.identifier, request.log_name));
        if let Some(replaced) = self.script.policies.get(&source.identifier) {
            source.identifier.clone_from(replaced);
        }
        let Some((_, name)) = source
            .identifier
            .split_once("://")
            .filter(|(scheme, _)| ["docker-image", "oci-layout"].contains(scheme))
        else {
            return Ok(Response::new(gateway::ResolveSourceMetaResponse {
                source: Some(source),
                ..gateway::ResolveSourceMetaResponse::default()
            }));
        };
        let image = self.image(name)?;
        Ok(Response::new(gateway::ResolveSourceMetaResponse {
            image: Some(gateway::ResolveSourceImageResponse {
                digest: image.digest.clone(),
                config: image.config.clone().into_bytes(),
                attestation_chain: None,
            }),
            source: Some(source),
            ..gateway::ResolveSourceMetaResponse::default()
        }))
    }

    async fn resolve_image_config(
        &self,
        request: Request<gateway::ResolveImageConfigRequest>,
    ) -> Result<Response<gateway::ResolveImageConfigResponse>, Status> {
        let request = request.into_inner();
        self.transcript.note(format_args!("resolve config of {} as {}", request.r#ref, request.log_name));
        let image = self.image(&request.r#ref)?;
        Ok(Response::new(gateway::ResolveImageConfigResponse {
            digest: image.digest.clone(),
            config: image.config.clone().into_bytes(),
            r#ref: String::new(),
        }))
    }

    async fn inputs(
        &self,
        _: Request<gateway::InputsRequest>,
    ) -> Result<Response<gateway::InputsResponse>, Status> {
        self.transcript.note("inputs");
        Ok(Response::new(gateway::InputsResponse { definitions: self.script.inputs.clone() }))
    }

    async fn warn(
        &self,
        request: Request<gateway::WarnRequest>,
    ) -> Result<Response<gateway::WarnResponse>, Status> {
        self.transcript.note_warning(&request.into_inner());
        Ok(Response::new(gateway::WarnResponse {}))
    }

    async fn r#return(
        &self,
        request: Request<gateway::ReturnRequest>,
    ) -> Result<Response<gateway::ReturnResponse>, Status> {
        self.transcript.note_return(request.into_inner())?;
        Ok(Response::new(gateway::ReturnResponse {}))
    }
}
