//! The REST interface: who may call, what is asked, in which words it is answered.

use super::{
    Oddity,
    desk::{Desk, Folder, Stage},
    premis,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, State},
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

type Shared = Arc<Mutex<Desk>>;

const TOKEN: &str = "/auth/realms/api/protocol/openid-connect/token";
const API: &str = "/api/standard/v1/";
const LARGEST: usize = 128 << 20;

pub(super) fn router(desk: Shared) -> Router {
    Router::new()
        .fallback(serve)
        .layer(DefaultBodyLimit::disable())
        .with_state(desk)
}

/// The method, and the last part of the path that is a word: `POST folder`, `GET zip`, `GET FINISHED`.
pub(super) fn operation(request: &Request<()>, _: &[u8]) -> String {
    let path = request.uri().path();
    if path == TOKEN {
        return "token".to_owned();
    }
    let word = |part: &&str| !part.contains('-') && !part.is_empty();
    let last = path.split('/').rfind(word).unwrap_or_default();
    format!("{} {last}", request.method())
}

fn error(status: StatusCode, message: &str) -> Response {
    let body = json!({
        "timestamp": "2026-01-01T00:00:00.000+0000", "status": status.as_u16(),
        "error": status.canonical_reason(), "message": message, "path": "",
    });
    (status, Json(body)).into_response()
}

async fn serve(State(shared): State<Shared>, request: Request<Body>) -> Response {
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    if path == TOKEN {
        let body = body
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        return token(&mut lock(), &form(&body));
    }
    let named = operation(&Request::from_parts(head.clone(), ()), b"");
    let oddity = lock().oddity(&named);
    if oddity == Some(Oddity::Unauthorised) || !is_known(&lock(), &head.headers) {
        return error(StatusCode::UNAUTHORIZED, "");
    }
    if oddity == Some(Oddity::PageForAnswer) {
        let page = "<html><body>Votre session a expiré.</body></html>";
        return ([(header::CONTENT_TYPE, "text/html")], page).into_response();
    }
    let Some(rest) = path.strip_prefix(API) else {
        return error(StatusCode::NOT_FOUND, "");
    };
    let parts: Vec<_> = rest.split('/').collect();
    let query = form(head.uri.query().unwrap_or_default().as_bytes());
    match (&head.method, parts.as_slice()) {
        (&Method::POST, ["tenant", _, "desk", _, "folder"]) => {
            let request = Request::from_parts(head, Body::new(body));
            match Multipart::from_request(request, &()).await {
                Ok(parts) => create(&shared, parts).await,
                Err(_) => error(StatusCode::BAD_REQUEST, "not multipart"),
            }
        }
        (method, parts) => answer(&mut lock(), method, parts, &query, oddity),
    }
}

fn is_known(desk: &Desk, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.to_str().ok()?.strip_prefix("Bearer "));
    let now = Instant::now();
    given.is_some_and(|given| {
        let mut tokens = desk.tokens.iter();
        tokens.any(|(token, until)| token == given && now < *until)
    })
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect()
}

fn token(desk: &mut Desk, form: &BTreeMap<String, String>) -> Response {
    let given = |key: &str| form.get(key).map_or("", String::as_str);
    let known = match given("grant_type") {
        "password" => {
            desk.logins.0 += 1;
            given("username") == desk.options.login && given("password") == desk.options.password
        }
        "refresh_token" => {
            desk.logins.1 += 1;
            let refresh = given("refresh_token");
            desk.tokens
                .iter()
                .any(|(token, _)| refresh == format!("r{token}"))
        }
        _ => false,
    };
    if !known || given("client_id") != "ipcore-web" {
        let body =
            json!({ "error": "invalid_grant", "error_description": "Invalid user credentials" });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let token = desk.token();
    Json(json!({
        "access_token": token, "expires_in": desk.options.token_seconds, "token_type": "Bearer",
        "refresh_token": format!("r{token}"), "refresh_expires_in": 1800, "not-before-policy": 0,
    }))
    .into_response()
}

async fn create(shared: &Shared, mut parts: Multipart) -> Response {
    let (mut description, mut documents) = (None, vec![]);
    while let Ok(Some(part)) = parts.next_field().await {
        let (name, file) = (
            part.name().unwrap_or_default().to_owned(),
            part.file_name().unwrap_or_default().to_owned(),
        );
        let bytes = part.bytes().await.unwrap_or_default();
        match name.as_str() {
            "folder" => description = Some(bytes),
            "documents" => documents.push((file, bytes)),
            _ => {}
        }
    }
    let asked = premis::asked(&description.unwrap_or_default());
    let (title, circuit, file_name) = match asked {
        Ok(asked) => asked,
        Err(unreadable) => return error(StatusCode::BAD_REQUEST, &unreadable.to_string()),
    };
    let document = documents.into_iter().find(|(name, _)| *name == file_name);
    let Some(document) = document.filter(|(_, bytes)| !bytes.is_empty() && bytes.len() < LARGEST)
    else {
        return error(StatusCode::BAD_REQUEST, "A described document was not sent");
    };
    let made = {
        let mut desk = shared.lock().unwrap_or_else(PoisonError::into_inner);
        // Ids and names are the same here.
        desk.create(title, circuit, document)
    };
    match made {
        Ok(folder) => (StatusCode::CREATED, Json(named(&folder))).into_response(),
        Err(message) => error(StatusCode::BAD_REQUEST, &message),
    }
}

fn named(folder: &Folder) -> Value {
    json!({ "id": folder.id, "name": folder.title, "dueDate": null, "metadata": {} })
}

fn answer(
    desk: &mut Desk,
    method: &Method,
    parts: &[&str],
    query: &BTreeMap<String, String>,
    oddity: Option<Oddity>,
) -> Response {
    let options = desk.options.clone();
    let same = |name: &String| json!({ "id": name, "name": name });
    let list = |all: Vec<Value>| page(&all, query, options.largest_page);
    match (method.as_str(), parts) {
        ("GET", ["tenant"]) => list(vec![json!({ "id": "t-1", "name": options.place.0 })]),
        ("GET", ["tenant", "t-1", "desk"]) => {
            list(vec![json!({ "id": "d-1", "name": options.place.1 })])
        }
        ("GET", ["tenant", "t-1", "desk", "d-1", "types", "creation-allowed"]) => list(
            options
                .circuits
                .iter()
                .map(|(name, _)| same(name))
                .collect(),
        ),
        (
            "GET",
            [
                "tenant",
                "t-1",
                "desk",
                "d-1",
                "types",
                asked,
                "subtypes",
                "creation-allowed",
            ],
        ) => {
            let of_type = options.circuits.iter().filter(|(name, _)| name == asked);
            list(of_type.map(|(_, name)| same(name)).collect())
        }
        (method, ["tenant", "t-1", "desk", "d-1", "folder", id, what @ ..]) => {
            folder(desk, method, id, what, oddity)
        }
        ("GET", ["tenant", "t-1", "desk", "d-1", "DOWNSTREAM"]) if !options.lists_downstream => {
            error(StatusCode::BAD_REQUEST, "unknown state")
        }
        ("GET", ["tenant", "t-1", "desk", "d-1", state]) => {
            let all = desk.folders.iter().filter(|folder| is_in(folder, state));
            list(all.map(named).collect())
        }
        _ => error(StatusCode::NOT_FOUND, ""),
    }
}

fn is_in(folder: &Folder, state: &str) -> bool {
    match folder.stage {
        Stage::Draft => state == "DRAFT",
        Stage::Running if folder.retrievable => matches!(state, "RETRIEVABLE" | "DOWNSTREAM"),
        Stage::Running => state == "DOWNSTREAM",
        Stage::Finished => state == "FINISHED",
        Stage::Rejected => state == "REJECTED",
    }
}

fn page(all: &[Value], query: &BTreeMap<String, String>, largest: usize) -> Response {
    let number = |key: &str, usual: usize| {
        let asked = query.get(key).and_then(|text| text.parse().ok());
        asked.unwrap_or(usual)
    };
    let size = number("size", 10).clamp(1, largest);
    let page = number("page", 0);
    let content: Vec<_> = all.iter().skip(page * size).take(size).collect();
    let pages = all.len().div_ceil(size);
    Json(json!({
        "content": content, "totalElements": all.len(), "totalPages": pages, "number": page,
        "size": size, "numberOfElements": content.len(), "first": page == 0,
        "last": page + 1 >= pages, "empty": content.is_empty(),
    }))
    .into_response()
}

fn folder(
    desk: &mut Desk,
    method: &str,
    id: &str,
    what: &[&str],
    oddity: Option<Oddity>,
) -> Response {
    let Some(folder) = desk.look(id) else {
        return error(StatusCode::NOT_FOUND, "unknown folder");
    };
    let done = |done: Result<(), &str>, status: StatusCode| match done {
        Ok(()) => status.into_response(),
        Err(message) => error(StatusCode::BAD_REQUEST, message),
    };
    match (method, what) {
        ("GET", ["premis"]) => {
            let kind = [(header::CONTENT_TYPE, "application/xml")];
            (kind, premis::description(folder)).into_response()
        }
        ("GET", ["zip"]) => match premis::zip(folder, oddity) {
            Ok(zip) => (
                [(header::CONTENT_TYPE, "application/zip")],
                Bytes::from(zip),
            )
                .into_response(),
            Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, ""),
        },
        ("DELETE", []) => done(desk.delete(id), StatusCode::NO_CONTENT),
        ("PUT", ["task", task, "undo"]) => done(desk.undo(id, task), StatusCode::OK),
        _ => error(StatusCode::NOT_FOUND, ""),
    }
}
