//! Whatever the sequence of commands, a document follows the law of its statuses, and everybody on its way
//! sees the PDF in force.

use super::{
    super::{ByHand, Document, DocumentEvent as E, DocumentRefusal as R, DocumentStatus as S},
    table::all,
};
use crate::{digest::Digest, event::Decider, ids::SignatureId, testing::replay};
use proptest::{prelude::*, sample::Index};

fn status(document: &Document) -> Option<S> {
    document.journey().map(|journey| journey.stage.status())
}

/// The law, written apart from the code: where a document may go from each status.
fn may_become(from: Option<S>) -> &'static [S] {
    use S::{
        Attached, Cancelled, Converted, Delivered, InApproval, InSignature, InVisa, Merged,
        OnPaper, Registered, Requested, SignatureRefused, Signed, VisaRefused, Visaed, Waiting,
    };
    match from {
        None => &[Requested],
        Some(Requested) => &[Merged, Requested, Cancelled],
        Some(Merged) => &[Converted, Requested, Cancelled],
        Some(Converted) => &[
            InVisa,
            Visaed,
            InSignature,
            OnPaper,
            Registered,
            Attached,
            Delivered,
            Requested,
            Cancelled,
        ],
        Some(InVisa) => &[Visaed, VisaRefused, Requested, Cancelled],
        Some(Visaed) => &[
            InSignature,
            OnPaper,
            Registered,
            Attached,
            Delivered,
            Cancelled,
        ],
        Some(OnPaper) => &[Signed, Requested, Cancelled],
        Some(InSignature) => &[Signed, SignatureRefused, Cancelled],
        // A chain that registers twice, of which one is done by hand, keeps the last number.
        Some(Signed | Registered) => &[Registered, Attached, Delivered, Cancelled],
        // In a group of steps, it may be attached before it has its number.
        Some(Attached) => &[Attached, Delivered, Cancelled],
        Some(VisaRefused | SignatureRefused) => &[Requested, Cancelled],
        // What waits has a status that no stage has; what is over stays over.
        Some(InApproval | Waiting | Delivered | Cancelled) => &[],
    }
}

/// What an auditor would follow with a pencil: the PDF in force, and what is at the neighbours.
#[derive(Default)]
struct Auditor {
    pdf: Option<Digest>,
    in_visa: bool,
    at_desk: Option<SignatureId>,
    on_paper: bool,
    round: u32,
}

impl Auditor {
    fn sees(&mut self, event: &E) -> Result<(), TestCaseError> {
        match event {
            E::Requested { .. } => self.round = 1,
            E::Restarted { .. } => {
                prop_assert_eq!(self.at_desk, None, "a letter was left at the desk");
                *self = Self {
                    round: self.round + 1,
                    ..Self::default()
                };
            }
            E::Converted { pdf, .. } => self.pdf = Some(pdf.file),
            E::SentForVisa { sent, .. } => {
                prop_assert_eq!(Some(*sent), self.pdf);
                self.in_visa = true;
            }
            E::Visaed { pdf, unchanged, .. } => {
                prop_assert!(self.in_visa, "visaed without having been in visa");
                prop_assert_eq!(*unchanged, Some(pdf.file) == self.pdf);
                self.in_visa = false;
                self.pdf = Some(pdf.file);
            }
            E::SkippedByHand {
                by_hand: ByHand::Visaed,
                ..
            } => self.in_visa = false,
            E::SentToPrint { sent, .. } => {
                prop_assert!(
                    !self.in_visa && self.at_desk.is_none(),
                    "printed while others hold it"
                );
                prop_assert_eq!(Some(*sent), self.pdf);
                self.on_paper = true;
            }
            E::ScanReturned { pdf, .. } => {
                prop_assert!(self.on_paper, "scanned without having been printed");
                self.on_paper = false;
                self.pdf = Some(pdf.file);
            }
            E::SkippedByHand {
                by_hand: ByHand::SignedOnPaper,
                ..
            } => {
                prop_assert!(self.on_paper, "signed on paper without having been printed");
                self.on_paper = false;
            }
            E::SkippedByHand { .. } => self.hands_over()?,
            E::VisaRefused { .. } => prop_assert!(self.in_visa),
            E::SentForSignature {
                sent, signature, ..
            } => {
                prop_assert!(!self.in_visa, "in signature while in visa");
                prop_assert_eq!(Some(*sent), self.pdf);
                self.at_desk = Some(*signature);
            }
            E::Signed { pdf, signature, .. } => {
                prop_assert_eq!(
                    self.at_desk.take(),
                    Some(*signature),
                    "signed without having been in signature"
                );
                self.pdf = Some(pdf.file);
            }
            E::SignatureRefused { signature, .. } => {
                prop_assert_eq!(self.at_desk.take(), Some(*signature));
            }
            E::Attached { file, .. } | E::Published { file, .. } => {
                prop_assert_eq!(Some(*file), self.pdf);
                self.hands_over()?;
            }
            E::Registered { .. }
            | E::Reported { .. }
            | E::Emailed { .. }
            | E::Called { .. }
            | E::StepTaken { .. }
            | E::StepSkipped { .. }
            | E::ApprovalAsked { .. }
            | E::Approved { .. }
            | E::ApprovalRefused { .. }
            | E::WaitBegan { .. }
            | E::WaitEnded { .. }
            | E::Delivered { .. } => {
                self.hands_over()?;
            }
            E::Merged { .. }
            | E::Failed { .. }
            | E::Retried { .. }
            | E::Migrated { .. }
            | E::Cancelled { .. } => {}
            E::Reminded { .. } => {
                prop_assert!(self.in_visa || self.at_desk.is_some() || self.on_paper);
            }
        }
        Ok(())
    }

    fn hands_over(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.pdf.is_some(), "handed over before its PDF exists");
        prop_assert!(
            !self.in_visa && self.at_desk.is_none() && !self.on_paper,
            "handed over while others hold it"
        );
        Ok(())
    }
}

fn keeps_its_status(event: &E) -> bool {
    matches!(
        event,
        E::Reported { .. }
            | E::Emailed { .. }
            | E::Published { .. }
            | E::Called { .. }
            | E::StepTaken { .. }
            | E::StepSkipped { .. }
            | E::ApprovalAsked { .. }
            | E::Approved { .. }
            | E::ApprovalRefused { .. }
            | E::WaitBegan { .. }
            | E::WaitEnded { .. }
            | E::Failed { .. }
            | E::Reminded { .. }
            | E::Retried { .. }
            | E::Migrated { .. }
            | E::SkippedByHand {
                by_hand: ByHand::HandedOver | ByHand::Waited,
                ..
            }
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Half of the commands are drawn among those that the state accepts, so that long ways are walked.
    #[test]
    fn a_document_follows_the_law_whatever_is_asked_of_it(
        asked in prop::collection::vec((any::<bool>(), any::<Index>()), 1..60),
    ) {
        let (mut state, mut history, mut auditor) = (Document::default(), vec![], Auditor::default());
        for (accepted, draw) in asked {
            let mut commands = all();
            if accepted {
                commands.retain(|(_, command)| state.decide(command.clone()).is_ok_and(|events| !events.is_empty()));
            }
            if commands.is_empty() { continue }
            let (label, command) = draw.get(&commands).clone();
            for event in state.decide(command.clone()).unwrap_or_default() {
                auditor.sees(&event)?;
                let before = status(&state);
                state = state.evolve(event.clone());
                let after = status(&state);
                if keeps_its_status(&event) {
                    prop_assert_eq!(before, after);
                } else {
                    prop_assert!(after.is_some_and(|after| may_become(before).contains(&after)), "{label}: {before:?} became {after:?}");
                }
                history.push(event);
                let again = state.decide(command.clone());
                prop_assert!(
                    matches!(&again, Ok(events) if events.is_empty()) || matches!(again, Err(R::NothingToRetry | R::NoApproval)),
                    "{label} repeated: {again:?}"
                );
            }
            prop_assert_eq!(&replay::<Document>(history.clone()), &state);
            let Some(journey) = state.journey() else { continue };
            prop_assert_eq!(journey.round, auditor.round);
            let mut done = journey.done.clone();
            done.sort();
            done.dedup();
            prop_assert_eq!(done.len(), journey.done.len(), "a step was done twice");
        }
    }
}
