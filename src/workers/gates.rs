//! The gates of this process: what it may begin at each neighbour now, and what it hears of them.

use super::{RetryPolicy, Stop, keep_doing};
use crate::steps::{Outcome, StepFailure};
use navette_adapters::effects::{Claimed, Effects};
use navette_domain::{
    gate::{Gate, GateState, Heard, Pass, Share},
    ids::DocumentId,
    ports::{Answer, FailureClass, Neighbour, PortFailure},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::OwnedMutexGuard, task::JoinHandle};

/// How often a process says how its gates stand, and learns its share.
const STAND: Duration = Duration::from_secs(2);

/// See the module. Clones are the same gates.
#[derive(Debug, Clone)]
pub struct Gates {
    began: Instant,
    each: Arc<Mutex<BTreeMap<Neighbour, Gate>>>,
    /// The neighbours that operators paused.
    paused: Arc<Mutex<Vec<Neighbour>>>,
    /// Held from looking for room until it is taken.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Gates {
    /// Gates that nothing has passed yet.
    pub fn new(policy: &RetryPolicy) -> Self {
        let gate = |neighbour| {
            // The office is ours, on this machine: its failures come from documents.
            let breaker = (neighbour != Neighbour::Office).then_some(policy.breaker);
            (neighbour, Gate::new(policy.limits(neighbour), breaker))
        };
        Self {
            began: Instant::now(),
            each: Arc::new(Mutex::new(Neighbour::ALL.into_iter().map(gate).collect())),
            paused: Arc::default(),
            turn: Arc::default(),
        }
    }

    fn each(&self) -> MutexGuard<'_, BTreeMap<Neighbour, Gate>> {
        self.each.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        neighbour: Neighbour,
        of: impl FnOnce(&mut Gate, Duration) -> T,
    ) -> Option<T> {
        let now = self.began.elapsed();
        self.each().get_mut(&neighbour).map(|gate| of(gate, now))
    }

    /// Nobody else finds room as long as this is held.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        self.turn.clone().lock_owned().await
    }

    /// From now on, nothing passes to these neighbours, until told otherwise.
    pub(super) fn pause(&self, neighbours: Vec<Neighbour>) {
        *self.paused.lock().unwrap_or_else(PoisonError::into_inner) = neighbours;
    }

    /// How many may pass now.
    pub(super) fn room(&self, neighbour: Neighbour) -> usize {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.contains(&neighbour) {
            return 0;
        }
        drop(paused);
        let room = self.with(neighbour, |gate, now| gate.room(now));
        usize::try_from(room.unwrap_or(0)).unwrap_or(usize::MAX)
    }

    /// How long until there may be room without anything ending first; none if something must.
    pub(super) fn opens_in(&self, neighbour: Neighbour) -> Option<Duration> {
        let wait = self.with(neighbour, |gate, now| {
            gate.opens_at(now).saturating_sub(now)
        })?;
        Some(wait).filter(|wait| !wait.is_zero())
    }

    /// Lets one piece of work through.
    pub(super) fn begin(&self, neighbour: Neighbour) -> Passing {
        Passing {
            pass: self.with(neighbour, Gate::begin),
            gates: self.clone(),
            neighbour,
        }
    }

    /// How each stands.
    pub fn states(&self) -> Vec<(Neighbour, GateState)> {
        let now = self.began.elapsed();
        let paused = self.paused.lock();
        let paused = paused.unwrap_or_else(PoisonError::into_inner).clone();
        let state = |(of, gate): (&Neighbour, &Gate)| {
            let mut state = gate.state(now);
            if paused.contains(of) {
                state.at_once = 0;
            }
            (*of, state)
        };
        self.each().iter().map(state).collect()
    }

    /// From now on, this process's part of all limits is `share`; the office is each machine's own.
    pub fn share(&self, share: Share) {
        for (neighbour, gate) in self.each().iter_mut() {
            if *neighbour != Neighbour::Office {
                gate.share(share);
            }
        }
    }

    /// Says how they stand every few seconds, and learns which share is ours.
    pub(crate) fn keep(&self, effects: Effects, stop: Stop) -> JoinHandle<()> {
        let gates = self.clone();
        keep_doing("gates", stop, move || {
            let (gates, effects) = (gates.clone(), effects.clone());
            async move {
                gates.share(effects.stand(&gates.states()).await?);
                tokio::time::sleep(STAND).await;
                Ok(())
            }
        })
    }
}

/// A piece of work that passed, until it ends, however it does.
pub(super) struct Passing {
    gates: Gates,
    neighbour: Neighbour,
    /// None once it was heard of.
    pass: Option<Pass>,
}

impl Passing {
    /// What came of it. Answers whether a failure is to be counted against its document.
    pub(super) fn hears(&mut self, heard: Heard) -> bool {
        let Some(pass) = self.pass.take() else {
            return true;
        };
        let hear = |gate: &mut Gate, now| gate.hear(&pass, heard, now);
        self.gates.with(self.neighbour, hear).unwrap_or(true)
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.hears(Heard::Nothing);
        self.gates.with(self.neighbour, |gate, _| gate.end());
    }
}

/// What the end of a step says of the neighbour. A neighbour asks for patience for `longest` at most.
pub(super) fn heard(
    claimed: &Claimed,
    ended: &Result<Outcome, StepFailure>,
    longest: Duration,
) -> Heard {
    if claimed.effect.work.neighbour() == Neighbour::Office {
        return Heard::Answered;
    }
    match ended {
        Ok(_) => Heard::Answered,
        // It may never have been asked.
        Err(StepFailure::Fault(_) | StepFailure::Stuck(_)) => Heard::Nothing,
        Err(StepFailure::Port(failure)) => failed(failure, claimed.effect.document, longest),
    }
}

/// What an answer, or none, says of the neighbour.
pub(super) fn answered<T>(answer: &Answer<T>, of: DocumentId, longest: Duration) -> Heard {
    match answer {
        Ok(_) => Heard::Answered,
        Err(failure) => failed(failure, of, longest),
    }
}

fn failed(failure: &PortFailure, of: DocumentId, longest: Duration) -> Heard {
    match failure.class {
        FailureClass::Throttled(wait) => Heard::Slowed(wait.map(|wait| wait.min(longest))),
        FailureClass::Transient => Heard::Broken(of),
        FailureClass::Credentials | FailureClass::Rejected => Heard::Answered,
    }
}
