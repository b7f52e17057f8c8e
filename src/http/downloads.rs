//! The files of a document, for whoever sees it. Unknown, unseen, not made yet: the same answer.

use super::{House, auth, refused};
use crate::graphql::asking::Asker;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use navette_domain::{digest::Digest, policy::Permission};
use navette_projections::{
    documents::{self, DocumentRow},
    signatures,
};
use std::fmt::Write as _;
use uuid::Uuid;

/// The longest name of a downloaded file, without its extension.
const LONGEST_NAME: usize = 100;

/// What is sent: the digest, the media type and the extension.
type File = Option<(String, &'static str, &'static str)>;

/// The PDF in force: signed, once it is.
pub async fn pdf(state: State<House>, asker: Asker, path: Path<String>) -> Response {
    send(state, asker, path, async |_, document| {
        Ok(document
            .pdf
            .clone()
            .map(|digest| (digest, "application/pdf", "pdf")))
    })
    .await
}

/// The office file.
pub async fn office(state: State<House>, asker: Asker, path: Path<String>) -> Response {
    send(state, asker, path, async |_, document| {
        let format = document
            .format()
            .map(navette_domain::ports::OfficeFormat::from);
        Ok(document
            .office
            .clone()
            .zip(format)
            .map(|(digest, format)| (digest, format.media_type(), format.extension())))
    })
    .await
}

/// The signature slip, when the desk gave one.
pub async fn signature_slip(state: State<House>, asker: Asker, path: Path<String>) -> Response {
    send(state, asker, path, async |house, document| {
        let rows = signatures::of_documents(&house.services.reads.pool, &[document.id]).await?;
        let last = rows.into_iter().rev().find_map(|row| row.slip);
        Ok(last.map(|digest| (digest, "application/pdf", "bordereau.pdf")))
    })
    .await
}

async fn send(
    State(house): State<House>,
    asker: Asker,
    Path(id): Path<String>,
    choose: impl AsyncFn(&House, &DocumentRow) -> sqlx::Result<File>,
) -> Response {
    if let Some(forbidden) = auth::forbidden(&asker, Permission::Read) {
        return forbidden;
    }
    match find(&house, &asker, &id, choose).await {
        Ok(Some(response)) => response,
        Ok(None) => refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable."),
        Err(cause) => {
            tracing::error!(cause = %format_args!("{cause:#}"), "a file could not be sent");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            refused(status, "INTERNAL", "Erreur interne.")
        }
    }
}

async fn find(
    house: &House,
    asker: &Asker,
    id: &str,
    choose: impl AsyncFn(&House, &DocumentRow) -> sqlx::Result<File>,
) -> anyhow::Result<Option<Response>> {
    let Ok(id) = id.parse::<Uuid>() else {
        return Ok(None);
    };
    let rows = documents::by_ids(&house.services.reads.pool, &asker.scope, &[id]).await?;
    let Some(document) = rows.into_iter().next() else {
        return Ok(None);
    };
    let Some((digest, media_type, extension)) = choose(house, &document).await? else {
        return Ok(None);
    };
    let digest: Digest = digest.parse()?;
    let bytes = house
        .files
        .get(digest)
        .await
        .map_err(|cause| anyhow::anyhow!(cause))?;
    let Some(bytes) = bytes else {
        anyhow::bail!("the store has lost {digest}");
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::CONTENT_DISPOSITION,
            disposition(&document.title, extension)?,
        ),
    ];
    Ok(Some((headers, bytes).into_response()))
}

/// The name under which browsers save the file, in both forms of RFC 6266.
fn disposition(title: &str, extension: &str) -> anyhow::Result<HeaderValue> {
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
