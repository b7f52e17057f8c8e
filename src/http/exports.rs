//! Exports: `POST /exports`, whose answer is the file while the database reads, and
//! `GET /exports/{id}/file`, the file of one that was made in the background.

use super::{House, auth, downloads::disposition, internal, refused};
use crate::{
    exports::{Asked, NoExport, Streaming},
    graphql::asking::Asker,
};
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use chrono_tz::Europe::Paris;
use futures::{StreamExt as _, stream};
use navette_domain::{
    digest::Digest,
    export::{ExportRefusal, Format},
    ids::ExportId,
    policy::Permission,
};
use navette_projections::{
    exports::{self, ExportRow},
    kinds::{ExportState, Position},
};
use serde::Deserialize;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

/// The largest demand: its columns and ids are the largest part.
const LARGEST_DEMAND: usize = 1024 * 1024;
/// The export's id, to find it in the log.
const ID: HeaderName = HeaderName::from_static("navette-export");

pub fn routes() -> Router<House> {
    Router::new()
        .route("/exports", post(export))
        .route("/exports/{id}/file", get(file))
        .layer(DefaultBodyLimit::max(LARGEST_DEMAND))
}

/// What is asked, and from which position on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Demand {
    at_least: Option<i64>,
    #[serde(flatten)]
    asked: serde_json::Map<String, serde_json::Value>,
}

async fn export(State(house): State<House>, asker: Asker, body: String) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::Export) {
        return forbidden;
    }
    let read = || {
        let demand: Demand = serde_json::from_str(&body)?;
        let asked: Asked = serde_json::from_value(demand.asked.into())?;
        Ok::<_, serde_json::Error>((demand.at_least, asked))
    };
    let (at_least, asked) = match read() {
        Ok(read) => read,
        Err(fault) => {
            let message = format!("La demande d'export ne se lit pas : {fault}");
            return refused(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_INPUT", &message);
        }
    };
    if let Err(fault) = house.services.reads.reached(at_least.map(Position)).await {
        let message = "Les données demandées ne sont pas encore lisibles : réessayez.";
        tracing::warn!(?fault, "an export could not wait for a position");
        return refused(StatusCode::SERVICE_UNAVAILABLE, "NOT_YET", message);
    }
    let begun = async {
        let order = house.exports.order(&asker.principal, asked, false).await?;
        let (label, format) = (order.label.clone(), order.format);
        let streaming = house.exports.stream(order).await?;
        Ok::<_, NoExport>((label, format, streaming))
    };
    match begun.await {
        Ok((label, format, streaming)) => {
            answer(&label, format, streaming).unwrap_or_else(|cause| internal(&cause))
        }
        Err(refusal) => no_export(&refusal),
    }
}

fn answer(label: &str, format: Format, streaming: Streaming) -> anyhow::Result<Response> {
    let at = streaming.at.with_timezone(&Paris);
    let name = format!("{label}_{}", at.format("%Y-%m-%d_%Hh%M"));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(format.media_type()),
        ),
        (
            header::CONTENT_DISPOSITION,
            disposition(&name, format.extension())?,
        ),
        (ID, HeaderValue::from_str(&streaming.id.to_string())?),
    ];
    let rest = stream::unfold(streaming.rest, |mut rest| async move {
        let chunk = rest.recv().await?;
        Some((chunk, rest))
    });
    let first = stream::once(async { Ok(streaming.first) });
    // An empty chunk would end the answer.
    let chunks = first.chain(rest).filter(|chunk| {
        let empty = chunk.as_ref().is_ok_and(bytes::Bytes::is_empty);
        std::future::ready(!empty)
    });
    Ok((headers, Body::from_stream(chunks)).into_response())
}

async fn file(State(house): State<House>, asker: Asker, Path(id): Path<String>) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::Export) {
        return forbidden;
    }
    let unknown = || refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable.");
    let Ok(id) = id.parse::<Uuid>() else {
        return unknown();
    };
    let rows = exports::by_ids(&house.services.reads.pool, &asker.scope, &[id]).await;
    let row = match rows.map(|rows| rows.into_iter().next()) {
        // It was made of what whoever asked sees: nobody else gets it.
        Ok(Some(row)) if row.requested_by == asker.principal.actor => row,
        Ok(_) => return unknown(),
        Err(cause) => return internal(&cause.into()),
    };
    let digest: Digest = match kept(&row) {
        Ok(digest) => digest,
        Err(refusal) => return no_export(&refusal.into()),
    };
    let actor = &asker.principal.actor;
    let (file, length) = match house.exports.download(actor, ExportId(id), digest).await {
        Ok(downloaded) => downloaded,
        Err(refusal) => return no_export(&refusal),
    };
    let answer = || {
        let format = Format::from(row.format);
        let at = row.requested_at.with_timezone(&Paris);
        let name = format!("{}_{}", row.label, at.format("%Y-%m-%d_%Hh%M"));
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static(format.media_type()),
            ),
            (
                header::CONTENT_DISPOSITION,
                disposition(&name, format.extension())?,
            ),
            (header::CONTENT_LENGTH, length.into()),
            (header::ETAG, format!("\"{digest}\"").parse()?),
        ];
        let body = Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)));
        anyhow::Ok((headers, body).into_response())
    };
    answer().unwrap_or_else(|cause| internal(&cause))
}

/// The digest of the file, if there is one to take.
fn kept(row: &ExportRow) -> Result<Digest, ExportRefusal> {
    match (row.state, row.kept) {
        (_, false) => Err(ExportRefusal::NotKept),
        (ExportState::Requested, _) => Err(ExportRefusal::NotReady),
        (ExportState::Failed | ExportState::Cancelled, _) => Err(ExportRefusal::NoFile),
        (ExportState::Expired, _) => Err(ExportRefusal::Gone),
        (ExportState::Completed, _) => {
            let digest = row.file.as_deref().and_then(|file| file.parse().ok());
            digest.ok_or(ExportRefusal::NoFile)
        }
    }
}

fn no_export(refusal: &NoExport) -> Response {
    let (status, code) = match refusal {
        NoExport::Fault(cause) => return internal(cause),
        NoExport::Busy => (StatusCode::TOO_MANY_REQUESTS, "BUSY"),
        NoExport::UnknownModel | NoExport::UnknownSelection => {
            (StatusCode::UNPROCESSABLE_ENTITY, "NOT_FOUND")
        }
        NoExport::Incomplete(_) => (StatusCode::UNPROCESSABLE_ENTITY, "INCOMPLETE"),
        NoExport::Refused(ExportRefusal::NotReady) => (StatusCode::CONFLICT, "NOT_READY"),
        NoExport::Refused(ExportRefusal::Gone) => (StatusCode::GONE, "GONE"),
        NoExport::Refused(ExportRefusal::NotKept | ExportRefusal::NoFile) => {
            (StatusCode::NOT_FOUND, "NO_FILE")
        }
        NoExport::Columns(_)
        | NoExport::BadFilter(_)
        | NoExport::BothChosen
        | NoExport::OldSelection
        | NoExport::OwnerIsGone
        | NoExport::OwnerMayNot
        | NoExport::NoFormat
        | NoExport::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "INVALID_INPUT"),
    };
    let mut response = refused(status, code, &refusal.to_string());
    if status == StatusCode::TOO_MANY_REQUESTS {
        let soon = HeaderValue::from_static("5");
        response.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    response
}
