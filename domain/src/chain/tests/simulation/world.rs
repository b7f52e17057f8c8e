//! Time and processes: what happens next, and who dies or freezes meanwhile.

use super::{
    POLICY,
    log::{Log, Report},
    network::Parcel,
    outside::{Outside, Said},
    random::Random,
    steps::{Attempt, Failure, Next},
    weather::{Tally, Weather},
};
use crate::{
    document::DocumentCommand,
    ids::{DocumentId, DossierId},
    ports::{FailureClass, Neighbour},
    testing::now,
};
use std::{collections::BTreeMap, fmt::Write as _};

/// What may happen at a moment.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    /// A process looks for work.
    Looks(usize),
    /// What is under a lease goes on with what it heard.
    Goes(u64, Option<Result<Said, Failure>>),
    /// A request reaches its neighbour.
    Arrives(Parcel),
    Dies(usize),
    Rises(usize),
    Freezes(usize),
    /// People look at what waits for them.
    People,
    Cancels(DocumentId),
    GivesUp,
    Pauses,
    Resumes,
    /// An operator holds a document, or lets it go.
    HoldsBack(DocumentId),
    LetsGo(DocumentId),
    /// An operator holds a neighbour until then.
    Holds(Neighbour, u64),
    Reopens(DossierId),
}

#[derive(Debug, Default)]
struct Process {
    is_dead: bool,
    frozen_until: Option<u64>,
    looks_at: Option<u64>,
}

pub(super) struct World<'a> {
    pub now: u64,
    pub random: Random,
    pub log: Log<'a>,
    pub outside: Outside,
    pub weather: Weather,
    pub tally: Tally,
    /// How often people will still act.
    pub acts: u32,
    agenda: BTreeMap<(u64, u64), Happening>,
    turn: u64,
    pub attempts: BTreeMap<u64, Attempt>,
    processes: [Process; 2],
    journal: Option<String>,
}

/// The shortest time in which a process comes back.
const BACK: u64 = 2_500;
/// How many effects a process carries out at once.
const AT_ONCE: usize = 3;
/// A run that takes more steps goes round in circles.
const STEPS: u32 = 20_000;

impl<'a> World<'a> {
    pub(super) fn new(log: Log<'a>, random: Random, weather: Weather, is_told: bool) -> Self {
        Self {
            now: 0,
            random,
            log,
            outside: Outside::default(),
            weather,
            tally: Tally::default(),
            acts: 12,
            agenda: BTreeMap::new(),
            turn: 0,
            attempts: BTreeMap::new(),
            processes: Default::default(),
            journal: is_told.then(String::new),
        }
    }

    pub(super) fn journal(&mut self) -> String {
        self.journal.take().unwrap_or_default()
    }

    pub(super) fn plan(&mut self, at: u64, happening: Happening) {
        self.turn += 1;
        self.agenda.insert((at, self.turn), happening);
    }

    pub(super) fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(journal) = &mut self.journal {
            let _ = writeln!(journal, "{:>9} ms  {}", self.now, what());
        }
    }

    /// Lets everything happen, until nothing will.
    pub(super) fn run(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            let Some(((at, _), happening)) = self.agenda.pop_first() else {
                return Ok(());
            };
            self.now = at;
            if at >= Weather::CALM {
                self.weather = Weather::default();
            }
            self.happens(happening)?;
        }
        Err("it never ends".to_owned())
    }

    fn happens(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Looks(process) => self.looks(process)?,
            Happening::Goes(lease, heard) => self.goes(lease, heard)?,
            Happening::Arrives(parcel) => self.arrives(parcel),
            Happening::Dies(process) => self.dies(process),
            Happening::Rises(process) => {
                self.tell(|| format!("process {process} is back"));
                self.processes[process] = Process::default();
                self.log.free(|lease| lease.owner == process);
                self.wake();
            }
            Happening::Freezes(process) => self.freezes(process),
            people => {
                self.people_act(&people)?;
                self.wake();
            }
        }
        Ok(())
    }

    /// Something may have begun: everybody looks soon.
    pub(super) fn wake(&mut self) {
        for process in 0..self.processes.len() {
            let at = self.now + self.random.between(1, 100);
            self.looks_at(process, at);
        }
    }

    fn looks_at(&mut self, process: usize, at: u64) {
        let planned = &mut self.processes[process].looks_at;
        if planned.is_none_or(|planned| planned > at) {
            *planned = Some(at);
            self.plan(at, Happening::Looks(process));
        }
    }

    fn looks(&mut self, process: usize) -> Result<(), String> {
        if self.processes[process].looks_at != Some(self.now) {
            return Ok(());
        }
        self.processes[process].looks_at = None;
        if self.processes[process].is_dead {
            return Ok(());
        }
        if let Some(until) = self.frozen(process) {
            self.looks_at(process, until);
            return Ok(());
        }
        let at = self.now;
        self.log
            .free(|lease| lease.until.is_some_and(|until| until < at));
        let mine = |attempt: &&Attempt| attempt.process == process;
        if self.attempts.values().filter(mine).count() >= AT_ONCE {
            return Ok(());
        }
        let claimed = self.log.claim(process, at, &mut self.random);
        let Some((lease, row)) = claimed.and_then(|row| Some((row.lease?, row))) else {
            if let Some(date) = self.log.next_date(at) {
                let jitter = self.random.between(0, 50);
                self.looks_at(process, date + jitter);
            }
            return Ok(());
        };
        self.tell(|| {
            format!(
                "process {process} claims {} of {} under {}, {} failures{}",
                row.effect.work.kind(),
                row.effect.document,
                lease.token,
                row.failures,
                if row.effect.doubtful {
                    ", doubtful"
                } else {
                    ""
                }
            )
        });
        let attempt = Attempt::new(process, lease.token, row.failures, row.effect);
        let soon = at + self.random.between(1, 30);
        if attempt.failures >= POLICY.failures && attempt.effect.work.is_on_the_way() {
            self.call_a_person(&attempt, "every process that tried it has stopped")?;
        } else {
            self.attempts.insert(lease.token, attempt);
            self.plan(soon, Happening::Goes(lease.token, None));
        }
        self.looks_at(process, soon);
        Ok(())
    }

    /// Until when a process is frozen. Awake, it renews the leases that nobody freed meanwhile.
    fn frozen(&mut self, process: usize) -> Option<u64> {
        let until = self.processes[process].frozen_until?;
        if until > self.now {
            return Some(until);
        }
        self.processes[process].frozen_until = None;
        self.keep(process, None);
        None
    }

    fn keep(&mut self, process: usize, until: Option<u64>) {
        let leases = self
            .log
            .rows
            .iter_mut()
            .filter_map(|row| row.lease.as_mut());
        for lease in leases.filter(|lease| lease.owner == process) {
            lease.until = until;
        }
    }

    fn dies(&mut self, process: usize) {
        if self.processes[process].is_dead {
            return;
        }
        self.tell(|| format!("process {process} dies"));
        self.tally.deaths += 1;
        self.keep(process, Some(self.now + POLICY.lease));
        self.attempts
            .retain(|_, attempt| attempt.process != process);
        self.processes[process] = Process {
            is_dead: true,
            ..Process::default()
        };
        let back = self.now + self.random.between(BACK, 25_000);
        self.plan(back, Happening::Rises(process));
        self.wake();
    }

    fn freezes(&mut self, process: usize) {
        let it = &self.processes[process];
        if it.is_dead || it.frozen_until.is_some() {
            return;
        }
        let until = self.now + self.random.between(1_000, 40_000);
        self.processes[process].frozen_until = Some(until);
        self.tell(|| format!("process {process} freezes until {until}"));
        self.tally.freezes += 1;
        self.keep(process, Some(self.now + POLICY.lease));
        self.wake();
    }

    fn goes(&mut self, lease: u64, heard: Option<Result<Said, Failure>>) -> Result<(), String> {
        let Some(attempt) = self.attempts.get(&lease) else {
            return Ok(());
        };
        let process = attempt.process;
        if let Some(until) = self.frozen(process) {
            self.plan(until, Happening::Goes(lease, heard));
            return Ok(());
        }
        let Some(mut attempt) = self.attempts.remove(&lease) else {
            return Ok(());
        };
        let next = match heard {
            Some(Err(failure)) => Next::Fails(failure),
            Some(Ok(said)) => attempt.next(&mut self.log, Some(said)),
            None => attempt.next(&mut self.log, None),
        };
        match next {
            Next::Goes => {
                let soon = self.now + self.random.between(1, 30);
                self.attempts.insert(lease, attempt);
                self.plan(soon, Happening::Goes(lease, None));
                return Ok(());
            }
            Next::Asks(request) => {
                self.attempts.insert(lease, attempt);
                self.sends(lease, request);
                return Ok(());
            }
            Next::Reports(report) => self.reports(&attempt, *report)?,
            Next::NotYet => {
                let run_at = self.now + POLICY.poll;
                self.log.put_back(attempt.effect.id, lease, 0, run_at);
            }
            Next::Fails(failure) => self.fails(&attempt, &failure)?,
        }
        self.wake();
        Ok(())
    }

    fn reports(&mut self, attempt: &Attempt, report: Report) -> Result<(), String> {
        if self.random.percent(self.weather.death_at_commit) {
            self.dies(attempt.process);
            return Ok(());
        }
        let kind = attempt.effect.work.kind();
        let written = self
            .log
            .report(&attempt.effect, attempt.lease, report, self.now)?;
        self.tell(|| format!("{kind} under {} is reported: {written}", attempt.lease));
        self.tally.too_late += u32::from(!written);
        self.close_the_batch()?;
        if self.random.percent(self.weather.death_at_commit) {
            self.dies(attempt.process);
        }
        Ok(())
    }

    /// The answers of a worker to each class of failure.
    fn fails(&mut self, attempt: &Attempt, failure: &Failure) -> Result<(), String> {
        self.tell(|| format!("{} fails: {failure:?}", attempt.effect.work.kind()));
        let (id, lease, failures) = (attempt.effect.id, attempt.lease, attempt.failures);
        match *failure {
            Failure::Stuck(sentence) => self.call_a_person(attempt, sentence),
            Failure::Port(_, FailureClass::Rejected) => self.call_a_person(attempt, "refusé"),
            Failure::Port(_, FailureClass::Throttled(after)) => {
                let pause = after.map_or(POLICY.base, |after| after.as_secs() * 1_000);
                let run_at = self.now + pause.min(POLICY.cap);
                self.log.put_back(id, lease, failures, run_at);
                Ok(())
            }
            Failure::Port(neighbour, FailureClass::Credentials) => {
                let until = self.now + POLICY.locked_out;
                self.log.left_alone.insert(neighbour, until);
                self.log.put_back(id, lease, failures, until);
                Ok(())
            }
            Failure::Port(_, FailureClass::Transient) if failures + 1 >= POLICY.failures => {
                self.call_a_person(attempt, "en panne")
            }
            Failure::Port(_, FailureClass::Transient) => {
                let run_at = self.now + Log::pause(failures, &mut self.random);
                self.log.put_back(id, lease, failures + 1, run_at);
                Ok(())
            }
        }
    }

    fn call_a_person(&mut self, attempt: &Attempt, sentence: &str) -> Result<(), String> {
        let (effect, lease) = (&attempt.effect, attempt.lease);
        if !effect.work.is_on_the_way() {
            let run_at = self.now + POLICY.cap;
            self.log
                .put_back(effect.id, lease, attempt.failures + 1, run_at);
            return Ok(());
        }
        self.tally.calls += 1;
        let fail = DocumentCommand::Fail {
            step: effect.step.clone(),
            sentence: sentence.to_owned(),
            at: now(),
        };
        self.reports(
            attempt,
            Report {
                document: Some(fail),
                ..Report::default()
            },
        )
    }
}
