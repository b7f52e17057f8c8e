//! What a bundle is made of decides every byte of it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::pack::{Contents, Pack};
use navette_adapters::proof::CheckpointKey;
use navette_domain::{
    amount::Amount,
    digest::Digest,
    dossier::{Authority, DossierEvent, Request},
    event::{Event, Metadata, Recorded},
    history::NamedFile,
    ids::{CommandId, DossierId, ThirdPartyId},
    proof::{Checkpoint, HASHED_BEFORE_FIRST, StoredEvent, tree},
};
use std::io::Read as _;
use uuid::Uuid;

/// One event, alone in its log.
fn contents() -> Contents {
    let dossier = DossierId::of_reference("SUB-1");
    let at = "2026-11-27T10:00:00.123456Z".parse().unwrap();
    let request = Request {
        reference: "<b>SUB-1</b> & \"fils\"".into(),
        third_party: ThirdPartyId(Uuid::nil()),
        authority: Authority {
            name: "Département".into(),
            siret: None,
        },
        purpose: "<script>alert(1)</script>".into(),
        amount: Amount::from_cents(100),
        nature: None,
        scheme: None,
        service: None,
        fiscal_year: None,
        payment_terms: None,
        payments: vec![],
        custom: [("onclick=\"x\"".to_owned(), "'>".to_owned())].into(),
    };
    let event = Event::Dossier(DossierEvent::Registered { request, at });
    let metadata = Metadata {
        command: CommandId(Uuid::nil()),
        actor: "token:<i>".into(),
        batch: None,
        dossier: Some(dossier),
        effect: None,
    };
    let mut stored = StoredEvent {
        position: 1,
        stream_type: "dossier".into(),
        stream_id: dossier.0,
        version: 1,
        event_type: "dossier.registered".into(),
        event_version: 1,
        recorded_at: at,
        payload: serde_json::to_string(&event).unwrap(),
        metadata: serde_json::to_string(&metadata).unwrap(),
        hash: HASHED_BEFORE_FIRST,
    };
    stored.hash = stored.hash_after(&HASHED_BEFORE_FIRST);
    let folder = tempfile::tempdir().unwrap();
    let key = CheckpointKey::open(&folder.path().join("key")).unwrap();
    let checkpoint = Checkpoint {
        epoch: Uuid::nil(),
        size: 1,
        root: tree::leaf(&stored.hash),
    };
    Contents {
        read: vec![Recorded {
            position: 1,
            stream_type: stored.stream_type.clone(),
            stream_id: stored.stream_id,
            version: 1,
            event,
            event_type: stored.event_type.clone(),
            metadata,
            recorded_at: at,
        }],
        stored: vec![(stored, vec![])],
        checkpoint,
        note: key.sign(&checkpoint),
        passages: vec![],
        stamp: None,
        key: key.verifier(checkpoint.epoch),
        consistency: Some((1, vec![])),
    }
}

fn packed(contents: &Contents) -> (Vec<u8>, Digest) {
    let named = NamedFile {
        digest: Digest::of(b"letter"),
        extension: "pdf",
        label: "PDF",
    };
    let pack = Pack::begin().unwrap().keep(&named, b"letter").unwrap();
    let (mut file, digest) = pack.finish(contents).unwrap();
    let mut bytes = vec![];
    file.read_to_end(&mut bytes).unwrap();
    (bytes, digest)
}

#[test]
fn the_same_contents_make_the_same_bytes_whenever_they_are_packed() {
    let contents = contents();
    let (first, digest) = packed(&contents);
    // The times of a ZIP have two seconds as their unit; one that held the time of packing would show it
    // among its first bytes, where 1 January 1980 stands.
    assert_eq!(first[10..14], [0, 0, 0x21, 0]);
    assert_eq!(packed(&contents), (first.clone(), digest));
    assert_eq!(Digest::of(&first), digest);
}

#[test]
fn the_page_shows_markup_in_a_dossier_as_the_text_it_is() {
    let (bytes, _) = packed(&contents());
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut page = String::new();
    zip.by_name("historique.html")
        .unwrap()
        .read_to_string(&mut page)
        .unwrap();
    for shown in [
        "<title>Historique du dossier &lt;b&gt;SUB-1&lt;&#x2f;b&gt; &amp; &quot;fils&quot;</title>",
        "&lt;script&gt;alert(1)",
        "par &lt;i&gt;",
        "onclick=&quot;x&quot;",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    for markup in ["<script", "<b>", "<i>", "\"x\"", "http:", "https:"] {
        assert!(!page.contains(markup), "{markup}");
    }
}
