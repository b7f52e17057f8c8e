//! Circulation for visa on Nextcloud: the PDF is put in the service account's files over WebDAV, and the
//! approval app asks those whom a rule names. Visas are given on tablets, where a PDF may be annotated.

#![expect(
    clippy::disallowed_methods,
    reason = "an answer without a date is of now"
)]

mod approval;
mod files;
mod place;
#[cfg(all(test, feature = "sim"))]
mod tests;
mod wire;

use crate::http;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    personal::Personal,
    ports::{
        Answer, Attempt, Circulation, FailureClass, Neighbour, PortFailure, VisaCircuit,
        VisaRequest, VisaState,
    },
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::OnceCell;

const NEIGHBOUR: Neighbour = Neighbour::Nextcloud;

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
    /// The longest wait for one answer.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
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
        let timeout = Duration::from_secs(config.timeout_seconds);
        let client = http::client(timeout).build();
        Ok(Self {
            client: client.map_err(|error| http::no_answer(NEIGHBOUR, error))?,
            config,
            base,
            user_id: OnceCell::new(),
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
        let path = place::path(&self.config.root_folder, request);
        let found = self.resource(&path).await?;
        Ok(found.map(|file| Circulation {
            file_id: file.file_id,
            path,
            etag: file.etag,
        }))
    }

    async fn state(&self, circulation: &Circulation) -> Answer<VisaState> {
        let seen = self.approval(&circulation.file_id).await?;
        let by = Personal(seen.user_name.or(seen.user_id).unwrap_or_default());
        // A tag set by hand leaves no date: then it was given, at the latest, now.
        let date = seen
            .timestamp
            .and_then(|at| DateTime::from_timestamp(at, 0));
        let at = date.unwrap_or_else(Utc::now);
        let message = seen.message.filter(|message| !message.trim().is_empty());
        Ok(match seen.state {
            approval::NOTHING => {
                // The app sees nothing either when the storage is down: then this fails, and says so.
                self.locate(circulation).await?;
                VisaState::Lost
            }
            approval::APPROVED => match self.content_of(circulation).await? {
                Some(pdf) => VisaState::Approved {
                    by,
                    at,
                    comment: message,
                    pdf,
                },
                None => VisaState::Lost,
            },
            approval::REJECTED => VisaState::Rejected {
                by,
                at,
                reason: message.unwrap_or_else(|| "(sans motif)".into()),
            },
            approval::PENDING | approval::APPROVABLE => VisaState::Pending,
            unknown => {
                tracing::warn!(state = unknown, "unknown approval state, taken as pending");
                VisaState::Pending
            }
        })
    }

    async fn moved(&self, folder: &str) -> Answer<Option<Vec<String>>> {
        let path = place::folder(&self.config.root_folder, folder);
        let files = self.approvals_in(&path).await?;
        // A release of the app that does not tell shows no state at all.
        if !files.is_empty() && files.iter().all(|file| file.approval.is_none()) {
            return Ok(None);
        }
        let waits = [Some(approval::PENDING), Some(approval::APPROVABLE)];
        let moved = files
            .into_iter()
            .filter(|file| !waits.contains(&file.approval));
        Ok(Some(moved.map(|file| file.file_id).collect()))
    }

    async fn withdraw(&self, circulation: &Circulation) -> Answer<()> {
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
