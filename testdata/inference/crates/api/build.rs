//! Generates messages, client and server from `proto/`, without `protoc`.

use std::{error::Error, fs, path::PathBuf};

const PROTO: &str = "../../proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    let mut files = Vec::new();
    for entry in fs::read_dir(PROTO)? {
        let path: PathBuf = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    // Directories have no order of their own.
    files.sort();

    tonic_prost_build::configure()
        // HTTP carries the same messages as JSON.
        .message_attribute(".", "#[derive(serde::Deserialize, serde::Serialize)]")
        .message_attribute("PredictRequest", "#[derive(derive::Checked)]")
        .field_attribute("PredictRequest.text", "#[check(not_blank, chars_max = 1000)]")
        .compile_fds(protox::compile(files, [PROTO])?)?;
    Ok(())
}
