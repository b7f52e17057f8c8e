#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use crate::sim::{
    ledger::Ledger,
    services::{CALLED, ServicesSim},
    wire::{Call, Delivery, Faithful, Meddler, Mischief},
};
use serde_json::json;
use uuid::Uuid;

struct Lossy;
impl Mischief for Lossy {
    fn applied(&self, _: &Call) -> Delivery {
        Delivery::Lose
    }
}

async fn start() -> (ServicesSim, Ledger, Meddler) {
    let (ledger, meddler) = (Ledger::default(), Meddler::default());
    let sim = ServicesSim::start(ledger.clone(), meddler.clone())
        .await
        .unwrap();
    (sim, ledger, meddler)
}

fn services(sim: &ServicesSim, change: impl FnOnce(&mut ServiceConfig)) -> ConfiguredServices {
    let mut config = sim.config("mandats");
    change(&mut config);
    ConfiguredServices::new(&[("mandats".to_owned(), config)].into()).unwrap()
}

fn call() -> ServiceCall {
    ServiceCall {
        service: "mandats".into(),
        key: Uuid::from_u128(7),
        body: Some(json!({ "montant": 1234.5 })),
        keep: [("numero".to_owned(), "/mandat/numero".to_owned())].into(),
    }
}

#[tokio::test]
async fn a_call_is_applied_once_however_often_its_answer_is_lost_and_what_is_asked_is_kept() {
    let (sim, ledger, meddler) = start().await;
    let services = services(&sim, |_| {});
    meddler.becomes(Lossy);
    let lost = services.call(&call()).await.unwrap_err();
    assert_eq!(lost.class, FailureClass::Transient);
    meddler.becomes(Faithful);
    let kept = services.call(&call()).await.unwrap();
    assert_eq!(kept["numero"], "M-1");
    assert_eq!(ledger.keys(NEIGHBOUR, CALLED), [call().key.to_string()]);
    let entry = ledger.entries().remove(0);
    let body = serde_json::to_vec(&json!({ "montant": 1234.5 })).unwrap();
    assert_eq!(
        entry.content,
        Some(navette_domain::digest::Digest::of(&body))
    );
}

#[tokio::test]
async fn a_refusal_under_status_200_an_answer_without_the_field_and_a_stranger_are_each_told() {
    let (sim, _, _) = start().await;
    let told = async |services: ConfiguredServices, call: ServiceCall| {
        let failure = services.call(&call).await.unwrap_err();
        (failure.class, failure.to_string())
    };
    let says_no = services(&sim, |config| {
        config.success = Some(Success {
            pointer: "/resultat".into(),
            equals: "ACCEPTE".into(),
        });
    });
    assert_eq!(
        told(says_no, call()).await,
        (
            FailureClass::Rejected,
            "Service « mandats » : la réponse ne dit pas « ACCEPTE » en /resultat.".to_owned()
        )
    );
    let elsewhere = ServiceCall {
        keep: [("numero".to_owned(), "/numero".to_owned())].into(),
        ..call()
    };
    assert_eq!(
        told(services(&sim, |_| {}), elsewhere).await.1,
        "Service « mandats » : la réponse ne donne pas « numero » en /numero."
    );
    let stranger = ServiceCall {
        service: "http://169.254.169.254/".into(),
        ..call()
    };
    let (class, sentence) = told(services(&sim, |_| {}), stranger).await;
    assert_eq!(class, FailureClass::Rejected);
    assert!(
        sentence.contains("n'est pas dans la configuration"),
        "{sentence}"
    );
    let unknown = services(&sim, |config| config.auth = None);
    assert_eq!(told(unknown, call()).await.0, FailureClass::Credentials);
    let small = services(&sim, |config| config.largest_answer = 3);
    assert_eq!(told(small, call()).await.0, FailureClass::Rejected);
}

#[test]
fn a_service_that_cannot_be_called_is_refused_with_its_name_and_no_secret_is_shown() {
    for (text, part) in [
        ("url = \"mandats\"", "its address is not a URL"),
        ("url = \"file:///etc/passwd\"", "must begin with https://"),
        (
            "url = \"https://a.example\"\nheaders = { \"a b\" = \"x\" }",
            "the header a b",
        ),
    ] {
        let config: ServiceConfig = toml::from_str(text).unwrap();
        let refused = ConfiguredServices::new(&[("mandats".to_owned(), config)].into());
        let told = format!("{:#}", refused.err().unwrap());
        assert!(
            told.contains("the service mandats") && told.contains(part),
            "{told}"
        );
    }
    let secret = "url = \"https://a.example\"\nauth = { kind = \"basic\", login = \"n\", password = \"tres-secret\" }";
    let config: ServiceConfig = toml::from_str(secret).unwrap();
    assert!(!format!("{config:?}").contains("tres-secret"));
}

#[tokio::test]
async fn trying_services_calls_none_and_names_those_that_refuse_or_are_not_configured() {
    let (sim, ledger, _) = start().await;
    let mut named = Named::default();
    named.services.insert("inconnu".to_owned());
    let told = async |services: ConfiguredServices, named: &Named| {
        let told = services.try_out(named).await.into_iter();
        let told = told.map(|told| told.unwrap_or_else(|failure| failure.to_string()));
        told.collect::<Vec<_>>()
    };
    let known = told(services(&sim, |_| {}), &named).await;
    assert!(
        known[0].contains("« inconnu » n'est pas dans la configuration"),
        "{known:?}"
    );
    assert_eq!(known[1], "Le service « mandats » répond.");
    let gone = services(&sim, |config| config.url = "http://127.0.0.1:9/".to_owned());
    let gone = told(gone, &Named::default()).await;
    assert!(gone[0].starts_with("Service « mandats » : "), "{gone:?}");
    assert_eq!(ledger.entries(), []);
}
