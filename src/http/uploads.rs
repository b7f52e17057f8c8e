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
    form::{self, AROUND, File, LARGEST},
    internal,
};
use crate::{
    dispatch::{DispatchFailure, Receipt},
    graphql::asking::Asker,
    templates::{Check, UploadRefusal},
    unit::Envelope,
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
    let (envelope, file) = match sent(&asker, "uploadTemplate", &code, &headers, form).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let end = house
        .services
        .templates
        .upload(&envelope, &asker.scope, &code, &file.name, file.bytes)
        .await;
    match end {
        Ok(uploaded) => {
            let mut answer = report(&uploaded.check, &file.name);
            answer["code"] = json!(code);
            taken(answer, uploaded.receipt)
        }
        Err(failure) => not_taken(failure, |refusal| match refusal {
            UploadRefusal::Unusable(check) => report(check, &file.name),
            UploadRefusal::Refused(_) => json!({}),
        }),
    }
}

async fn image(
    State(house): State<House>,
    asker: Asker,
    Path(code): Path<String>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let (envelope, file) = match sent(&asker, "uploadImage", &code, &headers, form).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let end = house
        .services
        .templates
        .upload_image(&envelope, &code, &file.name, file.bytes)
        .await;
    match end {
        Ok(receipt) => taken(json!({ "code": code }), receipt),
        Err(failure) => not_taken(failure, |_| json!({})),
    }
}

/// The file that somebody who may sends to be kept, and the command that this is.
async fn sent(
    asker: &Asker,
    mutation: &str,
    code: &str,
    headers: &HeaderMap,
    form: Multipart,
) -> Result<(Envelope, File), Response> {
    if let Some(forbidden) = auth::forbidden(asker, Permission::WriteTemplates) {
        return Err(forbidden);
    }
    let (key, file) = (form::key(headers), form::file(form).await);
    let (key, file) = (key?, file?);
    let content = (code, &file.name, Digest::of(&file.bytes));
    Ok((asker.envelope(mutation, key, None, &content), file))
}

pub(super) fn taken(mut answer: Value, receipt: Receipt) -> Response {
    answer["version"] = json!(receipt.version);
    answer["position"] = json!(receipt.position);
    Json(answer).into_response()
}

/// Why nothing was kept; `told` is what else is said when the rules say no.
pub(super) fn not_taken<R: std::error::Error>(
    failure: DispatchFailure<R>,
    told: impl FnOnce(&R) -> Value,
) -> Response {
    let (status, mut answer, code, sentence) = match failure {
        DispatchFailure::Conflict { .. } => (
            StatusCode::CONFLICT,
            json!({}),
            "CONFLICT",
            "Le fichier a changé entre-temps : recommencez.".to_owned(),
        ),
        DispatchFailure::KeyReused => (
            StatusCode::CONFLICT,
            json!({}),
            "KEY_REUSED",
            "Cette clé d'idempotence a déjà servi à une autre demande.".to_owned(),
        ),
        DispatchFailure::Refused(refusal) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            told(&refusal),
            "INVALID_INPUT",
            refusal.to_string(),
        ),
        DispatchFailure::Fault(cause) => return internal(&cause),
    };
    answer["refusal"] = json!({ "code": code, "sentence": sentence });
    (status, Json(answer)).into_response()
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
