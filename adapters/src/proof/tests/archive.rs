//! The procedure of `examples/archive/`, as it is given to whoever runs a site.

use super::*;
use crate::log::AppendRefusal;

const CUT: &str = include_str!("../../../../examples/archive/cut.sql");
const DETACH: &str = include_str!("../../../../examples/archive/detach.sql");
const ATTACH: &str = include_str!("../../../../examples/archive/attach.sql");

async fn run(site: &Site, settings: &str, script: &str) {
    let mut connection = site.pool().acquire().await.unwrap();
    for sql in [settings, script] {
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    }
    // What it set goes with it.
    connection.close().await.unwrap();
}

/// The files of the tables that hold events: another file is a table that was written again.
async fn files(site: &Site) -> Vec<(String, i64)> {
    sqlx::query_as(
        "SELECT relname::text, pg_relation_filenode(oid)::bigint FROM pg_class
         WHERE relname LIKE 'events%' AND relkind = 'r' ORDER BY relname",
    )
    .fetch_all(site.pool())
    .await
    .unwrap()
}

async fn versions(site: &Site, stream: Uuid) -> Vec<i64> {
    let events = site.log.stored_stream(stream).await.unwrap();
    events.iter().map(|event| event.version).collect()
}

async fn since(site: &Site, held: &SealedCheckpoint) -> (u64, Vec<String>) {
    let held = held.note.parse().unwrap();
    let report = verify_from(site.pool(), &site.trust, &held).await.unwrap();
    (report.events, told(&report))
}

#[tokio::test]
async fn old_events_leave_the_log_without_rewriting_the_rest_and_come_back() {
    let site = Site::new().await;
    let [living, .., gone] = site.streams;
    for stream in site.streams {
        site.log.append(commit(stream, 0, 200)).await.unwrap();
    }
    let before = files(&site).await;
    run(&site, "", CUT).await;
    // The rest of the partition, then the new one.
    site.log
        .append(commit(Uuid::now_v7(), 0, 168))
        .await
        .unwrap();
    let fresh = Uuid::now_v7();
    site.log.append(commit(living, 200, 2)).await.unwrap();
    site.log.append(commit(fresh, 0, 3)).await.unwrap();
    let held = site.seal().await;
    assert_eq!(held.checkpoint.size, 773);
    assert_eq!(site.faults(&[&held]).await, Vec::<String>::new());
    let now = files(&site).await;
    let [(_, old), (open, new)] = now.as_slice() else {
        panic!("{now:?}");
    };
    assert_eq!((*old, open.as_str()), (before[0].1, "events_from_769"));
    let conflict = site.log.append(commit(gone, 0, 1)).await;
    let actual = matches!(conflict, Err(AppendRefusal::Conflict { actual: 200, .. }));
    assert!(actual, "{conflict:?}");
    for change in [
        "UPDATE events SET payload = ''",
        "DELETE FROM events",
        "TRUNCATE events",
    ] {
        let refused = sqlx::raw_sql(change).execute(site.pool()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("only grows"), "{change}: {refused}");
    }

    let leaves = "CREATE TABLE streams_to_archive AS SELECT DISTINCT stream_id FROM events WHERE position <= 600;
                  SET navette.archive = 'navette-2026.dump'";
    run(&site, leaves, DETACH).await;
    let now = files(&site).await;
    for kept in [("events_from_1".to_owned(), *old), (open.clone(), *new)] {
        assert!(now.contains(&kept), "{kept:?} in {now:?}");
    }
    let out: bool = sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 'events_from_1'::regclass)",
    )
    .fetch_one(site.pool())
    .await
    .unwrap();
    assert!(out);
    // Whatever the list said, what goes on stayed whole; the others left, and stay away.
    site.log.append(commit(living, 202, 1)).await.unwrap();
    site.log.append(commit(fresh, 3, 1)).await.unwrap();
    let whole: Vec<i64> = (1..=203).collect();
    assert_eq!(versions(&site, living).await, whole);
    assert_eq!(versions(&site, gone).await, Vec::<i64>::new());
    let refused = site.log.append(commit(gone, 0, 1)).await.unwrap_err();
    let sentence = format!("le flux {gone} est archivé dans navette-2026.dump");
    assert!(refused.to_string().contains(&sentence), "{refused}");
    assert_eq!(site.seal().await.checkpoint.size, 775);

    // What came since a checkpoint that was kept is verified without what was before it.
    assert_eq!(since(&site, &held).await, (2, vec![]));
    let told = site.faults(&[]).await;
    assert!(
        told.iter().any(|fault| fault.starts_with("supprimé")),
        "{told:#?}"
    );

    // The next year, and everything back.
    run(&site, "", CUT).await;
    site.log.append(commit(fresh, 4, 300)).await.unwrap();
    site.seal().await;
    assert_eq!(since(&site, &held).await, (302, vec![]));
    run(&site, "SET navette.partition = 'events_from_1'", ATTACH).await;
    assert_eq!(site.faults(&[&held]).await, Vec::<String>::new());
    assert_eq!(versions(&site, gone).await.len(), 200);
    let conflict = site.log.append(commit(gone, 0, 1)).await;
    assert!(
        matches!(conflict, Err(AppendRefusal::Conflict { .. })),
        "{conflict:?}"
    );
}

#[tokio::test]
async fn what_came_after_a_checkpoint_is_held_against_it() {
    let (site, [first, second]) = Site::sealed().await;
    assert_eq!(since(&site, &first).await, (10, vec![]));
    assert_eq!(since(&site, &second).await, (2, vec![]));
    site.tamper("UPDATE events SET payload = payload || ' ' WHERE position = 21")
        .await;
    let (_, told) = since(&site, &second).await;
    assert!(
        told[0].starts_with("modifié : l'empreinte de l'événement à la position 21"),
        "{told:#?}"
    );
    site.tamper("UPDATE events SET hash = decode(repeat('00', 32), 'hex') WHERE position = 3")
        .await;
    let (_, told) = since(&site, &first).await;
    let root = "réécrit : le point de contrôle de l'auditeur à 12 événements";
    assert!(told[0].starts_with(root), "{told:#?}");
    site.tamper("DELETE FROM events WHERE position > 5; DELETE FROM checkpoints WHERE size > 5")
        .await;
    let (_, told) = since(&site, &first).await;
    let cut = "tronqué : le point de contrôle de l'auditeur à 12 événements";
    assert!(told.iter().any(|fault| fault.starts_with(cut)), "{told:#?}");
}
