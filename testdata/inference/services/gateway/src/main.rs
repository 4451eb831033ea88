//! Takes HTTP requests and asks the gRPC server.

use std::{env, error::Error, process::ExitCode, time::Duration};

use api::v1::{PredictRequest, PredictResponse, inference_client::InferenceClient};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use lexopt::{
    Arg::{Long, Short},
    Parser, ValueExt,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

const USAGE: &str = "\
Usage: gateway [--http ADDRESS] [--upstream URL]

Options:
      --http ADDRESS  Listen here for HTTP [env: GATEWAY_HTTP] [default: 0.0.0.0:8081]
      --upstream URL  Ask this gRPC server [env: GATEWAY_UPSTREAM] [default: http://localhost:50051]
  -h, --help          Print this
  -V, --version       Print the version";

struct Args {
    http: String,
    upstream: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = match parse_args() {
        Ok(Some(args)) => args,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `None` when the command line only asked for text, which is then printed.
fn parse_args() -> Result<Option<Args>, lexopt::Error> {
    let mut args = Args {
        http: env::var("GATEWAY_HTTP").unwrap_or_else(|_| "0.0.0.0:8081".to_owned()),
        upstream: env::var("GATEWAY_UPSTREAM").unwrap_or_else(|_| "http://localhost:50051".to_owned()),
    };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("http") => args.http = parser.value()?.string()?,
            Long("upstream") => args.upstream = parser.value()?.string()?,
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(None);
            }
            Short('V') | Long("version") => {
                println!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
                return Ok(None);
            }
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}

async fn serve(args: &Args) -> Result<(), Box<dyn Error>> {
    let upstream = Endpoint::from_shared(args.upstream.clone())
        .map_err(|error| format!("`{}` is not a URL: {error}", args.upstream))?
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(10));
    // Lazily, so that gateway and server may start in either order.
    let client = InferenceClient::new(upstream.connect_lazy());
    let router =
        Router::new().route("/healthz", get("ok\n")).route("/predict", post(predict)).with_state(client);

    let listener = TcpListener::bind(&args.http)
        .await
        .map_err(|error| format!("failed to listen on `{}`: {error}", args.http))?;
    println!("listening on http://{}, asking {}", listener.local_addr()?, args.upstream);
    axum::serve(listener, router).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

async fn predict(
    State(mut client): State<InferenceClient<Channel>>,
    Json(request): Json<PredictRequest>,
) -> Result<Json<PredictResponse>, (StatusCode, String)> {
    let response = client.predict(request).await.map_err(|status| refusal(&status))?;
    Ok(Json(response.into_inner()))
}

fn refusal(status: &Status) -> (StatusCode, String) {
    let code = match status.code() {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded | Code::Cancelled => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    (code, format!("{}\n", status.message()))
}

/// Resolves when the process is told to stop.
async fn stopped() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be handled");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use tonic::Status;

    #[test]
    fn what_the_client_did_wrong_is_told_from_what_the_server_did() {
        let refused = crate::refusal(&Status::invalid_argument("`text` is blank"));
        assert_eq!(refused, (StatusCode::BAD_REQUEST, "`text` is blank\n".to_owned()));
        assert_eq!(crate::refusal(&Status::unavailable("")).0, StatusCode::BAD_GATEWAY);
        assert_eq!(crate::refusal(&Status::deadline_exceeded("")).0, StatusCode::GATEWAY_TIMEOUT);
    }
}
