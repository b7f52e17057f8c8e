//! Each way to change a log, and the reason that is told.

use super::*;
use navette_domain::proof::StoredEvent;

/// The hash that an event would have as the database holds it now.
async fn rehash(site: &Site, position: i64) -> Digest {
    let event = site.log.stored(position - 1, 1).await.unwrap().remove(0);
    let stream = site.log.stored_stream(event.stream_id).await.unwrap();
    let before = stream
        .iter()
        .rfind(|other| other.version == event.version - 1);
    let before = before.map_or(navette_domain::proof::HASHED_BEFORE_FIRST, |event| {
        event.hash
    });
    event.hash_after(&before)
}

async fn set_hash(site: &Site, position: i64) {
    let hash = rehash(site, position).await;
    site.tamper(&format!(
        r"UPDATE events SET hash = '\x{hash}' WHERE position = {position}"
    ))
    .await;
}

/// Moves all that follows `position` by so many places.
fn shift(position: i64, by: i64) -> String {
    // Out of the way first: positions are unique at every moment.
    format!(
        "UPDATE events SET position = position + 1000 WHERE position > {position};
         UPDATE events SET position = position - 1000 + {by} WHERE position > {position}"
    )
}

#[tokio::test]
async fn a_log_that_nobody_touched_verifies_whole_by_stream_and_against_every_kept_checkpoint() {
    let (site, [first, second]) = Site::sealed().await;
    let held = [&first, &second].map(|sealed| sealed.note.parse().unwrap());
    let report = verify(site.pool(), &site.trust, held.to_vec())
        .await
        .unwrap();
    assert_eq!(told(&report), Vec::<String>::new());
    assert_eq!((report.events, report.checkpoints), (22, 4));
    assert!(report.to_string().ends_with("Aucune anomalie."));
    for stream in site.streams {
        let report = verify_stream(site.pool(), &site.trust, stream)
            .await
            .unwrap();
        assert_eq!(told(&report), Vec::<String>::new());
        assert!(report.events >= 7);
    }
}

/// What is done to a sealed log, and how each fault that is then told begins.
async fn tells(statements: &str, reasons: &[&str]) {
    let (site, _) = Site::sealed().await;
    site.tamper(statements).await;
    let told = site.faults(&[]).await;
    for reason in reasons {
        assert!(
            told.iter().any(|fault| fault.starts_with(reason)),
            "{statements}\n{reason}\n{told:#?}"
        );
    }
    assert_eq!(told.len(), reasons.len(), "{statements}\n{told:#?}");
}

#[tokio::test]
async fn a_changed_or_backdated_event_is_told_with_its_position() {
    let told = "modifié : l'empreinte de l'événement à la position 5 ";
    for change in [
        "payload = payload || ' '",
        "metadata = replace(metadata, 'navette', 'token:autre')",
        "recorded_at = recorded_at - interval '1 day'",
        "event_type = 'dossier.closed'",
        "event_version = 2",
    ] {
        tells(
            &format!("UPDATE events SET {change} WHERE position = 5"),
            &[told],
        )
        .await;
    }
    let first = "UPDATE events SET payload = '{}' WHERE position = 1";
    let told = "modifié : l'événement à la position 1 ";
    tells(first, &[told]).await;
}

#[tokio::test]
async fn an_event_changed_with_its_hash_breaks_the_chain_and_the_sealed_root() {
    let (site, _) = Site::sealed().await;
    site.tamper("UPDATE events SET payload = '{}' WHERE position = 5")
        .await;
    set_hash(&site, 5).await;
    let told = site.faults(&[]).await;
    assert_eq!(told.len(), 3, "{told:#?}");
    let chain = "modifié : l'empreinte de l'événement à la position 8 ";
    assert!(told[0].starts_with(chain), "{told:#?}");
    assert!(told[0].contains("position 5"), "{told:#?}");
    for (fault, size) in told[1..].iter().zip([12, 20]) {
        let root = format!("réécrit : le point de contrôle à {size} événements");
        assert!(fault.starts_with(&root), "{told:#?}");
    }
}

#[tokio::test]
async fn a_removed_event_is_told_with_its_position_and_what_followed_it_in_its_stream() {
    tells(
        "DELETE FROM events WHERE position = 5",
        &[
            "supprimé : il n'y a plus d'événement à la position 5",
            "supprimé : l'événement à la position 8 suit la version 2",
        ],
    )
    .await;
    // The last event of its stream, and the log numbered anew.
    tells(
        &format!("DELETE FROM events WHERE position = 20; {}", shift(20, -1)),
        &[
            "supprimé : 1 événement(s) manquent avant la position 20",
            "réécrit : le point de contrôle à 20 événements",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_event_inserted_afterwards_is_told_with_its_place() {
    let (site, _) = Site::sealed().await;
    let stream = Uuid::now_v7();
    site.tamper(&format!(
        "{}; INSERT INTO events SELECT 5, stream_type, '{stream}', 1, event_type, event_version, payload, metadata, recorded_at, hash
         FROM events WHERE position = 4",
        shift(4, 1)
    ))
    .await;
    set_hash(&site, 5).await;
    let told = site.faults(&[]).await;
    let inserted = "inséré : un événement a été ajouté après coup à la position 5,";
    assert!(
        told.iter().any(|fault| fault.starts_with(inserted)),
        "{told:#?}"
    );
    let others = told.iter().filter(|fault| !fault.starts_with(inserted));
    // Both checkpoints see it too.
    assert!(
        others.clone().all(|fault| fault.starts_with("réécrit")),
        "{told:#?}"
    );
    assert_eq!(others.count(), 2);
}

#[tokio::test]
async fn events_that_changed_places_are_told_with_their_places() {
    tells(
        "UPDATE events SET position = 1000 WHERE position = 5;
         UPDATE events SET position = 5 WHERE position = 6;
         UPDATE events SET position = 6 WHERE position = 1000",
        &[
            "déplacé : l'ordre des événements a été changé à la position 5",
            "déplacé : l'ordre des événements a été changé à la position 6",
            "réécrit : le point de contrôle à 12 événements",
            "réécrit : le point de contrôle à 20 événements",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_truncated_log_is_told_by_its_last_checkpoint() {
    tells(
        "DELETE FROM events WHERE position > 15",
        &["tronqué : le point de contrôle à 20 événements compte plus d'événements que le journal, qui s'arrête à la position 15"],
    )
    .await;
}

#[tokio::test]
async fn a_checkpoint_of_another_key_or_another_epoch_or_that_was_changed_is_told() {
    let (site, [first, _]) = Site::sealed().await;
    let stranger = CheckpointKey::open(&site.folder.path().join("stranger.key")).unwrap();
    let trust = Trust {
        key: stranger.verifier(Uuid::nil()).public,
        authorities: None,
    };
    let report = verify(site.pool(), &trust, vec![first.note.parse().unwrap()]);
    let told = told(&report.await.unwrap());
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(
        told.iter()
            .all(|fault| fault.starts_with("clé étrangère : le point de contrôle"))
    );
    assert!(told.iter().any(|fault| fault.contains("de l'auditeur")));

    // Somebody else signs for this log what is true of it: the key still tells.
    let note = stranger.sign(&first.checkpoint);
    site.tamper(&format!(
        "UPDATE checkpoints SET note = '{note}' WHERE size = 12"
    ))
    .await;
    let told = site.faults(&[]).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with("clé étrangère : le point de contrôle à 12 événements"));

    tells(
        r"UPDATE checkpoints SET root = decode(repeat('00', 32), 'hex') WHERE size = 12",
        &["modifié : le point de contrôle enregistré à 12 événements"],
    )
    .await;
    tells(
        "DELETE FROM epochs",
        &[
            "autre époque : le point de contrôle à 12 événements",
            "autre époque : le point de contrôle à 20 événements",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_log_that_goes_on_in_an_epoch_that_was_announced_keeps_its_checkpoints() {
    let (site, [first, _]) = Site::sealed().await;
    let epoch = site.log.begin_epoch("moved").await.unwrap().epoch;
    let third = site.seal().await;
    assert_eq!((third.checkpoint.epoch, third.checkpoint.size), (epoch, 22));
    let told = site.faults(&[&first, &third]).await;
    assert_eq!(told, Vec::<String>::new());
}

#[tokio::test]
async fn the_checkpoint_of_another_log_is_refused_even_under_the_same_key() {
    let (site, _) = Site::sealed().await;
    let (other, [kept, _]) = Site::sealed().await;
    let note = site.key().sign(&kept.checkpoint);
    let told = site.faults(&[&SealedCheckpoint { note, ..kept }]).await;
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("autre époque : le point de contrôle de l'auditeur"));
    assert!(told[1].starts_with("réécrit : le point de contrôle de l'auditeur"));
    drop(other);
}

/// Why checkpoints are sent out of the database: whoever can write it and has the key can make another log
/// that holds together.
#[tokio::test]
async fn a_log_rebuilt_with_the_stolen_key_is_seen_with_a_kept_checkpoint_and_only_with_it() {
    let (site, [first, second]) = Site::sealed().await;
    site.tamper("UPDATE events SET payload = '{}' WHERE position = 2; DELETE FROM checkpoints; DELETE FROM tree_nodes")
        .await;
    let events: Vec<StoredEvent> = site.log.stored_stream(site.streams[1]).await.unwrap();
    for event in events {
        set_hash(&site, event.position).await;
    }
    site.seal().await;
    assert_eq!(site.faults(&[]).await, Vec::<String>::new());
    let stream = verify_stream(site.pool(), &site.trust, site.streams[1]);
    assert_eq!(told(&stream.await.unwrap()), Vec::<String>::new());
    let told = site.faults(&[&first, &second]).await;
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("réécrit : le point de contrôle de l'auditeur à 12 événements"));
    assert!(told[1].starts_with("réécrit : le point de contrôle de l'auditeur à 20 événements"));
}

#[tokio::test]
async fn a_tail_cut_with_its_checkpoints_is_seen_with_a_kept_checkpoint_and_only_with_it() {
    let (site, [_, second]) = Site::sealed().await;
    site.tamper("DELETE FROM events WHERE position > 12; DELETE FROM checkpoints WHERE size > 12")
        .await;
    assert_eq!(site.faults(&[]).await, Vec::<String>::new());
    let told = site.faults(&[&second]).await;
    let cut = "tronqué : le point de contrôle de l'auditeur à 20 événements compte plus d'événements que le journal, \
               qui s'arrête à la position 12";
    assert_eq!(told, [cut]);
}

#[tokio::test]
async fn a_stream_alone_tells_what_was_changed_removed_or_rewritten_in_it() {
    let verified = async |site: &Site| {
        let report = verify_stream(site.pool(), &site.trust, site.streams[1]);
        told(&report.await.unwrap())
    };
    let (site, _) = Site::sealed().await;
    let root = "réécrit : le point de contrôle à 20 événements";
    site.tamper("DELETE FROM events WHERE position = 8").await;
    let told = verified(&site).await;
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with(root), "{told:#?}");
    let removed = "supprimé : l'événement à la position 11 suit la version 3";
    assert!(told[1].starts_with(removed), "{told:#?}");

    // The chain is rebuilt; the tree is not.
    let (site, _) = Site::sealed().await;
    site.tamper("UPDATE events SET payload = '{}' WHERE position = 20")
        .await;
    assert!(verified(&site).await[0].starts_with("modifié"));
    set_hash(&site, 20).await;
    let told = verified(&site).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with(root), "{told:#?}");
}

/// The root is then made of what is kept of the tree, and still the same.
#[tokio::test]
async fn an_event_changed_with_its_hash_below_what_is_kept_of_the_tree_is_no_longer_proved() {
    let site = Site::new().await;
    let stream = Uuid::now_v7();
    site.log.append(commit(stream, 0, 300)).await.unwrap();
    site.seal().await;
    site.tamper("UPDATE events SET payload = '{}' WHERE position = 200")
        .await;
    set_hash(&site, 200).await;
    let report = verify_stream(site.pool(), &site.trust, stream);
    let faults = report.await.unwrap().faults;
    let told: Vec<_> = faults.told.iter().map(ToString::to_string).collect();
    let unproved = "réécrit : l'événement à la position 1 n'est plus prouvé";
    assert!(told[0].starts_with(unproved), "{told:#?}");
    // Those that share a kept subtree with it, and the break of the chain; those after it are proved.
    assert_eq!(told.len() as u64 + faults.more, 256 + 1);
}

/// One that shifted everything would otherwise be searched for at every event.
#[tokio::test]
async fn a_log_that_was_changed_everywhere_is_told_in_few_words_and_counted() {
    let (site, _) = Site::sealed().await;
    let stream = Uuid::now_v7();
    site.log.append(commit(stream, 0, 300)).await.unwrap();
    site.tamper("UPDATE events SET payload = payload || ' ' WHERE position > 22")
        .await;
    let report = verify(site.pool(), &site.trust, vec![]).await.unwrap();
    assert_eq!(report.faults.told.len(), 50);
    assert_eq!(report.faults.more, 250);
    assert!(report.to_string().contains("et 250 autre(s) anomalie(s)"));
}
