//! A simulated directory of companies: a near search, seven questions a second, and nothing of those that
//! keep their data to themselves.

use super::{
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use navette_domain::ports::Neighbour;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The effect that the ledger notes for a question, keyed by its words.
pub const ASKED: &str = "asked";
/// How many questions one address may ask in a second.
const PER_SECOND: usize = 7;

struct Desk {
    ledger: Ledger,
    asked: Mutex<Vec<Instant>>,
}

/// A running simulator; it stops when dropped.
pub struct DirectorySim {
    server: Server,
}

impl DirectorySim {
    /// Starts it on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            ledger,
            asked: Mutex::default(),
        });
        let router = Router::new().route("/search", get(search)).with_state(desk);
        let name = |request: &Request<()>, _: &[u8]| request.method().to_string();
        let neighbour = Neighbour::CompanyDirectory;
        Ok(Self {
            server: wire::serve(neighbour, router, name, meddler, None).await?,
        })
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }
}

async fn search(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    {
        let mut times = desk.asked.lock().unwrap_or_else(PoisonError::into_inner);
        times.retain(|time| time.elapsed() < Duration::from_secs(1));
        if times.len() >= PER_SECOND {
            let patience = [(header::RETRY_AFTER, "1")];
            return (StatusCode::TOO_MANY_REQUESTS, patience).into_response();
        }
        times.push(Instant::now());
    }
    let words = asked.get("q").map(String::as_str).unwrap_or_default();
    desk.ledger
        .note(Neighbour::CompanyDirectory, ASKED, words, None);
    if words.len() < 3 {
        let said = "3 caractères minimum pour les termes de la requête";
        return (StatusCode::BAD_REQUEST, Json(json!({"erreur": said}))).into_response();
    }
    let results: Vec<Value> = units()
        .into_iter()
        .filter(|unit| is_near(unit, words))
        .collect();
    Json(json!({"total_results": results.len(), "results": results, "page": 1})).into_response()
}

/// The same first digits are near enough.
fn is_near(unit: &Value, words: &str) -> bool {
    let siren = unit["siren"].as_str().unwrap_or_default();
    siren.starts_with(words.get(..3).unwrap_or_default())
}

fn units() -> [Value; 2] {
    [
        json!({
            "siren": "130025265",
            "nom_complet": "DIRECTION INTERMINISTERIELLE DU NUMERIQUE (DINUM)",
            "nom_raison_sociale": "DIRECTION INTERMINISTERIELLE DU NUMERIQUE",
            "siege": {
                "siret": "13002526500013", "adresse": "20 AVENUE DE SEGUR 75007 PARIS",
                "code_postal": "75007", "libelle_commune": "PARIS", "etat_administratif": "A",
            },
            "matching_etablissements": [],
            "complements": {"identifiant_association": null},
        }),
        json!({
            "siren": "732829320",
            "nom_complet": "LES AMIS DU LAC",
            "nom_raison_sociale": null,
            "siege": {
                "siret": "73282932000017", "adresse": "21000 DIJON",
                "code_postal": "21000", "libelle_commune": "DIJON", "etat_administratif": "A",
            },
            "matching_etablissements": [{
                "siret": "73282932000074", "adresse": "3 RUE DU PORT 21000 DIJON",
                "code_postal": "21000", "libelle_commune": "DIJON", "etat_administratif": "F",
            }],
            "complements": {"identifiant_association": "W212345678"},
        }),
    ]
}
