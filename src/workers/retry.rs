//! When work that failed is tried again, and how much is done at once.

use navette_adapters::libreoffice::LETTERS_TOGETHER;
use navette_domain::{
    gate::{BreakerPolicy, Limits},
    ports::Neighbour,
};
use serde::Deserialize;
use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

/// When to try again, and when to call for a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Milliseconds before the first new try; doubled at each failure.
    pub base_ms: u64,
    /// The longest pause, in milliseconds.
    pub cap_ms: u64,
    /// Failures in a row after which a person is called.
    pub failures: u32,
    /// Milliseconds between two rounds of the places where documents wait for people.
    pub poll_ms: u64,
    /// Milliseconds after which a document that waits is looked at by itself, whatever the rounds say.
    pub check_ms: u64,
    /// How many effects of one neighbour are carried out at once, unless `limits` says otherwise; the office has
    /// as many as each core converts together.
    pub at_once: usize,
    /// Milliseconds during which a neighbour that refuses our account is left alone: accounts lock.
    pub locked_out_ms: u64,
    /// Milliseconds of a lease.
    pub lease_ms: u64,
    /// What each neighbour bears, from all processes together.
    pub limits: BTreeMap<Neighbour, NeighbourLimits>,
    /// When a neighbour is taken to be down, and for how long it is left alone.
    pub breaker: BreakerPolicy,
}

/// What one neighbour bears; what is not said is as usual.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NeighbourLimits {
    /// How many effects at once.
    pub at_once: Option<NonZeroU32>,
    /// How many effects may begin in a minute.
    pub per_minute: Option<NonZeroU32>,
    /// How many may begin at the same moment after a rest, within that rate.
    pub burst: Option<NonZeroU32>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base_ms: 5_000,
            cap_ms: 6 * 3_600_000,
            failures: 12,
            poll_ms: 60_000,
            check_ms: 24 * 3_600_000,
            at_once: 8,
            locked_out_ms: 600_000,
            lease_ms: 60_000,
            limits: BTreeMap::new(),
            breaker: BreakerPolicy::default(),
        }
    }
}

impl RetryPolicy {
    /// The pause after so many failures in a row, with up to a quarter more so that those who failed
    /// together do not come back together.
    pub(super) fn pause(&self, failures: u32) -> Duration {
        let pause = self
            .base_ms
            .saturating_mul(1 << failures.min(20))
            .min(self.cap_ms);
        Duration::from_millis(pause + rand::random_range(0..=pause / 4))
    }

    /// What `neighbour` bears.
    pub(super) fn limits(&self, neighbour: Neighbour) -> Limits {
        let said = self.limits.get(&neighbour).copied().unwrap_or_default();
        let usual = match neighbour {
            // Letters that wait for the same worker are converted together.
            Neighbour::Office => {
                LETTERS_TOGETHER * std::thread::available_parallelism().map_or(1, usize::from)
            }
            _ => self.at_once.max(1),
        };
        let usual = u32::try_from(usual).unwrap_or(u32::MAX);
        Limits {
            at_once: said.at_once.map_or(usual, NonZeroU32::get),
            per_minute: said.per_minute,
            burst: said.burst.unwrap_or(NonZeroU32::MIN),
        }
    }
}
