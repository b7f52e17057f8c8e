//! One question to the API, and what its answers mean: refusals of the trade come with a status 200.

use super::wire;
use crate::http;
use anyhow::Context as _;
use navette_domain::ports::{Answer, FailureClass, Neighbour, PortFailure};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// A page of a hundred dossiers with long forms.
const LARGEST_ANSWER: usize = 64 << 20;

/// The API, with one token.
#[derive(Debug, Clone)]
pub(super) struct Api {
    neighbour: Neighbour,
    http: Client,
    endpoint: Url,
    token: SecretString,
}

impl Api {
    pub(super) fn new(
        neighbour: Neighbour,
        url: &str,
        token: SecretString,
        timeout_seconds: u64,
    ) -> anyhow::Result<Self> {
        let mut endpoint =
            Url::parse(url).with_context(|| format!("the address of {neighbour} is not a URL"))?;
        anyhow::ensure!(
            matches!(endpoint.scheme(), "http" | "https"),
            "the address of {neighbour} must begin with https://"
        );
        if let Ok(mut path) = endpoint.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v2", "graphql"]);
        }
        Ok(Self {
            neighbour,
            http: http::client(Duration::from_secs(timeout_seconds)).build()?,
            endpoint,
            token,
        })
    }

    /// The data that `query` asks for.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: Value,
    ) -> Answer<T> {
        let body = json!({ "query": query, "variables": variables });
        let request = self
            .http
            .post(self.endpoint.clone())
            .bearer_auth(self.token.expose_secret())
            .json(&body);
        let response = self.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status == StatusCode::FORBIDDEN {
            let sentence =
                "Démarches simplifiées refuse le jeton de Navette, ou le réseau d'où elle appelle.";
            return Err(self.failure(FailureClass::Credentials, sentence));
        }
        if !status.is_success() && status != StatusCode::BAD_REQUEST {
            return Err(http::refusal(self.neighbour, status, &headers));
        }
        let body = http::read_limited(self.neighbour, response, LARGEST_ANSWER).await?;
        let answer: wire::Answer<T> = serde_json::from_slice(&body).map_err(|error| {
            let sentence = "La réponse de Démarches simplifiées n'est pas comprise.";
            self.failure(FailureClass::Transient, sentence)
                .because(error)
        })?;
        match (answer.errors.into_iter().next(), answer.data) {
            (None, Some(data)) => Ok(data),
            (Some(error), _) => Err(self.refusal(&error)),
            (None, None) => {
                let sentence = "Démarches simplifiées n'a rien répondu.";
                Err(self.failure(FailureClass::Transient, sentence))
            }
        }
    }

    fn refusal(&self, error: &wire::GraphqlError) -> PortFailure {
        let sentence = match error.code() {
            "not_found" => "Démarches simplifiées ne connaît pas ce dossier ou cette démarche.",
            "unauthorized" => {
                "Le jeton de Navette n'ouvre pas ce dossier ou cette démarche dans Démarches simplifiées."
            }
            "internal_server_error" => {
                let sentence = "Démarches simplifiées est momentanément indisponible.";
                return self
                    .failure(FailureClass::Transient, sentence)
                    .because(error.message.clone());
            }
            _ => "Démarches simplifiées refuse la demande.",
        };
        self.failure(FailureClass::Rejected, sentence)
            .because(error.message.clone())
    }

    /// Sends the bytes of a file to where the API said, without our token: it may be another server.
    pub(super) async fn upload(&self, upload: &wire::DirectUpload, bytes: &[u8]) -> Answer<()> {
        let unusable = || {
            let sentence = "Démarches simplifiées ne dit pas où envoyer le fichier.";
            self.failure(FailureClass::Transient, sentence)
        };
        let url = Url::parse(&upload.url).map_err(|error| unusable().because(error))?;
        let headers: std::collections::BTreeMap<String, String> =
            serde_json::from_str(&upload.headers).map_err(|error| unusable().because(error))?;
        let mut request = self.http.put(url).body(bytes.to_vec());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self.send(request).await?;
        http::successful(self.neighbour, response).map(drop)
    }

    async fn send(&self, request: RequestBuilder) -> Answer<Response> {
        let sent = request.send().await;
        sent.map_err(|error| http::no_answer(self.neighbour, error))
    }

    pub(super) fn failure(&self, class: FailureClass, sentence: impl Into<String>) -> PortFailure {
        PortFailure::new(self.neighbour, class, sentence)
    }
}
