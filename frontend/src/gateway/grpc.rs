//! The gateway over a gRPC connection.

use std::collections::BTreeMap;
use std::time::Duration;

use buildkit_llb::{Cap, CapSet, Definition, Digest, ImageRef, Platform, ResolveMode};
use buildkit_proto::gateway::llb_bridge_client::LlbBridgeClient;
use buildkit_proto::gateway::result::Result as ProtoReferences;
use buildkit_proto::{fstypes, gateway, pb, rpc};
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use super::{
    BuildResult, CacheImport, Error, FileKind, FileStat, Forward, Gateway, ImageQuery, MESSAGE_BYTES_MAX,
    Reference, References, ResolvedImage, SolveOptions, Warning,
};

/// How much of a file one call reads: a quarter of what fits into a message, and all that old daemons send.
const READ_BYTES_MAX: usize = 4 << 20;

/// The daemon serves the moment it has started us, so a longer silence is a broken connection.
const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// A connection to BuildKit.
#[derive(Clone, Debug)]
pub struct Client {
    bridge: LlbBridgeClient<Channel>,
    caps: CapSet,
    llb_caps: CapSet,
    platforms: Vec<Platform>,
}

impl Client {
    /// Greets the daemon at the other end.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn connect<C>(connection: C) -> Result<Self, Error>
    where
        C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // There is one connection, so a connector that is asked for a second one has lost the first.
        let mut connection = Some(connection);
        let connector = tower::service_fn(move |_| {
            let taken = connection.take();
            async move {
                taken.map(TokioIo::new).ok_or(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
            }
        });
        let channel = Endpoint::from_static("http://localhost")
            // An error's details are a header: the failing op, whole source files. hyper would stop at 16 KiB.
            .http2_max_header_list_size(MESSAGE_BYTES_MAX as u32)
            .connect_with_connector(connector)
            .await
            .map_err(|error| Error::new(Code::Unavailable, error.to_string()).doing("connect to BuildKit"))?;
        let mut bridge = LlbBridgeClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let pong = tokio::time::timeout(PING_TIMEOUT, bridge.ping(gateway::PingRequest {}))
            .await
            .unwrap_or_else(|_| Err(tonic::Status::deadline_exceeded("no answer within 15 s")))
            .map_err(|status| Error::from(status).doing("greet BuildKit"))?
            .into_inner();
        Ok(Self {
            bridge,
            caps: CapSet::from_proto(&pong.frontend_api_caps),
            llb_caps: CapSet::from_proto(&pong.llb_caps),
            platforms: pong.workers.first().map_or_else(Vec::new, |worker| {
                worker.platforms.iter().filter_map(|platform| Platform::try_from(platform).ok()).collect()
            }),
        })
    }

    fn supports(&self, cap: &'static str) -> bool {
        self.caps.supports(&Cap::named(cap))
    }

    async fn send_solve(&self, request: gateway::SolveRequest) -> Result<BuildResult, Error> {
        fits("the build graph", &request)?;
        let response = self.bridge.clone().solve(request).await?.into_inner();
        Ok(match response.result {
            Some(result) => build_result(result),
            None => {
                let reference = Reference { id: response.r#ref, definition: None };
                BuildResult { references: References::Single(reference), ..BuildResult::default() }
            }
        })
    }

    async fn resolve_by_source(&self, query: &ImageQuery) -> Result<(String, String, Vec<u8>), Error> {
        let mut attrs = BTreeMap::new();
        let scheme = match &query.oci_layout {
            Some(layout) => {
                attrs.insert("oci.session".to_owned(), layout.session.as_str().to_owned());
                attrs.insert("oci.store".to_owned(), layout.store.clone());
                "oci-layout://"
            }
            None => "docker-image://",
        };
        let request = gateway::ResolveSourceMetaRequest {
            source: Some(pb::SourceOp { identifier: format!("{scheme}{}", query.reference), attrs }),
            platform: Some(query.platform.to_proto()),
            log_name: query.log_name.clone(),
            resolve_mode: resolve_mode(query.resolve_mode).to_owned(),
            ..gateway::ResolveSourceMetaRequest::default()
        };
        let response = self.bridge.clone().resolve_source_meta(request).await?.into_inner();
        let identifier =
            response.source.map_or_else(|| query.reference.to_string(), |source| source.identifier);
        let Some(image) = response.image else {
            return Err(Error::new(
                Code::FailedPrecondition,
                format!(
                    "a source policy replaces it by `{identifier}`, which is not an image; write a policy that \
                     names one, `docker-image://…`"
                ),
            ));
        };
        let reference =
            ["docker-image://", "oci-layout://"].iter().find_map(|scheme| identifier.strip_prefix(scheme));
        Ok((reference.unwrap_or(&identifier).to_owned(), image.digest, image.config))
    }

    /// For daemons before v0.13.
    async fn resolve_by_name(&self, query: &ImageQuery) -> Result<(String, String, Vec<u8>), Error> {
        let (store, session) = match &query.oci_layout {
            Some(layout) => (layout.store.clone(), layout.session.as_str().to_owned()),
            None => (String::new(), String::new()),
        };
        let request = gateway::ResolveImageConfigRequest {
            r#ref: query.reference.to_string(),
            platform: Some(query.platform.to_proto()),
            resolve_mode: resolve_mode(query.resolve_mode).to_owned(),
            log_name: query.log_name.clone(),
            // 0 asks a registry, 1 an OCI layout (client/llb/sourceresolver/types.go, `ResolverType`).
            resolver_type: i32::from(query.oci_layout.is_some()),
            session_id: session,
            store_id: store,
            source_policies: Vec::new(),
        };
        let response = self.bridge.clone().resolve_image_config(request).await?.into_inner();
        // Daemons before v0.12 do not say which name they resolved.
        let reference = if response.r#ref.is_empty() { query.reference.to_string() } else { response.r#ref };
        Ok((reference, response.digest, response.config))
    }
}

impl Gateway for Client {
    fn caps(&self) -> &CapSet {
        &self.caps
    }

    fn llb_caps(&self) -> &CapSet {
        &self.llb_caps
    }

    fn platforms(&self) -> &[Platform] {
        &self.platforms
    }

    async fn solve(&self, definition: &Definition, options: &SolveOptions) -> Result<Reference, Error> {
        let evaluates = self.supports("gateway.solve.evaluate");
        let request = gateway::SolveRequest {
            definition: Some(definition.to_proto()),
            allow_result_return: true,
            allow_result_array_ref: true,
            cache_imports: options.cache_imports.iter().map(cache_import).collect(),
            evaluate: options.evaluate && evaluates,
            ..gateway::SolveRequest::default()
        };
        let result = self.send_solve(request).await?;
        let References::Single(reference) = result.references else {
            return Err(Error::new(Code::Internal, "BuildKit answered one graph with several results"));
        };
        if options.evaluate && !evaluates && !reference.is_scratch() {
            self.stat_file(&reference, ".").await?;
        }
        Ok(reference)
    }

    async fn solve_frontend(&self, forward: &Forward) -> Result<BuildResult, Error> {
        self.send_solve(gateway::SolveRequest {
            frontend: forward.frontend.clone(),
            frontend_opt: forward.options.clone(),
            frontend_inputs: forward.inputs.clone(),
            allow_result_return: true,
            allow_result_array_ref: true,
            cache_imports: forward.cache_imports.iter().map(cache_import).collect(),
            ..gateway::SolveRequest::default()
        })
        .await
    }

    async fn evaluate(&self, reference: &Reference) -> Result<(), Error> {
        if reference.is_scratch() {
            return Ok(());
        }
        if !self.supports("gateway.evaluate") {
            // Looking at its root runs it as well.
            return self.stat_file(reference, ".").await.map(|_| ());
        }
        let request = gateway::EvaluateRequest { r#ref: reference.id.clone() };
        self.bridge.clone().evaluate(request).await?;
        Ok(())
    }

    async fn read_file(&self, reference: &Reference, path: &str) -> Result<Vec<u8>, Error> {
        exists(reference, path)?;
        let mut bytes = Vec::new();
        loop {
            let request = gateway::ReadFileRequest {
                r#ref: reference.id.clone(),
                file_path: path.to_owned(),
                range: Some(gateway::FileRange { offset: bytes.len() as i64, length: READ_BYTES_MAX as i64 }),
                mount_index: 0,
            };
            let piece = self.bridge.clone().read_file(request).await?.into_inner().data;
            let is_last = piece.len() < READ_BYTES_MAX;
            if bytes.is_empty() {
                bytes = piece;
            } else {
                bytes.extend_from_slice(&piece);
            }
            if is_last {
                return Ok(bytes);
            }
        }
    }

    async fn read_start(
        &self,
        reference: &Reference,
        path: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, Error> {
        exists(reference, path)?;
        let length = bytes_max.min(READ_BYTES_MAX) as i64;
        let request = gateway::ReadFileRequest {
            r#ref: reference.id.clone(),
            file_path: path.to_owned(),
            range: Some(gateway::FileRange { offset: 0, length }),
            mount_index: 0,
        };
        Ok(self.bridge.clone().read_file(request).await?.into_inner().data)
    }

    async fn read_dir(
        &self,
        reference: &Reference,
        path: &str,
        pattern: &str,
    ) -> Result<Vec<FileStat>, Error> {
        exists(reference, path)?;
        let request = gateway::ReadDirRequest {
            r#ref: reference.id.clone(),
            dir_path: path.to_owned(),
            include_pattern: pattern.to_owned(),
            mount_index: 0,
        };
        let mut entries: Vec<_> = self
            .bridge
            .clone()
            .read_dir(request)
            .await?
            .into_inner()
            .entries
            .into_iter()
            .map(file_stat)
            .collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    async fn stat_file(&self, reference: &Reference, path: &str) -> Result<FileStat, Error> {
        exists(reference, path)?;
        let request =
            gateway::StatFileRequest { r#ref: reference.id.clone(), path: path.to_owned(), mount_index: 0 };
        let stat = self.bridge.clone().stat_file(request).await?.into_inner().stat;
        stat.map(file_stat).ok_or_else(|| Error::new(Code::Internal, "BuildKit answered without a stat"))
    }

    async fn resolve_image(&self, query: &ImageQuery) -> Result<ResolvedImage, Error> {
        let resolved = if self.supports("source.metaresolver") {
            self.resolve_by_source(query).await
        } else {
            self.resolve_by_name(query).await
        };
        let invalid = |what: &str| Error::new(Code::Internal, format!("BuildKit answered with `{what}`"));
        resolved
            .and_then(|(reference, digest, config)| {
                let digest = match digest.as_str() {
                    "" => None,
                    text => Some(Digest::parse(text).map_err(|_| invalid(text))?),
                };
                let reference = ImageRef::parse(&reference).map_err(|_| invalid(&reference))?;
                Ok(ResolvedImage { reference, digest, config })
            })
            .map_err(|error| error.doing(format!("resolve the image `{}`", query.reference.familiar())))
    }

    async fn inputs(&self) -> Result<BTreeMap<String, pb::Definition>, Error> {
        let response = self.bridge.clone().inputs(gateway::InputsRequest {}).await;
        let response = response.map_err(|status| Error::from(status).doing("read the build's inputs"))?;
        Ok(response.into_inner().definitions)
    }

    async fn warn(&self, warning: &Warning) -> Result<(), Error> {
        if !self.supports("gateway.warnings") {
            return Ok(());
        }
        let request = gateway::WarnRequest {
            digest: warning.vertex.as_ref().map_or_else(String::new, |digest| digest.as_str().to_owned()),
            level: 1,
            short: warning.short.clone().into_bytes(),
            detail: warning.detail.iter().map(|line| line.clone().into_bytes()).collect(),
            url: warning.url.clone(),
            info: warning.span.as_ref().map(|span| span.file().to_proto()),
            ranges: warning.span.iter().map(|span| span.to_proto()).collect(),
        };
        self.bridge.clone().warn(request).await?;
        Ok(())
    }

    async fn return_result(self, result: BuildResult) -> Result<(), Error> {
        let request = gateway::ReturnRequest { result: Some(proto_result(result)), error: None };
        let mut bridge = self.bridge.clone();
        let sent = match fits("the result", &request) {
            Ok(()) => bridge.r#return(request).await.map(|_| ()).map_err(Error::from),
            Err(error) => Err(error),
        };
        let Err(error) = sent else { return Ok(()) };
        let error = error.doing("return the result to BuildKit");
        // Fails as well when the connection is gone; then the first error is the one that says more.
        let _ = self.return_error(error.to_status()).await;
        Err(error)
    }

    async fn return_error(self, error: rpc::Status) -> Result<(), Error> {
        assert!(error.code != Code::Ok as i32, "an error has a code");
        let mut request = gateway::ReturnRequest { result: None, error: Some(error) };
        if let (Err(_), Some(error)) = (fits("the error", &request), &mut request.error) {
            // Better an error without its details than none.
            error.details.clear();
        }
        self.bridge.clone().r#return(request).await?;
        Ok(())
    }
}

/// A message that is too large ends the connection, and with it the chance to say why.
fn fits(what: &str, message: &impl Message) -> Result<(), Error> {
    let size = message.encoded_len();
    if size > MESSAGE_BYTES_MAX {
        let message = format!("{what} has {size} bytes, BuildKit takes at most {MESSAGE_BYTES_MAX}");
        return Err(Error::new(Code::ResourceExhausted, message));
    }
    Ok(())
}

/// The daemon has no reference for an empty filesystem, so it cannot say that nothing is there.
fn exists(reference: &Reference, path: &str) -> Result<(), Error> {
    if reference.is_scratch() {
        return Err(Error::new(Code::NotFound, format!("{path}: no such file or directory")));
    }
    Ok(())
}

fn resolve_mode(mode: ResolveMode) -> &'static str {
    match mode {
        ResolveMode::Default => "default",
        ResolveMode::Pull => "pull",
        ResolveMode::Local => "local",
    }
}

fn cache_import(import: &CacheImport) -> gateway::CacheOptionsEntry {
    gateway::CacheOptionsEntry { r#type: import.kind.clone(), attrs: import.attrs.clone() }
}

fn file_stat(stat: fstypes::Stat) -> FileStat {
    // The type bits of Go's `os.FileMode`, not those of stat(2).
    const DIRECTORY: u32 = 1 << 31;
    const SYMLINK: u32 = 1 << 27;
    // The same bits and those of pipes, sockets, devices and irregular files (io/fs, `ModeType`).
    const ANY_TYPE: u32 = DIRECTORY | SYMLINK | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19;
    let kind = match stat.mode & ANY_TYPE {
        0 => FileKind::File,
        DIRECTORY => FileKind::Directory,
        SYMLINK => FileKind::Symlink(stat.linkname),
        _ => FileKind::Other,
    };
    FileStat { path: stat.path, kind, mode: stat.mode & 0o777, size: u64::try_from(stat.size).unwrap_or(0) }
}

fn build_result(result: gateway::Result) -> BuildResult {
    let reference = |proto: gateway::Ref| Reference { id: proto.id, definition: proto.def };
    let by_id = |id: String| Reference { id, definition: None };
    let references = match result.result {
        None => References::default(),
        Some(ProtoReferences::RefDeprecated(id)) => References::Single(by_id(id)),
        Some(ProtoReferences::Ref(proto)) => References::Single(reference(proto)),
        Some(ProtoReferences::RefsDeprecated(map)) => {
            References::Platforms(map.refs.into_iter().map(|(platform, id)| (platform, by_id(id))).collect())
        }
        Some(ProtoReferences::Refs(map)) => References::Platforms(
            map.refs.into_iter().map(|(platform, proto)| (platform, reference(proto))).collect(),
        ),
    };
    BuildResult { references, metadata: result.metadata, attestations: result.attestations }
}

fn proto_result(result: BuildResult) -> gateway::Result {
    let references = match result.references {
        References::Single(reference) => ProtoReferences::Ref(reference.to_proto()),
        References::Platforms(map) => ProtoReferences::Refs(gateway::RefMap {
            refs: map.into_iter().map(|(platform, reference)| (platform, reference.to_proto())).collect(),
        }),
    };
    gateway::Result { result: Some(references), metadata: result.metadata, attestations: result.attestations }
}
