//! What the real files lack.

use super::*;
use std::collections::BTreeMap;

#[test]
fn columns_come_in_any_order_case_and_spelling_and_the_others_are_kept() {
    let (accepted, refused) = read_text(
        "MONTANT\tNom Bénéficiaire\tCanton\t Objet \tNOM_ATTRIBUANT\tdate convention\n\
         12,5\tLes Amis\tNord\tFête\tDépartement\t27/06/2017\n",
    );
    assert_eq!(lines(&refused), "");
    let row = accepted.first().unwrap();
    assert_eq!(row.amount.cents(), 1250);
    assert_eq!(row.beneficiary.name.reveal(), "Les Amis");
    assert_eq!(
        row.custom,
        BTreeMap::from([("Canton".into(), "Nord".into())])
    );
}

#[test]
fn the_older_names_are_recognised_by_themselves() {
    let (accepted, refused) = read_text(
        "COLL_NOM,COLL_SIRET,ACTE_DATE,ATTRIB_NOM,ATTRIB_SIRET,SUB_OBJET,SUB_MONTANT\n\
         DEPARTEMENT,22800001400016,2016-02-11,TENNIS CLUB,44137080600016,\"Fête, tournoi\",2400\n",
    );
    assert_eq!(lines(&refused), "");
    let row = accepted.first().unwrap();
    assert_eq!(row.object, "Fête, tournoi");
    assert_eq!(row.beneficiary.siret, "44137080600016".parse().ok());
}

#[test]
fn a_mapping_names_the_columns_of_any_other_format() {
    let mapping = include_str!("../../../../examples/mappings/versements-associations.toml");
    let options = ReadOptions {
        mapping: Some(Mapping::parse(mapping).unwrap()),
        ..strict()
    };
    let text = "Association;N° SIRET;Libellé de l'action;Montant voté;Date CP;N° délibération;Canton\n\
        TENNIS CLUB;44137080600016;Tournoi;2 400,00;11/02/2016;CP-16-04;Nord\n";
    let rows = SubsidyFile::read(Cursor::new(text.as_bytes()), &options).unwrap();
    let (accepted, refused) = split(rows);
    assert_eq!(lines(&refused), "");
    let row = accepted.first().unwrap();
    assert_eq!(row.granting.name, "Département de l'Exemple");
    assert_eq!(row.granting.siret, "22800001400016".parse().ok());
    assert_eq!(row.decision.reference.as_deref(), Some("CP-16-04"));

    let other = SubsidyFile::read(Cursor::new(HEADER.as_bytes()), &options)
        .err()
        .unwrap();
    insta::assert_snapshot!(other, @"Le fichier n'a pas la colonne « Date CP » que nomme le fichier de correspondance.");
    let unknown = Mapping::parse("name = \"x\"\n[columns]\nnomBenef = \"a\"\n");
    assert!(matches!(unknown, Err(FileFault::Mapping(_))));
}

#[test]
fn all_the_faults_of_a_row_are_told_at_once() {
    let (accepted, refused) = read_text(
        "nomAttribuant;idAttribuant;dateConvention;nomBeneficiaire;idBeneficiaire;rnaBeneficiaire;objet;montant;notificationUE\n\
         Dépt;22800001400017;2017-02-30;;2,43E+13;W12;#REF!;1.234,56;peut-être\n\
         Dépt;22800001400016;;Les Amis;;;Fête;12;non\n\
         Dépt;22800001400016;2017-02-03;Les Amis;;;Fête;12\n\
         ;;;;;;;;\n\
         Dépt;;2017-02-03;Les Amis;;;Fête;12;Sans objet\n",
    );
    assert_eq!(accepted.len(), 1);
    insta::assert_snapshot!("all_faults", lines(&refused));
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    for (fault, text) in [
        ("Le fichier n'est ni", b"\xff\xfen\0o\0m\0;\0".as_slice()),
        (
            "Le fichier mélange deux encodages",
            b"\xc3\xa9;\xc3\xa9;\xe9\n",
        ),
        ("Le fichier n'a pas de ligne d'en-têtes", b""),
        ("Le fichier n'a pas de ligne d'en-têtes", b"bonjour\n"),
        (
            "Les fins de ligne",
            b"nomAttribuant;nomBeneficiaire;objet;montant;type\rD;A;F;12;x\r",
        ),
        (
            "La ligne 1 ne se termine pas",
            b"nomAttribuant;nomBeneficiaire;objet;montant;\"type\nD;A;F;12;x\n",
        ),
        (
            "La ligne 1 ne se termine pas",
            b"nomAttribuant;nomBeneficiaire;objet;montant;\"type\nD;A;F;12;\"x\n",
        ),
        ("Le classeur est endommagé", b"PK\x03\x04 cut short"),
        (
            "Colonnes introuvables : nomAttribuant, objet, montant.",
            b"nomBeneficiaire;autre\n",
        ),
        (
            "La colonne « montant » est présente deux fois",
            b"nomAttribuant;nomBeneficiaire;objet;montant;Montant\n",
        ),
    ] {
        let found = fault_of(text);
        assert!(found.starts_with(fault), "{found}");
    }
}

#[test]
fn a_quote_that_is_never_closed_stops_the_import_instead_of_swallowing_the_file() {
    let rows = "Dépt;;2017-02-03;Les Amis;Fête;12\n".repeat(40_000);
    let text = format!("{HEADER}Dépt;;2017-02-03;\"Les Amis;Fête;12\n{rows}");
    let found = fault_of(text);
    assert!(found.starts_with("La ligne 2 ne se termine pas"), "{found}");
}

#[test]
fn a_quote_that_only_the_end_of_the_file_closes_refuses_its_row() {
    let sound = "Dépt;;2017-02-03;Les Amis;Fête;12\n";
    for cut in ["Dépt;;2017-02-03;Les Amis;Fête;\"12", "Dépt;\";2017-02-03"] {
        for end in [String::new(), format!("\n{sound}{sound}")] {
            let (accepted, refused) = read_text(format!("{HEADER}{sound}{cut}{end}"));
            let found: Vec<u64> = refused.iter().map(|row| row.line).collect();
            assert_eq!(
                (accepted.len(), found.as_slice()),
                (1, [3].as_slice()),
                "{cut}"
            );
        }
    }
}

#[test]
fn what_says_that_there_is_nothing_to_say_is_nothing() {
    let (accepted, refused) = read_text(format!(
        "{HEADER}Dépt;Sans objet;2017-02-03;Les Amis;Fête;12\n\
         Dépt;;2017-02-03;Les Amis;Fête;Ne rien indiquer\n\
         Dépt;#N/A;2017-02-03;Les Amis;Fête;12\n",
    ));
    assert_eq!(accepted.first().unwrap().granting.siret, None);
    insta::assert_snapshot!("nothing_to_say", lines(&refused));
}

#[test]
fn rows_swallowed_by_a_quote_are_refused_with_the_row_that_has_it() {
    let row = "Dépt;;2017-02-03;Les Amis;\"Fête;12\n";
    let sound = "Dépt;;2017-02-03;Les Amis;Fête;12\n";
    for text in [
        format!("{HEADER}{row}{row}{sound}"),
        format!("{HEADER}{row}{sound}{row}{sound}"),
    ] {
        let (accepted, refused) = read_text(text);
        let found: Vec<u64> = refused.iter().map(|row| row.line).collect();
        assert_eq!((accepted.len(), found.as_slice()), (1, [2].as_slice()));
        assert!(lines(&refused).contains("un guillemet n'y est pas refermé"));
    }
}
