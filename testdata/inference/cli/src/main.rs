//! Labels a text: with the model that is part of the program, or by asking a server.

mod args;
mod ask;

use std::process::ExitCode;

use api::v1::PredictResponse;
use args::{Args, Where};
use model::Model;

static SENTIMENT: &[u8] = include_bytes!("../../models/sentiment.safetensors");

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match Args::parse() {
        Ok(Some(args)) => args,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match answer(&args).await {
        Ok((label, score)) => {
            println!("{label} {score:.3}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The best label and its score.
async fn answer(args: &Args) -> Result<(String, f32), String> {
    let response = match &args.place {
        Where::Here => return here(&args.text),
        Where::Http(url) => ask::retry(args.wait, || ask::http(url, &args.text)).await?,
        Where::Grpc(url) => ask::retry(args.wait, || ask::grpc(url, &args.text)).await?,
    };
    best(response)
}

fn here(text: &str) -> Result<(String, f32), String> {
    let model = Model::from_bytes(SENTIMENT).map_err(|error| error.to_string())?;
    let prediction = model.predict(text);
    let score = prediction.scores.iter().find(|(label, _)| *label == prediction.label);
    let score = score.expect("the label is one of the scores").1;
    Ok((prediction.label, score))
}

fn best(response: PredictResponse) -> Result<(String, f32), String> {
    match response.scores.iter().find(|score| score.label == response.label) {
        Some(score) => Ok((response.label, score.score)),
        None => Err(format!("the server gave no score for its label `{}`", response.label)),
    }
}
