//! A simulated Démarches simplifiées: one démarche with its dossiers, their states and messages, files that
//! are sent apart. It knows the questions that Navette asks, not the whole of GraphQL.

mod changing;
mod reading;

use super::{
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{post, put},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use md5::{Digest as _, Md5};
use navette_domain::ports::Neighbour;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The effect that the ledger notes for a message, keyed by its dossier: the applicant got an e-mail.
pub const MESSAGE: &str = "message";
/// The effect that the ledger notes for a state, keyed by its dossier.
pub const DECIDED: &str = "decided";

/// How the simulated platform is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// A token that may write.
    pub token: String,
    /// A token that may not.
    pub read_only: String,
    /// The démarche's number.
    pub demarche: u64,
    /// The labels of its fields and annotations.
    pub labels: Vec<&'static str>,
    /// The instructor who may act.
    pub instructor: String,
    /// How many dossiers a page holds, whatever is asked.
    pub page: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: "write".into(),
            read_only: "read".into(),
            demarche: 42,
            labels: vec!["Objet", "Montant demandé", "Montant accordé"],
            instructor: "SW5zdHJ1Y3RldXItMQ==".into(),
            page: 100,
        }
    }
}

/// A dossier of the platform.
#[derive(Debug, Clone)]
pub struct Filed {
    /// Its number.
    pub number: u64,
    /// Its state, as the platform says it.
    pub state: &'static str,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// Who asks, as the API tells it.
    pub applicant: Value,
    /// Its fields.
    pub fields: Vec<(&'static str, &'static str)>,
}

impl Filed {
    /// A dossier of an association, under instruction.
    pub fn of_association(number: u64, changed_at: DateTime<Utc>) -> Self {
        Self {
            number,
            state: "en_instruction",
            changed_at,
            applicant: json!({
                "__typename": "PersonneMorale",
                "siret": "13002526500013",
                "entreprise": {"raisonSociale": "LES AMIS DU LAC", "nom": null, "prenom": null},
                "association": {"rna": "W333216789", "titre": "Les Amis du lac"},
                "address": {"streetAddress": "3 rue du Port", "postalCode": "21000", "cityName": "Dijon"},
            }),
            fields: vec![("Objet", "Fête du lac"), ("Montant demandé", "1500.5")],
        }
    }
}

#[derive(Debug)]
struct Kept {
    filed: Filed,
    decided_at: Option<DateTime<Utc>>,
    /// The checksums of what messages bear.
    messages: Vec<Option<String>>,
}

#[derive(Debug)]
struct Blob {
    checksum: String,
    size: u64,
    bytes: Option<Bytes>,
}

#[derive(Debug, Default)]
struct Inner {
    dossiers: BTreeMap<u64, Kept>,
    blobs: BTreeMap<u64, Blob>,
    throttled: u32,
}

struct Platform {
    options: Options,
    ledger: Ledger,
    inner: Mutex<Inner>,
    url: Mutex<String>,
}

impl Platform {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulator; it stops when dropped.
pub struct DemarchesSim {
    platform: Arc<Platform>,
    server: Server,
}

impl DemarchesSim {
    /// Starts it on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler, options: Options) -> io::Result<Self> {
        let platform = Arc::new(Platform {
            options,
            ledger,
            inner: Mutex::default(),
            url: Mutex::default(),
        });
        let router = Router::new()
            .route("/api/v2/graphql", post(serve))
            .route("/blobs/{number}", put(receive))
            .layer(DefaultBodyLimit::disable())
            .with_state(platform.clone());
        let neighbour = Neighbour::GrantsTool;
        let server = wire::serve(neighbour, router, operation, meddler, None).await?;
        *platform.url.lock().unwrap_or_else(PoisonError::into_inner) = server.url();
        Ok(Self { platform, server })
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The applicant sends a dossier, or changes one.
    pub fn file(&self, filed: Filed) {
        let kept = Kept {
            decided_at: (!filed.state.starts_with("en_")).then_some(filed.changed_at),
            messages: vec![],
            filed,
        };
        let number = kept.filed.number;
        self.platform.inner().dossiers.insert(number, kept);
    }

    /// The state of a dossier.
    pub fn state(&self, number: u64) -> Option<&'static str> {
        let inner = self.platform.inner();
        inner.dossiers.get(&number).map(|kept| kept.filed.state)
    }

    /// The files that messages brought, in no order.
    pub fn files(&self) -> Vec<Bytes> {
        let inner = self.platform.inner();
        inner
            .blobs
            .values()
            .filter_map(|blob| blob.bytes.clone())
            .collect()
    }

    /// The next `calls` are answered 429.
    pub fn throttle(&self, calls: u32) {
        self.platform.inner().throttled = calls;
    }
}

async fn serve(
    State(platform): State<Arc<Platform>>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Response {
    let mut inner = platform.inner();
    if inner.throttled > 0 {
        inner.throttled -= 1;
        let headers = [(header::RETRY_AFTER, "30")];
        return (StatusCode::TOO_MANY_REQUESTS, headers, "Retry later").into_response();
    }
    let given = headers.get(header::AUTHORIZATION);
    let given = given
        .and_then(|given| given.to_str().ok())
        .unwrap_or_default();
    let writes = given == format!("Bearer {}", platform.options.token);
    if !writes && given != format!("Bearer {}", platform.options.read_only) {
        let body = failed(
            "Without a token, only persisted queries are allowed",
            "forbidden",
        );
        return (StatusCode::FORBIDDEN, Json(body)).into_response();
    }
    let query = asked["query"].as_str().unwrap_or_default();
    let variables = &asked["variables"];
    let answer = if query.contains("mutation ") && !writes {
        let refusal = "Le jeton utilisé est configuré seulement en lecture";
        json!({"data": {"payload": {"errors": [{"message": refusal}]}}})
    } else {
        match name_of(query) {
            "Changed" => reading::changed(&platform, &inner, variables),
            "Fields" => reading::fields(&platform, variables),
            "Anybody" => json!({"data": {"__typename": "Query"}}),
            "Dossier" => reading::told(&inner, variables),
            "Upload" => changing::upload(&platform, &mut inner, &variables["input"]),
            mutation => changing::change(&platform, &mut inner, mutation, &variables["input"]),
        }
    };
    Json(answer).into_response()
}

fn failed(message: &str, code: &str) -> Value {
    json!({"data": null, "errors": [{"message": message, "extensions": {"code": code}}]})
}

/// The name of the operation: the word after `query` or `mutation`.
fn name_of(query: &str) -> &str {
    let words = query.split(|c: char| !c.is_alphanumeric());
    let mut words = words.filter(|word| !word.is_empty());
    words.nth(1).unwrap_or_default()
}

/// The storage takes what was announced, and nothing else; it never sees the token.
async fn receive(
    State(platform): State<Arc<Platform>>,
    Path(number): Path<u64>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut inner = platform.inner();
    let Some(blob) = inner.blobs.get_mut(&number) else {
        return StatusCode::NOT_FOUND;
    };
    let sum = BASE64_STANDARD.encode(Md5::digest(&body));
    let said = headers
        .get("content-md5")
        .is_some_and(|said| said == &blob.checksum);
    let sound = said && sum == blob.checksum && body.len() as u64 == blob.size;
    if !sound || headers.contains_key(header::AUTHORIZATION) {
        return StatusCode::BAD_REQUEST;
    }
    blob.bytes = Some(body);
    StatusCode::NO_CONTENT
}

/// The name of the question, or `PUT file`.
fn operation(head: &Request<()>, body: &[u8]) -> String {
    if head.uri().path().starts_with("/blobs/") {
        return "PUT file".to_owned();
    }
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    name_of(asked["query"].as_str().unwrap_or_default()).to_owned()
}
