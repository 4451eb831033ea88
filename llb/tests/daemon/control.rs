//! The two calls of BuildKit's control service that the test needs, over the pipe that `docker buildx dial-stdio` opens.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Mutex;

use buildkit_proto::control::StatusResponse;
use buildkit_proto::pb;
use hyper_util::rt::TokioIo;
use tokio::process::{Child, Command};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// `moby.buildkit.v1.SolveRequest`, as far as it is needed.
#[derive(Clone, PartialEq, prost::Message)]
struct SolveRequest {
    #[prost(string, tag = "1")]
    reference: String,
    #[prost(message, optional, tag = "2")]
    definition: Option<pb::Definition>,
    #[prost(bool, tag = "11")]
    internal: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SolveResponse {}

#[derive(Clone, PartialEq, prost::Message)]
struct StatusRequest {
    #[prost(string, tag = "1")]
    reference: String,
}

/// What the daemon says of a vertex.
#[derive(Debug)]
pub(crate) struct Reported {
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
}

pub(crate) struct Control {
    channel: Channel,
    /// Ends with the connection.
    _dial: Child,
}

impl Control {
    pub(crate) async fn dial() -> Control {
        let mut dial = Command::new("docker")
            .args(["buildx", "dial-stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("`docker` is there: E2E=1 promises a daemon");
        let pipe = tokio::io::join(dial.stdout.take().unwrap(), dial.stdin.take().unwrap());
        let pipe = Mutex::new(Some(TokioIo::new(pipe)));
        let channel = Endpoint::from_static("http://buildkitd")
            .http2_max_header_list_size(u32::try_from(MESSAGE_BYTES_MAX).unwrap())
            .connect_with_connector(tower::service_fn(move |_| {
                let pipe = pipe.lock().unwrap().take();
                async { pipe.ok_or_else(|| std::io::Error::other("the connection to the daemon was lost")) }
            }))
            .await
            .expect("the daemon answers: E2E=1 promises one");
        Control { channel, _dial: dial }
    }

    /// Solves without an exporter and a session. Returns what came of it and every vertex that was reported meanwhile.
    pub(crate) async fn solve(
        &self,
        what: &str,
        definition: pb::Definition,
    ) -> (Result<(), tonic::Status>, BTreeMap<String, Reported>) {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let reference = format!("llb-test-{what}-{now}");
        let (result, reported) = tokio::join!(self.run(&reference, definition), self.watch(&reference));
        (result, reported.unwrap_or_else(|status| panic!("no status: {status:?}")))
    }

    async fn run(&self, reference: &str, definition: pb::Definition) -> Result<(), tonic::Status> {
        let request =
            SolveRequest { reference: reference.to_owned(), definition: Some(definition), internal: true };
        let mut grpc = self.grpc().await?;
        let path = PathAndQuery::from_static("/moby.buildkit.v1.Control/Solve");
        let codec = ProstCodec::<SolveRequest, SolveResponse>::default();
        grpc.unary(tonic::Request::new(request), path, codec).await.map(|_| ())
    }

    async fn watch(&self, reference: &str) -> Result<BTreeMap<String, Reported>, tonic::Status> {
        let mut grpc = self.grpc().await?;
        let path = PathAndQuery::from_static("/moby.buildkit.v1.Control/Status");
        let codec = ProstCodec::<StatusRequest, StatusResponse>::default();
        let request = tonic::Request::new(StatusRequest { reference: reference.to_owned() });
        let mut stream = grpc.server_streaming(request, path, codec).await?.into_inner();
        let mut reported = BTreeMap::new();
        while let Some(response) = stream.message().await? {
            for log in response.logs {
                print!("{}", String::from_utf8_lossy(&log.msg));
            }
            for vertex in response.vertexes {
                reported.insert(vertex.digest, Reported { name: vertex.name, inputs: vertex.inputs });
            }
        }
        Ok(reported)
    }

    async fn grpc(&self) -> Result<tonic::client::Grpc<Channel>, tonic::Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        grpc.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
        Ok(grpc)
    }
}
