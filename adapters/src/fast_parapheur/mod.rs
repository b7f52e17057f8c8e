//! FAST-Parapheur, as far as a client program of it that is public tells: no documentation of its editor was
//! found. What nothing tells is not guessed: the adapter says so and calls a person. See
//! `docs/neighbours/fast-parapheur.md`.

#[cfg(all(test, feature = "sim"))]
mod tests;

use crate::http::{self, Called};
use anyhow::Context as _;
use async_trait::async_trait;
use navette_domain::ports::{
    Answer, Attempt, DeskProgress, FailureClass, FolderRef, Neighbour, Passage, PortFailure,
    SignedFolder, SigningDesk, SigningRequest,
};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode, Url,
    multipart::{Form, Part},
};
use serde::Deserialize;
use serde_json::Value;
use std::{path::PathBuf, time::Duration};

const CALLED: Called = Called {
    neighbour: Neighbour::IParapheur,
    name: "FAST-Parapheur",
};
const LARGEST_FILE: usize = 128 << 20;
const LARGEST_TEXT: usize = 4 << 20;
const LONGEST_LABEL: usize = 200;
/// The states that decide; others are looked past.
const SIGNED: &str = "Signé";
const REFUSED: [&str; 2] = ["Refusé", "Visa désapprouvé"];
const SEEN: &str = "Visa approuvé";

/// How to reach the desk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FastConfig {
    /// The service: `https://…/parapheur-ws/rest/v1`.
    pub url: String,
    /// The subscriber's number.
    pub subscriber: String,
    /// A PEM file with the client certificate and its private key: the account itself.
    pub client_identity: Option<PathBuf>,
    /// The desk may be slow with large documents.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    300
}

/// The desk.
#[derive(Debug)]
pub struct FastParapheur {
    client: Client,
    base: Url,
    subscriber: String,
}

/// A line of a document's history.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    state_name: String,
    #[serde(default)]
    user_fullname: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    developer_message: Option<String>,
    user_friendly_message: Option<String>,
}

impl FastParapheur {
    /// Prepares the client; nothing is sent yet.
    pub fn new(config: &FastConfig) -> anyhow::Result<Self> {
        let base = Url::parse(&config.url).context("the address of FAST-Parapheur")?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https"),
            "the address of FAST-Parapheur must begin with https://"
        );
        let mut client = http::client(Duration::from_secs(config.timeout_seconds));
        if let Some(path) = &config.client_identity {
            let pem = std::fs::read(path)
                .with_context(|| format!("client identity {}", path.display()))?;
            client = client.identity(reqwest::Identity::from_pem(&pem)?);
        }
        Ok(Self {
            client: client.build()?,
            base,
            subscriber: config.subscriber.clone(),
        })
    }

    fn address(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // An address of http or https always takes a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn call(&self, request: RequestBuilder) -> Answer<Response> {
        let response = request.send().await;
        let response = response.map_err(|error| http::no_answer(CALLED, error))?;
        // The certificate is the account: refused, it is so for every document.
        if response.status() == StatusCode::FORBIDDEN {
            let sentence = "FAST-Parapheur refuse le certificat de Navette.";
            return Err(CALLED.failure(FailureClass::Credentials, sentence));
        }
        Ok(response)
    }

    /// What is asked about one document; `None` when the desk does not know it.
    async fn ask(&self, folder: &FolderRef, what: &[&str]) -> Answer<Option<Response>> {
        let path = [&["documents", "v2", &folder.0], what].concat();
        let response = self.call(self.client.get(self.address(&path))).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        accepted(response).await.map(Some)
    }

    async fn bytes(&self, folder: &FolderRef, what: &str) -> Answer<Option<Vec<u8>>> {
        let Some(response) = self.ask(folder, &[what]).await? else {
            return Ok(None);
        };
        let bytes = http::read_limited(CALLED, response, LARGEST_FILE).await?;
        Ok(Some(bytes.into()))
    }

    /// Why it was refused, in whatever shape the desk says it.
    async fn reason(&self, folder: &FolderRef) -> Answer<String> {
        let Some(response) = self.ask(folder, &["comments", "refusal"]).await? else {
            return Ok("sans motif".to_owned());
        };
        let body = http::read_limited(CALLED, response, LARGEST_TEXT).await?;
        let said = match serde_json::from_slice(&body) {
            Ok(Value::String(said)) => said,
            Ok(Value::Object(said)) => {
                let said = said.get("comment").and_then(Value::as_str);
                said.unwrap_or_default().to_owned()
            }
            _ => String::from_utf8_lossy(&body).into_owned(),
        };
        Ok(match said.trim() {
            "" => "sans motif".to_owned(),
            said => said.to_owned(),
        })
    }
}

#[async_trait]
impl SigningDesk for FastParapheur {
    /// The circuit is the subtype of the chain's step. Sent a second time, nothing could be searched for what
    /// the first time may have left: a person looks.
    async fn submit(&self, request: &SigningRequest, attempt: Attempt) -> Answer<FolderRef> {
        let label = label(request);
        if attempt == Attempt::Again {
            let sentence = format!(
                "FAST-Parapheur n'a pas répondu à un premier dépôt, et ne peut pas être interrogé : cherchez-y « {label} ». S'il y est, annulez le document ici ou faites-l'y refuser ; sinon, reprenez le document depuis le début."
            );
            return Err(CALLED.failure(FailureClass::Rejected, sentence));
        }
        let pdf = Part::bytes(request.pdf.clone())
            .file_name(request.file_name.clone())
            .mime_str("application/pdf")
            .map_err(|error| http::no_answer(CALLED, error))?;
        let form = Form::new()
            .text("label", label)
            .text("comment", "")
            .part("content", pdf);
        let path = [
            "documents",
            "v2",
            &self.subscriber,
            &request.desk_subtype,
            "upload",
        ];
        let call = self.client.post(self.address(&path)).multipart(form);
        let response = accepted(self.call(call).await?).await?;
        let body = http::read_limited(CALLED, response, LARGEST_TEXT).await?;
        let id = String::from_utf8_lossy(&body);
        let id = id.trim().trim_matches('"');
        let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 100 || !id.chars().all(is_id) {
            return Err(CALLED.failure(
                FailureClass::Transient,
                "FAST-Parapheur n'a pas donné le numéro du document déposé.",
            ));
        }
        Ok(FolderRef(id.to_owned()))
    }

    async fn progress(&self, passage: &Passage) -> Answer<DeskProgress> {
        let Some(folder) = &passage.folder else {
            return Ok(DeskProgress::Unknown);
        };
        let Some(response) = self.ask(folder, &["history"]).await? else {
            return Ok(DeskProgress::Unknown);
        };
        let body = http::read_limited(CALLED, response, LARGEST_TEXT).await?;
        let history: Vec<Entry> = serde_json::from_slice(&body).map_err(unreadable)?;
        let decides = |entry: &&Entry| {
            let state = entry.state_name.trim();
            state == SIGNED || state == SEEN || REFUSED.contains(&state)
        };
        let decided = history.iter().rfind(decides);
        match decided.map(|entry| (entry.state_name.trim(), entry)) {
            Some((SIGNED, _)) => Ok(DeskProgress::Finished),
            Some((state, entry)) if REFUSED.contains(&state) => Ok(DeskProgress::Rejected {
                by: entry
                    .user_fullname
                    .clone()
                    .unwrap_or_else(|| "non précisé".to_owned())
                    .into(),
                reason: self.reason(folder).await?,
            }),
            _ => Ok(DeskProgress::InProgress(history.last().map_or_else(
                || "aucune étape".to_owned(),
                |entry| entry.state_name.clone(),
            ))),
        }
    }

    async fn retrieve(&self, passage: &Passage) -> Answer<SignedFolder> {
        let folder = passage.folder.as_ref().ok_or_else(gone)?;
        let pdf = self.bytes(folder, "download").await?.ok_or_else(gone)?;
        let slip = self.bytes(folder, "getFdc").await?;
        Ok(SignedFolder { pdf, slip })
    }

    /// Nothing public says how the desk is cleared: documents stay there.
    async fn archive(&self, _: &Passage) -> Answer<()> {
        Ok(())
    }

    /// Nothing public says how a document is taken back.
    async fn withdraw(&self, passage: &Passage) -> Answer<()> {
        match self.progress(passage).await? {
            DeskProgress::Unknown | DeskProgress::Rejected { .. } => Ok(()),
            DeskProgress::Finished => Err(CALLED.failure(
                FailureClass::Rejected,
                "Le document est déjà signé dans FAST-Parapheur : il ne peut plus être retiré.",
            )),
            DeskProgress::InProgress(_) => Err(CALLED.failure(
                FailureClass::Rejected,
                "Navette ne sait pas retirer un document de FAST-Parapheur : faites-l'y refuser, puis relancez.",
            )),
        }
    }
}

fn label(request: &SigningRequest) -> String {
    let spaced = request.title.replace(char::is_control, " ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let readable: String = words.join(" ").chars().take(LONGEST_LABEL).collect();
    format!("{readable} [nav-{}]", request.signature)
}

async fn accepted(response: Response) -> Answer<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let refusal = http::refusal(CALLED, status, response.headers());
    if refusal.class != FailureClass::Rejected {
        return Err(refusal);
    }
    let said = http::read_limited(CALLED, response, LARGEST_TEXT)
        .await
        .ok();
    let said = said.and_then(|body| serde_json::from_slice::<Refusal>(&body).ok());
    let said = said.and_then(|said| said.user_friendly_message.or(said.developer_message));
    Err(match said {
        Some(said) => {
            let sentence = format!("FAST-Parapheur refuse la demande : « {said} ».");
            CALLED.failure(FailureClass::Rejected, sentence)
        }
        None => refusal,
    })
}

fn gone() -> PortFailure {
    CALLED.failure(
        FailureClass::Rejected,
        "Le document est introuvable dans FAST-Parapheur.",
    )
}

fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PortFailure {
    CALLED
        .failure(
            FailureClass::Transient,
            "La réponse de FAST-Parapheur est illisible ou incomplète.",
        )
        .because(cause)
}
