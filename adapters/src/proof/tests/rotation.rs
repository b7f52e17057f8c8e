//! The key that signs is changed, and whoever trusts one of them follows.

use super::*;
use navette_domain::proof::VerifierKey;
use std::{fs, path::PathBuf};

impl Site {
    fn key_file(&self) -> PathBuf {
        self.folder.path().join("checkpoint.key")
    }

    fn former_file(&self) -> PathBuf {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let mut files = files.map(|entry| entry.unwrap().path());
        let former = files.find(|path| path.display().to_string().contains(".former-"));
        former.unwrap()
    }

    fn trusting(&self, key: [u8; 32]) -> Trust {
        Trust {
            key,
            ..self.trust.clone()
        }
    }

    /// Its key changed after 22 events, and four more under the new one.
    async fn rotated() -> (Self, [SealedCheckpoint; 2], String) {
        let (site, sealed) = Self::sealed().await;
        let note = rotate(site.pool(), &site.key_file()).await.unwrap();
        site.write(22..26).await;
        assert_eq!(site.seal().await.checkpoint.size, 26);
        (site, sealed, note)
    }
}

#[tokio::test]
async fn whoever_trusts_the_key_before_or_after_verifies_the_whole_log() {
    let (site, [first, _], note) = Site::rotated().await;
    let (old, new) = (site.trust.key, site.key().public());
    assert_ne!(old, new);
    let held: SignedCheckpoint = note.parse().unwrap();
    assert!(is_signed(&held, old) && is_signed(&held, new));
    for trust in [old, new].map(|key| site.trusting(key)) {
        let kept = vec![first.note.parse().unwrap(), held.clone()];
        let report = verify(site.pool(), &trust, kept).await.unwrap();
        assert_eq!(told(&report), Vec::<String>::new());
        // Four of the log, its passage, and the two that were kept.
        assert_eq!(report.checkpoints, 7);
        let report = verify_stream(site.pool(), &trust, site.streams[0]).await;
        assert_eq!(told(&report.unwrap()), Vec::<String>::new());
    }
    let stranger = site.trusting([7; 32]);
    let report = verify(site.pool(), &stranger, vec![]).await.unwrap();
    let told = told(&report);
    assert!(
        told.iter().all(|fault| fault.starts_with("clé étrangère")),
        "{told:#?}"
    );
    assert_eq!(told.len(), 5, "{told:#?}");
}

#[tokio::test]
async fn a_former_key_signs_nothing_any_more() {
    let (site, _, _) = Site::rotated().await;
    let former = CheckpointKey::read(&site.former_file()).unwrap();
    assert_eq!(former.public(), site.trust.key);
    let last = last_checkpoint(site.pool()).await.unwrap().unwrap();
    site.write(26..27).await;
    let sealer = Sealer::new(site.pool().clone(), former);
    let refused = sealer.seal().await;
    assert!(matches!(refused, Err(NotSealed::OtherKey)), "{refused:?}");
    // Whoever stole it signs what is true.
    let stolen = CheckpointKey::read(&site.former_file()).unwrap();
    let note = stolen.sign(&last.checkpoint);
    site.tamper(&format!(
        "UPDATE checkpoints SET note = '{note}' WHERE size = 26"
    ))
    .await;
    let told = site.faults(&[]).await;
    let [fault] = told.as_slice() else {
        panic!("{told:#?}");
    };
    assert!(
        fault.starts_with("clé étrangère : le point de contrôle à 26"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_passage_that_both_keys_did_not_sign_leads_nowhere() {
    let (site, _, note) = Site::rotated().await;
    let thief = CheckpointKey::open(&site.folder.path().join("thief.key")).unwrap();
    let checkpoint = note.parse::<SignedCheckpoint>().unwrap().checkpoint;
    // The thief has not the former key: they sign in its place.
    let forged = thief.pass_to(&thief, &checkpoint);
    let (of_thief, of_old) = (
        thief.verifier(checkpoint.epoch).to_string(),
        VerifierKey {
            epoch: checkpoint.epoch,
            public: site.trust.key,
        },
    );
    let forged = forged.replacen(&of_thief, &of_old.to_string(), 1);
    site.tamper(&format!("UPDATE key_changes SET note = '{forged}'"))
        .await;
    let told_now = site.faults(&[]).await;
    assert!(
        told_now[0].starts_with("clé étrangère : le passage à une autre clé, à 22 événements"),
        "{told_now:#?}"
    );
    site.tamper("DELETE FROM key_changes").await;
    let told_now = site.faults(&[]).await;
    assert_eq!(told_now.len(), 1, "{told_now:#?}");
    assert!(
        told_now[0].starts_with("clé étrangère : le point de contrôle à 26"),
        "{told_now:#?}"
    );
}

#[tokio::test]
async fn a_change_of_key_that_was_stopped_is_finished_and_is_not_done_twice_in_one_place() {
    let (site, _) = Site::sealed().await;
    let (file, next) = (
        site.key_file(),
        site.folder.path().join("checkpoint.key.next"),
    );
    let note = rotate(site.pool(), &file).await.unwrap();
    let again = rotate(site.pool(), &file).await.unwrap_err().to_string();
    assert!(again.contains("nothing was written since"), "{again}");
    // As if it had stopped before the file was put in its place.
    let new = site.key().public();
    fs::rename(&file, &next).unwrap();
    fs::rename(site.former_file(), &file).unwrap();
    assert_eq!(site.key().public(), site.trust.key);
    assert_eq!(rotate(site.pool(), &file).await.unwrap(), note);
    assert_eq!(site.key().public(), new);
    assert!(!next.exists());
    // Published beside the checkpoint of its size, and once.
    let published = site.folder.path().join("published");
    let place = Place::Folder(published.clone());
    let last = last_checkpoint(site.pool()).await.unwrap().unwrap();
    let passage = last_key_change(site.pool()).await.unwrap().unwrap();
    assert_eq!(passage.note, note);
    for sealed in [&last, &passage, &passage] {
        publish(site.pool(), &place, sealed).await.unwrap();
    }
    assert_eq!(fs::read_dir(published).unwrap().count(), 2);
}
