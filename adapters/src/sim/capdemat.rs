//! A simulated CapDémat: requests with their documents and states, where nothing is idempotent.

use super::{
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use crate::capdemat::wire::{NAMESPACE, STATES};
use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use navette_domain::ports::Neighbour;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The effect that the ledger notes for a document, keyed by its request: the applicant got an e-mail.
pub const ADDED: &str = "document added";
/// The effect that the ledger notes for a state, keyed by its request.
pub const CHANGED: &str = "state changed";

/// How a simulated CapDémat is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The account of the external service.
    pub login: String,
    /// Its password.
    pub password: String,
    /// The requests that there are, and their states.
    pub requests: BTreeMap<u64, &'static str>,
    /// Those that the account may not see.
    pub closed: Vec<u64>,
    /// The number of the only type of documents; another is an error of the server's.
    pub document_type: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            login: "navette".into(),
            password: "capdemat".into(),
            requests: BTreeMap::new(),
            closed: vec![],
            document_type: 12,
        }
    }
}

#[derive(Debug, Default)]
struct Folder {
    state: &'static str,
    /// Their ids, states and contents.
    documents: Vec<(u64, &'static str, Bytes)>,
}

struct Office {
    neighbour: Neighbour,
    ledger: Ledger,
    options: Options,
    folders: Mutex<BTreeMap<u64, Folder>>,
}

impl Office {
    fn folders(&self) -> MutexGuard<'_, BTreeMap<u64, Folder>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, headers: &HeaderMap, request: u64) -> Result<(), StatusCode> {
        let account = format!("{}:{}", self.options.login, self.options.password);
        let expected = format!("Basic {}", BASE64_STANDARD.encode(account));
        let given = headers.get(header::AUTHORIZATION);
        if given.is_none_or(|given| given != &expected) {
            return Err(StatusCode::UNAUTHORIZED);
        }
        if self.options.closed.contains(&request) {
            return Err(StatusCode::FORBIDDEN);
        }
        let known = self.options.requests.contains_key(&request);
        known.then_some(()).ok_or(StatusCode::NOT_FOUND)
    }
}

/// A running simulator; it stops when dropped.
pub struct CapdematSim {
    office: Arc<Office>,
    server: Server,
}

impl CapdematSim {
    /// Starts it on loopback, in the part of `neighbour`.
    pub async fn start(
        neighbour: Neighbour,
        ledger: Ledger,
        meddler: Meddler,
        options: Options,
    ) -> io::Result<Self> {
        let folders = options.requests.iter().map(|(&request, &state)| {
            let folder = Folder {
                state,
                documents: vec![],
            };
            (request, folder)
        });
        let office = Arc::new(Office {
            neighbour,
            ledger,
            folders: Mutex::new(folders.collect()),
            options,
        });
        let router = Router::new()
            .route("/service/request/{request}/documents", get(list))
            .route("/service/request/{request}/document", post(add))
            .route("/service/request/{request}/document/{document}", get(give))
            .route("/service/request/{request}/state", post(change))
            .layer(DefaultBodyLimit::disable())
            .with_state(office.clone());
        let server = wire::serve(neighbour, router, name, meddler, None).await?;
        Ok(Self { office, server })
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The applicant adds a paper of theirs, in this state.
    pub fn paper(&self, request: u64, state: &'static str, content: &'static [u8]) {
        if let Some(folder) = self.office.folders().get_mut(&request) {
            let id = folder.documents.len() as u64 + 1;
            folder
                .documents
                .push((id, state, Bytes::from_static(content)));
        }
    }

    /// The documents of a request.
    pub fn documents(&self, request: u64) -> Vec<Bytes> {
        let folders = self.office.folders();
        let documents = folders.get(&request).map(|folder| &folder.documents);
        let documents = documents.into_iter().flatten();
        documents.map(|(_, _, content)| content.clone()).collect()
    }

    /// The state of a request.
    pub fn state(&self, request: u64) -> Option<&'static str> {
        self.office
            .folders()
            .get(&request)
            .map(|folder| folder.state)
    }
}

async fn list(
    State(office): State<Arc<Office>>,
    Path(request): Path<u64>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    office.admit(&headers, request)?;
    let mut text = format!("<GetDocumentListResponse xmlns=\"{NAMESPACE}\">");
    let folders = office.folders();
    for (id, state, _) in folders.get(&request).iter().flat_map(|f| &f.documents) {
        let _ = write!(
            text,
            "<Document><DocumentId>{id}</DocumentId><Type>Courrier</Type><State>{state}</State></Document>"
        );
    }
    text.push_str("</GetDocumentListResponse>");
    Ok(xml(text))
}

async fn give(
    State(office): State<Arc<Office>>,
    Path((request, document)): Path<(u64, u64)>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    office.admit(&headers, request)?;
    let folders = office.folders();
    let folder = folders.get(&request).ok_or(StatusCode::NOT_FOUND)?;
    let mut documents = folder.documents.iter();
    let found = documents.find(|(id, _, _)| *id == document);
    let (_, _, content) = found.ok_or(StatusCode::NOT_FOUND)?;
    let data = BASE64_STANDARD.encode(content);
    Ok(xml(format!(
        "<GetDocumentResponse xmlns=\"{NAMESPACE}\"><DocumentBinary>{data}</DocumentBinary></GetDocumentResponse>"
    )))
}

fn xml(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], text).into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    document_type_id: u32,
    data: String,
}

async fn add(
    State(office): State<Arc<Office>>,
    Path(request): Path<u64>,
    headers: HeaderMap,
    Form(added): Form<Added>,
) -> Result<String, StatusCode> {
    office.admit(&headers, request)?;
    let content = BASE64_STANDARD.decode(added.data);
    let content = content.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    if added.document_type_id != office.options.document_type {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let mut folders = office.folders();
    let folder = folders.get_mut(&request).ok_or(StatusCode::NOT_FOUND)?;
    let id = folder.documents.len() as u64 + 1;
    office
        .ledger
        .note(office.neighbour, ADDED, request.to_string(), Some(&content));
    folder.documents.push((id, "Validated", content.into()));
    Ok(format!("Document has been attached to request {request}"))
}

#[derive(Deserialize)]
struct Changed {
    state: String,
}

async fn change(
    State(office): State<Arc<Office>>,
    Path(request): Path<u64>,
    headers: HeaderMap,
    Form(changed): Form<Changed>,
) -> Result<String, StatusCode> {
    office.admit(&headers, request)?;
    // What it does not know it reads as this.
    let known = STATES.iter().find(|state| **state == changed.state);
    let to = known.copied().unwrap_or("Pending");
    let mut folders = office.folders();
    let folder = folders.get_mut(&request).ok_or(StatusCode::NOT_FOUND)?;
    if !follows(folder.state, to) {
        return Err(StatusCode::FORBIDDEN);
    }
    folder.state = to;
    let key = request.to_string();
    office
        .ledger
        .note(office.neighbour, CHANGED, key, Some(to.as_bytes()));
    Ok(format!("Request {request} changed to {to}"))
}

fn follows(from: &str, to: &str) -> bool {
    let next: &[&str] = match from {
        "Draft" => &["Pending"],
        "Pending" => &[
            "Inprogress",
            "Extinprogress",
            "Complete",
            "Uncomplete",
            "Rejected",
            "Cancelled",
        ],
        "Inprogress" => &["Complete", "Uncomplete", "Rejected", "Cancelled"],
        "Extinprogress" => &["Uncomplete", "Rejected", "Cancelled", "Validated"],
        "Complete" => &["Uncomplete", "Rejected", "Validated", "Cancelled"],
        "Uncomplete" => &["Rectified"],
        "Rectified" => &["Uncomplete", "Complete", "Extinprogress"],
        "Validated" => &["Closed"],
        "Rejected" | "Cancelled" | "Closed" => &["Archived"],
        _ => &[],
    };
    next.contains(&to)
}

/// `GET documents`, `POST document`, `GET document`, `POST state`.
fn name(request: &Request<()>, _body: &[u8]) -> String {
    let path = request.uri().path();
    let what = path.split('/').nth(4).unwrap_or_default();
    format!("{} {what}", request.method())
}
