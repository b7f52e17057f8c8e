//! How often work is claimed: where much waits and little room comes free at a time, each claim would bring little
//! and cost what carrying it out does. After a rest, it brings more.

use navette_domain::ports::Neighbour;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A rest is so many times as long as the claim before it.
const RESTS: u32 = 2;
/// The longest: no claim holds up others for long because the database did once.
const LONGEST: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Default)]
pub(super) struct Pace(BTreeMap<Neighbour, Instant>);

impl Pace {
    /// A claim for this neighbour has ended `now`, and took so long.
    pub fn claimed(&mut self, neighbour: Neighbour, took: Duration, now: Instant) {
        let rest = took.saturating_mul(RESTS).min(LONGEST);
        self.0.insert(neighbour, now + rest);
    }

    /// How long until the next, if it is not time yet.
    pub fn rest_of(&self, neighbour: Neighbour, now: Instant) -> Option<Duration> {
        let until = self.0.get(&neighbour)?;
        let rest = until.saturating_duration_since(now);
        Some(rest).filter(|rest| !rest.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_claim_its_neighbour_rests_twice_as_long_within_bounds_and_no_other_does() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let took = Duration::from_millis(10);
        pace.claimed(Neighbour::Smtp, took, now);
        assert_eq!(pace.rest_of(Neighbour::Smtp, now), Some(2 * took));
        assert_eq!(pace.rest_of(Neighbour::Smtp, now + 2 * took), None);
        assert_eq!(pace.rest_of(Neighbour::Office, now), None);
        pace.claimed(Neighbour::Smtp, Duration::from_mins(1), now);
        assert_eq!(pace.rest_of(Neighbour::Smtp, now), Some(LONGEST));
    }
}
