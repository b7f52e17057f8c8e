//! Uploads of templates: `POST /templates/{code}` with a multipart form whose field `file` is the office
//! file, and a header `Idempotency-Key` (a UUID), the same for every repetition of the request.

use super::{House, TEMPLATE, auth, refused};
use crate::{
    dispatch::DispatchFailure,
    graphql::asking::Asker,
    templates::{UploadRefusal, Uploaded},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use navette_domain::{digest::Digest, policy::Permission, ports::MergeFailure};
use serde_json::{Value, json};
use uuid::Uuid;

/// The parts of a form around its file.
const FORM: usize = 64 * 1024;

pub fn routes() -> Router<House> {
    Router::new()
        .route("/templates/{code}", post(upload))
        .layer(DefaultBodyLimit::max(TEMPLATE + FORM))
}

async fn upload(
    State(house): State<House>,
    asker: Asker,
    Path(code): Path<String>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::WriteTemplates) {
        return forbidden;
    }
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok());
    let Some(key) = key.and_then(|key| key.parse::<Uuid>().ok()) else {
        let message = "L'en-tête Idempotency-Key doit être un UUID.";
        return refused(StatusCode::BAD_REQUEST, "BAD_REQUEST", message);
    };
    let (name, bytes) = match file(form).await {
        Ok(file) => file,
        Err(response) => return response,
    };
    if bytes.len() > TEMPLATE {
        return too_large();
    }
    let content = (&code, &name, Digest::of(&bytes));
    let envelope = asker.envelope("uploadTemplate", key, None, &content);
    match house.templates.upload(&envelope, &code, &name, bytes).await {
        Ok(uploaded) => taken(&code, &uploaded),
        Err(failure) => not_taken(failure),
    }
}

async fn file(mut form: Multipart) -> Result<(String, Vec<u8>), Response> {
    loop {
        let field = form
            .next_field()
            .await
            .map_err(|fault| unreadable(fault.status()))?;
        let Some(field) = field else {
            return Err(unreadable(StatusCode::BAD_REQUEST));
        };
        if field.name() == Some("file") {
            let name = field.file_name().unwrap_or("modele").to_owned();
            let bytes = field
                .bytes()
                .await
                .map_err(|fault| unreadable(fault.status()))?;
            return Ok((name, bytes.into()));
        }
    }
}

fn unreadable(status: StatusCode) -> Response {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    let message = "Le formulaire doit contenir un champ « file » avec le modèle.";
    refused(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}

fn too_large() -> Response {
    let message = "Un modèle ne peut pas dépasser 20 Mo.";
    refused(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
}

fn taken(code: &str, uploaded: &Uploaded) -> Response {
    let answer = json!({
        "code": code,
        "version": uploaded.receipt.version,
        "position": uploaded.receipt.position,
        "fields": uploaded.fields,
    });
    Json(answer).into_response()
}

fn not_taken(failure: DispatchFailure<UploadRefusal>) -> Response {
    let (status, code, sentence, faults) = match failure {
        DispatchFailure::Refused(refusal) => {
            let faults = faults(&refusal);
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                "INVALID_INPUT",
                refusal.to_string(),
                faults,
            )
        }
        DispatchFailure::Conflict { .. } => {
            let sentence = "Le modèle a changé entre-temps : recommencez.".to_owned();
            (StatusCode::CONFLICT, "CONFLICT", sentence, vec![])
        }
        DispatchFailure::KeyReused => {
            let sentence = "Cette clé d'idempotence a déjà servi à une autre demande.".to_owned();
            (StatusCode::CONFLICT, "KEY_REUSED", sentence, vec![])
        }
        DispatchFailure::Fault(cause) => {
            tracing::error!(cause = %format_args!("{cause:#}"), "a template could not be taken");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return refused(status, "INTERNAL", "Erreur interne.");
        }
    };
    let refusal = json!({ "code": code, "sentence": sentence, "faults": faults });
    (status, Json(json!({ "refusal": refusal }))).into_response()
}

/// Everything that is wrong in the file, place by place.
fn faults(refusal: &UploadRefusal) -> Vec<Value> {
    match refusal {
        UploadRefusal::Unusable(MergeFailure::Faults(faults)) => {
            faults.iter().map(|fault| json!(fault)).collect()
        }
        UploadRefusal::Unusable(MergeFailure::Unreadable(_)) | UploadRefusal::Refused(_) => vec![],
    }
}
