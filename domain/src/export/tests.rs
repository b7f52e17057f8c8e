//! Rules, one test each.

use super::{
    Choice, ColumnFault, Export, ExportCommand as C, ExportEvent as E, Format, Made, Order,
    model::{ExportModel, ExportModelCommand as MC, ExportModelEvent as ME, Model},
};
use crate::{
    digest::Digest,
    event::Decider as _,
    testing::{examples, given, now, replay, table},
};
use serde_json::json;

fn order(kept: bool) -> Order {
    Order {
        label: "Commission de mars".into(),
        format: Format::Xlsx,
        columns: vec![Choice {
            column: "beneficiaire.nom".into(),
            title: None,
        }],
        filter: json!({"status": ["GRANTED"]}),
        selection: None,
        services: vec![],
        schemes: vec!["Sport".into()],
        kept,
        requested_by: "token:anne".into(),
    }
}

fn made(rows: u64) -> Made {
    Made {
        rows,
        bytes: 10 * rows,
        file: Digest::of(b"file"),
    }
}

fn requested(kept: bool) -> E {
    E::Requested {
        order: order(kept),
        at: now(),
    }
}

fn completed() -> E {
    E::Completed {
        made: made(2),
        at: now(),
    }
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let failed = E::Failed {
        reason: "panne".into(),
        rows: 1,
        at: now(),
    };
    let states = examples!(Export, |state: &Export| state.clone();
        Export::Unborn => ["unborn" = Export::default()],
        Export::Requested(_) => ["requested" = replay([requested(true)])],
        Export::Completed(..) => [
            "completed" = replay([requested(true), completed()]),
            "completed, not kept" = replay([requested(false), completed()]),
        ],
        Export::Failed(_) => ["failed" = replay([requested(true), failed])],
        Export::Cancelled(_) => ["cancelled" = replay([requested(true), E::Cancelled { at: now() }])],
        Export::Expired(_) => [
            "expired" = replay([requested(true), completed(), E::Expired { at: now() }])
        ],
    );
    let at = now();
    let commands = examples!(C, |command: &C| command.clone();
        C::Request { .. } => [
            "request" = C::Request { order: order(true), at },
            "request other" = C::Request { order: Order { label: "Autre".into(), ..order(true) }, at },
            "request unnamed" = C::Request { order: Order { label: " ".into(), ..order(true) }, at },
        ],
        C::Complete { .. } => [
            "complete" = C::Complete { made: made(2), at },
            "complete otherwise" = C::Complete { made: made(3), at },
        ],
        C::Fail { .. } => ["fail" = C::Fail { reason: "panne".into(), rows: 1, at }],
        C::Cancel { .. } => ["cancel" = C::Cancel { at }],
        C::Download { .. } => ["download" = C::Download { at }],
        C::Expire { .. } => ["expire" = C::Expire { at }],
    );
    insta::assert_snapshot!(table(&states, &commands));
}

#[test]
fn an_export_of_unknown_columns_is_not_requested() {
    let mut wrong = order(true);
    wrong.columns = vec![Choice {
        column: "beneficiaire.non".into(),
        title: None,
    }];
    let refused = Export::default().decide(C::Request {
        order: wrong,
        at: now(),
    });
    assert!(matches!(
        refused,
        Err(super::ExportRefusal::Columns(ColumnFault::Unknown { .. }))
    ));
}

fn model(owner: &str, name: &str) -> Model {
    Model {
        name: name.into(),
        format: Format::Ods,
        columns: order(false).columns,
        shared: true,
        owner: owner.into(),
    }
}

fn saved(owner: &str, name: &str) -> ME {
    ME::Saved {
        model: model(owner, name),
        at: now(),
    }
}

#[test]
fn a_model_is_changed_and_removed_by_whoever_keeps_it_and_nobody_else() {
    let save = |owner, name| MC::Save {
        model: model(owner, name),
        at: now(),
    };
    let remove = |by: &str| MC::Remove {
        by: by.into(),
        at: now(),
    };
    given::<ExportModel>(vec![])
        .when(save("anne", "Suivi"))
        .then_expect_events(vec![saved("anne", "Suivi")]);
    let kept = vec![saved("anne", "Suivi")];
    given::<ExportModel>(kept.clone())
        .when(save("anne", "Suivi 2026"))
        .then_expect_events(vec![saved("anne", "Suivi 2026")]);
    given::<ExportModel>(kept.clone())
        .when(save("anne", "Suivi"))
        .then_expect_events(vec![]);
    given::<ExportModel>(kept.clone())
        .when(remove("anne"))
        .then_expect_events(vec![ME::Removed { at: now() }]);
    let no = super::model::ExportModelRefusal::NotYours;
    for command in [save("paul", "Suivi"), remove("paul")] {
        given::<ExportModel>(kept.clone())
            .when(command)
            .then_expect_error(no.clone());
    }
    let gone = vec![saved("anne", "Suivi"), ME::Removed { at: now() }];
    given::<ExportModel>(gone)
        .when(save("anne", "Suivi"))
        .then_expect_error(no);
}
