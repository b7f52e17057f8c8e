//! Where the time goes: how often each kind of work was done, and how long it took in all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// One kind of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// How often it was done.
    pub count: u32,
    /// How long it took in all; what is done side by side counts side by side.
    pub busy: Duration,
}

impl Timing {
    /// How long it took on average.
    pub fn mean(&self) -> Duration {
        self.busy.checked_div(self.count).unwrap_or_default()
    }
}

/// See the module. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Timings(Arc<Mutex<BTreeMap<&'static str, Timing>>>);

impl Timings {
    /// Does `work`, and counts it as one of `kind` whatever comes of it.
    pub async fn of<T>(&self, kind: &'static str, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let outcome = work.await;
        let took = began.elapsed();
        let mut kinds = self.kinds();
        let timing = kinds.entry(kind).or_default();
        timing.count = timing.count.saturating_add(1);
        timing.busy += took;
        drop(kinds);
        outcome
    }

    /// Everything until now.
    pub fn snapshot(&self) -> BTreeMap<&'static str, Timing> {
        self.kinds().clone()
    }

    fn kinds(&self) -> MutexGuard<'_, BTreeMap<&'static str, Timing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_kind_of_work_is_counted_and_timed_apart() {
        let timings = Timings::default();
        let elsewhere = timings.clone();
        for _ in 0..3 {
            elsewhere.of("convert", std::future::ready(())).await;
        }
        let failed: Result<(), ()> = timings.of("merge", std::future::ready(Err(()))).await;
        assert_eq!(failed, Err(()));
        let counts = timings.snapshot();
        let counts: Vec<_> = counts
            .iter()
            .map(|(kind, timing)| (*kind, timing.count))
            .collect();
        assert_eq!(counts, [("convert", 3), ("merge", 1)]);
    }
}
