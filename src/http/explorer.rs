//! The page in which developers try queries.

use async_graphql::http::GraphiQLSource;
use axum::{
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

/// GraphiQL loads its parts from esm.sh and starts from a script in the page.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' https://esm.sh; \
    style-src 'unsafe-inline' https://esm.sh; font-src https://esm.sh data:; img-src 'self' data:; \
    connect-src 'self' https://esm.sh; worker-src blob:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The page. It holds no data and needs no token: the token is typed into its headers.
pub async fn page() -> Response {
    let page = GraphiQLSource::build()
        .endpoint("/graphql")
        .subscription_endpoint("/graphql/ws")
        .title("Navette")
        .finish();
    let mut response = Html(page).into_response();
    let policy = HeaderValue::from_static(POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
