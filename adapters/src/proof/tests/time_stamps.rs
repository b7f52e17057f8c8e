//! Time stamps: an authority that keeps its word, and every way not to.

use super::*;
use crate::{
    sim::time_stamps::{Manner, TimeStampSim},
    trust::Roots,
};
use std::{fs, path::Path};

/// A sealed log, an authority, and where checkpoints are stamped.
async fn stamped() -> (
    Site,
    [SealedCheckpoint; 2],
    TimeStampSim,
    TimeStampAuthority,
) {
    let (mut site, sealed) = Site::sealed().await;
    let sim = TimeStampSim::start().await.unwrap();
    let ca = site.folder.path().join("ca.pem");
    fs::write(&ca, sim.ca_pem()).unwrap();
    let authority = TimeStampAuthority {
        url: sim.url().to_owned(),
        ca: Some(ca),
        policy: None,
        login: None,
        password: None,
        timeout_seconds: 10,
    };
    site.trust.authorities = authority.roots().unwrap();
    (site, sealed, sim, authority)
}

async fn stamp(
    site: &Site,
    authority: &TimeStampAuthority,
    sealed: &SealedCheckpoint,
) -> Result<(), String> {
    let place = Place::TimeStamp(authority.clone());
    let stamped = publish(site.pool(), &place, sealed).await;
    stamped.map_err(|why| format!("{why:#}"))
}

#[tokio::test]
async fn a_checkpoint_is_stamped_once_and_its_token_verifies() {
    let (site, [first, second], sim, authority) = stamped().await;
    for sealed in [&first, &second, &second] {
        stamp(&site, &authority, sealed).await.unwrap();
    }
    assert_eq!(sim.asked(), 2);
    let report = verify(site.pool(), &site.trust, vec![]).await.unwrap();
    assert_eq!(told(&report), Vec::<String>::new());
    let (size, said) = report.stamps.last.clone().unwrap();
    assert_eq!((report.stamps.count, size), (2, 20));
    assert!(said.trusted);
    assert_eq!(said.policy, "1.3.6.1.4.1.99999.1");
    assert!((said.at - second.made_at).num_seconds().abs() < 30);
    let report = report.to_string();
    assert!(report.contains("2 horodatage(s) vérifiés."), "{report}");
    assert!(report.contains("dit CN=Horodatage"), "{report}");
    assert!(!report.contains("n'est pas vérifié"), "{report}");

    // Nobody was said to be trusted: the signature alone is checked, and that is told.
    let alone = Trust {
        authorities: None,
        ..site.trust.clone()
    };
    let report = verify(site.pool(), &alone, vec![]).await.unwrap();
    assert_eq!(told(&report), Vec::<String>::new());
    assert!(report.to_string().contains("n'est pas vérifié"));
}

#[tokio::test]
async fn an_authority_that_does_not_stamp_what_it_was_asked_is_not_believed() {
    for (manner, reason) in [
        (Manner::WrongImprint, "autre chose que ce point de contrôle"),
        (Manner::WrongNonce, "the nonce is not the one"),
        (Manner::Refuses, "status 2: quota épuisé"),
        (Manner::Garbage, "no TimeStampResp"),
        (Manner::Endless, "too long"),
        (Manner::Backdates, "sa signature est fausse"),
        (
            Manner::WrongCertificate,
            "pas celui d'un service d'horodatage",
        ),
    ] {
        let (site, [first, _], sim, authority) = stamped().await;
        sim.becomes(manner);
        let refused = stamp(&site, &authority, &first).await.unwrap_err();
        assert!(refused.contains(reason), "{manner:?}: {refused}");
        assert_eq!(time_stamp_of(site.pool(), 12).await.unwrap(), None);
        // It is left alone for a while, then asked again.
        sim.becomes(Manner::Honest);
        stamp(&site, &authority, &first).await.unwrap();
        assert_eq!(sim.asked(), 1, "{manner:?}");
        site.tamper("UPDATE checkpoint_publications SET tried_at = tried_at - interval '1 minute'")
            .await;
        stamp(&site, &authority, &first).await.unwrap();
        assert!(time_stamp_of(site.pool(), 12).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn an_authority_that_never_answers_is_given_up_after_its_time() {
    let (site, [first, _], sim, authority) = stamped().await;
    sim.becomes(Manner::Hangs);
    let hasty = TimeStampAuthority {
        timeout_seconds: 1,
        ..authority
    };
    let refused = stamp(&site, &hasty, &first).await.unwrap_err();
    assert!(refused.contains("error sending request"), "{refused}");
    assert!(!refused.contains(sim.url()), "{refused}");
}

#[tokio::test]
async fn a_policy_that_was_asked_for_is_the_one_that_is_given() {
    let (site, [first, second], _sim, authority) = stamped().await;
    let asked = TimeStampAuthority {
        policy: Some("1.2.250.1.1".into()),
        ..authority.clone()
    };
    stamp(&site, &asked, &first).await.unwrap();
    let token = time_stamp_of(site.pool(), 12).await.unwrap().unwrap();
    let said = check_time_stamp(&token, &first.note, None).unwrap();
    assert_eq!(said.policy, "1.2.250.1.1");
    let wrong = TimeStampAuthority {
        policy: Some("premium".into()),
        ..authority
    };
    let refused = stamp(&site, &wrong, &second).await.unwrap_err();
    assert!(refused.contains("object identifier"), "{refused}");
}

#[tokio::test]
async fn a_token_that_was_changed_or_is_of_another_checkpoint_or_authority_is_told() {
    let (mut site, [first, second], _sim, authority) = stamped().await;
    stamp(&site, &authority, &first).await.unwrap();
    stamp(&site, &authority, &second).await.unwrap();
    let told_of = async |site: &Site, change: &str| {
        site.tamper(&format!("CREATE TABLE kept AS TABLE time_stamps; {change}"))
            .await;
        let told = site.faults(&[]).await;
        site.tamper("TRUNCATE time_stamps; INSERT INTO time_stamps TABLE kept; DROP TABLE kept")
            .await;
        told
    };
    let begins = |told: &[String], size: i32, why: &str| {
        let sentence = format!(
            "horodatage : le jeton du point de contrôle à {size} événements ne prouve rien : {why}"
        );
        assert!(
            told.iter().any(|fault| fault.starts_with(&sentence)),
            "{told:#?}"
        );
    };
    let told = told_of(
        &site,
        "UPDATE time_stamps SET token = (SELECT token FROM kept WHERE size = 12) WHERE size = 20",
    )
    .await;
    begins(&told, 20, "il horodate autre chose");
    assert_eq!(told.len(), 1, "{told:#?}");
    let last = r"overlay(token PLACING '\x00'::bytea FROM octet_length(token))";
    let told = told_of(
        &site,
        &format!("UPDATE time_stamps SET token = {last} WHERE size = 12"),
    )
    .await;
    begins(&told, 12, "il a été modifié");
    let told = told_of(&site, "UPDATE time_stamps SET token = 'x' WHERE size = 12").await;
    begins(&told, 12, "ce n'est pas un jeton");

    let other = TimeStampSim::start().await.unwrap();
    let path = site.folder.path().join("other.pem");
    fs::write(&path, other.ca_pem()).unwrap();
    site.trust.authorities = Some(Roots::read(&path).unwrap());
    let told = site.faults(&[]).await;
    begins(&told, 12, "son certificat ne remonte pas");
    begins(&told, 20, "son certificat ne remonte pas");
    fs::write(&path, "nothing").unwrap();
    let refused = Roots::read(&path).unwrap_err().to_string();
    assert!(refused.contains("no certificate"), "{refused}");
}

/// The authority of OpenSSL, which signs with RSA and says its time to the millisecond.
#[test]
fn a_token_that_another_program_made_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/time_stamp");
    let token = fs::read(folder.join("token.tst")).unwrap();
    let note = fs::read_to_string(folder.join("checkpoint.txt")).unwrap();
    let roots = Roots::read(&folder.join("ca.pem")).unwrap();
    let said = check_time_stamp(&token, &note, Some(&roots)).unwrap();
    assert_eq!(said.at.to_rfc3339(), "2026-11-27T19:55:36.266+00:00");
    assert_eq!((&*said.policy, &*said.serial), ("1.2.250.1.1.7", "02"));
    let other = check_time_stamp(&token, "another note", Some(&roots));
    assert_eq!(other, Err(NotATimeStamp::OtherImprint));
}
