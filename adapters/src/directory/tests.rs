//! The adapter against the simulator, on the wire.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::sim::{
    directory::{ASKED, DirectorySim},
    ledger::Ledger,
    mischief::Once,
    wire::Meddler,
};

async fn bench(per_second: u32) -> (DirectorySim, Directory, Ledger, Meddler) {
    let (ledger, meddler) = (Ledger::default(), Meddler::default());
    let sim = DirectorySim::start(ledger.clone(), meddler.clone());
    let sim = sim.await.unwrap();
    let directory = Directory::new(&DirectoryConfig {
        url: sim.url(),
        per_second,
        timeout_seconds: 5,
    });
    (sim, directory.unwrap(), ledger, meddler)
}

async fn ask(directory: &Directory, siret: &str) -> Answer<Option<Establishment>> {
    directory.establishment(&siret.parse().unwrap()).await
}

#[tokio::test]
async fn a_number_is_completed_with_its_name_and_address() {
    let (_sim, directory, ..) = bench(100).await;
    let found = ask(&directory, "13002526500013").await.unwrap().unwrap();
    assert_eq!(found.name, "DIRECTION INTERMINISTERIELLE DU NUMERIQUE");
    assert!(found.open);
    assert_eq!(found.rna, None);
    let address = found.address.unwrap();
    assert_eq!(address.lines, ["20 AVENUE DE SEGUR"]);
    assert_eq!(
        (address.postcode.as_str(), address.town.as_str()),
        ("75007", "PARIS")
    );

    let closed = ask(&directory, "73282932000074").await.unwrap().unwrap();
    assert_eq!(closed.name, "LES AMIS DU LAC");
    assert_eq!(closed.rna.as_deref(), Some("W212345678"));
    assert!(!closed.open);
}

#[tokio::test]
async fn what_is_only_near_is_not_taken_for_it() {
    let (_sim, directory, ledger, _) = bench(100).await;
    // The same company, another establishment that the directory does not tell.
    assert_eq!(ask(&directory, "73282932000033").await.unwrap(), None);
    assert_eq!(ask(&directory, "30613890001294").await.unwrap(), None);
    assert_eq!(ledger.keys(NEIGHBOUR, ASKED).len(), 2);
}

#[tokio::test]
async fn questions_keep_to_the_pace_that_the_directory_takes() {
    let (_sim, directory, ledger, _) = bench(7).await;
    let asked = (0..9).map(|_| ask(&directory, "13002526500013"));
    let answers = futures::future::join_all(asked).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(ledger.keys(NEIGHBOUR, ASKED).len(), 9);

    let (_sim, hasty, ..) = bench(1000).await;
    let asked = (0..9).map(|_| ask(&hasty, "13002526500013"));
    let answers = futures::future::join_all(asked).await;
    let refused = answers.into_iter().find_map(Result::err).unwrap();
    let patience = Some(Duration::from_secs(1));
    assert_eq!(refused.class, FailureClass::Throttled(patience));
}

#[tokio::test]
async fn a_directory_that_is_down_or_silent_may_be_asked_again() {
    let (_sim, directory, _, meddler) = bench(100).await;
    let told = directory.try_out(&Named::default()).await;
    assert!(matches!(told.as_slice(), [Ok(_)]), "{told:?}");
    for mischief in [Once::finds_down("GET"), Once::loses("GET")] {
        meddler.becomes(mischief);
        let down = ask(&directory, "13002526500013").await.unwrap_err();
        assert_eq!(down.class, FailureClass::Transient);
        ask(&directory, "13002526500013").await.unwrap();
    }
    let nobody = DirectoryConfig {
        url: "http://127.0.0.1:9".into(),
        ..DirectoryConfig::default()
    };
    let told = Directory::new(&nobody).unwrap();
    let told = told.try_out(&Named::default()).await;
    assert!(matches!(told.as_slice(), [Err(_)]), "{told:?}");
}

#[tokio::test]
#[ignore = "asks the real directory"]
async fn a_real_directory_knows_the_state_s_digital_service() {
    let directory = Directory::new(&DirectoryConfig::default()).unwrap();
    let found = ask(&directory, "13002526500013").await.unwrap().unwrap();
    assert!(found.open, "{found:?}");
}
