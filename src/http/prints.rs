//! The PDFs of a batch as one, for the printer: `GET /batches/{id}/pdf`, in the clerk's order of dossiers,
//! with `?recto_verso=true` for letters that each start on a sheet of their own, and `?a_signer=true` for those alone
//! that wait for a handwritten signature; `GET /batches/{id}/pages` says which pages each document has there, and
//! which documents are missing.

use super::{House, auth, downloads::disposition, internal, refused};
use crate::graphql::asking::Asker;
use anyhow::Context as _;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use navette_adapters::pdf::{Concatenation, Starts};
use navette_domain::{digest::Digest, policy::Permission, ports::FileStore};
use navette_projections::{
    batches::{self, BatchRow},
    documents::{self, DocumentRow},
    kinds::DocumentStatus,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{BufWriter, Seek as _, Write as _},
    sync::Arc,
};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

pub fn routes() -> Router<House> {
    Router::new()
        .route("/batches/{id}/pdf", get(pdf))
        .route("/batches/{id}/pages", get(pages))
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    recto_verso: bool,
    #[serde(default)]
    a_signer: bool,
}

impl Parameters {
    fn starts(&self) -> Starts {
        if self.recto_verso {
            Starts::OnItsOwnSheet
        } else {
            Starts::Next
        }
    }

    /// The PDF of a document that is to be printed: what was given up is not.
    fn to_print<'a>(&self, document: &'a DocumentRow) -> Option<&'a str> {
        let wanted = match document.status {
            DocumentStatus::Cancelled => false,
            status => !self.a_signer || status == DocumentStatus::OnPaper,
        };
        document.pdf.as_deref().filter(|_| wanted)
    }
}

/// A document in the PDF of its batch.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Printed {
    document: Uuid,
    title: String,
    /// Its first page there, from 1.
    first: i32,
    /// Its last page there.
    last: i32,
}

/// A document that has no PDF to print.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Missing {
    document: Uuid,
    title: String,
    status: &'static str,
}

/// The pages of the documents of a batch in its PDF.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Pages {
    printed: Vec<Printed>,
    missing: Vec<Missing>,
}

impl Pages {
    fn of(documents: &[DocumentRow], parameters: &Parameters) -> Self {
        let mut pages = Self {
            printed: vec![],
            missing: vec![],
        };
        let mut last = 0;
        for row in documents {
            let (document, title) = (row.id, row.title.clone());
            let Some(count) = parameters.to_print(row).and(row.pages) else {
                let status = navette_domain::french::document_status(row.status.into());
                pages.missing.push(Missing {
                    document,
                    title,
                    status,
                });
                continue;
            };
            if parameters.starts() == Starts::OnItsOwnSheet {
                last += last % 2;
            }
            pages.printed.push(Printed {
                document,
                title,
                first: last + 1,
                last: last + count,
            });
            last += count;
        }
        pages
    }
}

async fn pages(
    State(house): State<House>,
    asker: Asker,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Response {
    match find(&house, &asker, &id).await {
        Ok((_, documents)) => Json(Pages::of(&documents, &parameters)).into_response(),
        Err(response) => *response,
    }
}

async fn pdf(
    State(house): State<House>,
    asker: Asker,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Response {
    let (batch, documents) = match find(&house, &asker, &id).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    if !documents
        .iter()
        .any(|document| parameters.to_print(document).is_some())
    {
        let message = "Aucun document de ce lot n'a de PDF à imprimer.";
        return refused(StatusCode::NOT_FOUND, "NOT_FOUND", message);
    }
    let answer = async {
        let file = concatenate(house.files.clone(), &documents, &parameters).await?;
        let length = file.metadata()?.len();
        let headers = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/pdf"),
            ),
            (
                header::CONTENT_DISPOSITION,
                disposition(&batch.label, "pdf")?,
            ),
            (header::CONTENT_LENGTH, length.into()),
        ];
        let body = Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)));
        anyhow::Ok((headers, body).into_response())
    };
    answer.await.unwrap_or_else(|cause| internal(&cause))
}

/// The batch and its documents, in the clerk's order, for whoever sees all its dossiers.
async fn find(
    house: &House,
    asker: &Asker,
    id: &str,
) -> Result<(BatchRow, Vec<DocumentRow>), Box<Response>> {
    if let Some(forbidden) = auth::forbidden(asker, Permission::Read) {
        return Err(Box::new(forbidden));
    }
    let unknown = || refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable.");
    let id: Uuid = id.parse().map_err(|_| Box::new(unknown()))?;
    let pool = &house.services.reads.pool;
    let found = async {
        let batch = batches::by_ids(pool, &asker.scope, &[id]).await?;
        let Some(batch) = batch.into_iter().next() else {
            return Ok(None);
        };
        Ok::<_, sqlx::Error>(Some((batch, documents::of_batch(pool, id).await?)))
    };
    match found.await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(Box::new(unknown())),
        Err(cause) => Err(Box::new(internal(&anyhow::Error::from(cause)))),
    }
}

/// A file that goes with its last reader, into which one document is read at a time.
async fn concatenate(
    files: Arc<dyn FileStore>,
    documents: &[DocumentRow],
    parameters: &Parameters,
) -> anyhow::Result<File> {
    let target = tempfile::tempfile().context("making a file for a batch's PDF")?;
    let mut whole = Concatenation::new(BufWriter::new(target), parameters.starts())?;
    for document in documents {
        let Some(digest) = parameters.to_print(document) else {
            continue;
        };
        let digest: Digest = digest.parse()?;
        let bytes = files.get(digest).await;
        let bytes = bytes.map_err(|cause| anyhow::anyhow!(cause))?;
        let bytes = bytes.with_context(|| format!("the store has lost {digest}"))?;
        let title = document.title.clone();
        whole = tokio::task::spawn_blocking(move || {
            whole.add(&title, &bytes)?;
            anyhow::Ok(whole)
        })
        .await?
        .with_context(|| format!("adding {digest} to a batch's PDF"))?;
    }
    let (mut target, _) = whole.finish()?;
    target.flush()?;
    let mut file = target.into_inner()?;
    file.rewind()?;
    Ok(file)
}
