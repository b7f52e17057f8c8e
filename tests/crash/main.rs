//! What must hold when Navette, or its PostgreSQL, is killed at any moment: every dossier ends, and every
//! neighbour has seen each effect once.

#![expect(
    clippy::disallowed_methods,
    reason = "tests mint ids and meet Navette as they like"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

mod checks;
mod killers;
mod neighbours;
mod site;
mod story;

use killers::{AtEveryMoment, AtRandom, Moment, OfPostgres};
use site::Site;
use std::collections::BTreeSet;
use story::Batch;

/// Every operation of every neighbour that the two chains need. A step that asks for another one must be
/// added here: it is then killed like the others.
const OPERATIONS: [&str; 25] = [
    "grants_tool POST",
    "grants_tool PUT",
    "iparapheur ArchiverDossier",
    "iparapheur CreerDossier",
    "iparapheur GetDossier",
    "iparapheur GetHistoDossier",
    "maarch_courrier GET autocomplete/statuses",
    "maarch_courrier GET doctypes/types",
    "maarch_courrier GET entities",
    "maarch_courrier GET indexingModels",
    "maarch_courrier GET priorities",
    "maarch_courrier GET resources",
    "maarch_courrier POST contacts",
    "maarch_courrier POST resources",
    "maarch_courrier PUT resources/external",
    "nextcloud GET",
    "nextcloud GET state",
    "nextcloud GET user",
    "nextcloud GET user-requester-rules",
    "nextcloud POST request",
    "nextcloud POST shares",
    "nextcloud PROPFIND",
    "nextcloud PUT",
    "porte_documents PUT",
    "smtp DATA",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_navette_killed_at_every_moment_of_every_outside_request_does_each_thing_once() {
    let site = Site::open().await;
    let killer = AtEveryMoment::new(site.victim.clone());
    site.neighbours.meddler.becomes(killer.clone());
    let mut batches = Vec::new();
    // An effect that was applied is found done, and not asked for again: the moments that are left need
    // other dossiers.
    for round in 0..4 {
        if OPERATIONS.iter().all(|name| killer.is_through_with(name)) {
            break;
        }
        let letters = Batch::of_letters(2, round);
        let sheet = Batch::of_sheet(&letters);
        site.start(&[&sheet, &letters]).await;
        site.convert().await;
        batches.extend([sheet, letters]);
        site.run_until_done().await;
    }
    checks::everything_holds(&site, &batches).await;
    println!("{} kills", killer.kills());
    let killed = killer.operations();
    let expected: BTreeSet<String> = OPERATIONS.map(str::to_owned).into();
    assert_eq!(killed.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (operation, moments) in killed {
        assert_eq!(moments, Moment::ALL.into(), "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_navette_killed_at_random_moments_of_a_batch_does_each_thing_once() {
    let kills = number_from("NAVETTE_KILLS").unwrap_or(10);
    let seed = number_from("NAVETTE_SEED").unwrap_or_else(rand::random);
    println!("NAVETTE_SEED={seed} NAVETTE_KILLS={kills}");
    let site = Site::open().await;
    let mut killer = AtRandom::new(site.victim.clone(), seed, kills);
    let mut batches = Vec::new();
    for round in 0.. {
        if killer.left() == 0 {
            break;
        }
        let letters = Batch::of_letters(10, round);
        let sheet = Batch::of_sheet(&letters);
        site.start(&[&letters]).await;
        site.convert().await;
        // The sheet is merged and converted while Navette is being killed.
        site.start(&[&sheet]).await;
        site.run_with(killer.run()).await;
        batches.extend([letters, sheet]);
    }
    checks::everything_holds(&site, &batches).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_navette_whose_postgresql_is_killed_goes_on_by_itself_and_does_each_thing_once() {
    let site = Site::open().await;
    let killer = OfPostgres::new(
        site.postmaster_file(),
        &[
            ("nextcloud PUT", Moment::Applied),
            ("iparapheur CreerDossier", Moment::Before),
            ("maarch_courrier POST resources", Moment::Applied),
            ("smtp DATA", Moment::Answered),
        ],
    );
    let letters = Batch::of_letters(3, 0);
    let sheet = Batch::of_sheet(&letters);
    site.start(&[&sheet, &letters]).await;
    site.neighbours.meddler.becomes(killer.clone());
    let lives = site.run_until_done().await;
    assert_eq!(lives, 1, "Navette itself must not have to be restarted");
    assert_eq!(killer.left(), 0, "PostgreSQL was not killed as planned");
    checks::everything_holds(&site, &[sheet, letters]).await;
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap())
}
