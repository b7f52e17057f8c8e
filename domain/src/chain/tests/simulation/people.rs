//! What people do meanwhile: they try again, do a step by hand, start over, give up, hold batches, documents and
//! neighbours, reopen dossiers.

use super::{
    log::{is_over, waits},
    world::{Happening, World},
};
use crate::{
    amount::Amount,
    batch::{Batch, BatchCommand},
    chain::StepId,
    digest::Digest,
    document::{BackTo, ByHand, Document, DocumentCommand, Journey, PdfRef, Stage},
    dossier::{Decision, DossierCommand},
    event::Decider as _,
    ids::DocumentId,
    testing::{march, now},
};

impl World<'_> {
    pub(super) fn people_act(&mut self, what: &Happening) -> Result<(), String> {
        self.tell(|| format!("{what:?}"));
        let at = now();
        match *what {
            Happening::People => self.people_look(),
            Happening::Cancels(document) => self.moves(document, cancel()),
            Happening::Pauses => {
                if self.asks_batch(BatchCommand::Pause { at }) {
                    self.log.held = true;
                }
                Ok(())
            }
            Happening::Resumes => {
                if self.asks_batch(BatchCommand::Resume { at }) {
                    self.log.held = false;
                }
                Ok(())
            }
            Happening::HoldsBack(document) => {
                self.log.held_back.insert(document);
                Ok(())
            }
            Happening::LetsGo(document) => {
                self.log.held_back.remove(&document);
                Ok(())
            }
            Happening::Holds(neighbour, until) => {
                self.log.left_alone.insert(neighbour, until);
                Ok(())
            }
            Happening::GivesUp => self.gives_up(),
            Happening::Reopens(dossier) => {
                let reason = String::new();
                self.log
                    .change(dossier, DossierCommand::Reopen { reason, at });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn asks_batch(&mut self, command: BatchCommand) -> bool {
        let Ok(events) = self.log.batch.decide(command) else {
            return false;
        };
        for event in events {
            self.log.batch = std::mem::take(&mut self.log.batch).evolve(event);
        }
        true
    }

    /// All its documents that are not delivered are given up at once.
    fn gives_up(&mut self) -> Result<(), String> {
        let (reason, at) = (String::new(), now());
        if !self.asks_batch(BatchCommand::Cancel { reason, at }) {
            return Ok(());
        }
        self.log.held = false;
        let documents: Vec<DocumentId> = self.log.documents.keys().copied().collect();
        for document in documents {
            self.moves(document, cancel())?;
        }
        Ok(())
    }

    fn moves(&mut self, document: DocumentId, command: DocumentCommand) -> Result<(), String> {
        // What the rules refuse changes nothing.
        let _ = self.log.move_document(document, command, self.now)?;
        self.close_the_batch()
    }

    /// A batch is over when all its documents are.
    pub(super) fn close_the_batch(&mut self) -> Result<(), String> {
        let mut journeys = self.log.documents.values().filter_map(Document::journey);
        if matches!(self.log.batch, Batch::Running(_) | Batch::Paused(_))
            && journeys.all(|journey| is_over(&journey.stage))
        {
            if !self.asks_batch(BatchCommand::Complete { at: now() }) {
                return Err("the batch cannot be completed".to_owned());
            }
            self.log.held = false;
        }
        Ok(())
    }

    /// Whatever waits may be tried again, started over, given up, or left for another day.
    fn people_look(&mut self) -> Result<(), String> {
        let waiting: Vec<DocumentId> = self
            .log
            .documents
            .iter()
            .filter(|(_, document)| {
                waits(document)
                    && document
                        .journey()
                        .is_some_and(|journey| !is_over(&journey.stage))
            })
            .map(|(id, _)| *id)
            .collect();
        for document in waiting {
            self.acts = self.acts.saturating_sub(1);
            self.grant_again();
            let (reason, at) = (String::new(), now());
            let command = match self.random.between(0, 9) {
                0 => continue,
                1 => cancel(),
                2 | 3 => DocumentCommand::Restart {
                    reason,
                    back_to: self.somewhere_back(document),
                    at,
                },
                4 => self
                    .done_by_hand(document)
                    .unwrap_or(DocumentCommand::Retry { at }),
                _ => DocumentCommand::Retry { at },
            };
            self.tell(|| format!("{document}: {command:?}"));
            self.moves(document, command)?;
        }
        self.people_scan()?;
        let journeys = || self.log.documents.values().filter_map(Document::journey);
        let waits_for_paper = journeys().any(is_on_paper);
        let is_over = journeys().all(|journey| is_over(&journey.stage));
        if (self.acts > 0 || waits_for_paper) && !is_over {
            let next = self.now + self.random.between(20_000, 60_000);
            self.plan(next, Happening::People);
        }
        Ok(())
    }

    /// What is on paper comes back signed, once or twice, is never scanned, starts over, or is left for another day.
    fn people_scan(&mut self) -> Result<(), String> {
        let documents = self.log.documents.iter();
        let printed: Vec<(DocumentId, PdfRef)> = documents
            .filter_map(|(id, document)| {
                let journey = document.journey().filter(|journey| is_on_paper(journey))?;
                Some((*id, journey.stage.pdf()?))
            })
            .collect();
        for (document, pdf) in printed {
            let at = now();
            let scan = |times: u8| DocumentCommand::RecordScanReturned {
                step: StepId("print".into()),
                pdf: PdfRef {
                    file: Digest::of_parts([pdf.file.to_string().as_bytes(), &[times]]),
                    ..pdf
                },
                upload: pdf.file,
                first: 1,
                last: 1,
                at,
            };
            let commands = match self.random.between(0, 9) {
                0 if self.acts > 0 => continue,
                1 if self.acts > 0 => vec![DocumentCommand::Restart {
                    reason: String::new(),
                    back_to: self.somewhere_back(document),
                    at,
                }],
                2 => self.done_by_hand(document).into_iter().collect(),
                3 => vec![scan(1), scan(2)],
                _ => vec![scan(1)],
            };
            self.acts = self.acts.saturating_sub(1);
            for command in commands {
                self.tell(|| format!("{document}: {command:?}"));
                let came_back = matches!(command, DocumentCommand::RecordScanReturned { .. });
                self.tally.scans += u32::from(came_back);
                self.moves(document, command)?;
            }
        }
        Ok(())
    }

    /// One of the steps that it began; one time in four, the first one, unsaid.
    fn somewhere_back(&mut self, document: DocumentId) -> Option<BackTo> {
        let draw = self.random.between(0, 3);
        let journey = self.log.documents.get(&document)?.journey()?;
        let definition = self.log.definition;
        let ready = definition.ready(&journey.done);
        let began = ready.iter().map(|step| &step.id).chain(&journey.done);
        let began: Vec<&StepId> = began.collect();
        let step = began.get(usize::try_from(draw).ok()?)?;
        BackTo::of(definition, journey, step).ok()
    }

    /// What stopped was done by hand, if it can be.
    fn done_by_hand(&self, document: DocumentId) -> Option<DocumentCommand> {
        let journey = self.log.documents.get(&document)?.journey()?;
        let skipped = ByHand::of(self.log.definition, journey, None, Some("12"));
        let (step, by_hand) = skipped.ok()?;
        Some(DocumentCommand::Skip {
            step,
            by_hand,
            reason: "fait sur papier".into(),
            at: now(),
        })
    }

    /// A dossier that was reopened is decided anew.
    fn grant_again(&mut self) {
        let at = now();
        let dossiers: Vec<_> = self.log.dossiers.keys().copied().collect();
        for dossier in dossiers {
            let commission = march(12);
            self.log
                .change(dossier, DossierCommand::Schedule { commission, at });
            let (amount, decision) = (
                Amount::from_cents(1),
                Decision {
                    reference: None,
                    date: None,
                },
            );
            self.log.change(
                dossier,
                DossierCommand::Grant {
                    amount,
                    decision,
                    at,
                },
            );
        }
    }
}

fn is_on_paper(journey: &Journey) -> bool {
    matches!(journey.stage, Stage::OnPaper { .. })
}

fn cancel() -> DocumentCommand {
    DocumentCommand::Cancel {
        reason: String::new(),
        at: now(),
    }
}
