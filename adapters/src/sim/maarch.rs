//! A simulated Maarch Courrier: reference tables, contacts deduplicated by e-mail, and a register that
//! gladly takes the same letter twice, as the real one does.

use super::{
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{Datelike as _, Utc};
use navette_domain::ports::Neighbour;
use serde_json::{Value, json};
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const ENTITY: i64 = 13;
const MODEL: i64 = 2;
const DOCTYPE: i64 = 1201;
const PRIORITY: &str = "poiuytre1357nbvc";

/// How a simulated Maarch Courrier is set up.
#[derive(Debug, Clone)]
pub struct MaarchOptions {
    /// The loopback port, or a free one.
    pub port: Option<u16>,
    /// The webservice account.
    pub login: String,
    /// Its password.
    pub password: String,
    /// Refused passwords before the account is locked.
    pub lock_after: u32,
    /// The largest file that PHP lets in.
    pub largest_file: usize,
}

impl Default for MaarchOptions {
    fn default() -> Self {
        Self {
            port: None,
            login: "navette".into(),
            password: "maarch".into(),
            lock_after: 5,
            largest_file: 32 << 20,
        }
    }
}

/// A letter in the register.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// The internal number.
    pub resource: i64,
    /// The chrono number.
    pub chrono: Option<String>,
    /// The body that was posted, without its file.
    pub body: Value,
}

#[derive(Debug, Default)]
struct Inner {
    resources: Vec<Registered>,
    /// The e-mail of each contact, numbered from 1.
    contacts: Vec<Option<String>>,
    refused_logins: u32,
}

#[derive(Debug)]
struct Register {
    options: MaarchOptions,
    ledger: Ledger,
    inner: Mutex<Inner>,
}

impl Register {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulator; it stops when dropped.
#[derive(Debug)]
pub struct MaarchSim {
    register: Arc<Register>,
    server: Server,
}

impl MaarchSim {
    /// Starts it on loopback.
    pub async fn start(
        ledger: Ledger,
        meddler: Meddler,
        options: MaarchOptions,
    ) -> io::Result<Self> {
        let port = options.port;
        let register = Arc::new(Register {
            options,
            ledger,
            inner: Mutex::default(),
        });
        let router = Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&register));
        let server =
            wire::serve(Neighbour::MaarchCourrier, router, operation, meddler, port).await?;
        Ok(Self { register, server })
    }

    /// Where it listens; the service is under `/rest`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The letters, in order.
    pub fn registered(&self) -> Vec<Registered> {
        self.register.inner().resources.clone()
    }

    /// How many times a password was refused.
    pub fn refused_logins(&self) -> u32 {
        self.register.inner().refused_logins
    }

    /// How many contacts there are.
    pub fn contacts(&self) -> usize {
        self.register.inner().contacts.len()
    }
}

/// What a route answers: JSON, or a refusal with its text.
type Outcome = Result<Value, (StatusCode, &'static str)>;

async fn serve(State(register): State<Arc<Register>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The wire has already read the body, with its own limit.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let route = parts.uri.path().strip_prefix("/rest/").unwrap_or_default();
    let outcome = sign_in(&register, &parts.headers)
        .and_then(|()| answer(&register, parts.method.as_str(), route, &body));
    let (status, body) = match outcome {
        Ok(body) => (StatusCode::OK, body),
        Err((status, text)) => (status, json!({ "errors": text })),
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A locked account is refused even with the right password.
fn sign_in(register: &Register, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let (options, mut inner) = (&register.options, register.inner());
    let expected = STANDARD.encode(format!("{}:{}", options.login, options.password));
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    if given == Some(&expected) && inner.refused_logins < options.lock_after {
        return Ok(());
    }
    inner.refused_logins += 1;
    Err((StatusCode::UNAUTHORIZED, "Authentication Failed"))
}

fn answer(register: &Register, method: &str, route: &str, body: &Value) -> Outcome {
    match (method, route) {
        ("GET", table) if reference(table).is_some() => Ok(reference(table).unwrap_or_default()),
        ("PUT", "resources/external") => look_up(register, body),
        ("POST", "resources") => create(register, body),
        ("POST", "contacts") => contact(register, body),
        ("GET", route) => {
            let number = route
                .strip_prefix("resources/")
                .and_then(|n| n.parse().ok());
            show(register, number)
        }
        _ => Err((StatusCode::NOT_FOUND, "Not found.")),
    }
}

fn reference(table: &str) -> Option<Value> {
    Some(match table {
        "indexingModels" => json!({"indexingModels": [
            {"id": 1, "category": "incoming", "label": "Courrier arrivée", "default": true},
            {"id": MODEL, "category": "outgoing", "label": "Courrier départ", "default": false},
            {"id": 3, "category": "internal", "label": "Note interne", "default": false},
        ]}),
        "doctypes/types" => json!({"doctypes": [
            {"type_id": 101, "description": "Abonnements – documentation – archives"},
            {"type_id": DOCTYPE, "description": "Notification d'aide"},
            {"type_id": 1202, "description": "Convention"},
            {"type_id": 1203, "description": "Convention"},
        ]}),
        "priorities" => json!({"priorities": [
            {"id": PRIORITY, "label": "Normal", "delays": 30},
            {"id": "poiuytre1379nbvc", "label": "Urgent", "delays": 8},
            {"id": "poiuytre1391nbvc", "label": "Très urgent", "delays": 4},
        ]}),
        "entities" => json!({"entities": [
            {"serialId": 1, "entity_id": "CD", "entity_label": "Conseil départemental"},
            {"serialId": ENTITY, "entity_id": "AIDES", "entity_label": "Service des aides"},
        ]}),
        "autocomplete/statuses" => json!([
            {"type": "status", "id": "COU", "idToDisplay": "En cours"},
            {"type": "status", "id": "END", "idToDisplay": "Clos / fin du workflow"},
        ]),
        _ => return None,
    })
}

/// Compares JSON with JSON: a bare word is no JSON, and a bare number is not the text of that number.
fn look_up(register: &Register, body: &Value) -> Outcome {
    let text = |key: &str| body[key].as_str().filter(|text| !text.is_empty());
    let (Some(key), Some(value)) = (text("type"), text("value")) else {
        return Err((StatusCode::FORBIDDEN, "Missing externalId value"));
    };
    let Ok(sought) = serde_json::from_str::<Value>(value) else {
        let text = "externalId type or value has wrong format";
        return Err((StatusCode::BAD_REQUEST, text));
    };
    let inner = register.inner();
    let mut resources = inner.resources.iter();
    match resources.find(|kept| kept.body["externalId"].get(key) == Some(&sought)) {
        Some(found) => Ok(json!({"resId": found.resource})),
        None => Err((StatusCode::BAD_REQUEST, "Document not found")),
    }
}

fn create(register: &Register, body: &Value) -> Outcome {
    let mut inner = register.inner();
    if let Some(text) = fault(&register.options, inner.contacts.len(), body) {
        return Err((StatusCode::BAD_REQUEST, text));
    }
    let resource = i64::try_from(inner.resources.len()).unwrap_or_default() + 101;
    let chrono = (body["chrono"] == true).then(|| {
        let (year, rank) = (Utc::now().year(), inner.resources.len() + 1);
        format!("AIDES/{year}D/{rank}")
    });
    let file = STANDARD.decode(body["encodedFile"].as_str().unwrap_or_default());
    let key = match &body["externalId"]["navette"] {
        Value::String(id) => id.clone(),
        other => other.to_string(),
    };
    let (ledger, file) = (&register.ledger, file.unwrap_or_default());
    ledger.note(
        Neighbour::MaarchCourrier,
        "resource created",
        key,
        Some(&file),
    );
    let mut kept = body.clone();
    if let Some(fields) = kept.as_object_mut() {
        fields.remove("encodedFile");
    }
    inner.resources.push(Registered {
        resource,
        chrono,
        body: kept,
    });
    Ok(json!({"resId": resource}))
}

/// What the server's validation says, in its order and its words.
fn fault(options: &MaarchOptions, contacts: usize, body: &Value) -> Option<&'static str> {
    let checks = [
        (body.is_null(), "Body is not set or empty"),
        (
            !body["modelId"].is_i64(),
            "Body modelId is empty or not an integer",
        ),
        (
            !body["status"].is_string(),
            "Body status is empty or not a string",
        ),
        (body["doctype"] != DOCTYPE, "Body doctype does not exist"),
        (body["modelId"] != MODEL, "Body modelId does not exist"),
    ];
    let first = checks.into_iter().find(|(wrong, _)| *wrong);
    first
        .map(|(_, text)| text)
        .or_else(|| fault_of_file(options, body))
        .or_else(|| fault_of_circulation(contacts, body))
}

fn fault_of_file(options: &MaarchOptions, body: &Value) -> Option<&'static str> {
    let encoded = body["encodedFile"].as_str().unwrap_or_default();
    let file = STANDARD.decode(encoded).unwrap_or_default();
    if encoded.is_empty() {
        Some("File is mandatory for this indexing model")
    } else if !body["format"].is_string() {
        Some("Body format is empty or not a string")
    } else if !file.starts_with(b"%PDF-") || body["format"] != "pdf" {
        Some("Format with this mimeType is not allowed : pdf text/plain")
    } else {
        (file.len() > options.largest_file).then_some("Body encodedFile size is over limit")
    }
}

fn fault_of_circulation(contacts: usize, body: &Value) -> Option<&'static str> {
    let known = |recipient: &Value| {
        let id = recipient["id"].as_u64().unwrap_or(0);
        recipient["type"] == "contact" && id >= 1 && id <= contacts as u64
    };
    let recipients = body["recipients"].as_array();
    if !recipients.is_none_or(|recipients| recipients.iter().all(known)) {
        Some("Body recipients[0] id does not exist")
    } else if body["destination"] != ENTITY {
        Some("Body destination is out of your indexing parameters")
    } else {
        let known = matches!(body["status"].as_str(), Some("COU" | "END"));
        (!known).then_some("Body status does not exist")
    }
}

/// For a webservice account, the same e-mail is the same contact, whatever its name.
fn contact(register: &Register, body: &Value) -> Outcome {
    let named = |key: &str| body[key].as_str().is_some_and(|name| !name.is_empty());
    if !named("lastname") && !named("company") {
        let text = "Body lastname or company is mandatory";
        return Err((StatusCode::BAD_REQUEST, text));
    }
    let mut inner = register.inner();
    let email = body["email"].as_str().map(str::to_owned);
    let known = email.as_ref().and_then(|email| {
        inner
            .contacts
            .iter()
            .position(|c| c.as_ref() == Some(email))
    });
    let id = known.map_or_else(
        || {
            inner.contacts.push(email);
            inner.contacts.len()
        },
        |position| position + 1,
    );
    if known.is_none() {
        let ledger = &register.ledger;
        ledger.note(
            Neighbour::MaarchCourrier,
            "contact created",
            id.to_string(),
            None,
        );
    }
    Ok(json!({"id": id, "warning": Value::Null}))
}

fn show(register: &Register, number: Option<i64>) -> Outcome {
    let inner = register.inner();
    let mut resources = inner.resources.iter();
    match resources.find(|resource| Some(resource.resource) == number) {
        Some(found) => Ok(json!({
            "resId": found.resource, "modelId": MODEL, "categoryId": "outgoing",
            "chrono": found.chrono, "status": found.body["status"],
            "subject": found.body["subject"],
        })),
        None => Err((StatusCode::FORBIDDEN, "Document out of perimeter")),
    }
}

/// `POST resources`, `PUT resources/external`, `GET resources`, `GET priorities`…
fn operation(head: &axum::http::Request<()>, _body: &[u8]) -> String {
    let path = head.uri().path();
    let route = path.strip_prefix("/rest/").unwrap_or(path);
    let route = route.trim_end_matches(|letter: char| letter.is_ascii_digit());
    format!("{} {}", head.method(), route.trim_end_matches('/'))
}
