//! Who is at the door.

use super::{House, refused};
use crate::{access, addresses, graphql::asking::Asker};
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use navette_domain::policy::Permission;
use secrecy::SecretString;
use sqlx::PgPool;

/// Nobody we know: the same answer for no token, a malformed one, a wrong one, a revoked one.
pub fn unknown() -> Response {
    let mut response = refused(
        StatusCode::UNAUTHORIZED,
        "UNAUTHENTICATED",
        "Jeton absent ou invalide.",
    );
    let scheme = HeaderValue::from_static("Bearer");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    response
}

/// Whoever holds the token of an `Authorization` value; `None` for nobody.
pub async fn asker(pool: &PgPool, authorization: Option<&str>) -> Result<Option<Asker>, Response> {
    let Some(token) = authorization.and_then(bearer) else {
        return Ok(None);
    };
    let bearer = SecretString::from(token.to_owned());
    match access::authenticate(pool, &bearer).await {
        Ok(principal) => Ok(principal.map(|principal| Asker::new(principal, bearer))),
        Err(cause) => Err(unavailable(&cause)),
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

impl FromRequestParts<House> for Asker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Response> {
        let authorization = parts.headers.get(header::AUTHORIZATION);
        let authorization = authorization.and_then(|value| value.to_str().ok());
        let asker = match authorization {
            None => by_address(parts, house).await?,
            some => asker(&house.services.reads.lookups, some).await?,
        };
        asker.ok_or_else(unknown)
    }
}

/// Whoever a signed address of a document's file was made for.
async fn by_address(parts: &Parts, house: &House) -> Result<Option<Asker>, Response> {
    let path = parts.uri.path();
    let (true, Some(query)) = (
        parts.method == Method::GET && path.starts_with("/documents/"),
        parts.uri.query(),
    ) else {
        return Ok(None);
    };
    let dispatcher = &house.services.dispatcher;
    let (keys, now) = (dispatcher.log().keys(), dispatcher.now());
    let Some(name) = addresses::verify(keys, path, query, now) else {
        return Ok(None);
    };
    let principal = access::named(&house.services.reads.lookups, &name).await;
    let principal = principal.map_err(|cause| unavailable(&cause))?;
    let nothing = || SecretString::from(String::new());
    Ok(principal.map(|principal| Asker::new(principal, nothing())))
}

fn unavailable(cause: &sqlx::Error) -> Response {
    tracing::error!(%cause, "a token could not be looked up");
    let message = "Service momentanément indisponible.";
    refused(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
}

/// What whoever may not do this is answered; `None` for those who may.
pub fn forbidden(asker: &Asker, permission: Permission) -> Option<Response> {
    asker.may(permission).err().map(|_| {
        let message = "Votre rôle ne permet pas cette opération.";
        refused(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    })
}
