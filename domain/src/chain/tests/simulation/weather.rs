//! What goes wrong in a run, and how often: each run has a weather of its own, so that some meet much of one
//! thing and nothing of another.

use super::{outside::Said, random::Random};
use crate::{digest::Digest, ports::FailureClass};
use std::time::Duration;

/// Percents, each of the occasions that there are.
#[derive(Debug, Clone)]
pub(super) struct Weather {
    pub loses: u64,
    loses_answers: u64,
    pub delays: u64,
    pub doubles: u64,
    fails: u64,
    fails_after: u64,
    throttles: u64,
    locks_out: u64,
    refuses: u64,
    lies: u64,
    pub death_at_commit: u64,
    /// How often those who give visas and sign say yes.
    pub favour: u64,
}

impl Default for Weather {
    /// All goes well.
    fn default() -> Self {
        Self {
            loses: 0,
            loses_answers: 0,
            delays: 0,
            doubles: 0,
            fails: 0,
            fails_after: 0,
            throttles: 0,
            locks_out: 0,
            refuses: 0,
            lies: 0,
            death_at_commit: 0,
            favour: 100,
        }
    }
}

impl Weather {
    /// When all begins to go well, so that what can end does.
    pub(super) const CALM: u64 = 900_000;

    pub(super) fn drawn(random: &mut Random) -> Self {
        Self {
            loses: random.among(&[0, 0, 5, 20]),
            loses_answers: random.among(&[0, 0, 5, 20]),
            delays: random.among(&[0, 20, 60]),
            doubles: random.among(&[0, 10, 40]),
            fails: random.among(&[0, 0, 5, 20]),
            fails_after: random.among(&[0, 0, 5, 20]),
            throttles: random.among(&[0, 0, 0, 10]),
            locks_out: random.among(&[0, 0, 0, 5]),
            refuses: random.among(&[0, 0, 0, 5]),
            lies: random.among(&[0, 0, 0, 20]),
            death_at_commit: random.among(&[0, 0, 2, 8]),
            favour: random.among(&[100, 90, 60]),
        }
    }

    /// Why a neighbour does nothing, if it does not.
    pub(super) fn refusal(&self, random: &mut Random) -> Option<FailureClass> {
        let reasons = [
            (self.fails, FailureClass::Transient),
            (
                self.throttles,
                FailureClass::Throttled(Some(Duration::from_secs(7))),
            ),
            (self.locks_out, FailureClass::Credentials),
            (self.refuses, FailureClass::Rejected),
        ];
        let met = reasons
            .into_iter()
            .find(|(often, _)| random.percent(*often));
        met.map(|(_, class)| class)
    }

    /// What is heard of an answer: nothing, an error in its place, something else, or what was said.
    pub(super) fn answer(
        &self,
        said: Said,
        random: &mut Random,
        tally: &mut Tally,
    ) -> Option<Result<Said, FailureClass>> {
        if random.percent(self.loses_answers) {
            tally.answers_lost += 1;
            return None;
        }
        if random.percent(self.fails_after) {
            tally.failed_after += 1;
            return Some(Err(FailureClass::Transient));
        }
        if random.percent(self.lies)
            && let Some(lie) = lie(said)
        {
            tally.lies += 1;
            return Some(Ok(lie));
        }
        Some(Ok(said))
    }
}

/// What a neighbour may say instead, that can be noticed.
fn lie(said: Said) -> Option<Said> {
    match said {
        Said::Pending => Some(Said::Finished),
        Said::Approved(_) => Some(Said::Absent),
        Said::Pdf(_) => Some(Said::Pdf(Digest::from_bytes([9; 32]))),
        _ => None,
    }
}

/// How often each thing happened, over all runs: what never happens proves nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub deaths: u32,
    pub freezes: u32,
    pub lost: u32,
    pub answers_lost: u32,
    pub doubled: u32,
    pub refused: u32,
    pub failed_after: u32,
    pub lies: u32,
    pub calls: u32,
    pub too_late: u32,
    pub cancelled: u32,
    pub delivered: u32,
    pub waiting: u32,
    pub restarted: u32,
    pub skipped: u32,
    pub second_copies: u32,
    pub kept_though_cancelled: u32,
    pub scans: u32,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.all_mut().into_iter().zip(other.clone().all_mut()) {
            *mine.1 += *theirs.1;
        }
    }

    /// Each with its name.
    pub(super) fn all_mut(&mut self) -> [(&'static str, &mut u32); 18] {
        [
            ("deaths", &mut self.deaths),
            ("freezes", &mut self.freezes),
            ("requests lost", &mut self.lost),
            ("answers lost", &mut self.answers_lost),
            ("requests doubled", &mut self.doubled),
            ("requests refused", &mut self.refused),
            ("failed after acting", &mut self.failed_after),
            ("lies", &mut self.lies),
            ("calls for a person", &mut self.calls),
            ("reports under a lost lease", &mut self.too_late),
            ("documents cancelled", &mut self.cancelled),
            ("documents delivered", &mut self.delivered),
            ("documents left to a person", &mut self.waiting),
            ("documents started over", &mut self.restarted),
            (
                "documents delivered with a step done by hand",
                &mut self.skipped,
            ),
            ("second copies of a message", &mut self.second_copies),
            ("signed while cancelled", &mut self.kept_though_cancelled),
            ("scans that came back", &mut self.scans),
        ]
    }
}
