//! The table state × command → answer.

use super::{
    super::{ByHand, DocumentStatus as S},
    *,
};
use crate::testing::{examples, table};

fn status(document: &Document) -> Option<S> {
    document.journey().map(super::super::Journey::status)
}

pub(super) fn all() -> Vec<(&'static str, C)> {
    examples!(C, |command: &C| command.clone();
        C::Request { .. } => ["request" = request(), "request, other order" = request_other()],
        C::RecordMerged { .. } => ["record merged" = record_merged()],
        C::RecordConverted { .. } => ["record converted" = record_converted()],
        C::RecordSentForVisa { .. } => [
            "record sent for visa" = record_sent_for_visa("42"),
            "record sent for visa, other file" = record_sent_for_visa("43"),
        ],
        C::RecordVisaed { .. } => ["record visaed" = record_visaed("annotated letter")],
        C::RecordVisaRefused { .. } => ["record visa refused" = record_visa_refused()],
        C::RecordSentForSignature { .. } => [
            "record sent for signature" = record_sent_for_signature(1),
            "record sent for signature, other passage" = record_sent_for_signature(2),
        ],
        C::RecordSigned { .. } => [
            "record signed" = record_signed(1),
            "record signed, other passage" = record_signed(2),
        ],
        C::RecordSignatureRefused { .. } => [
            "record signature refused" = record_signature_refused(1),
            "record signature refused, other passage" = record_signature_refused(2),
        ],
        C::SendToPrint { .. } => ["send to print" = send_to_print()],
        C::RecordScanReturned { .. } => ["record scan returned" = record_scan_returned()],
        C::RecordRegistered { .. } => ["record registered" = record_registered()],
        C::RecordAttached { .. } => ["record attached" = record_attached()],
        C::RecordReported { .. } => ["record reported" = record_reported()],
        C::RecordEmailed { .. } => ["record emailed" = record_emailed()],
        C::RecordPublished { .. } => ["record published" = record_published()],
        C::RecordCalled { .. } => ["record called" = record_called()],
        C::RecordWeighed { .. } => [
            "record weighed, it holds" = record_weighed("sign", true),
            "record weighed, it does not" = record_weighed("publish", false),
        ],
        C::AskApproval { .. } => ["ask approval" = ask_approval("approve")],
        C::Approve { .. } => ["approve" = approve(None)],
        C::RefuseApproval { .. } => ["refuse approval" = refuse_approval(None, "trop cher")],
        C::BeginWait { .. } => ["begin wait" = begin_wait()],
        C::EndWait { .. } => ["end wait" = end_wait()],
        C::RecordReminded { .. } => ["record reminded" = record_reminded()],
        C::Deliver { .. } => ["deliver" = deliver()],
        C::Fail { .. } => ["fail" = fail("current")],
        C::Retry { .. } => ["retry" = retry()],
        C::Skip { .. } => [
            "skip, visa" = skip("current", ByHand::Visaed),
            "skip, paper" = skip("current", ByHand::SignedOnPaper),
            "skip, registration" = skip("current", ByHand::Registered { chrono: "2026D/12".into() }),
            "skip, attachment" = skip("current", ByHand::Attached),
            "skip, message" = skip("current", ByHand::HandedOver),
            "skip, wait" = skip("current", ByHand::Waited),
            "skip, another step" = skip("another", ByHand::HandedOver),
        ],
        C::Restart { .. } => ["restart" = restart()],
        C::Migrate { .. } => ["migrate" = migrate()],
        C::Cancel { .. } => ["cancel" = cancel()],
    )
}

/// Every status, under way and, where it may stop, stopped.
#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let at = |name| replay(until(name));
    let stopped = |name| replay(after(name, &[failed("current")]));
    let refused = |name, refusal| replay(after(name, &[refusal]));
    let states = examples!(Document, status;
        None => ["unborn" = replay([])],
        Some(S::Requested) => ["requested" = at("requested"), "requested, stopped" = stopped("requested")],
        Some(S::Merged) => ["merged" = at("merged"), "merged, stopped" = stopped("merged")],
        Some(S::Converted) => ["converted" = at("converted"), "converted, stopped" = stopped("converted")],
        Some(S::InVisa) => ["in visa" = at("sent_for_visa"), "in visa, stopped" = stopped("sent_for_visa")],
        Some(S::Visaed) => ["visaed" = at("visaed"), "visaed, stopped" = stopped("visaed")],
        Some(S::VisaRefused) => ["visa refused" = refused("sent_for_visa", visa_refused())],
        Some(S::InApproval) => [
            "in approval" = replay(after("visaed", &[approval_asked("approve")])),
            "in approval, and waiting" = replay(after("visaed", &[approval_asked("approve"), wait_began()])),
        ],
        Some(S::Waiting) => ["waiting" = replay(after("visaed", &[wait_began()]))],
        Some(S::InSignature) => [
            "in signature" = at("sent_for_signature"),
            "in signature, stopped" = stopped("sent_for_signature"),
        ],
        Some(S::OnPaper) => [
            "on paper" = replay(after("visaed", &[sent_to_print("annotated letter")])),
            "on paper, stopped" = replay(after(
                "visaed",
                &[sent_to_print("annotated letter"), failed("current")],
            )),
        ],
        Some(S::Signed) => ["signed" = at("signed"), "signed, stopped" = stopped("signed")],
        Some(S::SignatureRefused) => ["signature refused" = refused("sent_for_signature", signature_refused())],
        Some(S::Registered) => ["registered" = at("registered"), "registered, stopped" = stopped("registered")],
        Some(S::Attached) => ["attached" = at("attached"), "attached, stopped" = stopped("attached")],
        Some(S::Delivered) => ["delivered" = at("delivered")],
        Some(S::Cancelled) => ["cancelled" = refused("sent_for_visa", cancelled())],
    );
    insta::with_settings!({ snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(table(&states, &all()));
    });
}
