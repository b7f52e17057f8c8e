//! CapDémat, as it was published in 2012: a document is added to a request, of which the applicant is told
//! by e-mail, and a request changes its state.
//!
//! Nothing there is idempotent and nothing can bear an id of ours: what a request holds is read before a
//! document is added, and a document with our very bytes is ours.

#[cfg(all(test, feature = "sim"))]
mod tests;
pub(crate) mod wire;

use crate::{http, soap::Element};
use anyhow::Context as _;
use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use navette_domain::{
    french,
    ports::{
        Answer, Deposit, DepositReceipt, FailureClass, GrantsTool, Named, Neighbour, PortFailure,
        PorteDocuments, Trial,
    },
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header::CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// The documents of one request, in base64.
const LARGEST_ANSWER: usize = 64 << 20;

/// How CapDémat is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapdematConfig {
    /// The server's address, without `/service`.
    pub url: String,
    /// The account of an "external service".
    pub login: String,
    /// Its password.
    pub password: SecretString,
    /// The number of the type under which documents are added.
    pub document_type: u32,
    /// From a status of Navette (`notified`) to the state that CapDémat calls it (`Closed`).
    #[serde(default)]
    pub states: BTreeMap<String, String>,
    /// How long one call may last, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    120
}

/// The adapter, in the part of one neighbour or another.
#[derive(Debug, Clone)]
pub struct Capdemat {
    neighbour: Neighbour,
    config: CapdematConfig,
    base: Url,
    client: Client,
}

impl Capdemat {
    /// Refuses an address that is not one, and a state that CapDémat would take for another.
    pub fn new(neighbour: Neighbour, config: CapdematConfig) -> anyhow::Result<Self> {
        let base = Url::parse(&config.url)
            .with_context(|| format!("the address of {neighbour} is not a URL"))?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https"),
            "the address of {neighbour} must begin with https://"
        );
        for state in config.states.values() {
            // It reads what it does not know as Pending.
            anyhow::ensure!(
                wire::STATES.contains(&state.as_str()),
                "{state:?} is no state of CapDémat: they are {}",
                wire::STATES.join(", ")
            );
        }
        Ok(Self {
            neighbour,
            client: http::client(Duration::from_secs(config.timeout_seconds)).build()?,
            base,
            config,
        })
    }

    /// Adds the document to its request, or finds it there.
    async fn add(&self, deposit: &Deposit) -> Answer<DepositReceipt> {
        let request = self.number(&deposit.dossier_reference)?;
        if let Some(found) = self.held(&request, &deposit.pdf).await? {
            return Ok(self.receipt(&request, &found));
        }
        let form = [
            ("documentTypeId", self.config.document_type.to_string()),
            ("data", BASE64_STANDARD.encode(&deposit.pdf)),
        ];
        let sent = self.post(self.url(&request, "document"), form).await?;
        self.accepted(sent)?;
        let found = self.held(&request, &deposit.pdf).await?;
        let found = found.ok_or_else(|| {
            let sentence = format!(
                "{} dit avoir pris le document, et ne le montre pas.",
                self.neighbour
            );
            self.failure(FailureClass::Transient, sentence)
        })?;
        Ok(self.receipt(&request, &found))
    }

    /// The id of the document of the request that is `pdf`.
    async fn held(&self, request: &str, pdf: &[u8]) -> Answer<Option<String>> {
        let listed = self.read(self.url(request, "documents")).await?;
        for id in wire::validated(&listed) {
            let content = self.read(self.document(request, &id)).await?;
            if wire::content(&content).as_deref() == Some(pdf) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn receipt(&self, request: &str, document: &str) -> DepositReceipt {
        DepositReceipt {
            url: self.document(request, document).to_string(),
        }
    }

    /// The reference of a dossier, as the number of a request.
    fn number(&self, reference: &str) -> Answer<String> {
        let number = reference.trim();
        if !number.is_empty() && number.bytes().all(|sign| sign.is_ascii_digit()) {
            return Ok(number.to_owned());
        }
        let sentence = "La référence du dossier n'est pas un numéro de demande CapDémat.";
        Err(self.failure(FailureClass::Rejected, sentence))
    }

    fn url(&self, request: &str, what: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(["service", "request", request, what]);
        }
        url
    }

    fn document(&self, request: &str, id: &str) -> Url {
        let mut url = self.url(request, "document");
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(id);
        }
        url
    }

    async fn send(&self, request: RequestBuilder) -> Answer<Response> {
        let password = self.config.password.expose_secret();
        let request = request.basic_auth(&self.config.login, Some(password));
        let sent = request.send().await;
        sent.map_err(|error| http::no_answer(self.neighbour, error))
    }

    async fn post<const N: usize>(
        &self,
        url: Url,
        form: [(&'static str, String); N],
    ) -> Answer<Response> {
        // A form is written as the query of an address is.
        let mut written = self.base.clone();
        written.set_query(None);
        written.query_pairs_mut().extend_pairs(form);
        let body = written.query().unwrap_or_default().to_owned();
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        self.send(request).await
    }

    async fn read(&self, url: Url) -> Answer<Element> {
        let response = self.accepted(self.send(self.client.get(url)).await?)?;
        let body = http::read_limited(self.neighbour, response, LARGEST_ANSWER).await?;
        Element::parse(&body).map_err(|error| {
            let sentence = format!("La réponse de {} n'est pas comprise.", self.neighbour);
            self.failure(FailureClass::Transient, sentence)
                .because(error)
        })
    }

    fn accepted(&self, response: Response) -> Answer<Response> {
        let neighbour = self.neighbour;
        let sentence = match response.status() {
            StatusCode::NOT_FOUND => format!("{neighbour} ne connaît pas cette demande."),
            StatusCode::FORBIDDEN => {
                format!("{neighbour} n'ouvre pas cette demande au compte de Navette.")
            }
            _ => return http::successful(neighbour, response),
        };
        Err(self.failure(FailureClass::Rejected, sentence))
    }

    fn failure(&self, class: FailureClass, sentence: impl Into<String>) -> PortFailure {
        PortFailure::new(self.neighbour, class, sentence)
    }
}

#[async_trait]
impl PorteDocuments for Capdemat {
    /// The request says whose it is.
    async fn deposit(&self, _applicant: &str, deposit: &Deposit) -> Answer<DepositReceipt> {
        self.add(deposit).await
    }
}

#[async_trait]
impl GrantsTool for Capdemat {
    async fn attach(&self, deposit: &Deposit) -> Answer<DepositReceipt> {
        self.add(deposit).await
    }

    /// A state cannot be read back, and one that the request has already reads as a change that is not
    /// allowed: after an answer that was lost, a person must look.
    async fn report_status(
        &self,
        _event: Uuid,
        dossier_reference: &str,
        status: &str,
        _at: DateTime<Utc>,
    ) -> Answer<()> {
        let request = self.number(dossier_reference)?;
        let state = self.config.states.get(status).ok_or_else(|| {
            let sentence = format!(
                "La configuration ne dit pas comment CapDémat appelle l'état « {status} »."
            );
            self.failure(FailureClass::Rejected, sentence)
        })?;
        let form = [("state", state.clone())];
        let response = self.post(self.url(&request, "state"), form).await?;
        if response.status() == StatusCode::FORBIDDEN {
            let sentence = format!(
                "{} refuse de passer la demande à l'état « {state} » : elle y est déjà, ou ce changement \
                 n'y est pas permis.",
                self.neighbour
            );
            return Err(self.failure(FailureClass::Rejected, sentence));
        }
        self.accepted(response).map(drop)
    }
}

#[async_trait]
impl Trial for Capdemat {
    /// Nothing can be asked but a request: one that does not exist says that our account is taken.
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        let asked = self.client.get(self.url("0", "documents"));
        let tried = match self.send(asked).await {
            Ok(response) if response.status() == StatusCode::NOT_FOUND => Ok(()),
            Ok(response) => self.accepted(response).map(drop),
            Err(failure) => Err(failure),
        };
        let sentence = format!("{} (CapDémat) répond et accepte le compte.", self.neighbour);
        vec![tried.map(|()| french::capitalised(&sentence))]
    }
}
