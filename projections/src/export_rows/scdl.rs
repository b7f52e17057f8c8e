//! The rows of the open-data file that the law asks for (SCDL "subventions"): the subsidies that were granted.
//!
//! What the format wants and a dossier does not say makes the dossier incomplete: such rows are told, and
//! nothing is invented. Three things are not invented but known: a dossier has one beneficiary, who gets all
//! of it (`pourcentageSubvention` is 1 unless the source says otherwise); a help that nobody declared as
//! notified to the European Commission was not; the authority instructs its own dossiers.

use super::Selection;
use navette_domain::export::scdl::COLUMNS;
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// What was granted is what is published.
pub(super) const GRANTED: &str = " WHERE d.granted_cents IS NOT NULL";

/// Columns that come from the fields of the dossiers' own, as they are.
const AS_THEY_ARE: [&str; 9] = [
    "anneesPluriannualite",
    "sousDispositif",
    "nomOutilInstruction",
    "nomOutilVersement",
    "ej",
    "cléVersement",
    "attribuantsCofinanceurs",
    "idCofinancement",
    "evaluation",
];

fn expression(name: &str) -> String {
    let own = |field: &str| format!("nullif(btrim(d.custom->>'{field}'), '')");
    let matching = |field: &str, pattern: &str| {
        let said = own(field);
        format!("CASE WHEN {said} ~ '{pattern}' THEN {said} END")
    };
    let expression = match name {
        "idSubvention" => "d.reference",
        "nomAttribuant" => "nullif(btrim(d.authority), '')",
        "idAttribuant" => "d.authority_siret",
        "nomServiceInstructeur" => "COALESCE(d.service, d.custom->>'nomServiceInstructeur')",
        "idServiceInstructeur" => {
            "COALESCE(substring(d.custom->>'idServiceInstructeur' FROM '^[0-9]{14}$'), d.authority_siret)"
        }
        "nomBeneficiaire" => "nullif(btrim(t.name), '')",
        "idBeneficiaire" => "t.siret",
        "rnaBeneficiaire" => "substring(t.rna FROM '^W[0-9]{9}$')",
        "exerciceBudgetaire" => "d.fiscal_year",
        "dateDecision" => "d.commission_date",
        "dateConvention" => "d.decision_date",
        "referenceDecision" => "d.decision_reference",
        "dispositif" => "d.scheme",
        "statutLabel" => "'attribuée'",
        // One place is left for the mark that keeps a spreadsheet from reckoning a text.
        "objet" => "nullif(btrim(left(d.purpose, 255)), '')",
        "nature" => {
            "CASE WHEN d.nature ~* 'num[ée]raire' AND d.nature ~* 'en nature' THEN 'aide en numéraire;aide en nature'
                  WHEN d.nature ~* 'num[ée]raire' THEN 'aide en numéraire'
                  WHEN d.nature ~* 'en nature' THEN 'aide en nature' END"
        }
        "montantDemande" => "d.requested_cents",
        "montant" => "d.granted_cents",
        "conditionsVersement" => TERMS,
        "descriptionConditionsVersement" => {
            return format!(
                "left(COALESCE({}, CASE {TERMS} WHEN 'autre' THEN d.payment_terms
                 ELSE 'Versement ' || {TERMS} END), 255)",
                own(name)
            );
        }
        "datesPeriodeVersement" => {
            return format!(
                "COALESCE(substring(replace({}, '_', '/') FROM '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:/[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})?$'),
                 (SELECT CASE WHEN min(payment->>'date') = max(payment->>'date') THEN min(payment->>'date')
                         ELSE min(payment->>'date') || '/' || max(payment->>'date') END
                  FROM jsonb_array_elements(d.payments) AS payment))",
                own(name)
            );
        }
        "notificationUE" => {
            return format!(
                "COALESCE({}, 'non')",
                matching(name, "^(oui|non)$")
            );
        }
        "pourcentageSubvention" => {
            let said = format!("replace({}, ',', '.')", own(name));
            return format!(
                "CASE WHEN {said} IS NULL THEN '1' WHEN {said} ~ '^(1(\\.0+)?|0\\.(0[1-9]|[1-9])[0-9]*)$' THEN {said} END"
            );
        }
        "pluriannualite" | "cofinancement" => return matching(name, "^(oui|non)$"),
        "dateCreation" | "dateDebut" | "dateFin" => {
            return matching(
                name,
                "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
            );
        }
        "idRAE" => return matching(name, "^.{1,5}$"),
        "evaluationCout" => return matching(name, "^[0-9]+(\\.[0-9]+)?$"),
        "dateMiseAJour" => "current_date",
        name if AS_THEY_ARE.contains(&name) => return own(name),
        _ => "NULL",
    };
    expression.to_owned()
}

const TERMS: &str = "CASE WHEN lower(btrim(d.payment_terms)) IN ('unique', 'échelonné', 'autre')
         THEN lower(btrim(d.payment_terms))
     WHEN btrim(d.payment_terms) <> '' THEN 'autre'
     WHEN jsonb_array_length(d.payments) = 1 THEN 'unique'
     WHEN jsonb_array_length(d.payments) > 1 THEN 'échelonné' END";

fn from(query: &mut QueryBuilder<'_, Postgres>, selection: &Selection) {
    query.push(" FROM ");
    selection.push(query);
    query.push(" AS d LEFT JOIN third_parties t ON t.id = d.third_party_id");
    query.push(GRANTED);
}

pub(super) fn rows(query: &mut QueryBuilder<'_, Postgres>, selection: &Selection) {
    let cells: Vec<String> = COLUMNS.iter().map(|(name, ..)| expression(name)).collect();
    query.push("SELECT ").push(cells.join(", "));
    from(query, selection);
    query.push(" ORDER BY d.reference, d.id");
}

/// A dossier that cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Incomplete {
    /// What people call it.
    pub reference: String,
    /// The columns that it has nothing for.
    pub missing: Vec<String>,
}

/// The first `most` dossiers of a selection that cannot be published, and what they lack.
pub async fn incomplete(
    connection: &mut PgConnection,
    selection: &Selection,
    most: i64,
) -> Result<Vec<Incomplete>, sqlx::Error> {
    let wanted = COLUMNS.iter().filter(|(.., required)| *required);
    let mut lacks: Vec<String> = wanted
        .map(|(name, ..)| format!("CASE WHEN ({}) IS NULL THEN '{name}' END", expression(name)))
        .collect();
    lacks.push(format!(
        "CASE WHEN COALESCE(t.siret, {}) IS NULL THEN 'idBeneficiaire' END",
        expression("rnaBeneficiaire")
    ));
    let mut query = QueryBuilder::new("SELECT reference, missing FROM (SELECT d.reference, d.id, ");
    query.push(format!(
        "array_remove(ARRAY[{}], NULL) AS missing",
        lacks.join(", ")
    ));
    from(&mut query, selection);
    query.push(") AS said WHERE cardinality(missing) > 0 ORDER BY reference, id LIMIT ");
    query.push_bind(most);
    query.build_query_as().fetch_all(connection).await
}
