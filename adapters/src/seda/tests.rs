//! Transfers to a simulated archive, and what it answers.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::{
    drops::FolderDrop,
    sim::{
        archive::{ArchiveSim, TAKEN},
        ledger::Ledger,
    },
    soap::Element,
};
use navette_domain::ports::ArchivedFile;
use std::fs;

struct Bench {
    folder: tempfile::TempDir,
    archive: SedaArchive,
    sim: ArchiveSim,
    ledger: Ledger,
}

const VERSIONS: [SedaVersion; 3] = [SedaVersion::V2_0, SedaVersion::V2_1, SedaVersion::V2_2];

fn config(version: SedaVersion) -> SedaConfig {
    SedaConfig {
        version,
        agreement: "CONV-SUBV".into(),
        archival_agency: "AD21".into(),
        transferring_agency: "DEP21".into(),
        appraisal_rule: "APP-10".into(),
        final_action: FinalAction::Destroy,
    }
}

fn bench(version: SedaVersion) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let (out, back) = (folder.path().join("out"), folder.path().join("back"));
    fs::create_dir(&out).unwrap();
    fs::create_dir(&back).unwrap();
    let ledger = Ledger::default();
    Bench {
        sim: ArchiveSim::new(ledger.clone(), &out, &back),
        archive: SedaArchive::new(
            config(version),
            Arc::new(FolderDrop::new(out)),
            Arc::new(FolderDrop::new(back)),
        ),
        folder,
        ledger,
    }
}

fn dossier() -> ArchiveTransfer {
    let letter = ArchivedFile {
        name: "Arrêté n° 12.PDF".into(),
        title: "Notification d'attribution".into(),
        media_type: "application/pdf".into(),
        bytes: b"%PDF-1.7 a signed letter %%EOF".to_vec(),
    };
    let history = ArchivedFile {
        name: "historique".into(),
        title: "Histoire du dossier".into(),
        media_type: "text/html".into(),
        bytes: b"<html>".to_vec(),
    };
    ArchiveTransfer {
        identifier: "NAV-2026-000123".into(),
        at: "2026-11-27T22:00:00.25Z".parse().unwrap(),
        title: "Dossier SUB-2026-12 <Fête & lac>\u{b}".into(),
        description: "Aide aux associations".into(),
        dossier_reference: "SUB-2026-12".into(),
        from: "2026-01-05".parse().unwrap(),
        to: "2026-11-01".parse().unwrap(),
        files: vec![letter, history],
    }
}

impl Bench {
    async fn hand_over(&self) {
        self.archive
            .transfer(&dossier(), Attempt::First)
            .await
            .unwrap();
    }

    async fn answer(&self) -> ArchiveAnswer {
        self.archive.answer("NAV-2026-000123").await.unwrap()
    }
}

#[tokio::test]
async fn a_transfer_is_handed_over_once_acknowledged_then_kept_in_every_version() {
    for version in VERSIONS {
        let bench = bench(version);
        bench.hand_over().await;
        assert_eq!(bench.answer().await, ArchiveAnswer::Waiting);
        bench
            .archive
            .transfer(&dossier(), Attempt::Again)
            .await
            .unwrap();
        bench.sim.acknowledge().unwrap();
        assert_eq!(bench.answer().await, ArchiveAnswer::Received);
        bench.sim.judge().unwrap();
        let granted = "2026-01-15T09:00:00Z".parse().unwrap();
        assert_eq!(bench.answer().await, ArchiveAnswer::Accepted(Some(granted)));
        assert_eq!(bench.ledger.keys(NEIGHBOUR, TAKEN), ["NAV-2026-000123"]);
        let other = bench.archive.answer("NAV-2026-000124").await.unwrap();
        assert_eq!(other, ArchiveAnswer::Waiting);
    }
}

#[tokio::test]
async fn a_package_that_was_damaged_on_its_way_is_refused_in_the_archive_s_words() {
    let bench = bench(SedaVersion::V2_1);
    bench.hand_over().await;
    let path = bench.folder.path().join("out/NAV-2026-000123.zip");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|four| four == b"%PDF").unwrap();
    bytes[at + 9] = b'X';
    fs::write(&path, bytes).unwrap();
    bench.sim.judge().unwrap();
    let ArchiveAnswer::Refused(said) = bench.answer().await else {
        unreachable!("the file is not the one that was described");
    };
    assert!(said.starts_with("code 101 : "), "{said}");
}

#[tokio::test]
async fn files_of_others_and_broken_ones_hide_no_answer() {
    let bench = bench(SedaVersion::V2_2);
    bench.hand_over().await;
    let back = bench.folder.path().join("back");
    fs::write(back.join("a.xml"), b"<not closed").unwrap();
    fs::write(
        back.join("b.xml"),
        b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
    )
    .unwrap();
    fs::write(back.join("c.txt"), b"hello").unwrap();
    let imposter = "<Acknowledgement xmlns='urn:other'><MessageReceivedIdentifier>\
                    NAV-2026-000123</MessageReceivedIdentifier></Acknowledgement>";
    fs::write(back.join("d.xml"), imposter).unwrap();
    assert_eq!(bench.answer().await, ArchiveAnswer::Waiting);
    bench.sim.acknowledge().unwrap();
    assert_eq!(bench.answer().await, ArchiveAnswer::Received);
}

#[tokio::test]
async fn a_transfer_without_files_or_with_an_identifier_that_is_none_does_not_leave() {
    let bench = bench(SedaVersion::V2_1);
    for transfer in [
        ArchiveTransfer {
            files: vec![],
            ..dossier()
        },
        ArchiveTransfer {
            identifier: "../NAV".into(),
            ..dossier()
        },
    ] {
        let refused = bench.archive.transfer(&transfer, Attempt::First).await;
        assert_eq!(refused.unwrap_err().class, FailureClass::Rejected);
    }
    assert_eq!(
        fs::read_dir(bench.folder.path().join("out"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn the_same_transfer_is_the_same_bytes() {
    let package = || zipped(&config(SedaVersion::V2_1), &dossier()).unwrap();
    assert_eq!(package(), package());
}

/// `make check-seda` holds these very files against the official schemas.
#[test]
fn the_manifests_are_those_that_were_validated() {
    for (version, name) in VERSIONS.into_iter().zip(["2.0", "2.1", "2.2"]) {
        let manifest = manifest::write(&config(version), &dossier());
        let parsed = Element::parse(manifest.as_bytes()).unwrap();
        assert_eq!(parsed.namespace, version.namespace());
        insta::assert_snapshot!(format!("transfer_{name}"), manifest);
    }
}
