//! So many a minute, with a burst after a rest.

use super::{Limits, Share};
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

/// When the next piece of work is due if all come evenly. What comes at most a burst early may pass.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    due: Duration,
}

/// The time between two, and how many may come at the same moment: ours of all.
fn pace(limits: &Limits, share: Share) -> Option<(Duration, u32)> {
    let between = MINUTE * share.of.get() / limits.per_minute?.get();
    let burst = share.part(limits.burst.get()).max(1);
    Some((between.max(Duration::from_nanos(1)), burst))
}

impl Rate {
    pub(super) fn room(&self, limits: &Limits, share: Share, now: Duration) -> u32 {
        let Some((between, burst)) = pace(limits, share) else {
            return u32::MAX;
        };
        let early = (now + between * burst).saturating_sub(self.due.max(now));
        u32::try_from(early.as_nanos() / between.as_nanos()).unwrap_or(u32::MAX)
    }

    pub(super) fn begin(&mut self, limits: &Limits, share: Share, now: Duration) {
        if let Some((between, _)) = pace(limits, share) {
            self.due = self.due.max(now) + between;
        }
    }

    /// When there is room for one.
    pub(super) fn opens_at(&self, limits: &Limits, share: Share) -> Duration {
        pace(limits, share).map_or(Duration::ZERO, |(between, burst)| {
            self.due.saturating_sub(between * (burst - 1))
        })
    }
}
