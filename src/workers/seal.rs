//! Sealing the log: checkpoints are made and sent out of the database, by one process at a time.

use super::{Stop, keep_doing, lock};
use crate::config::CheckpointsConfig;
use anyhow::Context as _;
use navette_adapters::proof::{self, CheckpointKey, Place, Sealer};
use navette_domain::ports::Postman;
use sqlx::{Connection as _, PgPool};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;

/// Between two looks at what is to be sealed or published.
const GLANCE: Duration = Duration::from_secs(5);

/// Makes checkpoints when they are due, and publishes the last one.
#[derive(Debug)]
pub struct Sealing {
    pool: PgPool,
    key_file: PathBuf,
    places: Vec<Place>,
    policy: CheckpointsConfig,
}

impl Sealing {
    /// With the key in this file, which is made on first use.
    pub fn open(
        pool: PgPool,
        key_file: &Path,
        policy: CheckpointsConfig,
        postman: Arc<dyn Postman>,
    ) -> anyhow::Result<Self> {
        CheckpointKey::open(key_file)?;
        let email = policy.email.clone().map(|to| Place::Email { to, postman });
        let places = policy.folder.clone().map(Place::Folder);
        let places = places.into_iter().chain(email);
        let places = places.chain(policy.webhook.clone().map(Place::Webhook));
        if let Some(authority) = &policy.time_stamp {
            // Certificates that cannot be read are told now, not when the first token comes.
            authority.authorities()?;
        }
        let places = places.chain(policy.time_stamp.clone().map(Place::TimeStamp));
        Ok(Self {
            key_file: key_file.to_owned(),
            places: places.collect(),
            pool,
            policy,
        })
    }

    /// Does what is due, unless another process is at it. A place that fails does not hold the others.
    pub async fn once(&self) -> anyhow::Result<()> {
        let Some(lock) = lock(&self.pool, "navette seal").await? else {
            return Ok(());
        };
        let done = self.seal_and_publish().await;
        let _ = lock.close().await;
        done
    }

    async fn seal_and_publish(&self) -> anyhow::Result<()> {
        // Read each time: it may have been changed for another.
        let key = CheckpointKey::read(&self.key_file)?;
        let sealer = Sealer::new(self.pool.clone(), key);
        let (waiting, age) = sealer.waiting().await?;
        // A log that got shorter is never due: asking for a checkpoint is what tells it.
        let sealed = if waiting < 0 || is_due(&self.policy, waiting, age) {
            let sealed = sealer.seal().await;
            sealed.map(|_| ()).context("sealing the log")
        } else {
            Ok(())
        };
        let mut published = Ok(());
        if let Some(last) = proof::last_checkpoint(&self.pool).await? {
            for place in &self.places {
                published = published.and(proof::publish(&self.pool, place, &last).await);
            }
        }
        if let Some(change) = proof::last_key_change(&self.pool).await? {
            // What is stamped is the checkpoint itself.
            let stamps = |place: &&Place| matches!(place, Place::TimeStamp(_));
            for place in self.places.iter().filter(|place| !stamps(place)) {
                published = published.and(proof::publish(&self.pool, place, &change).await);
            }
        }
        sealed.and(published)
    }
}

/// Whether so many events, so many seconds after the last checkpoint, want one.
fn is_due(policy: &CheckpointsConfig, waiting: i64, age: Option<i64>) -> bool {
    let late = age.is_none_or(|age| age >= i64::from(policy.every_minutes) * 60);
    waiting > 0 && (waiting >= i64::from(policy.every_events) || late)
}

/// Seals until told to stop.
pub fn seal(sealing: Sealing, stop: Stop) -> JoinHandle<()> {
    let sealing = Arc::new(sealing);
    keep_doing("seal", stop, move || {
        let sealing = sealing.clone();
        async move {
            let done = sealing.once().await;
            tokio::time::sleep(GLANCE).await;
            done
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_due_after_so_many_events_or_minutes_and_never_without_events() {
        let policy = CheckpointsConfig::default();
        assert!(!is_due(&policy, 0, None));
        assert!(is_due(&policy, 1, None), "the first one");
        assert!(!is_due(&policy, 999, Some(599)));
        assert!(is_due(&policy, 1000, Some(0)));
        assert!(is_due(&policy, 1, Some(600)));
        assert!(!is_due(&policy, 0, Some(600)));
    }
}
