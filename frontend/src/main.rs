//! The frontend that BuildKit starts: connect, run, return.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use buildkit_llb::State;
use buildkit_proto::pb;
use longshore::{
    diagnostic::{Code, Diagnostic},
    gateway::{Failure, Gateway, caught, grpc, stdio},
    request::{Environment, Request},
    run,
};
use prost::Message;

/// Where BuildKit puts the definition of the frontend's own image (`frontend/gateway/gateway.go`, `metadataMount`).
const OWN_DEFINITION: &str = "/run/config/buildkit/metadata/frontend.bin";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("longshore: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Only a broken connection is an error here; everything else is told to BuildKit.
async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let client = grpc::Client::connect(stdio::Pipes::of_process()?).await?;
    let built = caught(async {
        let request = Request::parse(&Environment::parse(std::env::vars(), now())?)?;
        let own = own_definition()?;
        run::run(&client, &request, &own).await
    })
    .await;
    match built {
        Ok(Ok(result)) => client.return_result(result).await?,
        Ok(Err(failure)) => client.return_error(failure.to_status()).await?,
        Err(panic) => client.return_error(panic).await?,
    }
    Ok(())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The image that this process runs from, as a state: it holds the helper.
fn own_definition() -> Result<State, Failure> {
    let refused = |why: String| {
        Diagnostic::error(
            Code::BuildkitTooOld,
            format!("this BuildKit does not tell a frontend its own image: {why}"),
        )
        .help("use Docker Engine 27.5 or newer, or a builder with BuildKit 0.18 or newer")
    };
    let data = std::fs::read(OWN_DEFINITION).map_err(|error| refused(error.to_string()))?;
    let definition = pb::Definition::decode(data.as_slice()).map_err(|error| refused(error.to_string()))?;
    Ok(State::from_definition(&definition).map_err(|error| refused(error.to_string()))?)
}
