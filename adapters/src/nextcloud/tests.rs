//! The adapter against the simulator, on the wire.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::sim::{
    ledger::Ledger,
    mischief::Once,
    nextcloud::{Automatic, NextcloudOptions, NextcloudSim, Reply},
    wire::Meddler,
};
use navette_domain::{digest::Digest, ids::DocumentId};
use std::sync::Arc;
use uuid::Uuid;

const PDF: &[u8] = b"%PDF-1.7 a letter %%EOF";
const RULE: &str = "Visa du président";

struct Bench {
    sim: NextcloudSim,
    cloud: Nextcloud,
    ledger: Ledger,
    meddler: Meddler,
}

async fn bench_with(options: NextcloudOptions) -> Bench {
    let (ledger, meddler) = (Ledger::default(), Meddler::default());
    let sim = NextcloudSim::start(ledger.clone(), meddler.clone(), options);
    let sim = sim.await.unwrap();
    let cloud = Nextcloud::new(config(&sim, "app-password")).unwrap();
    Bench {
        sim,
        cloud,
        ledger,
        meddler,
    }
}

async fn bench() -> Bench {
    bench_with(NextcloudOptions::default()).await
}

fn config(sim: &NextcloudSim, password: &str) -> NextcloudConfig {
    NextcloudConfig {
        url: sim.url(),
        login: "navette@departement.example".into(),
        app_password: password.into(),
        root_folder: default_root(),
        timeout_seconds: 5,
    }
}

fn letter() -> VisaRequest {
    VisaRequest {
        document: DocumentId(Uuid::from_u128(1)),
        folder: "Aides/Commission d'été".into(),
        file_name: "Arrêté / n° 12.pdf".into(),
        circuit: RULE.into(),
        pdf: PDF.into(),
    }
}

impl Bench {
    async fn circulate(&self) -> Circulation {
        let first = self.cloud.circulate(&letter(), Attempt::First).await;
        first.unwrap()
    }

    async fn refused(&self, request: &VisaRequest) -> PortFailure {
        let answer = self.cloud.circulate(request, Attempt::First).await;
        answer.unwrap_err()
    }

    fn count(&self, effect: &str) -> usize {
        self.ledger.keys(NEIGHBOUR, effect).len()
    }
}

#[tokio::test]
async fn a_letter_is_put_under_the_user_id_and_its_visa_is_asked_for_once() {
    let bench = bench().await;
    let circulation = bench.circulate().await;
    let path =
        "Navette/Aides/Commission-d-été/Arrêté-n-12--00000000-0000-0000-0000-000000000001.pdf";
    assert_eq!(circulation.path, path);
    assert!(!circulation.etag.contains('"'), "the mark is kept bare");
    assert_eq!(bench.sim.content(path).unwrap(), PDF);
    let uploads: Vec<_> = bench
        .ledger
        .entries()
        .into_iter()
        .filter(|e| e.effect == "upload")
        .collect();
    assert_eq!(uploads.len(), 1);
    assert_eq!(uploads[0].content, Some(Digest::of(PDF)));
    assert_eq!(
        bench.ledger.keys(NEIGHBOUR, "approval requested"),
        [&*circulation.file_id]
    );
    assert_eq!(bench.count("file shared"), 1);
    let state = bench.cloud.state(&circulation).await.unwrap();
    assert_eq!(state, VisaState::Pending);
}

#[tokio::test]
async fn an_answer_lost_anywhere_leaves_one_file_and_one_request() {
    for operation in [
        "PUT",
        "PROPFIND",
        "GET state",
        "GET user-requester-rules",
        "POST shares",
        "POST request",
    ] {
        let bench = bench().await;
        bench.meddler.becomes(Once::loses(operation));
        let lost = bench.refused(&letter()).await;
        assert_eq!(lost.class, FailureClass::Transient, "{operation}");
        let again = bench
            .cloud
            .circulate(&letter(), Attempt::Again)
            .await
            .unwrap();
        assert_eq!(bench.count("upload"), 1, "{operation}");
        assert_eq!(bench.count("overwritten"), 0, "{operation}");
        assert_eq!(
            bench.ledger.keys(NEIGHBOUR, "approval requested"),
            [again.file_id],
            "{operation}"
        );
    }
}

#[tokio::test]
async fn a_repetition_is_found_done_even_when_the_visa_and_a_note_came_first() {
    let automatic = Automatic {
        reply: Arc::new(|_| Reply::Annotate(None)),
        ..Automatic::approving()
    };
    let bench = bench_with(NextcloudOptions {
        automatic: Some(automatic),
        ..NextcloudOptions::default()
    })
    .await;
    let first = bench.circulate().await;
    let again = bench
        .cloud
        .circulate(&letter(), Attempt::Again)
        .await
        .unwrap();
    assert_eq!(first.file_id, again.file_id);
    assert_eq!(bench.count("approval requested"), 1);
}

#[tokio::test]
async fn two_workers_at_once_place_one_file_and_one_request() {
    let bench = bench().await;
    let request = letter();
    let (one, two) = tokio::join!(
        bench.cloud.circulate(&request, Attempt::First),
        bench.cloud.circulate(&request, Attempt::First),
    );
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(bench.count("upload"), 1);
    assert_eq!(bench.count("approval requested"), 1);
}

#[tokio::test]
async fn the_same_content_already_there_is_ours_even_on_a_first_attempt() {
    let bench = bench().await;
    let path = place::path("Navette", &letter());
    bench.sim.write(&path, PDF);
    let circulation = bench.circulate().await;
    assert_eq!(circulation.path, path);
    assert_eq!(bench.count("upload") + bench.count("overwritten"), 0);
    assert_eq!(bench.count("approval requested"), 1);
}

#[tokio::test]
async fn another_content_already_there_is_never_overwritten() {
    let other = b"%PDF-1.7 A LETTER %%EOF and more";
    for attempt in [Attempt::First, Attempt::Again] {
        let bench = bench().await;
        let path = place::path("Navette", &letter());
        bench.sim.write(&path, other);
        let refused = bench.cloud.circulate(&letter(), attempt).await.unwrap_err();
        assert_eq!(refused.class, FailureClass::Rejected);
        assert!(
            refused.sentence.contains("autre contenu"),
            "{}",
            refused.sentence
        );
        assert_eq!(bench.sim.content(&path).unwrap(), &other[..]);
        assert_eq!(bench.count("approval requested"), 0);
    }
}

#[tokio::test]
async fn an_old_release_has_its_folders_made_one_by_one() {
    let bench = bench_with(NextcloudOptions {
        old_release: true,
        ..NextcloudOptions::default()
    })
    .await;
    bench.circulate().await;
    let folders = bench.ledger.keys(NEIGHBOUR, "folder created");
    assert_eq!(
        folders,
        ["Navette", "Navette/Aides", "Navette/Aides/Commission-d-été"]
    );
    let other = VisaRequest {
        document: DocumentId(Uuid::from_u128(2)),
        ..letter()
    };
    bench.cloud.circulate(&other, Attempt::First).await.unwrap();
    assert_eq!(bench.count("folder created"), 3);
}

#[tokio::test]
async fn an_approval_says_who_and_gives_the_content_as_it_stands() {
    let bench = bench().await;
    let circulation = bench.circulate().await;
    assert!(
        bench
            .sim
            .answer(&circulation.path, Reply::Annotate(Some("Vu.".into())))
    );
    let state = bench.cloud.state(&circulation).await.unwrap();
    let VisaState::Approved {
        by, comment, pdf, ..
    } = state
    else {
        unreachable!("{state:?}");
    };
    assert_eq!(by.reveal(), "Direction des aides");
    assert_eq!(comment.as_deref(), Some("Vu."));
    assert!(pdf.starts_with(PDF) && pdf.len() > PDF.len());
}

#[tokio::test]
async fn a_refusal_comes_with_its_reason() {
    let bench = bench().await;
    let circulation = bench.circulate().await;
    assert!(
        bench
            .sim
            .reject(&circulation.file_id, "Le montant est faux.")
    );
    let state = bench.cloud.state(&circulation).await.unwrap();
    let VisaState::Rejected { by, reason, .. } = state else {
        unreachable!("{state:?}");
    };
    assert_eq!(
        (by.reveal().as_str(), reason.as_str()),
        ("Direction des aides", "Le montant est faux.")
    );
}

#[tokio::test]
async fn a_renamed_file_is_followed_and_another_in_its_place_is_not_it() {
    let bench = bench().await;
    let circulation = bench.circulate().await;
    let renamed = circulation.path.replace("Arrêté", "Lettre 1/2 vue");
    let renamed = renamed.replace("1/2", "100 %");
    assert!(bench.sim.rename(&circulation.path, &renamed));
    bench.sim.write(&circulation.path, b"somebody else's");
    assert!(bench.sim.approve(&circulation.file_id, None));
    let state = bench.cloud.state(&circulation).await.unwrap();
    assert!(matches!(state, VisaState::Approved { pdf, .. } if pdf == PDF));
    bench.cloud.withdraw(&circulation).await.unwrap();
    assert_eq!(bench.ledger.keys(NEIGHBOUR, "deleted"), [renamed]);
    assert_eq!(bench.sim.files(), [circulation.path]);
}

#[tokio::test]
async fn a_file_that_is_gone_is_lost_and_withdrawing_it_is_done() {
    let bench = bench().await;
    let circulation = bench.circulate().await;
    bench.cloud.withdraw(&circulation).await.unwrap();
    assert!(bench.sim.files().is_empty());
    assert_eq!(
        bench.cloud.state(&circulation).await.unwrap(),
        VisaState::Lost
    );
    bench.cloud.withdraw(&circulation).await.unwrap();
    bench.sim.delete("Navette");
    bench.cloud.withdraw(&circulation).await.unwrap();
    assert_eq!(bench.count("deleted"), 1);
}

#[tokio::test]
async fn a_storage_that_is_down_makes_nothing_lost() {
    let bench = bench().await;
    let circulation = bench.circulate().await;
    bench.sim.delete(&circulation.path);
    bench.meddler.becomes(Once::finds_down("PROPFIND"));
    let down = bench.cloud.state(&circulation).await.unwrap_err();
    assert_eq!(down.class, FailureClass::Transient);
    let state = bench.cloud.state(&circulation).await.unwrap();
    assert_eq!(state, VisaState::Lost);
}

#[tokio::test]
async fn an_unknown_rule_is_named_to_the_clerk() {
    let bench = bench().await;
    let request = VisaRequest {
        circuit: "Visa du préfet".into(),
        ..letter()
    };
    let refused = bench.refused(&request).await;
    assert_eq!(refused.class, FailureClass::Rejected);
    assert!(
        refused.sentence.contains("« Visa du préfet »"),
        "{}",
        refused.sentence
    );
}

#[tokio::test]
async fn two_rules_of_one_name_are_not_chosen_between() {
    let bench = bench_with(NextcloudOptions {
        rules: vec![RULE.into(), RULE.into()],
        ..NextcloudOptions::default()
    })
    .await;
    let refused = bench.refused(&letter()).await;
    assert!(
        refused.sentence.starts_with("Plusieurs règles"),
        "{}",
        refused.sentence
    );
    assert_eq!(bench.count("approval requested"), 0);
}

#[tokio::test]
async fn a_wrong_password_is_a_matter_of_credentials_and_insisting_is_throttled() {
    let bench = bench().await;
    let stranger = Nextcloud::new(config(&bench.sim, "wrong")).unwrap();
    for _ in 0..10 {
        let refused = stranger
            .circulate(&letter(), Attempt::First)
            .await
            .unwrap_err();
        assert_eq!(refused.class, FailureClass::Credentials);
    }
    let throttled = bench.refused(&letter()).await;
    assert_eq!(throttled.class, FailureClass::Throttled(None));
}

#[tokio::test]
async fn maintenance_asks_for_patience() {
    let bench = bench().await;
    bench.sim.maintenance(true);
    let refused = bench.refused(&letter()).await;
    let patience = Some(Duration::from_mins(2));
    assert_eq!(refused.class, FailureClass::Throttled(patience));
    assert_eq!(refused.sentence, "Nextcloud est en maintenance.");
    bench.sim.maintenance(false);
    bench.circulate().await;
}

#[tokio::test]
async fn an_open_file_a_full_account_and_a_fallen_server_are_tried_again_later() {
    let bench = bench().await;
    let circulation = bench.circulate().await;
    bench.sim.lock(&circulation.path);
    let locked = bench.cloud.withdraw(&circulation).await.unwrap_err();
    assert_eq!(locked.class, FailureClass::Transient);
    assert!(locked.sentence.contains("ouvert"), "{}", locked.sentence);

    bench.meddler.becomes(Once::finds_down("GET state"));
    let fallen = bench.cloud.state(&circulation).await.unwrap_err();
    assert_eq!(fallen.class, FailureClass::Transient);

    let full = bench_with(NextcloudOptions {
        quota: Some(PDF.len() - 1),
        ..NextcloudOptions::default()
    })
    .await;
    let full = full.refused(&letter()).await;
    assert_eq!(full.class, FailureClass::Transient);
    assert!(full.sentence.contains("plein"), "{}", full.sentence);
}

/// One OCS call by hand: status and text.
async fn by_hand(bench: &Bench, method: &str, route: &str, body: &str) -> (u16, String) {
    let request = Client::new()
        .request(
            method.parse().unwrap(),
            format!("{}/ocs/{route}", bench.sim.url()),
        )
        .basic_auth("direction", Some("direction"))
        .header("OCS-APIRequest", "true")
        .body(body.to_owned());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_simulated_approver_sees_the_file_approvable_and_must_name_its_bare_mark() {
    let bench = bench().await;
    let circulation = bench.circulate().await;
    let base = "v2.php/apps/approval/api/v1";
    let state = format!("{base}/state/{}?format=json", circulation.file_id);
    let (_, seen) = by_hand(&bench, "GET", &state, "").await;
    assert!(seen.contains(r#""state":4"#), "{seen}");
    let approve = format!("{base}/approve/{}", circulation.file_id);
    let quoted = format!(r#"{{"etag":"\"{}\""}}"#, circulation.etag);
    let (status, xml) = by_hand(&bench, "PUT", &approve, &quoted).await;
    assert_eq!(status, 400);
    assert!(
        xml.contains("<error>File has been modified: outdated etag</error>"),
        "{xml}"
    );
    let unquoted = format!(
        r#"{{"etag":"{}","message":"Bon pour accord"}}"#,
        circulation.etag
    );
    assert_eq!(by_hand(&bench, "PUT", &approve, &unquoted).await.0, 200);
    let state = bench.cloud.state(&circulation).await.unwrap();
    assert!(
        matches!(state, VisaState::Approved { comment: Some(c), .. } if c == "Bon pour accord")
    );
}

#[tokio::test]
async fn one_listing_of_a_folder_tells_which_files_wait_for_nobody_any_more() {
    let bench = bench().await;
    let mut sent = Vec::new();
    for number in 1..=3 {
        let request = VisaRequest {
            document: DocumentId(Uuid::from_u128(number)),
            ..letter()
        };
        sent.push(
            bench
                .cloud
                .circulate(&request, Attempt::First)
                .await
                .unwrap(),
        );
    }
    bench.sim.approve(&sent[0].path, None);
    bench.sim.reject(&sent[1].file_id, "Non.");
    let moved = bench.cloud.moved(&letter().folder).await.unwrap().unwrap();
    let of = |circulation: &Circulation| moved.contains(&circulation.file_id);
    assert_eq!(sent.iter().map(of).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(bench.cloud.moved("Ailleurs").await.unwrap(), Some(vec![]));
}
