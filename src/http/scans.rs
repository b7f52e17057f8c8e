//! Scanned letters that come back signed, as multipart forms whose field `file` is a PDF of at most 100 MB. Both want
//! a header `Idempotency-Key` (a UUID), the same for every repetition of the request.
//!
//! - `POST /scans` takes many at once: each page says by its QR code whose it is. What is not taken is told with its
//!   pages and the reason, and keeps nothing else back.
//! - `POST /documents/{id}/scan` takes those of one document, by its id or by the reference printed on it: what no
//!   machine can read.

use super::{
    House, auth,
    form::{self, AROUND, LARGEST_SCAN},
    refused,
    uploads::{not_taken, taken},
};
use crate::{
    dispatch::DispatchFailure,
    graphql::asking::Asker,
    scans::{ScanRefusal, Sorted, Taken, Upload},
    unit::Envelope,
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use navette_domain::{
    ids::DocumentId,
    paper_reference::PaperReference,
    policy::Permission,
    scan::{Left, ScanFault},
};
use serde_json::{Value, json};

pub fn routes() -> Router<House> {
    Router::new()
        .route("/scans", post(all))
        .route("/documents/{id}/scan", post(one))
        .layer(DefaultBodyLimit::max(LARGEST_SCAN + AROUND))
}

async fn all(
    State(house): State<House>,
    asker: Asker,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let (envelope, upload) = match sent(&asker, None, &headers, form).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let scans = &house.services.scans;
    match scans.take_all(&asker.scope, &envelope, upload).await {
        Ok(sorted) => Json(told(&sorted)).into_response(),
        Err(failure) => failed(failure),
    }
}

async fn one(
    State(house): State<House>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let document = match id.parse::<PaperReference>() {
        Ok(reference) => reference.document,
        // An id that is none names no document.
        Err(_) => DocumentId(id.parse().unwrap_or_default()),
    };
    let (envelope, upload) = match sent(&asker, Some(document), &headers, form).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let scans = &house.services.scans;
    match scans
        .take_one(&asker.scope, &envelope, document, upload)
        .await
    {
        Ok(one) => taken(of(&one), one.receipt),
        Err(DispatchFailure::Refused(ScanRefusal::Fault(ScanFault::Unknown))) => {
            refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable.")
        }
        Err(failure) => failed(failure),
    }
}

/// The file that somebody who may sends, and the command that this is.
async fn sent(
    asker: &Asker,
    document: Option<DocumentId>,
    headers: &HeaderMap,
    form: Multipart,
) -> Result<(Envelope, Upload), Response> {
    if let Some(forbidden) = auth::forbidden(asker, Permission::OperateBatch) {
        return Err(forbidden);
    }
    let key = form::key(headers)?;
    let received = form::received(form, LARGEST_SCAN).await?;
    let upload = Upload {
        file: received.file,
        digest: received.digest,
    };
    let content = (document, upload.digest);
    Ok((asker.envelope("returnScan", key, None, &content), upload))
}

fn failed(failure: DispatchFailure<ScanRefusal>) -> Response {
    match failure {
        DispatchFailure::Refused(ScanRefusal::NoReader(sentence)) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            refused(status, "UNAVAILABLE", &sentence)
        }
        failure => not_taken(failure, |refusal| match refusal {
            ScanRefusal::Fault(fault) => json!({ "fault": fault }),
            _ => json!({}),
        }),
    }
}

/// All that is told of a file.
fn told(sorted: &Sorted) -> Value {
    let position = sorted
        .taken
        .iter()
        .map(|taken| taken.receipt.position)
        .max();
    json!({
        "pages": sorted.pages,
        "taken": sorted.taken.iter().map(of).collect::<Vec<_>>(),
        "left": sorted.left.iter().map(|(left, title)| left_over(left, title.as_deref())).collect::<Vec<_>>(),
        "position": position,
    })
}

fn of(taken: &Taken) -> Value {
    json!({
        "document": taken.document, "title": taken.title,
        "first": taken.pages.first, "last": taken.pages.last,
    })
}

fn left_over(left: &Left, title: Option<&str>) -> Value {
    let (pages, fault) = (left.pages, &left.fault);
    let named = title.map_or_else(String::new, |title| format!(" ({title})"));
    // Who sees no title sees no document.
    let document = left.reference.filter(|_| title.is_some());
    json!({
        "first": pages.first, "last": pages.last,
        "document": document.map(|reference| reference.document.0),
        "title": title, "fault": fault,
        "sentence": format!("{pages}{named} : {fault}."),
    })
}
