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
    /// A claim for this neighbour has just ended.
    pub fn claimed(&mut self, neighbour: Neighbour, began: Instant) {
        let now = Instant::now();
        let rest = (now - began).saturating_mul(RESTS).min(LONGEST);
        self.0.insert(neighbour, now + rest);
    }

    /// How long until the next, if it is not time yet.
    pub fn rest_of(&self, neighbour: Neighbour) -> Option<Duration> {
        let until = self.0.get(&neighbour)?;
        let rest = until.saturating_duration_since(Instant::now());
        Some(rest).filter(|rest| !rest.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_claim_that_took_long_its_neighbour_rests_a_while_and_no_other_does() {
        let mut pace = Pace::default();
        let Some(began) = Instant::now().checked_sub(Duration::from_mins(1)) else {
            return;
        };
        pace.claimed(Neighbour::Smtp, began);
        let rest = pace.rest_of(Neighbour::Smtp);
        assert!(rest.is_some_and(|rest| rest <= LONGEST), "{rest:?}");
        assert_eq!(pace.rest_of(Neighbour::Office), None);
    }
}
