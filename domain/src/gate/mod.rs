//! A gate: what lets work through to a neighbour, and no more than the neighbour bears.
//!
//! ```text
//! work passes while    fewer than so many are under way, halved when the neighbour asks for patience or fails
//!                        one document after another, and one more after each twenty answers
//!            and       the rate, with its burst, allows it
//!            and       the neighbour has not asked to wait
//!            and       its breaker is closed:
//!                        closed → open → half-open, which lets 1, 2, 4, 8… through → closed
//! ```
//! What does not pass is not begun, so waiting before a gate costs no attempt. Each process has a gate for
//! each neighbour, and its share of the neighbour's limits. Time is an input: how long ago the process began.

mod breaker;
mod rate;
#[cfg(test)]
mod tests;

pub use breaker::{BreakerPolicy, BreakerState};

use crate::ids::DocumentId;
use breaker::Breaker;
use rate::Rate;
use std::{num::NonZeroU32, time::Duration};

/// After so many answers, one more at once.
const ANSWERS: u32 = 20;

/// What a neighbour bears, from all processes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many pieces of work at once.
    pub at_once: u32,
    /// How many may begin in a minute; as many as there are when nothing is said.
    pub per_minute: Option<NonZeroU32>,
    /// How many may begin at the same moment after a rest, within that rate.
    pub burst: NonZeroU32,
}

/// Which part of the limits is this process's: that of rank `rank` among `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// From 0.
    pub rank: u32,
    /// How many share.
    pub of: NonZeroU32,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self {
        rank: 0,
        of: NonZeroU32::MIN,
    };

    /// Our part of `whole`: all the parts together are the whole, so that some may have nothing.
    fn part(self, whole: u32) -> u32 {
        whole / self.of + u32::from(self.rank < whole % self.of)
    }
}

/// What became of a piece of work, as far as its neighbour is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It answered, be it with a refusal of this very document.
    Answered,
    /// It asks for patience, perhaps for this long.
    Slowed(Option<Duration>),
    /// It did not answer, or failed, for this document.
    Broken(DocumentId),
    /// Nothing: it was not reached, for a reason of ours.
    Nothing,
}

/// A piece of work that passed.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Pass {
    at: Duration,
    turn: u32,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Gate {
    limits: Limits,
    share: Share,
    rate: Rate,
    breaker: Option<Breaker>,
    under_way: u32,
    /// How many at once since the neighbour asked for patience, and how many answers came since it changed.
    slowed: Option<(u32, u32)>,
    /// When that began: what passed before says nothing new.
    slowed_at: Duration,
    /// Until when the neighbour asked to wait.
    shut_until: Duration,
    /// The document that it failed last, if nothing was answered since.
    failed: Option<DocumentId>,
}

/// How a gate stands, for those who look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateState {
    /// How many may be under way now.
    pub at_once: u32,
    /// How many, when all is well.
    pub most: u32,
    /// How many are.
    pub under_way: u32,
    /// The breaker.
    pub breaker: BreakerState,
    /// How long nothing passes from now, if the neighbour asked to wait or its breaker is open.
    pub shut_for: Option<Duration>,
}

impl Gate {
    /// A gate that nothing has passed yet. Without a policy it has no breaker.
    pub fn new(limits: Limits, policy: Option<BreakerPolicy>) -> Self {
        Self {
            limits,
            share: Share::WHOLE,
            rate: Rate::default(),
            breaker: policy.map(Breaker::new),
            under_way: 0,
            slowed: None,
            slowed_at: Duration::ZERO,
            shut_until: Duration::ZERO,
            failed: None,
        }
    }

    /// From now on, this process's part is `share`.
    pub fn share(&mut self, share: Share) {
        self.share = share;
    }

    fn most(&self) -> u32 {
        self.share.part(self.limits.at_once)
    }

    fn at_once(&self) -> u32 {
        let most = self.most();
        self.slowed.map_or(most, |(slowed, _)| slowed.min(most))
    }

    /// How many may pass now.
    pub fn room(&self, now: Duration) -> u32 {
        if now < self.shut_until {
            return 0;
        }
        let breaker = self.breaker.as_ref();
        self.at_once()
            .saturating_sub(self.under_way)
            .min(self.rate.room(&self.limits, self.share, now))
            .min(breaker.map_or(u32::MAX, |breaker| breaker.room(now)))
    }

    /// When there may be room again without anything ending first.
    pub fn opens_at(&self, now: Duration) -> Duration {
        let breaker = self.breaker.as_ref();
        self.shut_until
            .max(self.rate.opens_at(&self.limits, self.share))
            .max(breaker.map_or(Duration::ZERO, Breaker::opens_at))
            .max(now)
    }

    /// Lets one piece of work through. Whoever asks has seen that there is room.
    pub fn begin(&mut self, now: Duration) -> Pass {
        self.under_way += 1;
        self.rate.begin(&self.limits, self.share, now);
        let breaker = self.breaker.as_mut();
        Pass {
            at: now,
            turn: breaker.map_or(0, |breaker| breaker.begin(now)),
        }
    }

    /// Hears what became of a piece of work. Answers whether a failure is to be counted against its document:
    /// not while the neighbour fails others too.
    pub fn hear(&mut self, pass: &Pass, heard: Heard, now: Duration) -> bool {
        match heard {
            Heard::Answered => {
                self.failed = None;
                self.recover();
            }
            Heard::Slowed(wait) => {
                self.slow_down(pass, now);
                let until = now.saturating_add(wait.unwrap_or_default());
                self.shut_until = self.shut_until.max(until);
            }
            Heard::Broken(document) => {
                if self
                    .failed
                    .replace(document)
                    .is_some_and(|last| last != document)
                {
                    self.slow_down(pass, now);
                }
            }
            Heard::Nothing => {}
        }
        let most = self.most();
        self.breaker.as_mut().is_none_or(|breaker| {
            breaker.hear(pass.turn, heard, most, now);
            breaker.is_closed()
        })
    }

    /// A piece of work that was heard of leaves its place to another.
    pub fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Half as many at once; but not again for what passed before the last time.
    fn slow_down(&mut self, pass: &Pass, now: Duration) {
        if self.slowed.is_some() && pass.at < self.slowed_at {
            return;
        }
        self.slowed = Some(((self.at_once() / 2).max(1), 0));
        self.slowed_at = now;
    }

    fn recover(&mut self) {
        let most = self.most();
        self.slowed = self.slowed.and_then(|(slowed, answers)| {
            let (slowed, answers) = match answers + 1 {
                ANSWERS => (slowed + 1, 0),
                answers => (slowed, answers),
            };
            (slowed < most).then_some((slowed, answers))
        });
    }

    /// How it stands.
    pub fn state(&self, now: Duration) -> GateState {
        let breaker = self.breaker.as_ref();
        let breaker_opens = breaker.map_or(Duration::ZERO, Breaker::opens_at);
        let shut_for = self.shut_until.max(breaker_opens).checked_sub(now);
        GateState {
            at_once: self.at_once(),
            most: self.most(),
            under_way: self.under_way,
            breaker: breaker.map_or(BreakerState::Closed, |breaker| breaker.state(now)),
            shut_for: shut_for.filter(|wait| !wait.is_zero()),
        }
    }
}
