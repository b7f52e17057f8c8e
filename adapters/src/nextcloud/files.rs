//! The service account's files over WebDAV: put once, recognised, fetched, removed.

use super::{NEIGHBOUR, Nextcloud, failure, refused, send, wire};
use crate::http;
use bytes::Bytes;
use navette_domain::{
    digest::Digest,
    ports::{Answer, Attempt, Circulation, FailureClass, PortFailure},
};
use reqwest::{Method, StatusCode, Url};

/// Ten times the largest of our documents.
const LARGEST_FILE: usize = 200 << 20;
const LARGEST_LISTING: usize = 16 << 20;

/// What became of a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    Created,
    AlreadyThere,
    NoParent,
}

impl Nextcloud {
    /// Puts the file, or finds it put: nothing is ever overwritten.
    pub(super) async fn upload(
        &self,
        path: &str,
        pdf: &[u8],
        attempt: Attempt,
    ) -> Answer<wire::Resource> {
        let url = self.file_url(path).await?;
        if attempt == Attempt::Again
            && let Some(found) = self.find(&url).await?
        {
            return self.recognise(url, found, pdf).await;
        }
        let mut outcome = self.put(&url, pdf).await?;
        if outcome == Put::NoParent {
            // A release that does not make parents by itself.
            self.make_parents(path).await?;
            outcome = self.put(&url, pdf).await?;
        }
        match (outcome, self.find(&url).await?) {
            (Put::Created, Some(file)) => Ok(file),
            (Put::AlreadyThere, Some(file)) => self.recognise(url, file, pdf).await,
            (Put::NoParent, _) => {
                let sentence = "Le dossier du visa n'a pas pu être créé dans Nextcloud.";
                Err(failure(FailureClass::Rejected, sentence))
            }
            (_, None) => {
                let sentence = "Le fichier déposé dans Nextcloud n'y est déjà plus.";
                Err(failure(FailureClass::Transient, sentence))
            }
        }
    }

    async fn put(&self, url: &Url, pdf: &[u8]) -> Answer<Put> {
        let request = self
            .request(Method::PUT, url.clone())
            .header("If-None-Match", "*")
            .header("X-NC-WebDAV-AutoMkcol", "1")
            .header("OC-Checksum", format!("SHA256:{}", Digest::of(pdf)))
            .header("Content-Type", "application/pdf")
            .body(Bytes::copy_from_slice(pdf));
        let response = send(request).await?;
        match response.status() {
            status if status.is_success() => Ok(Put::Created),
            StatusCode::PRECONDITION_FAILED => Ok(Put::AlreadyThere),
            // 404 in older releases.
            StatusCode::CONFLICT | StatusCode::NOT_FOUND => Ok(Put::NoParent),
            _ => Err(refused(&response)),
        }
    }

    async fn make_parents(&self, path: &str) -> Answer<()> {
        let ends = path.match_indices('/').map(|(end, _)| end);
        for end in ends {
            let url = self.file_url(&path[..end]).await?;
            let response = send(self.request(method(b"MKCOL"), url)).await?;
            let status = response.status();
            // 405: it exists, perhaps since a moment ago.
            if !status.is_success() && status != StatusCode::METHOD_NOT_ALLOWED {
                return Err(refused(&response));
            }
        }
        Ok(())
    }

    /// The file already at our path is ours if it is what we would have sent, or begins with it: somebody
    /// may have annotated it since an upload whose answer was lost, and a PDF grows at its end.
    /// The server's checksum proves nothing, since it stores what clients say: the bytes are read.
    async fn recognise(
        &self,
        url: Url,
        found: wire::Resource,
        pdf: &[u8],
    ) -> Answer<wire::Resource> {
        let could_be_ours = found.length.is_none_or(|length| length >= pdf.len() as u64);
        if could_be_ours && self.content(url).await?.starts_with(pdf) {
            return Ok(found);
        }
        let sentence = "Un autre contenu se trouve déjà dans Nextcloud à la place du document.";
        Err(failure(FailureClass::Rejected, sentence))
    }

    /// The file's content as it stands, wherever it was renamed in its folder; `None` when it is gone.
    pub(super) async fn content_of(&self, circulation: &Circulation) -> Answer<Option<Vec<u8>>> {
        match self.locate(circulation).await? {
            Some(url) => self.content(url).await.map(|bytes| Some(bytes.to_vec())),
            None => Ok(None),
        }
    }

    /// Where the file is now. Its number survives a renaming, and tells it from another put in its place.
    pub(super) async fn locate(&self, circulation: &Circulation) -> Answer<Option<Url>> {
        let url = self.file_url(&circulation.path).await?;
        let is_it = |file: &wire::Resource| file.file_id == circulation.file_id;
        if self.find(&url).await?.as_ref().is_some_and(is_it) {
            return Ok(Some(url));
        }
        let folder = circulation
            .path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let listing = self.propfind(&self.file_url(folder).await?, "1").await?;
        Ok(listing.iter().find(|file| is_it(file)).map(|file| {
            // Only the path of what the server says: credentials never go to another host.
            let mut url = self.base.clone();
            url.set_path(&file.href);
            url
        }))
    }

    /// What lies in a folder, with where its approval stands.
    pub(super) async fn approvals_in(&self, path: &str) -> Answer<Vec<wire::Resource>> {
        let url = self.file_url(path).await?;
        self.list(&url, "1", wire::PROPFIND_APPROVALS).await
    }

    /// Removes a file; already gone is done.
    pub(super) async fn delete(&self, url: Url) -> Answer<()> {
        let response = send(self.request(Method::DELETE, url)).await?;
        if response.status().is_success() || response.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(refused(&response))
    }

    async fn content(&self, url: Url) -> Answer<Bytes> {
        let response = send(self.request(Method::GET, url)).await?;
        if !response.status().is_success() {
            return Err(refused(&response));
        }
        http::read_limited(NEIGHBOUR, response, LARGEST_FILE).await
    }

    /// The file at `path`, if there is one.
    pub(super) async fn resource(&self, path: &str) -> Answer<Option<wire::Resource>> {
        self.find(&self.file_url(path).await?).await
    }

    async fn find(&self, url: &Url) -> Answer<Option<wire::Resource>> {
        Ok(self.propfind(url, "0").await?.into_iter().next())
    }

    /// The resource and, at depth 1, what lies beneath it; nothing when it does not exist.
    async fn propfind(&self, url: &Url, depth: &'static str) -> Answer<Vec<wire::Resource>> {
        self.list(url, depth, wire::PROPFIND).await
    }

    async fn list(
        &self,
        url: &Url,
        depth: &'static str,
        asked: &'static str,
    ) -> Answer<Vec<wire::Resource>> {
        let request = self
            .request(method(b"PROPFIND"), url.clone())
            .header("Depth", depth)
            .header("Content-Type", "application/xml; charset=utf-8")
            .body(asked);
        let response = send(request).await?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(Vec::new()),
            status if status.is_success() => {}
            _ => return Err(refused(&response)),
        }
        let body = http::read_limited(NEIGHBOUR, response, LARGEST_LISTING).await?;
        let text = std::str::from_utf8(&body).map_err(unreadable)?;
        wire::multistatus(text).map_err(unreadable)
    }

    async fn file_url(&self, path: &str) -> Answer<Url> {
        let user = self.user_id().await?;
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let before = ["remote.php", "dav", "files", user];
        Ok(self.url(before.into_iter().chain(segments)))
    }
}

/// An answer that is not what its status announces: another server may be in between.
pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> PortFailure {
    let sentence = "La réponse de Nextcloud n'a pas pu être lue.";
    failure(FailureClass::Transient, sentence).because(error)
}

/// A method of WebDAV, which the HTTP crate does not name.
fn method(name: &'static [u8]) -> Method {
    Method::from_bytes(name).unwrap_or_default()
}
