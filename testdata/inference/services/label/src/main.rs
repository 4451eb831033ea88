//! Labels the text in its arguments, and needs nothing of the system but arguments and standard output.

use std::process::ExitCode;

use model::Model;

static SENTIMENT: &[u8] = include_bytes!("../../../models/sentiment.safetensors");

fn main() -> ExitCode {
    let text = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let model = match Model::from_bytes(SENTIMENT) {
        Ok(model) => model,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let prediction = model.predict(&text);
    for (label, score) in prediction.scores.iter().filter(|(label, _)| *label == prediction.label) {
        println!("{label} {score:.3}");
    }
    ExitCode::SUCCESS
}
