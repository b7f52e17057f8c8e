//! The auditor's bundle of a dossier: `POST /dossiers/{id}/bundle`, whose body is the checkpoint that the
//! auditor holds, or nothing. It is a POST, since taking a bundle is recorded.

use super::{House, auth, downloads::disposition, internal, refused};
use crate::{bundle::NoBundle, graphql::asking::Asker};
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use navette_domain::{ids::DossierId, policy::Permission};
use navette_projections::dossiers;
use tokio_util::io::ReaderStream;

/// The longest checkpoint: a few lines, and signatures of witnesses.
const LONGEST_CHECKPOINT: usize = 16 * 1024;

pub fn routes() -> Router<House> {
    Router::new()
        .route("/dossiers/{id}/bundle", post(bundle))
        .layer(DefaultBodyLimit::max(LONGEST_CHECKPOINT))
}

async fn bundle(
    State(house): State<House>,
    asker: Asker,
    Path(id): Path<String>,
    held: String,
) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::Read) {
        return forbidden;
    }
    let unknown = || refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable.");
    let Ok(id) = id.parse::<DossierId>() else {
        return unknown();
    };
    let seen = dossiers::by_ids(&house.services.reads.pool, &asker.scope, &[id.0]).await;
    let reference = match seen.map(|rows| rows.into_iter().next()) {
        Ok(Some(dossier)) => dossier.reference,
        Ok(None) => return unknown(),
        Err(cause) => return internal(&cause.into()),
    };
    let held = Some(held.as_str()).filter(|held| !held.trim().is_empty());
    let taken = house.bundles.take(&asker.principal.actor, id, held).await;
    let bundle = match taken {
        Ok(bundle) => bundle,
        Err(NoBundle::Unknown) => return unknown(),
        Err(NoBundle::Fault(cause)) => return internal(&cause),
        Err(refusal) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return refused(status, "CHECKPOINT_REFUSED", &refusal.to_string());
        }
    };
    let answer = || {
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/zip"),
            ),
            (
                header::CONTENT_DISPOSITION,
                disposition(&format!("recueil-{reference}"), "zip")?,
            ),
            (header::CONTENT_LENGTH, bundle.file.metadata()?.len().into()),
        ];
        let file = tokio::fs::File::from_std(bundle.file);
        let body = Body::from_stream(ReaderStream::new(file));
        anyhow::Ok((headers, body).into_response())
    };
    answer().unwrap_or_else(|cause| internal(&cause))
}
