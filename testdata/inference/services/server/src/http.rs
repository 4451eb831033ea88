//! The HTTP side: the messages of gRPC as JSON.

use std::sync::Arc;

use api::{
    Checked,
    v1::{PredictRequest, PredictResponse},
};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use model::Model;

pub(crate) fn router(model: Arc<Model>) -> Router {
    Router::new().route("/healthz", get("ok\n")).route("/predict", post(predict)).with_state(model)
}

async fn predict(
    State(model): State<Arc<Model>>,
    Json(request): Json<PredictRequest>,
) -> Result<Json<PredictResponse>, (StatusCode, String)> {
    request.check().map_err(|refusal| (StatusCode::BAD_REQUEST, format!("{refusal}\n")))?;
    Ok(Json(crate::grpc::response(model.predict(&request.text))))
}
