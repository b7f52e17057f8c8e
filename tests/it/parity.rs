//! Our event store beside the engine's own: the same commands give the same answers and the same events.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::story::{day, noon, profile, request};
use cqrs_es::{
    AggregateError, CqrsFramework, EventEnvelope, EventStore, persist::PersistedEventStore,
};
use navette_adapters::{
    log::{Log, LogStore},
    postgres::test_cluster::TestDatabase,
};
use navette_domain::{
    amount::Amount,
    dossier::{Decision, Dossier, DossierCommand},
    event::Decider,
    ids::{DocumentId, DossierId, ThirdPartyId},
    third_party::{ThirdParty, ThirdPartyCommand},
};
use postgres_es::{PostgresEventRepository, postgres_cqrs};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use sqlx::{
    PgPool,
    migrate::{Migration, MigrationType, Migrator},
};
use std::{borrow::Cow, collections::HashMap};
use uuid::Uuid;

/// The engine's own table, as its `db/init.sql` makes it.
const STOCK: &str = "CREATE TABLE events (
    aggregate_type text                         NOT NULL,
    aggregate_id   text                         NOT NULL,
    sequence       bigint CHECK (sequence >= 0) NOT NULL,
    event_type     text                         NOT NULL,
    event_version  text                         NOT NULL,
    payload        json                         NOT NULL,
    metadata       json                         NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
)";

/// Both databases.
struct Both {
    ours: TestDatabase,
    stock: TestDatabase,
    log: Log,
}

impl Both {
    async fn open() -> Self {
        let table = Migration::new(
            1,
            "events".into(),
            MigrationType::Simple,
            STOCK.into(),
            false,
        );
        let stock = Migrator {
            migrations: Cow::Owned(vec![table]),
            ..Migrator::DEFAULT
        };
        let ours = TestDatabase::create(&sqlx::migrate!()).await.unwrap();
        Self {
            log: Log::of_tests(ours.pool.clone()),
            stock: TestDatabase::create(&stock).await.unwrap(),
            ours,
        }
    }

    /// Gives the commands to both, in order.
    async fn execute<A>(&self, commands: Vec<(Uuid, A::Command)>)
    where
        A: Decider<Services = ()>,
        A::Command: Clone,
    {
        let ours = CqrsFramework::<A, _>::new(LogStore::<A>::new(self.log.clone()), vec![], ());
        let stock = postgres_cqrs::<A>(self.stock.pool.clone(), vec![], ());
        for (id, command) in commands {
            let id = id.to_string();
            let answers = (
                ours.execute(&id, command.clone()).await,
                stock.execute(&id, command).await,
            );
            let words = |answer: Result<(), AggregateError<A::Error>>| format!("{answer:?}");
            assert_eq!(words(answers.0), words(answers.1));
        }
    }

    /// What both hold, which must be the same once ours is opened; the engine's own store does not keep the
    /// order of fields.
    async fn stored(&self) -> Vec<(String, String, i64, String, String, Value)> {
        let ours =
            "SELECT stream_type, stream_id::text, version, event_type, event_version::text, payload::json
                    FROM events ORDER BY 1, 2, 3";
        let stock =
            "SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload
                     FROM events ORDER BY 1, 2, 3";
        let rows = async |pool: &PgPool, sql| sqlx::query_as(sql).fetch_all(pool).await.unwrap();
        let mut ours: Vec<(String, String, i64, String, String, Value)> =
            rows(&self.ours.pool, ours).await;
        for (_, id, version, _, _, payload) in &mut ours {
            let stream = self.log.stream(id.parse().unwrap()).await.unwrap();
            let recorded = stream.iter().find(|recorded| recorded.version == *version);
            *payload = serde_json::to_value(&recorded.unwrap().event).unwrap();
        }
        assert_eq!(ours, rows(&self.stock.pool, stock).await);
        ours
    }

    /// What both tell of an aggregate, which must be the same.
    async fn loaded<A: Decider>(&self, id: Uuid) {
        let id = id.to_string();
        let ours = LogStore::<A>::new(self.log.clone());
        let stock = PostgresEventRepository::new(self.stock.pool.clone());
        let stock = PersistedEventStore::<_, A>::new_event_store(stock);
        let told = |envelopes: Vec<EventEnvelope<A>>| -> Vec<_> {
            envelopes
                .into_iter()
                .map(|told| (told.aggregate_id, told.sequence, told.payload))
                .collect()
        };
        let ours = ours.load_events(&id).await.unwrap();
        let stock = stock.load_events(&id).await.unwrap();
        assert_eq!(told(ours), told(stock));
    }
}

fn any_command(random: &mut StdRng, reference: &str) -> DossierCommand {
    use DossierCommand as C;
    let at = noon();
    let request = || request(reference);
    let reason = || "à revoir".to_owned();
    let amount = Amount::from_cents(90_000);
    let decision = || Decision {
        reference: Some("CP-2026-12".into()),
        date: Some(day("2026-03-12")),
    };
    let commission = day("2026-04-12");
    let document = DocumentId(Uuid::from_u128(1));
    match random.random_range(0..13) {
        0 | 1 => C::Register {
            request: request(),
            at,
        },
        2 => C::TakeOver {
            request: request(),
            amount,
            decision: decision(),
            at,
        },
        3 => {
            let mut request = request();
            request.purpose = format!("Fête {}", random.random_range(0..3));
            C::Amend { request, at }
        }
        4 => C::Complete { at },
        5 => C::TakeUp { at },
        6 => C::Schedule { commission, at },
        7 => C::Grant {
            amount,
            decision: decision(),
            at,
        },
        8 => C::Refuse {
            reason: reason(),
            decision: decision(),
            at,
        },
        9 => C::Adjourn {
            reason: reason(),
            at,
        },
        10 => C::Notify { document, at },
        11 => C::Close { at },
        _ => C::Reopen {
            reason: reason(),
            at,
        },
    }
}

#[tokio::test]
async fn the_same_commands_give_the_same_answers_and_events_as_the_engines_own_store() {
    let both = Both::open().await;
    let mut random = StdRng::seed_from_u64(2026);
    let references = ["SUB-1", "SUB-2", "SUB-3"];
    let commands = (0..600).map(|_| {
        let reference = references[random.random_range(0..references.len())];
        let command = any_command(&mut random, reference);
        (DossierId::of_reference(reference).0, command)
    });
    both.execute::<Dossier>(commands.collect()).await;
    let party = ThirdPartyId(Uuid::from_u128(7)).0;
    let at = noon();
    let named = |name: &str| profile(name);
    let commands = [
        ThirdPartyCommand::Amend {
            profile: named("Personne"),
            at,
        },
        ThirdPartyCommand::Register {
            profile: named("Comité « d'été » \\ & Cie"),
            at,
        },
        ThirdPartyCommand::Register {
            profile: named("Un autre"),
            at,
        },
        ThirdPartyCommand::Amend {
            profile: named("Comité d'hiver"),
            at,
        },
        ThirdPartyCommand::Amend {
            profile: named("Comité d'hiver"),
            at,
        },
    ];
    both.execute::<ThirdParty>(commands.map(|command| (party, command)).into())
        .await;
    let stored = both.stored().await;
    assert!(
        stored.len() > 50,
        "too few commands were accepted: {}",
        stored.len()
    );
    for reference in references {
        both.loaded::<Dossier>(DossierId::of_reference(reference).0)
            .await;
    }
    both.loaded::<ThirdParty>(party).await;
}

/// Two decisions taken on the same state: the second to arrive is told so.
async fn second_of_two<S: EventStore<Dossier>>(store: &S) -> String {
    let id = DossierId::of_reference("SUB-9").0.to_string();
    let at = noon();
    let register = DossierCommand::Register {
        request: request("SUB-9"),
        at,
    };
    let events = Dossier::default().decide(register).unwrap();
    let first = store.load_aggregate(&id).await.unwrap();
    let second = store.load_aggregate(&id).await.unwrap();
    store
        .commit(events.clone(), first, HashMap::new())
        .await
        .unwrap();
    let refused = store.commit(events, second, HashMap::new()).await;
    format!("{:?}", refused.map(|_| ()).unwrap_err())
}

#[tokio::test]
async fn a_decision_on_a_state_that_has_moved_is_a_conflict_in_both() {
    let both = Both::open().await;
    let stock = PostgresEventRepository::new(both.stock.pool.clone());
    let stock = PersistedEventStore::<_, Dossier>::new_event_store(stock);
    let ours = LogStore::<Dossier>::new(both.log.clone());
    let refused = (second_of_two(&ours).await, second_of_two(&stock).await);
    assert_eq!(refused.0, refused.1);
    assert_eq!(refused.0, "AggregateConflict");
    assert_eq!(both.stored().await.len(), 1);
}
