//! What each column of the dictionary is in SQL. `d` is the dossier; what is joined is joined only when a
//! column wants it.

use super::Selection;
use crate::kinds::{DocumentStatus, DossierStatus};
use async_graphql::resolver_utils::EnumType;
use navette_domain::{
    export::{
        Heading,
        columns::{AMOUNT_OF_YEAR, PAYMENTS_OF_YEAR, custom, year_of},
    },
    french,
};
use sqlx::{Postgres, QueryBuilder};
use std::fmt::Write as _;

const THIRD_PARTY: &str = " LEFT JOIN third_parties t ON t.id = d.third_party_id";

const PAYMENTS: &str = " CROSS JOIN LATERAL (
    SELECT count(*) AS planned, sum((payment->>'amount')::bigint)::bigint AS total
    FROM jsonb_array_elements(d.payments) AS payment) AS payments";

/// What was given up is no longer a document of the dossier; the last one is the one asked for last.
const DOCUMENTS: &str = " CROSS JOIN LATERAL (
    SELECT count(*) AS made, count(*) FILTER (WHERE status = 'delivered') AS delivered,
        COALESCE(bool_or(needs_attention), false) AS attention,
        (array_agg(status ORDER BY requested_at DESC, id DESC))[1] AS last_status,
        (array_agg(chrono ORDER BY requested_at DESC, id DESC) FILTER (WHERE chrono IS NOT NULL))[1] AS last_chrono
    FROM documents WHERE dossier_id = d.id AND status <> 'cancelled') AS documents";

/// The rows of a selection, with a cell for each heading.
pub(super) fn rows(
    query: &mut QueryBuilder<'_, Postgres>,
    selection: &Selection,
    headings: &[Heading],
) {
    query.push("SELECT ");
    for (n, heading) in headings.iter().enumerate() {
        if n > 0 {
            query.push(", ");
        }
        cell(query, &heading.name);
    }
    query.push(" FROM ");
    selection.push(query);
    query.push(" AS d");
    let wants = |group: &[&str]| {
        let mut names = headings.iter().map(|heading| heading.name.as_str());
        names.any(|name| group.iter().any(|start| name.starts_with(start)))
    };
    if wants(&["beneficiaire."]) {
        query.push(THIRD_PARTY);
    }
    if wants(&["versements.nombre", "versements.total"]) {
        query.push(PAYMENTS);
    }
    if wants(&["documents."]) {
        query.push(DOCUMENTS);
    }
    query.push(" ORDER BY d.reference, d.id");
}

fn cell(query: &mut QueryBuilder<'_, Postgres>, name: &str) {
    if let Some(year) = year_of(name, AMOUNT_OF_YEAR) {
        query.push(format!(
            "CASE WHEN d.fiscal_year = {year} THEN d.amount_cents END"
        ));
    } else if let Some(year) = year_of(name, PAYMENTS_OF_YEAR) {
        query.push(format!(
            "(SELECT sum((payment->>'amount')::bigint)::bigint FROM jsonb_array_elements(d.payments) AS payment
             WHERE payment->>'date' LIKE '{year}-%')"
        ));
    } else if let Some(field) = custom(name) {
        query.push("d.custom->>").push_bind(field.to_owned());
    } else {
        query.push(expression(name));
    }
}

/// Names that are not in the dictionary never come here: nothing is what they say.
fn expression(name: &str) -> String {
    let expression = match name {
        "dossier.reference" => "d.reference",
        "dossier.objet" => "d.purpose",
        "dossier.statut" => return in_french::<DossierStatus>("d.status"),
        "dossier.code_statut" => "d.status",
        "dossier.montant_demande" => "d.requested_cents",
        "dossier.montant_accorde" => "d.granted_cents",
        "dossier.montant" => "d.amount_cents",
        "dossier.nature" => "d.nature",
        "dossier.dispositif" => "d.scheme",
        "dossier.service" => "d.service",
        "dossier.exercice" => "d.fiscal_year",
        "dossier.conditions_versement" => "d.payment_terms",
        "dossier.date_commission" => "d.commission_date",
        "dossier.depot" => "d.registered_at",
        "dossier.modification" => "d.updated_at",
        "dossier.identifiant" => "d.id",
        "beneficiaire.nom" => "t.name",
        "beneficiaire.siret" => "t.siret",
        "beneficiaire.rna" => "t.rna",
        "beneficiaire.email" => "t.email",
        "beneficiaire.adresse" => {
            "concat_ws(', ', (SELECT string_agg(line, ', ' ORDER BY place)
                FROM jsonb_array_elements_text(t.address->'lines') WITH ORDINALITY AS lines (line, place)),
                nullif(concat_ws(' ', t.address->>'postcode', t.address->>'town'), ''))"
        }
        "beneficiaire.adresse.code_postal" => "t.address->>'postcode'",
        "beneficiaire.adresse.commune" => "t.address->>'town'",
        "beneficiaire.identifiant" => "t.id",
        "attribuant.nom" => "d.authority",
        "attribuant.siret" => "d.authority_siret",
        "decision.reference" => "d.decision_reference",
        "decision.date" => "d.decision_date",
        "decision.motif" => "d.reason",
        "versements.nombre" => "payments.planned",
        "versements.total" => "payments.total",
        "documents.nombre" => "documents.made",
        "documents.remis" => "documents.delivered",
        "documents.statut" => return in_french::<DocumentStatus>("documents.last_status"),
        "documents.reference" => "documents.last_chrono",
        "documents.a_traiter" => "documents.attention",
        _ => "NULL",
    };
    expression.to_owned()
}

/// Statuses that clerks read.
trait Read: EnumType {
    fn stored(self) -> &'static str;
    fn read(self) -> &'static str;
}

impl Read for DossierStatus {
    fn stored(self) -> &'static str {
        self.as_str()
    }
    fn read(self) -> &'static str {
        french::dossier_status(self.into())
    }
}

impl Read for DocumentStatus {
    fn stored(self) -> &'static str {
        self.as_str()
    }
    fn read(self) -> &'static str {
        french::document_status(self.into())
    }
}

/// The French words for the statuses in `column`.
fn in_french<S: Read>(column: &str) -> String {
    let mut case = format!("CASE {column}");
    for item in S::items() {
        let _ = write!(
            case,
            " WHEN '{}' THEN '{}'",
            item.value.stored(),
            item.value.read().replace('\'', "''")
        );
    }
    case + " END"
}
