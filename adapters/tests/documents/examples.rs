//! The example templates from end to end.

use super::support::{assert_says, letter_data, merged_pdf, text_of};
use serde_json::{Value, json};

const LETTER: [&str; 12] = [
    "L'Éveil <Culturel> & Cie {{ dossier.montant }}",
    "12, rue des Tilleuls",
    "Bâtiment B",
    "99120 Saint-Ambre",
    "Brumeville, le 16 mars 2026",
    "attribution d’une subvention – Festival « Brume & lumières » – 12e édition",
    "par délibération n° CP-2026-112 du 12 mars 2026",
    "une subvention de 31 234,56 € (trente et un mille deux cent trente-quatre euros et \
     cinquante-six centimes)",
    "une convention d’attribution doit être signée",
    "versée en 2 échéances",
    "1er avril 2026",
    "Le Président du Conseil départemental",
];

pub fn odt_letter() {
    let pdf = merged_pdf("lettre-attribution.odt", &letter_data());
    let text = text_of(&pdf);
    assert_says(&text, &LETTER);
    assert_says(&text, &["Dossier AS-2026-00417", "page 1 / 1"]);
    assert!(!text.contains("{%"), "{text}");
    assert_eq!(pdf.pages, 1);
    let metadata = String::from_utf8_lossy(&pdf.bytes).into_owned();
    assert_says(&metadata, &["<pdfaid:part>2<", "<pdfaid:conformance>B<"]);
}

pub fn docx_letter() {
    let text = text_of(&merged_pdf("lettre-attribution.docx", &letter_data()));
    assert_says(&text, &LETTER);
    assert!(!text.contains("{%"), "{text}");
}

pub fn no_convention() {
    let mut data = letter_data();
    data["dossier"]["montant"] = json!("23000.00");
    data["beneficiaire"]["adresse"] = Value::Null;
    data["decision"]["date"] = Value::Null;
    data["versements"] = json!([]);
    let text = text_of(&merged_pdf("lettre-attribution.odt", &data));
    assert_says(&text, &["23 000,00 € (vingt-trois mille euros)"]);
    assert!(!text.contains("convention"), "{text}");
    assert!(!text.contains("échéance"), "{text}");
}

/// A batch of three dossiers.
fn batch() -> Value {
    let dossier = |number: u32, amount: &str| {
        let mut dossier = letter_data()["dossier"].clone();
        dossier["reference"] = json!(format!("AS-2026-{number:05}"));
        dossier["montant"] = json!(amount);
        dossier["beneficiaire"] = letter_data()["beneficiaire"].clone();
        dossier
    };
    json!({ "lot": {
        "numero": "2026-07", "date": "2026-03-02", "intitule": "Culture, 1re répartition",
        "dossiers": [dossier(1, "1000.10"), dossier(2, "2500.00"), dossier(3, "499.95")],
        "total": "4000.05", "nombre": 3,
    } })
}

pub fn workbook() {
    let pdf = merged_pdf("tableau-commission.xlsx", &batch());
    let text = text_of(&pdf);
    assert_says(
        &text,
        &[
            "Lot n° 2026-07 du 2 mars 2026 – Culture, 1re répartition",
            "AS-2026-00003",
            "Total (3 dossiers)",
            "4 000,05 €",
            "62,5%",
            "Soit quatre mille euros et cinq centimes.",
            "Synthèse du lot 2026-07",
            "02/03/2026",
            "1 333,35 €",
            "2 500,00 €",
            "Part du lot 12,5%",
        ],
    );
    assert!(!text.contains("{%") && !text.contains("Err:"), "{text}");
    // The table, the summary and a page for each dossier.
    assert_eq!(pdf.pages, 5);
}

pub fn sheet() {
    let text = text_of(&merged_pdf("tableau-commission.ods", &batch()));
    assert_says(
        &text,
        &[
            "Lot n° 2026-07 du 2 mars 2026 – Culture, 1re répartition",
            "AS-2026-00003",
            "1 000,10 €",
            "Total (3 dossiers)",
            "4 000,05 €",
            "Soit quatre mille euros et cinq centimes.",
        ],
    );
    assert!(!text.contains("{%"), "{text}");
}
