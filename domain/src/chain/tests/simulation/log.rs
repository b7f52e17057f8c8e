//! A model of what PostgreSQL keeps: the aggregates, the effects, their leases. A commit is written whole or
//! not at all, and nobody else writes meanwhile: that is what the real log is tested for elsewhere.

use super::{
    super::super::{Definition, Effect, Reaction, StepId, Work, is_due, may_take, react},
    POLICY,
    random::Random,
};
use crate::{
    batch::Batch,
    document::{Document, DocumentCommand, DocumentEvent, DocumentRefusal, Stage},
    dossier::{Dossier, DossierCommand},
    event::Decider,
    ids::{CommandId, DocumentId, DossierId, EffectId, SignatureId},
    ports::Neighbour,
    signature::{Signature, SignatureCommand, SignatureRefusal},
    testing::now,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a process holds while it carries an effect out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    pub token: u64,
    pub owner: usize,
    /// When it ends, once its owner no longer renews it.
    pub until: Option<u64>,
}

/// Work that is not done.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub effect: Effect,
    pub doubtful: bool,
    pub failures: u32,
    pub run_at: u64,
    pub lease: Option<Lease>,
}

/// The commands that report an outcome, written together with the end of its effect.
#[derive(Debug, Clone, Default)]
pub(super) struct Report {
    pub document: Option<DocumentCommand>,
    pub signature: Option<(SignatureId, Vec<SignatureCommand>)>,
    pub dossier: Option<(DossierId, DossierCommand)>,
    pub then: Option<Work>,
}

pub(super) struct Log<'a> {
    pub definition: &'a Definition,
    pub batch: Batch,
    pub held: bool,
    /// What operators hold, beside the batch.
    pub held_back: BTreeSet<DocumentId>,
    pub documents: BTreeMap<DocumentId, Document>,
    pub signatures: BTreeMap<SignatureId, Signature>,
    pub dossiers: BTreeMap<DossierId, Dossier>,
    /// In the order in which they were begun.
    pub rows: Vec<Row>,
    pub left_alone: BTreeMap<Neighbour, u64>,
    pub history: Vec<(DocumentId, DocumentEvent)>,
    done: BTreeSet<(DocumentId, u32, StepId)>,
    leases: u64,
}

/// A state after the event that a decision gave.
fn moved<A: Decider>(state: &mut A, command: A::Command) -> Result<Vec<A::Event>, A::Error> {
    let events = state.decide(command)?;
    for event in &events {
        state.apply(event.clone());
    }
    Ok(events)
}

impl<'a> Log<'a> {
    pub(super) fn new(definition: &'a Definition) -> Self {
        Self {
            definition,
            batch: Batch::default(),
            held: false,
            held_back: BTreeSet::new(),
            documents: BTreeMap::new(),
            signatures: BTreeMap::new(),
            dossiers: BTreeMap::new(),
            rows: vec![],
            left_alone: BTreeMap::new(),
            history: vec![],
            done: BTreeSet::new(),
            leases: 0,
        }
    }

    pub(super) fn row(&mut self, id: EffectId, token: u64) -> Option<&mut Row> {
        let mut rows = self.rows.iter_mut();
        rows.find(|row| row.effect.id == id && row.lease.is_some_and(|lease| lease.token == token))
    }

    fn begin(&mut self, effect: Effect, at: u64) {
        if self.rows.iter().all(|row| row.effect.id != effect.id) {
            self.rows.push(Row {
                doubtful: effect.doubtful,
                effect,
                failures: 0,
                run_at: at,
                lease: None,
            });
        }
    }

    /// Decides a command of a document, and what follows from its events by its chain.
    pub(super) fn move_document(
        &mut self,
        id: DocumentId,
        command: DocumentCommand,
        at: u64,
    ) -> Result<Result<(), DocumentRefusal>, String> {
        let document = self.documents.entry(id).or_default();
        if let Some(journey) = document.journey()
            && let Err(refusal) = may_take(self.definition, journey, &command)
        {
            return Ok(Err(refusal));
        }
        let mut commands = vec![command];
        while let Some(command) = commands.pop() {
            let document = self.documents.entry(id).or_default();
            let events = match document.decide(command) {
                Ok(events) => events,
                Err(refusal) => return Ok(Err(refusal)),
            };
            for event in events {
                let document = self.documents.entry(id).or_default();
                let before = document.journey().cloned();
                *document = std::mem::take(document).evolve(event.clone());
                let after = document.journey().ok_or("an event of no document")?;
                if let Some(step) = event.completed_step()
                    && !self.done.insert((id, after.round, step.clone()))
                {
                    return Err(format!("step {step} of {id} was recorded twice in a round"));
                }
                let reactions = react(self.definition, id, before.as_ref(), after, &event);
                self.history.push((id, event));
                for reaction in reactions {
                    match reaction {
                        Reaction::Begin(effect) => self.begin(effect, at),
                        Reaction::DropPending => self.rows.retain(|row| {
                            row.effect.document != id
                                || !row.effect.work.is_on_the_way()
                                || row.lease.is_some()
                        }),
                        Reaction::AskApproval(step) => {
                            return Err(format!(
                                "{id} waits at {step} for an approval, which no schedule gives"
                            ));
                        }
                        Reaction::SendToPrint(step) => {
                            commands.push(DocumentCommand::SendToPrint { step, at: now() });
                        }
                        Reaction::Deliver => commands.push(DocumentCommand::Deliver { at: now() }),
                    }
                }
            }
        }
        self.has_a_next_date(id)?;
        Ok(Ok(()))
    }

    /// Nothing sleeps: a document that is not over and waits for nobody has its next work before it.
    fn has_a_next_date(&self, id: DocumentId) -> Result<(), String> {
        let Some(journey) = self.documents.get(&id).and_then(Document::journey) else {
            return Ok(());
        };
        let mut work = self.rows.iter().map(|row| &row.effect);
        if is_over(&journey.stage)
            || waits(&self.documents[&id])
            || work.any(|work| work.document == id && is_due(self.definition, journey, work))
        {
            return Ok(());
        }
        let status = journey.stage.status();
        Err(format!("{id} is {status:?} and nothing will move it on"))
    }

    pub(super) fn sign(
        &mut self,
        id: SignatureId,
        command: SignatureCommand,
    ) -> Result<(), SignatureRefusal> {
        moved(self.signatures.entry(id).or_default(), command).map(drop)
    }

    pub(super) fn change(&mut self, id: DossierId, command: DossierCommand) {
        // What the rules refuse changes nothing.
        let _ = moved(self.dossiers.entry(id).or_default(), command);
    }

    /// Takes an outcome in, unless its lease was lost: then nothing of it is written.
    pub(super) fn report(
        &mut self,
        effect: &Effect,
        token: u64,
        report: Report,
        at: u64,
    ) -> Result<bool, String> {
        if self.row(effect.id, token).is_none() {
            return Ok(false);
        }
        self.rows.retain(|row| row.effect.id != effect.id);
        if let Some(command) = report.document
            && self.move_document(effect.document, command, at)?.is_err()
        {
            // What was given up meanwhile says no: the rest of the outcome is not taken either.
            self.has_a_next_date(effect.document)?;
            return Ok(true);
        }
        if let Some((signature, commands)) = report.signature {
            for command in commands {
                let _ = self.sign(signature, command);
            }
        }
        if let Some(work) = report.then {
            self.begin(
                Effect {
                    id: EffectId(CommandId::following(effect.id.0, work.kind()).0),
                    work,
                    doubtful: false,
                    ..effect.clone()
                },
                at,
            );
        }
        if let Some((dossier, command)) = report.dossier {
            self.change(dossier, command);
        }
        self.has_a_next_date(effect.document)?;
        Ok(true)
    }

    /// Puts an effect back, unless its lease was lost.
    pub(super) fn put_back(&mut self, id: EffectId, token: u64, failures: u32, run_at: u64) {
        if let Some(row) = self.row(id, token) {
            row.lease = None;
            row.failures = failures;
            row.run_at = run_at;
        }
    }

    /// Frees what `is_free` says, which counts as a failure: what kills everybody must stop in the end.
    pub(super) fn free(&mut self, is_free: impl Fn(Lease) -> bool) {
        for row in &mut self.rows {
            if row.lease.is_some_and(&is_free) {
                row.lease = None;
                row.failures += 1;
            }
        }
    }

    /// Claims one effect that is due, by the rules of `claim.sql`, whichever by chance.
    pub(super) fn claim(&mut self, owner: usize, at: u64, random: &mut Random) -> Option<Row> {
        let due: Vec<usize> = (0..self.rows.len())
            .filter(|index| self.may_begin(*index, at))
            .collect();
        if due.is_empty() {
            return None;
        }
        self.leases += 1;
        let row = &mut self.rows[random.among(&due)];
        let claimed = Row {
            effect: Effect {
                doubtful: row.doubtful,
                ..row.effect.clone()
            },
            lease: Some(Lease {
                token: self.leases,
                owner,
                until: None,
            }),
            ..row.clone()
        };
        row.lease = claimed.lease;
        row.doubtful = true;
        Some(claimed)
    }

    fn may_begin(&self, index: usize, at: u64) -> bool {
        let row = &self.rows[index];
        let ready =
            |row: &Row| row.lease.is_none() && row.run_at <= at && !self.is_held(&row.effect);
        let neighbour = row.effect.work.neighbour();
        ready(row)
            && self
                .left_alone
                .get(&neighbour)
                .is_none_or(|until| *until <= at)
            && self.rows.iter().enumerate().all(|(other, theirs)| {
                theirs.effect.document != row.effect.document
                    || theirs.lease.is_none()
                        && !(other < index
                            && theirs.effect.work.neighbour() == neighbour
                            && ready(theirs))
            })
    }

    fn is_held(&self, effect: &Effect) -> bool {
        effect.work.is_on_the_way() && (self.held || self.held_back.contains(&effect.document))
    }

    /// When somebody should look again, if nothing happens before. What only waits for other work of its
    /// document is looked at when that ends.
    pub(super) fn next_date(&self, at: u64) -> Option<u64> {
        let rows = self.rows.iter().filter_map(|row| match row.lease {
            None if self.is_held(&row.effect) => None,
            None => {
                let hold = self.left_alone.get(&row.effect.work.neighbour());
                Some(row.run_at.max(hold.copied().unwrap_or(0)))
            }
            Some(lease) => lease.until.map(|until| until + 1),
        });
        rows.filter(|date| *date > at).min()
    }

    /// The pause after so many failures.
    pub(super) fn pause(failures: u32, random: &mut Random) -> u64 {
        let pause = (POLICY.base << failures.min(20)).min(POLICY.cap);
        pause + random.between(0, pause / 4)
    }
}

pub(super) fn is_over(stage: &Stage) -> bool {
    matches!(stage, Stage::Delivered { .. } | Stage::Cancelled { .. })
}

/// Whether a person must move it.
pub(super) fn waits(document: &Document) -> bool {
    document.journey().is_some_and(|journey| {
        journey.trouble().is_some()
            || matches!(
                journey.stage,
                Stage::VisaRefused { .. } | Stage::SignatureRefused { .. }
            )
    })
}
