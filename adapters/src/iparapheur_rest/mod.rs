//! iParapheur 5, through its REST interface (`/api/standard/v1`).
//!
//! A creation is not idempotent there, and takes no key of ours: the folder's title bears our id, and the desk
//! is searched for it before anything is sent a second time. What is known only from client programs, and not
//! from the server's own documentation, is told in `docs/neighbours/iparapheur-rest.md`.

mod archive;
mod folders;
pub(crate) mod premis;
mod session;
#[cfg(all(test, feature = "sim"))]
mod tests;

use crate::http;
use anyhow::Context as _;
use async_trait::async_trait;
use navette_domain::ports::{
    Answer, Attempt, DeskProgress, FailureClass, FolderRef, Neighbour, Passage, PortFailure,
    SignedFolder, SigningDesk, SigningRequest,
};
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
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

    async fn circuit(&self, place: &Place, of: &str, subtype: &str) -> Answer<Circuit> {
        let asked = (of.to_owned(), subtype.to_owned());
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
