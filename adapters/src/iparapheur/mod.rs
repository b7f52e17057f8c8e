//! iParapheur, versions 4 and 5, through its SOAP service without MTOM.
//!
//! The folder's id is ours, so a creation can be repeated: the desk answers that it has the folder, and
//! that is success. What is refused comes with a status 200 and a `KO`; a SOAP fault is a breakdown.

#[cfg(all(test, feature = "sim"))]
mod tests;
pub mod wire;

use crate::{
    http,
    soap::{Element, Unreadable},
};
use anyhow::Context as _;
use async_trait::async_trait;
use navette_domain::{
    ids::SignatureId,
    ports::{
        Answer, Attempt, DeskProgress, FailureClass, FolderRef, Neighbour, Passage, PortFailure,
        SignedFolder, SigningDesk, SigningRequest,
    },
};
use reqwest::{
    Client, StatusCode,
    header::{CONTENT_TYPE, HeaderName},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};
use wire::{Outcome, Request};

/// A signed letter with its annexes, in base64.
const LARGEST_ANSWER: usize = 128 << 20;
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// How to reach the desk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IParapheurConfig {
    /// The service without MTOM: `https://…/ws-iparapheur-no-mtom`.
    pub url: String,
    /// The technical account, `ws@tenant` on shared hosts.
    pub login: String,
    /// Its password.
    pub password: SecretString,
    /// A PEM file with the client certificate and its private key, where the desk asks for one.
    #[serde(default)]
    pub client_identity: Option<PathBuf>,
    /// The desk is slow with large folders.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    300
}

/// The desk.
#[derive(Debug)]
pub struct IParapheur {
    client: Client,
    url: String,
    login: String,
    password: SecretString,
}

/// The desk's id of a signature: ours, in characters that every version accepts.
pub fn folder_id(signature: SignatureId) -> String {
    format!("nav-{signature}")
}

/// The signature of a folder, if it is one of ours.
fn signature_of(folder: &str) -> Option<SignatureId> {
    folder.strip_prefix("nav-")?.parse().ok().map(SignatureId)
}

/// What a folder is when nobody has to do anything with it any more. They are asked for one by one: versions
/// differ on what else a search understands.
const OVER: [&str; 3] = ["Archive", "RejetSignataire", "RejetVisa"];

impl IParapheur {
    /// Prepares the client; nothing is sent yet.
    pub fn new(config: &IParapheurConfig) -> anyhow::Result<Self> {
        let mut client = http::client(Duration::from_secs(config.timeout_seconds));
        if let Some(path) = &config.client_identity {
            let pem = std::fs::read(path)
                .with_context(|| format!("client identity {}", path.display()))?;
            client = client.identity(reqwest::Identity::from_pem(&pem)?);
        }
        Ok(Self {
            client: client.build()?,
            url: config.url.clone(),
            login: config.login.clone(),
            password: config.password.clone(),
        })
    }

    async fn call(&self, signature: SignatureId, request: Request<'_>) -> Answer<Element> {
        self.ask(request, request.message(&folder_id(signature)))
            .await
    }

    async fn ask(&self, request: Request<'_>, message: String) -> Answer<Element> {
        let response = self
            .client
            .post(&self.url)
            .basic_auth(&self.login, Some(self.password.expose_secret()))
            .header(CONTENT_TYPE, "text/xml; charset=utf-8")
            .header(SOAP_ACTION, "\"\"")
            .body(message)
            .send()
            .await
            .map_err(|error| http::no_answer(Neighbour::IParapheur, error))?;
        // The service itself never answers these: the gate before it does, about our certificate.
        if matches!(
            response.status(),
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN
        ) {
            let sentence = "iParapheur refuse le certificat ou le compte de service de Navette.";
            return Err(failure(FailureClass::Credentials, sentence)
                .because(format!("status {}", response.status())));
        }
        let response = http::successful(Neighbour::IParapheur, response)?;
        let body = http::read_limited(Neighbour::IParapheur, response, LARGEST_ANSWER).await?;
        wire::answer(&request, &body).map_err(unreadable)
    }

    /// What the desk said, without the answer's content.
    async fn outcome(&self, signature: SignatureId, request: Request<'_>) -> Answer<Outcome> {
        let answer = self.call(signature, request).await?;
        Ok(wire::outcome(&answer))
    }

    /// Asks for something that a folder already gone makes needless.
    async fn clear(&self, signature: SignatureId, request: Request<'_>) -> Answer<()> {
        match self.outcome(signature, request).await? {
            Outcome::Done | Outcome::UnknownFolder => Ok(()),
            other => Err(refused(other)),
        }
    }
}

#[async_trait]
impl SigningDesk for IParapheur {
    async fn submit(&self, request: &SigningRequest, attempt: Attempt) -> Answer<FolderRef> {
        let signature = request.signature;
        let folder = FolderRef(folder_id(signature));
        if attempt == Attempt::Again
            && self.outcome(signature, Request::History).await? == Outcome::Done
        {
            return Ok(folder);
        }
        match self.outcome(signature, Request::Create(request)).await? {
            Outcome::Done | Outcome::DuplicateFolder => Ok(folder),
            Outcome::Refused(reason) => {
                // The desk likes to quote the title, which may name a person.
                let title = wire::title(&request.title);
                let reason = match title.as_str() {
                    "" => reason,
                    title => reason.replace(title, "…"),
                };
                Err(refused(Outcome::Refused(reason)))
            }
            other => Err(refused(other)),
        }
    }

    async fn progress(&self, passage: &Passage) -> Answer<DeskProgress> {
        let signature = passage.signature;
        let history = self.call(signature, Request::History).await?;
        match wire::outcome(&history) {
            Outcome::Done => Ok(progress(&history)),
            Outcome::UnknownFolder => Ok(DeskProgress::Unknown),
            other => Err(refused(other)),
        }
    }

    async fn moved(&self, desk_type: &str, desk_subtype: &str) -> Answer<Option<Vec<SignatureId>>> {
        let mut moved = Vec::new();
        for status in OVER {
            let request = Request::Search {
                desk_type,
                desk_subtype,
                status,
            };
            let listing = self.ask(request, request.message("")).await?;
            moved.extend(wire::folders(&listing).filter_map(signature_of));
        }
        Ok(Some(moved))
    }

    async fn retrieve(&self, passage: &Passage) -> Answer<SignedFolder> {
        let folder = self.call(passage.signature, Request::Content).await?;
        match wire::outcome(&folder) {
            Outcome::Done => {
                let (pdf, slip) = wire::documents(&folder).map_err(unreadable)?;
                Ok(SignedFolder { pdf, slip })
            }
            other => Err(refused(other)),
        }
    }

    async fn archive(&self, passage: &Passage) -> Answer<()> {
        let signature = passage.signature;
        match self.progress(passage).await? {
            DeskProgress::Unknown => Ok(()),
            DeskProgress::Finished => self.clear(signature, Request::Archive).await,
            DeskProgress::Rejected { .. } => self.clear(signature, Request::EraseRejected).await,
            DeskProgress::InProgress(_) => Err(failure(
                FailureClass::Rejected,
                "Le dossier est encore en cours dans iParapheur : il ne peut pas être archivé.",
            )),
        }
    }

    async fn withdraw(&self, passage: &Passage) -> Answer<()> {
        let signature = passage.signature;
        match self.progress(passage).await? {
            DeskProgress::Unknown => return Ok(()),
            DeskProgress::Rejected { .. } => {
                return self.clear(signature, Request::EraseRejected).await;
            }
            DeskProgress::Finished => return Err(already_signed()),
            DeskProgress::InProgress(_) => {}
        }
        if self.outcome(signature, Request::TakeBack).await? != Outcome::Done
            && self.progress(passage).await? == DeskProgress::Finished
        {
            return Err(already_signed());
        }
        // Refused, it may be that an earlier attempt took it back: the desk archives it then, and it
        // refuses to archive what still runs.
        self.clear(signature, Request::Archive).await
    }
}

/// Where the folder stands, by the last line of its history. What is unknown to us still runs.
fn progress(history: &Element) -> DeskProgress {
    match wire::last_entry(history) {
        None => DeskProgress::InProgress("aucune étape".to_owned()),
        Some(entry) if entry.status == "Archive" => DeskProgress::Finished,
        Some(entry) if entry.status.starts_with("Rejet") => DeskProgress::Rejected {
            by: entry.name.to_owned().into(),
            reason: match entry.annotation {
                "" => "sans motif".to_owned(),
                reason => reason.to_owned(),
            },
        },
        Some(entry) => DeskProgress::InProgress(entry.status.to_owned()),
    }
}

fn failure(class: FailureClass, sentence: impl Into<String>) -> PortFailure {
    PortFailure::new(Neighbour::IParapheur, class, sentence)
}

fn already_signed() -> PortFailure {
    failure(
        FailureClass::Rejected,
        "Le dossier est déjà signé dans iParapheur : il ne peut plus être retiré.",
    )
}

/// The failure behind an outcome that is not the one hoped for.
fn refused(outcome: Outcome) -> PortFailure {
    match outcome {
        Outcome::Refused(reason) => failure(
            FailureClass::Rejected,
            format!("iParapheur refuse la demande : « {reason} »."),
        ),
        Outcome::UnknownFolder => failure(
            FailureClass::Rejected,
            "Le dossier est introuvable dans iParapheur.",
        ),
        Outcome::DuplicateFolder => failure(
            FailureClass::Rejected,
            "iParapheur a déjà un dossier sous cet identifiant.",
        ),
        Outcome::Done | Outcome::Unclear => failure(
            FailureClass::Transient,
            "iParapheur n'a dit ni oui ni non : la demande sera reprise.",
        ),
    }
}

fn unreadable(error: Unreadable) -> PortFailure {
    failure(
        FailureClass::Transient,
        "La réponse d'iParapheur est illisible ou incomplète.",
    )
    .because(error)
}
