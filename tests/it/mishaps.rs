//! What an auditor would try: a step that panics, an act that comes after its cancellation, commits that
//! cannot be written, two clerks with the same idea.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::support::{TestApp, asks, profile, quick, run};
use async_trait::async_trait;
use futures::FutureExt as _;
use navette::{
    dispatch::DispatchFailure,
    neighbourhood::Manners,
    steps::Ports,
    unit::{Belonging, Envelope, Unit},
    workers::RetryPolicy,
};
use navette_adapters::{
    log::{AppendRefusal, Log},
    pdf::{Signatories, SignatoriesConfig},
    sim::iparapheur::{Oddity, authority::Authority},
    sim::wire::{Call, Delivery, Fate, Mischief},
};
use navette_domain::{
    chain::{Effect, StepId, Work},
    digest::Digest,
    document::{DocumentEvent, DocumentStatus, Stage},
    dossier::{Dossier, DossierCommand, DossierStatus},
    event::Event,
    ids::{BatchId, DocumentId, DossierId, EffectId, SignatureId},
    ports::{Answer, Email, FailureClass, FileStore, Neighbour, PortFailure, Postman, StoreResult},
    signature::Signature,
    third_party::{Profile, ThirdParty, ThirdPartyCommand},
};
use navette_projections::batches;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use uuid::Uuid;

async fn cancel_document(test: &TestApp, document: DocumentId, reason: &str) {
    let batches = &test.app.batches;
    let cancelled = batches.cancel_document(&asks(), document, reason).await;
    cancelled.unwrap();
}

async fn cancel(test: &TestApp, batch: BatchId, reason: &str) {
    let cancelled = test.app.batches.cancel(&asks(), batch, reason).await;
    cancelled.unwrap();
}

async fn reopen_for(test: &TestApp, dossier: DossierId, reason: &str) {
    let command = DossierCommand::Reopen {
        reason: reason.to_owned(),
        at: test.app.clock.now(),
    };
    let dispatcher = &test.app.dispatcher;
    let reopened = dispatcher
        .dispatch::<Dossier>(&asks(), dossier.0, command)
        .await;
    reopened.unwrap();
}

fn unattended() -> Manners {
    Manners {
        signature: None,
        ..Manners::obliging()
    }
}

/// A relay whose first sendings panic.
struct Panics(AtomicUsize, Arc<dyn Postman>);

#[async_trait]
impl Postman for Panics {
    async fn send(&self, email: &Email) -> Answer<()> {
        let spend = |left: usize| left.checked_sub(1);
        let left = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend);
        assert!(left.is_err(), "a bug of ours");
        self.1.send(email).await
    }
}

#[test]
fn a_step_that_panics_is_tried_again_and_takes_no_place_for_ever() {
    run(async {
        // More often than effects of one neighbour are carried out at once.
        let panics = |ports: Ports| Ports {
            postman: Arc::new(Panics(AtomicUsize::new(12), ports.postman.clone())),
            ..ports
        };
        let test = TestApp::start_among(Manners::obliging(), quick(), panics).await;
        let dossier = test.granted("SUB-1").await;
        let batch = test.notify(&[dossier]).await;
        test.until_status(
            DocumentId::of_dossier(batch, dossier),
            DocumentStatus::Delivered,
        )
        .await;
        test.end().await;
    });
}

/// A store that finds nothing while it is told to forget.
struct Forgetful {
    forgets: Arc<AtomicBool>,
    /// Whether the batch has started, which reads its template once.
    started: AtomicBool,
    files: Arc<dyn FileStore>,
}

#[async_trait]
impl FileStore for Forgetful {
    async fn put(&self, bytes: Vec<u8>) -> StoreResult<Digest> {
        self.files.put(bytes).await
    }
    async fn get(&self, digest: Digest) -> StoreResult<Option<Vec<u8>>> {
        if self.started.swap(true, Ordering::SeqCst) && self.forgets.load(Ordering::SeqCst) {
            return Ok(None);
        }
        self.files.get(digest).await
    }
    async fn remove(&self, digest: Digest) -> StoreResult<()> {
        self.files.remove(digest).await
    }
}

#[test]
fn a_fault_of_our_own_calls_a_person_in_the_end_and_a_retry_then_works() {
    run(async {
        let forgets = Arc::new(AtomicBool::new(true));
        let told = forgets.clone();
        let policy = RetryPolicy {
            failures: 3,
            ..quick()
        };
        let test = TestApp::start_among(Manners::obliging(), policy, move |ports| Ports {
            files: Arc::new(Forgetful {
                forgets: told,
                started: AtomicBool::new(false),
                files: ports.files.clone(),
            }),
            ..ports
        })
        .await;
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        assert_eq!(
            test.until_stopped(document).await,
            "Une erreur interne de Navette empêche cette étape (3 essais) : signalez-la à l'administrateur, puis relancez."
        );
        forgets.store(false, Ordering::SeqCst);
        test.retry(document).await.unwrap();
        test.until_status(document, DocumentStatus::Delivered).await;
        test.end().await;
    });
}

#[test]
fn a_step_that_stops_every_process_that_tries_it_calls_a_person_instead() {
    run(async {
        let test = TestApp::start(unattended()).await;
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        test.until_status(document, DocumentStatus::InSignature)
            .await;
        // As if processes had died on it, which leaves it due; nothing is changed while somebody carries it out.
        let spoil = async || {
            let statement = "UPDATE effects SET failures = 1000, run_at = clock_timestamp() WHERE lease_token IS NULL";
            let spoilt = sqlx::query(statement).execute(&test.app.pool).await;
            spoilt.unwrap().rows_affected() == 1
        };
        test.until("the effect waits", spoil).await;
        let sentence = test.until_stopped(document).await;
        assert!(sentence.starts_with("Une erreur interne"), "{sentence}");
        let folder = test.neighbours.iparapheur.running().pop().unwrap();
        test.neighbours.iparapheur.sign(&folder).unwrap();
        test.retry(document).await.unwrap();
        test.until_status(document, DocumentStatus::Delivered).await;
        test.end().await;
    });
}

/// A relay that makes its first caller wait, then fails it or not.
struct Gate {
    calls: AtomicUsize,
    reached: Arc<Notify>,
    opened: Arc<Notify>,
    fails: bool,
    relay: Arc<dyn Postman>,
}

#[async_trait]
impl Postman for Gate {
    async fn send(&self, email: &Email) -> Answer<()> {
        if self.calls.fetch_add(1, Ordering::SeqCst) > 0 {
            return self.relay.send(email).await;
        }
        self.reached.notify_one();
        self.opened.notified().await;
        if !self.fails {
            return self.relay.send(email).await;
        }
        Err(PortFailure::new(
            Neighbour::Smtp,
            FailureClass::Transient,
            "en panne",
        ))
    }
}

/// A document that is cancelled while its letter is being sent; the sending then fails or not.
async fn cancelled_while_it_is_sent(fails: bool) -> (TestApp, DocumentId) {
    let (reached, opened) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tells, waits) = (reached.clone(), opened.clone());
    let test = TestApp::start_among(Manners::obliging(), quick(), move |ports| Ports {
        postman: Arc::new(Gate {
            calls: AtomicUsize::new(0),
            reached: tells,
            opened: waits,
            fails,
            relay: ports.postman.clone(),
        }),
        ..ports
    })
    .await;
    let dossier = test.granted("SUB-1").await;
    let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
    reached.notified().await;
    cancel_document(&test, document, "Erreur").await;
    opened.notify_one();
    (test, document)
}

#[test]
fn what_succeeds_while_its_document_is_cancelled_is_over_and_records_nothing() {
    run(async {
        let (test, document) = cancelled_while_it_is_sent(false).await;
        test.settle().await;
        let sent = test.neighbours.ledger.keys(Neighbour::Smtp, "mail");
        assert_eq!(sent.len(), 1, "once on its way, it is not asked for again");
        let log = test.app.dispatcher.log();
        let events = log.read(0, i64::MAX).await.unwrap().events;
        let mut of_document = events.iter().filter_map(|recorded| match &recorded.event {
            Event::Document(event) if recorded.stream_id == document.0 => Some(event),
            _ => None,
        });
        let last = of_document.next_back().unwrap();
        assert!(matches!(last, DocumentEvent::Cancelled { .. }), "{last:?}");
        test.end().await;
    });
}

#[test]
fn what_fails_while_its_document_is_cancelled_is_not_tried_again() {
    run(async {
        let (test, _) = cancelled_while_it_is_sent(true).await;
        test.settle().await;
        let sent = test.neighbours.ledger.keys(Neighbour::Smtp, "mail");
        assert_eq!(
            sent,
            Vec::<String>::new(),
            "a cancelled letter leaves no more"
        );
        test.end().await;
    });
}

/// A Nextcloud that loses the answer to the first upload, and is down from then on until told otherwise.
struct FallsAfterUpload(AtomicBool, Arc<AtomicBool>);

impl Mischief for FallsAfterUpload {
    fn before(&self, call: &Call) -> Fate {
        let down = self.1.load(Ordering::SeqCst) && self.0.load(Ordering::SeqCst);
        if call.neighbour == Neighbour::Nextcloud && down {
            Fate::Unavailable
        } else {
            Fate::Serve
        }
    }
    fn applied(&self, call: &Call) -> Delivery {
        if call.operation == "PUT" && !self.0.swap(true, Ordering::SeqCst) {
            Delivery::Lose
        } else {
            Delivery::Answer
        }
    }
}

#[test]
fn what_circulates_without_our_having_heard_of_it_is_taken_back_by_a_cancellation() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let down = Arc::new(AtomicBool::new(true));
        test.neighbours
            .meddler
            .becomes(FallsAfterUpload(AtomicBool::new(false), down.clone()));
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        let uploaded = async || !test.neighbours.nextcloud.files().is_empty();
        test.until("the file is there, unknown to us", uploaded)
            .await;
        cancel_document(&test, document, "Erreur").await;
        down.store(false, Ordering::SeqCst);
        test.settle().await;
        assert_eq!(test.neighbours.nextcloud.files(), Vec::<String>::new());
        test.end().await;
    });
}

#[test]
fn what_is_signed_while_it_is_being_cancelled_is_kept_and_told() {
    run(async {
        let policy = RetryPolicy {
            poll_ms: 3_600_000,
            ..quick()
        };
        let test = TestApp::start_with(unattended(), policy).await;
        // Nobody looks again for an hour: the visa must be there at the first look.
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        test.until_status(document, DocumentStatus::InSignature)
            .await;
        let Stage::InSignature { signature, .. } = test.journey(document).await.stage else {
            panic!("in signature")
        };
        let folder = test.neighbours.iparapheur.running().pop().unwrap();
        test.neighbours.iparapheur.sign(&folder).unwrap();
        cancel_document(&test, document, "Erreur").await;
        test.settle().await;
        assert_eq!(test.status(document).await, DocumentStatus::Cancelled);
        let Signature::Archived { pdf, .. } = passage(&test, signature).await else {
            panic!("the history tells that it was signed")
        };
        assert!(test.app.ports.files.get(pdf).await.unwrap().is_some());
        test.end().await;
    });
}

#[test]
fn a_letter_signed_under_an_authority_that_the_site_does_not_know_goes_no_further() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.der");
        let authority = Authority::new("Autorité de signature").unwrap();
        std::fs::write(&ca, authority.certificate()).unwrap();
        let config = SignatoriesConfig {
            authorities: Some(ca),
            ..SignatoriesConfig::default()
        };
        let signatories = Arc::new(Signatories::new(&config).unwrap());
        let test = TestApp::start_among(Manners::obliging(), quick(), |ports| Ports {
            signatories,
            ..ports
        })
        .await;
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        let sentence = test.until_stopped(document).await;
        assert!(
            sentence.contains("n'est délivré par aucune des autorités reconnues"),
            "{sentence}"
        );
        assert_eq!(test.status(document).await, DocumentStatus::InSignature);
        let ledger = &test.neighbours.ledger;
        let archived = ledger.keys(Neighbour::IParapheur, "folder archived");
        assert_eq!(archived, Vec::<String>::new());
        test.end().await;
    });
}

#[test]
fn what_the_desk_brings_back_that_is_no_signed_letter_stops_the_document_and_goes_no_further() {
    run(async {
        let policy = RetryPolicy {
            failures: 3,
            ..quick()
        };
        let test = TestApp::start_with(unattended(), policy).await;
        let desk = &test.neighbours.iparapheur;
        let odd = [
            (Oddity::Unsigned, 1, "n'est pas acceptable"),
            (Oddity::TruncatedPdf, 1, "abîmé ou incomplet"),
            (Oddity::PageForPdf, 1, "n'est pas un PDF"),
            // These may be a breakdown: the desk is asked again before a person is called.
            (Oddity::TruncatedBase64, 3, "(3 essais)"),
            (Oddity::PageForAnswer, 3, "(3 essais)"),
        ];
        let mut documents = Vec::new();
        for (oddity, times, reason) in odd {
            let dossier = test.granted(&format!("SUB-{oddity:?}")).await;
            let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
            test.until_status(document, DocumentStatus::InSignature)
                .await;
            for _ in 0..times {
                desk.misbehaves("GetDossier", oddity);
            }
            desk.sign(&desk.running().pop().unwrap()).unwrap();
            let sentence = test.until_stopped(document).await;
            assert!(sentence.contains(reason), "{oddity:?}: {sentence}");
            assert_eq!(test.status(document).await, DocumentStatus::InSignature);
            documents.push(document);
        }
        let entries = test.neighbours.ledger.entries();
        let further: Vec<_> = (entries.iter())
            .filter(|entry| entry.neighbour != Neighbour::Nextcloud)
            .filter(|entry| entry.effect != "folder created")
            .collect();
        assert!(further.is_empty(), "{further:?}");
        for document in documents {
            test.retry(document).await.unwrap();
            test.until_status(document, DocumentStatus::Delivered).await;
        }
        test.end().await;
    });
}

async fn passage(test: &TestApp, signature: SignatureId) -> Signature {
    let loaded = test.app.dispatcher.load::<Signature>(signature.0).await;
    loaded.unwrap().state
}

#[test]
fn a_document_cancelled_in_a_paused_batch_is_taken_back_and_the_batch_ends_without_a_hold() {
    run(async {
        let test = TestApp::start(unattended()).await;
        let dossier = test.granted("SUB-1").await;
        let batch = test.notify(&[dossier]).await;
        let document = DocumentId::of_dossier(batch, dossier);
        test.until_status(document, DocumentStatus::InSignature)
            .await;
        test.app.batches.pause(&asks(), batch).await.unwrap();
        cancel_document(&test, document, "Erreur").await;
        test.settle().await;
        assert_eq!(test.neighbours.iparapheur.running(), Vec::<String>::new());
        let held: i64 = sqlx::query_scalar("SELECT count(*) FROM batch_holds")
            .fetch_one(&test.app.pool)
            .await
            .unwrap();
        assert_eq!(held, 0);
        test.end().await;
    });
}

#[test]
fn a_large_batch_is_cancelled_while_its_documents_move() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let mut dossiers = vec![];
        for number in 0..150 {
            dossiers.push(test.granted(&format!("SUB-{number}")).await);
        }
        let batch = test.notify(&dossiers).await;
        let merged = async || {
            let first = test
                .status(DocumentId::of_dossier(batch, dossiers[0]))
                .await;
            first != DocumentStatus::Requested
        };
        test.until("the letters are being merged", merged).await;
        cancel(&test, batch, "Reportée").await;
        for dossier in dossiers {
            let document = DocumentId::of_dossier(batch, dossier);
            assert_eq!(test.status(document).await, DocumentStatus::Cancelled);
        }
        test.end().await;
    });
}

#[test]
fn a_command_over_several_streams_is_decided_again_however_often_the_others_move() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted("SUB-1").await;
        let dispatcher = &test.app.dispatcher;
        let seen = dispatcher.load::<Dossier>(dossier.0).await.unwrap();
        let envelope = Envelope {
            expected_version: Some(seen.version),
            ..asks()
        };
        let (moves, at) = (&AtomicUsize::new(0), test.app.clock.now());
        let taken = dispatcher.commit(&envelope, |mut unit: Unit| {
            let (test, envelope) = (&test, &envelope);
            async move {
                let mut main = dispatcher.load::<Dossier>(dossier.0).await?;
                envelope.expects(main.version)?;
                let profile = profile("SUB-1");
                let party = profile.derived_id(profile.name.reveal()).0;
                let mut other = dispatcher.load::<ThirdParty>(party).await?;
                // Somebody is faster, thirty times.
                let moved = moves.fetch_add(1, Ordering::SeqCst);
                if moved < 30 {
                    let renamed = Profile {
                        rna: None,
                        applicant_account: Some(format!("usager-{moved}")),
                        ..profile.clone()
                    };
                    test.profile(renamed, true).await;
                }
                let reason = "pièce manquante".to_owned();
                let reopen = DossierCommand::Reopen { reason, at };
                unit.decide(dossier.0, &mut main, Belonging::default(), reopen)
                    .map_err(|refusal| DispatchFailure::Fault(refusal.into()))?;
                let amend = ThirdPartyCommand::Amend { profile, at };
                unit.decide(party, &mut other, Belonging::default(), amend)
                    .map_err(DispatchFailure::Refused)?;
                Ok(unit)
            }
            .boxed()
        });
        taken.await.unwrap();
        assert_eq!(moves.load(Ordering::SeqCst), 31);
        test.end().await;
    });
}

#[test]
fn a_commit_that_cannot_be_written_does_not_take_others_with_it() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let log = Log::of_tests(test.app.pool.clone());
        let effect = |step: &str| Effect {
            id: EffectId(Uuid::now_v7()),
            document: DocumentId(Uuid::now_v7()),
            batch: BatchId(Uuid::now_v7()),
            step: StepId(step.to_owned()),
            work: Work::Register,
            doubtful: false,
        };
        let commit = |step: Option<&str>| {
            let mut unit = Unit::new(&asks(), test.app.clock.now());
            if let Some(step) = step {
                unit.begin(effect(step));
            }
            unit.into_commit()
        };
        // While the first waits for the order lock, the others gather behind it.
        let mut holder = test.app.pool.begin().await.unwrap();
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(0x4e_4156_4554_5445_i64)
            .execute(&mut *holder)
            .await
            .unwrap();
        let (first, unwritable, sound) = (
            log.append(commit(None)),
            log.append(commit(Some("no\0text"))),
            log.append(commit(None)),
        );
        let release = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            holder.rollback().await.unwrap();
        };
        let (first, unwritable, sound, ()) = tokio::join!(first, unwritable, sound, release);
        assert!(first.is_ok());
        assert!(matches!(unwritable, Err(AppendRefusal::Fault(_))));
        assert!(sound.is_ok(), "{sound:?}");
        test.end().await;
    });
}

#[test]
fn a_character_that_the_database_cannot_hold_stops_no_read_model() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted("SUB-1").await;
        reopen_for(&test, dossier, "pièce\0 manquante").await;
        test.settle().await;
        test.end().await;
    });
}

#[test]
fn a_neighbour_that_asks_for_thirty_years_of_patience_is_called_again_before() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        test.neighbours.grants_tool.throttle(1, 1_000_000_000);
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        test.until_status(document, DocumentStatus::Delivered).await;
        test.end().await;
    });
}

#[test]
fn two_rebuilds_at_once_do_not_fill_each_others_copy() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        for number in 0..20 {
            test.granted(&format!("SUB-{number}")).await;
        }
        test.settle().await;
        let log = test.app.dispatcher.log();
        for projector in test.app.projections.projectors() {
            let rebuild = || navette::workers::rebuild(log, projector.as_ref(), false);
            let (one, two) = tokio::join!(rebuild(), rebuild());
            one.unwrap();
            two.unwrap();
        }
        test.end().await;
    });
}

#[test]
fn a_dossier_whose_letter_is_under_way_does_not_get_another_from_a_second_batch() {
    run(async {
        let test = TestApp::start(unattended()).await;
        let dossiers = [test.granted("SUB-1").await, test.granted("SUB-2").await];
        let batch = test.notify(&dossiers[..1]).await;
        let document = DocumentId::of_dossier(batch, dossiers[0]);
        test.until_status(document, DocumentStatus::InSignature)
            .await;
        test.app.projections.catch_up().await.unwrap();
        let chain = "notification-attribution";
        let (second, started) = test.start_batch(chain, &dossiers).await;
        let refused: Vec<_> = started
            .refused
            .iter()
            .map(|r| r.sentence.as_str())
            .collect();
        assert_eq!(
            refused,
            [
                "Le dossier SUB-1 a déjà un document en cours dans cette chaîne : attendez qu'il soit remis, ou annulez-le."
            ]
        );
        // Once it is given up, it may be taken again; another chain takes it meanwhile.
        let (_, other) = test.start_batch("tableau-commission", &dossiers[..1]).await;
        assert_eq!(other.refused, []);
        for batch in [batch, second] {
            cancel(&test, batch, "Erreur").await;
        }
        test.settle().await;
        let (again, started) = test.start_batch(chain, &dossiers[..1]).await;
        assert_eq!(started.refused, []);
        cancel(&test, again, "Erreur").await;
        test.end().await;
    });
}

#[test]
fn a_decision_that_is_no_longer_in_force_is_not_notified() {
    run(async {
        let test = TestApp::start(unattended()).await;
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        test.until_status(document, DocumentStatus::InSignature)
            .await;
        reopen(&test, dossier).await;
        let folder = test.neighbours.iparapheur.running().pop().unwrap();
        test.neighbours.iparapheur.sign(&folder).unwrap();
        assert_eq!(
            test.until_stopped(document).await,
            "Le dossier est « en instruction » : notifier la décision n'est pas possible à ce stade. Remettez le dossier en état et relancez, ou annulez le document."
        );
        assert_eq!(test.neighbours.grants_tool.status("SUB-1"), None);
        cancel_document(&test, document, "Rouvert").await;
        test.end().await;
    });
}

async fn reopen(test: &TestApp, dossier: DossierId) {
    reopen_for(test, dossier, "pièce manquante").await;
    assert_eq!(
        test.dossier_status(dossier).await,
        DossierStatus::UnderInstruction
    );
}

#[test]
fn no_letter_is_made_of_a_dossier_that_changed_since_its_batch_started() {
    run(async {
        let test = TestApp::start(Manners {
            visa: None,
            ..unattended()
        })
        .await;
        let dossier = test.granted("SUB-1").await;
        let batch = test.notify(&[dossier]).await;
        let document = DocumentId::of_dossier(batch, dossier);
        test.until_status(document, DocumentStatus::InVisa).await;
        let file = test.neighbours.nextcloud.files().pop().unwrap();
        assert!(test.neighbours.nextcloud.reject(&file, "À revoir"));
        test.until_status(document, DocumentStatus::VisaRefused)
            .await;
        reopen(&test, dossier).await;
        test.retry(document).await.unwrap();
        assert_eq!(
            test.until_stopped(document).await,
            "Le dossier SUB-1 est maintenant « en instruction », ce que cette chaîne ne prend pas : annulez le document, ou remettez le dossier en état et relancez."
        );
        cancel(&test, batch, "Rouvert").await;
        test.settle().await;
        assert_eq!(
            batches::ended(&test.app.pool).await.unwrap(),
            Vec::<Uuid>::new()
        );
        test.end().await;
    });
}
