//! The page in which developers try queries: small, and all of it from this program, so that it works where
//! nothing else can be reached and sends nothing anywhere.

use crate::graphql;
use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("script.js");
const STYLE: &str = include_str!("style.css");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page. It holds no data and needs no token: the token is typed into it, and forgotten with it.
pub async fn page() -> Response {
    let mut response = Html(PAGE).into_response();
    let policy = HeaderValue::from_static(POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// What the page loads: its script, its style, and the schema.
pub async fn part(Path(file): Path<String>) -> Response {
    let (media_type, text) = match file.as_str() {
        "script.js" => ("text/javascript; charset=utf-8", SCRIPT.to_owned()),
        "style.css" => ("text/css; charset=utf-8", STYLE.to_owned()),
        "schema.graphql" => ("text/plain; charset=utf-8", graphql::sdl()),
        _ => return super::refused(StatusCode::NOT_FOUND, "NOT_FOUND", "Introuvable."),
    };
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}
