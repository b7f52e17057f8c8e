//! The table state × command → answer.

use super::{super::Signature as S, *};
use crate::testing::{examples, replay, table};

pub(super) fn commands() -> Vec<(&'static str, C)> {
    examples!(C, |command: &C| command.clone();
        C::Prepare { .. } => [
            "prepare" = prepare(),
            "prepare, other sheet" = C::Prepare { sheet: sheet("Convention"), at: now() },
        ],
        C::RecordSubmitted { .. } => ["record submitted" = record_submitted()],
        C::RecordSigned { .. } => ["record signed" = record_signed()],
        C::RecordRejected { .. } => ["record rejected" = record_rejected()],
        C::RecordWithdrawn { .. } => ["record withdrawn" = record_withdrawn()],
        C::RecordRetrieved { .. } => [
            "record retrieved" = record_retrieved("signed letter"),
            "record retrieved, other PDF" = record_retrieved("another letter"),
        ],
        C::RecordArchived { .. } => ["record archived" = record_archived()],
    )
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let at_desk = |more: &[E]| replay([&[prepared(), submitted()], more].concat());
    let states = examples!(S, |state: &S| state.clone();
        S::Unborn => ["unborn" = replay([])],
        S::Prepared { .. } => ["prepared" = replay([prepared()])],
        S::Submitted { .. } => ["submitted" = at_desk(&[])],
        S::Signed { .. } => ["signed" = at_desk(&[signed()])],
        S::Rejected { .. } => ["rejected" = at_desk(&[rejected()])],
        S::Withdrawn { .. } => ["withdrawn" = at_desk(&[withdrawn()])],
        S::Retrieved { .. } => ["retrieved" = at_desk(&[signed(), retrieved()])],
        S::Archived { .. } => ["archived" = at_desk(&[signed(), retrieved(), archived()])],
        S::Discarded { .. } => ["discarded" = at_desk(&[rejected(), archived()])],
    );
    insta::with_settings!({ snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(table(&states, &commands()));
    });
}
