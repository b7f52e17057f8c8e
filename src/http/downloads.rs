//! The files of a document, for whoever sees it, those of dossiers and those of templates. Unknown, unseen, not made yet: the
//! same answer.

use super::{House, auth, internal, refused};
use crate::graphql::asking::Asker;
use anyhow::Context as _;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use navette_domain::{
    attachment::AttachmentFormat, digest::Digest, ids::TemplateId, policy::Permission,
    ports::OfficeFormat,
};
use navette_projections::{
    attachments,
    documents::{self, DocumentRow},
    signatures, templates,
};
use std::{fmt::Write as _, future::Future};
use uuid::Uuid;

/// The longest name of a downloaded file, without its extension.
const LONGEST_NAME: usize = 100;

/// What is sent: the digest, the media type, the title and the extension.
struct File {
    digest: String,
    media_type: &'static str,
    title: String,
    extension: &'static str,
}

impl File {
    fn pdf(digest: String, title: &str, extension: &'static str) -> Self {
        Self {
            digest,
            media_type: "application/pdf",
            title: title.to_owned(),
            extension,
        }
    }

    fn office(digest: String, title: &str, format: OfficeFormat) -> Self {
        Self {
            digest,
            media_type: format.media_type(),
            title: title.to_owned(),
            extension: format.extension(),
        }
    }
}

pub fn routes() -> Router<House> {
    Router::new()
        .route("/documents/{id}/pdf", get(pdf))
        .route("/documents/{id}/office", get(office))
        .route("/documents/{id}/signature-slip", get(signature_slip))
        .route("/attachments/{id}", get(attachment))
        .route("/templates/{code}/versions/{version}", get(template))
}

/// The PDF in force: signed, once it is.
async fn pdf(state: State<House>, asker: Asker, id: Path<String>, headers: HeaderMap) -> Response {
    document(state, asker, id, headers, async |_, document| {
        let digest = document.pdf.clone();
        Ok(digest.map(|digest| File::pdf(digest, &document.title, "pdf")))
    })
    .await
}

/// The office file.
async fn office(
    state: State<House>,
    asker: Asker,
    id: Path<String>,
    headers: HeaderMap,
) -> Response {
    document(state, asker, id, headers, async |_, document| {
        let file = document.office.clone().zip(document.format());
        Ok(file.map(|(digest, format)| File::office(digest, &document.title, format.into())))
    })
    .await
}

/// The signature slip, when the desk gave one.
async fn signature_slip(
    state: State<House>,
    asker: Asker,
    id: Path<String>,
    headers: HeaderMap,
) -> Response {
    document(state, asker, id, headers, async |house, document| {
        let rows = signatures::of_documents(&house.services.reads.pool, &[document.id]).await?;
        let last = rows.into_iter().rev().find_map(|row| row.slip);
        Ok(last.map(|digest| File::pdf(digest, &document.title, "bordereau.pdf")))
    })
    .await
}

/// A file that was added to a dossier.
async fn attachment(
    State(house): State<House>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    send(&house, &asker, &headers, async {
        let Ok(id) = id.parse::<Uuid>() else {
            return Ok(None);
        };
        let pool = &house.services.reads.pool;
        let rows = attachments::by_ids(pool, &asker.scope, &[id]).await?;
        Ok(rows.into_iter().next().map(|row| {
            let format = AttachmentFormat::from(row.format);
            let stem = row.name.rsplit_once('.').map(|(stem, _)| stem.to_owned());
            File {
                digest: row.file,
                media_type: format.media_type(),
                title: stem.unwrap_or(row.name),
                extension: format.extension(),
            }
        }))
    })
    .await
}

/// A version of a template, as it was uploaded.
async fn template(
    State(house): State<House>,
    asker: Asker,
    Path((code, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    send(&house, &asker, &headers, async {
        let asked = [(TemplateId::of_code(&code).0, version.parse().unwrap_or(0))];
        let rows = templates::by_refs(&house.services.reads.pool, &asked).await?;
        let row = rows.into_iter().next();
        Ok(row.map(|row| {
            let title = format!("{code}-{}", row.version);
            File::office(row.file, &title, row.format.into())
        }))
    })
    .await
}

async fn document(
    State(house): State<House>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    choose: impl AsyncFn(&House, &DocumentRow) -> sqlx::Result<Option<File>>,
) -> Response {
    send(&house, &asker, &headers, async {
        let Ok(id) = id.parse::<Uuid>() else {
            return Ok(None);
        };
        let rows = documents::by_ids(&house.services.reads.pool, &asker.scope, &[id]).await?;
        match rows.into_iter().next() {
            Some(document) => choose(&house, &document).await,
            None => Ok(None),
        }
    })
    .await
}

async fn send(
    house: &House,
    asker: &Asker,
    headers: &HeaderMap,
    file: impl Future<Output = sqlx::Result<Option<File>>>,
) -> Response {
    if let Some(forbidden) = auth::forbidden(asker, Permission::Read) {
        return forbidden;
    }
    let answer = async {
        match file.await? {
            Some(file) => answer(house, headers, file).await.map(Some),
            None => Ok(None),
        }
    };
    match answer.await {
        Ok(Some(response)) => response,
        Ok(None) => refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable."),
        Err(cause) => internal(&cause),
    }
}

/// The file, unless whoever asks has it: its digest is its entity tag.
async fn answer(house: &House, headers: &HeaderMap, file: File) -> anyhow::Result<Response> {
    let tag = format!("\"{}\"", file.digest);
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let tag = (header::ETAG, HeaderValue::from_str(&tag)?);
    if known {
        return Ok((StatusCode::NOT_MODIFIED, [tag]).into_response());
    }
    let digest: Digest = file.digest.parse()?;
    let bytes = house.files.get(digest).await;
    let bytes = bytes.map_err(|cause| anyhow::anyhow!(cause))?;
    let bytes = bytes.with_context(|| format!("the store has lost {digest}"))?;
    let headers = [
        tag,
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(file.media_type),
        ),
        (
            header::CONTENT_DISPOSITION,
            disposition(&file.title, file.extension)?,
        ),
    ];
    Ok((headers, bytes).into_response())
}

/// The name under which browsers save the file, in both forms of RFC 6266.
pub(super) fn disposition(title: &str, extension: &str) -> anyhow::Result<HeaderValue> {
    let name: String = title
        .chars()
        .take(LONGEST_NAME)
        .map(|c| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii() { c } else { '_' })
        .collect();
    let encoded = name.bytes().fold(String::new(), |mut text, byte| {
        let _ = if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            write!(text, "{}", char::from(byte))
        } else {
            write!(text, "%{byte:02X}")
        };
        text
    });
    let value = format!(
        "attachment; filename=\"{plain}.{extension}\"; filename*=UTF-8''{encoded}.{extension}"
    );
    Ok(value.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_leave_its_place_in_the_header() {
        let value = disposition("Été\"; a/../b\r\nX: 1", "pdf");
        assert_eq!(
            value.as_ref().ok().and_then(|value| value.to_str().ok()),
            Some(
                "attachment; filename=\"_t____a____b__X__1.pdf\"; \
                 filename*=UTF-8''%C3%89t%C3%A9___a____b__X__1.pdf"
            )
        );
    }
}
