//! The same subsidy is the same dossier.

use super::*;

#[test]
fn a_workbook_and_its_csv_are_the_same_dossiers() {
    let text = "Nom de l’attributaire;Identification de l’attributaire (SIRET);Date de la convention de subvention;Identification du bénéficiaire;Nom du bénéficiaire;Objet de la subvention;Montant  total de la subvention;Date(s) ou période(s) de versement\n\
        Conseil départemental de l’Aube;22100005200011;2017-11-16;78035053400019;Association Centre Culturel International Rachi;Subvention pour la réalisation du projet muséographique de l’exposition permanente de la Maison Rachi;50 000,00 €;\"28/11/2017\n08/12/2017\"\n";
    let (csv, _) = read_text(text);
    let (workbook, _) = read("aube.xlsx", &strict());
    assert_eq!(
        csv.first().unwrap().identity(),
        workbook.first().unwrap().identity()
    );
}

#[test]
fn the_same_file_gives_the_same_identities_and_no_two_rows_share_one() {
    for name in ["haute-garonne.csv", "toulouse-2023-excel-damaged.csv"] {
        let identities = || -> Vec<_> {
            let (accepted, _) = read(name, &without_damaged_siret());
            let both = |row: &SubsidyRow| (row.identity(), row.reference());
            accepted.iter().map(both).collect()
        };
        let first = identities();
        assert_eq!(first, identities());
        let distinct: std::collections::HashSet<_> = first.iter().map(|(_, short)| short).collect();
        assert_eq!(distinct.len(), first.len(), "{name}");
    }
}

#[test]
fn equal_rows_of_one_file_are_numbered() {
    let row = "Dépt;;2017-02-03;Les Amis;Fête;12\n";
    let (accepted, _) = read_text(format!("{HEADER}{row}{row}"));
    let ranks: Vec<u32> = accepted.iter().map(|row| row.occurrence).collect();
    assert_eq!(ranks, [0, 1]);
    assert_ne!(
        accepted.first().unwrap().identity(),
        accepted.last().unwrap().identity()
    );
}

#[test]
fn presentation_does_not_change_what_a_subsidy_is_but_its_substance_does() {
    let row = one("Dépt;22800001400016;2017-02-03;Les Amis;Fête;12");
    let same = one("Département;22 800 001 400 016;03/02/2017;LES  AMIS;fete;12,00 €");
    assert_eq!(row.identity(), same.identity());
    for other in [
        "Dépt;21310458100011;2017-02-03;Les Amis;Fête;12",
        "Dépt;22800001400016;2017-02-04;Les Amis;Fête;12",
        "Dépt;22800001400016;2017-02-03;Les Amies;Fête;12",
        "Dépt;22800001400016;2017-02-03;Les Amis;Faîte;12",
        "Dépt;22800001400016;2017-02-03;Les Amis;Fête;12,01",
    ] {
        assert_ne!(row.identity(), one(other).identity(), "{other}");
    }
    insta::assert_snapshot!(row.reference(), @"SUB-2017-D07VV-XA03F");
}

#[test]
fn only_a_number_makes_two_beneficiaries_the_same() {
    let (accepted, _) = read("scdl-exemple-valide.csv", &strict());
    let keys: Vec<_> = accepted
        .iter()
        .take(2)
        .map(|row| row.beneficiary.key())
        .collect();
    let expected = ["siret:52499120500013", "rna:W322216459"].map(|key| Some(key.to_owned()));
    assert_eq!(keys, expected);
    assert_eq!(
        one("Dépt;;2017-02-03;Les Amis;Fête;12").beneficiary.key(),
        None
    );
}
