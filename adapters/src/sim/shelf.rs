//! Documents held under our deposit contract: what the simulated porte-documents and grants tool share.

use super::ledger::Ledger;
use crate::deposit::wire::{Held, Meta, Problem};
use axum::{
    Json,
    extract::Multipart,
    http::{HeaderMap, HeaderValue, StatusCode, header},
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
    pub fn admit(&self, headers: &HeaderMap, owner: &str) -> Result<(), Refusal> {
        let expected = format!("Bearer {}", self.options.token);
        if headers
            .get(header::AUTHORIZATION)
            .is_none_or(|given| given != &expected)
        {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "jeton_refuse"));
        }
        let mut throttled = self
            .throttled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if throttled.0 > 0 {
            throttled.0 -= 1;
            return Err(Refusal {
                retry_after: Some(throttled.1),
                ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "trop_de_demandes")
            });
        }
        if (self.options.unknown)(owner) {
            return Err(Refusal::new(StatusCode::NOT_FOUND, "inconnu"));
        }
        Ok(())
    }

    /// Answers a `GET` of the contract.
    pub fn get(&self, owner: &str, id: String, headers: &HeaderMap) -> Result<Response, Refusal> {
        self.admit(headers, owner)?;
        let documents = self
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match documents.get(&(owner.to_owned(), id)) {
            Some(there) => Ok(Json(there.held.clone()).into_response()),
            None => Err(Refusal::new(StatusCode::NOT_FOUND, "inconnu")),
        }
    }

    /// Answers a `PUT` of the contract.
    pub async fn put(
        &self,
        owner: String,
        id: String,
        headers: HeaderMap,
        form: Multipart,
    ) -> Result<Response, Refusal> {
        self.admit(&headers, &owner)?;
        let (meta, file) = read(form).await?;
        check(&headers, &id, &meta, &file)?;
        let sha256 = Digest::of(&file);
        let mut documents = self
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = documents.get(&(owner.clone(), id.clone())) {
            if there.held.sha256 == sha256 {
                return Ok((StatusCode::OK, Json(there.held.clone())).into_response());
            }
            return Err(Refusal::new(StatusCode::CONFLICT, "autre_contenu"));
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
        Ok((StatusCode::CREATED, Json(held)).into_response())
    }
}

fn check(headers: &HeaderMap, id: &str, meta: &Meta, file: &[u8]) -> Result<(), Refusal> {
    let digest = BASE64_STANDARD.encode(Digest::of(file).as_bytes());
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|given| given == value);
    let (status, code, field) = if !says("digest", &format!("sha-256={digest}")) {
        (StatusCode::BAD_REQUEST, "empreinte_fausse", None)
    } else if !says("idempotency-key", id) {
        (StatusCode::BAD_REQUEST, "cle_fausse", None)
    } else if !file.starts_with(b"%PDF-") {
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "pas_un_pdf", None)
    } else if file.len() > LARGEST_FILE {
        (StatusCode::PAYLOAD_TOO_LARGE, "trop_gros", None)
    } else if meta.titre.trim().is_empty() {
        (StatusCode::UNPROCESSABLE_ENTITY, "incomplet", Some("titre"))
    } else {
        return Ok(());
    };
    Err(Refusal {
        field,
        ..Refusal::new(status, code)
    })
}

async fn read(mut form: Multipart) -> Result<(Meta, Bytes), Refusal> {
    let broken = || Refusal::new(StatusCode::BAD_REQUEST, "formulaire_illisible");
    let (mut meta, mut file) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field
            .bytes()
            .await
            .map_err(|error| Refusal::new(error.status(), "formulaire_illisible"))?;
        match name.as_str() {
            "meta" => meta = Some(serde_json::from_slice(&bytes).map_err(|_| broken())?),
            "file" => file = Some(bytes),
            _ => return Err(broken()),
        }
    }
    meta.zip(file).ok_or_else(broken)
}

/// An error of the contract.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    field: Option<&'static str>,
    retry_after: Option<u64>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str) -> Self {
        Self {
            status,
            code,
            field: None,
            retry_after: None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Problem {
            title: self.status.canonical_reason().map(Into::into),
            code: Some(self.code.into()),
            champs: self.field.map(Into::into).into_iter().collect(),
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, media_type);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
