//! The auditor's bundle of a dossier: its events with their exact bytes and proofs, its files, a page to
//! read, and a program that verifies it all without Navette.

#![expect(
    clippy::disallowed_methods,
    reason = "each bundle that is taken is an act of its own, even the same one again"
)]

mod pack;
mod page;
#[cfg(test)]
mod tests;

use crate::{
    dispatch::{DispatchFailure, Dispatcher},
    history,
    unit::{Belonging, Envelope, Unit},
    workers::Standing,
};
use anyhow::Context as _;
use futures::FutureExt as _;
use navette_adapters::proof::{
    CheckpointKey, SealedCheckpoint, Sealer, Tree, check_time_stamp, checkpoint_of_at_least,
    is_signed, key_history, last_checkpoint, last_key_change, time_stamp_of,
};
use navette_domain::{
    bundle::{BundleCommand, Bundles as Taken},
    digest::Digest,
    ids::{BundleId, CommandId, DossierId},
    ports::FileStore,
    proof::{Checkpoint, KeyHistory, NotACheckpoint, SignedCheckpoint, StoredEvent},
};
use pack::{Contents, Pack};
use sqlx::PgPool;
use std::{convert::Infallible, fs::File, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::watch;
use uuid::Uuid;

/// How long the read models may take to show what was sealed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes bundles.
#[derive(Clone)]
pub struct Bundles {
    dispatcher: Dispatcher,
    pool: PgPool,
    files: Arc<dyn FileStore>,
    key_file: PathBuf,
    shown: watch::Receiver<Standing>,
}

/// A bundle, ready to be read; its file goes with its last reader.
#[derive(Debug)]
pub struct Bundle {
    /// The bytes, a ZIP.
    pub file: File,
    /// Their SHA-256, which the log holds too.
    pub digest: Digest,
    /// The number of events of the checkpoint that it is proved by.
    pub size: u64,
    /// What it holds.
    pub events: usize,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum NoBundle {
    #[error("Ce dossier n'existe pas.")]
    Unknown,
    #[error(
        "Le point de contrôle fourni ne se lit pas : donnez le fichier checkpoint.txt que vous teniez, tel quel."
    )]
    Unreadable(#[from] NotACheckpoint),
    #[error(
        "Le point de contrôle fourni est celui d'un autre journal, ou d'avant une restauration ({0})."
    )]
    Foreign(String),
    #[error("Le point de contrôle fourni n'est pas signé par ce journal.")]
    NotSigned,
    #[error(
        "Le point de contrôle fourni compte {held} événements, et ce journal n'en a que {size} : le journal a été tronqué, ou restauré."
    )]
    Truncated { held: u64, size: u64 },
    #[error(
        "Le point de contrôle fourni n'est pas un état passé de ce journal : le journal a été réécrit."
    )]
    Rewritten,
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

impl From<sqlx::Error> for NoBundle {
    fn from(cause: sqlx::Error) -> Self {
        Self::Fault(cause.into())
    }
}

impl Bundles {
    /// Bundles of this log, whose checkpoints are signed with the key in `key_file`, and whose read models are
    /// as far as `shown` says.
    pub fn new(
        dispatcher: Dispatcher,
        files: Arc<dyn FileStore>,
        key_file: PathBuf,
        shown: watch::Receiver<Standing>,
    ) -> Self {
        Self {
            pool: dispatcher.log().pool().clone(),
            dispatcher,
            files,
            key_file,
            shown,
        }
    }

    /// The bundle of a dossier, proved to continue the checkpoint that the auditor holds, if they hold one.
    /// That it was taken, and by whom, is in the log before it is given.
    pub async fn take(
        &self,
        actor: &str,
        dossier: DossierId,
        held: Option<&str>,
    ) -> Result<Bundle, NoBundle> {
        // Boxed: it holds a good deal while it waits.
        Box::pin(self.made(actor, dossier, held)).await
    }

    async fn made(
        &self,
        actor: &str,
        dossier: DossierId,
        held: Option<&str>,
    ) -> Result<Bundle, NoBundle> {
        let held: Option<SignedCheckpoint> = held.map(str::parse).transpose()?;
        let sealed = self.sealed(dossier, held.as_ref()).await?;
        // Which documents it has is told by the read models.
        let size = i64::try_from(sealed.checkpoint.size).unwrap_or(i64::MAX);
        let mut shown = self.shown.clone();
        let wait = shown.wait_for(|standing| standing.position >= size);
        let wait = tokio::time::timeout(PATIENCE, wait).await;
        if !wait.is_ok_and(|shown| shown.is_ok()) {
            return Err(anyhow::anyhow!("the read models are behind position {size}").into());
        }
        let contents = self.contents(sealed, dossier, held).await?;
        let mut pack = Pack::begin()?;
        for named in contents.files().into_values() {
            let bytes = self.files.get(named.digest).await;
            // What is gone from the store is told, not hidden: its event still names it.
            if let Some(bytes) = bytes.map_err(|cause| anyhow::anyhow!(cause))? {
                pack = blocking(move || pack.keep(&named, &bytes)).await?;
            }
        }
        let (size, events) = (contents.checkpoint.size, contents.stored.len());
        let (file, digest) = blocking(move || pack.finish(&contents)).await?;
        let bundle = Bundle {
            file,
            digest,
            size,
            events,
        };
        self.record(actor, dossier, &bundle).await?;
        Ok(bundle)
    }

    /// The last checkpoint that covers all that happened to the dossier, one with a time stamp if there is any,
    /// or a new one. The bundles that were taken do not count, so that the same bundle can be taken twice.
    async fn sealed(
        &self,
        dossier: DossierId,
        held: Option<&SignedCheckpoint>,
    ) -> Result<SealedCheckpoint, NoBundle> {
        let read = history::of_dossier(self.dispatcher.log(), &self.pool, dossier).await?;
        if !read.iter().any(|read| read.stream_id == dossier.0) {
            return Err(NoBundle::Unknown);
        }
        let taken = BundleId::of_dossier(dossier).0;
        let happened = read.iter().rfind(|read| read.stream_id != taken);
        let covers = |sealed: &SealedCheckpoint| {
            happened.is_none_or(|last| fits(last.position, sealed.checkpoint.size))
        };
        let held = held.map_or(0, |held| held.checkpoint.size);
        let floor = happened.map_or(0, |last| u64::try_from(last.position).unwrap_or_default());
        // Not one of a former key: then the passage to this one has the last word.
        let (keys, ..) = key_history(&self.pool, self.key()?.public()).await?;
        let floor = floor.max(held).max(keys.last_change());
        if let Some(sealed) = checkpoint_of_at_least(&self.pool, floor).await? {
            return Ok(sealed);
        }
        let sealer = Sealer::new(self.pool.clone(), self.key()?);
        sealer.seal().await.context("sealing the log")?;
        let sealed = last_checkpoint(&self.pool).await?.filter(covers);
        Ok(sealed.context("the log has no checkpoint")?)
    }

    async fn contents(
        &self,
        sealed: SealedCheckpoint,
        dossier: DossierId,
        held: Option<SignedCheckpoint>,
    ) -> Result<Contents, NoBundle> {
        let SealedCheckpoint {
            checkpoint,
            mut note,
            ..
        } = sealed;
        let key = self.key()?.verifier(checkpoint.epoch);
        let (keys, passages, _) = key_history(&self.pool, key.public).await?;
        let passage = last_key_change(&self.pool).await?;
        if let Some(passage) = passage.filter(|passage| passage.checkpoint == checkpoint) {
            note = passage.note;
        }
        let signed: Option<SignedCheckpoint> = note.parse().ok();
        if !signed.is_some_and(|signed| is_signed(&signed, key.public)) {
            let file = self.key_file.display();
            return Err(anyhow::anyhow!("the last checkpoint was not signed with {file}").into());
        }
        let token = time_stamp_of(&self.pool, checkpoint.size).await?;
        // One that is not right is left to `navette verify` to tell: it proves nothing here.
        let stamp = token.and_then(|token| {
            let said = check_time_stamp(&token, &note, None).ok()?;
            Some((token, said))
        });
        let tree = Tree::new(self.pool.clone());
        let consistency = match held {
            Some(held) => Some(prove_held(&tree, &held, &checkpoint, &keys).await?),
            None => None,
        };
        let streams = history::streams(&self.pool, dossier).await?;
        let log = self.dispatcher.log();
        let stored = log.stored_streams(&streams).await;
        let mut proved: Vec<(StoredEvent, Vec<Digest>)> = vec![];
        for event in stored.context("reading stored events")? {
            if fits(event.position, checkpoint.size) {
                let inclusion = tree.inclusion(event.position, checkpoint.size).await?;
                let inclusion = inclusion.context("the tree does not hold an event")?;
                proved.push((event, inclusion));
            }
        }
        let mut read = log.streams(&streams).await.context("reading a history")?;
        read.retain(|read| fits(read.position, checkpoint.size));
        Ok(Contents {
            stored: proved,
            read,
            checkpoint,
            note,
            passages,
            stamp,
            key,
            consistency,
        })
    }

    fn key(&self) -> anyhow::Result<CheckpointKey> {
        CheckpointKey::open(&self.key_file)
    }

    async fn record(
        &self,
        actor: &str,
        dossier: DossierId,
        bundle: &Bundle,
    ) -> Result<(), NoBundle> {
        let command = CommandId(Uuid::now_v7());
        let envelope = Envelope {
            command,
            content: bundle.digest,
            actor: actor.to_owned(),
            expected_version: None,
        };
        let id = BundleId::of_dossier(dossier).0;
        let (size, file) = (bundle.size, bundle.digest);
        let recorded: Result<_, DispatchFailure<Infallible>> = self
            .dispatcher
            .commit(&envelope, |mut unit: Unit| {
                async move {
                    let mut loaded = self.dispatcher.load::<Taken>(id).await?;
                    let belonging = Belonging {
                        batch: None,
                        dossier: Some(dossier),
                    };
                    let command = BundleCommand::Take {
                        dossier,
                        size,
                        file,
                        at: unit.at(),
                    };
                    unit.decide(id, &mut loaded, belonging, command)
                        .map_err(DispatchFailure::Refused)?;
                    Ok(unit)
                }
                .boxed()
            })
            .await;
        let recorded = recorded.map_err(|failure| anyhow::anyhow!("{failure}"));
        recorded.context("recording that a bundle is taken")?;
        Ok(())
    }
}

/// Whether the event at this position is among the first `size`.
fn fits(position: i64, size: u64) -> bool {
    u64::try_from(position).is_ok_and(|position| position <= size)
}

/// What leads from the checkpoint that the auditor holds to `now`, or why it is none of this log's past.
async fn prove_held(
    tree: &Tree,
    held: &SignedCheckpoint,
    now: &Checkpoint,
    keys: &KeyHistory,
) -> Result<(u64, Vec<Digest>), NoBundle> {
    let old = held.checkpoint;
    if old.epoch != now.epoch {
        return Err(NoBundle::Foreign(old.origin()));
    }
    if !is_signed(held, keys.at(old.size)) {
        return Err(NoBundle::NotSigned);
    }
    if old.size > now.size {
        return Err(NoBundle::Truncated {
            held: old.size,
            size: now.size,
        });
    }
    if tree.root(old.size).await? != Some(old.root) {
        return Err(NoBundle::Rewritten);
    }
    let proof = tree.consistency(old.size, now.size).await?;
    Ok((
        old.size,
        proof.context("the tree does not hold a checkpoint")?,
    ))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await?
}
