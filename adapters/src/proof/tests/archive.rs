//! A log of which old events leave and come back.

use super::*;
use crate::log::{
    AppendRefusal, Commit, NewEvent, Reading, StreamAppend,
    archive::{self, Detached, NotArchived, Part, Whereabouts},
    tests::nothing,
};
use navette_domain::dossier::Dossier;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

impl Site {
    async fn cut(&self) -> Result<Part, NotArchived> {
        archive::cut(&mut self.pool().acquire().await.unwrap()).await
    }

    async fn detach(&self) -> Result<Detached, NotArchived> {
        archive::detach(&mut self.pool().acquire().await.unwrap()).await
    }

    async fn attach(&self) -> Result<i64, NotArchived> {
        archive::attach(&mut self.pool().acquire().await.unwrap()).await
    }

    async fn parts(&self) -> Vec<(String, Whereabouts)> {
        let mut connection = self.pool().acquire().await.unwrap();
        let parts = archive::parts(&mut connection).await.unwrap();
        let parts = parts.into_iter();
        parts
            .map(|(part, place)| (part.to_string(), place))
            .collect()
    }

    /// Adds events of these names to a stream of a dossier and a batch.
    async fn tell(&self, stream: Uuid, expected: i64, names: &[&str], about: serde_json::Value) {
        let kind = names[0].split('.').next().unwrap();
        let kinds = ["dossier", "document", "batch", "third_party"];
        let stream_type = *kinds.iter().find(|known| **known == kind).unwrap();
        let event = |name: &&str| NewEvent {
            event_type: (*name).to_owned(),
            event_version: 1,
            payload: json!({ "type": name, "at": "2026-11-23T12:00:00Z" }).to_string(),
            metadata: about.to_string(),
        };
        let commit = Commit {
            streams: vec![StreamAppend {
                stream_type,
                stream_id: stream,
                expected,
                events: names.iter().map(event).collect(),
            }],
            ..nothing()
        };
        self.log.append(commit).await.unwrap();
    }

    /// A dossier of so many events, the last of which closes it.
    async fn closed(&self, events: usize) -> Uuid {
        let dossier = Uuid::now_v7();
        let mut names = vec!["dossier.taken_up"; events];
        names[events - 1] = "dossier.closed";
        self.tell(dossier, 0, &names, json!({})).await;
        dossier
    }

    async fn versions(&self, stream: Uuid) -> Vec<i64> {
        let events = self.log.stored_stream(stream).await.unwrap();
        events.iter().map(|event| event.version).collect()
    }

    /// The files of the tables that hold events: another file is a table that was written again.
    async fn files(&self) -> Vec<(String, i64)> {
        sqlx::query_as(
            "SELECT relname::text, pg_relation_filenode(oid)::bigint FROM pg_class
             WHERE relname LIKE 'events%' AND relkind = 'r' ORDER BY relname",
        )
        .fetch_all(self.pool())
        .await
        .unwrap()
    }

    async fn report(&self) -> Report {
        verify(self.pool(), &self.trust, vec![]).await.unwrap()
    }
}

async fn since(site: &Site, held: &SealedCheckpoint) -> (u64, Vec<String>) {
    let held = held.note.parse().unwrap();
    let report = verify_from(site.pool(), &site.trust, &held).await.unwrap();
    (report.events, told(&report))
}

#[tokio::test]
async fn old_events_leave_the_log_without_rewriting_the_rest_and_come_back() {
    let site = Site::new().await;
    let [living, ..] = site.streams;
    let gone = site.closed(200).await;
    site.log.append(commit(living, 0, 401)).await.unwrap();
    let before = site.files().await;
    let refused = site.detach().await.unwrap_err().to_string();
    assert!(refused.contains("navette archive cut"), "{refused}");
    let part = site.cut().await.unwrap();
    assert_eq!((part.first, part.last), (1, 601));
    let refused = site.cut().await.unwrap_err().to_string();
    assert!(refused.contains("nothing to close"), "{refused}");
    site.log.append(commit(living, 401, 2)).await.unwrap();
    let refused = site.detach().await.unwrap_err().to_string();
    assert!(refused.contains("navette checkpoint seal"), "{refused}");
    let held = site.seal().await;
    let closed = site.files().await;
    assert_eq!(closed[1], ("events_1_to_601".to_owned(), before[0].1));
    // Closed, everything is where it was.
    assert_eq!(site.versions(gone).await.len(), 200);
    assert_eq!(site.faults(&[&held]).await, Vec::<String>::new());
    for change in [
        "UPDATE events SET payload = ''",
        "DELETE FROM events",
        "TRUNCATE events",
        "DELETE FROM events_1_to_601",
    ] {
        let refused = sqlx::raw_sql(change).execute(site.pool()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("only grows"), "{change}: {refused}");
    }

    assert_eq!(site.detach().await.unwrap(), Detached { part, streams: 1 });
    for file in closed {
        assert!(site.files().await.contains(&file), "{file:?}");
    }
    let detached = ("events_1_to_601".to_owned(), Whereabouts::Detached);
    assert_eq!(site.parts().await, [detached]);
    // What goes on is whole; what left is known to have been.
    let whole: Vec<i64> = (1..=403).collect();
    assert_eq!(site.versions(living).await, whole);
    assert_eq!(site.versions(gone).await, [200]);
    for refused in [
        site.log.load::<Dossier>(gone).await.map(drop),
        site.log
            .load_many::<Dossier>(&[gone, living])
            .await
            .map(drop),
        site.log.stream(gone).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert!(
            matches!(&refused, Reading::Archived { stream, position: 200 } if *stream == gone),
            "{refused}"
        );
        assert!(refused.to_string().contains("navette archive attach"));
    }
    assert_eq!(site.log.load::<Dossier>(living).await.unwrap().version, 403);
    let among = site.log.archived_among(&[gone, living]).await.unwrap();
    assert_eq!(among, [gone].into());
    let unborn = site.log.append(commit(gone, 0, 1)).await;
    assert!(
        matches!(unborn, Err(AppendRefusal::Conflict { actual: 200, .. })),
        "{unborn:?}"
    );
    assert!(site.log.check_reaches_back_to(601).await.is_ok());
    let refused = site.log.check_reaches_back_to(600).await.unwrap_err();
    assert!(
        refused.to_string().contains("up to position 601"),
        "{refused}"
    );

    assert_eq!(site.attach().await.unwrap(), 601);
    assert_eq!(site.parts().await[0].1, Whereabouts::InTheLog);
    assert_eq!(site.versions(gone).await.len(), 200);
    assert_eq!(site.log.load::<Dossier>(gone).await.unwrap().version, 200);
    assert_eq!(site.faults(&[&held]).await, Vec::<String>::new());
    assert!(matches!(
        site.attach().await,
        Err(NotArchived::NothingArchived)
    ));
}

#[tokio::test]
async fn an_archive_is_verified_in_its_table_and_by_its_hashes_when_that_is_elsewhere() {
    let site = Site::new().await;
    let [living, ..] = site.streams;
    let gone = site.closed(200).await;
    site.log.append(commit(living, 0, 401)).await.unwrap();
    site.cut().await.unwrap();
    site.log.append(commit(living, 401, 2)).await.unwrap();
    let held = site.seal().await;
    site.detach().await.unwrap();
    let report = site.report().await;
    assert_eq!((told(&report), report.events), (vec![], 603));
    assert!(
        report.to_string().contains("lus dans leurs tables"),
        "{report}"
    );
    site.tamper("ALTER TABLE events_1_to_601 RENAME TO elsewhere")
        .await;
    assert_eq!(site.parts().await[0].1, Whereabouts::Elsewhere);
    let report = site.report().await;
    assert_eq!((told(&report), report.events), (vec![], 2));
    assert!(report.to_string().contains("empreintes seules"), "{report}");
    let report = verify_stream(site.pool(), &site.trust, gone).await.unwrap();
    assert_eq!(told(&report), Vec::<String>::new());
    assert!(
        report.to_string().contains("jusqu'à la position 200"),
        "{report}"
    );
    let report = verify_stream(site.pool(), &site.trust, living)
        .await
        .unwrap();
    assert_eq!((told(&report), report.events), (vec![], 403));
    site.log.append(commit(living, 403, 1)).await.unwrap();
    assert_eq!(site.seal().await.checkpoint.size, 604);
    assert_eq!(since(&site, &held).await, (1, vec![]));

    let refused = site.attach().await.unwrap_err().to_string();
    assert!(refused.contains("pg_restore"), "{refused}");
    site.tamper("ALTER TABLE elsewhere RENAME TO events_1_to_601")
        .await;
    assert_eq!(site.attach().await.unwrap(), 601);
}

#[tokio::test]
async fn parts_leave_one_after_the_other_and_come_back_together() {
    let site = Site::new().await;
    let [living, across, _] = site.streams;
    let first = site.closed(300).await;
    site.log.append(commit(living, 0, 3)).await.unwrap();
    site.log.append(commit(across, 0, 3)).await.unwrap();
    site.cut().await.unwrap();
    site.tell(across, 3, &["dossier.closed"], json!({})).await;
    let second = site.closed(300).await;
    site.cut().await.unwrap();
    site.log.append(commit(living, 3, 1)).await.unwrap();
    site.seal().await;
    assert_eq!(site.detach().await.unwrap().streams, 1);
    assert_eq!(site.versions(across).await, [1, 2, 3, 4]);
    assert_eq!(site.detach().await.unwrap().streams, 3);
    for (stream, left) in [(first, 300), (across, 4), (second, 300)] {
        assert_eq!(site.versions(stream).await, [left]);
    }
    assert_eq!(site.versions(living).await, [1, 2, 3, 4]);
    let report = site.report().await;
    assert_eq!((told(&report), report.events), (vec![], 608));
    assert_eq!(site.attach().await.unwrap(), 607);
    for (stream, whole) in [(first, 300), (across, 4), (second, 300), (living, 4)] {
        assert_eq!(site.versions(stream).await.len(), whole);
    }
    let report = site.report().await;
    assert_eq!((told(&report), report.events), (vec![], 608));
}

/// What has not ended, or is about a dossier that goes on, stays.
#[tokio::test]
async fn a_dossier_leaves_with_its_documents_and_a_batch_with_all_of_its_own() {
    let site = Site::new().await;
    let closed = site.closed(2).await;
    let reopened = site.closed(2).await;
    let [open, bundled] = [Uuid::now_v7(), site.closed(2).await];
    site.tell(open, 0, &["dossier.taken_up"], json!({})).await;
    let [over, going_on] = [Uuid::now_v7(), Uuid::now_v7()];
    let ended = ["document.requested", "document.delivered"];
    let [mut left, mut stay] = [vec![closed], vec![reopened, open, bundled]];
    for (dossier, batch, leaves) in [
        (closed, over, true),
        (open, going_on, false),
        (bundled, over, false),
    ] {
        let document = Uuid::now_v7();
        let about = json!({ "dossier": dossier, "batch": batch });
        site.tell(document, 0, &ended, about).await;
        if leaves { &mut left } else { &mut stay }.push(document);
    }
    let failed = Uuid::now_v7();
    let about = json!({ "dossier": open, "batch": going_on });
    site.tell(failed, 0, &["document.requested", "document.failed"], about)
        .await;
    for batch in [over, going_on] {
        site.tell(batch, 0, &["batch.started", "batch.completed"], json!({}))
            .await;
    }
    left.push(over);
    let party = Uuid::now_v7();
    site.tell(
        party,
        0,
        &["third_party.registered", "third_party.erased"],
        json!({}),
    )
    .await;
    stay.extend([failed, going_on, party]);
    site.cut().await.unwrap();
    site.tell(reopened, 2, &["dossier.reopened"], json!({}))
        .await;
    let later = json!({ "dossier": bundled });
    site.tell(Uuid::now_v7(), 0, &["document.requested"], later)
        .await;
    site.seal().await;
    let gone = site.detach().await.unwrap();
    assert_eq!(gone.streams, 3);
    let all = [left.clone(), stay].concat();
    let archived = site.log.archived_among(&all).await.unwrap();
    assert_eq!(archived, left.into_iter().collect());
}

#[tokio::test]
async fn what_somebody_has_still_to_read_does_not_leave() {
    let site = Site::new().await;
    site.closed(5).await;
    site.cut().await.unwrap();
    site.seal().await;
    for place in ["live", "next", "former"] {
        let stands = format!(
            "INSERT INTO projections (name, shape, place, position, release) VALUES ('dossiers', 'x', '{place}', 4, '1')"
        );
        site.tamper(&stands).await;
        let early = site.detach().await.unwrap_err().to_string();
        let told =
            format!("the {place} tables of the projection dossiers have read up to position 4");
        assert!(early.contains(&told), "{early}");
        site.tamper("UPDATE projections SET position = 5").await;
    }
    assert_eq!(site.detach().await.unwrap().streams, 1);
}

#[tokio::test]
async fn no_append_fails_while_events_leave_and_come_back() {
    let site = Site::new().await;
    site.closed(50).await;
    let over = Arc::new(AtomicBool::new(false));
    let writers = (0..4).map(|_| {
        let (log, over) = (site.log.clone(), over.clone());
        tokio::spawn(async move {
            let (stream, mut version) = (Uuid::now_v7(), 0);
            while !over.load(Ordering::Relaxed) {
                log.append(commit(stream, version, 1)).await.unwrap();
                version += 1;
                assert_eq!(log.load::<Dossier>(stream).await.unwrap().version, version);
            }
            (stream, version)
        })
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..3 {
        site.cut().await.unwrap();
        site.seal().await;
        site.detach().await.unwrap();
    }
    site.attach().await.unwrap();
    site.cut().await.unwrap();
    over.store(true, Ordering::Relaxed);
    let mut written = 50;
    for writer in writers {
        let (stream, version) = writer.await.unwrap();
        assert!(version > 0);
        written += version;
        let whole: Vec<i64> = (1..=version).collect();
        assert_eq!(site.versions(stream).await, whole);
    }
    let report = site.report().await;
    assert_eq!(told(&report), Vec::<String>::new());
    assert_eq!(i64::try_from(report.events).unwrap(), written);
}

/// Waits until somebody waits for a lock on the log.
async fn somebody_waits(site: &Site) -> i32 {
    let waits = "SELECT pid FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1";
    loop {
        let pid: Option<i32> = sqlx::query_scalar(waits)
            .fetch_optional(site.pool())
            .await
            .unwrap();
        if let Some(pid) = pid {
            return pid;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Keeps `step` from its last instant, ends its connection there, and lets it be begun again.
async fn killed_at_its_last_instant<T>(
    site: &Site,
    step: impl AsyncFn() -> Result<T, NotArchived>,
) -> T {
    let before = (site.parts().await, site.files().await);
    let mut reader = site.pool().begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE events IN ACCESS SHARE MODE")
        .execute(&mut *reader)
        .await
        .unwrap();
    let kill = async {
        let pid = somebody_waits(site).await;
        let killed = sqlx::query("SELECT pg_terminate_backend($1)").bind(pid);
        killed.execute(site.pool()).await.unwrap();
    };
    let (killed, ()) = tokio::join!(step(), kill);
    assert!(matches!(killed, Err(NotArchived::Database(_))));
    reader.rollback().await.unwrap();
    assert_eq!((site.parts().await, site.files().await), before);
    step().await.unwrap()
}

#[tokio::test]
async fn what_is_killed_at_its_last_instant_leaves_nothing_behind_and_is_begun_again() {
    let site = Site::new().await;
    let gone = site.closed(9).await;
    killed_at_its_last_instant(&site, async || site.cut().await).await;
    site.seal().await;
    let left = killed_at_its_last_instant(&site, async || site.detach().await).await;
    assert_eq!((left.streams, site.versions(gone).await), (1, vec![9]));
    killed_at_its_last_instant(&site, async || site.attach().await).await;
    assert_eq!(site.versions(gone).await.len(), 9);
    let report = site.report().await;
    assert_eq!((told(&report), report.events), (vec![], 9));
}

/// Whoever reads holds the last step up, and who writes is not held up by it.
#[tokio::test]
async fn a_stream_that_goes_on_while_it_is_about_to_leave_stays_whole() {
    let site = Site::new().await;
    let [late, gone] = [site.closed(5).await, site.closed(5).await];
    site.cut().await.unwrap();
    site.seal().await;
    let mut reader = site.pool().begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE events IN ACCESS SHARE MODE")
        .execute(&mut *reader)
        .await
        .unwrap();
    let goes_on = async {
        somebody_waits(&site).await;
        site.tell(late, 5, &["dossier.reopened"], json!({})).await;
        reader.rollback().await.unwrap();
    };
    let (left, ()) = tokio::join!(site.detach(), goes_on);
    assert_eq!(left.unwrap().streams, 1);
    assert_eq!(site.versions(late).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(site.versions(gone).await, [5]);
}

#[tokio::test]
async fn what_is_changed_in_an_archive_or_in_what_stayed_of_it_is_told() {
    let site = Site::new().await;
    let [living, ..] = site.streams;
    site.closed(300).await;
    site.log.append(commit(living, 0, 5)).await.unwrap();
    site.cut().await.unwrap();
    site.seal().await;
    site.detach().await.unwrap();
    let told_of = async |change: &str, back: &str| {
        site.tamper(change).await;
        let told = site.faults(&[]).await;
        site.tamper(back).await;
        assert_eq!(site.faults(&[]).await, Vec::<String>::new(), "{back}");
        told
    };
    let space = |table: &str, position: i64| {
        let set = format!("UPDATE {table} SET payload = payload");
        let at = format!("WHERE position = {position}");
        (
            format!("{set} || ' ' {at}"),
            format!("UPDATE {table} SET payload = rtrim(payload) {at}"),
        )
    };
    for (table, position) in [("events_1_to_305", 7), ("events_kept_to_305", 302)] {
        let (change, back) = space(table, position);
        let told = told_of(&change, &back).await;
        let place = format!("à la position {position}");
        assert!(
            told[0].starts_with("modifié") && told[0].contains(&place),
            "{told:#?}"
        );
    }
    // What is elsewhere is known by hashes, and these by the checkpoints.
    site.tamper("ALTER TABLE events_1_to_305 RENAME TO elsewhere")
        .await;
    let zero = "decode(repeat('00', 32), 'hex')";
    let change = format!(
        "CREATE TABLE was AS TABLE archived_hashes; UPDATE archived_hashes SET hash = {zero} WHERE position = 9"
    );
    let back = "UPDATE archived_hashes SET hash = was.hash FROM was WHERE was.position = archived_hashes.position; DROP TABLE was";
    let told = told_of(&change, back).await;
    assert!(
        told.iter()
            .any(|fault| fault.contains("le point de contrôle à 305")),
        "{told:#?}"
    );
    site.tamper("ALTER TABLE elsewhere RENAME TO events_1_to_305")
        .await;
    site.tamper("UPDATE events_1_to_305 SET hash = sha256(hash) WHERE position = 3")
        .await;
    let refused = site.attach().await.unwrap_err().to_string();
    assert!(
        refused.contains("does not hold the events that left"),
        "{refused}"
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
