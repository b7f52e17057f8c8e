//! The tables of the dictionary.

use super::{
    CUSTOM, Field,
    FieldKind::{self, Amount, Date, Integer, List, Record, Text},
};
use crate::chain::Scope;

/// A line of the tables below.
pub(super) struct Row {
    pub(super) path: &'static str,
    label: &'static str,
    kind: FieldKind,
    may_be_empty: bool,
}

impl Row {
    pub(super) fn label(&self) -> &'static str {
        self.label
    }

    pub(super) fn field(&self, path: String, scopes: &'static [Scope]) -> Field {
        Field {
            path,
            label: self.label,
            kind: self.kind,
            may_be_empty: self.may_be_empty,
            scopes,
        }
    }
}

const fn always(path: &'static str, kind: FieldKind, label: &'static str) -> Row {
    Row {
        path,
        label,
        kind,
        may_be_empty: false,
    }
}

const fn perhaps(path: &'static str, kind: FieldKind, label: &'static str) -> Row {
    Row {
        path,
        label,
        kind,
        may_be_empty: true,
    }
}

/// What is said of one dossier.
pub(super) const CASE: &[Row] = &[
    always("dossier", Record, "Le dossier"),
    always("dossier.reference", Text, "Référence du dossier"),
    always("dossier.objet", Text, "Objet de la demande"),
    always(
        "dossier.montant",
        Amount,
        "Montant accordé, ou à défaut demandé",
    ),
    always("dossier.montant_demande", Amount, "Montant demandé"),
    perhaps("dossier.nature", Text, "Nature de l'aide"),
    perhaps("dossier.dispositif", Text, "Dispositif"),
    perhaps("dossier.service", Text, "Service instructeur"),
    perhaps("dossier.exercice", Integer, "Exercice budgétaire"),
    perhaps(
        "dossier.conditions_versement",
        Text,
        "Conditions de versement",
    ),
    perhaps("dossier.date_commission", Date, "Date de la commission"),
    always("dossier.statut", Text, "Statut du dossier"),
    always(CUSTOM, Record, "Champs propres à la collectivité"),
    always("beneficiaire", Record, "Le bénéficiaire"),
    always("beneficiaire.nom", Text, "Nom du bénéficiaire"),
    perhaps("beneficiaire.siret", Text, "SIRET du bénéficiaire"),
    perhaps("beneficiaire.rna", Text, "Numéro RNA du bénéficiaire"),
    perhaps(
        "beneficiaire.email",
        Text,
        "Adresse électronique du bénéficiaire",
    ),
    perhaps(
        "beneficiaire.adresse",
        Record,
        "Adresse postale du bénéficiaire",
    ),
    perhaps(
        "beneficiaire.adresse.lignes",
        List,
        "Lignes de l'adresse, au-dessus du code postal",
    ),
    always(
        "beneficiaire.adresse.lignes[]",
        Text,
        "Une ligne de l'adresse",
    ),
    perhaps("beneficiaire.adresse.code_postal", Text, "Code postal"),
    perhaps("beneficiaire.adresse.commune", Text, "Commune"),
    always("attribuant", Record, "La collectivité qui attribue"),
    always("attribuant.nom", Text, "Nom de la collectivité"),
    perhaps("attribuant.siret", Text, "SIRET de la collectivité"),
    always("decision", Record, "La décision"),
    perhaps("decision.reference", Text, "Référence de l'acte"),
    perhaps("decision.date", Date, "Date de l'acte"),
    perhaps("decision.motif", Text, "Motif d'un refus"),
    perhaps("versements", List, "Échéancier des versements"),
    always("versements[]", Record, "Un versement"),
    always("versements[].libelle", Text, "Libellé du versement"),
    perhaps("versements[].date", Date, "Date du versement"),
    always("versements[].montant", Amount, "Montant du versement"),
];

/// What is said of all the dossiers of a batch.
pub(super) const BATCH: &[Row] = &[
    always("lot.nombre", Integer, "Nombre de dossiers du lot"),
    perhaps("lot.total", Amount, "Total des montants du lot"),
    always("lot.dossiers", List, "Les dossiers du lot"),
];

/// What surrounds them.
pub(super) const AROUND: &[Row] = &[
    always("document", Record, "Le document"),
    always("document.titre", Text, "Titre du document"),
    always("document.date", Date, "Date du document"),
    always(
        "document.reference_papier",
        Text,
        "Référence qui retrouve le document depuis sa copie papier",
    ),
    always("lot", Record, "Le lot"),
    always("lot.numero", Text, "Numéro du lot"),
    always("lot.intitule", Text, "Intitulé du lot"),
    always("lot.date", Date, "Date du lot"),
];
