//! The file of a multipart form.

use super::refused;
use axum::{
    extract::Multipart,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use uuid::Uuid;

/// The largest template or image.
pub const LARGEST: usize = 20 * 1024 * 1024;
/// The parts of a form around its file.
pub const AROUND: usize = 64 * 1024;

/// A file as its author sent it.
pub struct File {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The form's field `file`.
pub async fn file(mut form: Multipart) -> Result<File, Response> {
    loop {
        let field = form
            .next_field()
            .await
            .map_err(|fault| unreadable(fault.status()))?;
        let Some(field) = field else {
            return Err(unreadable(StatusCode::BAD_REQUEST));
        };
        if field.name() == Some("file") {
            let name = field.file_name().unwrap_or("fichier").to_owned();
            let bytes = field
                .bytes()
                .await
                .map_err(|fault| unreadable(fault.status()))?;
            if bytes.len() > LARGEST {
                return Err(unreadable(StatusCode::PAYLOAD_TOO_LARGE));
            }
            return Ok(File {
                name,
                bytes: bytes.into(),
            });
        }
    }
}

/// The key under which a request may be repeated.
#[expect(
    clippy::result_large_err,
    reason = "without a key, the answer is the outcome"
)]
pub fn key(headers: &HeaderMap) -> Result<Uuid, Response> {
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok());
    key.and_then(|key| key.parse().ok()).ok_or_else(|| {
        let message = "L'en-tête Idempotency-Key doit être un UUID.";
        refused(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    })
}

fn unreadable(status: StatusCode) -> Response {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let message = "Un fichier ne peut pas dépasser 20 Mo.";
        return refused(status, "TOO_LARGE", message);
    }
    let message = "Le formulaire doit contenir un champ « file » avec le fichier.";
    refused(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}
