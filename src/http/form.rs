//! The file of a multipart form.

use super::{internal, refused};
use axum::{
    extract::Multipart,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use navette_domain::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write as _};
use uuid::Uuid;

/// The largest template, image or attachment.
pub const LARGEST: usize = 20 * MIB;
/// The largest file of scanned letters.
pub const LARGEST_SCAN: usize = 100 * MIB;
const MIB: usize = 1024 * 1024;
/// The parts of a form around its file.
pub const AROUND: usize = 64 * 1024;

/// A file as its author sent it.
pub struct File {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A file that went to disk as it came. It has no name there, and is gone with its handle.
pub struct Received {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub file: std::fs::File,
    /// How many bytes that is.
    pub size: u64,
    /// Its SHA-256.
    pub digest: Digest,
}

/// The form's field `file`, in memory.
pub async fn file(form: Multipart) -> Result<File, Response> {
    let mut bytes = vec![];
    let name = each_part(form, LARGEST, |part| {
        bytes.extend_from_slice(part);
        Ok(())
    });
    let name = name.await?;
    Ok(File { name, bytes })
}

/// The same on disk, of so many bytes at most.
pub async fn received(form: Multipart, largest: usize) -> Result<Received, Response> {
    let mut file = tempfile::tempfile().map_err(|cause| internal(&cause.into()))?;
    let (mut sum, mut size) = (Sha256::new(), 0);
    let name = each_part(form, largest, |part| {
        sum.update(part);
        size += part.len() as u64;
        file.write_all(part)
    });
    let name = name.await?;
    Ok(Received {
        name,
        file,
        size,
        digest: Digest::from_bytes(sum.finalize().into()),
    })
}

/// Gives `take` each part of the form's field `file` as it comes; says the file's name.
async fn each_part(
    mut form: Multipart,
    largest: usize,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<String, Response> {
    loop {
        let field = form
            .next_field()
            .await
            .map_err(|fault| unreadable(fault.status(), largest))?;
        let Some(mut field) = field else {
            return Err(unreadable(StatusCode::BAD_REQUEST, largest));
        };
        if field.name() == Some("file") {
            let name = field.file_name().unwrap_or("fichier").to_owned();
            let mut size = 0;
            loop {
                let part = field.chunk().await;
                let Some(part) = part.map_err(|fault| unreadable(fault.status(), largest))? else {
                    return Ok(name);
                };
                size += part.len();
                if size > largest {
                    return Err(unreadable(StatusCode::PAYLOAD_TOO_LARGE, largest));
                }
                take(&part).map_err(|cause| internal(&cause.into()))?;
            }
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

fn unreadable(status: StatusCode, largest: usize) -> Response {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!("Un fichier ne peut pas dépasser {} Mo.", largest / MIB);
        return refused(status, "TOO_LARGE", &message);
    }
    let message = "Le formulaire doit contenir un champ « file » avec le fichier.";
    refused(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}
