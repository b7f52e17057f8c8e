//! What trying Nextcloud says.

use super::*;
use crate::sim::nextcloud::Part;

async fn said(bench: &Bench, named: &Named) -> Vec<Result<String, String>> {
    let told = bench.cloud.try_out(named).await;
    told.into_iter()
        .map(|told| told.map_err(|failure| failure.to_string()))
        .collect()
}

fn circuits(names: &[&str]) -> Named {
    Named {
        circuits: names.iter().map(|&name| name.to_owned()).collect(),
        ..Named::default()
    }
}

#[tokio::test]
async fn a_trial_names_the_release_and_the_rules_and_changes_nothing() {
    let bench = bench().await;
    let told = said(&bench, &Named::default()).await;
    assert_eq!(
        told,
        [
            Ok("Nextcloud 31.0.5 répond et accepte le compte.".to_owned()),
            Ok(
                "Le dossier « Navette » n'existe pas encore : le premier dépôt le créera."
                    .to_owned()
            ),
            Ok("Règles d'approbation : Visa de la direction, Visa du président.".to_owned()),
        ]
    );
    assert_eq!(bench.ledger.entries(), []);
    bench.circulate().await;
    let told = said(&bench, &Named::default()).await;
    assert_eq!(told[1], Ok("Le dossier « Navette » existe.".to_owned()));
}

#[tokio::test]
async fn a_trial_tells_all_that_is_wrong_at_once() {
    let bench = bench().await;
    bench.sim.write("Navette", b"not a folder");
    let told = said(
        &bench,
        &circuits(&["Visa du préfet", RULE, "Visa du maire"]),
    )
    .await;
    let wrong: Vec<_> = told.into_iter().filter_map(Result::err).collect();
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(wrong[0].contains("est un fichier"), "{wrong:?}");
    assert!(wrong[1].contains("« Visa du maire »"), "{wrong:?}");
    assert!(wrong[2].contains("« Visa du préfet »"), "{wrong:?}");
}

#[tokio::test]
async fn a_trial_says_that_the_account_the_app_or_the_server_is_not_the_right_one() {
    let bench = bench_with(NextcloudOptions {
        without: vec![Part::Approval],
        ..NextcloudOptions::default()
    })
    .await;
    let told = said(&bench, &Named::default()).await;
    let last = told.last().unwrap().clone().unwrap_err();
    assert!(last.contains("L'application d'approbation"), "{last}");

    let stranger = Nextcloud::new(config(&bench.sim, "wrong")).unwrap();
    let told = stranger.try_out(&Named::default()).await;
    let [Err(refused)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert_eq!(refused.class, FailureClass::Credentials);

    bench.sim.maintenance(true);
    let cloud = Nextcloud::new(config(&bench.sim, "app-password")).unwrap();
    let told = cloud.try_out(&Named::default()).await;
    let [Err(closed)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert_eq!(closed.sentence, "Nextcloud est en maintenance.");
}

#[tokio::test]
async fn a_trial_says_what_is_missing_for_visas_without_the_app() {
    let options = NextcloudOptions {
        tags: vec!["visé".into()],
        without: vec![Part::Comments],
        ..NextcloudOptions::default()
    };
    let bench = bench_by(VisaBy::Tags, options).await;
    let told = said(&bench, &Named::default()).await;
    let wrong: Vec<_> = told.into_iter().filter_map(Result::err).collect();
    let [refused, asked, comments] = wrong.as_slice() else {
        unreachable!("{wrong:?}");
    };
    assert!(refused.contains("« refusé »"), "{refused}");
    assert!(asked.contains("« à viser »"), "{asked}");
    assert!(comments.contains("commentaires"), "{comments}");

    let options = NextcloudOptions {
        without: vec![Part::Tags],
        ..NextcloudOptions::default()
    };
    let bench = bench_by(VisaBy::Tags, options).await;
    let told = said(&bench, &Named::default()).await;
    assert!(told.iter().any(Result::is_err), "{told:?}");
}

#[tokio::test]
async fn nobody_at_the_address_is_said_so() {
    let bench = bench().await;
    let config = NextcloudConfig {
        url: "http://127.0.0.1:9".into(),
        ..config(&bench.sim, "app-password")
    };
    let told = Nextcloud::new(config)
        .unwrap()
        .try_out(&Named::default())
        .await;
    let [Err(failure)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert_eq!(
        failure.sentence,
        "La connexion avec Nextcloud n'a pas abouti : rien n'écoute à cette adresse."
    );
}
