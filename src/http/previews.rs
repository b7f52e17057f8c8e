//! Previews: `POST /templates/{code}/preview`, of the last version, or of `?version=N`, or of the file of a
//! multipart form (field `file`) that is not kept; for an imaginary dossier, or for `?dossier=ID` (several
//! for a template about a batch); as a PDF, or as the office file with `?format=office`.

use super::{
    House, auth, downloads,
    form::{self, AROUND, LARGEST},
    internal, refused, uploads,
};
use crate::{
    graphql::asking::Asker,
    templates::{PreviewAsk, PreviewFailure, PreviewSource, Wanted},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use navette_domain::{
    policy::Permission,
    ports::{FailureClass, MergeFailure},
};
use serde_json::json;

pub fn routes() -> Router<House> {
    Router::new()
        .route("/templates/{code}/preview", post(preview))
        .layer(DefaultBodyLimit::max(LARGEST + AROUND))
}

async fn preview(
    State(house): State<House>,
    asker: Asker,
    Path(code): Path<String>,
    Query(parameters): Query<Vec<(String, String)>>,
    form: Option<Multipart>,
) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::Read) {
        return forbidden;
    }
    let Some(mut ask) = asked(code, &parameters) else {
        let message =
            "Paramètres attendus : dossier (un UUID), version (un nombre), format (pdf ou office).";
        return refused(StatusCode::BAD_REQUEST, "BAD_REQUEST", message);
    };
    let mut name = ask.code.clone();
    if let Some(form) = form {
        // A file of one's own is work for our machine: it is for those who may store it.
        if let Some(forbidden) = auth::forbidden(&asker, Permission::WriteTemplates) {
            return forbidden;
        }
        match form::file(form).await {
            Ok(file) => {
                name = file.name;
                ask.source = PreviewSource::File(file.bytes);
            }
            Err(response) => return response,
        }
    }
    match house.services.templates.preview(&asker.scope, ask).await {
        Ok(preview) => {
            let (media_type, extension) =
                preview.office.map_or(("application/pdf", "pdf"), |format| {
                    (format.media_type(), format.extension())
                });
            match downloads::disposition(&preview.name, extension) {
                Ok(disposition) => {
                    let headers = [
                        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
                        (header::CONTENT_DISPOSITION, disposition),
                    ];
                    (headers, preview.bytes).into_response()
                }
                Err(cause) => internal(&cause),
            }
        }
        Err(failure) => failed(&failure, &name),
    }
}

/// What is asked; `None` when a parameter makes no sense.
fn asked(code: String, parameters: &[(String, String)]) -> Option<PreviewAsk> {
    let mut ask = PreviewAsk {
        code,
        source: PreviewSource::Stored(None),
        dossiers: vec![],
        wanted: Wanted::Pdf,
    };
    for (name, value) in parameters {
        match (name.as_str(), value.as_str()) {
            ("dossier", id) => ask.dossiers.push(id.parse().ok()?),
            ("version", version) => ask.source = PreviewSource::Stored(Some(version.parse().ok()?)),
            ("format", "pdf") => ask.wanted = Wanted::Pdf,
            ("format", "office") => ask.wanted = Wanted::Office,
            _ => return None,
        }
    }
    Some(ask)
}

fn failed(failure: &PreviewFailure, file_name: &str) -> Response {
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let mut answer = match failure {
        PreviewFailure::NotFound => {
            return refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable.");
        }
        PreviewFailure::Pdf(failure) if failure.class != FailureClass::Rejected => {
            let cause = failure.cause.as_deref().map(ToString::to_string);
            tracing::warn!(?cause, "a preview could not be converted");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return refused(status, "UNAVAILABLE", &failure.to_string());
        }
        PreviewFailure::Fault(cause) => return internal(cause),
        PreviewFailure::Unusable(check) => uploads::report(check, file_name),
        PreviewFailure::Merge(MergeFailure::Faults(faults)) => json!({ "faults": faults }),
        PreviewFailure::Merge(MergeFailure::Unreadable(_))
        | PreviewFailure::OneDossier
        | PreviewFailure::Case(_)
        | PreviewFailure::Pdf(_) => json!({ "faults": [] }),
    };
    answer["refusal"] = json!({ "code": "INVALID_INPUT", "sentence": failure.to_string() });
    (unprocessable, Json(answer)).into_response()
}
