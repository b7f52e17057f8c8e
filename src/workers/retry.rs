//! When work that failed is tried again, and how much is done at once.

use navette_adapters::libreoffice::LETTERS_TOGETHER;
use navette_domain::ports::Neighbour;
use serde::Deserialize;
use std::time::Duration;

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
    /// Milliseconds between two looks at a neighbour that has not answered.
    pub poll_ms: u64,
    /// How many effects of one neighbour are carried out at once; the office has as many as each core converts together.
    pub at_once: usize,
    /// Milliseconds during which a neighbour that refuses our account is left alone: accounts lock.
    pub locked_out_ms: u64,
    /// Milliseconds of a lease.
    pub lease_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base_ms: 5_000,
            cap_ms: 6 * 3_600_000,
            failures: 12,
            poll_ms: 60_000,
            at_once: 8,
            locked_out_ms: 600_000,
            lease_ms: 60_000,
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

    /// How many effects of `neighbour` are carried out at once.
    pub(super) fn at_once(&self, neighbour: Neighbour) -> usize {
        match neighbour {
            // Letters that wait for the same worker are converted together.
            Neighbour::Office => {
                LETTERS_TOGETHER * std::thread::available_parallelism().map_or(1, usize::from)
            }
            _ => self.at_once.max(1),
        }
    }
}
