//! Folders: found by their titles, created, described, taken back, deleted.

use super::{
    IParapheurRest, LARGEST_TEXT, NEIGHBOUR,
    premis::{self, Premis},
    refused,
    session::Named,
    unreadable,
};
use crate::http;
use navette_domain::{
    ids::SignatureId,
    ports::{Answer, FailureClass, FolderRef, Passage, SigningRequest},
};
use reqwest::{
    Method, Response, StatusCode,
    multipart::{Form, Part},
};
use serde::Deserialize;
use serde_json::json;

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

/// What the title of a folder bears, so that it can be found.
fn key(signature: SignatureId) -> String {
    format!("[nav-{signature}]")
}

impl IParapheurRest {
    /// The folder whose title bears our id, wherever it stands.
    pub(super) async fn find(&self, signature: SignatureId) -> Answer<Option<FolderRef>> {
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

    pub(super) async fn folder(&self, passage: &Passage) -> Answer<Option<FolderRef>> {
        match &passage.folder {
            Some(folder) => Ok(Some(folder.clone())),
            None => self.find(passage.signature).await,
        }
    }

    pub(super) async fn create(&self, request: &SigningRequest) -> Answer<FolderRef> {
        let place = self.place().await?;
        let circuit = self
            .circuit(place, &request.desk_type, &request.desk_subtype)
            .await?;
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
    pub(super) async fn ask(
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

    pub(super) async fn premis(&self, folder: &FolderRef) -> Answer<Option<Premis>> {
        let Some(response) = self.ask(Method::GET, folder, &["premis"]).await? else {
            return Ok(None);
        };
        let body = http::read_limited(NEIGHBOUR, response, LARGEST_TEXT).await?;
        Premis::read(&body).map(Some).map_err(unreadable)
    }

    pub(super) async fn delete(&self, folder: &FolderRef) -> Answer<()> {
        self.ask(Method::DELETE, folder, &[]).await.map(drop)
    }

    /// Takes the running folder back to this desk, where the server lets it.
    pub(super) async fn undo(&self, folder: &FolderRef, description: &Premis) -> Answer<()> {
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

/// The title, which bears our id.
fn title(request: &SigningRequest) -> String {
    let spaced: String = (request.title.chars())
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<_> = spaced.split_whitespace().collect();
    let readable: String = words.join(" ").chars().take(LONGEST_TITLE).collect();
    format!("{readable} {}", key(request.signature))
}
