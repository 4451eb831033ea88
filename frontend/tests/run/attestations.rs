//! What is attached to an image when that is asked for.

use buildkit_proto::pb;
use prost::Message as _;

use super::{changed, pairs};
use crate::daemon::{build_with, daemon};

#[tokio::test]
async fn what_lets_one_in_is_in_no_attestation() {
    let address = "https://ci:hunter2@e.com/model.bin?signature=hunter3";
    let project = changed("shop", &[("Cargo.toml", "${ASSETS}/model.bin", address)]);
    let options = [("target", "bundle"), ("attest:sbom", ""), ("attest:provenance", "mode=max")];
    let mut script = daemon(&project);
    script.caps.push("reference.attestations".to_owned());
    let built = build_with(&pairs(&options), script).await;
    let mut documents = Vec::new();
    for request in built.transcript.solved() {
        let ops = request.definition.unwrap_or_default().def;
        for op in ops.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap()) {
            let Some(pb::op::Op::File(file)) = op.op else { continue };
            documents.extend(file.actions.into_iter().filter_map(|action| match action.action {
                Some(pb::file_action::Action::Mkfile(made)) => Some(String::from_utf8(made.data).unwrap()),
                _ => None,
            }));
        }
    }
    let shown: Vec<&String> = documents.iter().filter(|text| text.contains("e.com/model.bin")).collect();
    assert_eq!(shown.len(), 2, "the SBOM and the statement: {}", built.transcript);
    assert!(!documents.iter().any(|text| text.contains("hunter")), "{shown:?}");
}
