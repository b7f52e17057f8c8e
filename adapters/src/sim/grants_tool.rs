//! A simulated grants tool that speaks our outgoing contract.

pub use super::shelf::{ShelfOptions as Options, Shelved};
use super::{
    ledger::Ledger,
    shelf::{LARGEST_FILE, Refusal, Shelf},
    wire::{self, Meddler, Server},
};
use crate::grants_tool::wire::Event;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::{HeaderMap, Request, StatusCode},
    response::Response,
    routing::{post, put},
};
use navette_domain::ports::Neighbour;
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};
use uuid::Uuid;

/// The effect that the ledger notes for a document, keyed by its id.
pub const ATTACHED: &str = "document attached";
/// The effect that the ledger notes for a status, keyed by the event's id.
pub const STATUS_CHANGED: &str = "status changed";

struct Desk {
    shelf: Shelf,
    /// By event: the dossier and its new status.
    events: Mutex<HashMap<Uuid, (String, String)>>,
    statuses: Mutex<HashMap<String, String>>,
}

/// A running simulator.
pub struct GrantsToolSim {
    desk: Arc<Desk>,
    server: Server,
}

impl GrantsToolSim {
    /// Starts on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler, options: Options) -> io::Result<Self> {
        let port = options.port;
        let desk = Arc::new(Desk {
            shelf: Shelf::new(Neighbour::GrantsTool, ATTACHED, ledger, options),
            events: Mutex::default(),
            statuses: Mutex::default(),
        });
        let router = Router::new()
            .route(
                "/v1/demandes/{reference}/documents/{id}",
                put(attach).get(tell),
            )
            .route("/v1/demandes/{reference}/evenements", post(hear))
            // The shelf itself says what is too large.
            .layer(DefaultBodyLimit::max(2 * LARGEST_FILE))
            .with_state(desk.clone());
        let server = wire::serve(Neighbour::GrantsTool, router, name, meddler, port).await?;
        Ok(Self { desk, server })
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The documents it holds, in no order.
    pub fn documents(&self) -> Vec<Shelved> {
        self.desk.shelf.documents()
    }

    /// The last status told of a dossier.
    pub fn status(&self, reference: &str) -> Option<String> {
        let statuses = self
            .desk
            .statuses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        statuses.get(reference).cloned()
    }

    /// The next `calls` are answered 429, with `seconds` to wait.
    pub fn throttle(&self, calls: u32, seconds: u64) {
        self.desk.shelf.throttle(calls, seconds);
    }
}

async fn attach(
    State(desk): State<Arc<Desk>>,
    Path((reference, id)): Path<(String, String)>,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Response, Refusal> {
    desk.shelf.put(reference, id, headers, form).await
}

async fn hear(
    State(desk): State<Arc<Desk>>,
    Path(reference): Path<String>,
    headers: HeaderMap,
    Json(event): Json<Event>,
) -> Result<StatusCode, Refusal> {
    desk.shelf.admit(&headers, &reference)?;
    let told = (reference.clone(), event.statut.clone());
    let mut events = desk.events.lock().unwrap_or_else(PoisonError::into_inner);
    match events.get(&event.id) {
        Some(known) if *known == told => return Ok(StatusCode::OK),
        Some(_) => return Err(Refusal::new(StatusCode::CONFLICT, "autre_evenement")),
        None => {}
    }
    events.insert(event.id, told);
    let id = event.id.to_string();
    desk.shelf.ledger.note(
        Neighbour::GrantsTool,
        STATUS_CHANGED,
        id,
        Some(event.statut.as_bytes()),
    );
    let mut statuses = desk.statuses.lock().unwrap_or_else(PoisonError::into_inner);
    statuses.insert(reference, event.statut);
    Ok(StatusCode::ACCEPTED)
}

async fn tell(
    State(desk): State<Arc<Desk>>,
    Path((reference, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    desk.shelf.get(&reference, id, &headers)
}

fn name(request: &Request<()>, _body: &[u8]) -> String {
    request.method().to_string()
}
