//! However many rows an answer has, it costs the same few statements: shown for every link that the schema has.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::{House, body},
    templates::text_document,
};
use async_graphql::{
    Executor as _,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, TypeKind, TypeSystemDefinition},
    },
};
use navette::graphql::{self, Services, asking::Asker};
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

/// One row for each document of what the chain of this test does not reach.
const BESIDE_DOCUMENTS: [&str; 6] = [
    "INSERT INTO signatures (id, document_id, status, desk_type, desk_subtype, sent_pdf, prepared_at, version)
         SELECT id, id, 'prepared', 'Courrier', 'Notification', '', now(), 1 FROM documents",
    "INSERT INTO exports (id, label, format, columns, filter, services, schemes, kept, requested_by, state,
         downloads, version, requested_at)
         SELECT id, 'X', 'csv', '[]', '{}', '{}', '{}', true, 'token:x', 'requested', 0, 1, now() FROM documents",
    "INSERT INTO export_models (id, name, format, columns, shared, owner, version, updated_at)
         SELECT id, 'X', 'csv', '[]', true, 'token:x', 1, now() FROM documents",
    "INSERT INTO export_schedules (id, name, owner, calendar, destination, recipients, version, saved_at,
         next_at, last_due_at, last_state, last_export_id, last_failures)
         SELECT id, 'X', 'token:x', '{\"days\": {\"month\": [1]}, \"hour\": 6, \"minute\": 0}', 'folder', 0, 1, now(),
         now(), now(), 'delivered', id, 0 FROM documents",
    "INSERT INTO triggers (id, name, owner, chain, occasion, kind, version, saved_at, last_batch_id, started, left_out,
         not_chosen)
         SELECT id, 'X', 'token:x', 'x', '{\"status\": {\"status\": \"granted\"}}', 'status', 1, now(), batch_id, 1, 1, 0
         FROM documents",
    "INSERT INTO trigger_left_out (trigger_id, position, dossier_id, reason, at)
         SELECT id, 1, dossier_id, 'X', now() FROM documents",
];

/// Letters, templates, and the rows that no letter brings; nothing follows the log afterwards.
async fn a_dozen_of_each_kind(house: &House) {
    house.chain().await;
    let token = house.token(Role::Instructor, &[]).await;
    for index in 0..12 {
        let dossier = house.granted(&format!("SUB-{index}"), "Sport").await.0;
        let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier] });
        house.mutate(&token, "startBatch", input, "batchId").await;
    }
    let supervisor = house.token(Role::Supervisor, &[]).await;
    for index in 0..6 {
        let header = text_document(&format!("<text:p>En-tête {index}</text:p>"));
        let letter = text_document(&format!(
            "<text:p>{{% include \"entete{index}\" %}}</text:p>"
        ));
        for (code, file) in [("entete", header), ("modele", letter)] {
            let path = format!("/templates/{code}{index}");
            let sent = house.send(&supervisor, &path, "m.odt", &file).await;
            body(sent, 200).await;
        }
    }
    house.settle().await;
    house.stop_following();
    for rows in BESIDE_DOCUMENTS {
        sqlx::query(rows).execute(&house.app.pool).await.unwrap();
    }
}

#[tokio::test]
async fn no_link_of_the_schema_costs_a_statement_for_each_row() {
    let house = House::open().await;
    a_dozen_of_each_kind(&house).await;
    let services = {
        let pool = house.app.pool.clone();
        Services::of(&house.app, pool.clone(), pool)
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
        let request = graphql::request(async_graphql::Request::new(query), &services, asker);
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
        ("exports", "", "Export"),
        ("exportModels", "", "ExportModel"),
        ("exportSchedules", "", "ExportSchedule"),
        ("exportSchedules", "lastRun", "ExportRun"),
        ("exportSchedules", "destination", "ExportDestination"),
        ("triggers", "", "Trigger"),
        ("triggers", "occasion", "TriggerOccasion"),
    ];
    let mut followed = 0;
    for (list, through, object) in lists {
        let mut links = links(&objects, object);
        if list == "dossiers" {
            // Links that must be told something.
            let changes = "changes(from: { position: 1 }) { label }";
            links.push(("Dossier.changes".to_owned(), changes.to_owned()));
        }
        for (link, selection) in links {
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
    // Templates that differ, each including another.
    let checks = |codes: &str| {
        format!("{{ templates(filter: {{ code: {{ in: {codes} }} }}) {{ check {{ usable }} }} }}")
    };
    let few = most(&checks(r#"["modele0"]"#)).await;
    let many = r#"["modele0", "modele1", "modele2", "modele3", "modele4", "modele5"]"#;
    let many = ask(&checks(many)).await;
    assert!(
        many <= few,
        "{few} statements to check 1 template, {many} for 6"
    );
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
