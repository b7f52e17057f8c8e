//! The same commands, carried out by each store: load, decide, append.

use anyhow::Context as _;
use cqrs_es::{Aggregate as _, DomainEvent as _};
use futures::future::try_join_all;
use navette::{clock::Clock, dispatch::Dispatcher, unit::Envelope};
use navette_adapters::log::{Log, NewEvent};
use navette_domain::{
    amount::Amount,
    digest::Digest,
    dossier::{Authority, Dossier, DossierCommand, DossierEvent, Payment, Request},
    event::{Decider as _, Metadata},
    ids::{CommandId, ThirdPartyId},
};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use sqlx::PgPool;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How many commands a dossier gets before the next one begins.
const LIFE: usize = 10;

/// Who carries commands out.
pub enum Store {
    /// As in production: through the dispatcher, with receipts.
    Ours(Dispatcher),
    Stock(Box<PostgresCqrs<Dossier>>),
    MessageDb(PgPool),
}

impl Store {
    pub fn ours(log: Log) -> Self {
        Self::Ours(Dispatcher::new(log, Clock::system()))
    }

    pub fn stock(pool: PgPool) -> Self {
        Self::Stock(Box::new(postgres_cqrs(pool, vec![], ())))
    }

    async fn execute(&self, id: Uuid, command: DossierCommand) -> anyhow::Result<()> {
        match self {
            Self::Ours(dispatcher) => {
                dispatcher.dispatch::<Dossier>(&asks(), id, command).await?;
            }
            Self::Stock(framework) => framework.execute(&id.to_string(), command).await?,
            Self::MessageDb(pool) => message_db(pool, id, command).await?,
        }
        Ok(())
    }

    /// How many commands a second `clients` get through, each waiting for its answer before the next.
    pub async fn rate(self: &Arc<Self>, clients: usize, turn: Duration) -> anyhow::Result<f64> {
        let began = Instant::now();
        let clients = (0..clients).map(|_| {
            let store = self.clone();
            tokio::spawn(async move {
                let mut done = 0;
                let mut id = Uuid::now_v7();
                while began.elapsed() < turn {
                    if done % LIFE == 0 {
                        id = Uuid::now_v7();
                    }
                    store.execute(id, command(id, done % LIFE)).await?;
                    done += 1;
                }
                anyhow::Ok(done)
            })
        });
        let mut done = 0;
        for client in try_join_all(clients).await? {
            done += client?;
        }
        Ok(crate::rate(done, began.elapsed()))
    }
}

/// The command of a dossier's turn: it is registered, then amended each time.
pub fn command(id: Uuid, turn: usize) -> DossierCommand {
    let at = chrono::Utc::now();
    let request = request(id, turn);
    if turn == 0 {
        DossierCommand::Register { request, at }
    } else {
        DossierCommand::Amend { request, at }
    }
}

/// A fresh command.
pub fn asks() -> Envelope {
    let id = Uuid::now_v7();
    Envelope {
        command: CommandId(id),
        content: Digest::of(id.as_bytes()),
        actor: "bench".to_owned(),
        expected_version: None,
    }
}

/// The event by which a dossier begins, as the log stores it.
pub fn first_event(id: Uuid) -> anyhow::Result<(DossierEvent, NewEvent)> {
    let events = Dossier::default().decide(command(id, 0))?;
    let event = events.into_iter().next().context("no event")?;
    let stored = NewEvent::of(&event, &metadata()?)?;
    Ok((event, stored))
}

fn metadata() -> anyhow::Result<String> {
    Ok(serde_json::to_string(&Metadata {
        command: CommandId(Uuid::now_v7()),
        actor: "bench".to_owned(),
        batch: None,
        dossier: None,
        effect: None,
    })?)
}

fn request(id: Uuid, turn: usize) -> Request {
    let amount = Amount::from_cents(1_234_500);
    Request {
        reference: format!("SUB-{id}"),
        third_party: ThirdPartyId(Uuid::from_u128(7)),
        authority: Authority {
            name: "Département de la Haute-Garonne".to_owned(),
            siret: None,
        },
        purpose: format!("Saison culturelle 2026, état {turn} du dossier"),
        amount,
        nature: Some("aide en numéraire".to_owned()),
        scheme: Some("Culture".to_owned()),
        service: Some("Direction de la culture".to_owned()),
        fiscal_year: Some(2026),
        payment_terms: Some("unique".to_owned()),
        payments: vec![Payment {
            label: "Versement unique".to_owned(),
            date: None,
            amount,
        }],
        custom: [("canton".to_owned(), "Toulouse-1".to_owned())].into(),
    }
}

async fn message_db(pool: &PgPool, id: Uuid, command: DossierCommand) -> anyhow::Result<()> {
    let stream = format!("dossier-{id}");
    let stored: Vec<(i64, String)> =
        sqlx::query_as("SELECT position, data FROM get_stream_messages($1)")
            .bind(&stream)
            .fetch_all(pool)
            .await?;
    let mut dossier = Dossier::default();
    let mut version = -1;
    for (position, data) in stored {
        dossier.apply(serde_json::from_str(&data)?);
        version = position;
    }
    for event in dossier.decide(command)? {
        sqlx::query("SELECT write_message($1, $2, $3, $4::jsonb, $5::jsonb, $6)")
            .bind(Uuid::now_v7().to_string())
            .bind(&stream)
            .bind(event.event_type())
            .bind(serde_json::to_value(&event)?)
            .bind(serde_json::from_str::<serde_json::Value>(&metadata()?)?)
            .bind(version)
            .execute(pool)
            .await?;
        version += 1;
    }
    Ok(())
}
