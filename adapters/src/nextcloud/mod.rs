//! Circulation for visa on Nextcloud: the PDF is put in the service account's files over WebDAV, and either
//! the approval app asks those whom a rule names, or those with whom a folder is shared answer by a tag or by
//! moving the file. Visas are given on tablets, where a PDF may be annotated.

mod answers;
mod approval;
mod files;
mod folders;
mod place;
mod tags;
#[cfg(all(test, feature = "sim"))]
mod tests;
mod trial;
mod wire;

use crate::http;
use async_trait::async_trait;
use navette_domain::ports::{
    Answer, Attempt, Circulation, FailureClass, Neighbour, PortFailure, VisaCircuit, VisaRequest,
    VisaState,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::OnceCell;

const NEIGHBOUR: Neighbour = Neighbour::Nextcloud;
/// The reason of a refusal whose author wrote none.
const NO_REASON: &str = "(sans motif)";

/// How Nextcloud is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextcloudConfig {
    /// The server's address, such as `https://nuage.departement.example`.
    pub url: String,
    /// What the service account signs in with.
    pub login: String,
    /// An app password of that account.
    pub app_password: SecretString,
    /// The folder under which everything is put.
    #[serde(default = "default_root")]
    pub root_folder: String,
    /// How visas are asked for and given.
    #[serde(default)]
    pub visa: VisaBy,
    /// The names of the tags or folders that take the place of the approval app.
    #[serde(default)]
    pub marks: Marks,
    /// The longest wait for one answer.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

/// How visas are asked for and given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VisaBy {
    /// By the approval app.
    #[default]
    Approval,
    /// By system tags.
    Tags,
    /// By moving the file to another folder.
    Folders,
}

/// The names of tags or folders.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Marks {
    /// Of what waits for a visa.
    pub asked: String,
    /// Of what has its visa.
    pub approved: String,
    /// Of what was refused.
    pub refused: String,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            asked: "à viser".into(),
            approved: "visé".into(),
            refused: "refusé".into(),
        }
    }
}

impl Marks {
    /// Each must name one tag or one folder, and not another's.
    fn are_usable(&self) -> bool {
        let names = [&self.asked, &self.approved, &self.refused];
        let usable = |name: &&String| {
            name.trim() == **name
                && !matches!(name.as_str(), "" | "." | "..")
                && !name.contains('/')
        };
        names.iter().all(usable)
            && self.asked != self.approved
            && self.approved != self.refused
            && self.refused != self.asked
    }
}

fn default_root() -> String {
    "Navette".into()
}

fn default_timeout() -> u64 {
    120
}

/// The adapter.
#[derive(Debug)]
pub struct Nextcloud {
    config: NextcloudConfig,
    base: Url,
    client: Client,
    /// Paths bear the user's id, which a directory may make different from the login.
    user_id: OnceCell<String>,
    server: OnceCell<wire::Server>,
}

impl Nextcloud {
    /// An adapter that has called nobody yet.
    pub fn new(config: NextcloudConfig) -> Answer<Self> {
        let wrong = || {
            failure(
                FailureClass::Rejected,
                "L'adresse de Nextcloud n'est pas valable.",
            )
        };
        let base = Url::parse(&config.url).map_err(|error| wrong().because(error))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong());
        }
        if !config.marks.are_usable() {
            let sentence =
                "Les trois noms de « marks » doivent être différents, non vides et sans « / ».";
            return Err(failure(FailureClass::Rejected, sentence));
        }
        let timeout = Duration::from_secs(config.timeout_seconds);
        let client = http::client(timeout).build();
        Ok(Self {
            client: client.map_err(|error| http::no_answer(NEIGHBOUR, error))?,
            config,
            base,
            user_id: OnceCell::new(),
            server: OnceCell::new(),
        })
    }

    /// The server's address followed by `segments`, each percent-encoded.
    fn url<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Those of the answers first.
    fn marks(&self) -> [&str; 3] {
        let marks = &self.config.marks;
        [&marks.refused, &marks.approved, &marks.asked]
    }

    fn answers(&self) -> [&str; 2] {
        [&self.config.marks.approved, &self.config.marks.refused]
    }

    /// A signed request. The header keeps Nextcloud from seeing a browser, and a forgery, in us.
    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let password = self.config.app_password.expose_secret();
        self.client
            .request(method, url)
            .basic_auth(&self.config.login, Some(password))
            .header("OCS-APIRequest", "true")
    }
}

#[async_trait]
impl VisaCircuit for Nextcloud {
    async fn circulate(&self, request: &VisaRequest, attempt: Attempt) -> Answer<Circulation> {
        match self.config.visa {
            VisaBy::Approval => {}
            VisaBy::Tags => return self.circulate_by_tags(request, attempt).await,
            VisaBy::Folders => return self.circulate_by_folders(request, attempt).await,
        }
        let path = place::path(&self.config.root_folder, request);
        let file = self.upload(&path, &request.pdf, attempt).await?;
        self.ask_for_approval(&file.file_id, &request.circuit)
            .await?;
        Ok(Circulation {
            file_id: file.file_id,
            path,
            etag: file.etag,
        })
    }

    async fn find(&self, request: &VisaRequest) -> Answer<Option<Circulation>> {
        let root = &self.config.root_folder;
        let path = match self.config.visa {
            VisaBy::Approval => place::path(root, request),
            VisaBy::Tags => place::path_in_circuit(root, request, None),
            VisaBy::Folders => return self.find_in_folders(request).await,
        };
        let found = self.resource(&path).await?;
        Ok(found.map(|file| Circulation {
            file_id: file.file_id,
            path,
            etag: file.etag,
        }))
    }

    async fn state(&self, circulation: &Circulation) -> Answer<VisaState> {
        match self.config.visa {
            VisaBy::Approval => self.state_by_approval(circulation).await,
            VisaBy::Tags => self.state_by_tags(circulation).await,
            VisaBy::Folders => self.state_by_folders(circulation).await,
        }
    }

    async fn withdraw(&self, circulation: &Circulation) -> Answer<()> {
        if self.config.visa == VisaBy::Folders {
            return self.withdraw_from_folders(circulation).await;
        }
        match self.locate(circulation).await? {
            Some(url) => self.delete(url).await,
            None => Ok(()),
        }
    }
}

/// The answer to `request`, whatever its status.
async fn send(request: RequestBuilder) -> Answer<Response> {
    let sent = request.send().await;
    sent.map_err(|error| http::no_answer(NEIGHBOUR, error))
}

fn failure(class: FailureClass, sentence: impl Into<String>) -> PortFailure {
    PortFailure::new(NEIGHBOUR, class, sentence)
}

/// What a status that is no success means, in Nextcloud's dialect of HTTP.
fn refused(response: &Response) -> PortFailure {
    let (status, headers) = (response.status(), response.headers());
    let mut refusal = http::refusal(NEIGHBOUR, status, headers);
    match status {
        StatusCode::LOCKED => {
            refusal.class = FailureClass::Transient;
            refusal.sentence = "Le fichier est ouvert par quelqu'un dans Nextcloud.".into();
        }
        StatusCode::INSUFFICIENT_STORAGE => {
            refusal.sentence = "L'espace du compte de Navette dans Nextcloud est plein.".into();
        }
        StatusCode::FORBIDDEN => {
            let sentence = "Nextcloud interdit cette opération au compte de Navette.";
            refusal.sentence = sentence.into();
        }
        StatusCode::SERVICE_UNAVAILABLE if headers.contains_key("X-Nextcloud-Maintenance-Mode") => {
            refusal.sentence = "Nextcloud est en maintenance.".into();
        }
        _ => {}
    }
    refusal
}
