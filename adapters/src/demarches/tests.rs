//! The adapter against the simulator, on the wire.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::sim::{
    demarches::{DECIDED, DemarchesSim, Filed, MESSAGE, Options},
    ledger::Ledger,
    mischief::Once,
    wire::Meddler,
};
use chrono::{DateTime, TimeDelta, Utc};
use navette_domain::{
    ids::DocumentId,
    ports::{
        Answer, Deposit, DossierSource as _, FailureClass, GrantsTool as _, Named, Neighbour,
        PorteDocuments as _, SourceDossier, SourceState, Trial as _,
    },
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

const PDF: &[u8] = b"%PDF-1.7 a signed letter %%EOF";
const PART: Neighbour = Neighbour::GrantsTool;

struct Bench {
    sim: DemarchesSim,
    ledger: Ledger,
    meddler: Meddler,
}

async fn bench() -> Bench {
    bench_with(Options::default()).await
}

async fn bench_with(options: Options) -> Bench {
    let (ledger, meddler) = (Ledger::default(), Meddler::default());
    let sim = DemarchesSim::start(ledger.clone(), meddler.clone(), options);
    Bench {
        sim: sim.await.unwrap(),
        ledger,
        meddler,
    }
}

fn day(number: i64) -> DateTime<Utc> {
    let first: DateTime<Utc> = "2026-01-01T10:00:00Z".parse().unwrap();
    first + TimeDelta::days(number)
}

impl Bench {
    fn source_config(&self, token: &str) -> DemarcheConfig {
        DemarcheConfig {
            url: self.sim.url(),
            token: token.into(),
            demarche: 42,
            authority: "Département".into(),
            authority_siret: None,
            scheme: None,
            purpose: "Objet".into(),
            amount: "Montant demandé".into(),
            granted: Some("Montant accordé".into()),
            timeout_seconds: 5,
        }
    }

    fn source(&self) -> DemarcheSource {
        DemarcheSource::new(self.source_config("read")).unwrap()
    }

    fn target_config(&self) -> DemarcheTargetConfig {
        DemarcheTargetConfig {
            url: self.sim.url(),
            token: "write".into(),
            instructor: Options::default().instructor,
            decisions: [
                (
                    "notified".to_owned(),
                    Decision::Accept("Commission du 12 mars".into()),
                ),
                ("refused".to_owned(), Decision::Refuse("Hors délai".into())),
            ]
            .into(),
            timeout_seconds: 5,
        }
    }

    fn target(&self) -> DemarcheTarget {
        DemarcheTarget::new(PART, self.target_config()).unwrap()
    }

    fn filed(&self, state: &'static str) {
        self.sim.file(Filed {
            state,
            ..Filed::of_association(7, day(0))
        });
    }
}

fn letter() -> Deposit {
    Deposit {
        document: DocumentId(Uuid::from_u128(1)),
        title: "Notification d'attribution".into(),
        dossier_reference: "7".into(),
        date: "2026-01-05".parse().unwrap(),
        pdf: PDF.into(),
    }
}

async fn all(source: &DemarcheSource, since: Option<DateTime<Utc>>) -> Vec<SourceDossier> {
    let (mut dossiers, mut after) = (vec![], None);
    loop {
        let page = source.changed(since, after.as_deref()).await.unwrap();
        dossiers.extend(page.dossiers);
        after = page.next;
        if after.is_none() {
            return dossiers;
        }
    }
}

#[tokio::test]
async fn dossiers_come_page_by_page_the_oldest_first_with_who_asks_and_what_the_form_says() {
    let bench = bench_with(Options {
        page: 3,
        ..Options::default()
    })
    .await;
    for number in 1..=7 {
        let filed = Filed::of_association(number, day(i64::try_from(number).unwrap()));
        bench.sim.file(filed);
    }
    let dossiers = all(&bench.source(), None).await;
    let numbers: Vec<_> = dossiers.iter().map(|d| d.number.as_str()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7"]);
    let first = &dossiers[0];
    assert_eq!(first.state, SourceState::Instructed);
    assert_eq!(first.changed_at, day(1));
    let who = &first.applicant;
    assert_eq!(who.name.reveal(), "Les Amis du lac");
    assert_eq!(who.siret.as_deref(), Some("13002526500013"));
    assert_eq!(who.rna.as_deref(), Some("W333216789"));
    assert_eq!(who.address.as_ref().unwrap().reveal().town, "Dijon");
    let fields: Vec<_> = first
        .fields
        .iter()
        .map(|(l, v)| (l.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        fields,
        [("Objet", "Fête du lac"), ("Montant demandé", "1500.5")]
    );
    assert_eq!(bench.ledger.entries(), []);
}

#[tokio::test]
async fn only_what_changed_since_is_asked_for_and_what_changes_meanwhile_is_not_left_out() {
    let bench = bench_with(Options {
        page: 2,
        ..Options::default()
    })
    .await;
    for number in 1..=5 {
        let filed = Filed::of_association(number, day(i64::try_from(number).unwrap()));
        bench.sim.file(filed);
    }
    let source = bench.source();
    let since = all(&source, Some(day(4))).await;
    assert_eq!(
        since.iter().map(|d| d.number.as_str()).collect::<Vec<_>>(),
        ["4", "5"]
    );
    let page = source.changed(None, None).await.unwrap();
    // One of those already told moves to the end: the next page begins one too far.
    bench.sim.file(Filed::of_association(1, day(9)));
    let mut seen: BTreeSet<_> = page.dossiers.into_iter().map(|d| d.number).collect();
    let mut after = page.next;
    while let Some(cursor) = after {
        let page = source.changed(None, Some(&cursor)).await.unwrap();
        seen.extend(page.dossiers.into_iter().map(|d| d.number));
        after = page.next;
    }
    // What the shift hid is seen by the next look, which begins before the last change of this one.
    seen.extend(
        all(&source, Some(day(2)))
            .await
            .into_iter()
            .map(|d| d.number),
    );
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[tokio::test]
async fn a_person_an_incomplete_company_and_each_state_are_told_as_they_are() {
    let bench = bench().await;
    let person = json!({
        "__typename": "PersonnePhysique", "nom": "Martin", "prenom": "Jeanne", "email": null,
    });
    let incomplete = json!({
        "__typename": "PersonneMoraleIncomplete", "siret": "13002526500013",
    });
    for (number, state, applicant) in [
        (1, "en_construction", person),
        (2, "accepte", incomplete.clone()),
        (3, "refuse", incomplete.clone()),
        (4, "sans_suite", incomplete),
    ] {
        bench.sim.file(Filed {
            state,
            applicant,
            ..Filed::of_association(number, day(0))
        });
    }
    let dossiers = all(&bench.source(), None).await;
    let states: Vec<_> = dossiers.iter().map(|d| d.state).collect();
    assert_eq!(
        states,
        [
            SourceState::Draft,
            SourceState::Accepted,
            SourceState::Refused,
            SourceState::Dropped
        ]
    );
    assert_eq!(dossiers[0].applicant.name.reveal(), "Jeanne Martin");
    assert_eq!(
        dossiers[0].applicant.email.as_ref().unwrap().reveal(),
        "contact@lac.example"
    );
    assert_eq!(dossiers[0].decided_at, None);
    assert_eq!(dossiers[1].applicant.name.reveal(), "");
    assert_eq!(dossiers[1].decided_at, Some(day(0)));
}

#[tokio::test]
async fn a_refused_token_a_closed_demarche_and_a_call_for_patience_are_told_apart() {
    let bench = bench().await;
    let failure = async |config: DemarcheConfig| {
        let source = DemarcheSource::new(config).unwrap();
        source.changed(None, None).await.unwrap_err()
    };
    let stranger = failure(bench.source_config("other")).await;
    assert_eq!(stranger.class, FailureClass::Credentials);
    let unknown = failure(DemarcheConfig {
        demarche: 43,
        ..bench.source_config("read")
    })
    .await;
    assert_eq!(unknown.class, FailureClass::Rejected);
    assert!(unknown.sentence.contains("ne connaît pas"), "{unknown}");
    bench.sim.throttle(1);
    let throttled = failure(bench.source_config("read")).await;
    let patience = Some(Duration::from_secs(30));
    assert_eq!(throttled.class, FailureClass::Throttled(patience));
}

#[tokio::test]
async fn a_trial_names_the_demarche_and_the_fields_that_it_lacks() {
    let bench = bench().await;
    let told = bench.source().try_out(&Named::default()).await;
    let [Ok(title)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert!(title.contains("« Aide aux associations »"), "{title}");
    let source = DemarcheSource::new(DemarcheConfig {
        amount: "Montant".into(),
        granted: Some("Accordé".into()),
        ..bench.source_config("read")
    });
    let told = source.unwrap().try_out(&Named::default()).await;
    let wrong: Vec<_> = told.into_iter().filter_map(Result::err).collect();
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].sentence.contains("« Montant »"), "{wrong:?}");
    let told = bench.target().try_out(&Named::default()).await;
    assert!(matches!(told.as_slice(), [Ok(_)]), "{told:?}");
}

#[tokio::test]
async fn an_answer_lost_anywhere_sends_the_applicant_one_message_with_the_very_bytes() {
    for operation in ["Dossier", "Upload", "PUT file", "Message"] {
        let bench = bench().await;
        bench.filed("accepte");
        bench.meddler.becomes(Once::loses(operation));
        let target = bench.target();
        let lost = target.deposit("", &letter()).await.unwrap_err();
        assert_eq!(lost.class, FailureClass::Transient, "{operation}");
        let first = target.deposit("", &letter()).await.unwrap();
        // The dossier's own copy is the same message.
        assert_eq!(
            target.attach(&letter()).await.unwrap(),
            first,
            "{operation}"
        );
        assert_eq!(bench.ledger.keys(PART, MESSAGE), ["7"], "{operation}");
        assert!(
            bench.sim.files().iter().all(|file| file == PDF),
            "{operation}"
        );
    }
}

async fn report(target: &DemarcheTarget, status: &str) -> Answer<()> {
    let event = Uuid::from_u128(1);
    target.report_status(event, "7", status, day(3)).await
}

#[tokio::test]
async fn a_decision_is_taken_once_from_where_the_dossier_stands() {
    for (state, decided) in [
        ("en_construction", vec!["7 en_instruction", "7 accepte"]),
        ("en_instruction", vec!["7 accepte"]),
        ("accepte", vec![]),
    ] {
        let bench = bench().await;
        bench.filed(state);
        let target = bench.target();
        report(&target, "notified").await.unwrap();
        report(&target, "notified").await.unwrap();
        assert_eq!(bench.sim.state(7), Some("accepte"));
        assert_eq!(bench.ledger.keys(PART, DECIDED), decided, "{state}");
    }
}

#[tokio::test]
async fn an_answer_lost_anywhere_takes_one_decision() {
    for operation in ["Dossier", "Instruct", "Accept"] {
        let bench = bench().await;
        bench.filed("en_construction");
        bench.meddler.becomes(Once::loses(operation));
        let target = bench.target();
        let lost = report(&target, "notified").await.unwrap_err();
        assert_eq!(lost.class, FailureClass::Transient, "{operation}");
        report(&target, "notified").await.unwrap();
        let decided = bench.ledger.keys(PART, DECIDED);
        assert_eq!(decided, ["7 en_instruction", "7 accepte"], "{operation}");
    }
}

#[tokio::test]
async fn another_decision_already_taken_a_token_that_reads_and_a_strange_instructor_are_refused() {
    let bench = bench().await;
    bench.filed("refuse");
    let refused = report(&bench.target(), "notified").await.unwrap_err();
    assert_eq!(refused.class, FailureClass::Rejected);
    assert!(refused.sentence.contains("déjà refuse"), "{refused}");

    bench.filed("en_instruction");
    for (config, word) in [
        (
            DemarcheTargetConfig {
                token: "read".into(),
                ..bench.target_config()
            },
            "lecture",
        ),
        (
            DemarcheTargetConfig {
                instructor: "another".into(),
                ..bench.target_config()
            },
            "droits d’accès",
        ),
    ] {
        let target = DemarcheTarget::new(PART, config).unwrap();
        let refused = report(&target, "notified").await.unwrap_err();
        assert_eq!(refused.class, FailureClass::Rejected);
        assert!(refused.sentence.contains(word), "{refused}");
    }
    let unnamed = report(&bench.target(), "closed").await.unwrap_err();
    assert!(unnamed.sentence.contains("« closed »"), "{unnamed}");
    assert_eq!(bench.ledger.entries(), []);
}

#[tokio::test]
#[ignore = "NAVETTE_REAL_DEMARCHE names a file with the section of a real démarche"]
async fn a_real_demarche_is_read_to_its_end() {
    let config = crate::real::configured("NAVETTE_REAL_DEMARCHE");
    let source = DemarcheSource::new(config).unwrap();
    for told in source.try_out(&Named::default()).await {
        told.unwrap();
    }
    let dossiers = all(&source, None).await;
    let numbers: BTreeSet<_> = dossiers.iter().map(|d| &d.number).collect();
    assert_eq!(numbers.len(), dossiers.len());
}

#[test]
fn a_decision_is_configured_with_its_motive() {
    let text = "url = 'https://d.example'\ntoken = 't'\ninstructor = 'i'\n\
                decisions = { notified = { accept = 'Vote' }, scheduled = 'instruct' }\n";
    let config: DemarcheTargetConfig = toml::from_str(text).unwrap();
    assert_eq!(
        config.decisions["notified"],
        Decision::Accept("Vote".into())
    );
    assert_eq!(config.decisions["scheduled"], Decision::Instruct);
}
