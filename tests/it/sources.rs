//! Dossiers that applicants send to Démarches simplifiées, from the platform to the log.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::import::{Desk, counts};
use chrono::{DateTime, TimeDelta, Utc};
use navette::{
    clock::Clock,
    import::{Watermark, import_source},
};
use navette_adapters::{
    demarches::{DemarcheConfig, DemarcheSource},
    sim::{
        demarches::{DemarchesSim, Filed, Options},
        ledger::Ledger,
        wire::{Call, Fate, Meddler, Mischief},
    },
    subsidies::ImportReport,
};
use navette_domain::{
    amount::Amount,
    dossier::{Dossier, DossierStatus},
    ids::{DossierId, ThirdPartyId},
    third_party::ThirdParty,
};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

struct Counter {
    desk: Desk,
    sim: DemarchesSim,
    meddler: Meddler,
    config: DemarcheConfig,
}

type Told = (ImportReport, Option<DateTime<Utc>>, Vec<String>);

impl Counter {
    async fn open() -> Self {
        let meddler = Meddler::default();
        let options = Options {
            page: 2,
            ..Options::default()
        };
        let sim = DemarchesSim::start(Ledger::default(), meddler.clone(), options);
        let sim = sim.await.unwrap();
        Self {
            desk: Desk::open().await,
            config: DemarcheConfig {
                url: sim.url(),
                token: "read".into(),
                demarche: 42,
                authority: "Département de la Côte-d'Or".into(),
                authority_siret: Some("22210001800019".into()),
                scheme: Some("Aide aux associations".into()),
                purpose: "Objet".into(),
                amount: "Montant demandé".into(),
                granted: Some("Montant accordé".into()),
                timeout_seconds: 5,
            },
            meddler,
            sim,
        }
    }

    async fn try_take(&self, since: Option<DateTime<Utc>>, dry: bool) -> anyhow::Result<Told> {
        let source = DemarcheSource::new(self.config.clone()).unwrap();
        let mut lines = vec![];
        let mut tell = |line: &str| lines.push(line.to_owned());
        let dispatcher = &self.desk.dispatcher;
        let (report, until) =
            import_source(dispatcher, &source, &self.config, since, dry, &mut tell).await?;
        Ok((report, until, lines))
    }

    async fn take(&self, since: Option<DateTime<Utc>>) -> Told {
        self.try_take(since, false).await.unwrap()
    }

    async fn dossier(&self, number: u64) -> Dossier {
        let id = DossierId::of_reference(&number.to_string());
        let dispatcher = &self.desk.dispatcher;
        dispatcher.load::<Dossier>(id.0).await.unwrap().state
    }

    async fn status(&self, number: u64) -> Option<DossierStatus> {
        match self.dossier(number).await {
            Dossier::Open { stage, .. } => Some(stage.status()),
            Dossier::Unborn => None,
        }
    }
}

fn day(number: i64) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2026-01-01T10:00:00Z".parse().unwrap();
    first + TimeDelta::days(number)
}

fn accepted(number: u64, at: DateTime<Utc>, granted: &'static str) -> Filed {
    let mut filed = Filed::of_association(number, at);
    filed.state = "accepte";
    filed.fields.push(("Montant accordé", granted));
    filed.fields.push(("Commune", "Dijon"));
    filed
}

#[tokio::test]
async fn dossiers_are_taken_in_once_as_they_stand_and_a_second_look_writes_nothing() {
    let counter = Counter::open().await;
    counter.sim.file(Filed::of_association(1, day(1)));
    counter.sim.file(accepted(2, day(2), "1 200,00 €"));
    let mut draft = Filed::of_association(3, day(3));
    draft.state = "en_construction";
    counter.sim.file(draft);

    let (report, until, lines) = counter.try_take(None, true).await.unwrap();
    assert_eq!((report, lines), (counts(2, 0, 1), vec![]));
    assert_eq!(counter.desk.position().await, 0);

    let (report, again, _) = counter.take(None).await;
    assert_eq!(report, counts(2, 0, 1));
    assert_eq!((until, again), (Some(day(3)), Some(day(3))));
    assert_eq!(counter.status(1).await, Some(DossierStatus::Deposited));
    assert_eq!(counter.status(3).await, None);
    let Dossier::Open { request, stage } = counter.dossier(2).await else {
        unreachable!("it was taken in");
    };
    assert_eq!(request.amount, Amount::from_cents(150_050));
    assert_eq!(request.purpose, "Fête du lac");
    assert_eq!(
        request.custom,
        [("Commune".to_owned(), "Dijon".to_owned())].into()
    );
    let granted = format!("{:?}", stage.outcome().unwrap());
    assert!(
        granted.contains("120000") && granted.contains("2026-01-03"),
        "{granted}"
    );

    let id = ThirdPartyId::of_key("siret:13002526500013");
    let party = counter
        .desk
        .dispatcher
        .log()
        .load::<ThirdParty>(id.0)
        .await
        .unwrap();
    let party = format!("{:?}", party.state);
    assert!(
        party.contains("Known") || party.contains("profile"),
        "{party}"
    );

    let position = counter.desk.position().await;
    let (report, ..) = counter.take(None).await;
    assert_eq!(report, counts(0, 0, 3));
    assert_eq!(counter.desk.position().await, position);
}

#[tokio::test]
async fn what_the_applicant_changes_is_amended_until_it_is_decided_here() {
    let counter = Counter::open().await;
    counter.sim.file(Filed::of_association(1, day(1)));
    counter.take(None).await;
    let mut changed = Filed::of_association(1, day(2));
    changed.fields = vec![("Objet", "Fête du lac"), ("Montant demandé", "2000")];
    counter.sim.file(changed);
    let (report, until, _) = counter.take(Some(day(1))).await;
    assert_eq!((report, until), (counts(1, 0, 0), Some(day(2))));
    let Dossier::Open { request, .. } = counter.dossier(1).await else {
        unreachable!("it was taken in");
    };
    assert_eq!(request.amount, Amount::from_cents(200_000));

    // Accepted at the source, and not decided here: only a person can say which of the two is right.
    counter.sim.file(accepted(1, day(3), "900"));
    let (report, until, lines) = counter.take(Some(day(2))).await;
    assert_eq!(report, counts(0, 1, 0));
    assert_eq!(until, Some(day(3)), "it is looked at again");
    assert!(lines[0].starts_with("dossier 1 : "), "{lines:?}");
}

#[tokio::test]
async fn a_decision_that_was_told_to_the_source_does_not_come_back_as_news() {
    let counter = Counter::open().await;
    counter.sim.file(accepted(1, day(1), "900"));
    counter.take(None).await;
    let position = counter.desk.position().await;
    counter.sim.file(accepted(1, day(2), "1000"));
    let (report, _, lines) = counter.take(None).await;
    assert_eq!((report, lines), (counts(0, 0, 1), vec![]));
    assert_eq!(counter.desk.position().await, position);
}

#[tokio::test]
async fn a_dossier_that_cannot_be_taken_in_is_told_with_its_field_and_looked_at_again() {
    let counter = Counter::open().await;
    let mut without_amount = Filed::of_association(1, day(1));
    without_amount.fields = vec![("Objet", "Fête")];
    counter.sim.file(without_amount);
    let mut strange_amount = Filed::of_association(2, day(2));
    strange_amount.fields = vec![("Objet", "Fête"), ("Montant demandé", "beaucoup")];
    counter.sim.file(strange_amount);
    let mut nameless = Filed::of_association(3, day(3));
    nameless.applicant = json!({
        "__typename": "PersonneMoraleIncomplete", "siret": "13002526500013",
    });
    counter.sim.file(nameless);
    counter.sim.file(Filed::of_association(4, day(4)));
    let (report, until, lines) = counter.take(None).await;
    assert_eq!(report, counts(1, 3, 0));
    assert_eq!(until, Some(day(1)));
    assert_eq!(
        lines,
        [
            "dossier 1 : le champ « Montant demandé » est vide ou n'existe pas",
            "dossier 2 : le champ « Montant demandé » n'est pas un montant en euros",
            "dossier 3 : le nom du demandeur n'est pas encore connu ; il sera repris",
        ]
    );
}

#[tokio::test]
async fn a_platform_that_falls_silent_between_two_pages_leaves_what_was_taken_and_goes_on_later() {
    let counter = Counter::open().await;
    for number in 1..=5 {
        let at = day(i64::try_from(number).unwrap());
        counter.sim.file(Filed::of_association(number, at));
    }
    counter.meddler.becomes(SecondPageDown::default());
    assert!(counter.try_take(None, false).await.is_err());
    let (report, ..) = counter.take(None).await;
    assert_eq!(report, counts(3, 0, 2));
}

#[derive(Default)]
struct SecondPageDown(AtomicU32);

impl Mischief for SecondPageDown {
    fn before(&self, _: &Call) -> Fate {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            1 => Fate::Unavailable,
            _ => Fate::Serve,
        }
    }
}

#[test]
fn the_next_look_begins_an_hour_before_the_last_change_and_a_lost_mark_reads_everything() {
    let folder = tempfile::tempdir().unwrap();
    let mark = Watermark::of(folder.path(), 42);
    assert_eq!(mark.read().unwrap(), None);
    let until = Clock::system().now();
    mark.write(until).unwrap();
    assert_eq!(mark.read().unwrap(), Some(until - TimeDelta::hours(1)));
    assert_eq!(Watermark::of(folder.path(), 43).read().unwrap(), None);
    std::fs::write(folder.path().join("demarche-42.read"), "hier").unwrap();
    let damaged = mark.read().unwrap_err().to_string();
    assert!(damaged.contains("remove it"), "{damaged}");
}
