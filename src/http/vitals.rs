//! How Navette is, for whoever watches over it: a health check without a token, metrics with one.

use super::{House, internal, refused};
use crate::{
    graphql::asking::Asker,
    workers::{Status, longest_lock, statuses},
};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use navette_projections::{
    documents::{self, Watchdog},
    neighbours::{self, Breaker, GateRow},
    scope::Scope,
};
use serde_json::json;
use std::{fmt::Write as _, time::Duration};

/// How long the database has to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// A read model that leaves an event unapplied for longer is ill, even if it is not held.
const LATE: f64 = 30.0;

/// After so many days without a change, a document does not move.
const STILL: i32 = 30;

/// What is told of a copy.
type Value = fn(&Status) -> String;

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
}

/// Lets requests pass once the read models are built: nothing can be read before, nor answered to a change.
pub(super) async fn once_built(
    State(house): State<House>,
    request: Request,
    next: Next,
) -> Response {
    if house.services.reads.standing().building.is_empty() {
        return next.run(request).await;
    }
    let message =
        "Les vues de cette version sont en construction : réessayez dans quelques instants.";
    let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, "BUILDING", message);
    let soon = HeaderValue::from_static("5");
    response.headers_mut().insert(header::RETRY_AFTER, soon);
    response
}

/// Whether requests can be answered, and whether what they show is as it should be.
async fn health(State(house): State<House>) -> Response {
    let Ok(Ok(all)) = tokio::time::timeout(PATIENCE, statuses(&house.services.reads.pool)).await
    else {
        return refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "Base de données injoignable.",
        );
    };
    let building = house.services.reads.standing().building;
    if !building.is_empty() {
        let progress: Vec<_> = building
            .iter()
            .map(|name| {
                let next = all
                    .iter()
                    .find(|copy| copy.name == *name && copy.place == "next");
                json!({
                    "name": name,
                    "position": next.map_or(0, |next| next.position),
                    "head": next.map_or(0, |next| next.head),
                    "failedAt": next.and_then(|next| next.failed_at),
                })
            })
            .collect();
        let body = json!({ "status": "building", "projections": progress });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
    }
    let ill: Vec<_> = ours(&house, &all)
        .filter(|copy| copy.held || copy.behind > LATE)
        .map(|copy| {
            json!({
                "name": copy.name,
                "position": copy.position,
                "head": copy.head,
                "secondsBehind": copy.behind.round(),
                "held": copy.held,
            })
        })
        .collect();
    let body = if ill.is_empty() {
        json!({ "status": "ok" })
    } else {
        json!({ "status": "degraded", "projections": ill })
    };
    Json(body).into_response()
}

/// The live copies that this release reads.
fn ours<'a>(house: &'a House, all: &'a [Status]) -> impl Iterator<Item = &'a Status> {
    all.iter().filter(|copy| {
        copy.is_live()
            && house
                .shapes
                .iter()
                .any(|mine| mine.name == copy.name && mine.digest == copy.shape)
    })
}

/// What is counted, in the text format of Prometheus.
async fn metrics(State(house): State<House>, _asker: Asker) -> Response {
    match exposition(&house).await {
        Ok(text) => {
            let plain = "text/plain; version=0.0.4; charset=utf-8";
            ([(header::CONTENT_TYPE, plain)], text).into_response()
        }
        Err(cause) => internal(&cause.into()),
    }
}

async fn exposition(house: &House) -> sqlx::Result<String> {
    let pool = &house.services.reads.pool;
    let all = statuses(pool).await?;
    let (head, effects): (i64, i64) = sqlx::query_as(
        "SELECT coalesce((SELECT max(position) FROM events), 0), (SELECT count(*) FROM effects)",
    )
    .fetch_one(pool)
    .await?;
    let lease = longest_lock(pool).await?;
    let mut text = String::new();
    gauge(
        &mut text,
        "log_head",
        "The position of the last event.",
        [(String::new(), head.to_string())],
    );
    gauge(
        &mut text,
        "effects_waiting",
        "Outside work that is not done yet.",
        [(String::new(), effects.to_string())],
    );
    gauge(
        &mut text,
        "projections_lease_seconds",
        "How long somebody has kept the projections to apply events to them; 0 when nobody does.",
        [(String::new(), lease.to_string())],
    );
    gates(&mut text, &neighbours::gates(pool).await?);
    watchdog(
        &mut text,
        &documents::watchdog(pool, &Scope::whole(), STILL).await?,
    );
    let of_projections: [(&str, &str, Value); 5] = [
        ("position", "How far the live copy is.", |copy| {
            copy.position.to_string()
        }),
        ("lag", "How many events it has not applied.", |copy| {
            (copy.head - copy.position).to_string()
        }),
        (
            "oldest_unapplied_seconds",
            "The age of the oldest event that it has not applied; 0 when there is none.",
            |copy| copy.behind.to_string(),
        ),
        ("rest_seconds", "How long ago it moved.", |copy| {
            copy.rest.to_string()
        }),
        (
            "held",
            "Whether it is held before an event that it cannot apply.",
            |copy| u8::from(copy.held).to_string(),
        ),
    ];
    for (name, help, value) in of_projections {
        let samples = ours(house, &all)
            .map(|copy| (format!("{{projection=\"{}\"}}", copy.name), value(copy)));
        gauge(&mut text, &format!("projection_{name}"), help, samples);
    }
    Ok(text)
}

/// Name, help and value of one gauge of a gate.
type GateGauge = (&'static str, &'static str, fn(&GateRow) -> i32);
fn watchdog(text: &mut String, says: &Watchdog) {
    for (name, help, value) in [
        (
            "unfinished",
            "Documents that are not over.",
            says.unfinished,
        ),
        (
            "stopped",
            "Documents that wait for a person here.",
            says.stopped,
        ),
        (
            "in_approval",
            "Documents that wait for an approval here.",
            says.in_approval,
        ),
        (
            "asleep",
            "Documents that nothing will ever move again; to be 0, always.",
            says.asleep,
        ),
        (
            "still",
            "Documents that have not changed for thirty days, though nobody is called.",
            says.still,
        ),
    ] {
        let samples = [(String::new(), value.to_string())];
        gauge(text, &format!("documents_{name}"), help, samples);
    }
}

fn gates(text: &mut String, gates: &[GateRow]) {
    let of_gates: [GateGauge; 3] = [
        (
            "open",
            "Whether it lets work through as usual; 0 while its breaker is not closed.",
            |gate| i32::from(gate.breaker == Breaker::Closed),
        ),
        (
            "at_once",
            "How many effects it lets be under way now.",
            |gate| gate.at_once,
        ),
        ("under_way", "How many effects are under way.", |gate| {
            gate.under_way
        }),
    ];
    for (name, help, value) in of_gates {
        let samples = gates.iter().map(|gate| {
            let labels = format!(
                "{{neighbour=\"{}\",node=\"{}\"}}",
                gate.neighbour, gate.node
            );
            (labels, value(gate).to_string())
        });
        gauge(text, &format!("gate_{name}"), help, samples);
    }
}

fn gauge(
    text: &mut String,
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = (String, String)>,
) {
    // Writing to a text does not fail.
    let _ = writeln!(
        text,
        "# HELP navette_{name} {help}\n# TYPE navette_{name} gauge"
    );
    for (labels, value) in samples {
        let _ = writeln!(text, "navette_{name}{labels} {value}");
    }
}
