//! Requests and answers on their way: lost, late, overtaken, doubled.

use super::{
    outside::{Request, Said},
    steps::Failure,
    world::{Happening, World},
};
use crate::ports::FailureClass;

/// The longest way of a request, or of its answer. It is shorter than callers wait and than processes take
/// to come back: what a neighbour does later than that nobody can look for.
const TRAVEL: u64 = 2_000;
/// The shortest way.
const QUICKEST: u64 = 5;
/// How long callers wait.
const TIMEOUT: u64 = 5_000;

/// A request on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parcel {
    lease: u64,
    request: Request,
    /// The network made it, and nobody waits for its answer.
    is_copy: bool,
    /// It was sent under a lease that was lost: whoever sent it was frozen meanwhile.
    too_late: bool,
}

impl World<'_> {
    /// A request leaves, and the network does what it likes with it.
    pub(super) fn sends(&mut self, lease: u64, request: Request) {
        self.tell(|| format!("under {lease}: {request:?}"));
        let at = self.now;
        if self.random.percent(self.weather.loses) {
            self.tally.lost += 1;
            self.hears(at + TIMEOUT, lease, Err(FailureClass::Transient));
            return;
        }
        let mut leases = self.log.rows.iter().filter_map(|row| row.lease);
        let parcel = Parcel {
            lease,
            request,
            is_copy: false,
            too_late: leases.all(|held| held.token != lease),
        };
        let way = self.way();
        self.plan(at + way, Happening::Arrives(parcel));
        if request.has_a_key() && self.random.percent(self.weather.doubles) {
            self.tally.doubled += 1;
            // Nobody repeats what was answered: the copy comes before the answer can be heard.
            let (later, is_copy) = (self.random.between(0, QUICKEST - 1), true);
            let parcel = Parcel { is_copy, ..parcel };
            self.plan(at + way + later, Happening::Arrives(parcel));
        }
    }

    fn way(&mut self) -> u64 {
        let longest = if self.random.percent(self.weather.delays) {
            TRAVEL
        } else {
            100
        };
        self.random.between(QUICKEST, longest)
    }

    fn hears(&mut self, at: u64, lease: u64, said: Result<Said, FailureClass>) {
        let Some(attempt) = self.attempts.get(&lease) else {
            return;
        };
        let neighbour = attempt.effect.work.neighbour();
        let said = said.map_err(|class| Failure::Port(neighbour, class));
        self.plan(at, Happening::Goes(lease, Some(said)));
    }

    pub(super) fn arrives(&mut self, parcel: Parcel) {
        let Parcel {
            lease,
            request,
            is_copy,
            too_late,
        } = parcel;
        if let Some(class) = self.weather.refusal(&mut self.random) {
            self.tally.refused += 1;
            if !is_copy {
                let way = self.way();
                self.hears(self.now + way, lease, Err(class));
            }
            return;
        }
        let favour = self.weather.favour;
        let said = self
            .outside
            .apply(request, self.now, too_late, favour, &mut self.random);
        self.tell(|| format!("the neighbour of {lease} did {request:?} and says {said:?}"));
        if is_copy {
            return;
        }
        let way = self.way();
        match self.weather.answer(said, &mut self.random, &mut self.tally) {
            Some(said) => self.hears(self.now + way, lease, said),
            // Its silence is heard.
            None => self.hears(self.now + TIMEOUT, lease, Err(FailureClass::Transient)),
        }
    }
}
