//! Rules, one test each.

use super::*;
use crate::dictionary::Dictionary;

fn choice(column: &str, title: Option<&str>) -> Choice {
    Choice {
        column: column.into(),
        title: title.map(str::to_owned),
    }
}

#[test]
fn every_column_has_one_name_and_a_label_of_its_own() {
    let names: BTreeSet<_> = all().map(|column| column.name).collect();
    assert_eq!(names.len(), ROWS.len());
    let labels: BTreeSet<_> = all().map(|column| column.label).collect();
    assert_eq!(labels.len(), ROWS.len(), "a sheet has no heading twice");
    let written: Vec<_> = all().filter(|column| column.label == column.name).collect();
    assert_eq!(written, [], "without a label");
}

#[test]
fn what_templates_call_by_a_name_is_called_so_here_and_with_the_same_label() {
    let dictionary = Dictionary::whole();
    for (name, label, ..) in ROWS {
        let known = dictionary.fields().any(|field| field.path == *name);
        assert_eq!(label.is_none(), known, "{name}");
    }
}

#[test]
fn an_unknown_column_is_refused_with_the_nearest_name() {
    for (asked, nearest) in [
        ("beneficiaire.non", Some("beneficiaire.nom")),
        ("montant_accorde", Some("dossier.montant_accorde")),
        ("Dossier.Objet", Some("dossier.objet")),
        ("xyz", None),
        ("montant.26", None),
    ] {
        let refused = find(asked).map_err(|fault| match fault {
            ColumnFault::Unknown { nearest, .. } => nearest,
            other => Some(other.to_string()),
        });
        assert_eq!(refused, Err(nearest.map(str::to_owned)), "{asked}");
    }
    let fault = find("beneficiaire.non").map_err(|fault| fault.to_string());
    assert_eq!(
        fault.err().as_deref(),
        Some(
            "La colonne « beneficiaire.non » n'existe pas ; le nom le plus proche est « beneficiaire.nom »."
        )
    );
}

#[test]
fn years_and_fields_of_the_dossiers_own_are_columns() {
    let kinds = |name| find(name).map(|column| (column.label, column.kind));
    assert_eq!(
        kinds("montant.2026"),
        Ok(("Montant 2026".into(), Kind::Amount))
    );
    assert_eq!(
        kinds("versements.2027"),
        Ok(("Versements prévus en 2027".into(), Kind::Amount))
    );
    assert_eq!(
        kinds("dossier.champs.Canton de l'élu"),
        Ok(("Canton de l'élu".into(), Kind::Text))
    );
}

#[test]
fn headings_are_labels_for_people_names_for_programs_and_titles_when_given() {
    let chosen = [
        choice("beneficiaire.nom", None),
        choice("dossier.montant", Some(" Montant ")),
    ];
    let titles = |format| {
        headings(format, &chosen)
            .map(|all| all.into_iter().map(|one| one.title).collect::<Vec<_>>())
    };
    assert_eq!(
        titles(Format::Ods),
        Ok(vec!["Nom du bénéficiaire".into(), "Montant".into()])
    );
    assert_eq!(
        titles(Format::Ndjson),
        Ok(vec!["beneficiaire.nom".into(), "Montant".into()])
    );
}

#[test]
fn columns_are_chosen_once_under_titles_that_differ() {
    let refused = |chosen: &[Choice]| headings(Format::Csv, chosen).err();
    let nom = || choice("beneficiaire.nom", None);
    assert_eq!(
        refused(&[nom(), nom()]),
        Some(ColumnFault::Twice("beneficiaire.nom".into()))
    );
    assert_eq!(
        refused(&[nom(), choice("dossier.objet", Some("beneficiaire.nom"))]),
        Some(ColumnFault::SameTitle("beneficiaire.nom".into()))
    );
    assert_eq!(
        refused(&[choice("dossier.objet", Some("  "))]),
        Some(ColumnFault::BadTitle("dossier.objet".into()))
    );
    let many: Vec<_> = (0..=MOST_COLUMNS)
        .map(|n| choice(&format!("dossier.champs.{n}"), None))
        .collect();
    assert_eq!(refused(&many), Some(ColumnFault::TooMany));
    assert_eq!(
        headings(Format::Scdl, &[nom()]).err(),
        Some(ColumnFault::NotToChoose)
    );
}
