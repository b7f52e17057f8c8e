//! What follows from what: given a definition and a document, when something is recorded, then this work.

use super::{
    super::{Effect, Reaction, is_due, may_take, react},
    *,
};
use crate::{
    digest::Digest,
    document::{
        BackTo, ByHand, Document, DocumentCommand as D, DocumentRefusal, DocumentStatus, Journey,
        Order, Stage, Subject,
    },
    event::Decider,
    ids::{BatchId, DocumentId, DossierId, EffectId},
    personal::Personal,
    ports::{OfficeFormat, Registration},
    testing::{chain_ref, march, pdf, template_ref},
};
use std::collections::BTreeMap;

/// A document on its way, with the last reactions and every effect that was begun.
pub(super) struct Walk {
    pub(super) definition: Definition,
    pub(super) document: Document,
    pub(super) last: Vec<Reaction>,
    pub(super) begun: Vec<Effect>,
}

pub(super) fn journey(walk: &Walk) -> &Journey {
    walk.document.journey().expect("a requested document")
}

fn document_id() -> DocumentId {
    DocumentId(uuid(7))
}

impl Walk {
    pub(super) fn new(definition: Definition) -> Self {
        let mut walk = Self {
            definition,
            document: Document::default(),
            last: vec![],
            begun: vec![],
        };
        walk.record(D::Request {
            order: Order {
                batch: BatchId(uuid(1)),
                subject: Subject::Dossier(DossierId(uuid(2))),
                chain: chain_ref(),
                template: template_ref(),
                included: vec![],
                title: "Notification SUB-2026-0012".into(),
                date: march(17),
                trigger: None,
            },
            at: now(),
        });
        walk
    }

    /// Records what `command` decides, and works out what follows.
    pub(super) fn record(&mut self, command: D) -> &mut Self {
        self.last.clear();
        for event in self.document.decide(command).expect("an accepted command") {
            let before = self.document.journey().cloned();
            self.document = std::mem::take(&mut self.document).evolve(event.clone());
            let after = self.document.journey().expect("a requested document");
            self.last.extend(react(
                &self.definition,
                document_id(),
                before.as_ref(),
                after,
                &event,
            ));
        }
        let begun = self.last.iter().filter_map(|reaction| match reaction {
            Reaction::Begin(effect) => Some(effect.clone()),
            Reaction::DropPending
            | Reaction::AskApproval(_)
            | Reaction::SendToPrint(_)
            | Reaction::Deliver => None,
        });
        self.begun.extend(begun);
        self
    }

    /// Carries out the work that was begun last and is on the way, as a worker would.
    pub(super) fn carry_out(&mut self) -> &mut Self {
        let effect = self
            .begun
            .iter()
            .rev()
            .find(|effect| effect.work.is_on_the_way());
        let report = report(effect.expect("work on the way"));
        self.record(report)
    }

    /// The walk up to the beginning of the work of this kind.
    pub(super) fn until(definition: Definition, kind: &str) -> Self {
        let mut walk = Self::new(definition);
        while walk
            .begun
            .last()
            .is_none_or(|effect| effect.work.kind() != kind)
        {
            walk.carry_out();
        }
        walk
    }

    /// The last reactions, in words.
    pub(super) fn said(&self) -> Vec<&'static str> {
        self.last.iter().map(said).collect()
    }

    pub(super) fn fail(&mut self) -> &mut Self {
        let step = self.begun.last().expect("work").step.clone();
        self.record(D::Fail {
            step,
            sentence: "Le service ne répond pas.".into(),
            at: now(),
        })
    }

    /// A person did the step that stopped, this one or the only one.
    pub(super) fn skip(&mut self, name: Option<&str>) -> &mut Self {
        let journey = self.document.journey().expect("a requested document");
        let skipped = ByHand::of(
            &self.definition,
            journey,
            name.map(step).as_ref(),
            Some("12"),
        );
        let (step, by_hand) = skipped.expect("a step that stopped");
        self.record(D::Skip {
            step,
            by_hand,
            reason: "fait sur papier".into(),
            at: now(),
        })
    }

    pub(super) fn restart(&mut self) -> &mut Self {
        self.record(D::Restart {
            reason: "modèle corrigé".into(),
            back_to: None,
            at: now(),
        })
    }

    /// Back to this step, if the chain lets it.
    pub(super) fn restart_from(&mut self, name: &str) -> Result<&mut Self, DocumentRefusal> {
        let journey = journey(self);
        let command = D::Restart {
            reason: "circuit corrigé".into(),
            back_to: Some(BackTo::of(&self.definition, journey, &step(name))?),
            at: now(),
        };
        may_take(&self.definition, journey, &command)?;
        Ok(self.record(command))
    }

    pub(super) fn cancel(&mut self) -> &mut Self {
        self.record(D::Cancel {
            reason: "erreur".into(),
            at: now(),
        })
    }
}

fn said(reaction: &Reaction) -> &'static str {
    match reaction {
        Reaction::Begin(effect) => effect.work.kind(),
        Reaction::DropPending => "drop pending",
        Reaction::AskApproval(_) => "ask approval",
        Reaction::SendToPrint(_) => "send to print",
        Reaction::Deliver => "deliver",
    }
}

fn circulation() -> Circulation {
    Circulation {
        file_id: "42".into(),
        path: "lettre.pdf".into(),
        etag: "a".into(),
    }
}

pub(super) fn weighed(name: &str, holds: bool) -> D {
    D::RecordWeighed {
        step: step(name),
        holds,
        expression: "dossier.montant > 23000".into(),
        found: BTreeMap::new(),
        at: now(),
    }
}

/// What a worker reports once this effect is done.
pub(super) fn report(effect: &Effect) -> D {
    let (step, at) = (effect.step.clone(), now());
    match &effect.work {
        Work::Merge => D::RecordMerged {
            step,
            office: Digest::of(b"office"),
            format: OfficeFormat::Odt,
            data: Digest::of(b"data"),
            at,
        },
        Work::Convert => D::RecordConverted {
            step,
            pdf: pdf("letter"),
            at,
        },
        Work::Circulate => D::RecordSentForVisa {
            step,
            circulation: circulation(),
            at,
        },
        Work::WatchVisa { .. } => D::RecordVisaed {
            step,
            pdf: pdf("letter"),
            by: Personal("La directrice".into()),
            comment: None,
            visaed_at: at,
            at,
        },
        Work::Submit { signature } => D::RecordSentForSignature {
            step,
            signature: *signature,
            at,
        },
        Work::WatchSignature { signature } => D::RecordSigned {
            step,
            signature: *signature,
            pdf: pdf("signed letter"),
            at,
        },
        Work::Register => D::RecordRegistered {
            step,
            registration: Registration {
                chrono: "2026D/12".into(),
                resource: "112".into(),
            },
            at,
        },
        Work::Attach => D::RecordAttached {
            step,
            url: "https://aides.example/1".into(),
            at,
        },
        Work::Notify => D::RecordReported {
            step,
            status: "notified".into(),
            at,
        },
        Work::Email => D::RecordEmailed {
            step,
            message_id: "m1@navette.example".into(),
            at,
        },
        Work::Publish => D::RecordPublished {
            step,
            url: "https://portail.example/1".into(),
            at,
        },
        Work::Call => D::RecordCalled {
            step,
            service: "mandats".into(),
            answer: BTreeMap::from([("numero".into(), "M-12".into())]),
            at,
        },
        Work::Weigh => weighed(&step.0, true),
        Work::Wait => D::BeginWait {
            step,
            until: at,
            at,
        },
        Work::Wake { .. } => D::EndWait { step, at },
        Work::WatchScan => D::RecordScanReturned {
            step,
            pdf: pdf("scan"),
            upload: pdf("bundle").file,
            first: 1,
            last: 2,
            at,
        },
        Work::WithdrawVisa { .. }
        | Work::RecallVisa { .. }
        | Work::WithdrawSignature { .. }
        | Work::ArchiveSignature { .. }
        | Work::Remind => {
            unreachable!("work behind the document reports nothing to it")
        }
    }
}

/// Every reaction from the request to the delivery.
fn walked(definition: Definition) -> (Vec<&'static str>, Walk) {
    let mut walk = Walk::new(definition);
    let mut said = walk.said();
    while !walk.last.contains(&Reaction::Deliver) {
        walk.carry_out();
        said.extend(walk.said());
    }
    (said, walk)
}

#[test]
fn a_notification_goes_from_its_data_to_its_applicant() {
    let (said, mut walk) = walked(notification());
    assert_eq!(
        said,
        [
            "merge",
            "convert",
            "circulate",
            "watch_visa",
            "submit",
            "watch_signature",
            "archive_signature",
            "register",
            "attach",
            "notify",
            "email",
            "publish",
            "deliver",
        ]
    );
    walk.record(D::Deliver { at: now() });
    assert_eq!(walk.last, [], "nothing follows from a delivery");
}

#[test]
fn a_commission_table_needs_a_visa_and_goes_back_to_whoever_asked() {
    let (said, _) = walked(commission_table());
    assert_eq!(
        said,
        [
            "merge",
            "convert",
            "circulate",
            "watch_visa",
            "email",
            "deliver"
        ]
    );
}

#[test]
fn every_effect_of_a_document_has_an_id_of_its_own_and_is_certain() {
    let (_, walk) = walked(notification());
    let mut ids: Vec<_> = walk.begun.iter().map(|effect| effect.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), walk.begun.len());
    for effect in &walk.begun {
        assert_eq!(
            (effect.document, effect.batch),
            (document_id(), BatchId(uuid(1)))
        );
        assert_eq!(
            effect.id,
            EffectId::of(document_id(), &effect.step.0, effect.work.kind(), 1)
        );
        assert!(!effect.doubtful);
    }
}

#[test]
fn working_out_the_same_reaction_twice_names_the_same_effect() {
    assert_eq!(
        Walk::until(notification(), "register").begun,
        Walk::until(notification(), "register").begun
    );
}

#[test]
fn the_desk_knows_the_letter_under_the_signature_of_its_round() {
    let walk = Walk::until(notification(), "watch_signature");
    let signature = SignatureId::of(document_id(), "sign", 1);
    let works: Vec<_> = walk
        .begun
        .iter()
        .rev()
        .take(2)
        .map(|effect| effect.work.clone())
        .collect();
    assert_eq!(
        works,
        [
            Work::WatchSignature { signature },
            Work::Submit { signature }
        ]
    );
}

#[test]
fn a_reminder_is_sent_and_the_wait_goes_on() {
    let mut walk = Walk::until(notification(), "watch_signature");
    let watching = walk.begun.last().cloned().expect("the watch");
    walk.record(D::RecordReminded {
        step: step("sign"),
        at: now() + chrono::TimeDelta::days(1),
    });
    assert_eq!(walk.said(), ["remind", "watch_signature"]);
    assert_eq!(
        walk.begun.last(),
        Some(&watching),
        "the same watch as before"
    );
    walk.record(D::RecordReminded {
        step: step("sign"),
        at: now() + chrono::TimeDelta::days(2),
    });
    let reminders = walk
        .begun
        .iter()
        .filter(|effect| effect.work == Work::Remind);
    let mut ids: Vec<_> = reminders.map(|effect| effect.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 2, "each is another message");
}

#[test]
fn what_was_visaed_by_hand_is_taken_out_of_circulation_and_goes_on() {
    for (kind, expected) in [
        ("watch_visa", ["withdraw_visa", "submit"]),
        ("circulate", ["recall_visa", "submit"]),
    ] {
        let mut walk = Walk::until(notification(), kind);
        walk.fail();
        assert_eq!(walk.skip(None).said(), expected);
    }
}

#[test]
fn nothing_follows_from_a_failure_until_a_person_decides() {
    for kind in ["merge", "circulate", "watch_visa", "submit", "publish"] {
        let mut walk = Walk::until(notification(), kind);
        assert_eq!(walk.fail().last, [], "after {kind} failed");
    }
}

#[test]
fn a_retry_begins_the_same_effect_again_and_doubts_whether_it_was_applied() {
    for kind in [
        "merge",
        "circulate",
        "watch_visa",
        "submit",
        "watch_signature",
        "register",
        "email",
    ] {
        let mut walk = Walk::until(notification(), kind);
        let failed = walk.begun.last().cloned().expect("work");
        walk.fail().record(D::Retry { at: now() });
        assert_eq!(
            walk.last,
            [Reaction::Begin(Effect {
                doubtful: true,
                ..failed
            })]
        );
    }
}

#[test]
fn a_restart_begins_from_the_first_step_under_new_ids() {
    let mut walk = Walk::until(notification(), "convert");
    let first = walk.begun[0].clone();
    walk.fail().restart();
    assert_eq!(walk.said(), ["merge"]);
    let again = walk.begun.last().expect("work");
    assert_ne!(again.id, first.id);
    assert_eq!(again.id, EffectId::of(document_id(), "merge", "merge", 2));
    assert!(!again.doubtful);
}

#[test]
fn a_document_goes_back_to_a_step_that_it_began_and_what_was_before_stays() {
    let mut walk = Walk::until(notification(), "watch_visa");
    let pdf = journey(&walk).stage.pdf();
    walk.fail().restart_from("visa").expect("it may go back");
    assert_eq!(walk.said(), ["withdraw_visa", "circulate"]);
    let again = walk.begun.last().expect("work");
    assert_eq!(
        again.id,
        EffectId::of(document_id(), "visa", "circulate", 2)
    );
    let there = journey(&walk);
    assert_eq!(there.stage.pdf(), pdf);
    assert_eq!(there.stage.status(), DocumentStatus::Converted);
    assert_eq!(there.done, [step("merge"), step("convert")]);
    walk.fail().restart_from("convert").expect("further back");
    assert_eq!(journey(&walk).stage.status(), DocumentStatus::Merged);
    assert_eq!(walk.said(), ["recall_visa", "convert"]);
    walk.fail().restart_from("merge").expect("to the first");
    assert_eq!(walk.said(), ["merge"]);
    assert_eq!(journey(&walk).stage, Stage::Requested);
}

#[test]
fn what_was_refused_at_the_desk_goes_back_there_with_the_visa_that_it_has() {
    let mut walk = Walk::until(notification(), "watch_signature");
    refuse_signature(&mut walk);
    walk.restart_from("sign").expect("it may go back");
    let signature = SignatureId::of(document_id(), "sign", 2);
    assert_eq!(
        walk.begun.last().expect("work").work,
        Work::Submit { signature }
    );
    assert_eq!(journey(&walk).stage.status(), DocumentStatus::Visaed);
}

#[test]
fn a_document_does_not_go_back_to_where_it_has_not_been() {
    let mut walk = Walk::until(notification(), "circulate");
    walk.fail();
    for name in ["sign", "nowhere"] {
        let refusal = walk.restart_from(name).err();
        assert_eq!(refusal, Some(DocumentRefusal::NotReached(step(name))));
    }
}

#[test]
fn a_second_round_at_the_desk_is_another_signature() {
    let mut walk = Walk::until(notification(), "watch_signature");
    refuse_signature(&mut walk).record(D::Retry { at: now() });
    while walk.said() != ["submit"] {
        walk.carry_out();
    }
    let signature = SignatureId::of(document_id(), "sign", 2);
    assert_eq!(
        walk.begun.last().expect("work").work,
        Work::Submit { signature }
    );
}

#[test]
fn a_restart_takes_back_what_circulates() {
    let mut walk = Walk::until(notification(), "watch_visa");
    walk.fail().restart();
    assert_eq!(walk.said(), ["withdraw_visa", "merge"]);
}

#[test]
fn a_restart_takes_back_a_deposit_whose_answer_was_not_heard() {
    let mut without_visa = notification();
    without_visa.steps.retain(|step| step.id.0 != "visa");
    let mut walk = Walk::until(without_visa, "submit");
    walk.fail().restart();
    assert_eq!(walk.said(), ["withdraw_signature", "merge"]);
    let Reaction::Begin(withdrawal) = &walk.last[0] else {
        unreachable!("said above")
    };
    let signature = SignatureId::of(document_id(), "sign", 1);
    assert_eq!(withdrawal.work, Work::WithdrawSignature { signature });
    assert_eq!(
        withdrawal.id,
        EffectId::of(document_id(), "sign", "withdraw_signature", 1)
    );
}

#[test]
fn a_restart_recalls_a_circulation_whose_answer_was_not_heard() {
    let mut walk = Walk::until(notification(), "circulate");
    walk.fail().restart();
    assert_eq!(walk.said(), ["recall_visa", "merge"]);
    let Reaction::Begin(recall) = &walk.last[0] else {
        unreachable!("said above")
    };
    assert_eq!(recall.work, Work::RecallVisa { round: 1 });
}

#[test]
fn work_that_waits_is_due_until_it_is_done_given_up_or_begun_anew() {
    let is_due = |walk: &Walk, effect: &Effect| {
        let journey = walk.document.journey().expect("a requested document");
        is_due(&walk.definition, journey, effect)
    };
    let mut walk = Walk::new(notification());
    let merge = walk.begun[0].clone();
    assert!(is_due(&walk, &merge));
    walk.fail();
    assert!(is_due(&walk, &merge), "until a person decides");
    walk.restart();
    assert!(!is_due(&walk, &merge), "another round has begun");
    let merge = walk.begun.last().expect("work").clone();
    walk.carry_out();
    assert!(!is_due(&walk, &merge), "it is done");
    for kind in ["circulate", "watch_visa", "submit", "email"] {
        let mut walk = Walk::until(notification(), kind);
        let effect = walk.begun.last().expect("work").clone();
        assert!(is_due(&walk, &effect), "{kind}");
        walk.cancel();
        assert!(!is_due(&walk, &effect), "{kind} of a cancelled document");
    }
    let mut walk = Walk::until(notification(), "watch_visa");
    let watch = walk.begun.last().expect("work").clone();
    assert!(!is_due(refuse_visa(&mut walk), &watch), "refused");
}

fn refuse_signature(walk: &mut Walk) -> &mut Walk {
    let signature = SignatureId::of(document_id(), "sign", 1);
    walk.record(D::RecordSignatureRefused {
        step: step("sign"),
        signature,
        reason: "montant erroné".into(),
        at: now(),
    })
}

fn refuse_visa(walk: &mut Walk) -> &mut Walk {
    walk.record(D::RecordVisaRefused {
        step: step("visa"),
        by: Personal("La directrice".into()),
        reason: "faute au nom".into(),
        at: now(),
    })
}

#[test]
fn nothing_follows_from_a_refused_visa_until_a_person_decides() {
    let mut walk = Walk::until(notification(), "watch_visa");
    assert_eq!(refuse_visa(&mut walk).last, []);
    assert_eq!(walk.record(D::Retry { at: now() }).said(), ["merge"]);
}

#[test]
fn a_refused_signature_is_only_cleared_from_the_desk() {
    let mut walk = Walk::until(notification(), "watch_signature");
    assert_eq!(refuse_signature(&mut walk).said(), ["archive_signature"]);
    assert_eq!(walk.restart().said(), ["merge"]);
}

#[test]
fn a_cancelled_document_is_taken_back_from_those_who_hold_it() {
    for (held_since, undone) in [
        ("merge", &["drop pending"][..]),
        ("circulate", &["drop pending", "recall_visa"]),
        ("watch_visa", &["drop pending", "withdraw_visa"]),
        ("submit", &["drop pending", "withdraw_signature"]),
        ("watch_signature", &["drop pending", "withdraw_signature"]),
        ("register", &["drop pending"]),
        ("publish", &["drop pending"]),
    ] {
        let mut walk = Walk::until(notification(), held_since);
        assert_eq!(walk.cancel().said(), undone, "cancelled since {held_since}");
        assert!(walk.last.iter().all(|reaction| match reaction {
            Reaction::Begin(effect) => effect.doubtful,
            _ => true,
        }));
    }
}

#[test]
fn what_was_refused_is_not_taken_back_a_second_time_when_it_is_cancelled() {
    let mut visa = Walk::until(notification(), "watch_visa");
    assert_eq!(refuse_visa(&mut visa).cancel().said(), ["drop pending"]);
    let mut signature = Walk::until(notification(), "watch_signature");
    assert_eq!(
        refuse_signature(&mut signature).cancel().said(),
        ["drop pending"]
    );
}

#[test]
fn an_answer_that_is_repeated_causes_no_second_effect() {
    let mut walk = Walk::until(notification(), "register");
    let count = walk.begun.len();
    let repeated = walk.begun[..count - 2]
        .iter()
        .map(report)
        .collect::<Vec<_>>();
    for command in repeated {
        assert_eq!(walk.record(command).last, []);
    }
    assert_eq!(walk.begun.len(), count);
}
