//! What is asked of both, each in its own words.

use hyper::body::Bytes;
use serde_json::{Value, json};

const OURS: &str = "query Page($filter: DossierFilter, $order: [DossierOrder!]) {
    dossiers(first: 50, filter: $filter, orderBy: $order) {
        total { value }
        pageInfo { hasNextPage endCursor }
        nodes { id reference status purpose scheme service fiscalYear requested amount commissionDate registeredAt
            thirdParty { id name siret email }
            documents { id title status pages } }
    } }";
/// Without the total, which is counted.
const OURS_UNCOUNTED: &str = "query Page($filter: DossierFilter, $order: [DossierOrder!]) {
    dossiers(first: 50, filter: $filter, orderBy: $order) {
        pageInfo { hasNextPage endCursor }
        nodes { id reference status purpose scheme service fiscalYear requested amount commissionDate registeredAt
            thirdParty { id name siret email }
            documents { id title status pages } }
    } }";
const PEER: &str = "query Page($filter: DossierFilter) {
    dossiers: allDossiers(first: 50, filter: $filter, orderBy: [REGISTERED_AT_DESC, ROW_ID_DESC]) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { rowId reference status purpose scheme service fiscalYear requestedCents amountCents commissionDate
            registeredAt
            thirdParty { rowId name siret email }
            documents { nodes { rowId title status pages } } }
    } }";

const STATUSES: [&str; 8] = [
    "deposited",
    "complete",
    "under_instruction",
    "scheduled",
    "granted",
    "refused",
    "notified",
    "closed",
];
/// Neighbours differ in all their values, and few are asked twice.
const QUESTIONS: u32 = 500;

/// A status, and unless the question is broad a quarter of commissions and a least amount.
struct Wanted {
    number: u32,
    status: &'static str,
    narrow: Option<(String, String, i64)>,
}

fn wanted(broad: bool) -> impl Iterator<Item = Wanted> {
    (0..QUESTIONS).map(move |number| {
        let first = 10 * (number * 7 % 36);
        let day = |days: u32| {
            let day = chrono::NaiveDate::default() + chrono::Days::new(19_732 + u64::from(days));
            day.to_string()
        };
        let amount = 50_000 + i64::from(number * 11 % 50) * 180_000;
        Wanted {
            number,
            status: STATUSES[number as usize % STATUSES.len()],
            narrow: (!broad).then(|| (day(first), day(first + 80), amount)),
        }
    })
}

/// Our questions.
pub fn ours(broad: bool) -> Vec<Bytes> {
    let variables = wanted(broad).map(|wanted| {
        let mut filter = json!({ "status": [wanted.status.to_uppercase()] });
        if let Some((from, to, amount)) = wanted.narrow {
            filter["commissionDate"] = json!({ "from": from, "to": to });
            filter["amount"] = json!({ "from": amount });
        }
        json!({ "filter": filter, "order": [{ "field": "REGISTERED_AT", "descending": true }] })
    });
    variables.map(|variables| body(OURS, &variables)).collect()
}

/// The same questions, in the words of PostGraphile.
pub fn peer(broad: bool) -> Vec<Bytes> {
    let variables = wanted(broad).map(|wanted| {
        let mut filter = json!({ "status": { "equalTo": wanted.status } });
        if let Some((from, to, amount)) = wanted.narrow {
            filter["commissionDate"] =
                json!({ "greaterThanOrEqualTo": from, "lessThanOrEqualTo": to });
            filter["amountCents"] = json!({ "greaterThanOrEqualTo": amount.to_string() });
        }
        json!({ "filter": filter })
    });
    variables.map(|variables| body(PEER, &variables)).collect()
}

/// Pages whose conditions and orders have indices, by what the figures call them.
pub fn indexed() -> Vec<(&'static str, Vec<Bytes>)> {
    type Variables = fn(&Wanted) -> Value;
    let pages: [(&'static str, Variables); 4] = [
        (
            "by status, in the usual order",
            |wanted: &Wanted| json!({ "filter": { "status": [wanted.status.to_uppercase()] } }),
        ),
        ("by commission, the latest first", |wanted| {
            let to = wanted.narrow.as_ref().map(|(_, to, _)| to);
            json!({ "filter": { "commissionDate": { "to": to } },
                "order": [{ "field": "COMMISSION_DATE", "descending": true }] })
        }),
        (
            "by scheme, in the usual order",
            |wanted: &Wanted| json!({ "filter": { "scheme": [format!("Dispositif {}", wanted.number % 60)] } }),
        ),
        (
            "by a word",
            |wanted: &Wanted| json!({ "filter": { "text": format!("q{}q", wanted.number % 100) } }),
        ),
    ];
    let bodies = |variables: Variables| {
        let bodies = wanted(false).map(|wanted| body(OURS_UNCOUNTED, &variables(&wanted)));
        bodies.collect()
    };
    pages
        .into_iter()
        .map(|(name, variables)| (name, bodies(variables)))
        .collect()
}

fn body(query: &str, variables: &Value) -> Bytes {
    json!({ "query": query, "variables": variables })
        .to_string()
        .into()
}

/// The ids of a page of ours, and the total.
pub fn ours_said(answer: &[u8]) -> anyhow::Result<(Vec<String>, Value)> {
    let answer: Value = serde_json::from_slice(answer)?;
    let list = &answer["data"]["dossiers"];
    Ok((ids(list, "id"), list["total"]["value"].clone()))
}

/// The same of PostGraphile.
pub fn peer_said(answer: &[u8]) -> anyhow::Result<(Vec<String>, Value)> {
    let answer: Value = serde_json::from_slice(answer)?;
    let list = &answer["data"]["dossiers"];
    Ok((ids(list, "rowId"), list["totalCount"].clone()))
}

fn ids(list: &Value, field: &str) -> Vec<String> {
    let nodes = list["nodes"].as_array().into_iter().flatten();
    nodes.map(|node| node[field].to_string()).collect()
}
