//! A signing desk behind Pastell, the hub (API version 2).
//!
//! A document is made there in several calls, none of which is refused when repeated but the creation: the
//! document's title bears our id, and what was begun is found by it and gone on with. Its states and fields
//! belong to the site's flow, hence to the configuration. See `docs/neighbours/pastell.md`.

mod flow;
#[cfg(all(test, feature = "sim"))]
mod tests;
mod wire;

use crate::http::{self, Called};
use async_trait::async_trait;
pub use flow::Flow;
use navette_domain::{
    ids::SignatureId,
    ports::{
        Answer, Attempt, DeskProgress, FailureClass, FolderRef, Neighbour, Passage, PortFailure,
        SignedFolder, SigningDesk, SigningRequest,
    },
};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode, Url,
    multipart::{Form, Part},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;
use wire::{Created, Detail, Filled, Listed, Refusal};

const CALLED: Called = Called {
    neighbour: Neighbour::IParapheur,
    name: "Pastell",
};
const LARGEST_FILE: usize = 128 << 20;
const LARGEST_TEXT: usize = 4 << 20;
const LONGEST_TITLE: usize = 200;

/// How to reach the hub, and what its flow is like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastellConfig {
    /// The API: `https://…/api/v2`.
    pub url: String,
    /// The technical account.
    pub login: String,
    /// Its password.
    pub password: SecretString,
    /// The entity's number.
    pub entity: u32,
    /// The flow's fields, actions and states.
    #[serde(default)]
    pub flow: Flow,
    /// The hub is slow with large documents.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    300
}

/// The hub.
#[derive(Debug)]
pub struct Pastell {
    client: Client,
    base: Url,
    config: PastellConfig,
}

/// What the title of a document bears, so that it can be found.
fn key(signature: SignatureId) -> String {
    format!("nav-{signature}")
}

impl Pastell {
    /// Prepares the client; nothing is sent yet.
    pub fn new(config: &PastellConfig) -> anyhow::Result<Self> {
        let base = Url::parse(&config.url)?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https"),
            "the address of Pastell must begin with https://"
        );
        Ok(Self {
            client: http::client(Duration::from_secs(config.timeout_seconds)).build()?,
            base,
            config: config.clone(),
        })
    }

    fn flow(&self) -> &Flow {
        &self.config.flow
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        // An address of http or https always takes a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let password = self.config.password.expose_secret();
        self.client
            .request(method, url)
            .basic_auth(&self.config.login, Some(password))
    }

    /// The path of a document, or of the list of them.
    async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer<Response> {
        let entity = self.config.entity.to_string();
        let path = [&["entite", &entity, "document"], path].concat();
        let request = with(self.request(method, &path, query));
        let sent = request.send().await;
        sent.map_err(|error| http::no_answer(CALLED, error))
    }

    async fn read<T: DeserializeOwned>(response: Response) -> Answer<T> {
        let response = accepted(response).await?;
        let body = http::read_limited(CALLED, response, LARGEST_TEXT).await?;
        serde_json::from_slice(&body).map_err(unreadable)
    }

    /// The document whose title bears our id.
    async fn find(&self, signature: SignatureId) -> Answer<Option<FolderRef>> {
        let key = key(signature);
        let query = [
            ("type", self.flow().name.as_str()),
            ("search", &key),
            ("limit", "100"),
        ];
        let response = self.send(Method::GET, &[], &query, |call| call).await?;
        let all: Vec<Listed> = Self::read(response).await?;
        let found = all.into_iter().find(|it| it.title().contains(&key));
        Ok(found.map(|it| FolderRef(it.id_d)))
    }

    async fn folder(&self, passage: &Passage) -> Answer<Option<FolderRef>> {
        match &passage.folder {
            Some(folder) => Ok(Some(folder.clone())),
            None => self.find(passage.signature).await,
        }
    }

    /// What the hub says of a document; `None` when it has it no longer.
    async fn detail(&self, folder: &FolderRef) -> Answer<Option<Detail>> {
        let response = self
            .send(Method::GET, &[&folder.0], &[], |call| call)
            .await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Self::read(response).await.map(Some)
    }

    /// An empty document, whose title is given at once.
    async fn create(&self, request: &SigningRequest) -> Answer<FolderRef> {
        let query = [("type", self.flow().name.as_str())];
        let response = self.send(Method::POST, &[], &query, |call| call).await?;
        let created: Created = Self::read(response).await?;
        let title = [(self.flow().title.as_str(), title(request))];
        self.fill(&created.id_d, &title).await?;
        Ok(FolderRef(created.id_d))
    }

    async fn fill(&self, id: &str, fields: &[(&str, String)]) -> Answer<Filled> {
        let mut form = self.base.clone();
        form.query_pairs_mut().clear().extend_pairs(fields);
        let body = form.query().unwrap_or_default().to_owned();
        let kind = "application/x-www-form-urlencoded";
        let with =
            |call: RequestBuilder| call.header(reqwest::header::CONTENT_TYPE, kind).body(body);
        let response = self.send(Method::PATCH, &[id], &[], with).await?;
        Self::read(response).await
    }

    /// Fills a document in; the hub says itself whether anything is missing.
    async fn complete(&self, folder: &FolderRef, request: &SigningRequest) -> Answer<()> {
        let flow = self.flow();
        let mut fields: Vec<(&str, String)> = (flow.fixed.iter())
            .map(|(field, value)| (field.as_str(), value.clone()))
            .collect();
        fields.push((&flow.title, title(request)));
        fields.push((&flow.desk_type, request.desk_type.clone()));
        fields.push((&flow.desk_subtype, request.desk_subtype.clone()));
        self.fill(&folder.0, &fields).await?;
        let pdf = Part::bytes(request.pdf.clone())
            .file_name(request.file_name.clone())
            .mime_str("application/pdf")
            .map_err(|error| http::no_answer(CALLED, error))?;
        let form = Form::new()
            .text("file_name", request.file_name.clone())
            .part("file_content", pdf);
        let path = [&folder.0, "file", &flow.document];
        let response = self.send(Method::POST, &path, &[], |call| call.multipart(form));
        let filled: Filled = Self::read(response.await?).await?;
        if filled.is_complete() {
            return Ok(());
        }
        let said = filled.message.unwrap_or_default();
        let sentence = format!("Pastell trouve le document incomplet : « {said} ».");
        Err(CALLED.failure(FailureClass::Rejected, sentence))
    }

    /// Does what the flow wants done, as far as the hub allows it now; what it does by itself later is its own.
    async fn go_on(&self, folder: &FolderRef) -> Answer<()> {
        for action in &self.flow().actions {
            let Some(detail) = self.detail(folder).await? else {
                return Err(gone());
            };
            if detail.allows(action) {
                self.act(folder, action).await?;
            }
        }
        Ok(())
    }

    async fn act(&self, folder: &FolderRef, action: &str) -> Answer<()> {
        let path = [&folder.0, "action", action];
        let response = self.send(Method::POST, &path, &[], |call| call).await?;
        accepted(response).await.map(drop)
    }

    async fn file(&self, folder: &FolderRef, field: &str) -> Answer<Option<Vec<u8>>> {
        let path = [&folder.0, "file", field];
        let response = self.send(Method::GET, &path, &[], |call| call).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = accepted(response).await?;
        let bytes = http::read_limited(CALLED, response, LARGEST_FILE).await?;
        Ok(Some(bytes.into()))
    }

    async fn remove(&self, folder: &FolderRef) -> Answer<()> {
        match &self.flow().removal {
            Some(action) if self.detail(folder).await?.is_some() => self.act(folder, action).await,
            _ => Ok(()),
        }
    }

    fn progress_of(&self, detail: &Detail) -> Answer<DeskProgress> {
        let state = detail.state();
        let is = |states: &[String]| states.iter().any(|it| it == state);
        let said = detail.message();
        if is(&self.flow().signed) {
            return Ok(DeskProgress::Finished);
        }
        if is(&self.flow().refused) {
            return Ok(DeskProgress::Rejected {
                by: "non précisé".to_owned().into(),
                reason: match said {
                    "" => "sans motif".to_owned(),
                    reason => reason.to_owned(),
                },
            });
        }
        if is(&self.flow().failed) {
            let sentence = format!(
                "Pastell a échoué à l'étape « {state} » (« {said} ») : elle est à reprendre dans Pastell."
            );
            return Err(CALLED.failure(FailureClass::Rejected, sentence));
        }
        Ok(DeskProgress::InProgress(state.to_owned()))
    }
}

#[async_trait]
impl SigningDesk for Pastell {
    async fn submit(&self, request: &SigningRequest, attempt: Attempt) -> Answer<FolderRef> {
        let found = match attempt {
            Attempt::First => None,
            Attempt::Again => self.find(request.signature).await?,
        };
        let folder = match found {
            Some(folder) => folder,
            None => self.create(request).await?,
        };
        let detail = self.detail(&folder).await?.ok_or_else(gone)?;
        if self.flow().before.iter().any(|it| it == detail.state()) {
            self.complete(&folder, request).await?;
        }
        self.go_on(&folder).await?;
        Ok(folder)
    }

    async fn progress(&self, passage: &Passage) -> Answer<DeskProgress> {
        let Some(folder) = self.folder(passage).await? else {
            return Ok(DeskProgress::Unknown);
        };
        let Some(detail) = self.detail(&folder).await? else {
            return Ok(DeskProgress::Unknown);
        };
        // The hub's own queue may have been behind when the document was deposited.
        if let Some(last) = self.flow().actions.last().filter(|it| detail.allows(it)) {
            self.act(&folder, last).await?;
        }
        self.progress_of(&detail)
    }

    async fn retrieve(&self, passage: &Passage) -> Answer<SignedFolder> {
        let folder = self.folder(passage).await?.ok_or_else(gone)?;
        let pdf = self.file(&folder, &self.flow().signed_document).await?;
        Ok(SignedFolder {
            pdf: pdf.ok_or_else(gone)?,
            slip: self.file(&folder, &self.flow().slip).await?,
        })
    }

    async fn archive(&self, passage: &Passage) -> Answer<()> {
        match self.folder(passage).await? {
            Some(folder) => self.remove(&folder).await,
            None => Ok(()),
        }
    }

    /// Nothing public says how the hub takes back what it sent to a desk.
    async fn withdraw(&self, passage: &Passage) -> Answer<()> {
        let Some(folder) = self.folder(passage).await? else {
            return Ok(());
        };
        let Some(detail) = self.detail(&folder).await? else {
            return Ok(());
        };
        let is_before = self.flow().before.iter().any(|it| it == detail.state());
        match self.progress_of(&detail)? {
            DeskProgress::Rejected { .. } | DeskProgress::Unknown => self.remove(&folder).await,
            DeskProgress::InProgress(_) if is_before => self.remove(&folder).await,
            DeskProgress::Finished => Err(CALLED.failure(
                FailureClass::Rejected,
                "Le dossier est déjà signé dans Pastell : il ne peut plus être retiré.",
            )),
            DeskProgress::InProgress(_) => Err(CALLED.failure(
                FailureClass::Rejected,
                "Pastell ne retire pas du parapheur ce qu'il y a envoyé : faites-le rejeter au parapheur, puis relancez.",
            )),
        }
    }
}

fn title(request: &SigningRequest) -> String {
    let spaced = request.title.replace(char::is_control, " ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let readable: String = words.join(" ").chars().take(LONGEST_TITLE).collect();
    format!("{readable} [{}]", key(request.signature))
}

/// The response if it is a success; otherwise what the hub says of it.
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
    Err(match said {
        Some(said) => {
            let sentence = format!("Pastell refuse la demande : « {} ».", said.message);
            CALLED.failure(FailureClass::Rejected, sentence)
        }
        None => refusal,
    })
}

fn gone() -> PortFailure {
    CALLED.failure(
        FailureClass::Rejected,
        "Le document est introuvable dans Pastell.",
    )
}

fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PortFailure {
    CALLED
        .failure(
            FailureClass::Transient,
            "La réponse de Pastell est illisible ou incomplète.",
        )
        .because(cause)
}
