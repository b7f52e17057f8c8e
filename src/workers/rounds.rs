//! Rounds: one listing of each tray where documents wait for people, whatever their number, wakes those that
//! have moved. What waits costs nothing else, but for a look by itself once in a long while.

use super::{
    Gates, REST, RetryPolicy, Stop,
    gates::{Passing, answered},
    stopped,
};
use crate::steps::Steps;
use navette_adapters::effects::Effects;
use navette_domain::{
    ids::DocumentId,
    ports::{Answer, FailureClass, Neighbour, Tray},
};
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

/// The longest time from a hint to the round that follows it.
const TICK: Duration = Duration::from_secs(1);
/// Where rounds follow each other faster, nobody looks oftener than this.
const SHORTEST: Duration = Duration::from_millis(25);

/// See the module.
#[derive(Clone)]
pub struct Rounds {
    effects: Effects,
    steps: Steps,
    gates: Gates,
    policy: RetryPolicy,
}

impl Rounds {
    /// Rounds for these effects.
    pub fn new(effects: Effects, steps: Steps, gates: Gates, policy: RetryPolicy) -> Self {
        Self {
            effects,
            steps,
            gates,
            policy,
        }
    }

    /// Makes rounds until told to stop, and ends those that are under way.
    pub async fn run_until(self, mut stop: Stop) {
        let every = Duration::from_millis(self.policy.poll_ms.max(1));
        let mut under_way = JoinSet::new();
        while !*stop.borrow() {
            let rest = match self.begin(every, &mut under_way).await {
                Ok(()) => (every / 4).clamp(SHORTEST, TICK),
                Err(error) => {
                    tracing::warn!(%error, "rounds failed and will go on");
                    REST
                }
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = stopped(&mut stop) => {}
            }
            while under_way.try_join_next().is_some() {}
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn begin(&self, every: Duration, under_way: &mut JoinSet<()>) -> sqlx::Result<()> {
        for neighbour in self.effects.rounds_due(every).await? {
            let mut reserved = self.gates.reserve(neighbour);
            let trays = self.effects.rounds(neighbour, reserved.places(), every);
            for tray in trays.await? {
                let Some(passing) = reserved.begin() else {
                    break;
                };
                let rounds = self.clone();
                under_way.spawn(async move { rounds.make(neighbour, &tray, passing).await });
            }
        }
        Ok(())
    }

    async fn make(&self, neighbour: Neighbour, tray: &Tray, mut passing: Passing) {
        let moved = self.steps.moved(tray).await;
        let longest = Duration::from_millis(self.policy.cap_ms);
        // A tray is as good a witness as a document, and another one.
        passing.hears(answered(&moved, DocumentId(Uuid::nil()), longest));
        if let Err(error) = self.end(neighbour, tray, moved).await {
            tracing::warn!(%error, "what a round found will be found by the next");
        }
    }

    async fn end(
        &self,
        neighbour: Neighbour,
        tray: &Tray,
        moved: Answer<Option<Vec<String>>>,
    ) -> sqlx::Result<()> {
        match moved {
            Ok(moved) => {
                let woken = self.effects.wake(neighbour, tray, moved.as_deref()).await?;
                tracing::debug!(%neighbour, woken, "a round was made");
                Ok(())
            }
            Err(failure) => {
                tracing::warn!(%neighbour, %failure, "a round failed; the next one follows");
                if failure.class != FailureClass::Credentials {
                    return Ok(());
                }
                let pause = Duration::from_millis(self.policy.locked_out_ms);
                let sentence = failure.to_string();
                self.effects
                    .hold_neighbour(neighbour, pause, &sentence)
                    .await
            }
        }
    }
}
