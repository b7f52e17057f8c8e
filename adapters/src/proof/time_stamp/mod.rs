//! Time stamps of checkpoints (RFC 3161): an authority that commands neither the database nor the key that
//! signs says when a checkpoint existed at the latest.

mod token;
mod wire;

pub use token::{NotATimeStamp, TimeStamp, check};

use super::seal::SealedCheckpoint;
use crate::{http, trust::Roots};
use anyhow::{Context as _, bail, ensure};
use cms::cert::x509::der::asn1::ObjectIdentifier;
use navette_domain::digest::Digest;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sqlx::PgPool;
use std::{path::PathBuf, time::Duration};

/// No honest answer is longer: a token holds a few certificates.
const LONGEST_ANSWER: usize = 64 << 10;

/// An authority that stamps times, over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeStampAuthority {
    /// Its address.
    pub url: String,
    /// The certificates that its own must lead to, in PEM or DER. Without them, a token proves that it was
    /// signed, not by whom.
    pub ca: Option<PathBuf>,
    /// The policy to ask for, as an object identifier.
    pub policy: Option<String>,
    /// The account there, if one is needed.
    pub login: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
    /// How long it may take to answer.
    #[serde(default = "patience")]
    pub timeout_seconds: u64,
}

fn patience() -> u64 {
    30
}

impl TimeStampAuthority {
    /// The certificates it must lead to, if they were given.
    pub fn roots(&self) -> anyhow::Result<Option<Roots>> {
        self.ca.as_deref().map(Roots::read).transpose()
    }

    /// Has this checkpoint stamped, and keeps the token once it was checked.
    pub(super) async fn stamp(
        &self,
        pool: &PgPool,
        sealed: &SealedCheckpoint,
    ) -> anyhow::Result<()> {
        let token = self.ask(&sealed.note).await?;
        sqlx::query("INSERT INTO time_stamps (size, token) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(i64::try_from(sealed.checkpoint.size)?)
            .bind(token)
            .execute(pool)
            .await?;
        Ok(())
    }

    /// A token for this note.
    async fn ask(&self, note: &str) -> anyhow::Result<Vec<u8>> {
        let policy: Option<ObjectIdentifier> = match self.policy.as_deref().map(str::parse) {
            Some(Err(_)) => bail!("`time_stamp.policy` is no object identifier"),
            Some(Ok(policy)) => Some(policy),
            None => None,
        };
        let roots = self.roots()?;
        let mut nonce = [0; 8];
        if SystemRandom::new().fill(&mut nonce).is_err() {
            bail!("the system gave no randomness");
        }
        let nonce = u64::from_be_bytes(nonce);
        let digest = Digest::of(note.as_bytes());
        let asked = wire::request(&digest, nonce, policy).context("writing a request")?;
        let answer = self.post(asked).await?;
        let token = wire::token(&answer)?;
        let stamp =
            check(&token, note, roots.as_ref()).context("the authority's token is not right")?;
        ensure!(
            stamp.nonce == Some(nonce),
            "the authority answered another request: the nonce is not the one that was sent"
        );
        ensure!(
            policy.is_none_or(|policy| policy.to_string() == stamp.policy),
            "the authority stamped under the policy {}",
            stamp.policy
        );
        Ok(token)
    }

    async fn post(&self, asked: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let client = http::client(Duration::from_secs(self.timeout_seconds)).build()?;
        let mut request = client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/timestamp-query")
            .header(ACCEPT, "application/timestamp-reply")
            .body(asked);
        if let Some(login) = &self.login {
            let password = self.password.as_ref().map(ExposeSecret::expose_secret);
            request = request.basic_auth(login, password);
        }
        // The address may hold a secret.
        let sent = request.send().await;
        let mut response = sent.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        ensure!(status.is_success(), "the authority answered {status}");
        let mut answer = vec![];
        let next = |chunk: reqwest::Result<_>| chunk.map_err(reqwest::Error::without_url);
        while let Some(chunk) = next(response.chunk().await)? {
            ensure!(
                answer.len() + chunk.len() <= LONGEST_ANSWER,
                "the authority's answer is too long"
            );
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// The token of the checkpoint of so many events, if it was stamped.
pub async fn time_stamp_of(pool: &PgPool, size: u64) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar("SELECT token FROM time_stamps WHERE size = $1")
        .bind(i64::try_from(size).unwrap_or(i64::MAX))
        .fetch_optional(pool)
        .await
}

/// What was said of the last checkpoints that were stamped, one sentence each, the newest first.
pub async fn last_stamps(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    let stored: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(
        "SELECT size, note, token FROM time_stamps JOIN checkpoints USING (size) ORDER BY size DESC LIMIT 20",
    )
    .fetch_all(pool)
    .await?;
    let said = |(size, note, token): (i64, String, Vec<u8>)| match check(&token, &note, None) {
        Ok(stamp) => stamp.of(size.unsigned_abs()),
        Err(why) => format!("{size} événements : {why}"),
    };
    Ok(stored.into_iter().map(said).collect())
}
