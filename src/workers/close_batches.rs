//! A batch is over when all its documents are: nobody has to say so.

use super::Standing;
use crate::{
    batches::Batches,
    dispatch::DispatchFailure,
    unit::{Envelope, NAVETTE},
};
use navette_domain::{
    digest::Digest,
    ids::{BatchId, CommandId},
};
use navette_projections::batches;
use sqlx::PgPool;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// After a look, so many times as long as it took: among many documents under way, it is not cheap.
const RESTS: u32 = 9;
/// And no longer than this.
const LONGEST: Duration = Duration::from_millis(250);

/// Completes every batch whose documents have all ended, each time the projections move on.
pub async fn close_batches(
    pool: &PgPool,
    all: &Batches,
    mut standing: watch::Receiver<Standing>,
) -> anyhow::Result<()> {
    standing
        .wait_for(|standing| standing.building.is_empty())
        .await?;
    loop {
        let began = Instant::now();
        for batch in batches::ended(pool).await? {
            let batch = BatchId(batch);
            let envelope = Envelope {
                command: CommandId::following(batch.0, "complete"),
                content: Digest::of(batch.0.as_bytes()),
                actor: NAVETTE.to_owned(),
                expected_version: None,
            };
            match all.complete(&envelope, batch).await {
                // A refusal means that somebody was faster; the projection will say so.
                Ok(_) | Err(DispatchFailure::Refused(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        tokio::time::sleep((began.elapsed() * RESTS).min(LONGEST)).await;
        standing.changed().await?;
    }
}
