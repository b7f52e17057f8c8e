use super::*;
use crate::{
    event::Decider as _,
    testing::{examples, now, replay, table, uuid},
};
use AttachmentCommand as C;
use AttachmentEvent as E;

fn dossier() -> DossierId {
    DossierId(uuid(1))
}

fn add(name: &str, size: u64) -> C {
    C::Add {
        dossier: dossier(),
        third_party: ThirdPartyId(uuid(2)),
        file: NewFile {
            name: Personal(name.to_owned()),
            format: AttachmentFormat::Pdf,
            size,
            file: Digest::of(b"devis"),
        },
        at: now(),
    }
}

fn remove(reason: &str) -> C {
    let reason = reason.to_owned();
    C::Remove { reason, at: now() }
}

fn added() -> Vec<E> {
    Attachment::Unborn
        .decide(add("devis.pdf", 5))
        .unwrap_or_default()
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let kept: Attachment = replay(added());
    let removed = kept.decide(remove("doublon")).unwrap_or_default();
    let removed: Attachment = replay([added(), removed].concat());
    let states = examples!(Attachment, |state: &Attachment| *state;
        Attachment::Unborn => ["unborn" = Attachment::Unborn],
        Attachment::Kept { .. } => ["kept" = kept],
        Attachment::Removed { .. } => ["removed" = removed],
    );
    let commands = examples!(C, |command: &C| command.clone();
        C::Add { .. } => [
            "add" = add("devis.pdf", 5),
            "add without a name" = add(" ", 5),
            "add under a path" = add("a/b.pdf", 5),
            "add nothing" = add("devis.pdf", 0),
        ],
        C::Remove { .. } => ["remove" = remove("doublon"), "remove without a reason" = remove(" ")],
    );
    insta::assert_snapshot!(table(&states, &commands));
}

#[test]
fn a_name_is_one_line_of_a_list() {
    let long = "é".repeat(LONGEST_NAME);
    for (name, kept) in [
        ("Devis – été 2026.pdf", true),
        (&long, true),
        (&format!("{long}é"), false),
        ("", false),
        ("a\\b", false),
        ("a\r\nb", false),
        ("a\0b", false),
    ] {
        assert_eq!(is_name(name), kept, "{name:?}");
    }
}

#[test]
fn a_format_is_told_from_the_content_and_not_from_a_name() {
    let open = |media_type: &str| {
        let mut head = b"PK\x03\x04".to_vec();
        head.extend([0; 26]);
        head.extend(b"mimetype");
        head.extend(media_type.as_bytes());
        head.extend(b"PK\x03\x04");
        head
    };
    let text = "application/vnd.oasis.opendocument.text";
    for (head, format) in [
        (b"%PDF-1.7".to_vec(), Some(AttachmentFormat::Pdf)),
        (b"\x89PNG\r\n\x1a\n".to_vec(), Some(AttachmentFormat::Png)),
        (b"\xff\xd8\xff\xe0".to_vec(), Some(AttachmentFormat::Jpeg)),
        (open(text), Some(AttachmentFormat::Odt)),
        (
            open("application/vnd.oasis.opendocument.spreadsheet"),
            Some(AttachmentFormat::Ods),
        ),
        (open(&format!("{text}-template")), None),
        (b"MZ\x90".to_vec(), None),
        (b"<html>".to_vec(), None),
        (b"PK\x03\x04".to_vec(), None),
        (vec![], None),
    ] {
        assert_eq!(AttachmentFormat::of(&head), format, "{head:?}");
    }
}
