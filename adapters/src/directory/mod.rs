//! The directory of companies (recherche-entreprises.api.gouv.fr): open to all, at a few questions a second.

#[cfg(all(test, feature = "sim"))]
mod tests;
mod wire;

use crate::http;
use anyhow::Context as _;
use async_trait::async_trait;
use navette_domain::{
    ports::{
        Answer, CompanyDirectory, Establishment, FailureClass, Named, Neighbour, PortFailure, Trial,
    },
    siret::Siret,
};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use std::time::Duration;
use tokio::{sync::Mutex, time::Instant};

const NEIGHBOUR: Neighbour = Neighbour::CompanyDirectory;
const LARGEST_ANSWER: usize = 4 << 20;

/// How the directory is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DirectoryConfig {
    /// Its address.
    pub url: String,
    /// How many questions a second at most; it takes seven from one address.
    pub per_second: u32,
    /// How long one call may last, in seconds.
    pub timeout_seconds: u64,
}

impl Default for DirectoryConfig {
    fn default() -> Self {
        Self {
            url: "https://recherche-entreprises.api.gouv.fr".into(),
            per_second: 5,
            timeout_seconds: 20,
        }
    }
}

/// The directory.
#[derive(Debug)]
pub struct Directory {
    client: Client,
    base: Url,
    pause: Duration,
    /// When the next question may be asked.
    next: Mutex<Instant>,
}

impl Directory {
    /// Refuses an address that is not one, and no question at all.
    pub fn new(config: &DirectoryConfig) -> anyhow::Result<Self> {
        let base = Url::parse(&config.url)
            .with_context(|| format!("the address of {NEIGHBOUR} is not a URL"))?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https"),
            "the address of {NEIGHBOUR} must begin with https://"
        );
        anyhow::ensure!(config.per_second > 0, "`per_second` must be at least 1");
        Ok(Self {
            client: http::client(Duration::from_secs(config.timeout_seconds)).build()?,
            base,
            pause: Duration::from_secs(1) / config.per_second,
            next: Mutex::new(Instant::now()),
        })
    }

    async fn search(&self, words: &str) -> Answer<wire::Found> {
        self.wait_for_turn().await;
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("search");
        }
        url.query_pairs_mut()
            .append_pair("q", words)
            .append_pair("page", "1")
            .append_pair("per_page", "5");
        let response = self.client.get(url).send().await;
        let response = response.map_err(|error| http::no_answer(NEIGHBOUR, error))?;
        if response.status() == StatusCode::BAD_REQUEST {
            let body = http::read_limited(NEIGHBOUR, response, LARGEST_ANSWER).await?;
            let said = serde_json::from_slice::<wire::Refused>(&body).unwrap_or_default();
            let sentence = "L'annuaire des entreprises refuse la question.";
            return Err(failure(FailureClass::Rejected, sentence).because(said.erreur));
        }
        let response = http::successful(NEIGHBOUR, response)?;
        let body = http::read_limited(NEIGHBOUR, response, LARGEST_ANSWER).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let sentence = "La réponse de l'annuaire des entreprises n'est pas comprise.";
            failure(FailureClass::Transient, sentence).because(error)
        })
    }

    /// Questions leave one after the other, so far apart.
    async fn wait_for_turn(&self) {
        let mut next = self.next.lock().await;
        tokio::time::sleep_until(*next).await;
        *next = Instant::now() + self.pause;
    }
}

#[async_trait]
impl CompanyDirectory for Directory {
    /// The search is by words, and near: only an establishment of this very number counts.
    async fn establishment(&self, siret: &Siret) -> Answer<Option<Establishment>> {
        let found = self.search(siret.as_str()).await?;
        let mut results = found.results.into_iter();
        Ok(results.find_map(|result| result.establishment(siret)))
    }
}

#[async_trait]
impl Trial for Directory {
    /// The State's own digital service, which is sure to be there.
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        let tried = self.search("13002526500013").await;
        vec![tried.map(|_| "L'annuaire des entreprises répond.".to_owned())]
    }
}

fn failure(class: FailureClass, sentence: impl Into<String>) -> PortFailure {
    PortFailure::new(NEIGHBOUR, class, sentence)
}
