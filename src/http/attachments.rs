//! `POST /dossiers/{id}/attachments` adds a file to a dossier: a multipart form whose field `file` is the file,
//! with a header `Idempotency-Key` (a UUID), the same for every repetition of the request. The file goes to disk
//! as it comes.

use super::{
    House, auth,
    form::{self, AROUND, LARGEST, Received},
    internal, refused,
    uploads::{not_taken, taken},
};
use crate::{
    attachments::{self, AddRefusal},
    dispatch::{DispatchFailure, Receipt},
    graphql::asking::Asker,
};
use anyhow::Context as _;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::post,
};
use navette_domain::{attachment::NewFile, ids::DossierId, personal::Personal, policy::Permission};
use serde_json::json;
use std::io::Seek as _;
use uuid::Uuid;

pub fn routes() -> Router<House> {
    Router::new()
        .route("/dossiers/{id}/attachments", post(add))
        .layer(DefaultBodyLimit::max(LARGEST + AROUND))
}

async fn add(
    State(house): State<House>,
    asker: Asker,
    Path(dossier): Path<String>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::WriteDossiers) {
        return forbidden;
    }
    let key = match form::key(&headers) {
        Ok(key) => key,
        Err(response) => return response,
    };
    let received = match form::received(form, LARGEST).await {
        Ok(received) => received,
        Err(response) => return response,
    };
    // An id that is none names no dossier.
    let dossier = DossierId(dossier.parse().unwrap_or_default());
    match keep(&house, &asker, key, dossier, received).await {
        Ok(Some((receipt, file))) => taken(
            json!({
                "id": attachments::id(key).0, "name": file.name.reveal(), "format": file.format,
                "size": file.size, "file": file.file.to_string(),
            }),
            receipt,
        ),
        Ok(None) => {
            let message = "Ce fichier n'est pas une pièce jointe acceptée : PDF, PNG, JPEG, ODT, ODS, DOCX ou \
                           XLSX, sans macro.";
            refused(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_INPUT", message)
        }
        Err(DispatchFailure::Refused(AddRefusal::Dossier(_))) => {
            refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable.")
        }
        Err(DispatchFailure::Fault(cause)) => internal(&cause),
        Err(failure) => not_taken(failure, |_| json!({})),
    }
}

/// Stores what was received, and adds it; none when it is of no format that is kept.
async fn keep(
    house: &House,
    asker: &Asker,
    key: Uuid,
    dossier: DossierId,
    received: Received,
) -> Result<Option<(Receipt, NewFile)>, DispatchFailure<AddRefusal>> {
    let Received {
        name,
        mut file,
        size,
        digest,
    } = received;
    let told = tokio::task::spawn_blocking(move || {
        let format = attachments::format(&mut file)?;
        file.rewind()?;
        std::io::Result::Ok((format, file))
    });
    let told = told.await.context("looking at an upload")?;
    let (format, file) = told.context("reading an upload again")?;
    let Some(format) = format else {
        return Ok(None);
    };
    // A file is in the store before an event names it.
    let stored = house.files.put_long(digest, Box::new(file)).await;
    stored
        .map_err(|cause| anyhow::anyhow!(cause))
        .context("storing an attachment")?;
    let new = NewFile {
        name: Personal(attachments::name(&name).to_owned()),
        format,
        size,
        file: digest,
    };
    let content = (dossier, &new.name, digest);
    let envelope = asker.envelope("addAttachment", key, None, &content);
    let receipt = house
        .services
        .attachments
        .add(
            &asker.principal,
            &envelope,
            attachments::id(key),
            dossier,
            new.clone(),
        )
        .await?;
    Ok(Some((receipt, new)))
}
