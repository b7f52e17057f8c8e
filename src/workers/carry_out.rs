//! Carries effects out: claim, act, report. Nothing is forgotten if the process dies between any two lines:
//! the effect is still there, doubtful, and its lease ends.

mod pace;
mod report;

use super::{
    Gates, REST, RetryPolicy, Stop, Timings,
    gates::{Passing, heard},
    leases::Leases,
    paused::Paused,
    stopped,
};
use crate::{
    dispatch::Dispatcher,
    steps::{Outcome, Report, StepFailure, Steps},
};
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use navette_adapters::{
    effects::{Claimed, Effects},
    log::StreamState,
};
use navette_domain::{
    document::{Document, DocumentCommand},
    ports::{FailureClass, Neighbour, PortFailure, Tray},
};
use pace::Pace;
use std::{
    collections::HashSet,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How often everything is looked at, whatever bells rang.
const TICK: Duration = Duration::from_millis(250);

/// What this process goes on with.
struct Next {
    claimed: Claimed,
    /// Its place at the neighbour.
    passing: Passing,
    /// Its document, if it was just written.
    seen: Option<StreamState<Document>>,
}

/// See the module.
#[derive(Clone)]
pub struct CarryOut {
    effects: Effects,
    steps: Steps,
    dispatcher: Dispatcher,
    policy: RetryPolicy,
    timings: Timings,
    gates: Gates,
    leases: Leases,
    /// Nothing is begun any more, not even what follows.
    stopping: Arc<AtomicBool>,
}

impl CarryOut {
    /// A worker on these effects.
    pub fn new(
        effects: Effects,
        steps: Steps,
        dispatcher: Dispatcher,
        policy: RetryPolicy,
        timings: Timings,
        gates: Gates,
    ) -> Self {
        Self {
            effects,
            steps,
            dispatcher,
            policy,
            timings,
            gates,
            leases: Leases::default(),
            stopping: Arc::default(),
        }
    }

    /// Carries effects out until told to stop, whatever happens to the database meanwhile.
    pub async fn run_until(&self, mut stop: Stop) {
        // It outlives a failure of the database: a step that is dropped half-way has perhaps asked already.
        let mut under_way = JoinSet::new();
        while let Err(error) = self.run(stop.clone(), &mut under_way).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "carrying effects out failed and will go on"
            );
            tokio::select! {
                () = tokio::time::sleep(REST) => {}
                () = stopped(&mut stop) => break,
            }
        }
        self.stopping.store(true, Ordering::Relaxed);
        while under_way.join_next().await.is_some() {}
        if let Err(error) = self.effects.leave().await {
            tracing::warn!(%error, "the others will learn that this process stopped by its silence");
        }
    }

    /// Claims and begins until told to stop, or until the database does not answer: what is under way goes
    /// on then, and finds it again.
    async fn run(&self, mut stop: Stop, under_way: &mut JoinSet<()>) -> anyhow::Result<()> {
        let begun = self.dispatcher.log().begun();
        let mut wanted: HashSet<Neighbour> = HashSet::new();
        let mut pace = Pace::default();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.learn_pauses().await?;
        while !*stop.borrow() {
            wanted.extend(begun.take());
            for neighbour in Neighbour::ALL {
                if !wanted.contains(&neighbour) || pace.rest_of(neighbour, Instant::now()).is_some()
                {
                    continue;
                }
                let began = Instant::now();
                if !self.begin(neighbour, under_way).await? {
                    wanted.remove(&neighbour);
                }
                pace.claimed(neighbour, began.elapsed(), Instant::now());
            }
            let now = Instant::now();
            let opens = wanted
                .iter()
                .filter_map(|of| self.gates.opens_in(*of).max(pace.rest_of(*of, now)))
                .min();
            tokio::select! {
                () = self.gates.freed() => {}
                () = begun.wait() => {}
                () = tokio::time::sleep(opens.unwrap_or(TICK)), if opens.is_some() => {}
                _ = tick.tick() => {
                    self.learn_pauses().await?;
                    wanted.extend(self.effects.due().await?);
                }
                () = stopped(&mut stop) => {}
            }
            while let Some(ended) = under_way.try_join_next() {
                tell(ended);
            }
        }
        Ok(())
    }

    /// What operators hold is not begun from now on.
    async fn learn_pauses(&self) -> anyhow::Result<()> {
        let paused = Paused::read(&self.dispatcher).await?;
        self.gates.pause(paused.neighbours);
        self.effects.hold_back(paused.held_back);
        Ok(())
    }

    /// Begins what may pass to `neighbour` now. Answers whether more may wait.
    async fn begin(
        &self,
        neighbour: Neighbour,
        under_way: &mut JoinSet<()>,
    ) -> anyhow::Result<bool> {
        let mut reserved = self.gates.reserve(neighbour);
        let room = reserved.places();
        if room == 0 {
            return Ok(true);
        }
        let claim = self.effects.claim(neighbour, room);
        let claimed = self.timings.of("claim", claim).await?;
        let more = claimed.len() == room;
        self.gates.queue(neighbour, more);
        for claimed in claimed {
            let Some(passing) = reserved.begin() else {
                break;
            };
            let worker = self.clone();
            let next = Next {
                claimed,
                passing,
                seen: None,
            };
            under_way.spawn(async move { worker.carry_out_all(next).await });
        }
        Ok(more)
    }

    /// Keeps our leases, and frees those that others stopped keeping.
    pub async fn keep_leases(&self) -> anyhow::Result<()> {
        tokio::time::sleep(Duration::from_millis(self.policy.lease_ms / 4)).await;
        self.effects.renew(&self.leases.all()).await?;
        let freed = self.effects.free_expired().await?;
        if freed > 0 {
            tracing::warn!(effects = freed, "leases that nobody renewed are free again");
        }
        Ok(())
    }

    /// Carries an effect out, then what follows of its document as long as nothing else comes first.
    async fn carry_out_all(&self, first: Next) {
        let mut next = Some(first);
        while let Some(this) = next {
            next = self.carry_out(this).await;
        }
    }

    async fn carry_out(&self, this: Next) -> Option<Next> {
        let Next {
            claimed,
            mut passing,
            mut seen,
        } = this;
        let claimed = &claimed;
        let _kept = self.leases.keep(claimed.lease);
        let kind = claimed.effect.work.kind();
        let acted = self.timings.of(kind, self.act(claimed, &mut seen)).await;
        let longest = Duration::from_millis(self.policy.cap_ms);
        let counts = passing.hears(heard(claimed, &acted, longest));
        let ended = match acted {
            Ok(Outcome::Report(report)) => {
                let report = self.report(claimed, *report, seen);
                self.timings.of("report", report).await
            }
            Ok(Outcome::Waits { tray, mark, until }) => {
                let wait = self.wait(claimed, &tray, &mark, until);
                wait.await.map(|()| None)
            }
            Ok(Outcome::NotBefore(moment)) => self.rest(claimed, moment).await.map(|()| None),
            Err(failure) => self.fail(claimed, failure, counts).await.map(|()| None),
        };
        ended.unwrap_or_else(|error| {
            // The lease ends by itself, and the effect is carried out again.
            tracing::warn!(effect = %claimed.effect.id, kind, error = format!("{error:#}"), "an outcome could not be reported");
            None
        })
    }

    /// Puts the effect back until its moment, on the same terms.
    async fn rest(&self, claimed: &Claimed, moment: DateTime<Utc>) -> anyhow::Result<()> {
        let pause = moment - self.dispatcher.now();
        let pause = pause.to_std().unwrap_or_default();
        self.effects.look_again(claimed, pause).await?;
        if !self.steps.wants(claimed).await? {
            self.effects.look_now(claimed.effect.id).await?;
        }
        Ok(())
    }

    /// Puts the effect in its tray. If its document was given up while it was looked at, nothing else would end
    /// it: it is looked at again, and ends. What is given up from now on drops it.
    async fn wait(
        &self,
        claimed: &Claimed,
        tray: &Tray,
        mark: &str,
        until: Option<DateTime<Utc>>,
    ) -> anyhow::Result<()> {
        let until = until.map(|until| until - self.dispatcher.now());
        let until = until.map(|until| until.to_std().unwrap_or_default());
        let at_most = Duration::from_millis(self.policy.check_ms);
        let at_most = until.map_or(at_most, |until| until.min(at_most));
        self.effects.wait_in(claimed, tray, mark, at_most).await?;
        if !self.steps.wants(claimed).await? {
            self.effects.look_now(claimed.effect.id).await?;
        }
        Ok(())
    }

    /// Carries the step out, and keeps what it saw of its document, unless it has stopped every process that tried.
    /// A panic is a fault of ours like another: it is counted, and a person hears of it in the end.
    async fn act(
        &self,
        claimed: &Claimed,
        seen: &mut Option<StreamState<Document>>,
    ) -> Result<Outcome, StepFailure> {
        if claimed.failures >= self.policy.failures && claimed.effect.work.is_on_the_way() {
            return Err(anyhow::anyhow!("every process that tried it has stopped").into());
        }
        let document = match seen {
            Some(document) => document,
            None => seen.insert(self.dispatcher.load(claimed.effect.document.0).await?),
        };
        AssertUnwindSafe(self.steps.carry_out(claimed, document))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("the step panicked").into()))
    }

    /// A failure that does not count is the neighbour's, which fails others too: it costs the document nothing.
    async fn fail(
        &self,
        claimed: &Claimed,
        failure: StepFailure,
        counts: bool,
    ) -> anyhow::Result<()> {
        let kind = claimed.effect.work.kind();
        let sentence = failure.to_string();
        tracing::info!(effect = %claimed.effect.id, kind, failures = claimed.failures, failure = failure.for_the_journal(), "a step failed");
        match failure {
            StepFailure::Stuck(sentence) => self.call_a_person(claimed, sentence).await,
            StepFailure::Port(PortFailure {
                class: FailureClass::Rejected,
                ..
            }) => self.call_a_person(claimed, sentence).await,
            StepFailure::Port(PortFailure {
                class: FailureClass::Throttled(after),
                ..
            }) => {
                let pause = after.unwrap_or_else(|| self.policy.pause(claimed.failures));
                let pause = pause.min(Duration::from_millis(self.policy.cap_ms));
                Ok(self
                    .effects
                    .try_again(claimed, pause, false, &sentence)
                    .await?)
            }
            StepFailure::Port(PortFailure {
                class: FailureClass::Credentials,
                neighbour,
                ..
            }) => {
                let pause = Duration::from_millis(self.policy.locked_out_ms);
                tracing::error!(%neighbour, sentence, "a neighbour refuses our account; it is left alone for a while");
                self.effects
                    .hold_neighbour(neighbour, pause, &sentence)
                    .await?;
                Ok(self
                    .effects
                    .try_again(claimed, pause, false, &sentence)
                    .await?)
            }
            StepFailure::Port(PortFailure {
                class: FailureClass::Transient,
                ..
            }) if counts && claimed.failures + 1 >= self.policy.failures => {
                self.call_a_person(
                    claimed,
                    format!("{sentence} ({} essais)", claimed.failures + 1),
                )
                .await
            }
            StepFailure::Fault(fault) if claimed.failures + 1 >= self.policy.failures => {
                tracing::error!(effect = %claimed.effect.id, kind, error = format!("{fault:#}"), "a step fails for a reason of our own");
                let tries = claimed.failures + 1;
                let sentence = format!(
                    "Une erreur interne de Navette empêche cette étape ({tries} essais) : signalez-la à l'administrateur, puis relancez."
                );
                self.call_a_person(claimed, sentence).await
            }
            StepFailure::Port(_) | StepFailure::Fault(_) => {
                let pause = self.policy.pause(claimed.failures);
                Ok(self
                    .effects
                    .try_again(claimed, pause, counts, &sentence)
                    .await?)
            }
        }
    }

    /// The document waits for a person, who reads the sentence. Work that only cleans up is tried again
    /// later instead: it must not stop a document that goes on, or is over.
    async fn call_a_person(&self, claimed: &Claimed, sentence: String) -> anyhow::Result<()> {
        if !claimed.effect.work.is_on_the_way() {
            tracing::warn!(effect = %claimed.effect.id, kind = claimed.effect.work.kind(), "cleaning up failed and will be tried again");
            let pause = Duration::from_millis(self.policy.cap_ms);
            return Ok(self
                .effects
                .try_again(claimed, pause, true, &sentence)
                .await?);
        }
        let at = self.dispatcher.now();
        let command = DocumentCommand::Fail {
            step: claimed.effect.step.clone(),
            sentence,
            at,
        };
        let report = Report {
            document: Some(command),
            ..Report::default()
        };
        // A document that waits for a person begins nothing.
        self.report(claimed, report, None).await.map(drop)
    }
}

fn tell(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a step panicked; its lease will end");
    }
}
