//! Checkpoints, the key that signs them, and the proofs that are read from few rows.

use super::{seal::lock_checkpoints, *};
use navette_domain::proof::tree::{is_consistent, is_included};
use std::{fs, os::unix::fs::PermissionsExt as _};

#[tokio::test]
async fn a_checkpoint_covers_the_whole_log_and_nothing_is_sealed_twice() {
    let site = Site::new().await;
    assert_eq!(site.sealer().seal().await.unwrap(), None);
    site.write(0..5).await;
    assert_eq!(site.sealer().waiting().await.unwrap(), (5, None));
    // Two processes at once make one checkpoint.
    let (one, other) = (site.sealer(), site.sealer());
    let (one, other) = tokio::join!(one.seal(), other.seal());
    let made: Vec<_> = [one, other]
        .into_iter()
        .filter_map(Result::unwrap)
        .collect();
    let [sealed] = made.as_slice() else {
        panic!("{made:?}");
    };
    assert_eq!(sealed.checkpoint.size, 5);
    let note: SignedCheckpoint = sealed.note.parse().unwrap();
    assert_eq!(note.checkpoint, sealed.checkpoint);
    assert!(is_signed(&note, site.trust.key));
    assert!(!is_signed(&note, [1; 32]));
    assert_eq!(site.sealer().seal().await.unwrap(), None);
    let (waiting, age) = site.sealer().waiting().await.unwrap();
    assert_eq!(waiting, 0);
    assert!(age.is_some());
}

#[tokio::test]
async fn what_was_written_before_a_sealing_is_covered_when_it_ends_whoever_was_first() {
    let site = Site::new().await;
    site.write(0..2).await;
    let mut held = site.pool().begin().await.unwrap();
    lock_checkpoints(&mut held).await.unwrap();
    // Each draws its checkpoint, then waits for the lock: the first one there covers less than the second.
    let waits = async |number: i64| {
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(site.pool())
            .await
            .unwrap()
            < number
        {
            tokio::task::yield_now().await;
        }
    };
    let second = async {
        waits(1).await;
        site.write(2..5).await;
        let (sealer, release) = (site.sealer(), async {
            waits(2).await;
            held.commit().await.unwrap();
        });
        tokio::join!(sealer.seal(), release).0
    };
    let first = site.sealer();
    let (first, second) = tokio::join!(first.seal(), second);
    assert_eq!(first.unwrap().unwrap().checkpoint.size, 2);
    assert_eq!(second.unwrap().unwrap().checkpoint.size, 5);
    assert_eq!(site.faults(&[]).await, Vec::<String>::new());
}

/// Complete subtrees of 256 events are kept; the rest is made again.
#[tokio::test]
async fn every_proof_over_a_log_of_many_events_holds_and_reads_few_rows() {
    let site = Site::new().await;
    let stream = Uuid::now_v7();
    let mut sealed = vec![];
    for (written, more) in [(0, 300), (300, 500), (800, 3)] {
        site.log
            .append(commit(stream, written, more))
            .await
            .unwrap();
        sealed.push(site.seal().await.checkpoint);
    }
    let tree = Tree::new(site.pool().clone());
    let last = sealed[2];
    assert_eq!(last.size, 803);
    let events = site.log.stored(0, 1000).await.unwrap();
    for checkpoint in &sealed {
        let (size, root) = (checkpoint.size, &checkpoint.root);
        assert_eq!(tree.root(size).await.unwrap().as_ref(), Some(root));
        let proof = tree.consistency(size, last.size).await.unwrap().unwrap();
        assert!(is_consistent((size, root), (last.size, &last.root), &proof));
        for position in [1, 255, 256, 257, 300, 512, 513, 800, 803] {
            let index = u64::try_from(position - 1).unwrap();
            let proof = tree.inclusion(position, size).await.unwrap();
            let Some(proof) = proof else {
                assert!(index >= size);
                continue;
            };
            let event = &events[usize::try_from(index).unwrap()].hash;
            assert!(is_included(event, index, (size, root), &proof));
        }
    }
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM tree_nodes")
        .fetch_one(site.pool())
        .await
        .unwrap();
    assert_eq!(kept, 3 + 1, "three of 256, one of 512");
    assert_eq!(site.faults(&[]).await, Vec::<String>::new());

    site.tamper("UPDATE tree_nodes SET hash = decode(repeat('00', 32), 'hex') WHERE place = 1")
        .await;
    let told = site.faults(&[]).await;
    let differs =
        "modifié : les empreintes aux positions 257 à 512 ne sont plus celles qui ont été scellées";
    assert_eq!(told, [differs]);
}

#[tokio::test]
async fn a_log_that_was_cut_or_rewritten_is_not_sealed_again() {
    let (site, _) = Site::sealed().await;
    site.tamper("UPDATE events SET hash = decode(repeat('00', 32), 'hex') WHERE position = 3")
        .await;
    let refused = site.sealer().seal().await.unwrap_err();
    assert!(matches!(refused, NotSealed::Rewritten), "{refused}");

    let (site, _) = Site::sealed().await;
    site.tamper("DELETE FROM events WHERE position = 21").await;
    let refused = site.sealer().seal().await.unwrap_err();
    assert!(matches!(refused, NotSealed::Hole(21)), "{refused}");
    site.tamper("DELETE FROM events WHERE position > 18").await;
    let refused = site.sealer().seal().await.unwrap_err();
    assert!(
        matches!(refused, NotSealed::Truncated { size: 20, head: 18 }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_process_with_another_key_does_not_seal() {
    let (site, _) = Site::sealed().await;
    let stranger = CheckpointKey::open(&site.folder.path().join("stranger.key")).unwrap();
    let refused = Sealer::new(site.pool().clone(), stranger).seal().await;
    assert!(matches!(refused, Err(NotSealed::OtherKey)), "{refused:?}");
}

#[test]
fn the_key_is_made_once_for_its_owner_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("made/checkpoint.key");
    assert!(CheckpointKey::read(&path).is_err());
    let key = CheckpointKey::open(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = CheckpointKey::open(&path).unwrap();
    assert_eq!(key.verifier(Uuid::nil()), again.verifier(Uuid::nil()));
    assert_eq!(fs::read_dir(folder.path().join("made")).unwrap().count(), 1);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = CheckpointKey::open(&path).unwrap_err().to_string();
    assert!(refused.contains("chmod 600"), "{refused}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, b"not a key").unwrap();
    let refused = CheckpointKey::open(&path).unwrap_err().to_string();
    assert!(refused.contains("PKCS#8"), "{refused}");
}
