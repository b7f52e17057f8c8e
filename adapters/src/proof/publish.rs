//! Checkpoints sent out of the database: what its administrator cannot change afterwards.

use super::{seal::SealedCheckpoint, time_stamp::TimeStampAuthority};
use crate::http;
use anyhow::{Context as _, ensure};
use navette_domain::{
    personal::Personal,
    ports::{Email, Postman},
    proof::KeyChange,
};
use reqwest::{Client, header::CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sqlx::PgPool;
use std::{
    fmt,
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long one sending may last.
const PATIENCE: Duration = Duration::from_secs(30);

/// An address that takes checkpoints: the note is the body of a POST.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// What `Authorization: Bearer` says, if it is asked for.
    pub token: Option<SecretString>,
}

/// Where checkpoints are published.
#[derive(Clone)]
pub enum Place {
    /// A folder: one file per checkpoint, never written again.
    Folder(PathBuf),
    /// The auditor's mailbox.
    Email {
        /// The address.
        to: String,
        /// The relay.
        postman: Arc<dyn Postman>,
    },
    /// An address that takes them.
    Webhook(Webhook),
    /// An authority that says when they existed.
    TimeStamp(TimeStampAuthority),
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Place {
    /// Its name in the database.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Email { .. } => "email",
            Self::Webhook(_) => "webhook",
            Self::TimeStamp(_) => "time_stamp",
        }
    }

    async fn take(&self, pool: &PgPool, sealed: &SealedCheckpoint) -> anyhow::Result<()> {
        match self {
            Self::Folder(folder) => keep(folder, sealed),
            Self::Email { to, postman } => {
                let sent = postman.send(&email(to, sealed)).await;
                sent.map_err(|failure| anyhow::anyhow!("{failure}"))
            }
            Self::Webhook(webhook) => webhook.post(sealed).await,
            Self::TimeStamp(authority) => authority.stamp(pool, sealed).await,
        }
    }
}

/// Publishes this checkpoint at this place, unless it is there already or failed a short while ago. What
/// became of it is recorded either way.
pub async fn publish(
    pool: &PgPool,
    place: &Place,
    sealed: &SealedCheckpoint,
) -> anyhow::Result<()> {
    let size = i64::try_from(sealed.checkpoint.size)?;
    let name = place.name().to_owned() + suffix(sealed);
    let waits: bool = sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT FROM checkpoint_publications
             WHERE place = $1 AND size = $2
               AND (published_at IS NOT NULL
                    OR tried_at + interval '15 seconds' * least(2 ^ failures, 240) > clock_timestamp()))",
    )
    .bind(&name)
    .bind(size)
    .fetch_one(pool)
    .await?;
    if waits {
        return Ok(());
    }
    let taken = place.take(pool, sealed).await;
    sqlx::query(
        "INSERT INTO checkpoint_publications (place, size, tried_at, failures, last_error, published_at)
         VALUES ($1, $2, clock_timestamp(), ($3::text IS NOT NULL)::int, $3,
                 CASE WHEN $3::text IS NULL THEN clock_timestamp() END)
         ON CONFLICT (place, size) DO UPDATE
         SET tried_at = EXCLUDED.tried_at, failures = checkpoint_publications.failures + EXCLUDED.failures,
             last_error = EXCLUDED.last_error, published_at = EXCLUDED.published_at",
    )
    .bind(&name)
    .bind(size)
    .bind(taken.as_ref().err().map(|error| format!("{error:#}")))
    .execute(pool)
    .await?;
    taken.with_context(|| format!("publishing the checkpoint of {size} events ({name})"))
}

/// A passage to another key is published beside the checkpoint of its size.
fn suffix(sealed: &SealedCheckpoint) -> &'static str {
    match sealed.note.parse::<KeyChange>() {
        Ok(_) => "-key",
        Err(_) => "",
    }
}

/// Writes the note into its own file. One that is there and says something else is never written over.
fn keep(folder: &Path, sealed: &SealedCheckpoint) -> anyhow::Result<()> {
    let name = format!(
        "{}-{:012}{}.txt",
        sealed.checkpoint.epoch,
        sealed.checkpoint.size,
        suffix(sealed)
    );
    let path = folder.join(&name);
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    fs::create_dir_all(folder)?;
    let mut file = File::create(&draft)?;
    file.write_all(sealed.note.as_bytes())?;
    file.sync_all()?;
    let placed = fs::hard_link(&draft, &path);
    fs::remove_file(&draft)?;
    match placed {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            ensure!(
                fs::read_to_string(&path)? == sealed.note,
                "{} is another checkpoint: run `navette verify --checkpoint` with it",
                path.display()
            );
        }
        placed => placed?,
    }
    File::open(folder)?.sync_all()?;
    Ok(())
}

impl Webhook {
    async fn post(&self, sealed: &SealedCheckpoint) -> anyhow::Result<()> {
        let client: Client = http::client(PATIENCE).build()?;
        let mut request = client
            .post(&self.url)
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(sealed.note.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        // The address may hold a secret.
        let response = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        ensure!(status.is_success(), "the webhook answered {status}");
        Ok(())
    }
}

fn email(to: &str, sealed: &SealedCheckpoint) -> Email {
    let SealedCheckpoint {
        checkpoint,
        note,
        made_at,
    } = sealed;
    let text = format!(
        "Point de contrôle du journal {} : {} événements.\n\n\
         Conservez ce message. Il permet de prouver plus tard que le journal n'a pas été réécrit : enregistrez \
         la pièce jointe et donnez-la à « navette verify --checkpoint FICHIER ».\n\n{note}",
        checkpoint.origin(),
        checkpoint.size
    );
    let html = text.replace('&', "&amp;").replace('<', "&lt;");
    Email {
        message_id: format!(
            "checkpoint-{}-{}{}@navette",
            checkpoint.size,
            checkpoint.epoch,
            suffix(sealed)
        ),
        to: Personal(to.to_owned()),
        subject: format!(
            "Point de contrôle du journal de Navette : {} événements",
            checkpoint.size
        ),
        html: format!("<pre style=\"white-space: pre-wrap\">{html}</pre>"),
        text,
        attachments: vec![(
            format!(
                "point-de-controle-{}{}.txt",
                checkpoint.size,
                suffix(sealed)
            ),
            "text/plain; charset=utf-8".to_owned(),
            note.clone().into_bytes(),
        )],
        date: *made_at,
    }
}
