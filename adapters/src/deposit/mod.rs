//! Our own deposit contract over HTTP: a document put under an id of ours, which makes it safe to repeat.
//! The porte-documents and the grants tool both speak it.

pub(crate) mod wire;

use crate::http;
use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use navette_domain::{
    digest::Digest,
    french,
    ports::{Answer, Deposit, DepositReceipt, FailureClass, Neighbour, PortFailure},
};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::CONTENT_TYPE,
    multipart::{Form, Part},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::time::Duration;
use wire::{Held, Meta, Problem};

const LARGEST_ANSWER: usize = 64 << 10;

/// How to reach a neighbour that speaks our contract.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepositConfig {
    /// The address under which `/v1/…` is found.
    pub url: String,
    /// The bearer token of Navette's account.
    pub token: SecretString,
    /// How long one call may last, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    120
}

/// A client of our contract.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    neighbour: Neighbour,
    client: Client,
    base: Url,
    token: SecretString,
}

impl Door {
    pub fn new(neighbour: Neighbour, config: &DepositConfig) -> anyhow::Result<Self> {
        let base = Url::parse(&config.url)
            .with_context(|| format!("the address of {neighbour} is not a URL"))?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https"),
            "the address of {neighbour} must begin with https://"
        );
        Ok(Self {
            neighbour,
            client: http::client(Duration::from_secs(config.timeout_seconds)).build()?,
            base,
            token: config.token.clone(),
        })
    }

    /// The address of `segments`, each of them encoded: a reference such as `2026/12` stays one segment.
    pub fn address(&self, segments: &[&str]) -> Answer<Url> {
        let mut url = self.base.clone();
        // These would be resolved away, and the call would reach another dossier's address.
        let unsafe_segment = segments.iter().any(|s| matches!(*s, "" | "." | ".."));
        match url.path_segments_mut() {
            Ok(mut path) if !unsafe_segment => {
                path.pop_if_empty().extend(segments);
            }
            _ => {
                let sentence =
                    "La référence du dossier ou de l'usager ne peut pas figurer dans une adresse.";
                return Err(self.failure(FailureClass::Rejected, sentence));
            }
        }
        Ok(url)
    }

    /// Whether somebody speaks our contract there and takes our token: `url` is of a document that nobody has,
    /// and the contract says how that is answered.
    pub async fn try_out(&self, url: Url) -> Answer<String> {
        let request = self.client.get(url);
        let request = request.bearer_auth(self.token.expose_secret());
        let response = request.send().await;
        let response = response.map_err(|error| http::no_answer(self.neighbour, error))?;
        let (status, headers) = (response.status(), response.headers());
        let of_contract = headers
            .get(CONTENT_TYPE)
            .is_some_and(|media| media == "application/problem+json");
        if status == StatusCode::NOT_FOUND && !of_contract {
            let sentence = format!(
                "Un serveur répond à l'adresse de {}, sans y parler le contrat de dépôt de Navette.",
                self.neighbour
            );
            return Err(self.failure(FailureClass::Rejected, sentence));
        }
        if status != StatusCode::NOT_FOUND {
            self.accepted(response).await?;
        }
        let sentence = format!("{} répond et accepte le jeton.", self.neighbour);
        Ok(french::capitalised(&sentence))
    }

    /// Puts the document there, or finds it there with the same content.
    pub async fn put(&self, url: Url, deposit: &Deposit, notify: bool) -> Answer<DepositReceipt> {
        let digest = Digest::of(&deposit.pdf);
        let request = self
            .client
            .put(url)
            .bearer_auth(self.token.expose_secret())
            .header(
                "Digest",
                format!("sha-256={}", BASE64_STANDARD.encode(digest.as_bytes())),
            )
            .header("Idempotency-Key", deposit.document.to_string())
            .multipart(self.form(deposit, notify)?);
        let response = request
            .send()
            .await
            .map_err(|error| http::no_answer(self.neighbour, error))?;
        let response = self.accepted(response).await?;
        let body = http::read_limited(self.neighbour, response, LARGEST_ANSWER).await?;
        let held: Held = serde_json::from_slice(&body).map_err(|error| {
            let sentence = format!("La réponse de {} n'est pas comprise.", self.neighbour);
            self.failure(FailureClass::Transient, sentence)
                .because(error)
        })?;
        if held.sha256 != digest {
            let sentence = format!(
                "{} annonce un autre contenu que celui envoyé.",
                self.neighbour
            );
            return Err(self.failure(FailureClass::Rejected, sentence));
        }
        Ok(DepositReceipt { url: held.url })
    }

    /// Posts `body`, whose own id makes it safe to repeat.
    pub async fn post(&self, url: Url, body: &impl serde::Serialize) -> Answer<()> {
        let request = self
            .client
            .post(url)
            .bearer_auth(self.token.expose_secret())
            .json(body);
        let response = request
            .send()
            .await
            .map_err(|error| http::no_answer(self.neighbour, error))?;
        self.accepted(response).await.map(drop)
    }

    fn form(&self, deposit: &Deposit, notify: bool) -> Answer<Form> {
        let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| {
            self.failure(
                FailureClass::Rejected,
                "Le document ne peut pas être préparé pour l'envoi.",
            )
            .because(error)
        };
        let meta =
            serde_json::to_string(&Meta::of(deposit, notify)).map_err(|e| unreadable(e.into()))?;
        let meta = Part::text(meta)
            .mime_str("application/json")
            .map_err(|e| unreadable(e.into()))?;
        let file = Part::bytes(deposit.pdf.clone())
            .file_name(format!("{}.pdf", deposit.document))
            .mime_str("application/pdf")
            .map_err(|e| unreadable(e.into()))?;
        Ok(Form::new().part("meta", meta).part("file", file))
    }

    async fn accepted(&self, response: Response) -> Answer<Response> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let refusal = http::refusal(self.neighbour, status, response.headers());
        // The explanation is a comfort: without it, the status still says enough.
        let problem = http::read_limited(self.neighbour, response, LARGEST_ANSWER)
            .await
            .ok()
            .and_then(|body| serde_json::from_slice::<Problem>(&body).ok())
            .unwrap_or_default();
        let sentence = self.sentence(status, &problem).unwrap_or(refusal.sentence);
        let cause = problem.code.or(problem.title).unwrap_or_default();
        Err(self
            .failure(refusal.class, sentence)
            .because(format!("{status} {cause}")))
    }

    /// What the contract's own statuses mean; the neighbour's free text may name people and is left out.
    fn sentence(&self, status: StatusCode, problem: &Problem) -> Option<String> {
        let neighbour = self.neighbour;
        Some(match (status, neighbour) {
            (StatusCode::NOT_FOUND, Neighbour::PorteDocuments) => {
                format!("{neighbour} ne connaît pas cet usager.")
            }
            (StatusCode::NOT_FOUND, _) => format!("{neighbour} ne connaît pas ce dossier."),
            (StatusCode::CONFLICT, _) => format!(
                "{neighbour} refuse : un autre contenu y est déjà, ou le changement n'y est pas permis."
            ),
            (StatusCode::PAYLOAD_TOO_LARGE, _) => {
                format!("Le document est trop volumineux pour {neighbour}.")
            }
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, _) => {
                format!("{neighbour} n'accepte pas ce type de fichier.")
            }
            (StatusCode::UNPROCESSABLE_ENTITY, _) if !problem.champs.is_empty() => format!(
                "{neighbour} refuse le contenu de : {}.",
                problem.champs.join(", ")
            ),
            _ => return None,
        })
    }

    fn failure(&self, class: FailureClass, sentence: impl Into<String>) -> PortFailure {
        PortFailure::new(self.neighbour, class, sentence)
    }
}
