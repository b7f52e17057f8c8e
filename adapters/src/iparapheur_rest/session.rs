//! A conversation with the server: a token that is renewed before it ends, addresses, pages.

use super::{IParapheurRestConfig, NEIGHBOUR, failure, unreadable};
use crate::http;
use navette_domain::ports::{Answer, FailureClass};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

const TOKEN: [&str; 6] = [
    "auth",
    "realms",
    "api",
    "protocol",
    "openid-connect",
    "token",
];
const API: [&str; 3] = ["api", "standard", "v1"];
const CLIENT: &str = "ipcore-web";
const LARGEST_ANSWER: usize = 4 << 20;
const PAGE: &str = "100";
/// Beyond this, a list is not of one desk.
const MOST_PAGES: u32 = 200;

/// Something with an id and a name, as lists hold them.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named {
    pub id: String,
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    content: Vec<Named>,
    total_pages: u32,
}

#[derive(Debug)]
struct Token {
    access: SecretString,
    renew_at: Instant,
    refresh: Option<SecretString>,
    refresh_until: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: u64,
    refresh_token: Option<SecretString>,
    #[serde(default)]
    refresh_expires_in: u64,
}

#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    base: Url,
    login: String,
    password: SecretString,
    /// Held while it is asked for: one renewal serves everybody.
    token: Mutex<Option<Token>>,
}

impl Session {
    pub fn new(config: &IParapheurRestConfig) -> anyhow::Result<Self> {
        let base = Url::parse(&config.url)?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https"),
            "the address must begin with https://"
        );
        Ok(Self {
            client: http::client(Duration::from_secs(config.timeout_seconds)).build()?,
            base,
            login: config.login.clone(),
            password: config.password.clone(),
            token: Mutex::default(),
        })
    }

    /// Calls the interface. A token that ended sooner than it said is renewed, once.
    pub async fn call(
        &self,
        method: Method,
        path: &[String],
        query: &[(&str, &str)],
        with: impl Fn(RequestBuilder) -> reqwest::Result<RequestBuilder>,
    ) -> Answer<Response> {
        let mut url = self.address(API.iter().copied().chain(path.iter().map(String::as_str)));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut refused = None;
        loop {
            let token = self.token(refused.as_ref()).await?;
            let call = self.client.request(method.clone(), url.clone());
            let call = call.bearer_auth(token.expose_secret());
            let response = match with(call) {
                Ok(call) => call.send().await,
                Err(error) => Err(error),
            };
            let response = response.map_err(|error| http::no_answer(NEIGHBOUR, error))?;
            if response.status() != StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            if refused.is_some() {
                return Err(http::refusal(
                    NEIGHBOUR,
                    response.status(),
                    response.headers(),
                ));
            }
            refused = Some(token);
        }
    }

    /// Everything that a list holds, page by page.
    pub async fn all(&self, path: &[String]) -> Answer<Vec<Named>> {
        let mut all = vec![];
        let mut number = 0;
        loop {
            let page = number.to_string();
            let query = [("page", page.as_str()), ("size", PAGE)];
            let response = self.call(Method::GET, path, &query, Ok).await?;
            let response = http::successful(NEIGHBOUR, response)?;
            let body = http::read_limited(NEIGHBOUR, response, LARGEST_ANSWER).await?;
            let page: Page = serde_json::from_slice(&body).map_err(unreadable)?;
            all.extend(page.content);
            number += 1;
            if number >= page.total_pages {
                return Ok(all);
            }
            if number >= MOST_PAGES {
                return Err(failure(
                    FailureClass::Rejected,
                    "Le bureau d'iParapheur contient trop de dossiers pour qu'on y cherche : il faut y faire le ménage.",
                ));
            }
        }
    }

    /// A token that is not the one that was refused.
    async fn token(&self, refused: Option<&SecretString>) -> Answer<SecretString> {
        let mut held = self.token.lock().await;
        let now = Instant::now();
        if let Some(token) = held.take() {
            let is_refused = refused
                .is_some_and(|refused| refused.expose_secret() == token.access.expose_secret());
            if !is_refused && now < token.renew_at {
                let access = token.access.clone();
                *held = Some(token);
                return Ok(access);
            }
            if let Some(refresh) = &token.refresh
                && !is_refused
                && now < token.refresh_until
            {
                let form = [
                    ("client_id", CLIENT),
                    ("grant_type", "refresh_token"),
                    ("refresh_token", refresh.expose_secret()),
                ];
                // A session that the server closed is opened anew.
                if let Some(granted) = self.grant(&form).await? {
                    return Ok(held.insert(granted).access.clone());
                }
            }
        }
        let form = [
            ("client_id", CLIENT),
            ("grant_type", "password"),
            ("username", self.login.as_str()),
            ("password", self.password.expose_secret()),
        ];
        let granted = self.grant(&form).await?.ok_or_else(|| {
            failure(
                FailureClass::Credentials,
                "iParapheur refuse le compte de service de Navette.",
            )
        })?;
        Ok(held.insert(granted).access.clone())
    }

    /// What the server grants; `None` when it knows no such account or session.
    async fn grant(&self, form: &[(&str, &str)]) -> Answer<Option<Token>> {
        let mut body = Url::parse("form:").map_err(unreadable)?;
        body.query_pairs_mut().extend_pairs(form);
        let asked = Instant::now();
        let response = self
            .client
            .post(self.address(TOKEN))
            .header(
                reqwest::header::CONTENT_TYPE,
                "application/x-www-form-urlencoded",
            )
            .body(body.query().unwrap_or_default().to_owned())
            .send()
            .await
            .map_err(|error| http::no_answer(NEIGHBOUR, error))?;
        if matches!(
            response.status(),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED
        ) {
            return Ok(None);
        }
        let response = http::successful(NEIGHBOUR, response)?;
        let body = http::read_limited(NEIGHBOUR, response, LARGEST_ANSWER).await?;
        let granted: Granted = serde_json::from_slice(&body).map_err(unreadable)?;
        Ok(Some(Token {
            access: granted.access_token,
            renew_at: asked + Duration::from_millis(granted.expires_in.saturating_mul(800)),
            refresh: granted.refresh_token,
            refresh_until: asked + Duration::from_secs(granted.refresh_expires_in),
        }))
    }

    fn address<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.base.clone();
        // An address of http or https always takes a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}
