//! iParapheur 5, through its REST interface (`/api/standard/v1`).
//!
//! A creation is not idempotent there, and takes no key of ours: the folder's title bears our id, and the desk
//! is searched for it before anything is sent a second time. What is known only from client programs, and not
//! from the server's own documentation, is told in `docs/neighbours/iparapheur-rest.md`.

mod archive;
pub(crate) mod premis;
mod session;
#[cfg(all(test, feature = "sim"))]
mod tests;

use crate::http;
use anyhow::Context as _;
use async_trait::async_trait;
use navette_domain::{
    ids::SignatureId,
    ports::{
        Answer, Attempt, DeskProgress, FailureClass, FolderRef, Neighbour, Passage, PortFailure,
        SignedFolder, SigningDesk, SigningRequest,
    },
};
use premis::Premis;
use reqwest::{
    Method, Response, StatusCode,
    multipart::{Form, Part},
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use session::{Named, Session};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use tokio::sync::OnceCell;

const NEIGHBOUR: Neighbour = Neighbour::IParapheur;
/// A signed letter with its annexes and its slip.
const LARGEST_ANSWER: usize = 128 << 20;
const LARGEST_TEXT: usize = 4 << 20;
/// The desk's limit on titles is 255, and the id takes 43.
const LONGEST_TITLE: usize = 200;
/// Where a folder that left this desk may be listed, the likeliest first.
const STATES: [&str; 7] = [
    "RETRIEVABLE",
    "DOWNSTREAM",
    "FINISHED",
    "REJECTED",
    "PENDING",
    "LATE",
    "DRAFT",
];

/// How to reach the desk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IParapheurRestConfig {
    /// The server: `https://…`, without a path.
    pub url: String,
    /// The technical account.
    pub login: String,
    /// Its password.
    pub password: SecretString,
    /// The entity, by its name or its id.
    pub tenant: String,
    /// The desk from which folders leave, by its name or its id.
    pub desk: String,
    /// The desk is slow with large folders.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    300
}

/// The desk.
#[derive(Debug)]
pub struct IParapheurRest {
    session: Session,
    tenant: String,
    desk: String,
    place: OnceCell<Place>,
    circuits: Mutex<HashMap<(String, String), Circuit>>,
}

/// Where folders leave from, by the server's ids.
#[derive(Debug, Clone)]
struct Place {
    tenant: String,
    desk: String,
}

/// A type and a subtype, by the server's ids.
#[derive(Debug, Clone)]
struct Circuit {
    desk_type: String,
    desk_subtype: String,
}

/// What the title of a folder bears, so that it can be found.
fn key(signature: SignatureId) -> String {
    format!("[nav-{signature}]")
}

impl IParapheurRest {
    /// Prepares the client; nothing is sent yet.
    pub fn new(config: &IParapheurRestConfig) -> anyhow::Result<Self> {
        Ok(Self {
            session: Session::new(config).context("the configuration of iParapheur (REST)")?,
            tenant: config.tenant.clone(),
            desk: config.desk.clone(),
            place: OnceCell::new(),
            circuits: Mutex::default(),
        })
    }

    /// Enters, and says where folders leave from and of which types they may be.
    pub async fn check(&self) -> Answer<String> {
        let place = self.place().await?;
        let path = self.at(place, &["types", "creation-allowed"]);
        let types: Vec<_> = (self.session.all(&path).await?.into_iter())
            .map(|found| found.name)
            .collect();
        Ok(format!(
            "entité « {} », bureau « {} », types : {}",
            self.tenant,
            self.desk,
            types.join(", ")
        ))
    }

    async fn place(&self) -> Answer<&Place> {
        let find = async || {
            let tenants = self.session.all(&["tenant".to_owned()]).await?;
            let tenant = chosen(tenants, &self.tenant, "entité")?;
            let path = ["tenant", &tenant, "desk"].map(str::to_owned);
            let desks = self.session.all(&path).await?;
            let desk = chosen(desks, &self.desk, "bureau")?;
            Ok(Place { tenant, desk })
        };
        self.place.get_or_try_init(find).await
    }

    fn at(&self, place: &Place, more: &[&str]) -> Vec<String> {
        ["tenant", &place.tenant, "desk", &place.desk]
            .iter()
            .chain(more)
            .map(|part| (*part).to_owned())
            .collect()
    }

    async fn circuit(&self, place: &Place, request: &SigningRequest) -> Answer<Circuit> {
        let asked = (request.desk_type.clone(), request.desk_subtype.clone());
        let known = |asked: &_| self.known_circuits().get(asked).cloned();
        if let Some(circuit) = known(&asked) {
            return Ok(circuit);
        }
        let path = self.at(place, &["types", "creation-allowed"]);
        let desk_type = chosen(self.session.all(&path).await?, &asked.0, "type")?;
        let path = self.at(
            place,
            &["types", &desk_type, "subtypes", "creation-allowed"],
        );
        let desk_subtype = chosen(self.session.all(&path).await?, &asked.1, "sous-type")?;
        let circuit = Circuit {
            desk_type,
            desk_subtype,
        };
        self.known_circuits().insert(asked, circuit.clone());
        Ok(circuit)
    }

    fn known_circuits(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder whose title bears our id, wherever it stands.
    async fn find(&self, signature: SignatureId) -> Answer<Option<FolderRef>> {
        let place = self.place().await?;
        let key = key(signature);
        for state in STATES {
            let found = self.session.all(&self.at(place, &[state])).await;
            let found = match found {
                Ok(found) => found,
                // Not every release lists by every state.
                Err(failure)
                    if state == "DOWNSTREAM" && failure.class == FailureClass::Rejected =>
                {
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            if let Some(found) = found.into_iter().find(|found| found.name.contains(&key)) {
                return Ok(Some(FolderRef(found.id)));
            }
        }
        Ok(None)
    }

    async fn folder(&self, passage: &Passage) -> Answer<Option<FolderRef>> {
        match &passage.folder {
            Some(folder) => Ok(Some(folder.clone())),
            None => self.find(passage.signature).await,
        }
    }

    async fn create(&self, request: &SigningRequest) -> Answer<FolderRef> {
        let place = self.place().await?;
        let circuit = self.circuit(place, request).await?;
        let title = title(request);
        let file_name = premis::plain(&request.file_name);
        let description = premis::description(
            &circuit.desk_type,
            &circuit.desk_subtype,
            &title,
            &file_name,
        );
        let path = self.at(place, &["folder"]);
        let response = self
            .session
            .call(Method::POST, &path, &[], |call| {
                let part = |bytes: Vec<u8>, name: &str, kind: &str| {
                    Part::bytes(bytes).file_name(name.to_owned()).mime_str(kind)
                };
                let xml = part(description.clone().into(), "premis.xml", "application/xml")?;
                let pdf = part(request.pdf.clone(), &file_name, "application/pdf")?;
                Ok(call.multipart(Form::new().part("folder", xml).part("documents", pdf)))
            })
            .await?;
        let refused = response.status().is_client_error();
        let made = self.accepted(response, &title).await;
        if refused {
            // What was resolved may have changed at the desk.
            self.known_circuits().clear();
        }
        let body = http::read_limited(NEIGHBOUR, made?, LARGEST_TEXT).await?;
        let made: Named = serde_json::from_slice(&body).map_err(unreadable)?;
        Ok(FolderRef(made.id))
    }

    /// The response if it is a success; otherwise what the server says of it, without our title in it.
    async fn accepted(&self, response: Response, title: &str) -> Answer<Response> {
        #[derive(Deserialize)]
        struct Refusal {
            message: Option<String>,
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let refusal = http::refusal(NEIGHBOUR, status, response.headers());
        if refusal.class != FailureClass::Rejected {
            return Err(refusal);
        }
        let said = http::read_limited(NEIGHBOUR, response, LARGEST_TEXT).await;
        let said = said
            .ok()
            .and_then(|body| serde_json::from_slice::<Refusal>(&body).ok());
        match said
            .and_then(|said| said.message)
            .filter(|said| !said.is_empty())
        {
            Some(said) if title.is_empty() => Err(refused(&said)),
            Some(said) => Err(refused(&said.replace(title, "…"))),
            None => Err(refusal),
        }
    }

    /// What is asked about one folder; `None` when the desk has it no longer.
    async fn ask(
        &self,
        method: Method,
        folder: &FolderRef,
        what: &[&str],
    ) -> Answer<Option<Response>> {
        let place = self.place().await?;
        let path = self.at(place, &[&["folder", &folder.0], what].concat());
        let response = self.session.call(method, &path, &[], Ok).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.accepted(response, "").await.map(Some)
    }

    async fn premis(&self, folder: &FolderRef) -> Answer<Option<Premis>> {
        let Some(response) = self.ask(Method::GET, folder, &["premis"]).await? else {
            return Ok(None);
        };
        let body = http::read_limited(NEIGHBOUR, response, LARGEST_TEXT).await?;
        Premis::read(&body).map(Some).map_err(unreadable)
    }

    async fn delete(&self, folder: &FolderRef) -> Answer<()> {
        self.ask(Method::DELETE, folder, &[]).await.map(drop)
    }

    /// Takes the running folder back to this desk, where the server lets it.
    async fn undo(&self, folder: &FolderRef, description: &Premis) -> Answer<()> {
        let place = self.place().await?;
        let Some(task) = description.task_to_undo() else {
            return Ok(());
        };
        let path = self.at(place, &["folder", &folder.0, "task", task, "undo"]);
        let words = json!({ "publicAnnotation": "", "privateAnnotation": "" });
        let response = (self.session)
            .call(Method::PUT, &path, &[], |call| Ok(call.json(&words)))
            .await?;
        self.accepted(response, "").await.map(drop)
    }
}

#[async_trait]
impl SigningDesk for IParapheurRest {
    async fn submit(&self, request: &SigningRequest, attempt: Attempt) -> Answer<FolderRef> {
        if attempt == Attempt::Again
            && let Some(found) = self.find(request.signature).await?
        {
            return Ok(found);
        }
        self.create(request).await
    }

    async fn progress(&self, passage: &Passage) -> Answer<DeskProgress> {
        let Some(folder) = self.folder(passage).await? else {
            return Ok(DeskProgress::Unknown);
        };
        let description = self.premis(&folder).await?;
        Ok(description.map_or(DeskProgress::Unknown, |premis| premis.progress()))
    }

    async fn retrieve(&self, passage: &Passage) -> Answer<SignedFolder> {
        let folder = self.folder(passage).await?;
        let response = match &folder {
            Some(folder) => self.ask(Method::GET, folder, &["zip"]).await?,
            None => None,
        };
        let response = response.ok_or_else(|| {
            failure(
                FailureClass::Rejected,
                "Le dossier est introuvable dans iParapheur.",
            )
        })?;
        let bytes = http::read_limited(NEIGHBOUR, response, LARGEST_ANSWER).await?;
        tokio::task::spawn_blocking(move || archive::read(&bytes))
            .await
            .map_err(unreadable)?
            .map_err(unreadable)
    }

    async fn archive(&self, passage: &Passage) -> Answer<()> {
        let Some(folder) = self.folder(passage).await? else {
            return Ok(());
        };
        let Some(description) = self.premis(&folder).await? else {
            return Ok(());
        };
        match description.progress() {
            DeskProgress::Finished | DeskProgress::Rejected { .. } => self.delete(&folder).await,
            DeskProgress::InProgress(_) | DeskProgress::Unknown => Err(failure(
                FailureClass::Rejected,
                "Le dossier est encore en cours dans iParapheur : il ne peut pas être supprimé.",
            )),
        }
    }

    async fn withdraw(&self, passage: &Passage) -> Answer<()> {
        let Some(folder) = self.folder(passage).await? else {
            return Ok(());
        };
        let Some(description) = self.premis(&folder).await? else {
            return Ok(());
        };
        match description.progress() {
            DeskProgress::Unknown => return Ok(()),
            DeskProgress::Rejected { .. } => return self.delete(&folder).await,
            DeskProgress::Finished => return Err(already_signed()),
            DeskProgress::InProgress(_) => {}
        }
        // Refused, it may be that an earlier attempt took it back: it is deleted then, and what still runs is
        // not deleted by the server.
        match self.undo(&folder, &description).await {
            Err(failure) if failure.class != FailureClass::Rejected => return Err(failure),
            Ok(()) | Err(_) => {}
        }
        let deleted = self.delete(&folder).await;
        let signed = deleted.is_err() && self.progress(passage).await? == DeskProgress::Finished;
        if signed {
            return Err(already_signed());
        }
        deleted
    }
}

/// The title, which bears our id.
fn title(request: &SigningRequest) -> String {
    let spaced: String = (request.title.chars())
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<_> = spaced.split_whitespace().collect();
    let readable: String = words.join(" ").chars().take(LONGEST_TITLE).collect();
    format!("{readable} {}", key(request.signature))
}

/// The id of what the configuration or a chain names, by id or by name.
fn chosen(among: Vec<Named>, asked: &str, what: &str) -> Answer<String> {
    let found = among
        .iter()
        .find(|it| it.id == asked)
        .or_else(|| among.iter().find(|it| it.name == asked));
    if let Some(found) = found {
        return Ok(found.id.clone());
    }
    let known: Vec<_> = among.into_iter().map(|it| it.name).collect();
    let known = match known.len() {
        0 => "aucun".to_owned(),
        _ => known.join(", "),
    };
    Err(failure(
        FailureClass::Rejected,
        format!(
            "iParapheur ne propose pas au compte de Navette l'élément « {asked} » ({what}) ; il propose : {known}."
        ),
    ))
}

fn failure(class: FailureClass, sentence: impl Into<String>) -> PortFailure {
    PortFailure::new(NEIGHBOUR, class, sentence)
}

fn refused(said: &str) -> PortFailure {
    failure(
        FailureClass::Rejected,
        format!("iParapheur refuse la demande : « {said} »."),
    )
}

fn already_signed() -> PortFailure {
    failure(
        FailureClass::Rejected,
        "Le dossier est déjà signé dans iParapheur : il ne peut plus être retiré.",
    )
}

fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PortFailure {
    failure(
        FailureClass::Transient,
        "La réponse d'iParapheur est illisible ou incomplète.",
    )
    .because(cause)
}
