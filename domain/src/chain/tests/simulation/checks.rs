//! What must hold once nothing will happen any more.

use super::{
    super::super::{Action, StepId},
    log::{is_over, waits},
    outside::signed,
    world::World,
};
use crate::{
    batch::Batch,
    digest::Digest,
    document::{Document, DocumentEvent as E, Stage},
    ids::{DocumentId, EffectId, SignatureId},
    ports::Neighbour,
    signature::Signature,
};
use std::collections::BTreeMap;

fn hold(is_so: bool, or: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(or()) }
}

impl World<'_> {
    pub(super) fn everything_holds(&mut self) -> Result<(), String> {
        hold(self.log.rows.is_empty(), || {
            format!("work is left: {:?}", self.log.rows)
        })?;
        let documents: Vec<DocumentId> = self.log.documents.keys().copied().collect();
        for id in documents {
            self.ends(id)?;
            self.is_what_was_recorded(id)?;
            self.each_thing_was_done_once(id)?;
        }
        self.nothing_is_left_behind()?;
        let is_open = matches!(self.log.batch, Batch::Running(_) | Batch::Paused(_));
        let waits = self.log.documents.values().any(waits);
        hold(is_open == waits, || {
            format!("the batch is {:?}", self.log.batch)
        })
    }

    /// It is over, or a person knows that it waits for them.
    fn ends(&mut self, id: DocumentId) -> Result<(), String> {
        let document = &self.log.documents[&id];
        let Some(journey) = document.journey() else {
            return Err(format!("{id} was never asked for"));
        };
        match journey.stage {
            Stage::Delivered { .. } => self.tally.delivered += 1,
            Stage::Cancelled { .. } => self.tally.cancelled += 1,
            _ if waits(document) => self.tally.waiting += 1,
            _ => return Err(format!("{id} sleeps as {:?}", journey.stage.status())),
        }
        self.tally.restarted += u32::from(journey.round > 1);
        Ok(())
    }

    /// The events alone give the state, and each PDF that was handed over is the one in force.
    fn is_what_was_recorded(&self, id: DocumentId) -> Result<(), String> {
        let mut document = Document::default();
        let (mut force, mut round) = (None, 1);
        for (_, event) in self.log.history.iter().filter(|(of, _)| *of == id) {
            match event {
                E::Converted { pdf, .. } | E::Visaed { pdf, .. } | E::ScanReturned { pdf, .. } => {
                    force = Some(pdf.file);
                }
                E::Restarted { back_to, .. } => {
                    let stage = back_to.as_ref().map(|to| &to.stage);
                    force = stage.and_then(Stage::pdf).map(|pdf| pdf.file);
                    round += 1;
                }
                E::Signed { pdf, signature, .. } => {
                    self.is_bound(*signature, pdf.file, force)?;
                    force = Some(pdf.file);
                }
                E::Registered { .. } => {
                    let letters = self.outside.register.get(&id);
                    let ours = letters.is_some_and(|letters| {
                        letters.iter().all(|letter| Some(letter.content) == force)
                    });
                    hold(ours, || format!("another letter of {id} is registered"))?;
                }
                E::Attached { .. } => self.received(Neighbour::GrantsTool, id, force)?,
                E::Published { .. } => self.received(Neighbour::PorteDocuments, id, force)?,
                E::Emailed { step, .. } => self.was_sent(id, step, round, force)?,
                _ => {}
            }
            document = document.evolve(event.clone());
        }
        hold(document == self.log.documents[&id], || {
            format!("the events of {id} do not give its state")
        })
    }

    /// What came back is what was sent, signed.
    fn is_bound(&self, id: SignatureId, back: Digest, sent: Option<Digest>) -> Result<(), String> {
        let sheet = self.log.signatures.get(&id).and_then(Signature::sheet);
        let bound = sheet.is_some_and(|sheet| Some(sheet.pdf) == sent && signed(sheet.pdf) == back);
        hold(bound, || format!("{id} brought another PDF back"))
    }

    fn received(
        &self,
        neighbour: Neighbour,
        id: DocumentId,
        force: Option<Digest>,
    ) -> Result<(), String> {
        let received = self.outside.deposits.get(&(neighbour, id)).copied();
        hold(received == force, || {
            format!("{neighbour} has another PDF of {id}")
        })
    }

    /// A relay cannot be asked what it sent: the same message may have left twice.
    fn was_sent(
        &self,
        id: DocumentId,
        step: &StepId,
        round: u32,
        force: Option<Digest>,
    ) -> Result<(), String> {
        let message = EffectId::of(id, &step.0, "email", round);
        let copies = self.outside.mails.get(&message);
        let same = copies.is_some_and(|copies| copies.iter().all(|copy| Some(*copy) == force));
        hold(same, || {
            format!("the message of {id} was not sent, or not the same twice")
        })
    }

    /// The neighbours' own ledgers: once for each step and round, and nothing that no step asked for.
    fn each_thing_was_done_once(&mut self, id: DocumentId) -> Result<(), String> {
        let letters = self.outside.register.get(&id);
        let in_time = letters.map_or(0, |letters| {
            letters.iter().filter(|letter| !letter.too_late).count()
        });
        hold(in_time <= 1, || format!("{id} has two numbers"))?;
        let Some(journey) = self.log.documents[&id].journey() else {
            return Ok(());
        };
        let events = self.log.history.iter().filter(|(of, _)| *of == id);
        let rounds = events.filter(|(_, event)| matches!(event, E::Restarted { .. }));
        let rounds = u32::try_from(rounds.count()).map_or(u32::MAX, |restarts| restarts + 1);
        hold(journey.round == rounds, || {
            format!("{id} miscounts its rounds")
        })?;
        self.was_told_in_one_round(id, rounds)?;
        if !matches!(journey.stage, Stage::Delivered { .. }) {
            return Ok(());
        }
        let events = self.log.history.iter().filter(|(of, _)| *of == id);
        // It may have been done before its answer was lost, and a person did it.
        let by_hand: Vec<&StepId> = events
            .filter_map(|(_, event)| match event {
                E::SkippedByHand { step, .. } => Some(step),
                _ => None,
            })
            .collect();
        self.tally.skipped += u32::from(!by_hand.is_empty());
        let done_in = self.rounds_of(id);
        for step in &self.log.definition.steps {
            // What stays done when a document goes back was done in an earlier round.
            let round = done_in.get(&step.id).copied().unwrap_or(rounds);
            let effect = |kind| EffectId::of(id, &step.id.0, kind, round);
            let times = match step.action {
                Action::Merge
                | Action::Convert
                | Action::Print
                | Action::Approve
                | Action::Call { .. }
                | Action::Wait { .. } => continue,
                // What a frozen process made too late is not counted, and may have been found done.
                Action::Visa { .. } => self.outside.made_places.get(&(id, round)).map(|_| 1),
                Action::Sign { .. } => {
                    let signature = SignatureId::of(id, &step.id.0, round);
                    self.outside.made_folders.get(&signature).map(|_| 1)
                }
                Action::Register => letters.map(|_| 1),
                Action::Attach => self
                    .outside
                    .deposits
                    .get(&(Neighbour::GrantsTool, id))
                    .map(|_| 1),
                Action::Notify => self.outside.statuses.get(&effect("notify")).copied(),
                Action::Publish => self
                    .outside
                    .deposits
                    .get(&(Neighbour::PorteDocuments, id))
                    .map(|_| 1),
                Action::Email { .. } => {
                    let copies = self.outside.mails.get(&effect("email"));
                    self.tally.second_copies +=
                        u32::from(copies.is_some_and(|copies| copies.len() > 1));
                    copies.map(|_| 1)
                }
            };
            let by_hand = by_hand.contains(&&step.id);
            hold(times == Some(1) || by_hand && times.is_none(), || {
                format!("{} of {id} was done {times:?} times", step.id)
            })?;
        }
        Ok(())
    }

    /// The round in which each step was last done.
    fn rounds_of(&self, id: DocumentId) -> BTreeMap<StepId, u32> {
        let (mut done_in, mut round) = (BTreeMap::new(), 1);
        for (_, event) in self.log.history.iter().filter(|(of, _)| *of == id) {
            round += u32::from(matches!(event, E::Restarted { .. }));
            done_in.extend(event.completed_step().map(|step| (step.clone(), round)));
        }
        done_in
    }

    /// Nobody is written to about a document, nor its dossier moved, once more because it started over.
    fn was_told_in_one_round(&self, id: DocumentId, rounds: u32) -> Result<(), String> {
        for step in &self.log.definition.steps {
            let effect = |kind, round| EffectId::of(id, &step.id.0, kind, round);
            let told = (1..=rounds).filter(|round| {
                self.outside.mails.contains_key(&effect("email", *round))
                    || self
                        .outside
                        .statuses
                        .contains_key(&effect("notify", *round))
            });
            hold(told.count() <= 1, || {
                format!("{} of {id} was done in two rounds", step.id)
            })?;
        }
        Ok(())
    }

    /// What is over leaves nothing before those who give visas or sign, and no passage at the desk open.
    fn nothing_is_left_behind(&mut self) -> Result<(), String> {
        let is_over = |id: DocumentId| match self.log.documents.get(&id).and_then(Document::journey)
        {
            Some(journey) => is_over(&journey.stage),
            None => true,
        };
        let made_once = self.outside.made_places.values();
        let mut made = made_once.chain(self.outside.made_folders.values());
        hold(made.all(|times| *times <= 1), || {
            format!(
                "something was made twice: {:?} {:?}",
                self.outside.made_places, self.outside.made_folders
            )
        })?;
        for file in self.outside.files.values() {
            let (document, round) = file.place;
            let journey = self
                .log
                .documents
                .get(&document)
                .and_then(Document::journey);
            let is_past = journey.is_none_or(|journey| journey.round != round);
            let may_stay =
                file.too_late || !file.is_undecided(self.now) || !is_past && !is_over(document);
            hold(may_stay, || {
                format!("{:?} is still in circulation", file.place)
            })?;
        }
        for (id, folder) in &self.outside.folders {
            let document = self.log.signatures.get(id).and_then(Signature::sheet);
            let is_past = document.is_none_or(|sheet| is_over(sheet.document));
            hold(folder.too_late || !is_past, || {
                format!("{id} is still at the desk")
            })?;
        }
        for (id, signature) in &self.log.signatures {
            let Some(sheet) = signature.sheet() else {
                continue;
            };
            let is_closed = matches!(
                signature,
                Signature::Withdrawn { .. }
                    | Signature::Archived { .. }
                    | Signature::Discarded { .. }
            );
            hold(is_closed || !is_over(sheet.document), || {
                format!("{id} is {signature:?} for ever")
            })?;
            let journey = self
                .log
                .documents
                .get(&sheet.document)
                .and_then(Document::journey);
            let is_cancelled =
                journey.is_some_and(|journey| matches!(journey.stage, Stage::Cancelled { .. }));
            let is_kept = matches!(signature, Signature::Archived { .. });
            self.tally.kept_though_cancelled += u32::from(is_cancelled && is_kept);
        }
        Ok(())
    }
}
