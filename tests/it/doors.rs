//! A Navette whose doors are open on loopback, and whoever knocks.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::story::{definition, profile, request};
use navette::{
    access::{self, Holder},
    app::{self, App, MIGRATIONS},
    clock::Clock,
    config::{ExportsConfig, NeighboursConfig},
    http::{Doors, router},
    neighbourhood::{Manners, Neighbourhood},
    unit::Envelope,
    workers::RetryPolicy,
};
use navette_adapters::{
    keys::Keys, libreoffice::PoolOptions, postgres::test_cluster::TestDatabase, workshop::Workshop,
};
use navette_domain::{
    chain::{Chain, ChainCommand},
    digest::Digest,
    dossier::{Decision, Dossier, DossierCommand, Request},
    ids::{ChainId, CommandId, DossierId, TemplateId},
    policy::Role,
    ports::OfficeFormat,
    template::{Template, TemplateCommand},
    third_party::{Retention, ThirdParty, ThirdPartyCommand},
};
use reqwest::{
    Client, RequestBuilder, Response,
    multipart::{Form, Part},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::{path::Path, sync::Arc};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use uuid::Uuid;

/// See the module.
pub struct House {
    pub app: App,
    pub url: String,
    pub client: Client,
    _database: TestDatabase,
    pub neighbours: Neighbourhood,
    files: tempfile::TempDir,
    stop: watch::Sender<bool>,
    followers: usize,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A fresh command of somebody.
pub fn asks() -> Envelope {
    let id = Uuid::new_v4();
    Envelope {
        command: CommandId(id),
        content: Digest::of(id.as_bytes()),
        actor: "token:essai".to_owned(),
        expected_version: None,
    }
}

impl House {
    /// As in production.
    pub async fn open() -> Self {
        Self::open_with(Doors::default()).await
    }

    pub async fn open_with(doors: Doors) -> Self {
        Self::open_exporting(doors, |_| ExportsConfig::default()).await
    }

    /// The same with exports of its own, among these neighbours.
    pub async fn open_exporting(
        doors: Doors,
        exports: impl FnOnce(&NeighboursConfig) -> ExportsConfig,
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
        let pool = app::connect(database.connect_options()).await.unwrap();
        let neighbours = Neighbourhood::start(Manners::default()).await.unwrap();
        let files = tempfile::tempdir().unwrap();
        let worker = vec![env!("CARGO_BIN_EXE_navette").into(), "pdf-worker".into()];
        let workshop = Arc::new(Workshop::new(PoolOptions::for_this_machine(worker)));
        let ports = app::ports(&neighbours.config(), files.path(), workshop.clone()).unwrap();
        let policy = RetryPolicy::default();
        let key_file = files.path().join("checkpoint.key");
        let app = App::build(
            pool.clone(),
            Keys::of_tests(pool),
            ports,
            Clock::system(),
            policy,
            Retention::default(),
            key_file,
        )
        .await
        .unwrap()
        .with_exports(exports(&neighbours.config()))
        .unwrap();
        let (stop, stopping) = watch::channel(false);
        let mut tasks = app.follow(&stopping);
        let followers = tasks.len();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = router(&app, doors);
        tasks.push(tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        }));
        Self {
            app,
            url,
            client: Client::new(),
            _database: database,
            neighbours,
            files,
            stop,
            followers,
            tasks,
        }
    }

    /// A new token, limited to these services unless there are none.
    pub async fn token(&self, role: Role, services: &[&str]) -> String {
        let holder = Holder {
            name: format!("essai-{}", Uuid::new_v4().simple()),
            role,
            services: services.iter().map(|text| (*text).to_owned()).collect(),
            schemes: vec![],
            email: None,
        };
        let token = access::issue(&self.app.pool, &holder).await.unwrap();
        token.expose_secret().to_owned()
    }

    /// What GraphQL answers.
    pub async fn ask(&self, token: &str, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let response = self
            .post("/graphql")
            .bearer_auth(token)
            .json(&body)
            .send()
            .await
            .unwrap();
        response.json().await.unwrap()
    }

    /// What a mutation answers, its input built around a fresh key.
    pub async fn mutate(&self, token: &str, mutation: &str, input: Value, want: &str) -> Value {
        let mut input = input;
        if input["idempotencyKey"].is_null() {
            input["idempotencyKey"] = json!(Uuid::new_v4());
        }
        let kind = input_type(mutation);
        let query =
            format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {want} }} }}");
        let answer = self.ask(token, &query, json!({ "input": input })).await;
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"][mutation].clone()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    /// A granted dossier of a service.
    pub async fn granted(&self, reference: &str, service: &str) -> DossierId {
        let profile = profile(reference);
        let at = self.app.clock.now();
        let third_party = profile.derived_id(profile.name.reveal());
        let command = ThirdPartyCommand::Register { profile, at };
        let _ = self
            .app
            .dispatcher
            .dispatch::<ThirdParty>(&asks(), third_party.0, command)
            .await;
        let request = Request {
            service: Some(service.into()),
            third_party,
            ..request(reference)
        };
        let id = DossierId::of_reference(reference);
        let amount = request.amount;
        let decision = Decision {
            reference: Some("CP-2026-03-17".into()),
            date: "2026-03-17".parse().ok(),
        };
        let command = DossierCommand::TakeOver {
            request,
            amount,
            decision,
            at,
        };
        self.app
            .dispatcher
            .dispatch::<Dossier>(&asks(), id.0, command)
            .await
            .unwrap();
        self.settle().await;
        id
    }

    /// Carries outside work out.
    pub async fn work(&mut self) {
        let stopping = self.stop.subscribe();
        self.tasks
            .extend(self.app.work("test", &stopping).await.unwrap());
    }

    /// What a form with this file is answered, under a fresh key.
    pub async fn send(&self, token: &str, path: &str, name: &str, bytes: &[u8]) -> Response {
        let part = Part::bytes(bytes.to_vec()).file_name(name.to_owned());
        self.post(path)
            .bearer_auth(token)
            .header("idempotency-key", Uuid::new_v4().to_string())
            .multipart(Form::new().part("file", part))
            .send()
            .await
            .unwrap()
    }

    /// How many files the store holds.
    pub fn stored(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
            entries
                .map(|entry| {
                    if entry.file_type().unwrap().is_dir() {
                        count(&entry.path())
                    } else {
                        1
                    }
                })
                .sum()
        }
        count(self.files.path())
    }

    /// Stops following the log, so that the only statements are those of the questions.
    pub fn stop_following(&self) {
        let _ = self.stop.send(true);
        self.tasks
            .iter()
            .take(self.followers)
            .for_each(JoinHandle::abort);
    }

    /// A chain and its template.
    pub async fn chain(&self) {
        let at = self.app.clock.now();
        let definition = definition();
        let id = ChainId::of_code(&definition.code).0;
        let command = ChainCommand::Publish { definition, at };
        self.app
            .dispatcher
            .dispatch::<Chain>(&asks(), id, command)
            .await
            .unwrap();
        let file = self.app.ports.files.put(b"modele".to_vec()).await.unwrap();
        let command = TemplateCommand::Upload {
            code: "lettre".into(),
            file_name: "lettre.odt".into(),
            format: OfficeFormat::Odt,
            file,
            fields: vec![],
            at,
        };
        let id = TemplateId::of_code("lettre").0;
        self.app
            .dispatcher
            .dispatch::<Template>(&asks(), id, command)
            .await
            .unwrap();
    }

    /// Waits until everything that is in the log is shown.
    pub async fn settle(&self) {
        let head = self.app.dispatcher.log().last_position().await.unwrap();
        let mut standing = self.app.projections.standing();
        standing
            .wait_for(|standing| standing.position >= head)
            .await
            .unwrap();
    }

    /// How many events there are.
    pub async fn events(&self) -> i64 {
        self.app.dispatcher.log().last_position().await.unwrap()
    }
}

/// The input type of a mutation, by the schema.
pub fn input_type(mutation: &str) -> String {
    let sdl = navette::graphql::sdl();
    let field = sdl
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with(&format!("{mutation}(")));
    let (_, after) = field.unwrap().split_once("input: ").unwrap();
    after.split_once('!').unwrap().0.to_owned()
}

/// A text as addresses write it.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |address, byte| {
        if byte.is_ascii_alphanumeric() {
            address + &char::from(byte).to_string()
        } else {
            address + &format!("%{byte:02X}")
        }
    })
}

/// The body of an answer, which must have this status.
pub async fn body(response: Response, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status);
    response.text().await.unwrap()
}
