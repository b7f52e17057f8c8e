//! The columns of the national open-data format for subsidies (SCDL "subventions" 2.1), in its order.

use super::{Heading, Kind};

/// Name, kind, and whether a row is nothing without it.
pub const COLUMNS: [(&str, Kind, bool); 40] = [
    ("idSubvention", Kind::Text, false),
    ("nomAttribuant", Kind::Text, true),
    ("idAttribuant", Kind::Text, true),
    ("nomServiceInstructeur", Kind::Text, false),
    ("idServiceInstructeur", Kind::Text, true),
    ("nomBeneficiaire", Kind::Text, true),
    ("idBeneficiaire", Kind::Text, false),
    ("rnaBeneficiaire", Kind::Text, false),
    ("exerciceBudgetaire", Kind::Integer, false),
    ("pluriannualite", Kind::Text, false),
    ("anneesPluriannualite", Kind::Text, false),
    ("dateDecision", Kind::Date, false),
    ("dateConvention", Kind::Date, true),
    ("referenceDecision", Kind::Text, false),
    ("dateCreation", Kind::Date, false),
    ("dateDebut", Kind::Date, false),
    ("dateFin", Kind::Date, false),
    ("dispositif", Kind::Text, false),
    ("sousDispositif", Kind::Text, false),
    ("statutLabel", Kind::Text, false),
    ("objet", Kind::Text, true),
    ("nature", Kind::Text, true),
    ("montantDemande", Kind::Amount, false),
    ("montant", Kind::Amount, false),
    ("nomOutilInstruction", Kind::Text, false),
    ("nomOutilVersement", Kind::Text, false),
    ("ej", Kind::Text, false),
    ("cléVersement", Kind::Text, false),
    ("conditionsVersement", Kind::Text, true),
    ("descriptionConditionsVersement", Kind::Text, true),
    ("datesPeriodeVersement", Kind::Text, true),
    ("cofinancement", Kind::Text, false),
    ("attribuantsCofinanceurs", Kind::Text, false),
    ("idCofinancement", Kind::Text, false),
    ("idRAE", Kind::Text, false),
    ("notificationUE", Kind::Text, true),
    ("pourcentageSubvention", Kind::Text, true),
    ("evaluationCout", Kind::Text, false),
    ("evaluation", Kind::Text, false),
    ("dateMiseAJour", Kind::Date, false),
];

/// The columns as they are written.
pub fn headings() -> Vec<Heading> {
    let heading = |(name, kind, _): &(&str, Kind, bool)| Heading {
        name: (*name).to_owned(),
        title: (*name).to_owned(),
        kind: *kind,
    };
    COLUMNS.iter().map(heading).collect()
}
