//! Rules, one test each.

use super::{Template, TemplateCommand as C, TemplateEvent as E, TemplateRefusal as R};
use crate::{
    digest::Digest,
    ids::TemplateId,
    ports::OfficeFormat,
    testing::{examples, given, now, replay, table},
};

fn upload(code: &str, content: &str) -> C {
    C::Upload {
        code: code.into(),
        file_name: "Lettre.odt".into(),
        format: OfficeFormat::Odt,
        file: Digest::of(content.as_bytes()),
        fields: vec!["dossier.reference".into()],
        at: now(),
    }
}

fn uploaded(version: u32, content: &str) -> E {
    E::Uploaded {
        code: "lettre-attribution".into(),
        version,
        file_name: "Lettre.odt".into(),
        format: OfficeFormat::Odt,
        file: Digest::of(content.as_bytes()),
        fields: vec!["dossier.reference".into()],
        at: now(),
    }
}

#[test]
fn the_first_upload_is_version_one() {
    given::<Template>([])
        .when(upload("lettre-attribution", "a"))
        .then_expect_events(vec![uploaded(1, "a")]);
}

#[test]
fn other_bytes_make_the_next_version() {
    given::<Template>([uploaded(1, "a")])
        .when(upload("lettre-attribution", "b"))
        .then_expect_events(vec![uploaded(2, "b")]);
}

#[test]
fn the_same_bytes_make_no_new_version() {
    given::<Template>([uploaded(1, "a")])
        .when(upload("lettre-attribution", "a"))
        .then_expect_events(vec![]);
}

#[test]
fn going_back_to_older_bytes_is_a_new_version_too() {
    given::<Template>([uploaded(1, "a"), uploaded(2, "b")])
        .when(upload("lettre-attribution", "a"))
        .then_expect_events(vec![uploaded(3, "a")]);
}

#[test]
fn a_code_that_is_no_code_is_refused() {
    for code in [
        "",
        "Lettre",
        "lettre attribution",
        "lettré",
        &"a".repeat(65),
    ] {
        given::<Template>([])
            .when(upload(code, "a"))
            .then_expect_error(R::BadCode(code.into()));
    }
}

#[test]
fn new_batches_use_the_last_version() {
    let id = TemplateId::of_code("lettre-attribution");
    assert_eq!(Template::default().latest(id), None);
    let template: Template = replay([uploaded(1, "a"), uploaded(2, "b")]);
    let latest = template
        .latest(id)
        .map(|latest| (latest.version, latest.file));
    assert_eq!(latest, Some((2, Digest::of(b"b"))));
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let states = examples!(Template, |state: &Template| state.clone();
        Template::Unborn => ["unborn" = replay([])],
        Template::Uploaded { .. } => ["uploaded" = replay([uploaded(1, "a")])],
    );
    let commands = examples!(C, |command: &C| command.clone();
        C::Upload { .. } => [
            "upload" = upload("lettre-attribution", "b"),
            "upload, same bytes" = upload("lettre-attribution", "a"),
            "upload, bad code" = upload("Lettre", "a"),
        ],
    );
    insta::assert_snapshot!(table(&states, &commands));
}
