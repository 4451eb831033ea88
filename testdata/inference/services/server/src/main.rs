//! Answers predictions over HTTP and gRPC. The model is part of the program.

mod args;
mod grpc;
mod http;

use std::{error::Error, process::ExitCode, sync::Arc};

use api::v1::inference_server::InferenceServer;
use args::Args;
use model::Model;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tonic::transport::{Server, server::TcpIncoming};

static SENTIMENT: &[u8] = include_bytes!("../../../models/sentiment.safetensors");

#[tokio::main]
async fn main() -> ExitCode {
    let args = match Args::parse() {
        Ok(Some(args)) => args,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> Result<(), Box<dyn Error>> {
    let model = Arc::new(Model::from_bytes(SENTIMENT)?);
    let http = listen(&args.http).await?;
    let grpc = listen(&args.grpc).await?;
    if let Some(accelerator) = kernels::ACCELERATOR {
        let bytes = std::hint::black_box(kernels::CODE).len();
        println!("{bytes} bytes of device code for {accelerator}; predictions are computed on the CPU");
    }
    // Whoever waits for this line may ask at once: both ports are open.
    println!("listening on http://{} and grpc://{}", http.local_addr()?, grpc.local_addr()?);

    let answer_http = axum::serve(http, http::router(model.clone())).with_graceful_shutdown(stopped());
    let answer_grpc = Server::builder()
        .add_service(InferenceServer::new(grpc::Service::new(model)))
        .serve_with_incoming_shutdown(TcpIncoming::from(grpc), stopped());
    let (http, grpc) = tokio::join!(answer_http, answer_grpc);
    http?;
    grpc?;
    Ok(())
}

async fn listen(address: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("failed to listen on `{address}`: {error}"))
}

/// Resolves when the process is told to stop. As the first process of a container it has to listen
/// for that itself: the kernel ignores signals that nobody asked for.
async fn stopped() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be handled");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
