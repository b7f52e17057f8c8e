//! A simulated porte-documents that speaks our deposit contract.

pub use super::shelf::{ShelfOptions as Options, Shelved};
use super::{
    ledger::Ledger,
    shelf::{LARGEST_FILE, Refusal, Shelf},
    wire::{self, Meddler, Server},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::{HeaderMap, Request},
    response::Response,
    routing::put,
};
use navette_domain::ports::Neighbour;
use std::{io, sync::Arc};

/// The effect that the ledger notes, keyed by the document's id.
pub const DEPOSITED: &str = "document deposited";

/// A running simulator.
pub struct PorteDocumentsSim {
    shelf: Arc<Shelf>,
    server: Server,
}

impl PorteDocumentsSim {
    /// Starts on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler, options: Options) -> io::Result<Self> {
        let port = options.port;
        let shelf = Arc::new(Shelf::new(
            Neighbour::PorteDocuments,
            DEPOSITED,
            ledger,
            options,
        ));
        let router = Router::new()
            .route("/v1/usagers/{user}/documents/{id}", put(deposit).get(tell))
            // The shelf itself says what is too large.
            .layer(DefaultBodyLimit::max(2 * LARGEST_FILE))
            .with_state(shelf.clone());
        let server = wire::serve(Neighbour::PorteDocuments, router, name, meddler, port).await?;
        Ok(Self { shelf, server })
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What it holds, in no order.
    pub fn documents(&self) -> Vec<Shelved> {
        self.shelf.documents()
    }

    /// The next `calls` are answered 429, with `seconds` to wait.
    pub fn throttle(&self, calls: u32, seconds: u64) {
        self.shelf.throttle(calls, seconds);
    }
}

async fn deposit(
    State(shelf): State<Arc<Shelf>>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
    form: Multipart,
) -> Result<Response, Refusal> {
    shelf.put(user, id, headers, form).await
}

async fn tell(
    State(shelf): State<Arc<Shelf>>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    shelf.get(&user, id, &headers)
}

fn name(request: &Request<()>, _body: &[u8]) -> String {
    request.method().to_string()
}
