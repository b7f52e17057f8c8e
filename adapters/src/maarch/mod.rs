//! The mail register, in Maarch Courrier over REST. Creating a resource there is not idempotent, so ours
//! bear our id and are always searched before one is created.
//!
//! The search is `PUT /resources/external`, not `POST /res/list`: the latter takes a clause of SQL, which
//! no adapter should ever write; the former takes a key and a value, and its one trap (a text must bear
//! its JSON quotes) is met in `wire.rs`.

mod references;
#[cfg(all(test, feature = "sim"))]
mod tests;
mod wire;

use crate::http;
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use navette_domain::ports::{
    Answer, Attempt, FailureClass, MailRegister, Neighbour, OutgoingMail, PortFailure, Registration,
};
use references::References;
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

const NEIGHBOUR: Neighbour = Neighbour::MaarchCourrier;
const LARGEST_ANSWER: usize = 16 << 20;

/// How long nobody knocks again after a refused password: accounts lock after a few.
const LOCK_OUT_GUARD: Duration = Duration::from_mins(5);

/// How Maarch Courrier is reached, and under what a letter is registered: each by its code or its label.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaarchConfig {
    /// The server's address, without `/rest`.
    pub url: String,
    /// A webservice account.
    pub login: String,
    /// Its password.
    pub password: SecretString,
    /// The indexing model, an outgoing one.
    #[serde(default = "default_model")]
    pub model: String,
    /// The document type.
    pub doctype: String,
    /// The priority.
    #[serde(default = "default_priority")]
    pub priority: String,
    /// The status given to what is registered.
    pub status: String,
    /// The entity in charge.
    pub destination: String,
    /// The longest wait for one answer.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_model() -> String {
    "Courrier départ".into()
}

fn default_priority() -> String {
    "Normal".into()
}

fn default_timeout() -> u64 {
    120
}

/// The adapter.
#[derive(Debug)]
pub struct MaarchCourrier {
    config: MaarchConfig,
    base: Url,
    client: Client,
    references: OnceCell<References>,
    refused_at: Mutex<Option<Instant>>,
}

/// What a call answers when the server says 400: its own words.
type Said<T> = Result<T, String>;

impl MaarchCourrier {
    /// An adapter that has called nobody yet.
    pub fn new(config: MaarchConfig) -> Answer<Self> {
        let sentence = "L'adresse de Maarch Courrier n'est pas valable.";
        let wrong = || failure(FailureClass::Rejected, sentence);
        let base = Url::parse(&config.url).map_err(|error| wrong().because(error))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let timeout = Duration::from_secs(config.timeout_seconds);
        let client = http::client(timeout).build();
        Ok(Self {
            client: client.map_err(|error| http::no_answer(NEIGHBOUR, error))?,
            config,
            base,
            references: OnceCell::new(),
            refused_at: Mutex::default(),
        })
    }

    /// The resource that bears our id, if there is one.
    async fn find(&self, id: &str) -> Answer<Option<i64>> {
        let sought = wire::ByExternalId::navette(id);
        let said = self
            .call(Method::PUT, "resources/external", Some(&sought))
            .await?;
        match said {
            Ok(wire::ResourceId { res_id }) => Ok(Some(res_id)),
            Err(text) if text == wire::NOT_FOUND => Ok(None),
            Err(text) => Err(refusal(&text)),
        }
    }

    async fn create(&self, mail: &OutgoingMail, id: &str) -> Answer<i64> {
        let references = self.references().await?;
        let contact = self.contact(mail, id).await?;
        let resource = wire::NewResource {
            model_id: references.model,
            doctype: references.doctype,
            priority: &references.priority,
            status: &references.status,
            destination: references.destination,
            subject: &mail.subject,
            document_date: mail.date.to_string(),
            chrono: true,
            recipients: vec![wire::Recipient {
                id: contact,
                kind: "contact",
            }],
            external_id: external(id),
            encoded_file: STANDARD.encode(&mail.pdf),
            format: "pdf",
        };
        let said = self
            .call(Method::POST, "resources", Some(&resource))
            .await?;
        let created: wire::ResourceId = said.map_err(|text| refusal(&text))?;
        Ok(created.res_id)
    }

    /// The recipient's card. The server finds a known e-mail by itself; a card without e-mail cannot be
    /// found again, so a process killed before the letter is registered may leave one too many.
    async fn contact(&self, mail: &OutgoingMail, id: &str) -> Answer<i64> {
        let contact = wire::NewContact {
            company: mail.recipient.reveal(),
            email: mail
                .recipient_email
                .as_ref()
                .map(|email| email.reveal().as_str()),
            external_id: external(id),
        };
        let said = self.call(Method::POST, "contacts", Some(&contact)).await?;
        let card: wire::Contact = said.map_err(|text| refusal(&text))?;
        Ok(card.id)
    }

    /// The number that people quote.
    async fn chrono(&self, resource: i64) -> Answer<String> {
        let read: wire::Resource = self
            .read(&format!("resources/{resource}?light=true"))
            .await?;
        let chrono = read.chrono.filter(|chrono| !chrono.trim().is_empty());
        chrono.ok_or_else(|| {
            let sentence = format!(
                "Maarch Courrier a enregistré le courrier {resource} sans lui donner de numéro chrono."
            );
            failure(FailureClass::Rejected, sentence)
        })
    }

    async fn read<T: DeserializeOwned>(&self, route: &str) -> Answer<T> {
        let said = self.call(Method::GET, route, None::<&()>).await?;
        said.map_err(|text| refusal(&text))
    }

    /// One call under `/rest/`.
    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        route: &str,
        body: Option<&impl Serialize>,
    ) -> Answer<Said<T>> {
        self.knock()?;
        let url = format!("{}/rest/{route}", self.base.as_str().trim_end_matches('/'));
        let password = self.config.password.expose_secret();
        let mut request = self
            .client
            .request(method, url)
            .basic_auth(&self.config.login, Some(password));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await;
        let response = response.map_err(|error| http::no_answer(NEIGHBOUR, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status == StatusCode::UNAUTHORIZED {
            *self.refused_at() = Some(Instant::now());
            return Err(credentials());
        }
        let body = http::read_limited(NEIGHBOUR, response, LARGEST_ANSWER).await?;
        match status {
            status if status.is_success() => parsed(&body).map(Ok),
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => {
                let text = wire::remark(&body);
                Ok(Err(
                    text.unwrap_or_else(|| format!("code {}", status.as_u16()))
                ))
            }
            _ => Err(http::refusal(NEIGHBOUR, status, &headers)),
        }
    }

    /// Refuses by itself for a while once the server has refused our password.
    fn knock(&self) -> Answer<()> {
        match *self.refused_at() {
            Some(at) if at.elapsed() < LOCK_OUT_GUARD => Err(credentials()),
            _ => Ok(()),
        }
    }

    fn refused_at(&self) -> MutexGuard<'_, Option<Instant>> {
        let guard = self.refused_at.lock();
        guard.unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MailRegister for MaarchCourrier {
    /// Searched whatever the attempt: the look-up costs little, and a second number would be for good.
    async fn register(&self, mail: &OutgoingMail, _attempt: Attempt) -> Answer<Registration> {
        let id = mail.document.to_string();
        let resource = match self.find(&id).await? {
            Some(found) => found,
            None => self.create(mail, &id).await?,
        };
        Ok(Registration {
            chrono: self.chrono(resource).await?,
            resource: resource.to_string(),
        })
    }
}

fn external(id: &str) -> wire::ExternalId {
    let navette = id.to_owned();
    wire::ExternalId { navette }
}

fn parsed<T: DeserializeOwned>(body: &Bytes) -> Answer<T> {
    serde_json::from_slice(body).map_err(|error| {
        let sentence = "La réponse de Maarch Courrier n'a pas pu être lue.";
        failure(FailureClass::Transient, sentence).because(error)
    })
}

fn failure(class: FailureClass, sentence: impl Into<String>) -> PortFailure {
    PortFailure::new(NEIGHBOUR, class, sentence)
}

fn refusal(text: &str) -> PortFailure {
    let sentence = format!("Maarch Courrier refuse le courrier : {text}");
    failure(FailureClass::Rejected, sentence)
}

fn credentials() -> PortFailure {
    let sentence = "Maarch Courrier refuse le compte de service de Navette.";
    failure(FailureClass::Credentials, sentence)
}
