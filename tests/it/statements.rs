//! However many rows an answer has, it costs the same few statements: shown for every link that the schema has.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::doors::House;
use async_graphql::{
    Executor as _,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, TypeKind, TypeSystemDefinition},
    },
};
use navette::graphql::{
    self, Services,
    asking::{Asker, Reads},
};
use navette_domain::policy::{Principal, Role};
use secrecy::SecretString;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tracing_subscriber::{Layer, layer::SubscriberExt as _};

/// Counts the statements that are sent from this thread.
struct Statements(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Links that are worked out row by row, which their price keeps to a few rows.
const ROW_BY_ROW: [&str; 5] = [
    // The log is read again for each dossier.
    "Dossier.state",
    "Dossier.changes",
    "Dossier.steps",
    // A page of its own for each batch.
    "Batch.documents",
    // The template's file is read and checked.
    "Template.check",
];

/// The fields of every object type.
fn objects() -> BTreeMap<String, Vec<FieldDefinition>> {
    let schema = parse_schema(graphql::sdl()).unwrap();
    let object = |definition| match definition {
        TypeSystemDefinition::Type(definition) => match definition.node.kind {
            TypeKind::Object(object) => Some((
                definition.node.name.node.to_string(),
                object.fields.into_iter().map(|field| field.node).collect(),
            )),
            _ => None,
        },
        _ => None,
    };
    schema.definitions.into_iter().filter_map(object).collect()
}

fn base(field: &FieldDefinition) -> String {
    let mut base = &field.ty.node.base;
    loop {
        match base {
            BaseType::Named(name) => return name.to_string(),
            BaseType::List(inner) => base = &inner.base,
        }
    }
}

/// Every link of an object, each with the selection that follows it to one leaf.
fn links(objects: &BTreeMap<String, Vec<FieldDefinition>>, of: &str) -> Vec<(String, String)> {
    let plain = |field: &&FieldDefinition| {
        field
            .arguments
            .iter()
            .all(|argument| argument.node.ty.node.nullable || argument.node.default_value.is_some())
    };
    let leaf = |of: &str| {
        let mut fields = objects[of].iter().filter(plain);
        fields
            .find(|field| !objects.contains_key(&base(field)))
            .map(|field| field.name.node.to_string())
    };
    let mut found = vec![];
    for field in objects[of].iter().filter(plain) {
        let (name, to) = (field.name.node.to_string(), base(field));
        let selection = if to.ends_with("Connection") {
            let node = to.trim_end_matches("Connection");
            format!("{name} {{ nodes {{ {} }} }}", leaf(node).unwrap())
        } else if objects.contains_key(&to) {
            match leaf(&to) {
                Some(leaf) => format!("{name} {{ {leaf} }}"),
                None => continue,
            }
        } else {
            name.clone()
        };
        found.push((format!("{of}.{name}"), selection));
    }
    found
}

#[tokio::test]
async fn no_link_of_the_schema_costs_a_statement_for_each_row() {
    let house = House::open().await;
    house.chain().await;
    let token = house.token(Role::Instructor, &[]).await;
    for index in 0..12 {
        let dossier = house.granted(&format!("SUB-{index}"), "Sport").await.0;
        let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier] });
        house.mutate(&token, "startBatch", input, "batchId").await;
    }
    house.settle().await;
    house.stop_following();
    sqlx::query(
        "INSERT INTO signatures (id, document_id, status, desk_type, desk_subtype, sent_pdf, prepared_at, version)
         SELECT id, id, 'prepared', 'Courrier', 'Notification', '', now(), 1 FROM documents",
    )
    .execute(&house.app.pool)
    .await
    .unwrap();
    let services = Services {
        reads: Reads::new(
            house.app.pool.clone(),
            house.app.pool.clone(),
            house.app.projections.standing(),
        ),
        dispatcher: house.app.dispatcher.clone(),
        batches: house.app.batches.clone(),
        templates: house.app.templates.clone(),
        erasure: house.app.erasure.clone(),
        exports: house.app.exports.clone(),
    };
    let executor = graphql::executor(services.clone(), false);
    let ask = async |query: &str| {
        let principal = Principal {
            actor: "token:x".into(),
            role: Role::Auditor,
            services: vec!["Sport".into()],
            schemes: vec![],
            email: None,
        };
        let asker = Asker::new(principal, SecretString::from("x".to_owned()));
        let request = graphql::request(async_graphql::Request::new(query), &services.reads, asker);
        let count = Arc::new(AtomicUsize::new(0));
        let subscriber = tracing_subscriber::registry().with(Statements(count.clone()));
        let guard = tracing::subscriber::set_default(subscriber);
        let response = executor.execute(request).await;
        drop(guard);
        assert!(response.errors.is_empty(), "{query}: {:?}", response.errors);
        count.load(Ordering::Relaxed)
    };
    // Other tests that begin or end to listen at that moment can hide statements from one count.
    let most = async |query: &str| ask(query).await.max(ask(query).await).max(ask(query).await);
    let objects = objects();
    let lists = [
        ("dossiers", "", "Dossier"),
        ("thirdParties", "", "ThirdParty"),
        ("documents", "", "Document"),
        ("documents", "template", "Template"),
        ("documents", "dossier", "Dossier"),
        ("signatures", "", "Signature"),
        ("batches", "", "Batch"),
        ("effects", "", "Effect"),
        ("audit", "", "TimelineEntry"),
    ];
    let mut followed = 0;
    for (list, through, object) in lists {
        for (link, selection) in links(&objects, object) {
            if ROW_BY_ROW.contains(&link.as_str()) {
                continue;
            }
            let selection = if through.is_empty() {
                selection
            } else {
                format!("{through} {{ {selection} }}")
            };
            let query =
                |rows: u32| format!("{{ {list}(first: {rows}) {{ nodes {{ {selection} }} }} }}");
            let few = most(&query(2)).await;
            assert!(few >= 1, "the statements are not seen");
            // A loader that waits a moment too short asks twice; without loaders there would be a dozen more.
            let many = ask(&query(12)).await;
            assert!(
                many <= 2 * few,
                "{link} through {list}: {few} statements for 2 rows, {many} for 12"
            );
            followed += 1;
        }
    }
    assert!(followed > 60, "{followed} links were followed");
    // Many links at once, each kind read once.
    let whole = |first: u32| {
        format!(
            "{{ dossiers(first: {first}) {{ nodes {{ thirdParty {{ name }} timeline(first: 2) {{ sentence }}
                documents {{ title signatures {{ id }} batch {{ label progress {{ total }} }}
                    dossier {{ reference }} }} }} }} }}"
        )
    };
    assert!(most(&whole(2)).await >= 8, "the statements are not seen");
    assert!(most(&whole(12)).await <= 16);
}
