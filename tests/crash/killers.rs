//! Who kills, and when.

use navette_adapters::sim::wire::{Call, Delivery, Fate, Mischief};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

/// The three moments of an outside request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The neighbour has not heard it.
    Before,
    /// The neighbour did its work, and nobody knows.
    Applied,
    /// The answer has left.
    Answered,
}

impl Moment {
    pub const ALL: [Self; 3] = [Self::Before, Self::Applied, Self::Answered];
}

/// The Navette that lives now; nobody between two lives.
#[derive(Debug, Clone, Default)]
pub struct Victim(Arc<AtomicI32>);

impl Victim {
    pub fn is_born(&self, pid: u32) {
        self.0.store(pid.try_into().unwrap(), Ordering::SeqCst);
    }

    pub fn is_dead(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    /// Kills it, once a life.
    pub fn kill(&self) -> bool {
        let pid = self.0.swap(0, Ordering::SeqCst);
        pid != 0 && kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok()
    }
}

/// `nextcloud PUT`: the neighbour and the operation.
fn name_of(call: &Call) -> String {
    format!("{} {}", call.neighbour.code(), call.operation)
}

/// Kills Navette at each of the three moments of each operation that it ever asks for.
#[derive(Debug, Clone)]
pub struct AtEveryMoment {
    victim: Victim,
    killed: Arc<Mutex<BTreeMap<String, BTreeSet<Moment>>>>,
}

impl AtEveryMoment {
    pub fn new(victim: Victim) -> Self {
        Self {
            victim,
            killed: Arc::default(),
        }
    }

    fn killed(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<Moment>>> {
        self.killed.lock().unwrap()
    }

    /// The operations that were asked for, with the moments at which Navette was killed.
    pub fn operations(&self) -> BTreeMap<String, BTreeSet<Moment>> {
        self.killed().clone()
    }

    pub fn kills(&self) -> usize {
        self.killed().values().map(BTreeSet::len).sum()
    }

    pub fn is_through_with(&self, operation: &str) -> bool {
        let killed = self.killed();
        killed
            .get(operation)
            .is_some_and(|moments| moments.len() == Moment::ALL.len())
    }

    /// The first call of an operation is killed at the first moment, and so on.
    fn strikes(&self, call: &Call, moment: Moment) -> bool {
        let mut killed = self.killed();
        let moments = killed.entry(name_of(call)).or_default();
        let next = Moment::ALL
            .into_iter()
            .find(|moment| !moments.contains(moment));
        next == Some(moment) && self.victim.kill() && moments.insert(moment)
    }
}

impl Mischief for AtEveryMoment {
    fn before(&self, call: &Call) -> Fate {
        if self.strikes(call, Moment::Before) {
            Fate::HangUp
        } else {
            Fate::Serve
        }
    }

    fn applied(&self, call: &Call) -> Delivery {
        if self.strikes(call, Moment::Applied) {
            Delivery::Lose
        } else {
            Delivery::Answer
        }
    }

    fn answered(&self, call: &Call) {
        self.strikes(call, Moment::Answered);
    }
}

/// Kills the PostgreSQL of a Navette that lives on.
#[derive(Debug, Clone)]
pub struct OfPostgres {
    pid_file: PathBuf,
    plan: Arc<Mutex<Vec<(&'static str, Moment)>>>,
}

impl OfPostgres {
    /// At the first call of each operation, at that moment.
    pub fn new(pid_file: PathBuf, plan: &[(&'static str, Moment)]) -> Self {
        Self {
            pid_file,
            plan: Arc::new(Mutex::new(plan.to_vec())),
        }
    }

    /// How many kills of the plan were not carried out.
    pub fn left(&self) -> usize {
        self.plan.lock().unwrap().len()
    }

    fn strike(&self, call: &Call, moment: Moment) {
        let mut plan = self.plan.lock().unwrap();
        let name = name_of(call);
        let planned = plan
            .iter()
            .position(|planned| *planned == (name.as_str(), moment));
        if let Some(planned) = planned
            && kill(postmaster(&self.pid_file), Signal::SIGKILL).is_ok()
        {
            plan.remove(planned);
        }
    }
}

fn postmaster(pid_file: &Path) -> Pid {
    let text = fs::read_to_string(pid_file).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap())
}

impl Mischief for OfPostgres {
    fn before(&self, call: &Call) -> Fate {
        self.strike(call, Moment::Before);
        Fate::Serve
    }

    fn applied(&self, call: &Call) -> Delivery {
        self.strike(call, Moment::Applied);
        Delivery::Answer
    }

    fn answered(&self, call: &Call) {
        self.strike(call, Moment::Answered);
    }
}

/// Kills Navette so many times, each a random while after the last.
#[derive(Debug)]
pub struct AtRandom {
    victim: Victim,
    random: StdRng,
    kills: u64,
}

impl AtRandom {
    pub fn new(victim: Victim, seed: u64, kills: u64) -> Self {
        Self {
            victim,
            random: StdRng::seed_from_u64(seed),
            kills,
        }
    }

    /// How many kills are left.
    pub fn left(&self) -> u64 {
        self.kills
    }

    /// Ends when all the kills are done.
    pub async fn run(&mut self) {
        while self.kills > 0 {
            let pause = Duration::from_millis(self.random.random_range(50..1_500));
            tokio::time::sleep(pause).await;
            self.kills -= u64::from(self.victim.kill());
        }
    }
}
