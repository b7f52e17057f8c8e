//! A rehearsal: what a chain would do of dossiers, step by step, by the rules, the data and the templates of a
//! real batch. People are taken to say yes and neighbours to answer; nobody is asked, and nothing is kept.

mod stand_ins;

use crate::{
    batches::{Batches, Plan, RefusedDossier, StartBatch, StartRefusal},
    clock::Clock,
    dispatch::{DispatchFailure, Dispatcher},
    steps::{Outcome, Ports, StepFailure, Steps},
};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use navette_adapters::{effects::Claimed, log::StreamState};
use navette_domain::{
    chain::{Definition, Effect, Reaction, StepId, Work, react},
    document::{
        Document, DocumentCommand, DocumentEvent, DocumentRefusal, DocumentStatus, Journey, Order,
        Subject,
    },
    event::{Decider as _, Event},
    french,
    ids::DocumentId,
    ports::Circulation,
};
use std::collections::VecDeque;
use uuid::Uuid;

/// How many documents are rehearsed at once: each reads the log for most of its steps.
const AT_ONCE: usize = 8;

/// What would become of dossiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// The dossiers that would be left out.
    pub refused: Vec<RefusedDossier>,
    /// What would become of each document.
    pub documents: Vec<RehearsedDocument>,
}

/// What would become of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsedDocument {
    /// What it is about.
    pub subject: Subject,
    /// What people would call it.
    pub title: String,
    /// Whether it would reach the end of its chain.
    pub delivered: bool,
    /// Its steps, as they would end; those after a step that stops are not reached.
    pub steps: Vec<RehearsedStep>,
}

/// How a step would end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsedStep {
    /// Which.
    pub step: StepId,
    /// How.
    pub end: StepEnd,
    /// What people would read of it: why it stops or is left out, until when it waits.
    pub sentence: Option<String>,
}

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEnd {
    /// It is done, once whoever is asked has said yes.
    Done,
    /// Its condition does not hold.
    LeftOut,
    /// Somebody must mend something.
    Stopped,
}

/// Rehearses chains.
#[derive(Clone)]
pub struct Rehearsals {
    dispatcher: Dispatcher,
    batches: Batches,
    ports: Ports,
    clock: Clock,
}

impl Rehearsals {
    /// Rehearsals with the templates of these ports, and nothing else of them.
    pub fn new(dispatcher: Dispatcher, batches: Batches, ports: Ports, clock: Clock) -> Self {
        Self {
            dispatcher,
            batches,
            ports,
            clock,
        }
    }

    /// What `ask` would lead to, if it were started by `actor` now.
    pub async fn rehearse(
        &self,
        actor: &str,
        ask: &StartBatch,
    ) -> Result<Rehearsed, DispatchFailure<StartRefusal>> {
        let plan = self.batches.plan(actor, ask).await?;
        let steps = Steps::new(
            self.dispatcher.clone(),
            stand_ins::of(&self.ports),
            self.clock.clone(),
        )
        .supposing(ask.batch, plan.order.clone());
        let documents = plan.documents(ask.batch, self.dispatcher.now());
        let rehearsed = stream::iter(documents)
            .map(|(id, order)| self.document(&plan, &steps, id, order))
            .buffered(AT_ONCE)
            .try_collect();
        Ok(Rehearsed {
            documents: rehearsed.await?,
            refused: plan.refused,
        })
    }

    async fn document(
        &self,
        plan: &Plan,
        steps: &Steps,
        id: DocumentId,
        order: Order,
    ) -> anyhow::Result<RehearsedDocument> {
        let (subject, title, at) = (order.subject, order.title.clone(), self.dispatcher.now());
        let mut walk = Walk {
            definition: &plan.definition,
            id,
            at,
            document: StreamState::default(),
            begun: VecDeque::new(),
            ends: vec![],
        };
        walk.take(DocumentCommand::Request { order, at })?;
        while let Some(effect) = walk.begun.pop_front() {
            let step = effect.step.clone();
            match walk.carry_out(steps, effect).await {
                Ok(commands) => {
                    for command in commands {
                        walk.take(command)?;
                    }
                }
                Err(StepFailure::Fault(fault)) => return Err(fault),
                Err(stuck) => walk.end(step, StepEnd::Stopped, Some(stuck.to_string())),
            }
        }
        let journey = walk.document.state.journey();
        Ok(RehearsedDocument {
            subject,
            title,
            delivered: journey.is_some_and(|it| it.status() == DocumentStatus::Delivered),
            steps: walk.ends,
        })
    }
}

/// A document on its way through a rehearsal.
struct Walk<'a> {
    definition: &'a Definition,
    id: DocumentId,
    at: DateTime<Utc>,
    document: StreamState<Document>,
    /// What its events ask for, and nobody has done yet.
    begun: VecDeque<Effect>,
    ends: Vec<RehearsedStep>,
}

impl Walk<'_> {
    /// What would be reported of this work.
    async fn carry_out(
        &self,
        steps: &Steps,
        effect: Effect,
    ) -> Result<Vec<DocumentCommand>, StepFailure> {
        let journey = self.document.state.journey();
        let journey = journey.context("work without its document")?;
        if let Some(yes) = yes(journey, &effect, self.at) {
            return Ok(yes);
        }
        let claimed = Claimed {
            effect,
            lease: Uuid::nil(),
            failures: 0,
        };
        Ok(match steps.carry_out(&claimed, &self.document).await? {
            Outcome::Report(report) => report.document.into_iter().collect(),
            Outcome::NotBefore(_) | Outcome::Waits { .. } => vec![],
        })
    }

    /// Decides as a batch would, and approves what is to be approved.
    fn take(&mut self, command: DocumentCommand) -> Result<(), anyhow::Error> {
        let mut commands = vec![command];
        while let Some(command) = commands.pop() {
            let decided: Result<_, DocumentRefusal> = self.document.state.decide(command);
            for event in decided.context("rehearsing a document")? {
                self.tell(&event);
                let before = self.document.state.clone();
                self.document.state = before.clone().evolve(event.clone());
                let after = self.document.state.journey();
                let after = after.context("an event of no document")?;
                let at = self.at;
                for reaction in react(self.definition, self.id, before.journey(), after, &event) {
                    match reaction {
                        Reaction::Begin(effect) => self.begun.push_back(effect),
                        Reaction::DropPending => self.begun.clear(),
                        Reaction::AskApproval(step) => {
                            commands.push(DocumentCommand::Approve {
                                step: Some(step.clone()),
                                comment: None,
                                at,
                            });
                            commands.push(DocumentCommand::AskApproval { step, at });
                        }
                        Reaction::SendToPrint(step) => {
                            commands.push(DocumentCommand::SendToPrint { step, at });
                        }
                        Reaction::Deliver => commands.push(DocumentCommand::Deliver { at }),
                    }
                }
            }
        }
        Ok(())
    }

    fn tell(&mut self, event: &DocumentEvent) {
        use DocumentEvent as E;
        let sentence = || french::sentence(&Event::Document(event.clone()));
        match event {
            E::StepSkipped { step, .. } => {
                self.end(step.clone(), StepEnd::LeftOut, Some(sentence()));
            }
            // What is waited for is told; that it ends well is taken for granted.
            E::WaitBegan { step, .. }
            | E::ApprovalAsked { step, .. }
            | E::SentToPrint { step, .. } => {
                self.end(step.clone(), StepEnd::Done, Some(sentence()));
            }
            E::WaitEnded { .. } | E::Approved { .. } | E::ScanReturned { .. } => {}
            _ => {
                if let Some(step) = event.completed_step() {
                    self.end(step.clone(), StepEnd::Done, None);
                }
            }
        }
    }

    fn end(&mut self, step: StepId, end: StepEnd, sentence: Option<String>) {
        self.ends.push(RehearsedStep {
            step,
            end,
            sentence,
        });
    }
}

/// What follows when whoever is asked says yes, or a moment comes; none when the step itself is to be carried out.
fn yes(journey: &Journey, effect: &Effect, at: DateTime<Utc>) -> Option<Vec<DocumentCommand>> {
    use DocumentCommand as C;
    let step = effect.step.clone();
    let pdf = journey.stage.pdf();
    Some(match &effect.work {
        Work::Circulate => vec![C::RecordSentForVisa {
            step,
            circulation: Circulation {
                file_id: String::new(),
                path: String::new(),
                etag: String::new(),
            },
            at,
        }],
        Work::WatchVisa { .. } => {
            let visaed = pdf.map(|pdf| C::RecordVisaed {
                step,
                pdf,
                by: String::new().into(),
                comment: None,
                visaed_at: at,
                at,
            });
            visaed.into_iter().collect()
        }
        Work::Submit { signature } => vec![C::RecordSentForSignature {
            step,
            signature: *signature,
            at,
        }],
        Work::WatchSignature { signature } => {
            let signed = pdf.map(|pdf| C::RecordSigned {
                step,
                signature: *signature,
                pdf,
                at,
            });
            signed.into_iter().collect()
        }
        Work::Wake { .. } => vec![C::EndWait { step, at }],
        Work::WatchScan => {
            let scanned = pdf.map(|pdf| C::RecordScanReturned {
                step,
                pdf,
                upload: pdf.file,
                first: 1,
                last: pdf.pages,
                at,
            });
            scanned.into_iter().collect()
        }
        Work::ArchiveSignature { .. }
        | Work::WithdrawSignature { .. }
        | Work::WithdrawVisa { .. }
        | Work::RecallVisa { .. }
        | Work::Remind => vec![],
        Work::Merge
        | Work::Convert
        | Work::Register
        | Work::Attach
        | Work::Notify
        | Work::Email
        | Work::Publish
        | Work::Call
        | Work::Weigh
        | Work::Wait => return None,
    })
}
