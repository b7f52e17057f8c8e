//! Effects in a real PostgreSQL: who is served first, who may not act, and who acts no more.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use crate::{
    log::{
        AppendRefusal, Commit, FinishedEffect, Log,
        tests::{MIGRATIONS, log_of, nothing},
    },
    postgres::test_cluster::TestDatabase,
};
use futures::future::join_all;
use navette_domain::{
    gate::{Gate, Limits, Share},
    ids::SignatureId,
    ports::Tray,
};
use sqlx::Row as _;
use std::{collections::HashSet, num::NonZeroU32};

const DESK: Neighbour = Neighbour::PorteDocuments;
const LONG: Duration = Duration::from_mins(1);

async fn open() -> (TestDatabase, Log) {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    (database, log)
}

fn worker(database: &TestDatabase, name: &str, lease: Duration) -> Effects {
    Effects::new(database.pool.clone(), name.to_owned(), lease)
}

fn effect(batch: BatchId) -> Effect {
    Effect {
        id: EffectId(Uuid::now_v7()),
        document: DocumentId(Uuid::now_v7()),
        batch,
        step: StepId("publish".into()),
        work: Work::Publish,
        doubtful: false,
    }
}

/// Begins so many effects of a batch, each of a document of its own.
async fn begin(log: &Log, batch: BatchId, count: usize) -> Vec<EffectId> {
    let begun: Vec<Effect> = (0..count).map(|_| effect(batch)).collect();
    let ids = begun.iter().map(|effect| effect.id).collect();
    log.append(Commit { begun, ..nothing() }).await.unwrap();
    ids
}

fn of_batch(claimed: &[Claimed], batch: BatchId) -> usize {
    claimed
        .iter()
        .filter(|claimed| claimed.effect.batch == batch)
        .count()
}

fn finishing(claimed: &Claimed) -> Commit {
    let finished = FinishedEffect {
        id: claimed.effect.id,
        lease: claimed.lease,
    };
    Commit {
        finished: Some(finished),
        ..nothing()
    }
}

fn batch() -> BatchId {
    BatchId(Uuid::now_v7())
}

#[tokio::test]
async fn a_batch_of_ten_is_not_stuck_behind_one_of_a_thousand() {
    let (database, log) = open().await;
    let (large, small) = (batch(), batch());
    begin(&log, large, 1_000).await;
    begin(&log, small, 10).await;
    let worker = worker(&database, "a", LONG);
    let first = worker.claim(DESK, 8).await.unwrap();
    assert_eq!((of_batch(&first, large), of_batch(&first, small)), (4, 4));
    let then = worker.claim(DESK, 12).await.unwrap();
    assert_eq!((of_batch(&then, large), of_batch(&then, small)), (6, 6));
    let last = worker.claim(DESK, 8).await.unwrap();
    assert_eq!((of_batch(&last, large), of_batch(&last, small)), (8, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_workers_ever_claim_the_same_effect() {
    let (database, log) = open().await;
    let begun: HashSet<EffectId> = begin(&log, batch(), 100).await.into_iter().collect();
    let claims = (0..4).map(|rank| {
        let worker = worker(&database, &format!("worker {rank}"), LONG);
        tokio::spawn(async move {
            let mut all = Vec::new();
            // Those that another worker is claiming at this instant are passed over: ask again.
            while worker.waiting_for_nobody().await > 0 {
                all.extend(worker.claim(DESK, 7).await.unwrap());
            }
            all
        })
    });
    let mut claimed = Vec::new();
    for claims in join_all(claims).await {
        claimed.extend(claims.unwrap().into_iter().map(|claimed| claimed.effect.id));
    }
    assert_eq!(claimed.len(), begun.len());
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), begun);
}

impl Effects {
    async fn waiting_for_nobody(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM effects WHERE lease_token IS NULL")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_held_batch_waits_and_a_neighbour_left_alone_too() {
    let (database, log) = open().await;
    let (held, other) = (batch(), batch());
    begin(&log, held, 2).await;
    begin(&log, other, 2).await;
    let hold = |held, holds| Commit {
        held: vec![(held, holds)],
        ..nothing()
    };
    log.append(hold(held, true)).await.unwrap();
    let worker = worker(&database, "a", LONG);
    let claimed = worker.claim(DESK, 8).await.unwrap();
    assert_eq!(
        (of_batch(&claimed, held), of_batch(&claimed, other)),
        (0, 2)
    );
    log.append(hold(held, false)).await.unwrap();
    worker
        .hold_neighbour(DESK, LONG, "Le compte est refusé.")
        .await
        .unwrap();
    assert_eq!(worker.claim(DESK, 8).await.unwrap(), []);
    worker
        .hold_neighbour(DESK, Duration::ZERO, "")
        .await
        .unwrap();
    assert_eq!(of_batch(&worker.claim(DESK, 8).await.unwrap(), held), 2);
}

#[tokio::test]
async fn a_document_has_one_effect_under_way_at_a_time() {
    let (database, log) = open().await;
    let first = effect(batch());
    let second = Effect {
        id: EffectId(Uuid::now_v7()),
        ..first.clone()
    };
    let oldest = first.id;
    let begun = vec![first, second];
    log.append(Commit { begun, ..nothing() }).await.unwrap();
    let worker = worker(&database, "a", LONG);
    let claimed = worker.claim(DESK, 8).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].effect.id, oldest);
    assert_eq!(worker.claim(DESK, 8).await.unwrap(), []);
    log.append(finishing(&claimed[0])).await.unwrap();
    assert_eq!(worker.claim(DESK, 8).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_lease_that_ended_is_free_again_and_its_old_holder_can_report_nothing() {
    let (database, log) = open().await;
    begin(&log, batch(), 1).await;
    let frozen = worker(&database, "frozen", Duration::ZERO);
    let old = frozen.claim(DESK, 1).await.unwrap().remove(0);
    let heir = worker(&database, "heir", LONG);
    assert_eq!(heir.claim(DESK, 1).await.unwrap(), [], "somebody holds it");
    assert_eq!(heir.free_expired().await.unwrap(), 1);
    let new = heir.claim(DESK, 1).await.unwrap().remove(0);
    assert_eq!(
        log.append(finishing(&old)).await,
        Err(AppendRefusal::LeaseLost)
    );
    frozen
        .try_again(&old, Duration::ZERO, true, "trop tard")
        .await
        .unwrap();
    assert_eq!(
        heir.claim(DESK, 1).await.unwrap(),
        [],
        "the heir still holds it"
    );
    log.append(finishing(&new)).await.unwrap();
    assert_eq!(heir.waiting().await.unwrap(), 0);
    assert_eq!(
        log.append(finishing(&new)).await,
        Err(AppendRefusal::LeaseLost)
    );
}

#[tokio::test]
async fn an_outcome_under_a_lost_lease_writes_nothing_at_all() {
    let (database, log) = open().await;
    begin(&log, batch(), 1).await;
    let mut claimed = worker(&database, "a", LONG)
        .claim(DESK, 1)
        .await
        .unwrap()
        .remove(0);
    claimed.lease = Uuid::now_v7();
    let report = Commit {
        begun: vec![effect(batch())],
        held: vec![(batch(), true)],
        ..finishing(&claimed)
    };
    assert_eq!(
        log.append(report.clone()).await,
        Err(AppendRefusal::LeaseLost)
    );
    assert_eq!(log.receipt(report.command).await.unwrap(), None);
    let untouched: (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM effects), (SELECT count(*) FROM batch_holds)")
            .fetch_one(&database.pool)
            .await
            .unwrap();
    assert_eq!(untouched, (1, 0));
}

#[tokio::test]
async fn an_effect_is_doubtful_as_soon_as_anybody_has_ever_claimed_it() {
    let (database, log) = open().await;
    begin(&log, batch(), 1).await;
    let killed = worker(&database, "site", LONG);
    let first = killed.claim(DESK, 1).await.unwrap();
    assert!(!first[0].effect.doubtful);
    let restarted = worker(&database, "site", LONG);
    assert_eq!(restarted.free_own().await.unwrap(), 1);
    assert!(restarted.claim(DESK, 1).await.unwrap()[0].effect.doubtful);
}

#[tokio::test]
async fn a_process_that_restarts_frees_its_own_leases_and_no_other() {
    let (database, log) = open().await;
    begin(&log, batch(), 2).await;
    let (one, other) = (
        worker(&database, "one", LONG),
        worker(&database, "other", LONG),
    );
    one.claim(DESK, 1).await.unwrap();
    other.claim(DESK, 1).await.unwrap();
    assert_eq!(one.free_own().await.unwrap(), 1);
    assert_eq!(one.claim(DESK, 8).await.unwrap().len(), 1);
    assert_eq!(one.free_expired().await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_process_died_on_counts_as_a_failure() {
    let (database, log) = open().await;
    begin(&log, batch(), 1).await;
    let killed = worker(&database, "site", Duration::ZERO);
    killed.claim(DESK, 1).await.unwrap();
    killed.free_own().await.unwrap();
    killed.claim(DESK, 1).await.unwrap();
    killed.free_expired().await.unwrap();
    let claimed = killed.claim(DESK, 1).await.unwrap().remove(0);
    assert_eq!(claimed.failures, 2);
}

#[tokio::test]
async fn a_held_batch_still_cleans_up_even_behind_work_that_waits() {
    let (database, log) = open().await;
    let waiting = effect(batch());
    let cleaning = Effect {
        id: EffectId(Uuid::now_v7()),
        work: Work::WithdrawSignature {
            signature: SignatureId(Uuid::now_v7()),
        },
        ..waiting.clone()
    };
    let watching = Effect {
        work: Work::WatchSignature {
            signature: SignatureId(Uuid::now_v7()),
        },
        ..waiting
    };
    log.append(Commit {
        held: vec![(cleaning.batch, true)],
        begun: vec![watching, cleaning.clone()],
        ..nothing()
    })
    .await
    .unwrap();
    let worker = worker(&database, "a", LONG);
    let claimed = worker.claim(Neighbour::IParapheur, 8).await.unwrap();
    let claimed: Vec<_> = claimed.iter().map(|claimed| claimed.effect.id).collect();
    assert_eq!(claimed, [cleaning.id]);
}

#[tokio::test]
async fn a_failed_effect_waits_and_counts_its_failures() {
    let (database, log) = open().await;
    begin(&log, batch(), 1).await;
    let worker = worker(&database, "a", LONG);
    let claimed = worker.claim(DESK, 1).await.unwrap().remove(0);
    worker
        .try_again(&claimed, Duration::ZERO, true, "en panne")
        .await
        .unwrap();
    assert_eq!(worker.due().await.unwrap(), [DESK]);
    let claimed = worker.claim(DESK, 1).await.unwrap().remove(0);
    assert_eq!(claimed.failures, 1);
    worker.look_again(&claimed, LONG).await.unwrap();
    assert_eq!(worker.due().await.unwrap(), []);
    assert_eq!(worker.claim(DESK, 1).await.unwrap(), []);
}

#[tokio::test]
async fn processes_that_live_share_the_limits_and_those_that_fell_silent_do_not() {
    let (database, _log) = open().await;
    let limits = Limits {
        at_once: 4,
        per_minute: None,
        burst: NonZeroU32::MIN,
    };
    let gates = [(DESK, Gate::new(limits, None).state(Duration::ZERO))];
    let (a, b) = (worker(&database, "a", LONG), worker(&database, "b", LONG));
    let share = |rank, of| Share {
        rank,
        of: NonZeroU32::new(of).unwrap(),
    };
    assert_eq!(a.stand(&gates).await.unwrap(), Share::WHOLE);
    assert_eq!(b.stand(&gates).await.unwrap(), share(1, 2));
    assert_eq!(a.stand(&gates).await.unwrap(), share(0, 2));
    let silent = "UPDATE gates SET seen_at = seen_at - interval '20 seconds' WHERE node = 'a'";
    sqlx::query(silent).execute(&database.pool).await.unwrap();
    assert_eq!(b.stand(&gates).await.unwrap(), Share::WHOLE);
    assert_eq!(a.stand(&gates).await.unwrap(), share(0, 2));
    a.leave().await.unwrap();
    assert_eq!(b.stand(&gates).await.unwrap(), Share::WHOLE);
}

fn folder(name: &str) -> Tray {
    Tray::Folder {
        folder: name.to_owned(),
    }
}

/// Begins so many effects that wait in a tray, where they are called by their numbers.
async fn waiting_in(log: &Log, worker: &Effects, tray: &Tray, count: usize) -> Vec<EffectId> {
    let begun = begin(log, batch(), count).await;
    for (number, claimed) in (0..).zip(worker.claim(DESK, count).await.unwrap()) {
        let mark = i32::to_string(&number);
        let waits = worker.wait_in(&claimed, tray, &mark, LONG).await;
        waits.unwrap();
    }
    begun
}

#[tokio::test]
async fn a_tray_is_listed_once_in_a_round_whoever_asks_and_however_many_wait_there() {
    let (database, log) = open().await;
    let (a, b) = (worker(&database, "a", LONG), worker(&database, "b", LONG));
    for tray in [folder("visa"), folder("urgent")] {
        waiting_in(&log, &a, &tray, 3).await;
    }
    assert_eq!(
        a.rounds_due(LONG).await.unwrap(),
        [],
        "they were just looked at"
    );
    a.hurry(DESK, Duration::ZERO).await.unwrap();
    assert_eq!(a.rounds_due(LONG).await.unwrap(), [DESK]);
    let mut listed = a.rounds(DESK, 1, LONG).await.unwrap();
    listed.extend(b.rounds(DESK, 8, LONG).await.unwrap());
    listed.sort_by_key(Tray::key);
    assert_eq!(listed, [folder("urgent"), folder("visa")]);
    assert_eq!(a.rounds(DESK, 8, LONG).await.unwrap(), []);
    // A hint brings the next round forward, but not at once after the last.
    a.hurry(DESK, LONG).await.unwrap();
    assert_eq!(a.rounds_due(LONG).await.unwrap(), []);
    a.hurry(DESK, Duration::ZERO).await.unwrap();
    a.hold_neighbour(DESK, LONG, "Le compte est refusé.")
        .await
        .unwrap();
    assert_eq!(
        a.rounds(DESK, 8, LONG).await.unwrap(),
        [],
        "it is left alone"
    );
}

#[tokio::test]
async fn what_a_listing_shows_to_have_moved_is_looked_at_and_nothing_else() {
    let (database, log) = open().await;
    let worker = worker(&database, "a", LONG);
    let (here, there) = (folder("visa"), folder("urgent"));
    waiting_in(&log, &worker, &here, 3).await;
    waiting_in(&log, &worker, &there, 3).await;
    let moved = ["1".to_owned(), "of another application".to_owned()];
    assert_eq!(worker.wake(DESK, &here, Some(&moved)).await.unwrap(), 1);
    assert_eq!(
        worker.wake(DESK, &here, Some(&moved)).await.unwrap(),
        0,
        "it is due"
    );
    assert_eq!(worker.claim(DESK, 8).await.unwrap().len(), 1);
    // Where a neighbour cannot tell, all are looked at.
    assert_eq!(worker.wake(DESK, &there, None).await.unwrap(), 3);
}

#[tokio::test]
async fn what_is_held_back_does_not_move_on_and_is_still_cleaned_up() {
    let (database, log) = open().await;
    let (one, other) = (effect(batch()), effect(batch()));
    let cleaning = Effect {
        id: EffectId(Uuid::now_v7()),
        work: Work::WithdrawSignature {
            signature: SignatureId(Uuid::now_v7()),
        },
        ..one.clone()
    };
    let begun = vec![one.clone(), other.clone(), cleaning.clone()];
    log.append(Commit { begun, ..nothing() }).await.unwrap();
    let worker = worker(&database, "a", LONG);
    worker.hold_back(HeldBack {
        documents: vec![one.document.0],
        batches: vec![other.batch.0],
    });
    assert_eq!(worker.claim(DESK, 8).await.unwrap(), []);
    let cleans = worker.claim(Neighbour::IParapheur, 8).await.unwrap();
    assert_eq!(cleans.len(), 1);
    log.append(finishing(&cleans[0])).await.unwrap();
    worker.hold_back(HeldBack::default());
    assert_eq!(worker.claim(DESK, 8).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_claim_that_was_planned_while_the_queue_was_empty_finds_its_rows_by_index() {
    let (database, _log) = open().await;
    let mut claims = worker(&database, "one", LONG)
        .claims
        .acquire()
        .await
        .unwrap();
    let types = "text, bigint, text, float8, uuid[], uuid[]";
    let claim = include_str!("claim.sql");
    let prepare = format!("PREPARE claim ({types}) AS\n{claim}");
    sqlx::raw_sql(&prepare).execute(&mut *claims).await.unwrap();
    let plan: Vec<String> =
        sqlx::raw_sql("EXPLAIN EXECUTE claim ('smtp', 9, 'one', 9, '{}', '{}')")
            .fetch_all(&mut *claims)
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
    let plan = plan.join("\n");
    for index in ["effects_ready", "effects_document", "effects_pkey"] {
        assert!(plan.contains(index), "{index}:\n{plan}");
    }
    assert!(!plan.contains("Seq Scan"), "{plan}");
}

/// What `worker` would go on with, and the commit that begins it.
fn handing(worker: &Effects, effect: Effect) -> (Claimed, Commit) {
    let next = Claimed {
        effect: effect.clone(),
        lease: Uuid::now_v7(),
        failures: 0,
    };
    let commit = Commit {
        begun: vec![effect],
        handed: Some(worker.hand(&next)),
        ..nothing()
    };
    (next, commit)
}

#[tokio::test]
async fn what_is_handed_over_is_leased_by_the_commit_that_begins_it() {
    let (database, log) = open().await;
    let (ours, other) = (worker(&database, "a", LONG), worker(&database, "b", LONG));
    let begun = log.begun();
    begun.take();
    let (next, commit) = handing(&ours, effect(batch()));
    assert!(log.append(commit).await.unwrap().handed);
    assert_eq!(begun.take(), vec![], "nobody is called to claim it");
    assert_eq!(other.claim(DESK, 8).await.unwrap(), vec![]);
    // Whoever finds it later cannot know that it was not begun.
    assert_eq!(ours.free_own().await.unwrap(), 1);
    let found = other.claim(DESK, 8).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].effect.doubtful && found[0].failures == 1);
    let late = log.append(finishing(&next)).await;
    assert_eq!(late, Err(AppendRefusal::LeaseLost));

    let (next, commit) = handing(&ours, effect(batch()));
    assert!(log.append(commit).await.unwrap().handed);
    log.append(finishing(&next)).await.unwrap();
    assert_eq!(ours.waiting().await.unwrap(), 1);
}

#[tokio::test]
async fn what_something_holds_is_not_handed_over_and_waits_to_be_claimed() {
    let (database, log) = open().await;
    let worker = worker(&database, "a", LONG);
    let begun = log.begun();

    let held = batch();
    let hold = |holds| Commit {
        held: vec![(held, holds)],
        ..nothing()
    };
    log.append(hold(true)).await.unwrap();
    let (of_held, commit) = handing(&worker, effect(held));
    begun.take();
    assert!(!log.append(commit).await.unwrap().handed);
    assert_eq!(begun.take(), vec![DESK], "whoever claims is called");
    log.append(hold(false)).await.unwrap();
    let claimed = worker.claim(DESK, 8).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].effect.id, of_held.effect.id);
    assert!(!claimed[0].effect.doubtful, "nobody had it before");

    // The document has something under way.
    let more = Effect {
        id: EffectId(Uuid::now_v7()),
        ..of_held.effect.clone()
    };
    let (_, commit) = handing(&worker, more);
    assert!(!log.append(commit).await.unwrap().handed);

    worker.hold_neighbour(DESK, LONG, "refused").await.unwrap();
    let (_, commit) = handing(&worker, effect(batch()));
    assert!(!log.append(commit).await.unwrap().handed);
}

#[tokio::test]
async fn a_lease_that_was_perhaps_granted_is_given_back_and_costs_nothing() {
    let (database, log) = open().await;
    let worker = worker(&database, "a", LONG);
    let (next, commit) = handing(&worker, effect(batch()));
    assert!(log.append(commit.clone()).await.unwrap().handed);
    let again = log.append(commit).await.unwrap();
    assert!(again.replayed && !again.handed);
    worker.give_back(&next).await.unwrap();
    let claimed = worker.claim(DESK, 8).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].failures), (1, 0));
}
