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
use tokio::{sync::Notify, task::JoinHandle};

/// How often a process says how its gates stand, and learns its share.
const STAND: Duration = Duration::from_secs(2);

/// See the module. Clones are the same gates.
#[derive(Debug, Clone)]
pub struct Gates {
    began: Instant,
    each: Arc<Mutex<BTreeMap<Neighbour, Way>>>,
    /// The neighbours that operators paused.
    paused: Arc<Mutex<Vec<Neighbour>>>,
    /// Rung when something leaves its place to another.
    freed: Arc<Notify>,
}

/// The way to one neighbour.
#[derive(Debug)]
struct Way {
    gate: Gate,
    /// Places that are kept for what is being claimed.
    reserved: u32,
    /// Whether others wait, as the last claim has shown: nothing passes before them.
    queue: bool,
}

impl Way {
    fn room(&self, now: Duration) -> u32 {
        self.gate.room(now).saturating_sub(self.reserved)
    }
}

impl Gates {
    /// Gates that nothing has passed yet.
    pub fn new(policy: &RetryPolicy) -> Self {
        let way = |neighbour| {
            // The office is ours, on this machine: its failures come from documents.
            let breaker = (neighbour != Neighbour::Office).then_some(policy.breaker);
            let way = Way {
                gate: Gate::new(policy.limits(neighbour), breaker),
                reserved: 0,
                queue: false,
            };
            (neighbour, way)
        };
        Self {
            began: Instant::now(),
            each: Arc::new(Mutex::new(Neighbour::ALL.into_iter().map(way).collect())),
            paused: Arc::default(),
            freed: Arc::default(),
        }
    }

    fn each(&self) -> MutexGuard<'_, BTreeMap<Neighbour, Way>> {
        self.each.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, neighbour: Neighbour, of: impl FnOnce(&mut Way, Duration) -> T) -> Option<T> {
        let now = self.began.elapsed();
        self.each().get_mut(&neighbour).map(|way| of(way, now))
    }

    fn paused(&self) -> MutexGuard<'_, Vec<Neighbour>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, nothing passes to these neighbours, until told otherwise.
    pub(super) fn pause(&self, neighbours: Vec<Neighbour>) {
        *self.paused() = neighbours;
    }

    /// Keeps places for what is going to be claimed: all there are when others are known to wait, else three of
    /// four, so that what goes on by itself finds some meanwhile.
    pub(super) fn reserve(&self, neighbour: Neighbour) -> Reserved {
        let paused = self.paused().contains(&neighbour);
        let keep = |way: &mut Way, now| {
            let room = way.room(now);
            let kept = if way.queue { room } else { room - room / 4 };
            way.reserved += kept;
            kept
        };
        let places = if paused {
            None
        } else {
            self.with(neighbour, keep)
        };
        Reserved {
            gates: self.clone(),
            neighbour,
            places: places.unwrap_or(0),
        }
    }

    /// Lets a piece of work through that waits in no queue, if there is room and nobody waits.
    pub(super) fn pass(&self, neighbour: Neighbour) -> Option<Passing> {
        if self.paused().contains(&neighbour) {
            return None;
        }
        let pass = self.with(neighbour, |way, now| {
            (!way.queue && way.room(now) > 0).then(|| way.gate.begin(now))
        })?;
        Some(self.passing(neighbour, pass?))
    }

    fn passing(&self, neighbour: Neighbour, pass: Pass) -> Passing {
        Passing {
            pass: Some(pass),
            gates: self.clone(),
            neighbour,
        }
    }

    /// Says whether others wait for this neighbour.
    pub(super) fn queue(&self, neighbour: Neighbour, waits: bool) {
        self.with(neighbour, |way, _| way.queue = waits);
    }

    /// Waits until something leaves its place to another.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// How long until there may be room without anything ending first; none if something must.
    pub(super) fn opens_in(&self, neighbour: Neighbour) -> Option<Duration> {
        let wait = self.with(neighbour, |way, now| {
            way.gate.opens_at(now).saturating_sub(now)
        })?;
        Some(wait).filter(|wait| !wait.is_zero())
    }

    /// How each stands.
    pub fn states(&self) -> Vec<(Neighbour, GateState)> {
        let now = self.began.elapsed();
        let paused = self.paused().clone();
        let state = |(of, way): (&Neighbour, &Way)| {
            let mut state = way.gate.state(now);
            if paused.contains(of) {
                state.at_once = 0;
            }
            (*of, state)
        };
        self.each().iter().map(state).collect()
    }

    /// From now on, this process's part of all limits is `share`; the office is each machine's own.
    pub fn share(&self, share: Share) {
        for (neighbour, way) in self.each().iter_mut() {
            if *neighbour != Neighbour::Office {
                way.gate.share(share);
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

/// Places that nobody else takes, as long as this lives.
pub(super) struct Reserved {
    gates: Gates,
    neighbour: Neighbour,
    places: u32,
}

impl Reserved {
    /// How many.
    pub(super) fn places(&self) -> usize {
        usize::try_from(self.places).unwrap_or(usize::MAX)
    }

    /// Lets one piece of work through, to one of these places.
    pub(super) fn begin(&mut self) -> Option<Passing> {
        self.places = self.places.checked_sub(1)?;
        let pass = self.gates.with(self.neighbour, |way, now| {
            way.reserved = way.reserved.saturating_sub(1);
            way.gate.begin(now)
        })?;
        Some(self.gates.passing(self.neighbour, pass))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let places = self.places;
        self.gates.with(self.neighbour, |way, _| {
            way.reserved = way.reserved.saturating_sub(places);
        });
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
        let hear = |way: &mut Way, now| way.gate.hear(&pass, heard, now);
        self.gates.with(self.neighbour, hear).unwrap_or(true)
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.hears(Heard::Nothing);
        self.gates.with(self.neighbour, |way, _| way.gate.end());
        self.gates.freed.notify_one();
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

#[cfg(test)]
mod tests;
