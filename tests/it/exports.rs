//! Exports, as whoever asks for them meets them.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::doors::{House, body};
use navette::config::ExportsConfig;
use navette_domain::{digest::Digest, export::columns, policy::Role};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

async fn export(house: &House, token: &str, demand: &Value) -> Response {
    let request = house.post("/exports").bearer_auth(token).json(demand);
    request.send().await.unwrap()
}

/// The names of the events of exports, in order.
async fn told(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT event_type FROM events WHERE stream_type = 'export' ORDER BY position",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// The export that a response belongs to, once it is in this state.
async fn shown(house: &House, token: &str, id: &str, state: &str) -> Value {
    let query =
        "query($id: UUID!) { export(id: $id) { state rows bytes file reason kept downloads filter
        columns { column title } downloadPath keptUntil progress { rows expected } } }";
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    loop {
        house.settle().await;
        let answer = house.ask(token, query, json!({ "id": id })).await;
        let export = answer["data"]["export"].clone();
        if export["state"] == state {
            return export;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "not {state}, but {answer}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn id_of(response: &Response) -> String {
    response.headers()["navette-export"]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_the_rows_that_whoever_asks_sees_and_is_recorded_with_its_digest() {
    let house = House::open().await;
    for (reference, service) in [("EX-2", "Culture"), ("EX-1", "Culture"), ("EX-3", "Sport")] {
        house.granted(reference, service).await;
    }
    let token = house.token(Role::Instructor, &["Culture"]).await;
    let demand = json!({
        "label": "Commission d'été",
        "format": "csv_french",
        "columns": [
            { "column": "dossier.reference" },
            { "column": "dossier.montant_accorde", "title": "Montant" },
            { "column": "decision.date" },
            { "column": "dossier.statut" },
        ],
        "filter": { "status": ["GRANTED"] },
    });
    let response = export(&house, &token, &demand).await;
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers().clone();
    assert_eq!(
        headers["content-type"],
        "text/csv; charset=utf-8; header=present"
    );
    let name = headers["content-disposition"].to_str().unwrap();
    assert!(
        name.contains("filename*=UTF-8''Commission_d_%C3%A9t%C3%A9_20"),
        "{name}"
    );
    let id = id_of(&response);
    let bytes = response.bytes().await.unwrap();
    assert_eq!(
        String::from_utf8(bytes.to_vec()).unwrap(),
        "\u{feff}Référence du dossier;Montant;Date de l'acte;Statut du dossier\r\n\
         EX-1;1000,00;17/03/2026;accordé\r\nEX-2;1000,00;17/03/2026;accordé\r\n"
    );
    let export = shown(&house, &token, &id, "COMPLETED").await;
    assert_eq!(export["rows"], 2);
    assert_eq!(export["bytes"], bytes.len());
    assert_eq!(export["file"], Digest::of(&bytes).to_string());
    assert_eq!(export["filter"], json!({ "status": ["GRANTED"] }));
    assert_eq!(export["downloadPath"], Value::Null, "it is not kept");
    assert_eq!(
        told(&house.app.pool).await,
        ["export.requested", "export.completed"]
    );

    let other = house.token(Role::Supervisor, &[]).await;
    let auditor = house.token(Role::Auditor, &[]).await;
    let list = "{ exports { nodes { id requestedBy } total { value } } }";
    let seen = house.ask(&other, list, json!({})).await;
    let nothing = json!({ "nodes": [], "total": { "value": 0 } });
    assert_eq!(seen["data"]["exports"], nothing);
    let seen = house.ask(&auditor, list, json!({})).await;
    assert_eq!(seen["data"]["exports"]["nodes"][0]["id"], id);
    let path = format!("/exports/{id}/file");
    let taken = house.get(&path).bearer_auth(&token).send().await.unwrap();
    assert!(body(taken, 404).await.contains("il n'a pas été conservé"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_the_dictionary_is_filled_from_what_navette_knows() {
    let house = House::open().await;
    house.granted("EX-1", "Culture").await;
    let token = house.token(Role::Auditor, &[]).await;
    let mut chosen: Vec<_> = columns::all()
        .map(|column| json!({ "column": column.name }))
        .collect();
    for name in [
        "montant.2026",
        "montant.2025",
        "versements.2026",
        "versements.2025",
        "dossier.champs.Canton",
        "dossier.champs.it's $1",
    ] {
        chosen.push(json!({ "column": name }));
    }
    let demand = json!({ "format": "ndjson", "columns": chosen });
    let response = export(&house, &token, &demand).await;
    let row: BTreeMap<String, Value> = serde_json::from_str(&body(response, 200).await).unwrap();
    let of_nothing_yet = [
        "attribuant.siret",
        "dossier.date_commission",
        "decision.motif",
        "documents.statut",
        "documents.reference",
        "montant.2025",
        "versements.2025",
        "dossier.champs.it's $1",
    ];
    for (name, value) in &row {
        let unknown = of_nothing_yet.contains(&name.as_str());
        assert_eq!(value.is_null(), unknown, "{name} is {value}");
    }
    for (name, value) in [
        ("dossier.reference", json!("EX-1")),
        ("dossier.statut", json!("accordé")),
        ("dossier.code_statut", json!("granted")),
        ("dossier.montant_accorde", json!(1000.0)),
        ("dossier.exercice", json!(2026)),
        ("beneficiaire.nom", json!("EX-1")),
        ("beneficiaire.siret", json!("73282932000074")),
        (
            "beneficiaire.adresse",
            json!("1 rue du Port, 86000 Poitiers"),
        ),
        ("beneficiaire.adresse.commune", json!("Poitiers")),
        ("versements.nombre", json!(1)),
        ("versements.total", json!(1000.0)),
        ("versements.2026", json!(1000.0)),
        ("montant.2026", json!(1000.0)),
        ("documents.nombre", json!(0)),
        ("documents.a_traiter", json!(false)),
        ("dossier.champs.Canton", json!("Vouneuil")),
    ] {
        assert_eq!(row[name], value, "{name}");
    }
    let depot = row["dossier.depot"].as_str().unwrap();
    assert!(
        depot.ends_with("+01:00") || depot.ends_with("+02:00"),
        "{depot} is not the time of Paris"
    );
    let shown = house
        .ask(
            &token,
            "{ exportColumns { name kind dossiers } }",
            json!({}),
        )
        .await;
    let shown = shown["data"]["exportColumns"].as_array().unwrap().clone();
    assert_eq!(shown.len(), columns::all().count() + 1);
    let own = json!({ "name": "dossier.champs.Canton", "kind": "TEXT", "dossiers": 1 });
    assert!(shown.contains(&own));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_demand_is_refused_with_a_sentence_and_leaves_nothing() {
    let house = House::open().await;
    let token = house.token(Role::Instructor, &[]).await;
    for (demand, sentence) in [
        (
            json!({ "format": "ods", "columns": [{ "column": "beneficiaire.non" }] }),
            "le nom le plus proche est « beneficiaire.nom »",
        ),
        (
            json!({ "format": "ods", "filter": { "statut": ["GRANTED"] } }),
            "La sélection (`filter`) ne se lit pas",
        ),
        (
            json!({ "format": "ods", "filter": { "status": ["GRANTED'; DROP"] } }),
            "La sélection (`filter`) ne se lit pas",
        ),
        (json!({}), "Indiquez le format de l'export"),
        (
            json!({ "format": "doc" }),
            "La demande d'export ne se lit pas",
        ),
        (
            json!({ "formats": "ods" }),
            "La demande d'export ne se lit pas",
        ),
        (
            json!({ "format": "scdl", "columns": [{ "column": "dossier.objet" }] }),
            "Le format SCDL a ses propres colonnes",
        ),
        (
            json!({ "model": Uuid::nil() }),
            "Ce modèle d'export n'existe pas",
        ),
        (
            json!({ "format": "csv", "selection": Uuid::nil() }),
            "Cette sélection (`selection`) n'existe pas",
        ),
        (
            json!({ "format": "csv", "selection": Uuid::nil(), "filter": {} }),
            "Indiquez soit un filtre (`filter`), soit une sélection (`selection`)",
        ),
    ] {
        let answer = body(export(&house, &token, &demand).await, 422).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(sentence), "{demand}: {message}");
    }
    assert_eq!(told(&house.app.pool).await, [""; 0]);
    let nobody = house.post("/exports").json(&json!({ "format": "csv" }));
    assert_eq!(
        nobody.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_a_value_and_nothing_else_in_the_statement() {
    let house = House::open().await;
    house
        .granted("EX'1 $2 \\ --", "L'eau; DROP TABLE dossiers")
        .await;
    let token = house
        .token(Role::Instructor, &["L'eau; DROP TABLE dossiers"])
        .await;
    let demand = json!({
        "format": "csv",
        "columns": [{ "column": "dossier.reference" }],
        "filter": { "reference": ["EX'1 $2 \\ --", "$1"], "text": "fête" },
    });
    let answer = body(export(&house, &token, &demand).await, 200).await;
    assert_eq!(answer, "dossier.reference\r\nEX'1 $2 \\ --\r\n");
}

/// What the national schema finds wrong with a cell.
fn fault(field: &Value, cell: &str) -> Option<String> {
    let constraints = &field["constraints"];
    let refuse = |what: &str| Some(format!("{}: « {cell} » {what}", field["name"]));
    if cell.is_empty() {
        let required = constraints["required"] == true;
        return if required {
            refuse("is required")
        } else {
            None
        };
    }
    let typed = match field["type"].as_str().unwrap() {
        "date" => cell.parse::<chrono::NaiveDate>().is_ok(),
        "number" => cell.parse::<f64>().is_ok(),
        "integer" => cell.parse::<i64>().is_ok(),
        _ => true,
    };
    if !typed {
        return refuse("has another type");
    }
    let number = cell.parse::<f64>().unwrap_or_default();
    let is = |test: fn(f64, f64) -> bool, limit: &Value| {
        limit.as_f64().is_none_or(|limit| test(number, limit))
    };
    if !is(|a, b| a >= b, &constraints["minimum"]) || !is(|a, b| a <= b, &constraints["maximum"]) {
        return refuse("is out of bounds");
    }
    if let Some(known) = constraints["enum"].as_array()
        && !known.iter().any(|known| known == cell)
    {
        return refuse("is not one of the values");
    }
    let longest = constraints["maxLength"].as_u64().unwrap_or(u64::MAX);
    if cell.chars().count() as u64 > longest {
        return refuse("is too long");
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match constraints["pattern"].as_str() {
        None => true,
        Some(r"^\d{14}$") => cell.len() == 14 && digits(cell),
        Some(r"^W\d{9}$") => cell
            .strip_prefix('W')
            .is_some_and(|rest| rest.len() == 9 && digits(rest)),
        Some(pattern) if pattern.starts_with("^[0-9]{4}") => cell
            .split('/')
            .all(|day| day.parse::<chrono::NaiveDate>().is_ok()),
        Some(other) => panic!("{other} is not checked here"),
    };
    if fits {
        None
    } else {
        refuse("has another form")
    }
}

/// Adds a dossier like EX-1, but for these columns.
async fn another(pool: &PgPool, but: &Value) {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute
         WHERE attrelid = 'dossiers'::regclass AND attnum > 0 AND attgenerated = ''",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let values: Vec<_> = names.iter().map(|name| format!("(d).{name}")).collect();
    let statement = format!(
        "INSERT INTO dossiers ({}) SELECT {} FROM (
             SELECT jsonb_populate_record(d, $1) AS d FROM dossiers d WHERE reference = 'EX-1') AS changed",
        names.join(", "),
        values.join(", ")
    );
    sqlx::query(&statement)
        .bind(but)
        .execute(pool)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_data_file_is_valid_and_a_dossier_that_could_not_be_published_is_named() {
    let house = House::open().await;
    house.granted("EX-1", "Culture").await;
    let pool = &house.app.pool;
    sqlx::query("UPDATE dossiers SET authority_siret = '23350001600040'")
        .execute(pool)
        .await
        .unwrap();
    let other = json!({
        "id": Uuid::from_u128(2), "reference": "EX-2", "purpose": format!("={}", "é".repeat(400)),
        "payment_terms": "Acompte de 50 % puis solde", "nature": "Aide en Numéraire",
        "custom": {
            "datesPeriodeVersement": "2026-01-01_2026-12-31", "notificationUE": "oui",
            "pourcentageSubvention": "0,5", "cofinancement": "peut-être", "idRAE": "trop long",
            "dateDebut": "2026-02-01", "evaluationCout": "beaucoup",
        },
    });
    another(pool, &other).await;
    let token = house.token(Role::Integrator, &[]).await;
    let demand = json!({ "format": "scdl" });
    let answer = body(export(&house, &token, &demand).await, 200).await;

    let schema: Value = serde_json::from_str(include_str!("../fixtures/scdl-schema.json")).unwrap();
    let fields = schema["fields"].as_array().unwrap();
    let mut lines = answer.lines().map(cells);
    let names: Vec<_> = fields
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    assert_eq!(lines.next().unwrap(), names);
    let rows: Vec<_> = lines.collect();
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let faults: Vec<_> = fields
            .iter()
            .zip(row)
            .filter_map(|(field, cell)| fault(field, cell))
            .collect();
        assert_eq!(faults, [""; 0]);
    }
    let cell = |row: usize, name: &str| {
        rows[row][names.iter().position(|known| *known == name).unwrap()].clone()
    };
    assert_eq!(cell(0, "montant"), "1000.00");
    assert_eq!(cell(0, "datesPeriodeVersement"), "2026-12-01");
    assert_eq!(
        cell(0, "descriptionConditionsVersement"),
        "Versement unique"
    );
    assert_eq!(cell(1, "conditionsVersement"), "autre");
    assert_eq!(
        cell(1, "descriptionConditionsVersement"),
        "Acompte de 50 % puis solde"
    );
    assert_eq!(cell(1, "datesPeriodeVersement"), "2026-01-01/2026-12-31");
    assert_eq!(cell(1, "notificationUE"), "oui");
    assert_eq!(cell(1, "pourcentageSubvention"), "0.5");
    assert_eq!(
        cell(1, "cofinancement"),
        "",
        "what is none of the values is left out"
    );
    assert!(cell(1, "objet").starts_with("'="));

    let incomplete = json!({
        "id": Uuid::from_u128(3), "reference": "EX-3", "nature": null, "authority_siret": null,
        "payments": [],
    });
    another(pool, &incomplete).await;
    let before = told(pool).await.len();
    let refused = body(export(&house, &token, &demand).await, 422).await;
    assert!(
        refused
            .contains("EX-3 : idAttribuant, idServiceInstructeur, nature, datesPeriodeVersement"),
        "{refused}"
    );
    assert_eq!(told(pool).await.len(), before);
}

fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (vec![], String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    cells.push(cell);
    cells
}

/// Rows enough for an export that does not fit in what waits between the database and a client.
async fn many(pool: &PgPool, rows: i32) {
    sqlx::query(
        "INSERT INTO dossiers (id, reference, status, third_party_id, authority, purpose, requested_cents,
             payments, custom, words, version, registered_at, updated_at)
         SELECT gen_random_uuid(), 'M-' || lpad(n::text, 9, '0'), 'deposited', gen_random_uuid(), 'D',
             repeat('objet ', 200), n, '[]', '{}', '', 1, now(), now()
         FROM generate_series(1, $1) AS n",
    )
    .bind(rows)
    .execute(pool)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_client_is_gone_the_query_stops_and_that_is_recorded() {
    let house = House::open().await;
    many(&house.app.pool, 20_000).await;
    let token = house.token(Role::Instructor, &[]).await;
    let mut response = export(&house, &token, &json!({ "format": "csv" })).await;
    let id = id_of(&response);
    let first = response.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"dossier.reference,dossier.objet"));
    drop(response);
    let export = shown(&house, &token, &id, "FAILED").await;
    assert_eq!(
        export["reason"],
        "Le destinataire a interrompu le téléchargement."
    );
    assert!(export["rows"].as_i64().unwrap() < 20_000);
    let running = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND query LIKE 'COPY %' AND state = 'active'";
    until_none(&house.app.pool, running).await;
}

/// Waits until this query counts nothing.
async fn until_none(pool: &PgPool, query: &str) {
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    loop {
        let left: i64 = sqlx::query_scalar(query).fetch_one(pool).await.unwrap();
        if left == 0 {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{left} of {query}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const UNDER_WAY: &str = "SELECT count(*) FROM export_progress";

async fn requested(house: &House, token: &str, input: Value) -> Value {
    let want = "exportId position refusal { code sentence } export { state kept columns { column title } }";
    house.mutate(token, "requestExport", input, want).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_export_is_kept_taken_by_whoever_asked_and_removed_after_a_while() {
    let mut house = House::open().await;
    house.granted("EX-1", "Culture").await;
    house.granted("EX-2", "Sport").await;
    let token = house.token(Role::Instructor, &["Culture"]).await;
    let files = house.stored();
    let key = Uuid::new_v4();
    let input = json!({
        "idempotencyKey": key, "label": "Culture", "format": "XLSX",
        "columns": [{ "column": "dossier.reference", "title": "N°" }],
        "filter": { "scheme": ["Culture"] },
    });
    let asked = requested(&house, &token, input.clone()).await;
    assert_eq!(asked["export"]["state"], "REQUESTED");
    let again = requested(&house, &token, input.clone()).await;
    assert_eq!(again["exportId"], asked["exportId"]);
    assert_eq!(again["position"], asked["position"], "asked once");
    let mut other = input;
    other["label"] = json!("Autre");
    let refused = requested(&house, &token, other).await;
    assert_eq!(refused["refusal"]["code"], "KEY_REUSED");
    let id = asked["exportId"].as_str().unwrap().to_owned();
    let path = format!("/exports/{id}/file");
    let early = house.get(&path).bearer_auth(&token).send().await.unwrap();
    assert!(body(early, 409).await.contains("pas encore prêt"));

    house.work().await;
    let made = shown(&house, &token, &id, "COMPLETED").await;
    assert_eq!(made["rows"], 1, "what whoever asked sees, and no more");
    assert_eq!(made["downloadPath"], path);
    assert_eq!(made["filter"], json!({ "scheme": ["Culture"] }));
    assert_eq!(house.stored(), files + 1);
    let taken = house.get(&path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(taken.headers()["content-length"], made["bytes"].to_string());
    let bytes = taken.bytes().await.unwrap();
    assert_eq!(
        Digest::of(&bytes).to_string(),
        made["file"].as_str().unwrap()
    );
    assert!(bytes.starts_with(b"PK"));
    let admin = house.token(Role::Admin, &[]).await;
    let theirs = house.get(&path).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(
        theirs.status(),
        StatusCode::NOT_FOUND,
        "it is made for one person"
    );

    let policy = ExportsConfig {
        keep_hours: 0,
        ..ExportsConfig::default()
    };
    let expiring = house.app.exports.clone().under(policy);
    // The worker may be at it, and has the lock then.
    let kept = "SELECT count(*) FROM exports WHERE state <> 'expired'";
    while sqlx::query_scalar::<_, i64>(kept)
        .fetch_one(&house.app.pool)
        .await
        .unwrap()
        > 0
    {
        expiring.once().await.unwrap();
        house.settle().await;
    }
    let gone = shown(&house, &token, &id, "EXPIRED").await;
    assert_eq!(gone["downloads"], 1);
    let late = house.get(&path).bearer_auth(&token).send().await.unwrap();
    assert!(body(late, 410).await.contains("n'est plus conservé"));
    assert_eq!(house.stored(), files);
    assert_eq!(
        told(&house.app.pool).await,
        [
            "export.requested",
            "export.completed",
            "export.downloaded",
            "export.expired"
        ]
    );
    until_none(&house.app.pool, UNDER_WAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_under_way_tells_how_far_it_is_and_is_given_up_when_asked() {
    let mut house = House::open().await;
    for reference in ["EX-1", "EX-2", "EX-3"] {
        house.granted(reference, "Culture").await;
    }
    let token = house.token(Role::Instructor, &[]).await;
    // It cannot end while it waits for this table.
    let mut held = house.app.pool.begin().await.unwrap();
    // Waiting is what it is there for.
    sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0")
        .execute(&mut *held)
        .await
        .unwrap();
    sqlx::query("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    let input = json!({ "format": "ODS", "columns": [{ "column": "documents.nombre" }] });
    let asked = requested(&house, &token, input).await;
    let id = asked["exportId"].as_str().unwrap().to_owned();
    house.work().await;
    let query = "query($id: UUID!) { export(id: $id) { progress { rows expected } } }";
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    loop {
        let answer = house.ask(&token, query, json!({ "id": id })).await;
        let progress = &answer["data"]["export"]["progress"];
        if !progress.is_null() {
            assert_eq!(*progress, json!({ "rows": 0, "expected": 3 }));
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{answer}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let other = house.token(Role::Instructor, &[]).await;
    let want = "refusal { code } export { state }";
    let theirs = house
        .mutate(&other, "cancelExport", json!({ "id": id }), want)
        .await;
    assert_eq!(theirs["refusal"]["code"], "NOT_FOUND");
    let files = house.stored();
    let ours = house
        .mutate(&token, "cancelExport", json!({ "id": id }), want)
        .await;
    assert_eq!(ours["export"]["state"], "CANCELLED");
    until_none(&house.app.pool, UNDER_WAY).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND query LIKE 'COPY %' AND state = 'active'";
    until_none(&house.app.pool, waiting).await;
    drop(held);
    assert_eq!(house.stored(), files, "nothing of it is kept");
    assert_eq!(
        told(&house.app.pool).await,
        ["export.requested", "export.cancelled"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_used_by_their_owner_and_by_all_once_they_are_shared() {
    let house = House::open().await;
    house.granted("EX-1", "Culture").await;
    let (owner, other) = (
        house.token(Role::Instructor, &[]).await,
        house.token(Role::Supervisor, &[]).await,
    );
    let want = "modelId version refusal { code sentence } model { name format shared columns { column title } }";
    let mut input = json!({
        "name": "Suivi", "format": "CSV",
        "columns": [{ "column": "dossier.reference", "title": "ref" }],
    });
    let saved = house
        .mutate(&owner, "saveExportModel", input.clone(), want)
        .await;
    assert_eq!(saved["model"]["columns"][0]["title"], "ref");
    let id = saved["modelId"].clone();
    let demand = json!({ "model": id });
    let used = body(export(&house, &owner, &demand).await, 200).await;
    assert_eq!(used, "ref\r\nEX-1\r\n");
    assert_eq!(
        export(&house, &other, &demand).await.status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );

    input["id"] = id.clone();
    input["shared"] = json!(true);
    let theirs = house
        .mutate(&other, "saveExportModel", input.clone(), want)
        .await;
    assert_eq!(theirs["refusal"]["code"], "NOT_FOUND");
    input["expectedVersion"] = json!(7);
    let conflict = house
        .mutate(&owner, "saveExportModel", input.clone(), want)
        .await;
    assert_eq!(conflict["refusal"]["code"], "CONFLICT");
    input["expectedVersion"] = saved["version"].clone();
    house.mutate(&owner, "saveExportModel", input, want).await;
    house.settle().await;
    let named = json!({ "model": id, "format": "ndjson" });
    let used = body(export(&house, &other, &named).await, 200).await;
    assert_eq!(used, "{\"ref\":\"EX-1\"}\n");
    let list = house
        .ask(
            &other,
            "{ exportModels { nodes { name shared } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        list["data"]["exportModels"]["nodes"],
        json!([{ "name": "Suivi", "shared": true }])
    );

    house
        .mutate(&owner, "removeExportModel", json!({ "id": id }), "version")
        .await;
    house.settle().await;
    assert_eq!(
        export(&house, &owner, &demand).await.status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_takes_the_files_away_that_may_still_say_who_it_was() {
    let mut house = House::open().await;
    house.granted("EX-1", "Culture").await;
    let token = house.token(Role::Instructor, &[]).await;
    let asked = requested(&house, &token, json!({ "format": "NDJSON" })).await;
    house.work().await;
    let id = asked["exportId"].as_str().unwrap().to_owned();
    shown(&house, &token, &id, "COMPLETED").await;
    sqlx::query("UPDATE third_parties SET erased_at = now()")
        .execute(&house.app.pool)
        .await
        .unwrap();
    // Told by hand, so that nothing wakes the worker up: it looks by itself.
    shown(&house, &token, &id, "EXPIRED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_a_selection_has_what_it_holds_and_its_event_says_which_it_was() {
    let mut house = House::open().await;
    let mut ids = vec![];
    for (reference, service) in [("EX-2", "Culture"), ("EX-1", "Culture"), ("EX-3", "Sport")] {
        ids.push(house.granted(reference, service).await.0);
    }
    let owner = house.token(Role::Instructor, &[]).await;
    let other = house.token(Role::Instructor, &["Culture"]).await;
    let want = "version refusal { code } selection { id }";
    let input =
        json!({ "name": "Culture", "filter": { "service": ["Culture"], "status": ["GRANTED"] } });
    let saved = house.mutate(&owner, "saveSelection", input, want).await;
    let of_filter = saved["selection"]["id"].clone();
    let input = json!({ "name": "Deux", "dossiers": [ids[2], ids[1]], "shared": true });
    let saved = house.mutate(&owner, "saveSelection", input, want).await;
    let of_list = saved["selection"]["id"].clone();
    let demand = |selection: &Value| {
        json!({
            "format": "csv", "columns": [{ "column": "dossier.reference" }], "selection": selection,
        })
    };
    let streamed = body(export(&house, &owner, &demand(&of_filter)).await, 200).await;
    assert_eq!(streamed, "dossier.reference\r\nEX-1\r\nEX-2\r\n");
    let streamed = body(export(&house, &owner, &demand(&of_list)).await, 200).await;
    assert_eq!(streamed, "dossier.reference\r\nEX-1\r\nEX-3\r\n");
    let seen = body(export(&house, &other, &demand(&of_list)).await, 200).await;
    assert_eq!(
        seen, "dossier.reference\r\nEX-1\r\n",
        "whoever uses it sees what they see"
    );
    // Private to somebody else: as if it were not there.
    let hidden = body(export(&house, &other, &demand(&of_filter)).await, 422).await;
    let gone = body(
        export(&house, &other, &demand(&json!(Uuid::nil()))).await,
        422,
    )
    .await;
    assert_eq!(hidden, gone);
    assert!(hidden.contains("NOT_FOUND"), "{hidden}");

    let want = "exportId refusal { code sentence } export { selectionId filter }";
    let input = json!({ "format": "NDJSON", "selection": of_filter });
    let refused = house
        .mutate(&other, "requestExport", input.clone(), want)
        .await;
    assert_eq!(refused["refusal"]["code"], "NOT_FOUND");
    let asked = house
        .mutate(&owner, "requestExport", input.clone(), want)
        .await;
    assert_eq!(asked["export"]["selectionId"], of_filter);
    assert_eq!(
        asked["export"]["filter"],
        json!({ "service": ["Culture"], "status": ["GRANTED"] })
    );
    let recorded: Value = sqlx::query_scalar(
        "SELECT payload::jsonb -> 'order' FROM events WHERE stream_id = $1::text::uuid AND version = 1",
    )
    .bind(asked["exportId"].as_str().unwrap())
    .fetch_one(&house.app.pool)
    .await
    .unwrap();
    assert_eq!(recorded["selection"], of_filter);
    assert_eq!(recorded["filter"], asked["export"]["filter"]);
    // What becomes of the selection afterwards changes nothing of what was asked.
    let gone = json!({ "id": of_filter });
    house
        .mutate(&owner, "removeSelection", gone, "version")
        .await;
    house.work().await;
    let id = asked["exportId"].as_str().unwrap();
    assert_eq!(shown(&house, &owner, id, "COMPLETED").await["rows"], 2);
    let refused = house.mutate(&owner, "requestExport", input, want).await;
    assert_eq!(refused["refusal"]["code"], "NOT_FOUND");
    let query = "query($s: [UUID!]) { exports(filter: {selection: $s}) { nodes { selectionId } } }";
    let listed = house.ask(&owner, query, json!({ "s": [of_list] })).await;
    assert_eq!(
        listed["data"]["exports"]["nodes"],
        json!([{ "selectionId": of_list }])
    );
}
