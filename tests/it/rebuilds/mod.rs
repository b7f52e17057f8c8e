//! Projections are held before what they cannot take, rebuilt beside the live ones, and swapped under the
//! eyes of their readers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod doors;
mod site;

use crate::support::{TestApp, run};
use navette::neighbourhood::Manners;
use navette::workers::{
    Held, Place, Projections, Shape, build_beside, rebuild, resume, return_to_former, search_path,
    statuses,
};
use navette_adapters::log::Log;
use navette_projections::Projector;
use site::{Site, Tally, append, node, rows, whole};
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

async fn positions(pool: &PgPool) -> Vec<(String, String, i64, i64)> {
    sqlx::query_as("SELECT name, place, position, applied FROM projections ORDER BY name, place")
        .fetch_all(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_projection_is_held_before_what_it_cannot_take_and_the_others_go_on() {
    let site = Site::open().await;
    site.tally.whims.refuses.store(3, SeqCst);
    let follower = tokio::spawn({
        let node = site.node.clone();
        async move { node.follow().await }
    });
    site.append(5).await;
    let held = [Held {
        name: "tally",
        position: 2,
    }];
    site.until(|standing| standing.held == held && standing.position == 5)
        .await;
    // What comes before is applied, nothing after it, and it is tried no more.
    assert_eq!(site.rows("tally").await, whole(2));
    let tries = site.tally.whims.seen(3);
    assert!(tries >= 5, "{tries}");
    let last = site.append(1).await;
    site.until(|standing| standing.held == held && standing.position == last)
        .await;
    assert_eq!(site.rows("sound").await, whole(6));
    assert_eq!(site.tally.whims.seen(3), tries);
    let told = statuses(site.log.pool()).await.unwrap();
    let told = told.iter().find(|copy| copy.name == "tally").unwrap();
    assert!(
        told.held && told.failed_at == Some(3) && told.failures == 5,
        "{told:?}"
    );
    assert_eq!(
        told.trouble.as_deref(),
        Some("the database refuses it: constraint no_refusal")
    );
    assert!(told.behind > 0.0 && told.head == 6, "{told:?}");
    let failure = site.node.catch_up().await.unwrap_err();
    assert!(failure.to_string().contains("tally"), "{failure:#}");

    site.tally.whims.refuses.store(0, SeqCst);
    assert!(resume(site.log.pool(), "tally").await.unwrap());
    site.until(|standing| standing.held.is_empty() && standing.position == 6)
        .await;
    assert_eq!(site.rows("tally").await, whole(6));
    let told = statuses(site.log.pool()).await.unwrap();
    assert!(
        told.iter()
            .all(|copy| copy.behind <= 0.0 && copy.trouble.is_none()),
        "{told:?}"
    );
    follower.abort();
}

#[tokio::test]
async fn a_projector_that_panics_is_held_like_one_that_is_refused() {
    let site = Site::open().await;
    site.tally.whims.panics.store(2, SeqCst);
    site.append(3).await;
    let held = [Held {
        name: "tally",
        position: 1,
    }];
    while site.node.standing().borrow().held != held {
        site.node.catch_up().await.unwrap_err();
    }
    assert_eq!(site.rows("tally").await, whole(1));
    assert_eq!(site.rows("sound").await, whole(3));
}

#[tokio::test]
async fn an_event_that_nobody_can_read_holds_every_projection_before_it() {
    let site = Site::open().await;
    site.append(3).await;
    sqlx::query(UNKNOWN).execute(site.log.pool()).await.unwrap();
    let held = ["sound", "tally"].map(|name| Held { name, position: 3 });
    let failure = loop {
        let failure = site.node.catch_up().await.unwrap_err();
        let mut now = site.node.standing().borrow().held.clone();
        now.sort_by_key(|held| held.name);
        if now == held {
            break failure;
        }
    };
    assert!(failure.to_string().contains("held"), "{failure:#}");
    assert_eq!(site.rows("tally").await, whole(3));
}

const UNKNOWN: &str = "INSERT INTO events (position, stream_type, stream_id, version, event_type, event_version,
                                           payload, metadata, recorded_at, hash)
                       SELECT position + 1, stream_type, stream_id, version + 1, 'batch.unheard_of', 1,
                              payload, metadata, recorded_at, hash
                       FROM events ORDER BY position DESC LIMIT 1";

#[tokio::test]
async fn a_node_that_was_frozen_while_it_applied_writes_nothing_when_it_wakes() {
    let site = Site::open().await;
    site.tally.whims.sleeps.store(3, SeqCst);
    // A node whose transactions may rest for less long, so that the test need not wait.
    let projectors = || -> Vec<Box<dyn Projector>> { vec![Box::new(site.tally.clone())] };
    let path = search_path(&projectors());
    let options = site.database.connect_options();
    let options = options.options([
        ("search_path", path.as_str()),
        ("idle_in_transaction_session_timeout", "300ms"),
    ]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let frozen = Projections::open(Log::of_tests(pool), projectors())
        .await
        .unwrap();
    site.append(4).await;
    let frozen = tokio::spawn(async move {
        let first = frozen.catch_up().await;
        (first.is_err(), frozen.catch_up().await)
    });
    site.tally.whims.asleep.notified().await;
    site.tally.whims.sleeps.store(0, SeqCst);
    // Another one waits for the row, then goes on.
    site.node.catch_up().await.unwrap();
    assert_eq!(site.rows("tally").await, whole(4));
    site.append(1).await;
    site.tally.whims.wake.notify_one();
    let (lost, again) = frozen.await.unwrap();
    assert!(lost, "the frozen node has lost its transaction");
    again.unwrap();
    site.node.catch_up().await.unwrap();
    assert_eq!(site.rows("tally").await, whole(5));
    let counted = positions(site.log.pool()).await;
    assert!(
        counted
            .iter()
            .all(|(_, _, position, applied)| (*position, *applied) == (5, 5)),
        "{counted:?}"
    );
}

#[tokio::test]
async fn a_rebuild_that_is_killed_goes_on_where_it_was() {
    let site = Site::with_events(5_000).await;
    let whims = &site.tally.whims;
    whims.sleeps.store(4_500, SeqCst);
    tokio::select! {
        rebuilt = rebuild(&site.log, &site.tally, false) => panic!("{rebuilt:?}"),
        () = whims.asleep.notified() => {}
    }
    whims.sleeps.store(0, SeqCst);
    let rebuilt = rebuild(&site.log, &site.tally, false).await.unwrap();
    assert_eq!(
        (rebuilt.position, rebuilt.rows),
        (5_000, vec![("tally", 5_000)])
    );
    // Once by the live one, once by the rebuild; what was not committed, once more.
    assert_eq!(
        (whims.seen(1), whims.seen(4_000), whims.seen(4_100)),
        (2, 2, 3)
    );
    assert_eq!(site.rows("tally").await, whole(5_000));
    let own = |place: &str| ("tally".to_owned(), place.to_owned(), 5_000, 5_000);
    let all = positions(site.log.pool()).await;
    assert!(
        all.contains(&own("live")) && all.contains(&own("former")),
        "{all:?}"
    );
    assert_eq!(all.len(), 3, "{all:?}");
}

#[tokio::test]
async fn readers_see_no_error_and_nothing_older_while_rebuilds_take_the_place_of_the_live_one() {
    let site = Arc::new(Site::with_events(300).await);
    let over = Arc::new(AtomicBool::new(false));
    let follower = tokio::spawn({
        let node = site.node.clone();
        async move { node.follow().await }
    });
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (site, over) = (site.clone(), over.clone());
            tokio::spawn(async move {
                let (mut seen, mut reads) = (0, 0);
                while !over.load(SeqCst) {
                    let (count, last): (i64, i64) =
                        sqlx::query_as("SELECT count(*), max(position) FROM tally")
                            .fetch_one(site.log.pool())
                            .await
                            .unwrap();
                    assert_eq!(count, last, "something is missing");
                    assert!(last >= seen, "{last} was shown after {seen}");
                    (seen, reads) = (last, reads + 1);
                }
                reads
            })
        })
        .collect();
    // Whoever writes reads what it wrote.
    let writer = tokio::spawn({
        let (site, over) = (site.clone(), over.clone());
        async move {
            while !over.load(SeqCst) {
                let position = site.append(1).await;
                site.until(|standing| standing.position >= position).await;
                let shown: bool =
                    sqlx::query_scalar("SELECT EXISTS (SELECT FROM tally WHERE position = $1)")
                        .bind(position)
                        .fetch_one(site.log.pool())
                        .await
                        .unwrap();
                assert!(shown, "{position} is not shown");
            }
        }
    });
    let mut rebuilds = 0;
    // Three at least, and as many as it takes for some to be written meanwhile.
    while rebuilds < 3 || site.log.last_position().await.unwrap() <= 310 {
        let rebuilt = rebuild(&site.log, &site.tally, false).await.unwrap();
        assert_eq!(rebuilt.differences, []);
        return_to_former(&site.log, &site.tally).await.unwrap();
        rebuilds += 1;
    }
    over.store(true, SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 10);
    }
    writer.await.unwrap();
    let last = site.log.last_position().await.unwrap();
    assert!(last > 310, "nothing was written meanwhile: {last}");
    site.until(|standing| standing.position == last).await;
    assert_eq!(site.rows("tally").await, whole(last));
    follower.abort();
}

#[tokio::test]
async fn a_rebuild_that_differs_is_refused_with_table_and_key_unless_it_is_accepted() {
    let site = Site::with_events(5).await;
    let pool = site.log.pool();
    sqlx::raw_sql(
        "UPDATE tally SET what = 'x' WHERE position = 2; DELETE FROM tally WHERE position = 3;
                   INSERT INTO tally VALUES (99, 'y')",
    )
    .execute(pool)
    .await
    .unwrap();
    let wrong = site.rows("tally").await;
    let refused = rebuild(&site.log, &site.tally, false)
        .await
        .unwrap_err()
        .to_string();
    for told in [
        r#"tally {"position": 2}: differs in what"#,
        r#"tally {"position": 3}: only in the rebuilt table"#,
        r#"tally {"position": 99}: only in the live table"#,
    ] {
        assert!(refused.contains(told), "{refused}");
    }
    assert_eq!(site.rows("tally").await, wrong);
    let rebuilt = rebuild(&site.log, &site.tally, true).await.unwrap();
    assert_eq!(rebuilt.differences.len(), 3);
    assert_eq!(site.rows("tally").await, whole(5));

    // The former one is back in an instant, wrong as it was, and up to date.
    site.append(1).await;
    assert_eq!(return_to_former(&site.log, &site.tally).await.unwrap(), 6);
    let mut back = wrong;
    back.insert(4, (6, "batch.paused".to_owned()));
    assert_eq!(site.rows("tally").await, back);
    return_to_former(&site.log, &site.tally).await.unwrap();
    assert_eq!(site.rows("tally").await, whole(6));
}

#[tokio::test]
async fn a_projection_that_is_held_is_mended_by_a_rebuild() {
    let site = Site::open().await;
    site.tally.whims.refuses.store(2, SeqCst);
    site.append(3).await;
    while site.node.standing().borrow().held.is_empty() {
        site.node.catch_up().await.unwrap_err();
    }
    let failure = rebuild(&site.log, &site.tally, false).await.unwrap_err();
    assert!(
        failure.to_string().contains("cannot apply position 2"),
        "{failure:#}"
    );
    assert_eq!(site.rows("tally").await, whole(1));
    site.tally.whims.refuses.store(0, SeqCst);
    rebuild(&site.log, &site.tally, false).await.unwrap();
    site.node.catch_up().await.unwrap();
    assert_eq!(site.rows("tally").await, whole(3));
    assert_eq!(site.node.standing().borrow().held, []);
}

#[tokio::test]
async fn another_release_builds_its_own_shape_while_the_first_one_is_read_and_followed() {
    let site = Site::with_events(10).await;
    let wider = Tally {
        schema: "CREATE TABLE tally (position bigint PRIMARY KEY, what text NOT NULL, wide text)",
        ..Tally::new()
    };
    let (log, next) = node(&site.database, &wider).await;
    assert_eq!(next.standing().borrow().building, ["tally"]);
    site.append(1).await;
    site.node.catch_up().await.unwrap();
    assert_eq!(site.rows("tally").await, whole(11));
    next.catch_up().await.unwrap();
    assert_eq!(next.standing().borrow().building, [""; 0]);
    let wide: Vec<Option<String>> = sqlx::query_scalar("SELECT wide FROM tally")
        .fetch_all(log.pool())
        .await
        .unwrap();
    assert_eq!(wide.len(), 11);
    // Both go on, whoever writes.
    append(&log, 1).await;
    site.node.catch_up().await.unwrap();
    next.catch_up().await.unwrap();
    assert_eq!(site.rows("tally").await, whole(12));
    assert_eq!(rows(log.pool(), "tally").await, whole(12));

    // A third shape keeps the second, and forgets the first.
    let widest = Tally {
        schema: "CREATE TABLE tally (position bigint PRIMARY KEY, what text NOT NULL, wider text)",
        ..Tally::new()
    };
    append(&log, 1).await;
    next.catch_up().await.unwrap();
    let (_, third) = node(&site.database, &widest).await;
    third.catch_up().await.unwrap();
    let mut kept: Vec<String> =
        sqlx::query_scalar("SELECT shape FROM projections WHERE name = 'tally'")
            .fetch_all(log.pool())
            .await
            .unwrap();
    let mut wanted = [&wider, &widest]
        .map(|tally| Shape::of(tally).digest)
        .to_vec();
    kept.sort();
    wanted.sort();
    assert_eq!(kept, wanted);
    assert_eq!(rows(log.pool(), "tally").await, whole(13));
}

#[tokio::test]
async fn several_nodes_that_start_together_build_a_missing_projection_once() {
    let site = Site::with_events(50).await;
    let wider = Tally {
        schema: "CREATE TABLE tally (position bigint PRIMARY KEY, what text NOT NULL, wide text)",
        ..Tally::new()
    };
    let (_, one) = node(&site.database, &wider).await;
    let (log, two) = node(&site.database, &wider).await;
    let (one, two) = tokio::join!(one.catch_up(), two.catch_up());
    one.unwrap();
    two.unwrap();
    assert_eq!(wider.whims.seen(50), 1);
    assert_eq!(rows(log.pool(), "tally").await, whole(50));
}

#[tokio::test]
async fn a_hole_in_the_log_is_not_taken_for_a_whole_rebuild() {
    let site = Site::with_events(20).await;
    sqlx::raw_sql(
        "ALTER TABLE events DISABLE TRIGGER USER; DELETE FROM events WHERE position = 7;
                   ALTER TABLE events ENABLE TRIGGER USER",
    )
    .execute(site.log.pool())
    .await
    .unwrap();
    let failure = build_beside(&site.log, &site.tally).await.unwrap_err();
    assert!(
        failure
            .to_string()
            .contains("19 events were applied up to position 20"),
        "{failure:#}"
    );
    rebuild(&site.log, &site.tally, true).await.unwrap_err();
    assert_eq!(site.rows("tally").await, whole(20));
}

#[tokio::test]
async fn what_nobody_reads_can_be_forgotten_and_what_another_release_follows_is_not() {
    let site = Site::with_events(5).await;
    let other = |schema| Tally {
        schema,
        ..Tally::new()
    };
    let schemas = async || {
        let names = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'tally%'";
        let names: Vec<String> = sqlx::query_scalar(names)
            .fetch_all(site.log.pool())
            .await
            .unwrap();
        names.into_iter().collect::<BTreeSet<_>>()
    };
    let live = |tally: &Tally| Shape::of(tally).schema(Place::Live);
    let left =
        other("CREATE TABLE tally (position bigint PRIMARY KEY, what text NOT NULL, a text)");
    let (_, stopped) = node(&site.database, &left).await;
    stopped.catch_up().await.unwrap();
    site.append(1).await;
    site.node.catch_up().await.unwrap();
    rebuild(&site.log, &site.tally, false).await.unwrap();
    let former = Shape::of(&site.tally).schema(Place::Former);
    let all = BTreeSet::from([live(&site.tally), former, live(&left)]);
    assert_eq!(schemas().await, all);
    site.node.drop_unread().await.unwrap();
    assert_eq!(schemas().await, BTreeSet::from([live(&site.tally)]));

    let followed =
        other("CREATE TABLE tally (position bigint PRIMARY KEY, what text NOT NULL, b text)");
    let (_, next) = node(&site.database, &followed).await;
    next.catch_up().await.unwrap();
    site.append(1).await;
    site.node.catch_up().await.unwrap();
    let (dropped, followed_on) = tokio::join!(site.node.drop_unread(), next.catch_up());
    dropped.unwrap();
    followed_on.unwrap();
    let both = BTreeSet::from([live(&site.tally), live(&followed)]);
    assert_eq!(schemas().await, both);
    assert_eq!(site.rows("tally").await, whole(7));
    let missing = return_to_former(&site.log, &site.tally).await.unwrap_err();
    assert!(
        missing.to_string().contains("no former copy of tally"),
        "{missing:#}"
    );
}

/// The program itself, killed between two of its transactions.
#[test]
fn a_rebuild_whose_process_is_killed_goes_on_where_it_was() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let head = append(test.app.dispatcher.log(), 6_000).await;
        test.settle().await;
        let position = "SELECT position FROM projections WHERE name = 'batches' AND place = 'next'";
        let moved = format!("{position} AND position > 0 FOR UPDATE");
        let mut rebuild = test.command(&["rebuild", "batches"]).spawn().unwrap();
        let mut holding = test.app.pool.begin().await.unwrap();
        let mut reached = 0;
        while reached == 0 {
            assert!(rebuild.try_wait().unwrap().is_none(), "it ended unseen");
            // It moves its position at the end of each transaction: now it waits there.
            let row: Option<i64> = sqlx::query_scalar(&moved)
                .fetch_optional(&mut *holding)
                .await
                .unwrap();
            reached = row.unwrap_or(0);
        }
        rebuild.kill().await.unwrap();
        holding.rollback().await.unwrap();
        let left: i64 = sqlx::query_scalar(position)
            .fetch_one(&test.app.pool)
            .await
            .unwrap();
        assert!(left == reached && left < head, "{left} of {head}");

        let (done, told) = test.navette(&["rebuild", "batches"]).await;
        let whole = format!("batches: rebuilt up to position {head}, each event applied once");
        assert!(done && told.contains(&whole), "{told}");
        let kept: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT place, position, applied FROM projections WHERE name = 'batches' ORDER BY place",
        )
        .fetch_all(&test.app.pool)
        .await
        .unwrap();
        let whole = |place: &str| (place.to_owned(), head, head);
        assert_eq!(kept, [whole("former"), whole("live")]);
    });
}

#[test]
fn the_commands_rebuild_go_back_forget_and_tell_on_a_navette_at_work() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        test.granted("SUB-1").await;
        test.settle().await;
        let (done, told) = test.navette(&["rebuild", "--all"]).await;
        assert!(done, "{told}");
        let line = |told: &str, name: &str| {
            let found = told.lines().find(|line| line.starts_with(name));
            found.expect(name).to_owned()
        };
        let dossiers = line(&told, "dossiers: rebuilt up to position");
        assert!(
            dossiers.ends_with("rows: dossiers 1, dossier_custom 1; differences: 0"),
            "{dossiers}"
        );
        let (done, told) = test.navette(&["rebuild", "dossiers", "--return"]).await;
        assert!(done, "{told}");
        let (_, told) = test.navette(&["projections"]).await;
        let kept = |told: &str| {
            told.lines()
                .filter(|line| line.starts_with("dossiers "))
                .count()
        };
        assert_eq!(kept(&told), 2, "{told}");
        let head = test.app.dispatcher.log().last_position().await.unwrap();
        let shape = told
            .lines()
            .find(|line| line.contains(" live: ") && line.starts_with("dossiers"));
        assert!(
            shape
                .unwrap()
                .ends_with(&format!(": {head} of {head}, 0 s behind")),
            "{told}"
        );
        test.navette(&["rebuild", "dossiers", "--drop"]).await;
        let (_, told) = test.navette(&["projections"]).await;
        assert_eq!(kept(&told), 1, "{told}");
        for refused in [
            ["projections", "--resume", "dossiers"],
            ["rebuild", "nothing", "--drop"],
        ] {
            assert!(!test.navette(&refused).await.0, "{refused:?}");
        }
        test.end().await;
    });
}
