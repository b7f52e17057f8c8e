//! One document's way through the longest chain, as commands and as events.

use super::super::{ByHand, DocumentCommand as C, DocumentEvent as E, Order, Subject};
use crate::{
    chain::ChainRef,
    digest::Digest,
    ids::{BatchId, DossierId, SignatureId},
    personal::Personal,
    ports::{Circulation, OfficeFormat, Registration},
    testing::{chain_ref, march, now, pdf, step, template_ref, uuid},
};
use std::collections::BTreeMap;

fn order(title: &str) -> Order {
    Order {
        batch: BatchId(uuid(1)),
        subject: Subject::Dossier(DossierId(uuid(2))),
        chain: chain_ref(),
        template: template_ref(),
        included: vec![],
        title: title.into(),
        date: march(17),
        trigger: None,
    }
}

fn circulation(file_id: &str) -> Circulation {
    Circulation {
        file_id: file_id.into(),
        path: "Notifications/lettre.pdf".into(),
        etag: "a1".into(),
    }
}

fn signature(round: u128) -> SignatureId {
    SignatureId(uuid(100 + round))
}

pub(super) fn registration() -> Registration {
    Registration {
        chrono: "2026D/12".into(),
        resource: "112".into(),
    }
}

pub(super) fn request() -> C {
    C::Request {
        order: order("Notification SUB-2026-0012"),
        at: now(),
    }
}

pub(super) fn request_other() -> C {
    C::Request {
        order: order("Notification SUB-2026-0013"),
        at: now(),
    }
}

pub(super) fn record_merged() -> C {
    C::RecordMerged {
        step: step("merge"),
        office: Digest::of(b"office"),
        format: OfficeFormat::Odt,
        data: Digest::of(b"data"),
        at: now(),
    }
}

pub(super) fn record_converted() -> C {
    C::RecordConverted {
        step: step("convert"),
        pdf: pdf("letter"),
        at: now(),
    }
}

pub(super) fn record_sent_for_visa(file_id: &str) -> C {
    C::RecordSentForVisa {
        step: step("visa"),
        circulation: circulation(file_id),
        at: now(),
    }
}

pub(super) fn record_visaed(content: &str) -> C {
    C::RecordVisaed {
        step: step("visa"),
        pdf: pdf(content),
        by: Personal("La directrice".into()),
        comment: None,
        visaed_at: now(),
        at: now(),
    }
}

pub(super) fn record_visa_refused() -> C {
    C::RecordVisaRefused {
        step: step("visa"),
        by: Personal("La directrice".into()),
        reason: "faute au nom".into(),
        at: now(),
    }
}

pub(super) fn record_sent_for_signature(round: u128) -> C {
    C::RecordSentForSignature {
        step: step("sign"),
        signature: signature(round),
        at: now(),
    }
}

pub(super) fn record_signed(round: u128) -> C {
    C::RecordSigned {
        step: step("sign"),
        signature: signature(round),
        pdf: pdf("signed letter"),
        at: now(),
    }
}

pub(super) fn record_signature_refused(round: u128) -> C {
    C::RecordSignatureRefused {
        step: step("sign"),
        signature: signature(round),
        reason: "montant erroné".into(),
        at: now(),
    }
}

pub(super) fn send_to_print() -> C {
    C::SendToPrint {
        step: step("print"),
        at: now(),
    }
}

pub(super) fn record_scan_returned() -> C {
    C::RecordScanReturned {
        step: step("print"),
        pdf: pdf("scan"),
        upload: pdf("bundle").file,
        first: 3,
        last: 4,
        at: now(),
    }
}

pub(super) fn sent_to_print(content: &str) -> E {
    E::SentToPrint {
        step: step("print"),
        sent: pdf(content).file,
        at: now(),
    }
}

pub(super) fn scan_returned() -> E {
    E::ScanReturned {
        step: step("print"),
        pdf: pdf("scan"),
        upload: pdf("bundle").file,
        first: 3,
        last: 4,
        at: now(),
    }
}

pub(super) fn record_registered() -> C {
    C::RecordRegistered {
        step: step("register"),
        registration: registration(),
        at: now(),
    }
}

pub(super) fn record_attached() -> C {
    C::RecordAttached {
        step: step("attach"),
        url: "https://aides.example/1".into(),
        at: now(),
    }
}

pub(super) fn record_reported() -> C {
    C::RecordReported {
        step: step("notify"),
        status: "notified".into(),
        at: now(),
    }
}

pub(super) fn record_emailed() -> C {
    C::RecordEmailed {
        step: step("email"),
        message_id: "m1@navette.example".into(),
        at: now(),
    }
}

pub(super) fn record_published() -> C {
    C::RecordPublished {
        step: step("publish"),
        url: "https://portail.example/1".into(),
        at: now(),
    }
}

pub(super) fn record_called() -> C {
    C::RecordCalled {
        step: step("call"),
        service: "mandats".into(),
        answer: [("numero".to_owned(), "M-12".to_owned())].into(),
        at: now(),
    }
}

pub(super) fn record_weighed(name: &str, holds: bool) -> C {
    C::RecordWeighed {
        step: step(name),
        holds,
        expression: "dossier.montant > 23000".into(),
        found: found(),
        at: now(),
    }
}

pub(super) fn found() -> BTreeMap<String, String> {
    [("dossier.montant".to_owned(), "10000.00".to_owned())].into()
}

pub(super) fn ask_approval(name: &str) -> C {
    C::AskApproval {
        step: step(name),
        at: now(),
    }
}

pub(super) fn approve(name: Option<&str>) -> C {
    C::Approve {
        step: name.map(step),
        comment: Some(" ".into()),
        at: now(),
    }
}

pub(super) fn refuse_approval(name: Option<&str>, reason: &str) -> C {
    C::RefuseApproval {
        step: name.map(step),
        reason: reason.into(),
        at: now(),
    }
}

pub(super) fn begin_wait() -> C {
    C::BeginWait {
        step: step("wait"),
        until: now(),
        at: now(),
    }
}

pub(super) fn end_wait() -> C {
    C::EndWait {
        step: step("wait"),
        at: now(),
    }
}

pub(super) fn approval_asked(name: &str) -> E {
    E::ApprovalAsked {
        step: step(name),
        at: now(),
    }
}

pub(super) fn wait_began() -> E {
    E::WaitBegan {
        step: step("wait"),
        until: now(),
        at: now(),
    }
}

pub(super) fn record_reminded() -> C {
    C::RecordReminded {
        step: step("current"),
        at: now(),
    }
}

pub(super) fn deliver() -> C {
    C::Deliver { at: now() }
}

pub(super) fn fail(name: &str) -> C {
    C::Fail {
        step: step(name),
        sentence: "Le service ne répond pas.".into(),
        at: now(),
    }
}

pub(super) fn retry() -> C {
    C::Retry { at: now() }
}

pub(super) fn skip(name: &str, by_hand: ByHand) -> C {
    C::Skip {
        step: step(name),
        by_hand,
        reason: "fait sur papier".into(),
        at: now(),
    }
}

pub(super) fn restart() -> C {
    C::Restart {
        reason: "modèle corrigé".into(),
        back_to: None,
        at: now(),
    }
}

pub(super) fn migrate() -> C {
    C::Migrate {
        chain: ChainRef {
            version: 2,
            ..chain_ref()
        },
        begins: vec![],
        reason: "circuit corrigé".into(),
        at: now(),
    }
}

pub(super) fn cancel() -> C {
    C::Cancel {
        reason: "envoyé par erreur".into(),
        at: now(),
    }
}

pub(super) fn visaed(content: &str, unchanged: bool) -> E {
    E::Visaed {
        step: step("visa"),
        pdf: pdf(content),
        unchanged,
        by: Personal("La directrice".into()),
        comment: None,
        visaed_at: now(),
        at: now(),
    }
}

pub(super) fn visa_refused() -> E {
    E::VisaRefused {
        step: step("visa"),
        by: Personal("La directrice".into()),
        reason: "faute au nom".into(),
        at: now(),
    }
}

pub(super) fn sent_for_signature(content: &str) -> E {
    E::SentForSignature {
        step: step("sign"),
        signature: signature(1),
        sent: pdf(content).file,
        at: now(),
    }
}

pub(super) fn signature_refused() -> E {
    E::SignatureRefused {
        step: step("sign"),
        signature: signature(1),
        reason: "montant erroné".into(),
        at: now(),
    }
}

pub(super) fn failed(name: &str) -> E {
    E::Failed {
        step: step(name),
        sentence: "Le service ne répond pas.".into(),
        at: now(),
    }
}

pub(super) fn retried() -> E {
    E::Retried { at: now() }
}

pub(super) fn restarted(reason: &str) -> E {
    E::Restarted {
        reason: reason.into(),
        back_to: None,
        at: now(),
    }
}

pub(super) fn delivered() -> E {
    E::Delivered { at: now() }
}

pub(super) fn cancelled() -> E {
    E::Cancelled {
        reason: "envoyé par erreur".into(),
        at: now(),
    }
}

/// The whole way, from the request to the delivery, with a PDF that was annotated for visa.
pub(super) fn way() -> Vec<E> {
    let at = now();
    vec![
        E::Requested {
            order: order("Notification SUB-2026-0012"),
            at,
        },
        E::Merged {
            step: step("merge"),
            office: Digest::of(b"office"),
            format: OfficeFormat::Odt,
            data: Digest::of(b"data"),
            at,
        },
        E::Converted {
            step: step("convert"),
            pdf: pdf("letter"),
            at,
        },
        E::SentForVisa {
            step: step("visa"),
            circulation: circulation("42"),
            sent: pdf("letter").file,
            at,
        },
        visaed("annotated letter", false),
        sent_for_signature("annotated letter"),
        E::Signed {
            step: step("sign"),
            signature: signature(1),
            pdf: pdf("signed letter"),
            at,
        },
        E::Registered {
            step: step("register"),
            registration: registration(),
            at,
        },
        E::Attached {
            step: step("attach"),
            file: pdf("signed letter").file,
            url: "https://aides.example/1".into(),
            at,
        },
        E::Reported {
            step: step("notify"),
            status: "notified".into(),
            at,
        },
        E::Emailed {
            step: step("email"),
            message_id: "m1@navette.example".into(),
            at,
        },
        E::Published {
            step: step("publish"),
            file: pdf("signed letter").file,
            url: "https://portail.example/1".into(),
            at,
        },
        delivered(),
    ]
}
