//! Rules, one test each.

use super::{Image, ImageCommand as C, ImageEvent as E, ImageFormat as F, ImageRefusal as R};
use crate::{
    digest::Digest,
    testing::{examples, given, now, replay, table},
};

fn upload(code: &str, content: &str) -> C {
    C::Upload {
        code: code.into(),
        file_name: "Logo.png".into(),
        format: F::Png,
        file: Digest::of(content.as_bytes()),
        at: now(),
    }
}

fn uploaded(version: u32, content: &str) -> E {
    E::Uploaded {
        code: "logo".into(),
        version,
        file_name: "Logo.png".into(),
        format: F::Png,
        file: Digest::of(content.as_bytes()),
        at: now(),
    }
}

#[test]
fn other_bytes_make_the_next_version_and_the_same_bytes_none() {
    given::<Image>([])
        .when(upload("logo", "a"))
        .then_expect_events(vec![uploaded(1, "a")]);
    given::<Image>([uploaded(1, "a")])
        .when(upload("logo", "a"))
        .then_expect_events(vec![]);
    given::<Image>([uploaded(1, "a")])
        .when(upload("logo", "b"))
        .then_expect_events(vec![uploaded(2, "b")]);
}

#[test]
fn a_code_that_a_tag_could_not_write_is_refused() {
    for code in [
        "",
        "Logo",
        "logo-sport",
        "logo sport",
        "2logos",
        &"a".repeat(65),
    ] {
        given::<Image>([])
            .when(upload(code, "a"))
            .then_expect_error(R::BadCode(code.into()));
    }
}

#[test]
fn new_batches_use_the_last_version() {
    assert_eq!(Image::default().latest(), None);
    let image: Image = replay([uploaded(1, "a"), uploaded(2, "b")]);
    assert_eq!(image.latest(), Some((2, Digest::of(b"b"))));
}

#[test]
fn the_format_is_told_from_the_content() {
    assert_eq!(F::of(b"\x89PNG\r\n\x1a\n..."), Some(F::Png));
    assert_eq!(F::of(b"\xff\xd8\xff\xe0"), Some(F::Jpeg));
    for content in [b"<svg/>".as_slice(), b"GIF89a", b"\x89PN", b""] {
        assert_eq!(F::of(content), None);
    }
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let states = examples!(Image, |state: &Image| state.clone();
        Image::Unborn => ["unborn" = replay([])],
        Image::Uploaded { .. } => ["uploaded" = replay([uploaded(1, "a")])],
    );
    let commands = examples!(C, |command: &C| command.clone();
        C::Upload { .. } => [
            "upload" = upload("logo", "b"),
            "upload, same bytes" = upload("logo", "a"),
            "upload, bad code" = upload("Logo", "a"),
        ],
    );
    insta::assert_snapshot!(table(&states, &commands));
}
