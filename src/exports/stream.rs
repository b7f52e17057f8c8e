//! An export that goes straight to whoever asks, while the database reads.

#![expect(
    clippy::disallowed_methods,
    reason = "each time that rows are taken is an export of its own: its id follows from nothing"
)]

use super::{
    Exports, NoExport,
    source::{Broken, Source, Target},
};
use crate::{dispatch::DispatchFailure, unit::Envelope};
use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use navette_domain::{
    digest::Digest,
    export::{ExportCommand, ExportRefusal, Order},
    ids::{CommandId, ExportId},
};
use std::{io, time::Duration};
use tokio::sync::mpsc;
use uuid::Uuid;

/// How many chunks wait for a slow client: what is in memory.
const WAITING: usize = 4;
/// An export of which nothing was heard for so long after it began was cut with its process.
pub(super) const ABANDONED: Duration = Duration::from_hours(1);
/// How long the rows of one may take.
pub(super) const MINUTES: u32 = 30;

/// A file on its way.
pub struct Streaming {
    /// The export in the log.
    pub id: ExportId,
    /// When it began.
    pub at: DateTime<Utc>,
    /// Its first bytes.
    pub first: Bytes,
    /// What follows; an error says that it was cut.
    pub rest: mpsc::Receiver<io::Result<Bytes>>,
}

struct Client(mpsc::Sender<io::Result<Bytes>>);

#[async_trait]
impl Target for Client {
    async fn take(&mut self, bytes: &mut Vec<u8>, _: u64) -> Result<(), Broken> {
        let room = Vec::with_capacity(bytes.capacity());
        let chunk = Bytes::from(std::mem::replace(bytes, room));
        self.0.send(Ok(chunk)).await.map_err(|_| Broken::Unwanted)
    }
}

impl Exports {
    /// Begins an export. That it is asked for is in the log before its first byte leaves; what came of it is
    /// in the log once its last byte has.
    pub async fn stream(&self, order: Order) -> Result<Streaming, NoExport> {
        let slot = self.slots.clone().try_acquire_owned();
        let slot = slot.map_err(|_| NoExport::Busy)?;
        let source = Source::open(&self.pool, &order, MINUTES).await?;
        let (id, at) = (ExportId(Uuid::now_v7()), self.dispatcher.now());
        let actor = order.requested_by.clone();
        let envelope = Envelope {
            command: CommandId(Uuid::now_v7()),
            content: Digest::of(id.0.as_bytes()),
            actor: actor.clone(),
            expected_version: None,
        };
        self.request(&envelope, id, order).await?;
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let exports = self.clone();
        tokio::spawn(async move {
            let _slot = slot;
            let mut client = Client(sender.clone());
            let gone = sender.closed().boxed();
            let (poured, rows) = source.pour(MINUTES, &mut client, gone).await;
            let at = exports.dispatcher.now();
            let (what, command) = match poured {
                Ok(made) => ("complete", ExportCommand::Complete { made, at }),
                Err(broken) => {
                    let reason = broken.to_string();
                    let _ = client.0.send(Err(io::Error::other(reason.clone()))).await;
                    log_fault(id, &broken);
                    ("fail", ExportCommand::Fail { reason, rows, at })
                }
            };
            if let Err(failure) = exports.tell(id, &actor, what, command).await {
                tracing::error!(export = %id, %failure, "the end of an export could not be recorded");
            }
        });
        match receiver.recv().await {
            Some(Ok(first)) => Ok(Streaming {
                id,
                at,
                first,
                rest: receiver,
            }),
            Some(Err(cause)) => Err(anyhow::Error::from(cause)
                .context("beginning an export")
                .into()),
            None => Err(anyhow::anyhow!("an export ended before it began").into()),
        }
    }

    /// The file of an export that was kept, in a file that goes with its reader: whole and checked. Who took it
    /// is in the log before it is given.
    pub async fn download(
        &self,
        actor: &str,
        id: ExportId,
        file: Digest,
    ) -> Result<(std::fs::File, u64), NoExport> {
        let mut copy = tempfile::tempfile().context("making a file for an export")?;
        let into = Box::new(copy.try_clone().context("making a file for an export")?);
        let length = self.files.get_long(file, into).await;
        let length = length.map_err(|cause| anyhow::anyhow!(cause))?;
        let length = length.ok_or(NoExport::Refused(ExportRefusal::Gone))?;
        io::Seek::rewind(&mut copy).context("reading the file of an export")?;
        let envelope = Envelope {
            command: CommandId(Uuid::now_v7()),
            content: file,
            actor: actor.to_owned(),
            expected_version: None,
        };
        let command = ExportCommand::Download {
            at: self.dispatcher.now(),
        };
        let told: Result<_, DispatchFailure<ExportRefusal>> = self
            .dispatcher
            .dispatch::<navette_domain::export::Export>(&envelope, id.0, command)
            .await;
        told?;
        Ok((copy, length))
    }
}

pub(super) fn log_fault(id: ExportId, broken: &Broken) {
    match broken {
        Broken::Unwanted => tracing::info!(export = %id, "an export was given up"),
        Broken::Fault(cause) => {
            tracing::error!(export = %id, cause = format!("{cause:#}"), "an export failed");
        }
        other => tracing::warn!(export = %id, reason = %other, "an export stopped"),
    }
}
