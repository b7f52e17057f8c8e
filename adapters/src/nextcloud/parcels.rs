//! Parcels put in the root folder over WebDAV.

use super::{
    NEIGHBOUR, Nextcloud, failure,
    files::{Content, Put},
    refused, send,
};
use crate::{http, parcel::Parcel};
use navette_domain::{
    digest::Digest,
    ports::{Answer, FailureClass, PortFailure},
};
use reqwest::{Body, Method, Url};
use sha2::{Digest as _, Sha256};
use std::{io, time::Duration};

/// Beyond, a server wants its files in pieces.
const LARGEST_PARCEL: u64 = 2 << 30;
/// The slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 256 << 10;

impl Nextcloud {
    /// Puts a parcel in the root folder, or finds it put: nothing is ever overwritten.
    pub async fn put_parcel(&self, parcel: &Parcel) -> Answer<()> {
        if parcel.length > LARGEST_PARCEL {
            let sentence = "Le fichier dépasse 2 Go : il ne peut pas être déposé dans Nextcloud.";
            return Err(failure(FailureClass::Rejected, sentence));
        }
        let path = format!("{}/{}", self.config.root_folder, parcel.name);
        let url = self.file_url(&path).await?;
        let mut outcome = self.put(&url, content(parcel)?).await?;
        if outcome == Put::NoParent {
            self.make_parents(&path).await?;
            outcome = self.put(&url, content(parcel)?).await?;
        }
        if outcome == Put::NoParent {
            let sentence = "Le dossier de destination n'a pas pu être créé dans Nextcloud.";
            return Err(failure(FailureClass::Rejected, sentence));
        }
        // The server keeps the digest that it is told, whatever it received: only its bytes tell.
        if self.digest_at(url, parcel.length).await? == Some(parcel.digest) {
            return Ok(());
        }
        Err(match outcome {
            Put::AlreadyThere => failure(
                FailureClass::Rejected,
                format!(
                    "Un autre fichier porte déjà le nom « {} » dans Nextcloud : il n'a pas été remplacé.",
                    parcel.name
                ),
            ),
            Put::Created | Put::NoParent => failure(
                FailureClass::Transient,
                "Nextcloud ne rend pas le fichier qui vient d'y être déposé.",
            ),
        })
    }

    /// What is at `url`, unless it is of another length.
    async fn digest_at(&self, url: Url, length: u64) -> Answer<Option<Digest>> {
        let request = self.request(Method::GET, url).timeout(patience(length));
        let mut response = send(request).await?;
        if !response.status().is_success() {
            return Err(refused(&response));
        }
        let (mut sum, mut read) = (Sha256::new(), 0);
        let lost = |cause| http::no_answer(NEIGHBOUR, cause);
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            read += chunk.len() as u64;
            if read > length {
                return Ok(None);
            }
            sum.update(&chunk);
        }
        Ok(Some(Digest::from_bytes(sum.finalize().into())))
    }
}

fn content(parcel: &Parcel) -> Answer<Content> {
    let file = parcel.open().map_err(unreadable)?;
    Ok(Content {
        body: Body::from(tokio::fs::File::from_std(file)),
        length: parcel.length,
        digest: parcel.digest,
        media_type: parcel.media_type,
        patience: Some(patience(parcel.length)),
    })
}

/// How long a parcel may be on its way.
fn patience(length: u64) -> Duration {
    Duration::from_secs(60 + length / SLOWEST)
}

fn unreadable(cause: io::Error) -> PortFailure {
    let sentence = "Le fichier à déposer dans Nextcloud n'a pas pu être lu.";
    failure(FailureClass::Transient, sentence).because(cause)
}
