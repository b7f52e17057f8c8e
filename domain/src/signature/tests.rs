//! Rules, one test each.

mod model;
mod table;

use super::{
    Binding, Examination, Sheet, Signature, SignatureCommand as C, SignatureEvent as E,
    SignatureRefusal as R,
};
use crate::{
    digest::Digest,
    ids::DocumentId,
    personal::Personal,
    ports::FolderRef,
    testing::{given, now, pdf, uuid},
};

fn sheet(desk_subtype: &str) -> Sheet {
    Sheet {
        document: DocumentId(uuid(1)),
        pdf: pdf("letter").file,
        desk_type: "Courrier".into(),
        desk_subtype: desk_subtype.into(),
    }
}

fn prepare() -> C {
    C::Prepare {
        sheet: sheet("Notification"),
        at: now(),
    }
}

fn record_submitted() -> C {
    C::RecordSubmitted {
        folder: Some(FolderRef("nav-1".into())),
        at: now(),
    }
}

fn record_signed() -> C {
    C::RecordSigned { at: now() }
}

fn record_rejected() -> C {
    C::RecordRejected {
        by: Personal("Le président".into()),
        reason: "montant erroné".into(),
        at: now(),
    }
}

fn record_withdrawn() -> C {
    C::RecordWithdrawn { at: now() }
}

fn record_retrieved(content: &str) -> C {
    C::RecordRetrieved {
        pdf: Digest::of(content.as_bytes()),
        slip: None,
        binding: Binding::Exact,
        examination: Some(examination()),
        at: now(),
    }
}

fn examination() -> Examination {
    Examination {
        signatures: 1,
        authorities: Some(Digest::of(b"authorities")),
        revocation_lists: None,
        named: true,
        by: "navette 0.1.0".into(),
    }
}

fn record_archived() -> C {
    C::RecordArchived { at: now() }
}

fn prepared() -> E {
    E::Prepared {
        sheet: sheet("Notification"),
        at: now(),
    }
}

fn submitted() -> E {
    E::Submitted {
        folder: Some(FolderRef("nav-1".into())),
        at: now(),
    }
}

fn signed() -> E {
    E::Signed { at: now() }
}

fn rejected() -> E {
    E::Rejected {
        by: Personal("Le président".into()),
        reason: "montant erroné".into(),
        at: now(),
    }
}

fn withdrawn() -> E {
    E::Withdrawn { at: now() }
}

fn retrieved() -> E {
    E::Retrieved {
        pdf: Digest::of(b"signed letter"),
        slip: None,
        binding: Binding::Exact,
        examination: Some(examination()),
        at: now(),
    }
}

fn archived() -> E {
    E::Archived { at: now() }
}

#[test]
fn a_signature_is_prepared_once() {
    given::<Signature>([])
        .when(prepare())
        .then_expect_events(vec![prepared()]);
    given::<Signature>([prepared(), submitted(), signed()])
        .when(prepare())
        .then_expect_events(vec![]);
}

#[test]
fn what_is_put_before_the_signatory_never_changes() {
    given::<Signature>([prepared()])
        .when(C::Prepare {
            sheet: sheet("Convention"),
            at: now(),
        })
        .then_expect_error(R::OtherSheet);
}

#[test]
fn a_prepared_signature_is_submitted_once() {
    given::<Signature>([prepared()])
        .when(record_submitted())
        .then_expect_events(vec![submitted()]);
    given::<Signature>([prepared(), submitted()])
        .when(record_submitted())
        .then_expect_events(vec![]);
}

#[test]
fn nothing_reaches_the_desk_unprepared_or_after_it_was_taken_back() {
    given::<Signature>([])
        .when(record_submitted())
        .then_expect_error(R::NotPrepared);
    given::<Signature>([prepared(), withdrawn()])
        .when(record_submitted())
        .then_expect_error(R::NotFrom("elle a été retirée"));
}

#[test]
fn a_submitted_signature_is_signed_once() {
    given::<Signature>([prepared(), submitted()])
        .when(record_signed())
        .then_expect_events(vec![signed()]);
    given::<Signature>([prepared(), submitted(), signed(), retrieved()])
        .when(record_signed())
        .then_expect_events(vec![]);
}

#[test]
fn nothing_is_signed_that_was_not_submitted_or_was_refused_or_taken_back() {
    given::<Signature>([prepared()])
        .when(record_signed())
        .then_expect_error(R::NotFrom("elle n'est pas encore au parapheur"));
    given::<Signature>([prepared(), submitted(), rejected()])
        .when(record_signed())
        .then_expect_error(R::NotFrom("elle a été refusée"));
    given::<Signature>([prepared(), submitted(), withdrawn()])
        .when(record_signed())
        .then_expect_error(R::NotFrom("elle a été retirée"));
}

#[test]
fn a_submitted_signature_is_refused_once_and_never_after_it_was_signed() {
    given::<Signature>([prepared(), submitted()])
        .when(record_rejected())
        .then_expect_events(vec![rejected()]);
    given::<Signature>([prepared(), submitted(), rejected(), archived()])
        .when(record_rejected())
        .then_expect_events(vec![]);
    given::<Signature>([prepared(), submitted(), signed()])
        .when(record_rejected())
        .then_expect_error(R::NotFrom("elle est déjà signée"));
}

#[test]
fn a_signature_is_taken_back_until_the_signatory_answers() {
    for history in [vec![prepared()], vec![prepared(), submitted()]] {
        given::<Signature>(history)
            .when(record_withdrawn())
            .then_expect_events(vec![withdrawn()]);
    }
    given::<Signature>([prepared(), withdrawn()])
        .when(record_withdrawn())
        .then_expect_events(vec![]);
    given::<Signature>([prepared(), submitted(), signed()])
        .when(record_withdrawn())
        .then_expect_error(R::NotFrom("elle est déjà signée"));
}

#[test]
fn what_was_taken_back_is_never_deposited_even_by_a_deposit_that_was_about_to_begin() {
    given::<Signature>([])
        .when(record_withdrawn())
        .then_expect_events(vec![withdrawn()]);
    for history in [vec![withdrawn()], vec![prepared(), withdrawn()]] {
        given::<Signature>(history)
            .when(prepare())
            .then_expect_error(R::NotFrom("elle a été retirée"));
    }
}

#[test]
fn a_signed_pdf_is_brought_back_once() {
    given::<Signature>([prepared(), submitted(), signed()])
        .when(record_retrieved("signed letter"))
        .then_expect_events(vec![retrieved()]);
    given::<Signature>([prepared(), submitted(), signed(), retrieved(), archived()])
        .when(record_retrieved("signed letter"))
        .then_expect_events(vec![]);
}

#[test]
fn the_desk_gives_back_one_signed_pdf_not_two() {
    given::<Signature>([prepared(), submitted(), signed(), retrieved()])
        .when(record_retrieved("another letter"))
        .then_expect_error(R::OtherPdf);
}

#[test]
fn nothing_is_brought_back_unsigned() {
    given::<Signature>([prepared(), submitted()])
        .when(record_retrieved("signed letter"))
        .then_expect_error(R::NotFrom("elle n'est pas signée"));
}

#[test]
fn the_desk_is_cleared_once_and_only_after_the_signed_pdf_is_safe_here() {
    let signed_history = [prepared(), submitted(), signed()];
    given::<Signature>(signed_history.to_vec())
        .when(record_archived())
        .then_expect_error(R::NotFrom("le PDF signé n'est pas encore en sûreté"));
    given::<Signature>([&signed_history[..], &[retrieved()]].concat())
        .when(record_archived())
        .then_expect_events(vec![archived()]);
    given::<Signature>([&signed_history[..], &[retrieved(), archived()]].concat())
        .when(record_archived())
        .then_expect_events(vec![]);
}

#[test]
fn a_refused_folder_is_cleared_from_the_desk_too() {
    given::<Signature>([prepared(), submitted(), rejected()])
        .when(record_archived())
        .then_expect_events(vec![archived()]);
}
