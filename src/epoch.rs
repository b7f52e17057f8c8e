//! What this machine remembers of the log, outside its database, so that a log that was set back is noticed
//! when Navette starts.

use crate::workers::{self, Stop};
use anyhow::Context as _;
use navette_adapters::log::{Log, Seen, Unannounced};
use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::task::JoinHandle;

/// The file, in the folder of the data.
const FILE: &str = "last-event.json";
/// How often it is written, at most.
const PACE: Duration = Duration::from_secs(1);

/// The file of one machine.
#[derive(Debug, Clone)]
pub struct Memory(PathBuf);

impl Memory {
    /// That of this folder of data.
    pub fn in_folder(data: &Path) -> Self {
        Self(data.join(FILE))
    }

    fn read(&self) -> anyhow::Result<Option<Seen>> {
        let text = match fs::read(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| self.0.display().to_string()),
        };
        serde_json::from_slice(&text).map(Some).with_context(|| {
            format!(
                "{} is damaged: remove it if you know that the log was not set back",
                self.0.display()
            )
        })
    }

    /// Whole or not at all, however this process ends.
    fn write(&self, seen: &Seen) -> anyhow::Result<()> {
        let fresh = self.0.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(seen)?)?;
        file.sync_all()?;
        Ok(fs::rename(&fresh, &self.0)?)
    }

    /// Refuses a log that was set back or moved, until that is announced.
    pub async fn check(&self, log: &Log) -> anyhow::Result<()> {
        let seen = self.read()?;
        match log.check_epoch(seen.as_ref()).await {
            Err(Unannounced::Unknown(error)) => Err(error).context("reading the epoch of the log"),
            checked => checked.context(
                "refusing to go on: positions that were already told may now mean other events. \
                 If it is this log that is to go on, announce it: navette epoch new --reason \"…\"",
            ),
        }
    }

    /// Does what writes to the log, if it is what it was when this machine saw it last; it is seen anew then.
    pub async fn around<T>(
        &self,
        log: &Log,
        write: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        self.check(log).await?;
        let done = write.await?;
        self.remember(log).await?;
        Ok(done)
    }

    /// Writes down what is in the log now.
    pub async fn remember(&self, log: &Log) -> anyhow::Result<()> {
        match log.last_seen().await? {
            Some(seen) => self
                .write(&seen)
                .with_context(|| format!("writing {}", self.0.display())),
            None => Ok(()),
        }
    }

    /// Remembers the last event, as long as this process lives.
    pub fn keep(self, log: Log, stop: &Stop) -> JoinHandle<()> {
        workers::keep_doing("remember", stop.clone(), move || {
            let (memory, log) = (self.clone(), log.clone());
            async move {
                let mut head = log.head();
                memory.remember(&log).await?;
                head.changed().await?;
                tokio::time::sleep(PACE).await;
                Ok(())
            }
        })
    }
}
