//! Old events leave the log with the program, and whoever asks for them is told where they are.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::House,
    selections::Events,
    support::{TestApp, asks, run},
};
use navette::{app::MIGRATIONS, dispatch::Dispatcher, neighbourhood::Manners};
use navette_adapters::{
    log::{Reading, archive},
    postgres::test_cluster::TestDatabase,
    proof::{CheckpointKey, Sealer},
};
use navette_domain::{
    document::DocumentStatus,
    dossier::{Dossier, DossierCommand, DossierStatus},
    ids::{DocumentId, DossierId},
    policy::Role,
};
use serde_json::json;
use sqlx::{ConnectOptions as _, PgPool};
use uuid::Uuid;

async fn close(dispatcher: &Dispatcher, dossier: DossierId) {
    let command = DossierCommand::Close {
        at: dispatcher.now(),
    };
    let asked = asks();
    let closed = dispatcher.dispatch::<Dossier>(&asked, dossier.0, command);
    closed.await.unwrap();
}

/// Closes the log, seals it and takes it out.
pub(crate) async fn detach(pool: &PgPool) -> archive::Detached {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = pool.acquire().await.unwrap();
    archive::cut(&mut owner).await.unwrap();
    let key = CheckpointKey::open(&folder.path().join("checkpoint.key")).unwrap();
    Sealer::new(pool.clone(), key).seal().await.unwrap();
    archive::detach(&mut owner).await.unwrap()
}

#[test]
fn the_program_takes_old_events_out_of_the_log_and_brings_them_back() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let [left, stays] = [test.granted("SUB-1").await, test.granted("SUB-2").await];
        let batch = test.notify(&[left, stays]).await;
        for dossier in [left, stays] {
            let document = DocumentId::of_dossier(batch, dossier);
            test.until_status(document, DocumentStatus::Delivered).await;
        }
        test.settle().await;
        close(&test.app.dispatcher, left).await;
        test.settle().await;
        let done = async |arguments: &[&str]| {
            let (done, said) = test.navette(arguments).await;
            assert!(done, "{arguments:?}: {said}");
            said
        };
        let refused = async |arguments: &[&str], why: &str| {
            let (done, said) = test.navette(arguments).await;
            assert!(!done && said.contains(why), "{arguments:?}: {said}");
        };
        refused(&["archive", "detach"], "navette archive cut").await;
        let head = test.app.dispatcher.log().last_position().await.unwrap();
        done(&["archive", "cut"]).await;
        refused(&["archive", "detach"], "navette checkpoint seal").await;
        done(&["checkpoint", "seal"]).await;
        let part = format!("positions 1 to {head}");
        let listed = done(&["archive", "list"]).await;
        assert_eq!(listed, format!("{part}: closed, in the log\n"));
        let told = done(&["archive", "detach"]).await;
        assert!(told.starts_with(&part), "{told}");
        let listed = done(&["archive", "list"]).await;
        assert!(
            listed.starts_with(&format!("{part}: archived, in the table")),
            "{listed}"
        );

        let archived = "is archived up to position";
        refused(&["history", "SUB-1"], archived).await;
        done(&["history", "SUB-2"]).await;
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("recueil.zip");
        refused(
            &["bundle", "SUB-1", "--out", out.to_str().unwrap()],
            archived,
        )
        .await;
        let rebuilt = format!("what follows position 0 is archived, up to position {head}");
        refused(&["rebuild", "dossiers"], &rebuilt).await;
        let copy = TestDatabase::create(&MIGRATIONS).await.unwrap();
        let url = copy.connect_options().to_url_lossy().to_string();
        refused(&["replay", "--into", &url], &rebuilt).await;
        let verified = done(&["verify"]).await;
        assert!(verified.contains("lus dans leurs tables"), "{verified}");
        done(&["verify", "--stream", &left.to_string()]).await;
        // A command never takes it for one that never was, and what is shown stays.
        let reopen = DossierCommand::Reopen {
            reason: "erreur".into(),
            at: test.app.clock.now(),
        };
        let dispatcher = &test.app.dispatcher;
        let reopened = dispatcher
            .dispatch::<Dossier>(&asks(), left.0, reopen)
            .await;
        let reopened = anyhow::Error::from(reopened.unwrap_err());
        let told = reopened.chain().filter_map(|cause| cause.downcast_ref());
        assert!(
            told.into_iter()
                .any(|told| matches!(told, Reading::Archived { .. })),
            "{reopened:#}"
        );
        assert_eq!(dispatcher.log().last_position().await.unwrap(), head);
        assert_eq!(test.dossier_status(stays).await, DossierStatus::Notified);

        done(&["archive", "attach"]).await;
        refused(&["archive", "attach"], "nothing is archived").await;
        done(&["history", "SUB-1"]).await;
        done(&["bundle", "SUB-1", "--out", out.to_str().unwrap()]).await;
        done(&["rebuild", "dossiers"]).await;
        test.end().await;
    });
}

#[tokio::test]
async fn whoever_asks_for_what_is_archived_is_told_so_and_sees_the_lists_as_before() {
    let house = House::open().await;
    let dossier = house.granted("SUB-1", "Culture").await;
    let other = house.granted("SUB-2", "Culture").await;
    let dispatcher = &house.app.dispatcher;
    let notify = DossierCommand::Notify {
        document: DocumentId(Uuid::now_v7()),
        at: dispatcher.now(),
    };
    let asked = asks();
    let notified = dispatcher.dispatch::<Dossier>(&asked, dossier.0, notify);
    notified.await.unwrap();
    close(dispatcher, dossier).await;
    house.settle().await;
    let shown =
        "{ audit(first: 50) { nodes { position } } dossiers { nodes { reference status } } }";
    let token = house.token(Role::Admin, &[]).await;
    let before = house.ask(&token, shown, json!({})).await;
    assert!(before["errors"].is_null(), "{before}");
    let head = house.events().await;
    assert_eq!(detach(&house.app.pool).await.streams, 1);

    let history = "query($id: UUID!) { dossier(id: $id) { reference state { position } } }";
    let told = house.ask(&token, history, json!({ "id": dossier })).await;
    let error = &told["errors"][0];
    assert_eq!(error["extensions"]["code"], "ARCHIVED", "{told}");
    let sentence = format!("Archivé jusqu'à la position {head} du journal");
    assert!(
        error["message"].as_str().unwrap().starts_with(&sentence),
        "{told}"
    );
    let told = house.ask(&token, history, json!({ "id": other })).await;
    assert!(told["errors"].is_null(), "{told}");
    // A cursor from before is still good: what is followed is told by the read models.
    let follow =
        "subscription($id: UUID!) { dossierEvents(dossierId: $id, after: 0) { eventType } }";
    let mut events = Events::open(&house, &token, follow, json!({ "id": dossier })).await;
    let (_, first) = events.hear().await;
    let entries = &first["data"]["dossierEvents"];
    assert_eq!(entries[0]["eventType"], "dossier.registered", "{first}");
    assert_eq!(
        entries[entries.as_array().unwrap().len() - 1]["eventType"],
        "dossier.closed",
        "{first}"
    );
    let reopen =
        "mutation($input: ReasonedChange!) { reopenDossier(input: $input) { refusal { code } } }";
    let input = json!({ "id": dossier, "reason": "erreur", "idempotencyKey": Uuid::now_v7() });
    let told = house.ask(&token, reopen, json!({ "input": input })).await;
    assert_eq!(
        told["errors"][0]["extensions"]["code"], "ARCHIVED",
        "{told}"
    );
    let bundle = house.post(&format!("/dossiers/{dossier}/bundle"));
    let refused = bundle.bearer_auth(&token).send().await.unwrap();
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains("ARCHIVED"));
    assert_eq!(house.events().await, head);
    assert_eq!(house.ask(&token, shown, json!({})).await, before);
}
