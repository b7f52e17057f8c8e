//! A simulated FAST-Parapheur, as little as is known of the real one: deposits, histories, downloads.

use super::{
    iparapheur::{pdf_signature::Signer, slip::slip},
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use chrono::Utc;
use navette_domain::ports::Neighbour;
use serde_json::{Value, json};
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The subscriber, and the circuit that it has.
pub const SUBSCRIBER: &str = "1234";
/// See [`SUBSCRIBER`].
pub const CIRCUIT: &str = "notification";
const PRESIDENT: &str = "Jeanne Exemple";

#[derive(Debug)]
struct Document {
    content: Bytes,
    slip: Bytes,
    history: Vec<Value>,
    refusal: String,
}

#[derive(Debug)]
struct Desk {
    documents: Vec<Document>,
    signer: Signer,
    ledger: Ledger,
}

type Shared = Arc<Mutex<Desk>>;

/// The running desk; it stops when dropped.
#[derive(Debug)]
pub struct FastSim {
    desk: Shared,
    server: Server,
}

impl FastSim {
    /// Starts it on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler) -> io::Result<Self> {
        let desk = Arc::new(Mutex::new(Desk {
            documents: vec![],
            signer: Signer::new(PRESIDENT)?,
            ledger,
        }));
        let router = Router::new()
            .route(
                "/parapheur-ws/rest/v1/documents/v2/{subscriber}/{circuit}/upload",
                post(upload),
            )
            .route("/parapheur-ws/rest/v1/documents/v2/{id}/{what}", get(serve))
            .route(
                "/parapheur-ws/rest/v1/documents/v2/{id}/comments/refusal",
                get(refusal),
            )
            .layer(DefaultBodyLimit::disable())
            .with_state(desk.clone());
        let server = wire::serve(Neighbour::IParapheur, router, operation, meddler, None).await?;
        Ok(Self { desk, server })
    }

    /// The service's address.
    pub fn url(&self) -> String {
        format!("{}/parapheur-ws/rest/v1", self.server.url())
    }

    /// The document gets this line in its history.
    pub fn notes(&self, id: &str, state: &str) -> io::Result<()> {
        lock(&self.desk).note(id, state)
    }

    /// The president signs.
    pub fn sign(&self, id: &str) -> io::Result<()> {
        let mut desk = lock(&self.desk);
        let content = desk.document(id)?.content.clone();
        let signed = desk.signer.sign(&content, Utc::now())?;
        let document = desk.document(id)?;
        document.content = signed;
        document.slip = slip(&["Fiche de circulation".to_owned()])?.into();
        desk.note(id, "Signé")
    }

    /// The president refuses.
    pub fn refuse(&self, id: &str, reason: &str) -> io::Result<()> {
        let mut desk = lock(&self.desk);
        reason.clone_into(&mut desk.document(id)?.refusal);
        desk.note(id, "Refusé")
    }
}

fn lock(desk: &Shared) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn operation(request: &Request<()>, _: &[u8]) -> String {
    let last = request.uri().path().rsplit('/').next();
    format!("{} {}", request.method(), last.unwrap_or_default())
}

impl Desk {
    fn document(&mut self, id: &str) -> io::Result<&mut Document> {
        let number: Option<usize> = id.parse().ok();
        let document = number.and_then(|number| self.documents.get_mut(number.checked_sub(1)?));
        document.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn note(&mut self, id: &str, state: &str) -> io::Result<()> {
        let entry = json!({ "stateName": state, "userFullname": PRESIDENT, "date": "2026-01-01" });
        self.document(id)?.history.push(entry);
        Ok(())
    }
}

fn error(status: StatusCode, message: &str) -> Response {
    let body = json!({ "developerMessage": message, "userFriendlyMessage": message });
    (status, Json(body)).into_response()
}

async fn upload(
    State(desk): State<Shared>,
    Path((subscriber, circuit)): Path<(String, String)>,
    mut form: Multipart,
) -> Response {
    let (mut label, mut content) = (String::new(), Bytes::new());
    while let Ok(Some(part)) = form.next_field().await {
        match part.name() {
            Some("label") => label = part.text().await.unwrap_or_default(),
            Some("content") => content = part.bytes().await.unwrap_or_default(),
            _ => {}
        }
    }
    if subscriber != SUBSCRIBER || circuit != CIRCUIT {
        return error(StatusCode::BAD_REQUEST, "Circuit inconnu");
    }
    let mut desk = lock(&desk);
    let created = "folder created";
    desk.ledger
        .note(Neighbour::IParapheur, created, label, Some(&content));
    desk.documents.push(Document {
        content,
        slip: Bytes::new(),
        history: vec![],
        refusal: String::new(),
    });
    let id = desk.documents.len().to_string();
    let prepared = desk.note(&id, "Préparé");
    prepared.map_or_else(
        |_| error(StatusCode::INTERNAL_SERVER_ERROR, ""),
        |()| id.clone().into_response(),
    )
}

async fn serve(State(desk): State<Shared>, Path((id, what)): Path<(String, String)>) -> Response {
    let mut desk = lock(&desk);
    let Ok(document) = desk.document(&id) else {
        return error(StatusCode::NOT_FOUND, "Document inconnu");
    };
    match what.as_str() {
        "history" => Json(&document.history).into_response(),
        "download" => document.content.clone().into_response(),
        "getFdc" if !document.slip.is_empty() => document.slip.clone().into_response(),
        _ => error(StatusCode::NOT_FOUND, ""),
    }
}

async fn refusal(State(desk): State<Shared>, Path(id): Path<String>) -> Response {
    match lock(&desk).document(&id) {
        Ok(document) => Json(&document.refusal).into_response(),
        Err(_) => error(StatusCode::NOT_FOUND, ""),
    }
}
