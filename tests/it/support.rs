//! A whole Navette for a test: a fresh database, simulated neighbours on the wire, workers that run, and
//! an end that tells on whoever left something behind.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use chrono::TimeDelta;
use navette::{
    app::{self, App, MIGRATIONS},
    batches::{StartBatch, Started},
    chains,
    clock::Clock,
    dispatch::{DispatchFailure, Receipt},
    neighbourhood::{Manners, Neighbourhood},
    steps::Ports,
    templates::Uploaded,
    unit::Envelope,
    workers::{Place, RetryPolicy, Shape, build_beside},
};
use navette_adapters::{
    keys::Keys, libreoffice::PoolOptions, postgres::test_cluster::TestDatabase,
    proof::CheckpointKey, workshop::Workshop,
};
use navette_domain::{
    amount::Amount,
    chain::{Chain, ChainCommand},
    digest::Digest,
    document::{Document, DocumentRefusal, DocumentStatus, Journey},
    dossier::{Authority, Decision, Dossier, DossierCommand, DossierStatus, Payment, Request},
    export::{
        self, Export, Format,
        model::{ExportModel, ExportModelCommand, Model},
        schedule::{Calendar, Days, Destination, ExportSchedule, ExportScheduleCommand, Schedule},
    },
    gate::BreakerPolicy,
    ids::{BatchId, ChainId, CommandId, DocumentId, DossierId, ExportId, ThirdPartyId},
    personal::Personal,
    selection::{Content, Selection, SelectionCommand},
    third_party::{PostalAddress, Profile, Retention, ThirdParty, ThirdPartyCommand},
};
use navette_projections::{batches, scope::Scope};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use std::{
    fs::Permissions,
    future::Future,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{process::Command, runtime::Runtime, sync::watch, task::JoinHandle};
use uuid::Uuid;

/// One runtime for all the tests, so that they share the PDF workers, which are slow to start.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static WORKSHOP: LazyLock<Arc<Workshop>> = LazyLock::new(|| {
    let worker = vec![env!("CARGO_BIN_EXE_navette").into(), "pdf-worker".into()];
    Arc::new(Workshop::new(PoolOptions::for_this_machine(worker)))
});

/// Nothing that a test waits for takes this long.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs one test.
pub fn run(test: impl Future<Output = ()>) {
    RUNTIME.block_on(test);
}

pub struct TestApp {
    pub app: App,
    pub neighbours: Neighbourhood,
    /// How many days its clock is ahead.
    pub ahead: Arc<AtomicI64>,
    database: TestDatabase,
    data: tempfile::TempDir,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
}

/// A fresh command of a person.
pub fn asks() -> Envelope {
    let id = Uuid::now_v7();
    Envelope {
        command: CommandId(id),
        content: Digest::of(id.as_bytes()),
        actor: "token:test".to_owned(),
        expected_version: None,
    }
}

pub fn quick() -> RetryPolicy {
    RetryPolicy {
        base_ms: 20,
        cap_ms: 200,
        failures: 40,
        poll_ms: 30,
        locked_out_ms: 200,
        breaker: BreakerPolicy {
            open_ms: 20,
            longest_ms: 200,
            ..BreakerPolicy::default()
        },
        ..RetryPolicy::default()
    }
}

impl TestApp {
    pub async fn start(manners: Manners) -> Self {
        Self::start_with(manners, quick()).await
    }

    pub async fn start_with(manners: Manners, policy: RetryPolicy) -> Self {
        Self::start_among(manners, policy, |ports| ports).await
    }

    /// The same with ports of the test's own around the real ones.
    pub async fn start_among(
        manners: Manners,
        policy: RetryPolicy,
        around: impl FnOnce(Ports) -> Ports,
    ) -> Self {
        let test = Self::start_after(manners, policy, around, async |_| {}).await;
        test.publish(include_str!(
            "../../examples/chains/notification-attribution.toml"
        ))
        .await;
        test.publish(include_str!(
            "../../examples/chains/tableau-commission.toml"
        ))
        .await;
        let letter = include_bytes!("../../examples/templates/lettre-attribution.odt");
        test.upload("lettre-attribution", "lettre.odt", letter)
            .await;
        let table = include_bytes!("../../examples/templates/tableau-commission.ods");
        test.upload("tableau-commission", "tableau.ods", table)
            .await;
        test
    }

    /// A Navette that finds in its database what `before` puts there, and nothing else.
    pub async fn start_after(
        manners: Manners,
        policy: RetryPolicy,
        around: impl FnOnce(Ports) -> Ports,
        before: impl AsyncFnOnce(&App),
    ) -> Self {
        let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
        let pool = app::connect(database.connect_options()).await.unwrap();
        let neighbours = Neighbourhood::start(manners).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let (files, key_file) = (
            data.path().join("files"),
            data.path().join("checkpoint.key"),
        );
        let ports = app::ports(&neighbours.config(), &files, WORKSHOP.clone()).unwrap();
        let (ahead, system) = (Arc::new(AtomicI64::new(0)), Clock::system());
        let days = ahead.clone();
        let clock =
            Clock::from_fn(move || system.now() + TimeDelta::days(days.load(Ordering::SeqCst)));
        let app = App::build(
            pool.clone(),
            Keys::of_tests(pool),
            around(ports),
            clock,
            policy,
            Retention::default(),
            key_file,
        )
        .await
        .unwrap();
        before(&app).await;
        let (stop, stopping) = watch::channel(false);
        let mut workers = app.follow(&stopping);
        workers.extend(app.work("test", &stopping).await.unwrap());
        Self {
            app,
            neighbours,
            ahead,
            database,
            data,
            stop,
            workers,
        }
    }

    pub async fn publish(&self, toml: &str) {
        let definition = chains::read(toml).unwrap();
        let id = ChainId::of_code(&definition.code);
        let command = ChainCommand::Publish {
            definition,
            at: self.app.clock.now(),
        };
        self.app
            .dispatcher
            .dispatch::<Chain>(&asks(), id.0, command)
            .await
            .unwrap();
    }

    pub async fn upload(&self, code: &str, name: &str, bytes: &[u8]) -> Uploaded {
        self.app
            .templates
            .upload(&asks(), &Scope::whole(), code, name, bytes.to_vec())
            .await
            .unwrap()
    }

    /// Registers a granted dossier, and a third party who can be reached.
    pub async fn granted(&self, reference: &str) -> DossierId {
        let profile = profile(reference);
        let third_party = profile.derived_id(profile.name.reveal());
        self.profile(profile, false).await;
        self.granted_to(reference, third_party).await
    }

    /// Registers a granted dossier of a third party.
    pub async fn granted_to(&self, reference: &str, third_party: ThirdPartyId) -> DossierId {
        let at = self.app.clock.now();
        let amount = Amount::from_cents(2_345_650);
        let command = DossierCommand::TakeOver {
            request: request(reference, third_party, amount),
            amount,
            decision: Decision {
                reference: Some("DELIB-2026-12".to_owned()),
                date: Some("2026-03-12".parse().unwrap()),
            },
            at,
        };
        let dossier = DossierId::of_reference(reference);
        self.app
            .dispatcher
            .dispatch::<Dossier>(&asks(), dossier.0, command)
            .await
            .unwrap();
        dossier
    }

    /// Registers a refused dossier, and a third party who can be reached.
    pub async fn refused(&self, reference: &str) -> DossierId {
        let profile = profile(reference);
        let third_party = profile.derived_id(profile.name.reveal());
        self.profile(profile, false).await;
        let at = self.app.clock.now();
        let dossier = DossierId::of_reference(reference);
        let amount = Amount::from_cents(2_345_650);
        let decision = Decision {
            reference: Some("DELIB-2026-12".to_owned()),
            date: Some("2026-03-12".parse().unwrap()),
        };
        for command in [
            DossierCommand::Register {
                request: request(reference, third_party, amount),
                at,
            },
            DossierCommand::Complete { at },
            DossierCommand::TakeUp { at },
            DossierCommand::Schedule {
                commission: "2026-03-12".parse().unwrap(),
                at,
            },
            DossierCommand::Refuse {
                reason: "Crédits épuisés".to_owned(),
                decision,
                at,
            },
        ] {
            self.app
                .dispatcher
                .dispatch::<Dossier>(&asks(), dossier.0, command)
                .await
                .unwrap();
        }
        dossier
    }

    pub async fn profile(&self, profile: Profile, amend: bool) {
        let at = self.app.clock.now();
        let id = profile.derived_id(profile.name.reveal());
        let command = if amend {
            ThirdPartyCommand::Amend { profile, at }
        } else {
            ThirdPartyCommand::Register { profile, at }
        };
        self.app
            .dispatcher
            .dispatch::<ThirdParty>(&asks(), id.0, command)
            .await
            .unwrap();
    }

    pub async fn start_batch(&self, chain: &str, dossiers: &[DossierId]) -> (BatchId, Started) {
        let batch = BatchId(Uuid::now_v7());
        let ask = StartBatch {
            batch,
            label: "Commission de mars".to_owned(),
            chain_code: chain.to_owned(),
            dossiers: dossiers.to_vec(),
            reply_to: Some(Personal("agent@departement.example".parse().unwrap())),
        };
        (batch, self.app.batches.start(&asks(), &ask).await.unwrap())
    }

    pub async fn notify(&self, dossiers: &[DossierId]) -> BatchId {
        self.start_batch("notification-attribution", dossiers)
            .await
            .0
    }

    /// Has a file of all dossiers made, and keeps a model of it, a selection, and a schedule that is not due.
    pub async fn export(&self) {
        let command = SelectionCommand::Save {
            name: "À notifier".to_owned(),
            shared: true,
            content: Content::Filter(serde_json::json!({})),
            by: "token:test".to_owned(),
            at: self.app.clock.now(),
        };
        self.app
            .dispatcher
            .dispatch::<Selection>(&asks(), Uuid::now_v7(), command)
            .await
            .unwrap();
        let schedule = Box::new(Schedule {
            name: "Suivi".to_owned(),
            model: None,
            format: Some(Format::Ndjson),
            columns: None,
            selection: None,
            filter: None,
            calendar: Calendar {
                days: Days::Month(vec![1]),
                hour: 0,
                minute: 0,
            },
            destination: Destination::Folder("controle".to_owned()),
            owner: "token:test".to_owned(),
        });
        let command = ExportScheduleCommand::Save {
            schedule,
            at: self.app.clock.now(),
        };
        self.app
            .dispatcher
            .dispatch::<ExportSchedule>(&asks(), Uuid::now_v7(), command)
            .await
            .unwrap();
        let order = export::Order {
            label: "Tous les dossiers".to_owned(),
            format: Format::Ndjson,
            columns: vec![],
            filter: serde_json::json!({}),
            selection: None,
            services: vec![],
            schemes: vec![],
            kept: true,
            requested_by: "token:test".to_owned(),
        };
        let model = Model {
            name: "Suivi".to_owned(),
            format: Format::Ods,
            columns: vec![],
            shared: true,
            owner: "token:test".to_owned(),
        };
        let id = ExportId(Uuid::now_v7());
        let exports = &self.app.exports;
        exports.request(&asks(), id, order).await.unwrap();
        let at = self.app.clock.now();
        self.app
            .dispatcher
            .dispatch::<ExportModel>(
                &asks(),
                Uuid::now_v7(),
                ExportModelCommand::Save { model, at },
            )
            .await
            .unwrap();
        self.until("the file is made", async || {
            let loaded = self.app.dispatcher.load::<Export>(id.0).await.unwrap();
            matches!(loaded.state, Export::Completed(..))
        })
        .await;
    }

    pub async fn journey(&self, document: DocumentId) -> Journey {
        let loaded = self
            .app
            .dispatcher
            .load::<Document>(document.0)
            .await
            .unwrap();
        loaded.state.journey().unwrap().clone()
    }

    pub async fn status(&self, document: DocumentId) -> DocumentStatus {
        self.journey(document).await.status()
    }

    pub async fn dossier_status(&self, dossier: DossierId) -> DossierStatus {
        match self
            .app
            .dispatcher
            .load::<Dossier>(dossier.0)
            .await
            .unwrap()
            .state
        {
            Dossier::Open { stage, .. } => stage.status(),
            Dossier::Unborn => panic!("the dossier does not exist"),
        }
    }

    pub async fn retry(
        &self,
        document: DocumentId,
    ) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
        self.app.batches.retry_document(&asks(), document).await
    }

    /// Waits until `holds` answers yes.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds().await {
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn until_status(&self, document: DocumentId, status: DocumentStatus) {
        let what = format!("the document is {status:?}");
        self.until(&what, async || {
            let journey = self.journey(document).await;
            if let Some(trouble) = journey.trouble() {
                panic!("{what}, but it stopped: {trouble}");
            }
            journey.status() == status
        })
        .await;
    }

    pub async fn until_stopped(&self, document: DocumentId) -> String {
        self.until("the document calls a person", async || {
            self.journey(document).await.trouble().is_some()
        })
        .await;
        self.journey(document).await.trouble().unwrap()
    }

    /// What the program says on this database, and whether it succeeds.
    pub async fn navette(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// The key that signs its checkpoints.
    pub fn key(&self) -> CheckpointKey {
        CheckpointKey::open(&self.data.path().join("checkpoint.key")).unwrap()
    }

    /// The program on this database.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let config = self.data.path().join("navette.toml");
        let url = self.database.connect_options().to_url_lossy();
        let data = self.data.path();
        let text = format!("database_url = \"{url}\"\ndata = \"{}\"\n", data.display());
        std::fs::write(&config, text).unwrap();
        // The master key of tests, under which `Keys::of_tests` seals.
        let master = data.join("keys/master");
        std::fs::create_dir_all(master.parent().unwrap()).unwrap();
        std::fs::write(&master, "07".repeat(32)).unwrap();
        std::fs::set_permissions(&master, Permissions::from_mode(0o600)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
        command.arg("--config").arg(config).args(arguments);
        command
    }

    /// Waits until no outside work is left, and the projections have seen it all.
    pub async fn settle(&self) {
        let effects = self.app.effects("observer");
        self.until("no effect is left", async || {
            effects.waiting().await.unwrap() == 0
        })
        .await;
        self.until(
            "the projections have caught up, and no batch is left to close",
            async || {
                let last = self.app.dispatcher.log().last_position().await.unwrap();
                self.app.projections.standing().borrow().position == last
                    && batches::ended(&self.app.pool).await.unwrap().is_empty()
            },
        )
        .await;
    }

    /// Stops, and checks what must hold after every chain: nothing is left to do, positions are dense,
    /// and each projection equals a fresh rebuild, byte for byte.
    pub async fn end(self) {
        self.settle().await;
        let _ = self.stop.send(true);
        for worker in self.workers {
            worker.await.unwrap();
        }
        self.app.projections.catch_up().await.unwrap();
        let (count, last): (i64, i64) =
            sqlx::query_as("SELECT count(*), coalesce(max(position), 0) FROM events")
                .fetch_one(&self.database.pool)
                .await
                .unwrap();
        assert_eq!(count, last, "positions are dense");
        let mut connection = PgConnection::connect_with(&self.database.connect_options())
            .await
            .unwrap();
        for projector in self.app.projections.projectors() {
            build_beside(self.app.dispatcher.log(), projector.as_ref())
                .await
                .unwrap();
            let shape = Shape::of(projector.as_ref());
            for table in projector.tables() {
                let live = rows(&mut connection, &shape.schema(Place::Live), table).await;
                assert_eq!(
                    live,
                    rows(&mut connection, &shape.schema(Place::Next), table).await,
                    "{table} equals its rebuild"
                );
            }
        }
    }
}

pub async fn rows(connection: &mut PgConnection, schema: &str, table: &str) -> Vec<String> {
    let statement =
        format!("SELECT t::text FROM {schema}.{table} AS t ORDER BY t::text COLLATE \"C\"");
    sqlx::query_scalar(&statement)
        .fetch_all(connection)
        .await
        .unwrap()
}

pub fn profile(reference: &str) -> Profile {
    Profile {
        name: Personal(format!("Association L'Éveil & <Culturel> {reference}")),
        siret: None,
        rna: None,
        address: Some(Personal(PostalAddress {
            lines: vec!["12 rue de la République".to_owned()],
            postcode: "31000".to_owned(),
            town: "Toulouse".to_owned(),
        })),
        email: Some(Personal(
            format!("contact@{}.example", reference.to_lowercase())
                .parse()
                .unwrap(),
        )),
        applicant_account: Some(format!("usager-{reference}")),
    }
}

fn request(reference: &str, third_party: ThirdPartyId, amount: Amount) -> Request {
    Request {
        reference: reference.to_owned(),
        third_party,
        authority: Authority {
            name: "Département de la Haute-Garonne".to_owned(),
            siret: None,
        },
        purpose: "Saison culturelle 2026".to_owned(),
        amount,
        nature: Some("aide en numéraire".to_owned()),
        scheme: Some("Culture".to_owned()),
        service: Some("Direction de la culture".to_owned()),
        fiscal_year: Some(2026),
        payment_terms: Some("unique".to_owned()),
        payments: vec![Payment {
            label: "Versement unique".to_owned(),
            date: Some("2026-06-30".parse().unwrap()),
            amount,
        }],
        custom: [("canton".to_owned(), "Toulouse-1".to_owned())].into(),
    }
}
