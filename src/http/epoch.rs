//! The epoch of the log, which every answer tells: whoever keeps positions keeps it with them, and sends it
//! back to be told when they no longer hold.

use super::refused;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

static EPOCH: HeaderName = HeaderName::from_static("navette-epoch");

/// Answers only those who mean this epoch, or none.
pub async fn same(epoch: Uuid, request: Request, next: Next) -> Response {
    let epoch = epoch.to_string();
    let meant = request.headers().get(&EPOCH);
    let mut response = if meant.is_none_or(|meant| meant.as_bytes() == epoch.as_bytes()) {
        next.run(request).await
    } else {
        let message = "Le journal a été restauré ou déplacé depuis : les positions que vous gardez ne valent plus. Relisez, et gardez la nouvelle époque (en-tête Navette-Epoch).";
        refused(StatusCode::CONFLICT, "EPOCH_CHANGED", message)
    };
    if let Ok(epoch) = HeaderValue::from_str(&epoch) {
        response.headers_mut().insert(EPOCH.clone(), epoch);
    }
    response
}
