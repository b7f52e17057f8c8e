//! A folder of a WebDAV server (RFC 4918).

use super::{LARGEST_FILE, NEIGHBOUR, NOT_YET, another_content, checked, failure};
use crate::http;
use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use navette_domain::ports::{Answer, Attempt, DropBox, FailureClass, Named, PortFailure, Trial};
use quick_xml::{events::Event, name::ResolveResult, reader::NsReader};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::time::Duration;

const LARGEST_LISTING: usize = 16 << 20;
const PROPFIND: &str = "<?xml version=\"1.0\"?>\
    <d:propfind xmlns:d=\"DAV:\"><d:prop><d:getcontentlength/></d:prop></d:propfind>";

/// How the folder is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebdavConfig {
    /// The folder's own address; it exists.
    pub url: String,
    /// The account.
    pub login: String,
    /// Its password.
    pub password: SecretString,
    /// How long one call may last, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    300
}

/// See the module.
#[derive(Debug, Clone)]
pub struct WebdavDrop {
    client: Client,
    base: Url,
    config: WebdavConfig,
}

impl WebdavDrop {
    /// Refuses an address that is not one.
    pub fn new(config: WebdavConfig) -> anyhow::Result<Self> {
        let base = Url::parse(&config.url)
            .with_context(|| format!("the address of {NEIGHBOUR} is not a URL"))?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https"),
            "the address of {NEIGHBOUR} must begin with https://"
        );
        Ok(Self {
            client: http::client(Duration::from_secs(config.timeout_seconds)).build()?,
            base,
            config,
        })
    }

    fn url(&self, name: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(name);
        }
        url
    }

    fn request(&self, method: &'static [u8], url: Url) -> RequestBuilder {
        let password = self.config.password.expose_secret();
        self.client
            .request(Method::from_bytes(method).unwrap_or_default(), url)
            .basic_auth(&self.config.login, Some(password))
            // Nextcloud takes a call without it for a browser's.
            .header("OCS-APIRequest", "true")
    }

    async fn send(&self, request: RequestBuilder) -> Answer<Response> {
        let sent = request.send().await;
        sent.map_err(|error| http::no_answer(NEIGHBOUR, error))
    }

    /// Writes the file under a name that means "not yet"; what an earlier attempt left there is replaced.
    async fn write_part(&self, part: &Url, bytes: &[u8]) -> Answer<()> {
        let body = Bytes::copy_from_slice(bytes);
        let response = self
            .send(self.request(b"PUT", part.clone()).body(body))
            .await?;
        accepted(response).map(drop)
    }

    /// Gives the file its name, unless another bears it; says whether it did.
    async fn take_name(&self, part: Url, whole: &Url) -> Answer<bool> {
        let request = self
            .request(b"MOVE", part)
            .header("Destination", whole.as_str())
            .header("Overwrite", "F");
        let response = self.send(request).await?;
        if response.status() == StatusCode::PRECONDITION_FAILED {
            return Ok(false);
        }
        accepted(response).map(|_| true)
    }

    async fn read(&self, url: Url) -> Answer<Option<Vec<u8>>> {
        let response = self.send(self.request(b"GET", url)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body = http::read_limited(NEIGHBOUR, accepted(response)?, LARGEST_FILE).await?;
        Ok(Some(body.to_vec()))
    }

    async fn remove(&self, url: Url) -> Answer<()> {
        let response = self.send(self.request(b"DELETE", url)).await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(()),
            _ => accepted(response).map(drop),
        }
    }
}

#[async_trait]
impl DropBox for WebdavDrop {
    async fn put(&self, name: &str, bytes: &[u8], _attempt: Attempt) -> Answer<()> {
        let whole = self.url(checked(name)?);
        let part = self.url(&format!("{name}{NOT_YET}"));
        let there = if let Some(there) = self.read(whole.clone()).await? {
            there
        } else {
            self.write_part(&part, bytes).await?;
            if self.take_name(part.clone(), &whole).await? {
                return Ok(());
            }
            // Somebody was faster, perhaps ourselves.
            self.read(whole).await?.unwrap_or_default()
        };
        if there != bytes {
            return Err(another_content(name));
        }
        self.remove(part).await
    }

    async fn names(&self) -> Answer<Vec<String>> {
        let request = self
            .request(b"PROPFIND", self.base.clone())
            .header("Depth", "1")
            .header("Content-Type", "application/xml; charset=utf-8")
            .body(PROPFIND);
        let response = accepted(self.send(request).await?)?;
        let body = http::read_limited(NEIGHBOUR, response, LARGEST_LISTING).await?;
        let hrefs = std::str::from_utf8(&body).ok().and_then(hrefs);
        let hrefs = hrefs.ok_or_else(|| {
            let sentence = "La réponse du dossier de dépôt n'est pas comprise.";
            failure(FailureClass::Transient, sentence)
        })?;
        let mut names: Vec<_> = hrefs.iter().filter_map(|href| self.name(href)).collect();
        names.sort();
        Ok(names)
    }

    async fn get(&self, name: &str) -> Answer<Option<Vec<u8>>> {
        self.read(self.url(checked(name)?)).await
    }
}

impl WebdavDrop {
    /// The name of a file of the folder, from a percent-encoded path or address; folders end with a slash.
    fn name(&self, href: &str) -> Option<String> {
        let last = self.base.join(href).ok()?;
        let last = last.path_segments()?.next_back()?.to_owned();
        // Every name that could be ours is read back by its own address.
        let name = decoded(&last)?;
        checked(&name).is_ok().then_some(name)
    }
}

/// What `%C3%A9` and the like stand for.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let (code, after) = after.split_at_checked(2)?;
        let code = std::str::from_utf8(code).ok()?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// The paths that a multistatus lists.
fn hrefs(text: &str) -> Option<Vec<String>> {
    let mut reader = NsReader::from_str(text);
    let (mut hrefs, mut value) = (vec![], String::new());
    loop {
        let (namespace, event) = reader.read_resolved_event().ok()?;
        match event {
            Event::Eof => return Some(hrefs),
            Event::DocType(_) => return None,
            Event::Start(_) => value.clear(),
            Event::Text(text) => value.push_str(&text.xml10_content()),
            Event::GeneralRef(name) if &*name == "amp" => value.push('&'),
            Event::End(element) => {
                let of_dav =
                    matches!(namespace, ResolveResult::Bound(space) if space.as_ref() == "DAV:");
                if of_dav && element.local_name().as_ref() == "href" {
                    hrefs.push(value.trim().to_owned());
                }
            }
            _ => {}
        }
    }
}

/// What a status that is no success means, in WebDAV's dialect of HTTP.
fn accepted(response: Response) -> Answer<Response> {
    let (class, sentence) = match response.status() {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT => (
            FailureClass::Transient,
            "Le dossier de dépôt n'existe pas à l'adresse donnée.",
        ),
        StatusCode::FORBIDDEN => (
            FailureClass::Rejected,
            "Le compte de Navette n'a pas le droit d'écrire dans le dossier de dépôt.",
        ),
        StatusCode::LOCKED => (
            FailureClass::Transient,
            "Le fichier est ouvert par quelqu'un dans le dossier de dépôt.",
        ),
        StatusCode::INSUFFICIENT_STORAGE => {
            (FailureClass::Transient, "Le dossier de dépôt est plein.")
        }
        _ => return http::successful(NEIGHBOUR, response),
    };
    let status = response.status();
    let refused: PortFailure = failure(class, sentence);
    Err(refused.because(status.to_string()))
}

#[async_trait]
impl Trial for WebdavDrop {
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        let tried = self.names().await;
        vec![tried.map(|_| "Le dossier de dépôt répond et accepte le compte.".to_owned())]
    }
}
