//! Documents held under our deposit contract: what the simulated porte-documents and grants tool share.

use super::ledger::Ledger;
use crate::deposit::wire::{Held, Meta, Problem};
use axum::{
    Json,
    extract::Multipart,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use chrono::Utc;
use navette_domain::{digest::Digest, ports::Neighbour};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The largest file that is accepted.
pub(super) const LARGEST_FILE: usize = 20 << 20;

/// How a simulated neighbour behaves. The default knows everybody and asks for the token `demo`.
#[derive(Clone)]
pub struct ShelfOptions {
    /// The token that is asked for.
    pub token: String,
    /// The users or dossiers that are not known.
    pub unknown: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// The port to listen on; any free one otherwise.
    pub port: Option<u16>,
}

impl Default for ShelfOptions {
    fn default() -> Self {
        Self {
            token: "demo".into(),
            unknown: Arc::new(|_| false),
            port: None,
        }
    }
}

impl fmt::Debug for ShelfOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShelfOptions").finish_non_exhaustive()
    }
}

/// A document as it was deposited.
#[derive(Debug, Clone)]
pub struct Shelved {
    /// The user or the dossier.
    pub owner: String,
    /// Our id of the document.
    pub id: String,
    /// What people read.
    pub title: String,
    /// The file.
    pub pdf: Bytes,
    held: Held,
}

pub(super) struct Shelf {
    neighbour: Neighbour,
    effect: &'static str,
    pub ledger: Ledger,
    options: ShelfOptions,
    documents: Mutex<HashMap<(String, String), Shelved>>,
    throttled: Mutex<(u32, u64)>,
}

impl Shelf {
    pub fn new(
        neighbour: Neighbour,
        effect: &'static str,
        ledger: Ledger,
        options: ShelfOptions,
    ) -> Self {
        Self {
            neighbour,
            effect,
            ledger,
            options,
            documents: Mutex::default(),
            throttled: Mutex::default(),
        }
    }

    pub fn documents(&self) -> Vec<Shelved> {
        let documents = self
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        documents.values().cloned().collect()
    }

    /// The next `calls` are answered 429, with `seconds` to wait.
    pub fn throttle(&self, calls: u32, seconds: u64) {
        *self
            .throttled
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = (calls, seconds);
    }

    /// Whether the caller may speak of `owner` now.
    pub fn admit(&self, headers: &HeaderMap, owner: &str) -> Result<(), Response> {
        let expected = format!("Bearer {}", self.options.token);
        if headers
            .get(header::AUTHORIZATION)
            .is_none_or(|given| given != &expected)
        {
            return Err(problem(StatusCode::UNAUTHORIZED, "jeton_refuse", &[]));
        }
        let mut throttled = self
            .throttled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if throttled.0 > 0 {
            throttled.0 -= 1;
            let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "trop_de_demandes", &[]);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, throttled.1.into());
            return Err(response);
        }
        if (self.options.unknown)(owner) {
            return Err(problem(StatusCode::NOT_FOUND, "inconnu", &[]));
        }
        Ok(())
    }

    pub async fn put(
        &self,
        owner: String,
        id: String,
        headers: HeaderMap,
        form: Multipart,
    ) -> Response {
        if let Err(refusal) = self.admit(&headers, &owner) {
            return refusal;
        }
        let (meta, file) = match read(form).await {
            Ok(parts) => parts,
            Err(refusal) => return refusal,
        };
        if let Err(refusal) = check(&headers, &id, &meta, &file) {
            return refusal;
        }
        let sha256 = Digest::of(&file);
        let mut documents = self
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = documents.get(&(owner.clone(), id.clone())) {
            if there.held.sha256 == sha256 {
                return (StatusCode::OK, Json(there.held.clone())).into_response();
            }
            return problem(StatusCode::CONFLICT, "autre_contenu", &[]);
        }
        let held = Held {
            id: id.clone(),
            url: format!("https://simulateur.invalid/documents/{id}"),
            sha256,
            depot_le: Utc::now(),
        };
        self.ledger
            .note(self.neighbour, self.effect, &id, Some(&file));
        let shelved = Shelved {
            owner: owner.clone(),
            id: id.clone(),
            title: meta.titre,
            pdf: file,
            held: held.clone(),
        };
        documents.insert((owner, id), shelved);
        (StatusCode::CREATED, Json(held)).into_response()
    }
}

fn check(headers: &HeaderMap, id: &str, meta: &Meta, file: &[u8]) -> Result<(), Response> {
    let digest = BASE64_STANDARD.encode(Digest::of(file).as_bytes());
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|given| given == value);
    if !says("digest", &format!("sha-256={digest}")) {
        return Err(problem(StatusCode::BAD_REQUEST, "empreinte_fausse", &[]));
    }
    if !says("idempotency-key", id) {
        return Err(problem(StatusCode::BAD_REQUEST, "cle_fausse", &[]));
    }
    if !file.starts_with(b"%PDF-") {
        return Err(problem(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "pas_un_pdf",
            &[],
        ));
    }
    if file.len() > LARGEST_FILE {
        return Err(problem(StatusCode::PAYLOAD_TOO_LARGE, "trop_gros", &[]));
    }
    if meta.titre.trim().is_empty() {
        return Err(problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "incomplet",
            &["titre"],
        ));
    }
    Ok(())
}

async fn read(mut form: Multipart) -> Result<(Meta, Bytes), Response> {
    let broken = || problem(StatusCode::BAD_REQUEST, "formulaire_illisible", &[]);
    let (mut meta, mut file) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(IntoResponse::into_response)?;
        match name.as_str() {
            "meta" => meta = Some(serde_json::from_slice(&bytes).map_err(|_| broken())?),
            "file" => file = Some(bytes),
            _ => return Err(broken()),
        }
    }
    meta.zip(file).ok_or_else(broken)
}

pub(super) fn problem(status: StatusCode, code: &str, fields: &[&str]) -> Response {
    let body = Problem {
        title: status.canonical_reason().map(Into::into),
        code: Some(code.into()),
        champs: fields.iter().map(|&field| field.into()).collect(),
    };
    let media_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, media_type, Json(body)).into_response()
}
