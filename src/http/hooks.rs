//! `POST /hooks/nextcloud`, `POST /hooks/iparapheur`: a neighbour, or whoever watches it, says that something may
//! have moved there. That is a hint: nothing that comes with it is believed, nor even read. It brings forward the
//! next round at that neighbour, which asks it what is so; hints that repeat, lie, or come too early change nothing.
//!
//! Whoever hints says the secret that the configuration gives to its neighbour: `Authorization: Bearer …`.

use super::{House, internal, refused};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use navette_domain::{digest::Digest, ports::Neighbour};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A place is not listed sooner than this after the last time, whatever hints come.
const REST: Duration = Duration::from_secs(2);
/// Hints about one neighbour that come closer together are one hint.
const ONE_HINT: Duration = Duration::from_secs(1);

/// When the last hint about each neighbour was heeded.
#[derive(Debug, Default)]
pub(super) struct Hints(Mutex<BTreeMap<Neighbour, Instant>>);

impl Hints {
    /// Whether this hint is another one than the last.
    fn heeds(&self, neighbour: Neighbour) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let heeds = last
            .get(&neighbour)
            .is_none_or(|last| now.duration_since(*last) >= ONE_HINT);
        if heeds {
            last.insert(neighbour, now);
        }
        heeds
    }
}

pub(super) fn routes() -> Router<House> {
    Router::new().route("/hooks/{neighbour}", post(hint))
}

async fn hint(
    State(house): State<House>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Response {
    let known = Neighbour::ALL.into_iter().find(|of| of.code() == code);
    // Whoever does not know the secret does not learn which neighbours have one.
    let Some(neighbour) = known.filter(|of| knows(house.doors.hooks.get(of), &headers)) else {
        tracing::warn!(
            neighbour = known.map(Neighbour::code),
            "a hint without the right secret was refused"
        );
        let message = "Secret absent ou incorrect : voyez `http.hooks` dans la configuration.";
        return refused(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
    };
    if house.hints.heeds(neighbour) {
        tracing::info!(neighbour = neighbour.code(), "a hint was heeded");
        if let Err(error) = house.effects.hurry(neighbour, REST).await {
            return internal(&error.into());
        }
    }
    StatusCode::ACCEPTED.into_response()
}

/// Digests are compared, so that the time it takes tells nothing of the secret.
fn knows(secret: Option<&SecretString>, headers: &HeaderMap) -> bool {
    let said = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match (secret, said) {
        (Some(secret), Some(said)) => {
            Digest::of(secret.expose_secret().as_bytes()) == Digest::of(said.as_bytes())
        }
        _ => false,
    }
}
