//! A simulated Pastell: documents of one flow, a queue of jobs that lags, and the desk behind it.

use super::{
    iparapheur::pdf_signature::Signer,
    iparapheur::slip::slip,
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, State},
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use chrono::Utc;
use http_body_util::BodyExt as _;
use navette_domain::ports::Neighbour;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How it is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The technical account.
    pub login: String,
    /// Its password.
    pub password: String,
    /// The desk's types, each with a subtype.
    pub circuits: Vec<(String, String)>,
    /// How many times a document is looked at before the queue has done the next job.
    pub lag: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            login: "navette".to_owned(),
            password: "secret".to_owned(),
            circuits: vec![("Courrier".to_owned(), "Notification".to_owned())],
            lag: 0,
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Document {
    fields: BTreeMap<String, String>,
    files: BTreeMap<String, Bytes>,
    state: String,
    message: String,
    /// What the queue will have done after so many looks.
    waits: Option<(String, u32)>,
}

impl Document {
    fn becomes(&mut self, state: &str, message: &str) {
        state.clone_into(&mut self.state);
        message.clone_into(&mut self.message);
        self.waits = None;
    }

    /// What is missing in it.
    fn lacks(&self) -> Option<&'static str> {
        let filled = |field: &str| self.fields.get(field).is_some_and(|it| !it.is_empty());
        if !filled("libelle") {
            Some("Le champ « libelle » est obligatoire")
        } else if !self.files.contains_key("document") {
            Some("Le champ « document » est obligatoire")
        } else {
            None
        }
    }

    fn possible(&self) -> Vec<&'static str> {
        match self.state.as_str() {
            "creation" | "modification" if self.lacks().is_none() => {
                vec!["modification", "supression", "orientation"]
            }
            "creation" | "modification" => vec!["modification", "supression"],
            "preparation-send-iparapheur" => vec!["send-iparapheur"],
            "send-iparapheur" => vec!["verif-iparapheur"],
            "recu-iparapheur" | "rejet-iparapheur" => vec!["supression"],
            _ => vec![],
        }
    }
}

#[derive(Debug)]
struct Hub {
    documents: BTreeMap<String, Document>,
    options: Options,
    signer: Signer,
    ledger: Ledger,
}

/// The running hub; it stops when dropped.
#[derive(Debug)]
pub struct PastellSim {
    hub: Arc<Mutex<Hub>>,
    server: Server,
    options: Options,
}

impl PastellSim {
    /// Starts it on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler, options: Options) -> io::Result<Self> {
        let hub = Arc::new(Mutex::new(Hub {
            documents: BTreeMap::new(),
            options: options.clone(),
            signer: Signer::new("Jeanne Exemple")?,
            ledger,
        }));
        let router = Router::new()
            .fallback(serve)
            .layer(DefaultBodyLimit::disable())
            .with_state(hub.clone());
        let server = wire::serve(Neighbour::IParapheur, router, operation, meddler, None).await?;
        Ok(Self {
            hub,
            server,
            options,
        })
    }

    /// The API's address.
    pub fn url(&self) -> String {
        format!("{}/api/v2", self.server.url())
    }

    /// The technical account: login and password.
    pub fn account(&self) -> (&str, &str) {
        (&self.options.login, &self.options.password)
    }

    /// The ids of the documents, each with its state.
    pub fn documents(&self) -> Vec<(String, String)> {
        let hub = self.hub();
        let all = hub.documents.iter();
        all.map(|(id, it)| (id.clone(), it.state.clone())).collect()
    }

    /// The president signs what was sent to the desk.
    pub fn sign(&self, id: &str) -> io::Result<()> {
        let mut hub = self.hub();
        let document = hub.at_desk(id)?.files["document"].clone();
        let signed = hub.signer.sign(&document, Utc::now())?;
        let slip = slip(&["Bordereau de signature".to_owned()])?;
        let document = hub.at_desk(id)?;
        document.files.insert("document".to_owned(), signed);
        document.files.insert("bordereau".to_owned(), slip.into());
        document.becomes("recu-iparapheur", "La signature a été récupérée");
        Ok(())
    }

    /// The president refuses it.
    pub fn reject(&self, id: &str, reason: &str) -> io::Result<()> {
        self.hub().at_desk(id)?.becomes("rejet-iparapheur", reason);
        Ok(())
    }

    /// The hub no longer reaches the desk.
    pub fn fails(&self, id: &str, message: &str) -> io::Result<()> {
        let mut hub = self.hub();
        hub.at_desk(id)?.becomes("erreur-verif-iparapheur", message);
        Ok(())
    }

    fn hub(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The method, and the last word of the path but ids: `POST document`, `POST orientation`, `GET bordereau`.
fn operation(request: &Request<()>, _: &[u8]) -> String {
    let digit = |part: &&str| !part.is_empty() && !part.contains(char::is_numeric);
    let last = request.uri().path().split('/').rfind(digit);
    format!("{} {}", request.method(), last.unwrap_or_default())
}

fn error(status: StatusCode, message: &str) -> Response {
    let body = json!({ "status": "error", "error-message": message });
    (status, Json(body)).into_response()
}

async fn serve(State(hub): State<Arc<Mutex<Hub>>>, request: Request<Body>) -> Response {
    let lock = || hub.lock().unwrap_or_else(PoisonError::into_inner);
    let (head, body) = request.into_parts();
    let account = {
        let hub = lock();
        BASE64_STANDARD.encode(format!("{}:{}", hub.options.login, hub.options.password))
    };
    let given = head.headers.get(header::AUTHORIZATION);
    if given.is_none_or(|given| given.as_bytes() != format!("Basic {account}").as_bytes()) {
        return error(StatusCode::UNAUTHORIZED, "Accès interdit");
    }
    let path = head.uri.path().to_owned();
    let Some(rest) = path.strip_prefix("/api/v2/") else {
        return error(StatusCode::NOT_FOUND, "Ressource inconnue");
    };
    let query = form(head.uri.query().unwrap_or_default().as_bytes());
    let parts: Vec<_> = rest.split('/').collect();
    let method = head.method.as_str().to_owned();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["version"]) => Json(json!({ "version": "4.0.0 (simulation)" })).into_response(),
        ("POST", ["entite", "1", "document", id, "file", field]) => {
            let request = Request::from_parts(head, Body::new(body));
            let Ok(mut form) = Multipart::from_request(request, &()).await else {
                return error(StatusCode::BAD_REQUEST, "multipart attendu");
            };
            let mut content = Bytes::new();
            while let Ok(Some(part)) = form.next_field().await {
                if part.name() == Some("file_content") {
                    content = part.bytes().await.unwrap_or_default();
                }
            }
            lock().receives(id, field, content)
        }
        (method, ["entite", "1", "document", rest @ ..]) => {
            let body = body.collect().await.map(|body| body.to_bytes());
            let form = form(&body.unwrap_or_default());
            lock().answer(method, rest, &query, form)
        }
        _ => error(
            StatusCode::FORBIDDEN,
            "Vous n'avez pas les droits nécessaires",
        ),
    }
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect()
}

impl Hub {
    fn at_desk(&mut self, id: &str) -> io::Result<&mut Document> {
        let document = self.documents.get_mut(id);
        let document = document.filter(|it| it.state == "send-iparapheur");
        document.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn filled(document: &Document) -> Value {
        let lacks = document.lacks();
        json!({
            "result": "ok", "formulaire_ok": i32::from(lacks.is_none()), "message": lacks.unwrap_or_default(),
        })
    }

    fn receives(&mut self, id: &str, field: &str, content: Bytes) -> Response {
        let Some(document) = self.documents.get_mut(id) else {
            return error(StatusCode::NOT_FOUND, "Le document n'existe pas");
        };
        document.files.insert(field.to_owned(), content);
        (StatusCode::CREATED, Json(Self::filled(document))).into_response()
    }

    fn answer(
        &mut self,
        method: &str,
        rest: &[&str],
        query: &BTreeMap<String, String>,
        form: BTreeMap<String, String>,
    ) -> Response {
        match (method, rest) {
            ("POST", []) => {
                if query.get("type").is_none_or(|flow| flow != "pdf-generique") {
                    return error(StatusCode::FORBIDDEN, "Type de document inconnu");
                }
                let id = format!("d{}", self.documents.len() + 1);
                let mut document = Document::default();
                document.becomes("creation", "");
                let made = json!({ "id_d": id, "info": {}, "data": {} });
                self.documents.insert(id, document);
                (StatusCode::CREATED, Json(made)).into_response()
            }
            ("GET", []) => {
                let sought = query.get("search").map_or("", String::as_str);
                let title = |it: &Document| it.fields.get("libelle").cloned().unwrap_or_default();
                let found = self
                    .documents
                    .iter()
                    .filter(|(_, it)| title(it).contains(sought));
                let found: Vec<_> = found
                    .map(|(id, it)| json!({ "id_d": id, "titre": title(it), "last_action": it.state }))
                    .collect();
                Json(found).into_response()
            }
            (method, [id, what @ ..]) => {
                if !self.documents.contains_key(*id) {
                    return error(StatusCode::NOT_FOUND, "Le document n'existe pas");
                }
                match (method, what) {
                    ("GET", []) => self.detail(id),
                    ("PATCH", []) => self.patch(id, form),
                    ("GET", ["file", field]) => match self.documents[*id].files.get(*field) {
                        Some(file) => file.clone().into_response(),
                        None => error(StatusCode::NOT_FOUND, "Le fichier n'existe pas"),
                    },
                    ("POST", ["action", action]) => self.act(id, action),
                    _ => error(StatusCode::METHOD_NOT_ALLOWED, ""),
                }
            }
            _ => error(StatusCode::METHOD_NOT_ALLOWED, ""),
        }
    }

    fn patch(&mut self, id: &str, form: BTreeMap<String, String>) -> Response {
        let subtype = form.get("iparapheur_sous_type");
        let circuit = form.get("iparapheur_type").zip(subtype);
        let known =
            |(a, b): (&String, &String)| self.options.circuits.contains(&(a.clone(), b.clone()));
        if !circuit.is_none_or(known) {
            return error(
                StatusCode::BAD_REQUEST,
                "Type ou sous-type inconnu du parapheur",
            );
        }
        let Some(document) = self.documents.get_mut(id) else {
            return error(StatusCode::NOT_FOUND, "");
        };
        document.fields.extend(form);
        document.becomes("modification", "");
        Json(Self::filled(document)).into_response()
    }

    /// Looking at a document is what makes time pass.
    fn detail(&mut self, id: &str) -> Response {
        let Some(document) = self.documents.get_mut(id) else {
            return error(StatusCode::NOT_FOUND, "");
        };
        match document.waits.take() {
            Some((state, 0)) => document.becomes(&state, ""),
            Some((state, looks)) => document.waits = Some((state, looks - 1)),
            None => {}
        }
        let possible = if document.waits.is_some() {
            vec![]
        } else {
            document.possible()
        };
        Json(json!({
            "info": { "id_d": id }, "data": document.fields,
            "last_action": { "action": document.state, "message": document.message },
            "action-possible": possible, "action_possible": possible,
        }))
        .into_response()
    }

    fn act(&mut self, id: &str, action: &str) -> Response {
        let lag = self.options.lag;
        let Some(document) = self.documents.get_mut(id) else {
            return error(StatusCode::NOT_FOUND, "");
        };
        if !document.possible().contains(&action) || document.waits.is_some() {
            let message =
                format!("L'action « {action} »  n'est pas permise : l'état ne la permet pas");
            return error(StatusCode::BAD_REQUEST, &message);
        }
        match action {
            "orientation" => {
                document.becomes("orientation", "");
                document.waits = Some(("preparation-send-iparapheur".to_owned(), lag));
            }
            "send-iparapheur" => {
                document.becomes("send-iparapheur", "");
                let (title, content) = (
                    document.fields["libelle"].clone(),
                    document.files["document"].clone(),
                );
                let note = "folder created";
                self.ledger
                    .note(Neighbour::IParapheur, note, title, Some(&content));
            }
            "supression" => {
                self.documents.remove(id);
                self.ledger
                    .note(Neighbour::IParapheur, "folder deleted", id, None);
            }
            _ => {}
        }
        let done = json!({ "result": true, "message": "" });
        (StatusCode::CREATED, Json(done)).into_response()
    }
}
