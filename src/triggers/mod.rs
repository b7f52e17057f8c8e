//! Triggers carried out: what each is to answer to is gathered, and its chain is started on it in one batch, by
//! the rules of a batch that a clerk starts (`crate::batches`), as whoever saved the trigger.
//!
//! One process at a time does this, under a lock that goes with its connection. The batch and the word of the
//! trigger that it fired are written in one transaction, which names what it answers to: a process that dies, or
//! lost the lock, starts nothing twice and passes over nothing.

mod chosen;

use crate::{
    access,
    batches::{Batches, Plan, StartBatch, StartRefusal},
    dispatch::{DispatchFailure, Dispatcher},
    exports::NoExport,
    unit::{Belonging, Envelope, NAVETTE},
    workers::{Standing, lock},
};
use chosen::Chosen;
use chrono::TimeDelta;
use futures::FutureExt as _;
use navette_domain::{
    digest::Digest,
    ids::{CommandId, TriggerId},
    policy::{Permission, Principal, allows},
    trigger::{
        By, Firing, LeftOut, Rule, Trigger, TriggerCommand, TriggerRef, TriggerRefusal, circle,
    },
};
use navette_projections::triggers;
use sqlx::{Connection as _, PgPool};
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks at what there is to do.
const GLANCE: Duration = Duration::from_secs(2);
/// How long what happens is gathered into one batch: what follows takes days.
const GATHER: TimeDelta = TimeDelta::seconds(60);

/// Carries triggers out.
#[derive(Clone)]
pub struct Triggers {
    pool: PgPool,
    dispatcher: Dispatcher,
    batches: Batches,
    shown: watch::Receiver<Standing>,
}

/// Why a trigger does not fire.
#[derive(Debug, thiserror::Error)]
enum NotFired {
    /// It is suspended, and tells its owner why.
    #[error("{0}")]
    Suspend(String),
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

impl From<sqlx::Error> for NotFired {
    fn from(cause: sqlx::Error) -> Self {
        Self::Fault(cause.into())
    }
}

impl From<NoExport> for NotFired {
    fn from(cause: NoExport) -> Self {
        match cause {
            NoExport::Fault(cause) => Self::Fault(cause),
            said => Self::Suspend(said.to_string()),
        }
    }
}

/// Why what came of a trigger is not recorded.
#[derive(Debug, thiserror::Error)]
enum NotRecorded {
    #[error(transparent)]
    Trigger(#[from] TriggerRefusal),
    #[error(transparent)]
    Batch(#[from] StartRefusal),
}

/// A trigger, at the version that was read, about to fire.
struct Ready<'a> {
    id: TriggerId,
    version: i64,
    rule: &'a Rule,
}

impl Triggers {
    /// Triggers that start these batches; the read models are as far as `shown` says.
    pub fn new(dispatcher: Dispatcher, batches: Batches, shown: watch::Receiver<Standing>) -> Self {
        Self {
            pool: dispatcher.log().pool().clone(),
            dispatcher,
            batches,
            shown,
        }
    }

    /// The same, by the clock of this dispatcher.
    #[must_use]
    pub fn by(mut self, dispatcher: Dispatcher) -> Self {
        self.dispatcher = dispatcher;
        self
    }

    /// Does what there is to do, then waits a moment.
    pub async fn work(&self) -> anyhow::Result<()> {
        let mut shown = self.shown.clone();
        shown
            .wait_for(|standing| standing.building.is_empty())
            .await?;
        self.once().await?;
        tokio::time::sleep(GLANCE).await;
        Ok(())
    }

    /// Fires what is to fire, unless another process is at it. One that fails does not hold the others.
    pub async fn once(&self) -> anyhow::Result<()> {
        let now = self.dispatcher.now();
        let ready = triggers::ready(&self.pool, now, now - GATHER).await?;
        if ready.is_empty() {
            return Ok(());
        }
        let Some(mut lock) = lock(&self.pool, "navette triggers").await? else {
            return Ok(());
        };
        let mut done = Ok(());
        for id in ready {
            lock.ping().await?;
            done = done.and(self.carry_out(TriggerId(id)).await);
        }
        let _ = lock.close().await;
        done
    }

    /// Waits until the read models show all that is in the log, also what a trigger has just started: a dossier
    /// that is under way must be seen to be. `false` when one of them is held before that.
    async fn caught_up(&self) -> anyhow::Result<bool> {
        let head = self.dispatcher.log().last_position().await?;
        let mut shown = self.shown.clone();
        let standing = shown
            .wait_for(|standing| standing.position >= head || standing.held_before(head).is_some());
        Ok(standing.await?.held_before(head).is_none())
    }

    async fn carry_out(&self, id: TriggerId) -> anyhow::Result<()> {
        if !self.caught_up().await? {
            return Ok(());
        }
        let loaded = self.dispatcher.load::<Trigger>(id.0).await?;
        let Trigger::Saved { rule, .. } = &loaded.state else {
            return Ok(());
        };
        let ready = Ready {
            id,
            version: loaded.version,
            rule,
        };
        match self.fire(&ready, &loaded.state).await {
            Ok(()) => Ok(()),
            Err(NotFired::Suspend(reason)) => self.suspend(&ready, reason).await,
            Err(NotFired::Fault(cause)) => Err(cause),
        }
    }

    async fn fire(&self, ready: &Ready<'_>, state: &Trigger) -> Result<(), NotFired> {
        let owner = self.owner(ready.rule).await?;
        self.comes_to_an_end(ready).await?;
        let Some(chosen) = self.chosen(ready.id, state, &owner).await? else {
            return Ok(());
        };
        let (plan, left_out) = self.plan(ready, &owner, &chosen).await?;
        let batch = chosen.occurrence.batch(ready.id);
        let started = plan.as_ref().map_or(0, |plan| plan.order.dossiers.len());
        let firing = Firing {
            occurrence: chosen.occurrence,
            batch: plan.as_ref().map(|_| batch),
            started: u32::try_from(started).unwrap_or(u32::MAX),
            left_out,
            not_chosen: chosen.others,
        };
        self.record(ready, firing, plan.as_ref()).await
    }

    /// Whoever it acts as, with the rights that they have now.
    async fn owner(&self, rule: &Rule) -> Result<Principal, NotFired> {
        let suspend = |reason: &str| NotFired::Suspend(reason.to_owned());
        let owner = access::acting(&self.pool, &rule.owner).await?;
        let owner = owner.ok_or_else(|| {
            suspend(
                "Le jeton de la personne qui a enregistré ce déclencheur n'est plus en vigueur.",
            )
        })?;
        if !allows(&owner, Permission::StartBatch) {
            return Err(suspend(
                "Le rôle de la personne qui a enregistré ce déclencheur ne lui permet plus de lancer un lot.",
            ));
        }
        Ok(owner)
    }

    /// Goes on only if no end of a chain leads back to this trigger: two that are saved in the same instant do not
    /// see each other.
    async fn comes_to_an_end(&self, ready: &Ready<'_>) -> Result<(), NotFired> {
        let Some(link) = ready.rule.link() else {
            return Ok(());
        };
        let others = triggers::links(&self.pool, ready.id.0).await?;
        match circle(&link, &others) {
            Some(way) => Err(NotFired::Suspend(TriggerRefusal::Circle(way).to_string())),
            None => Ok(()),
        }
    }

    /// The batch as it would start, if it would, and the dossiers that the chain does not take.
    async fn plan(
        &self,
        ready: &Ready<'_>,
        owner: &Principal,
        chosen: &Chosen,
    ) -> Result<(Option<Plan>, Vec<LeftOut>), NotFired> {
        if chosen.dossiers.is_empty() {
            return Ok((None, vec![]));
        }
        let ask = StartBatch {
            batch: chosen.occurrence.batch(ready.id),
            label: ready.rule.name.clone(),
            chain_code: ready.rule.chain.clone(),
            dossiers: chosen.dossiers.clone(),
            reply_to: owner.email.clone(),
        };
        let (plan, refused) = match self.batches.plan(&owner.actor, &ask).await {
            Ok(mut plan) => {
                plan.order.trigger = Some(TriggerRef {
                    trigger: ready.id,
                    name: ready.rule.name.clone(),
                });
                let refused = plan.refused.clone();
                (Some(plan), refused)
            }
            Err(DispatchFailure::Refused(StartRefusal::NothingLeft(refused))) => (None, refused),
            Err(DispatchFailure::Refused(refusal)) => {
                return Err(NotFired::Suspend(refusal.to_string()));
            }
            Err(failure) => return Err(NotFired::Fault(failure.into())),
        };
        let left_out = refused.into_iter().map(|refused| LeftOut {
            dossier: refused.dossier,
            reason: refused.sentence,
        });
        Ok((plan, left_out.collect()))
    }

    /// Starts the batch and says so, whole or not at all.
    async fn record(
        &self,
        ready: &Ready<'_>,
        firing: Firing,
        plan: Option<&Plan>,
    ) -> Result<(), NotFired> {
        let batch = firing.occurrence.batch(ready.id);
        let envelope = &Envelope {
            command: CommandId::following(batch.0, "fire"),
            content: Digest::of(batch.0.as_bytes()),
            actor: ready.rule.owner.clone(),
            expected_version: Some(ready.version),
        };
        let (id, firing) = (ready.id.0, &Box::new(firing));
        let recorded = self.dispatcher.commit::<NotRecorded>(envelope, |mut unit| {
            async move {
                let refused = |refusal: TriggerRefusal| DispatchFailure::Refused(refusal.into());
                let mut trigger = self.dispatcher.load::<Trigger>(id).await?;
                envelope.expects(trigger.version)?;
                let belonging = Belonging {
                    batch: firing.batch,
                    dossier: None,
                };
                let command = TriggerCommand::Fire {
                    firing: firing.clone(),
                    at: unit.at(),
                };
                let fired = unit.decide(id, &mut trigger, belonging, command);
                if fired.map_err(refused)?.is_empty() {
                    let actual = trigger.version;
                    return Err(DispatchFailure::Conflict { actual });
                }
                if let Some(plan) = plan {
                    let begun = self.batches.begin(&mut unit, batch, plan).await;
                    begun.map_err(DispatchFailure::into_refusal::<NotRecorded>)?;
                }
                Ok(unit)
            }
            .boxed()
        });
        match recorded.await {
            // Somebody was faster, or changed it: the next look sees what is left to do.
            Ok(_) | Err(DispatchFailure::Conflict { .. }) => Ok(()),
            Err(DispatchFailure::Refused(refusal)) => Err(NotFired::Suspend(refusal.to_string())),
            Err(failure) => Err(NotFired::Fault(failure.into())),
        }
    }

    async fn suspend(&self, ready: &Ready<'_>, reason: String) -> anyhow::Result<()> {
        tracing::warn!(trigger = %ready.id, reason, "a trigger is suspended");
        let name = format!("suspend {}", ready.version);
        let envelope = Envelope {
            command: CommandId::following(ready.id.0, &name),
            content: Digest::of(name.as_bytes()),
            actor: NAVETTE.to_owned(),
            expected_version: Some(ready.version),
        };
        let command = TriggerCommand::Suspend {
            by: By {
                actor: NAVETTE.to_owned(),
                administers: true,
            },
            reason,
            at: self.dispatcher.now(),
        };
        let told = self
            .dispatcher
            .dispatch::<Trigger>(&envelope, ready.id.0, command);
        match told.await {
            Ok(_) | Err(DispatchFailure::Conflict { .. }) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}
