//! A batch goes through a whole chain, with everybody obliging.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::support::{TestApp, run};
use navette::neighbourhood::Manners;
use navette_adapters::sim::ledger::Ledger;
use navette_domain::{
    batch::Batch,
    document::{DocumentStatus, Stage},
    dossier::DossierStatus,
    ids::{DocumentId, DossierId},
    ports::Neighbour,
};
use std::collections::BTreeSet;

/// How often each effect was applied, and on how many different keys.
fn effects(ledger: &Ledger) -> Vec<(Neighbour, &'static str, usize, usize)> {
    let entries = ledger.entries();
    let names: BTreeSet<_> = entries
        .iter()
        .map(|entry| (entry.neighbour, entry.effect))
        .collect();
    names
        .into_iter()
        .map(|(neighbour, effect)| {
            let keys = ledger.keys(neighbour, effect);
            (
                neighbour,
                effect,
                keys.len(),
                keys.iter().collect::<BTreeSet<_>>().len(),
            )
        })
        .collect()
}

#[test]
fn a_batch_of_dossiers_goes_through_the_whole_chain() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let mut dossiers: Vec<DossierId> = vec![];
        for reference in ["SUB-1", "SUB-2", "SUB-3"] {
            dossiers.push(test.granted(reference).await);
        }
        let batch = test.notify(&dossiers).await;
        for dossier in &dossiers {
            let document = DocumentId::of_dossier(batch, *dossier);
            test.until_status(document, DocumentStatus::Delivered).await;
            assert_eq!(test.dossier_status(*dossier).await, DossierStatus::Notified);
        }
        test.settle().await;
        test.until("the batch is complete", async || {
            matches!(
                test.app
                    .dispatcher
                    .load::<Batch>(batch.0)
                    .await
                    .unwrap()
                    .state,
                Batch::Completed(_)
            )
        })
        .await;
        insta::assert_debug_snapshot!(effects(&test.neighbours.ledger));
        test.end().await;
    });
}

#[test]
fn what_was_signed_is_what_is_attached_published_and_sent() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted("SUB-9").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        test.until_status(document, DocumentStatus::Delivered).await;
        let Stage::Delivered { pdf } = test.journey(document).await.stage else {
            panic!("delivered")
        };
        let contents = |neighbour, effect: &str| -> Vec<_> {
            let entries = test.neighbours.ledger.entries();
            entries
                .into_iter()
                .filter(|entry| entry.neighbour == neighbour && entry.effect == effect)
                .map(|entry| entry.content)
                .collect()
        };
        assert_eq!(
            contents(Neighbour::GrantsTool, "document attached"),
            [Some(pdf.file)]
        );
        assert_eq!(
            contents(Neighbour::PorteDocuments, "document deposited"),
            [Some(pdf.file)]
        );
        let sent = contents(Neighbour::IParapheur, "folder created");
        assert_ne!(
            sent,
            [Some(pdf.file)],
            "the signed PDF is not the one that was sent"
        );
        test.end().await;
    });
}

#[test]
fn one_table_is_made_for_the_whole_batch_and_needs_a_visa_only() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossiers = [test.granted("SUB-4").await, test.granted("SUB-5").await];
        let (batch, started) = test.start_batch("tableau-commission", &dossiers).await;
        assert_eq!(started.refused, []);
        test.until_status(DocumentId::of_batch(batch), DocumentStatus::Delivered)
            .await;
        test.settle().await;
        insta::assert_debug_snapshot!(effects(&test.neighbours.ledger));
        assert_eq!(
            test.dossier_status(dossiers[0]).await,
            DossierStatus::Granted
        );
        test.end().await;
    });
}
