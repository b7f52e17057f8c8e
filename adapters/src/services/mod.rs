//! The web services that chains call: those of the configuration, and no other.

use crate::http;
use anyhow::Context as _;
use async_trait::async_trait;
use navette_domain::ports::{
    Answer, FailureClass, Named, Neighbour, PortFailure, ServiceCall, Trial, WebServices,
};
use reqwest::{
    Client, Method, RequestBuilder, StatusCode, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

const NEIGHBOUR: Neighbour = Neighbour::WebServices;

/// How one service is called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Its address.
    pub url: String,
    /// How it is asked.
    #[serde(default)]
    pub method: ServiceMethod,
    /// What is sent beside the body.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Who Navette is there.
    pub auth: Option<ServiceAuth>,
    /// How long one call may last, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
    /// The largest answer that is read, in bytes.
    #[serde(default = "default_largest")]
    pub largest_answer: usize,
    /// What a good answer says, where its status does not say enough.
    pub success: Option<Success>,
}

fn default_timeout() -> u64 {
    30
}

fn default_largest() -> usize {
    1 << 20
}

/// How a service is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are those of HTTP")]
pub enum ServiceMethod {
    #[default]
    Post,
    Put,
    Patch,
    Get,
}

/// Who Navette is at a service.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are those of HTTP")]
pub enum ServiceAuth {
    Bearer {
        token: SecretString,
    },
    Basic {
        login: String,
        password: SecretString,
    },
    /// A header of its own.
    Header {
        name: String,
        value: SecretString,
    },
}

/// What a good answer says: many services answer 200 to what they refuse.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// The text that stands there.
    pub equals: String,
}

struct Service {
    config: ServiceConfig,
    client: Client,
    url: Url,
    headers: HeaderMap,
}

/// See the module.
pub struct ConfiguredServices(BTreeMap<String, Service>);

impl ConfiguredServices {
    /// Refuses what cannot be called.
    pub fn new(configs: &BTreeMap<String, ServiceConfig>) -> anyhow::Result<Self> {
        let service = |(name, config): (&String, &ServiceConfig)| {
            let service = Service::new(config).with_context(|| format!("the service {name}"))?;
            Ok((name.clone(), service))
        };
        configs
            .iter()
            .map(service)
            .collect::<anyhow::Result<_>>()
            .map(Self)
    }
}

impl Service {
    fn new(config: &ServiceConfig) -> anyhow::Result<Self> {
        let url = Url::parse(&config.url).context("its address is not a URL")?;
        anyhow::ensure!(
            matches!(url.scheme(), "http" | "https"),
            "its address must begin with https://"
        );
        let mut headers = HeaderMap::new();
        let mut put = |name: &str, value: &str| {
            let name: HeaderName = name.parse().with_context(|| format!("the header {name}"))?;
            let mut text: HeaderValue = value
                .parse()
                .with_context(|| format!("the header {name}"))?;
            text.set_sensitive(true);
            headers.insert(name, text);
            anyhow::Ok(())
        };
        for (name, value) in &config.headers {
            put(name, value)?;
        }
        if let Some(ServiceAuth::Header { name, value }) = &config.auth {
            put(name, value.expose_secret())?;
        }
        Ok(Self {
            client: http::client(Duration::from_secs(config.timeout_seconds)).build()?,
            config: config.clone(),
            url,
            headers,
        })
    }

    fn request(&self, call: &ServiceCall) -> RequestBuilder {
        let method = match self.config.method {
            ServiceMethod::Post => Method::POST,
            ServiceMethod::Put => Method::PUT,
            ServiceMethod::Patch => Method::PATCH,
            ServiceMethod::Get => Method::GET,
        };
        let request = self
            .client
            .request(method, self.url.clone())
            .headers(self.headers.clone())
            .header("Idempotency-Key", call.key.to_string());
        let request = self.introduced(request);
        match &call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// With who Navette is.
    fn introduced(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.config.auth {
            Some(ServiceAuth::Bearer { token }) => request.bearer_auth(token.expose_secret()),
            Some(ServiceAuth::Basic { login, password }) => {
                request.basic_auth(login, Some(password.expose_secret()))
            }
            Some(ServiceAuth::Header { .. }) | None => request,
        }
    }

    /// What may be done there is asked, and nothing is done: most services answer that they do not know the
    /// question, which shows that they are there.
    async fn try_out(&self) -> Answer<()> {
        let asked = self
            .client
            .request(Method::OPTIONS, self.url.clone())
            .headers(self.headers.clone());
        let response = self.introduced(asked).send().await;
        let response = response.map_err(|error| http::no_answer(NEIGHBOUR, error))?;
        match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                http::successful(NEIGHBOUR, response).map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn call(&self, call: &ServiceCall) -> Answer<BTreeMap<String, String>> {
        let response = self.request(call).send().await;
        let response = response.map_err(|error| http::no_answer(NEIGHBOUR, error))?;
        let response = http::successful(NEIGHBOUR, response)?;
        let body = http::read_limited(NEIGHBOUR, response, self.config.largest_answer).await?;
        if self.config.success.is_none() && call.keep.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rejected =
            |sentence: String| PortFailure::new(NEIGHBOUR, FailureClass::Rejected, sentence);
        let answer: Value = serde_json::from_slice(&body)
            .map_err(|error| rejected("la réponse n'est pas du JSON.".into()).because(error))?;
        if let Some(success) = &self.config.success {
            let said = answer.pointer(&success.pointer).and_then(text);
            if said.as_ref() != Some(&success.equals) {
                return Err(rejected(format!(
                    "la réponse ne dit pas « {} » en {}.",
                    success.equals, success.pointer
                )));
            }
        }
        let kept = call.keep.iter().map(|(name, pointer)| {
            let value = answer.pointer(pointer).and_then(text);
            let value = value.ok_or_else(|| {
                rejected(format!("la réponse ne donne pas « {name} » en {pointer}."))
            })?;
            Ok((name.clone(), value))
        });
        kept.collect()
    }
}

/// The text of a value that has one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[async_trait]
impl WebServices for ConfiguredServices {
    async fn call(&self, call: &ServiceCall) -> Answer<BTreeMap<String, String>> {
        let name = &call.service;
        let service = self.0.get(name).ok_or_else(|| unknown(name))?;
        let answer = service.call(call).await;
        answer.map_err(|failure| of_service(name, failure))
    }
}

#[async_trait]
impl Trial for ConfiguredServices {
    async fn try_out(&self, named: &Named) -> Vec<Answer<String>> {
        let strangers = named
            .services
            .iter()
            .filter(|name| !self.0.contains_key(*name));
        let mut told: Vec<_> = strangers.map(|name| Err(unknown(name))).collect();
        for (name, service) in &self.0 {
            let answer = service.try_out().await;
            let answer = answer.map_err(|failure| of_service(name, failure));
            told.push(answer.map(|()| format!("Le service « {name} » répond.")));
        }
        told
    }
}

fn unknown(name: &str) -> PortFailure {
    let sentence = format!(
        "Le service « {name} » n'est pas dans la configuration de Navette : faites-l'y ajouter, puis relancez."
    );
    PortFailure::new(NEIGHBOUR, FailureClass::Rejected, sentence)
}

fn of_service(name: &str, failure: PortFailure) -> PortFailure {
    PortFailure {
        sentence: format!("Service « {name} » : {}", failure.sentence),
        ..failure
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests;
