//! Uploads, as multipart forms whose field `file` is the file.
//!
//! - `POST /templates/{code}/check` says what a template needs and what is wrong with it; nothing is kept.
//! - `POST /templates/{code}` and `POST /images/{code}` keep a version. They want a header
//!   `Idempotency-Key` (a UUID), the same for every repetition of the request.
//!
//! A report on a template that has faults holds a copy of it (`annotated`: `fileName`, `mediaType`,
//! `base64`) with a comment at each place, so that one answer is all that a page needs.

use super::{
    House, auth,
    form::{self, AROUND, LARGEST},
    internal,
};
use crate::{
    dispatch::{DispatchFailure, Receipt},
    graphql::asking::Asker,
    templates::{Check, UploadRefusal},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use navette_domain::{digest::Digest, policy::Permission};
use serde_json::{Value, json};

pub fn routes() -> Router<House> {
    Router::new()
        .route("/templates/{code}", post(template))
        .route("/templates/{code}/check", post(check))
        .route("/images/{code}", post(image))
        .layer(DefaultBodyLimit::max(LARGEST + AROUND))
}

async fn check(
    State(house): State<House>,
    asker: Asker,
    Path(_code): Path<String>,
    form: Multipart,
) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::WriteTemplates) {
        return forbidden;
    }
    let file = match form::file(form).await {
        Ok(file) => file,
        Err(response) => return response,
    };
    match house
        .services
        .templates
        .check(&asker.scope, file.bytes)
        .await
    {
        Ok(check) => Json(report(&check, &file.name)).into_response(),
        Err(cause) => internal(&cause),
    }
}

async fn template(
    State(house): State<House>,
    asker: Asker,
    Path(code): Path<String>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::WriteTemplates) {
        return forbidden;
    }
    let (key, file) = match (form::key(&headers), form::file(form).await) {
        (Ok(key), Ok(file)) => (key, file),
        (Err(response), _) | (_, Err(response)) => return response,
    };
    let content = (&code, &file.name, Digest::of(&file.bytes));
    let envelope = asker.envelope("uploadTemplate", key, None, &content);
    let name = file.name.clone();
    let end = house
        .services
        .templates
        .upload(&envelope, &asker.scope, &code, &file.name, file.bytes)
        .await;
    match end {
        Ok(uploaded) => {
            let mut answer = report(&uploaded.check, &name);
            taken(&mut answer, &code, uploaded.receipt);
            Json(answer).into_response()
        }
        Err(DispatchFailure::Refused(refusal)) => {
            let mut answer = match &refusal {
                UploadRefusal::Unusable(check) => report(check, &name),
                UploadRefusal::Refused(_) => json!({}),
            };
            answer["refusal"] = json!({ "code": "INVALID_INPUT", "sentence": refusal.to_string() });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(answer)).into_response()
        }
        Err(failure) => not_taken(failure),
    }
}

async fn image(
    State(house): State<House>,
    asker: Asker,
    Path(code): Path<String>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::WriteTemplates) {
        return forbidden;
    }
    let (key, file) = match (form::key(&headers), form::file(form).await) {
        (Ok(key), Ok(file)) => (key, file),
        (Err(response), _) | (_, Err(response)) => return response,
    };
    let content = (&code, &file.name, Digest::of(&file.bytes));
    let envelope = asker.envelope("uploadImage", key, None, &content);
    let end = house
        .services
        .templates
        .upload_image(&envelope, &code, &file.name, file.bytes)
        .await;
    match end {
        Ok(receipt) => {
            let mut answer = json!({});
            taken(&mut answer, &code, receipt);
            Json(answer).into_response()
        }
        Err(DispatchFailure::Refused(refusal)) => {
            let refusal = json!({ "code": "INVALID_INPUT", "sentence": refusal.to_string() });
            let answer = json!({ "refusal": refusal });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(answer)).into_response()
        }
        Err(failure) => not_taken(failure),
    }
}

fn taken(answer: &mut Value, code: &str, receipt: Receipt) {
    answer["code"] = json!(code);
    answer["version"] = json!(receipt.version);
    answer["position"] = json!(receipt.position);
}

/// Why nothing was kept, when the rules do not say it.
fn not_taken<R: std::error::Error>(failure: DispatchFailure<R>) -> Response {
    let (code, sentence) = match failure {
        DispatchFailure::Conflict { .. } => {
            ("CONFLICT", "Le fichier a changé entre-temps : recommencez.")
        }
        DispatchFailure::KeyReused => (
            "KEY_REUSED",
            "Cette clé d'idempotence a déjà servi à une autre demande.",
        ),
        DispatchFailure::Refused(refusal) => return internal(&anyhow::anyhow!("{refusal}")),
        DispatchFailure::Fault(cause) => return internal(&cause),
    };
    let refusal = json!({ "code": code, "sentence": sentence });
    (StatusCode::CONFLICT, Json(json!({ "refusal": refusal }))).into_response()
}

/// Everything that is told of a template.
pub(super) fn report(check: &Check, file_name: &str) -> Value {
    let annotated = check.annotated.as_ref().zip(check.format);
    json!({
        "usable": check.usable(),
        "file": check.file.to_string(),
        "format": check.format,
        "fields": check.fields,
        "warnings": check.warnings,
        "sentence": (!check.usable()).then(|| check.sentence()),
        "faults": check.faults,
        "annotated": annotated.map(|(bytes, format)| json!({
            "fileName": annotated_name(file_name, format.extension()),
            "mediaType": format.media_type(),
            "base64": STANDARD.encode(bytes),
        })),
    })
}

fn annotated_name(name: &str, extension: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    format!("{stem} (à corriger).{extension}")
}
