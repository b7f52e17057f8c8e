//! The whole log, told again to an empty database, gives the same tables.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::support::{TestApp, asks, profile, rows, run};
use navette::{
    app::MIGRATIONS,
    neighbourhood::Manners,
    workers::{Place, Shape},
};
use navette_adapters::postgres::test_cluster::TestDatabase;
use navette_domain::{
    attachment::{Attachment, AttachmentCommand, AttachmentFormat, NewFile},
    digest::Digest,
    document::DocumentStatus,
    dossier::DossierStatus,
    ids::DocumentId,
    personal::Personal,
    trigger::{Firing, LeftOut, Occasion, Occurrence, Rule, Trigger, TriggerCommand},
};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use uuid::Uuid;

/// A dossier that a trigger is to answer to, and was said once to have left out. Nobody has its owner's token.
async fn left_out_by_a_trigger(test: &TestApp) {
    let at = test.app.clock.now();
    let status = DossierStatus::Granted;
    let save = TriggerCommand::Save {
        rule: Box::new(Rule {
            name: "Dès l'accord".into(),
            chain: "notification-attribution".into(),
            occasion: Occasion::Status { status },
            selection: None,
            filter: None,
            owner: "token:personne".into(),
        }),
        administers: false,
        others: vec![],
        at,
    };
    let id = Uuid::now_v7();
    let tell = async |command| {
        let asks = asks();
        let told = test.app.dispatcher.dispatch::<Trigger>(&asks, id, command);
        told.await.unwrap();
    };
    tell(save).await;
    let dossier = test.granted("SUB-3").await;
    let reason = "Un document de ce dossier est déjà en cours.".into();
    let firing = Firing {
        occurrence: Occurrence::Events {
            after: 0,
            through: 1,
        },
        batch: None,
        started: 0,
        left_out: vec![LeftOut { dossier, reason }],
        not_chosen: 0,
    };
    let firing = Box::new(firing);
    tell(TriggerCommand::Fire { firing, at }).await;
}

#[test]
fn a_log_replayed_into_an_empty_database_gives_the_same_events_and_tables_byte_for_byte() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossiers = [test.granted("SUB-1").await, test.granted("SUB-2").await];
        let batch = test.notify(&dossiers).await;
        for dossier in dossiers {
            let document = DocumentId::of_dossier(batch, dossier);
            test.until_status(document, DocumentStatus::Delivered).await;
        }
        let owner = profile("SUB-1");
        let command = AttachmentCommand::Add {
            dossier: dossiers[0],
            third_party: owner.derived_id(owner.name.reveal()),
            file: NewFile {
                name: Personal("Devis.pdf".to_owned()),
                format: AttachmentFormat::Pdf,
                size: 5,
                file: Digest::of(b"devis"),
            },
            at: test.app.clock.now(),
        };
        test.app
            .dispatcher
            .dispatch::<Attachment>(&asks(), Uuid::now_v7(), command)
            .await
            .unwrap();
        left_out_by_a_trigger(&test).await;
        test.export().await;
        test.settle().await;
        let copy = TestDatabase::create(&MIGRATIONS).await.unwrap();
        let url = copy.connect_options().to_url_lossy().to_string();
        let (done, said) = test.navette(&["replay", "--into", &url]).await;
        assert!(done, "{said}");
        let mut live = test.app.pool.acquire().await.unwrap();
        let mut told = PgConnection::connect_with(&copy.connect_options())
            .await
            .unwrap();
        let mut tables = vec![("public".to_owned(), "events")];
        for projector in test.app.projections.projectors() {
            let schema = Shape::of(projector.as_ref()).schema(Place::Live);
            tables.extend(
                projector
                    .tables()
                    .iter()
                    .map(|table| (schema.clone(), *table)),
            );
        }
        for (schema, table) in tables {
            let expected = rows(&mut live, &schema, table).await;
            assert!(
                !expected.is_empty() || table == "images",
                "{table} shows nothing"
            );
            assert_eq!(rows(&mut told, &schema, table).await, expected, "{table}");
        }
        drop(live);
        let (done, said) = test.navette(&["replay", "--into", &url]).await;
        assert!(!done && said.contains("empty database only"), "{said}");
        test.end().await;
    });
}
