//! The HTTP door: GraphQL, uploads of templates, images, attachments and scans, previews, downloads, printing, metrics.
//! Every route but the health check wants a token, and every answer, errors included, carries the security headers.

mod attachments;
mod auth;
mod bundles;
mod downloads;
mod epoch;
mod explorer;
mod exports;
mod form;
mod graphql;
mod headers;
mod hooks;
mod previews;
mod prints;
mod scans;
mod uploads;
mod vitals;

use crate::{
    app::{App, for_lookups, for_questions},
    bundle::Bundles,
    exports::Exports,
    graphql::{Executor, Services, executor, faults, persisted::Persisted, straight::Straight},
    workers::Shape,
};
use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use hooks::Hints;
use navette_adapters::effects::Effects;
use navette_domain::ports::{FileStore, Neighbour};
use secrecy::SecretString;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tower_http::timeout::TimeoutLayer;

/// How long a request may take; subscriptions have their own rules.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one statement of a question may take.
const STATEMENT: Duration = Duration::from_secs(20);
/// How long the PDF of a whole batch, the bundle of a dossier, or the reading of scanned letters may take.
const PATIENCE_WITH_PRINTS: Duration = Duration::from_mins(10);
/// The largest GraphQL request: its lists of ids are the largest part.
const GRAPHQL_BODY: usize = 2 * 1024 * 1024;

/// What is open.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    /// Whether the schema tells about itself, and the explorer is served.
    pub explorer: bool,
    /// The origins, besides our own, whose pages may open a subscription: `https://console.example.fr`.
    pub origins: Vec<String>,
    /// The secrets with which neighbours say that something may have moved there.
    pub hooks: BTreeMap<Neighbour, SecretString>,
    /// The queries that may be named, and whether others are answered.
    pub persisted: Persisted,
}

/// What the routes work with.
#[derive(Clone)]
struct House {
    services: Services,
    executor: Executor,
    straight: Straight,
    files: Arc<dyn FileStore>,
    bundles: Bundles,
    exports: Exports,
    doors: Arc<Doors>,
    effects: Effects,
    hints: Arc<Hints>,
    shapes: Arc<[Shape]>,
}

/// All the routes, on this application.
pub fn router(app: &App, doors: Doors) -> Router {
    let services = Services::of(
        app,
        for_questions(&app.pool, STATEMENT),
        for_lookups(&app.pool, STATEMENT),
    );
    let explorer = doors.explorer;
    let epoch = app.epoch;
    let house = House {
        straight: Straight::new(services.reads.clone()),
        executor: executor(services.clone(), explorer).with(doors.persisted.clone()),
        services,
        files: app.ports.files.clone(),
        bundles: app.bundles.clone(),
        exports: app.exports.clone(),
        doors: Arc::new(doors),
        effects: app.effects("door"),
        hints: Arc::default(),
        shapes: app.projections.shapes(),
    };
    let mut routes = Router::new()
        .route("/graphql", get(graphql::by_get).post(graphql::by_post))
        .layer(DefaultBodyLimit::max(GRAPHQL_BODY))
        .route("/graphql/ws", get(graphql::subscribe))
        .merge(downloads::routes())
        .merge(uploads::routes())
        .merge(attachments::routes())
        .merge(previews::routes());
    if explorer {
        routes = routes
            .route("/", get(explorer::page))
            .route("/explorer", get(explorer::page))
            .route("/explorer/{file}", get(explorer::part));
    }
    let within = |patience| TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, patience);
    routes
        .layer(within(PATIENCE))
        .merge(
            prints::routes()
                .merge(scans::routes())
                .merge(bundles::routes())
                .merge(exports::routes())
                .layer(within(PATIENCE_WITH_PRINTS)),
        )
        .route_layer(middleware::from_fn_with_state(
            house.clone(),
            vitals::once_built,
        ))
        .merge(
            vitals::routes()
                .merge(hooks::routes())
                .layer(within(PATIENCE)),
        )
        .fallback(async || refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable."))
        .with_state(house)
        .layer(middleware::from_fn(move |request, next| {
            epoch::same(epoch, request, next)
        }))
        .layer(middleware::map_response(headers::secure))
}

/// What a fault of ours is answered; the journal has its cause. What is archived is no fault, and is told.
fn internal(cause: &anyhow::Error) -> Response {
    if let Some(sentence) = faults::archived(cause) {
        return refused(StatusCode::CONFLICT, faults::ARCHIVED, &sentence);
    }
    tracing::error!(cause = %format_args!("{cause:#}"), "a request failed");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    refused(status, "INTERNAL", "Erreur interne.")
}

/// An error, in the form that GraphQL clients know.
fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "errors": [{ "message": message, "extensions": { "code": code } }] });
    (status, Json(body)).into_response()
}
