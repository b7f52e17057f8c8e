//! A breaker: opens when a neighbour fails again and again, and tries it again little by little.

use super::Heard;
use crate::ids::DocumentId;
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, time::Duration};

/// How many answers are remembered: when half of them are failures, the neighbour is ill.
const REMEMBERED: usize = 20;

/// When a neighbour is taken to be down, and for how long it is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerPolicy {
    /// Failures in a row, of more than one document.
    pub failures: usize,
    /// Milliseconds the first time; doubled each time it is still down.
    pub open_ms: u64,
    /// The longest, in milliseconds.
    pub longest_ms: u64,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            failures: 5,
            open_ms: 30_000,
            longest_ms: 600_000,
        }
    }
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Everything passes.
    Closed,
    /// Nothing passes.
    Open,
    /// A few pass, to see.
    HalfOpen,
}

#[derive(Debug, Clone)]
enum Stand {
    Closed,
    Open {
        until: Duration,
    },
    HalfOpen {
        wave: u32,
        begun: u32,
        answered: u32,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Breaker {
    policy: BreakerPolicy,
    stand: Stand,
    /// The last answers; a failure names its document.
    last: VecDeque<Option<DocumentId>>,
    /// How often it opened since it was last closed.
    openings: u32,
    /// Changes when it opens and half-opens: what passed before says nothing of what is.
    turn: u32,
}

impl Breaker {
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        Self {
            policy,
            stand: Stand::Closed,
            last: VecDeque::with_capacity(REMEMBERED),
            openings: 0,
            turn: 0,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.stand, Stand::Closed)
    }

    pub(super) fn state(&self, now: Duration) -> BreakerState {
        match self.stand {
            Stand::Closed => BreakerState::Closed,
            Stand::Open { until } if now < until => BreakerState::Open,
            Stand::Open { .. } | Stand::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    pub(super) fn room(&self, now: Duration) -> u32 {
        match self.stand {
            Stand::Closed => u32::MAX,
            Stand::Open { until } => u32::from(until <= now),
            Stand::HalfOpen { wave, begun, .. } => wave.saturating_sub(begun),
        }
    }

    pub(super) fn opens_at(&self) -> Duration {
        match self.stand {
            Stand::Open { until } => until,
            Stand::Closed | Stand::HalfOpen { .. } => Duration::ZERO,
        }
    }

    /// Answers the turn in which the work passed.
    pub(super) fn begin(&mut self, now: Duration) -> u32 {
        match &mut self.stand {
            Stand::Open { until } if *until <= now => {
                self.turn += 1;
                self.stand = Stand::HalfOpen {
                    wave: 1,
                    begun: 1,
                    answered: 0,
                };
            }
            Stand::HalfOpen { begun, .. } => *begun += 1,
            Stand::Closed | Stand::Open { .. } => {}
        }
        self.turn
    }

    /// `most` is how many pass at once when all is well: a wave of so many closes it.
    pub(super) fn hear(&mut self, turn: u32, heard: Heard, most: u32, now: Duration) {
        if turn != self.turn {
            return;
        }
        match (&mut self.stand, heard) {
            (Stand::Closed, Heard::Answered) => self.remember(None),
            (Stand::Closed, Heard::Broken(document)) => {
                self.remember(Some(document));
                if self.is_ill() {
                    self.open(now);
                }
            }
            (Stand::HalfOpen { .. }, Heard::Broken(_)) => self.open(now),
            (Stand::HalfOpen { begun, .. }, Heard::Nothing) => *begun = begun.saturating_sub(1),
            (
                Stand::HalfOpen {
                    wave,
                    begun,
                    answered,
                },
                Heard::Answered | Heard::Slowed(_),
            ) => {
                *answered += 1;
                if *answered < *wave {
                    return;
                }
                if *wave >= most {
                    self.stand = Stand::Closed;
                    self.openings = 0;
                    self.last.clear();
                } else {
                    *wave = wave.saturating_mul(2);
                    (*begun, *answered) = (0, 0);
                }
            }
            (Stand::Closed, Heard::Slowed(_) | Heard::Nothing) | (Stand::Open { .. }, _) => {}
        }
    }

    fn remember(&mut self, answer: Option<DocumentId>) {
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(answer);
    }

    /// What fails one document alone, however often, is the document's fault.
    fn is_ill(&self) -> bool {
        let in_a_row = || self.last.iter().rev().map_while(|answer| *answer);
        let all = || self.last.iter().filter_map(|answer| *answer);
        (in_a_row().count() >= self.policy.failures && are_several(in_a_row()))
            || (self.last.len() == REMEMBERED
                && all().count() * 2 >= REMEMBERED
                && are_several(all()))
    }

    fn open(&mut self, now: Duration) {
        let pause = self
            .policy
            .open_ms
            .saturating_mul(1 << self.openings.min(20))
            .min(self.policy.longest_ms);
        self.turn += 1;
        self.openings = self.openings.saturating_add(1);
        self.last.clear();
        self.stand = Stand::Open {
            until: now + Duration::from_millis(pause),
        };
    }
}

fn are_several(mut documents: impl Iterator<Item = DocumentId>) -> bool {
    let first = documents.next();
    documents.any(|document| Some(document) != first)
}
