//! GraphQL over HTTP, as server-sent events and over WebSockets.

use super::{House, auth, refused};
use crate::graphql::{self, asking::Asker, limits, straight::Told};
use async_graphql::{
    Executor as _, Request, http::parse_query_string, parser::types::OperationType,
};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::{
    Json,
    body::Bytes,
    extract::{RawQuery, State, WebSocketUpgrade, ws::WebSocket},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt as _, stream};
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// How long a connection may stay without saying who it is.
const INTRODUCTION: Duration = Duration::from_secs(10);
/// How long a connection may stay without answering our pings.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const LARGEST_MESSAGE: usize = 64 * 1024;

/// One operation, as JSON. Anything else a page of another site could send without asking is refused.
pub async fn by_post(
    State(house): State<House>,
    asker: Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_json(&headers) {
        let message = "Envoyez du JSON (application/json).";
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST", message);
    }
    match serde_json::from_slice(&body) {
        Ok(request) if wants_events(&headers) => events(&house, asker, request, &headers).await,
        Ok(request) => execute(&house, asker, request).await,
        Err(_) => unreadable(),
    }
}

/// One query in the address. Whatever changes something is refused: addresses are followed, kept and shared.
pub async fn by_get(
    State(house): State<House>,
    asker: Asker,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(request) = parse_query_string(&query.unwrap_or_default()) else {
        return unreadable();
    };
    let follows = wants_events(&headers);
    if is_all(&request, OperationType::Query) && !follows {
        return execute(&house, asker, request).await;
    }
    if follows && !is_all(&request, OperationType::Mutation) {
        return events(&house, asker, request, &headers).await;
    }
    let message = "Par GET, seules les requêtes de lecture sont acceptées.";
    let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, "BAD_REQUEST", message);
    let allowed = header::HeaderValue::from_static("POST");
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

/// Whether every operation of a request is of this kind; a request that cannot be read is of none.
fn is_all(request: &Request, kind: OperationType) -> bool {
    limits::read(&request.query).is_ok_and(|document| {
        let mut operations = document.operations.iter();
        operations.all(|(_, operation)| operation.node.ty == kind)
    })
}

fn wants_events(headers: &HeaderMap) -> bool {
    let said = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    said.is_some_and(|said| said.contains("text/event-stream"))
}

/// The answers as server-sent events (graphql-sse, distinct connections): one event `next` for each, then
/// `complete`. The token comes in the header, so no page of another site can ask; one that says another origin
/// is refused all the same.
async fn events(house: &House, asker: Asker, request: Request, headers: &HeaderMap) -> Response {
    if is_foreign(headers, &house.doors.origins) {
        return refused(StatusCode::FORBIDDEN, "FORBIDDEN", "Origine refusée.");
    }
    let answers = if is_all(&request, OperationType::Subscription) {
        let session = graphql::connection(asker);
        house
            .executor
            .execute_stream(request, Some(Arc::new(session)))
    } else {
        let request = graphql::request(request, &house.services.reads, asker);
        let answer = house.executor.execute(request).await;
        stream::iter([answer]).boxed()
    };
    let next = answers.map(|answer| Event::default().event("next").json_data(answer));
    let complete = stream::iter([Ok(Event::default().event("complete").data(""))]);
    Sse::new(next.chain(complete))
        .keep_alive(KeepAlive::default())
        .into_response()
}

async fn execute(house: &House, asker: Asker, request: Request) -> Response {
    let lesson = match house.straight.answer(&request, &asker).await {
        Told::Answer(body) => {
            return ([(header::CONTENT_TYPE, "application/json")], body).into_response();
        }
        Told::Nothing(lesson) => lesson,
    };
    let request = graphql::request(request, &house.services.reads, asker);
    let answer = house.executor.execute(request).await;
    if let Some(lesson) = lesson.filter(|_| answer.is_ok()) {
        house.straight.learn(lesson);
    }
    Json(answer).into_response()
}

fn unreadable() -> Response {
    refused(
        StatusCode::BAD_REQUEST,
        "BAD_REQUEST",
        "Requête GraphQL illisible.",
    )
}

fn is_json(headers: &HeaderMap) -> bool {
    let said = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = said.and_then(|said| said.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

/// Subscriptions (graphql-transport-ws). Browsers cannot send headers here, so the token comes in the first
/// message: `{"Authorization": "Bearer …"}`.
pub async fn subscribe(
    State(house): State<House>,
    headers: HeaderMap,
    protocol: GraphQLProtocol,
    upgrade: WebSocketUpgrade,
) -> Response {
    if is_foreign(&headers, &house.doors.origins) {
        return refused(StatusCode::FORBIDDEN, "FORBIDDEN", "Origine refusée.");
    }
    upgrade
        .protocols(["graphql-transport-ws"])
        .max_message_size(LARGEST_MESSAGE)
        .on_upgrade(move |socket| converse(house, socket, protocol))
}

async fn converse(house: House, socket: WebSocket, protocol: GraphQLProtocol) {
    let (introduce, introduced) = oneshot::channel();
    let pool = house.services.reads.lookups.clone();
    let conversation = GraphQLWebSocket::new(socket, house.executor, protocol)
        .on_connection_init(move |payload| async move {
            let authorization = payload
                .get("Authorization")
                .and_then(serde_json::Value::as_str);
            let asker = auth::asker(&pool, authorization).await;
            let asker = asker.ok().flatten().ok_or("Jeton absent ou invalide.")?;
            let _ = introduce.send(());
            Ok(graphql::connection(asker))
        })
        .keepalive_timeout(KEEP_ALIVE)
        .serve();
    let silence = async {
        if !matches!(
            tokio::time::timeout(INTRODUCTION, introduced).await,
            Ok(Ok(()))
        ) {
            return;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = conversation => {}
        () = silence => {}
    }
}

/// Whether a page of another site opens this connection. Programs that are no browser say no origin.
fn is_foreign(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let Ok(origin) = origin.to_str() else {
        return true;
    };
    let own = origin.split_once("://").map(|(_, host)| host);
    let ours = own.is_some() && own == text(header::HOST);
    !ours && !allowed.iter().any(|known| known == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let value = |text| header::HeaderValue::from_static(text);
        pairs
            .iter()
            .map(|(name, text)| (name.clone(), value(text)))
            .collect()
    }

    #[test]
    fn only_our_own_pages_and_those_allowed_open_subscriptions() {
        let host = (header::HOST, "navette.example.fr");
        let allowed = ["https://console.example.fr".to_owned()];
        for (origin, foreign) in [
            ("https://navette.example.fr", false),
            ("https://console.example.fr", false),
            ("https://evil.example", true),
            ("https://navette.example.fr.evil.example", true),
            ("null", true),
        ] {
            let headers = headers(&[host.clone(), (header::ORIGIN, origin)]);
            assert_eq!(is_foreign(&headers, &allowed), foreign, "{origin}");
        }
        assert!(!is_foreign(&headers(&[host]), &[]));
    }
}
