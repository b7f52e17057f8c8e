//! What does not go well ends in a clear state with a sentence, the rest goes on, and a person can act.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    support::{TestApp, asks, profile, run},
    templates::letter_with,
};
use navette::neighbourhood::Manners;
use navette_adapters::sim::{
    iparapheur, nextcloud,
    wire::{Call, Fate, Mischief},
};
use navette_domain::{
    chain::StepId,
    document::{DocumentStatus, Stage},
    dossier::DossierStatus,
    ids::DocumentId,
    ports::Neighbour,
    third_party::Profile,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

#[test]
fn a_refused_visa_stops_its_letter_alone_and_a_retry_starts_it_over() {
    run(async {
        let refuses = Arc::new(AtomicBool::new(true));
        let mind = refuses.clone();
        let visa = nextcloud::Automatic {
            after: Duration::ZERO,
            reply: Arc::new(move |path| {
                if path.contains("SUB-1") && mind.load(Ordering::SeqCst) {
                    nextcloud::Reply::Reject("Le montant est à revoir".to_owned())
                } else {
                    nextcloud::Reply::Approve(None)
                }
            }),
        };
        let test = TestApp::start(Manners {
            visa: Some(visa),
            ..Manners::obliging()
        })
        .await;
        let (one, two) = (test.granted("SUB-1").await, test.granted("SUB-2").await);
        let batch = test.notify(&[one, two]).await;
        let (refused, other) = (
            DocumentId::of_dossier(batch, one),
            DocumentId::of_dossier(batch, two),
        );
        test.until_status(refused, DocumentStatus::VisaRefused)
            .await;
        test.until_status(other, DocumentStatus::Delivered).await;
        let Stage::VisaRefused { reason } = test.journey(refused).await.stage else {
            panic!("refused")
        };
        assert_eq!(reason, "Le montant est à revoir");

        refuses.store(false, Ordering::SeqCst);
        test.retry(refused).await.unwrap();
        test.until_status(refused, DocumentStatus::Delivered).await;
        assert_eq!(test.journey(refused).await.round, 2);
        test.end().await;
    });
}

#[test]
fn a_refused_signature_keeps_the_signatorys_reason_and_leaves_nothing_at_the_desk() {
    run(async {
        let signature = iparapheur::Automatic {
            after: Duration::ZERO,
            objection: Arc::new(|_, title| {
                title
                    .contains("SUB-1")
                    .then(|| "Bénéficiaire à vérifier".to_owned())
            }),
        };
        let test = TestApp::start(Manners {
            signature: Some(signature),
            ..Manners::obliging()
        })
        .await;
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        test.until_status(document, DocumentStatus::SignatureRefused)
            .await;
        let Stage::SignatureRefused { reason } = test.journey(document).await.stage else {
            panic!("refused")
        };
        assert_eq!(reason, "Bénéficiaire à vérifier");
        assert_eq!(test.dossier_status(dossier).await, DossierStatus::Granted);
        test.settle().await;
        assert_eq!(
            test.neighbours
                .ledger
                .keys(Neighbour::IParapheur, "folder erased")
                .len(),
            1
        );
        test.app
            .batches
            .cancel_document(&asks(), document, "Dossier à revoir")
            .await
            .unwrap();
        assert_eq!(test.status(document).await, DocumentStatus::Cancelled);
        test.end().await;
    });
}

#[test]
fn a_letter_that_the_desk_refused_goes_back_there_with_the_visa_that_it_has() {
    run(async {
        let objects = Arc::new(AtomicBool::new(true));
        let mind = objects.clone();
        let signature = iparapheur::Automatic {
            after: Duration::ZERO,
            objection: Arc::new(move |_, _| {
                let objects = mind.load(Ordering::SeqCst);
                objects.then(|| "Ce n'est pas ma délégation".to_owned())
            }),
        };
        let test = TestApp::start(Manners {
            signature: Some(signature),
            ..Manners::obliging()
        })
        .await;
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        let back_to = async |step: &str| {
            let (step, why) = (StepId(step.to_owned()), "délégation complétée");
            let batches = &test.app.batches;
            let asks = asks();
            let went = batches.restart_document(&asks, document, Some(&step), why);
            went.await.map(drop).map_err(|failure| failure.to_string())
        };
        let shown = async || -> (String, i32, Option<String>, Option<String>) {
            test.settle().await;
            sqlx::query_as("SELECT stage, round, pdf, office FROM documents")
                .fetch_one(&test.app.pool)
                .await
                .unwrap()
        };
        let refused = DocumentStatus::SignatureRefused;
        test.until_status(document, refused).await;
        let (stage, round, pdf, office) = shown().await;
        assert_eq!((stage.as_str(), round), ("signature_refused", 1));
        let told = back_to("register").await.unwrap_err();
        assert!(told.contains("« register »"), "{told}");
        back_to("sign").await.unwrap();
        test.until("it was refused again", async || {
            let journey = test.journey(document).await;
            journey.round == 2 && journey.status() == refused
        })
        .await;
        assert_eq!(shown().await, (stage, 2, pdf, office));
        objects.store(false, Ordering::SeqCst);
        back_to("sign").await.unwrap();
        test.until_status(document, DocumentStatus::Delivered).await;
        let once: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM events
             WHERE event_type IN ('document.merged', 'document.converted', 'document.visaed')",
        )
        .fetch_one(&test.app.pool)
        .await
        .unwrap();
        assert_eq!(once, 3);
        test.end().await;
    });
}

#[test]
fn a_beneficiary_without_e_mail_is_completed_then_the_letter_goes_on() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted("SUB-1").await;
        let complete = profile("SUB-1");
        test.profile(
            Profile {
                email: None,
                ..complete.clone()
            },
            true,
        )
        .await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        let sentence = test.until_stopped(document).await;
        assert_eq!(
            sentence,
            "Le bénéficiaire du dossier SUB-1 n'a pas d'adresse électronique : complétez le tiers, puis relancez."
        );
        test.profile(complete, true).await;
        test.retry(document).await.unwrap();
        test.until_status(document, DocumentStatus::Delivered).await;
        assert_eq!(
            test.neighbours.ledger.keys(Neighbour::Smtp, "mail").len(),
            1
        );
        test.end().await;
    });
}

/// A neighbour that is down for its first calls.
struct Down(Neighbour, AtomicUsize);
impl Mischief for Down {
    fn before(&self, call: &Call) -> Fate {
        let left = call.neighbour == self.0
            && self
                .1
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        if left { Fate::Unavailable } else { Fate::Serve }
    }
}

#[test]
fn a_neighbour_that_is_down_for_a_while_delays_the_letters_and_stops_none() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        test.neighbours
            .meddler
            .becomes(Down(Neighbour::MaarchCourrier, AtomicUsize::new(12)));
        let dossiers = [test.granted("SUB-1").await, test.granted("SUB-2").await];
        let batch = test.notify(&dossiers).await;
        for dossier in dossiers {
            test.until_status(
                DocumentId::of_dossier(batch, dossier),
                DocumentStatus::Delivered,
            )
            .await;
        }
        assert_eq!(
            test.neighbours
                .ledger
                .keys(Neighbour::MaarchCourrier, "resource created")
                .len(),
            2
        );
        test.end().await;
    });
}

#[test]
fn a_batch_that_is_paused_waits_and_goes_on_when_resumed() {
    run(async {
        let test = TestApp::start(Manners {
            signature: None,
            ..Manners::obliging()
        })
        .await;
        let dossier = test.granted("SUB-1").await;
        let batch = test.notify(&[dossier]).await;
        let document = DocumentId::of_dossier(batch, dossier);
        test.until_status(document, DocumentStatus::InSignature)
            .await;
        test.app.batches.pause(&asks(), batch).await.unwrap();
        let effects = test.app.effects("observer");
        test.until("nothing of the batch is under way", async || {
            effects
                .claim(Neighbour::IParapheur, 8)
                .await
                .unwrap()
                .is_empty()
        })
        .await;
        let folder = test.neighbours.iparapheur.running().pop().unwrap();
        test.neighbours.iparapheur.sign(&folder).unwrap();
        assert_eq!(test.status(document).await, DocumentStatus::InSignature);
        test.app.batches.resume(&asks(), batch).await.unwrap();
        test.until_status(document, DocumentStatus::Delivered).await;
        test.end().await;
    });
}

#[test]
fn a_cancelled_batch_is_taken_back_from_those_who_have_not_answered() {
    run(async {
        let test = TestApp::start(Manners {
            signature: None,
            ..Manners::obliging()
        })
        .await;
        let dossiers = [test.granted("SUB-1").await, test.granted("SUB-2").await];
        let batch = test.notify(&dossiers).await;
        for dossier in dossiers {
            test.until_status(
                DocumentId::of_dossier(batch, dossier),
                DocumentStatus::InSignature,
            )
            .await;
        }
        assert_eq!(test.neighbours.iparapheur.running().len(), 2);
        test.app
            .batches
            .cancel(&asks(), batch, "Commission reportée")
            .await
            .unwrap();
        for dossier in dossiers {
            assert_eq!(
                test.status(DocumentId::of_dossier(batch, dossier)).await,
                DocumentStatus::Cancelled
            );
        }
        test.settle().await;
        assert_eq!(test.neighbours.iparapheur.running().len(), 0);
        test.end().await;
    });
}

#[test]
fn a_dossier_that_the_chain_does_not_take_is_left_out_with_a_sentence() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted("SUB-1").await;
        let batch = test.notify(&[dossier]).await;
        test.until_status(
            DocumentId::of_dossier(batch, dossier),
            DocumentStatus::Delivered,
        )
        .await;
        let other = test.granted("SUB-2").await;
        let (_, started) = test
            .start_batch("notification-attribution", &[dossier, other])
            .await;
        let sentences: Vec<_> = started
            .refused
            .iter()
            .map(|refused| refused.sentence.as_str())
            .collect();
        assert_eq!(
            sentences,
            [
                "Le dossier SUB-1 est « notifié » : la chaîne « Notification d'attribution » prend les dossiers « accordé »."
            ]
        );
        test.end().await;
    });
}

#[test]
fn a_misspelt_field_stops_its_letters_and_a_corrected_template_serves_a_new_batch() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        // A field that no dossier is sure to have is a warning at the upload, and a fault at the merge.
        let misspelt = letter_with("beneficiaire.nom", "dossier.champs.cantn");
        test.upload("lettre-attribution", "lettre.odt", &misspelt)
            .await;
        let dossiers = [test.granted("SUB-1").await, test.granted("SUB-2").await];
        let batch = test.notify(&dossiers).await;
        for dossier in dossiers {
            let sentence = test
                .until_stopped(DocumentId::of_dossier(batch, dossier))
                .await;
            assert!(
                sentence.contains(
                    "champ inconnu `dossier.champs.cantn` ; vouliez-vous dire `dossier.champs.canton` ?"
                ),
                "{sentence}"
            );
        }
        // The rest goes on.
        let (sheets, _) = test.start_batch("tableau-commission", &dossiers).await;
        test.until_status(DocumentId::of_batch(sheets), DocumentStatus::Delivered)
            .await;

        let cancelled = test
            .app
            .batches
            .cancel(&asks(), batch, "Modèle à corriger")
            .await;
        cancelled.unwrap();
        let letter = include_bytes!("../../examples/templates/lettre-attribution.odt");
        test.upload("lettre-attribution", "lettre.odt", letter)
            .await;
        test.settle().await;
        let batch = test.notify(&dossiers).await;
        for dossier in dossiers {
            test.until_status(
                DocumentId::of_dossier(batch, dossier),
                DocumentStatus::Delivered,
            )
            .await;
        }
        test.end().await;
    });
}
