//! Exports made in the background, one at a time over all processes. The lock goes with its connection: when a
//! process dies, another one begins anew what it was making, and nothing half was ever kept.

use super::{
    Exports, NoExport, progress,
    source::{Broken, Source, Target, disk},
    stream::{ABANDONED, log_fault},
};
use crate::{dispatch::DispatchFailure, unit::NAVETTE, workers::lock};
use anyhow::Context as _;
use async_trait::async_trait;
use futures::FutureExt as _;
use navette_domain::{
    digest::Digest,
    export::{Export, ExportCommand, Made, Order},
    ids::ExportId,
};
use navette_projections::exports;
use sqlx::{Connection as _, PgConnection};
use std::{
    fs::File,
    io::{Seek as _, Write as _},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use uuid::Uuid;

/// How long the rows of one may take.
const MINUTES: u32 = 120;
/// How often it is told how far one is, and looked whether it is still wanted.
const TELL: Duration = Duration::from_millis(500);
/// How often one begins before it is given up.
const TRIES: i32 = 5;
/// Between two looks at what is to be made or removed, when nothing was heard.
const GLANCE: Duration = Duration::from_secs(5);
/// How long the read models may take to catch up.
const PATIENCE: Duration = Duration::from_mins(1);

struct Draft<'a> {
    file: File,
    rows: &'a AtomicU64,
}

#[async_trait]
impl Target for Draft<'_> {
    async fn take(&mut self, bytes: &mut Vec<u8>, rows: u64) -> Result<(), Broken> {
        self.file.write_all(bytes).map_err(disk)?;
        self.rows.store(rows, Ordering::Relaxed);
        Ok(())
    }
}

impl Exports {
    /// Does what is due, then waits until there may be more.
    pub async fn work(&self) -> anyhow::Result<()> {
        let mut shown = self.shown.clone();
        shown
            .wait_for(|standing| standing.building.is_empty())
            .await?;
        self.once().await?;
        tokio::select! {
            changed = shown.changed() => changed?,
            () = tokio::time::sleep(GLANCE) => {}
        }
        Ok(())
    }

    /// Makes the files that are asked for and removes those that were kept long enough, unless another process
    /// is at it.
    pub async fn once(&self) -> anyhow::Result<()> {
        let making = exports::to_make(&self.pool).await?;
        let now = self.dispatcher.now();
        let expiring = exports::to_expire(&self.pool, now - self.kept_for()).await?;
        let abandoned = exports::abandoned(&self.pool, now - ABANDONED).await?;
        if making.is_empty() && expiring.is_empty() && abandoned.is_empty() {
            return Ok(());
        }
        let Some(mut lock) = lock(&self.pool, "navette exports").await? else {
            return Ok(());
        };
        let done = self.all(making, expiring, abandoned, &mut lock).await;
        let _ = lock.close().await;
        done
    }

    async fn all(
        &self,
        making: Vec<Uuid>,
        expiring: Vec<(Uuid, String)>,
        abandoned: Vec<Uuid>,
        lock: &mut PgConnection,
    ) -> anyhow::Result<()> {
        for id in abandoned {
            let reason = "Le téléchargement a été interrompu.".to_owned();
            self.fail(ExportId(id), reason, 0).await?;
        }
        for (id, file) in expiring {
            self.expire(ExportId(id), &file).await?;
        }
        for id in making {
            // Whoever lost the lock would make what another one makes.
            lock.ping().await.context("keeping the lock of exports")?;
            self.make(ExportId(id)).await?;
        }
        Ok(())
    }

    async fn make(&self, id: ExportId) -> anyhow::Result<()> {
        let loaded = self.dispatcher.load::<Export>(id.0).await?;
        let Export::Requested(order) = loaded.state else {
            // The read models are behind.
            return Ok(());
        };
        match self.made(id, &order).await {
            Ok(Ok(made)) => {
                let at = self.dispatcher.now();
                let complete = ExportCommand::Complete { made, at };
                if !self.settle(id, "complete", complete).await? {
                    self.caught_up().await?;
                    self.remove_unless_kept(id, made.file).await?;
                }
            }
            Ok(Err((Broken::Unwanted, _))) => {}
            Ok(Err((broken, rows))) => {
                log_fault(id, &broken);
                self.fail(id, broken.to_string(), rows).await?;
            }
            // A fault of the machine: anew later, unless that was tried often enough.
            Err(NoExport::Fault(cause)) => return Err(cause),
            Err(refusal) => {
                self.fail(id, refusal.to_string(), 0).await?;
            }
        }
        Ok(progress::end(&self.pool, id).await?)
    }

    async fn made(
        &self,
        id: ExportId,
        order: &Order,
    ) -> Result<Result<Made, (Broken, u64)>, NoExport> {
        let mut source = Source::open(&self.pool, order, MINUTES).await?;
        let expected = source.count().await?;
        let tries = progress::begin(&self.pool, id, expected).await?;
        let rows = AtomicU64::new(0);
        let mut draft = Draft {
            file: tempfile::tempfile().context("making a file for an export")?,
            rows: &rows,
        };
        let unwanted = self.unwanted(id, &rows).boxed();
        let (poured, written) = source.pour(MINUTES, &mut draft, unwanted).await;
        let made = match poured {
            Ok(made) => made,
            Err(Broken::Fault(cause)) if tries < TRIES => return Err(cause.into()),
            Err(broken) => return Ok(Err((broken, written))),
        };
        let mut file = draft.file;
        file.rewind().context("reading the file of an export")?;
        let kept = self.files.put_long(made.file, Box::new(file)).await;
        kept.map_err(|cause| anyhow::anyhow!(cause).context("keeping the file of an export"))?;
        Ok(Ok(made))
    }

    /// Ends when the export is given up; meanwhile tells how far it is. What goes wrong with telling is told
    /// next time.
    async fn unwanted(&self, id: ExportId, rows: &AtomicU64) {
        loop {
            tokio::time::sleep(TELL).await;
            let told = progress::advance(&self.pool, id, rows.load(Ordering::Relaxed)).await;
            let loaded = self.dispatcher.load::<Export>(id.0).await;
            if let (Ok(()), Ok(loaded)) = (told, loaded)
                && !matches!(loaded.state, Export::Requested(_))
            {
                return;
            }
        }
    }

    async fn fail(&self, id: ExportId, reason: String, rows: u64) -> anyhow::Result<bool> {
        let at = self.dispatcher.now();
        self.settle(id, "fail", ExportCommand::Fail { reason, rows, at })
            .await
    }

    /// Records what became of an export; `false` when it was given up meanwhile.
    async fn settle(
        &self,
        id: ExportId,
        what: &str,
        command: ExportCommand,
    ) -> anyhow::Result<bool> {
        match self.tell(id, NAVETTE, what, command).await {
            Ok(_) => Ok(true),
            Err(DispatchFailure::Refused(_)) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Says that a file is no longer kept, then removes it, unless another export has the same bytes.
    async fn expire(&self, id: ExportId, file: &str) -> anyhow::Result<()> {
        self.caught_up().await?;
        let at = self.dispatcher.now();
        self.settle(id, "expire", ExportCommand::Expire { at })
            .await?;
        self.remove_unless_kept(id, file.parse().context("reading a digest")?)
            .await
    }

    /// Waits until the read models show all that was written: exports that were just made are among it.
    async fn caught_up(&self) -> anyhow::Result<()> {
        let head: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events")
            .fetch_one(&self.pool)
            .await?;
        let mut shown = self.shown.clone();
        let wait = shown.wait_for(|standing| standing.position >= head);
        let wait = tokio::time::timeout(PATIENCE, wait).await;
        anyhow::ensure!(
            wait.is_ok_and(|shown| shown.is_ok()),
            "the read models are behind position {head}"
        );
        Ok(())
    }

    async fn remove_unless_kept(&self, id: ExportId, digest: Digest) -> anyhow::Result<()> {
        if exports::is_kept(&self.pool, &digest.to_string(), id.0).await? {
            return Ok(());
        }
        let removed = self.files.remove(digest).await;
        removed.map_err(|cause| anyhow::anyhow!(cause).context("removing the file of an export"))
    }
}
