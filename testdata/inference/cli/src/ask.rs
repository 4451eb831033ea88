//! Asks a server.

use std::time::{Duration, Instant};

use api::v1::{PredictRequest, PredictResponse, inference_client::InferenceClient};
use http::{Request, header};
use http_body_util::BodyExt;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tonic::transport::Endpoint;

/// Why there is no answer.
pub(crate) enum Failure {
    /// Nobody is there, yet.
    Unreachable(String),
    /// The server said no.
    Refused(String),
}

/// Asks again until somebody is there or the time is up.
pub(crate) async fn retry<F>(wait: Duration, ask: impl Fn() -> F) -> Result<PredictResponse, String>
where
    F: Future<Output = Result<PredictResponse, Failure>>,
{
    let start = Instant::now();
    loop {
        match ask().await {
            Ok(response) => return Ok(response),
            Err(Failure::Unreachable(_)) if start.elapsed() < wait => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(Failure::Unreachable(reason) | Failure::Refused(reason)) => return Err(reason),
        }
    }
}

pub(crate) async fn http(url: &str, text: &str) -> Result<PredictResponse, Failure> {
    let body = serde_json::to_string(&PredictRequest { text: text.to_owned() })
        .expect("a message of strings can be written as JSON");
    let request = Request::post(format!("{}/predict", url.trim_end_matches('/')))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|error| Failure::Refused(format!("`{url}` is not a URL: {error}")))?;
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let response = client
        .request(request)
        .await
        .map_err(|error| Failure::Unreachable(format!("failed to ask `{url}`: {}", chain(&error))))?;
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|error| Failure::Refused(format!("the answer of `{url}` broke off: {error}")))?
        .to_bytes();
    if !status.is_success() {
        let reason = String::from_utf8_lossy(&body);
        return Err(Failure::Refused(format!("`{url}` answered {status}: {}", reason.trim_end())));
    }
    serde_json::from_slice(&body)
        .map_err(|error| Failure::Refused(format!("`{url}` answered something else: {error}")))
}

pub(crate) async fn grpc(url: &str, text: &str) -> Result<PredictResponse, Failure> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|error| Failure::Refused(format!("`{url}` is not a URL: {error}")))?;
    let channel = endpoint
        .connect()
        .await
        .map_err(|error| Failure::Unreachable(format!("failed to ask `{url}`: {}", chain(&error))))?;
    let response =
        InferenceClient::new(channel).predict(PredictRequest { text: text.to_owned() }).await.map_err(
            |status| Failure::Refused(format!("`{url}` answered {:?}: {}", status.code(), status.message())),
        )?;
    Ok(response.into_inner())
}

/// An error with what caused it; these libraries say nothing useful in the first sentence.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
