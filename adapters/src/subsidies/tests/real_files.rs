//! What authorities really published.

use super::*;

#[test]
fn sound_files_are_accepted_whole() {
    for (name, count) in [
        ("scdl-exemple-valide.csv", 29),
        ("somme-utf8-bom-windows-1252-bytes.csv", 41),
    ] {
        let (accepted, refused) = read(name, &strict());
        assert_eq!(
            (accepted.len(), lines(&refused).as_str()),
            (count, ""),
            "{name}"
        );
    }
}

#[test]
fn the_file_of_the_haute_garonne_is_read_in_full() {
    let (accepted, refused) = read("haute-garonne.csv", &strict());
    assert_eq!((accepted.len(), refused.len()), (68, 1));
    insta::assert_snapshot!(lines(&refused), @"ligne 35, colonne nomBeneficiaire : valeur obligatoire absente ; corrigez à la source");
    insta::assert_debug_snapshot!("haute_garonne_first_row", accepted.first().unwrap());
}

#[test]
fn windows_1252_behind_a_utf8_mark_keeps_its_accents_amounts_and_dates() {
    let (accepted, _) = read("somme-utf8-bom-windows-1252-bytes.csv", &strict());
    let first = accepted.first().unwrap();
    assert_eq!(first.granting.name, "Département de la Somme");
    assert_eq!(first.amount.to_string(), "26956.00");
    assert_eq!(first.decision.date.unwrap().to_string(), "2017-09-08");
    assert!(first.object.ends_with("estimée à 89 852 € HT"));
    assert!(
        first
            .payment_terms
            .as_ref()
            .unwrap()
            .contains("jusqu’à hauteur de 5 %")
    );
    assert_eq!(first.custom.get("type").unwrap(), "investissement");
}

#[test]
fn every_row_is_known_by_its_line() {
    for name in [
        "somme-utf8-bom-windows-1252-bytes.csv",
        "scdl-exemple-valide.csv",
    ] {
        let (accepted, _) = read(name, &strict());
        let found: Vec<u64> = accepted.iter().map(|row| row.line).collect();
        let expected: Vec<u64> = (2..found.len() as u64 + 2).collect();
        assert_eq!(found, expected, "{name}");
    }
    for end in ["\n", "\r\n"] {
        let row = "Dépt;;2017-02-03;Les Amis;\"Fête\nd'été\";12";
        let text = format!(
            "{}{row}\n\n\n{row}\n;;;;;\n{row}",
            HEADER.trim_end().to_owned() + "\n"
        );
        let (accepted, _) = read_text(text.replace('\n', end));
        let found: Vec<u64> = accepted.iter().map(|row| row.line).collect();
        assert_eq!(found, [2, 6, 9]);
    }
}

#[test]
fn the_errors_of_the_invalid_example_are_all_told() {
    let (accepted, refused) = read("scdl-exemple-invalide.csv", &strict());
    assert_eq!((accepted.len(), refused.len()), (0, 29));
    insta::assert_snapshot!("invalid_example", lines(&refused));
}

#[test]
fn doing_without_damaged_siret_forgives_nothing_else() {
    let (accepted, refused) = read("scdl-exemple-invalide.csv", &without_damaged_siret());
    assert_eq!((accepted.len(), refused.len()), (23, 6));
    insta::assert_snapshot!("invalid_example_without_siret", lines(&refused));
    assert!(accepted.iter().all(|row| row.granting.siret.is_none()));
    let first = accepted.first().unwrap();
    assert_eq!(first.beneficiary.siret, "52499120500013".parse().ok());
    insta::assert_snapshot!(
        first.warning().unwrap(),
        @"ligne 2, colonne idAttribuant : « 21860194600000 » est un SIRET abîmé par un tableur (les cinq derniers chiffres sont remplacés par des zéros) ; importé sans ce SIRET"
    );
}

#[test]
fn siret_damaged_by_a_spreadsheet_are_refused_or_left_out_but_never_guessed() {
    let name = "toulouse-2023-excel-damaged.csv";
    let (accepted, refused) = read(name, &strict());
    assert_eq!((accepted.len(), refused.len()), (0, 551));
    insta::assert_snapshot!("toulouse_first_lines", lines(refused.get(..12).unwrap()));
    let (accepted, refused) = read(name, &without_damaged_siret());
    assert_eq!((accepted.len(), lines(&refused).as_str()), (551, ""));
    assert!(accepted.iter().all(|row| row.granting.siret.is_none()));
    assert!(accepted.iter().all(|row| row.warning().is_some()));
    assert_eq!(
        accepted.first().unwrap().custom.get("secteur").unwrap(),
        "Juridique"
    );
}

#[test]
fn a_workbook_says_the_same_in_its_three_formats() {
    let xlsx = read("aube.xlsx", &strict());
    assert_eq!((xlsx.0.len(), xlsx.1.len()), (6, 1));
    insta::assert_snapshot!("aube", lines(&xlsx.1));
    let first = xlsx.0.first().unwrap();
    assert_eq!(
        (first.line, first.amount.to_string().as_str()),
        (3, "50000.00")
    );
    assert_eq!(first.decision.date.unwrap().to_string(), "2017-11-16");
    assert_eq!(first.decision.reference, None);
    for other in ["aube.ods", "aube.xls"] {
        let (accepted, refused) = read(other, &strict());
        let named =
            |rows: &[SubsidyRow]| -> Vec<_> { rows.iter().map(SubsidyRow::identity).collect() };
        assert_eq!(named(&accepted), named(&xlsx.0), "{other}");
        assert_eq!(refused, xlsx.1, "{other}");
    }
}
