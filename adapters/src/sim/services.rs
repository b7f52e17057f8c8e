//! Simulated web services: each takes JSON under an idempotency key and answers with a number.

use super::{
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use crate::services::{ServiceAuth, ServiceConfig, ServiceMethod, Success};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Request, StatusCode},
    routing::post,
};
use navette_domain::ports::Neighbour;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Mutex, PoisonError},
};

/// The effect that the ledger notes for a call, keyed by its idempotency key.
pub const CALLED: &str = "service called";

const TOKEN: &str = "demo";

struct Desk {
    ledger: Ledger,
    /// The number that each key was given.
    numbers: Mutex<HashMap<String, usize>>,
}

/// A running simulator.
pub struct ServicesSim {
    server: Server,
}

impl ServicesSim {
    /// Starts on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            ledger,
            numbers: Mutex::default(),
        });
        let router = Router::new().route("/{name}", post(take)).with_state(desk);
        let server = wire::serve(Neighbour::WebServices, router, name, meddler, None).await?;
        Ok(Self { server })
    }

    /// How Navette calls the service of this name.
    pub fn config(&self, name: &str) -> ServiceConfig {
        ServiceConfig {
            url: format!("{}/{name}", self.server.url()),
            method: ServiceMethod::Post,
            headers: BTreeMap::new(),
            auth: Some(ServiceAuth::Bearer {
                token: TOKEN.into(),
            }),
            timeout_seconds: 5,
            largest_answer: 1 << 16,
            success: Some(Success {
                pointer: "/resultat".to_owned(),
                equals: "OK".to_owned(),
            }),
        }
    }
}

async fn take(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StatusCode> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let key = header("idempotency-key").ok_or(StatusCode::BAD_REQUEST)?;
    let mut numbers = desk.numbers.lock().unwrap_or_else(PoisonError::into_inner);
    let next = numbers.len() + 1;
    let number = *numbers.entry(key.to_owned()).or_insert_with(|| {
        desk.ledger
            .note(Neighbour::WebServices, CALLED, key, Some(&body));
        next
    });
    Ok(Json(
        json!({ "resultat": "OK", "mandat": { "numero": format!("M-{number}") } }),
    ))
}

fn name(request: &Request<()>, _body: &[u8]) -> String {
    request.method().to_string()
}
