//! The gRPC side.

use std::sync::Arc;

use api::{
    Checked,
    v1::{PredictRequest, PredictResponse, Score, inference_server::Inference},
};
use model::{Model, Prediction};
use tonic::{Request, Response, Status};

pub(crate) struct Service {
    model: Arc<Model>,
}

impl Service {
    pub(crate) fn new(model: Arc<Model>) -> Self {
        Self { model }
    }
}

#[tonic::async_trait]
impl Inference for Service {
    async fn predict(&self, request: Request<PredictRequest>) -> Result<Response<PredictResponse>, Status> {
        let request = request.into_inner();
        request.check().map_err(|refusal| Status::invalid_argument(refusal.to_string()))?;
        Ok(Response::new(response(self.model.predict(&request.text))))
    }
}

/// The message for an answer of the model.
pub(crate) fn response(prediction: Prediction) -> PredictResponse {
    let scores = prediction.scores.into_iter().map(|(label, score)| Score { label, score }).collect();
    PredictResponse { label: prediction.label, scores }
}
