//! The letter that everyone merges, and the dossiers it is merged with.
//!
//! Two pages, a logo in the header, 31 tags, rows repeated 6 to 15 times, a paragraph for one dossier in
//! three, a tag that is cut over three runs, and awkward names. Values are texts, ready to be printed:
//! the peers have no French filters. The DOCX and the ODT were made in LibreOffice and say the same.

use serde_json::{Value, json};

pub const DOCX: &[u8] = include_bytes!("letter.docx");
pub const ODT: &[u8] = include_bytes!("letter.odt");

const NAMES: [&str; 8] = [
    "L'Éveil <Culturel> & Cie",
    "Association « Les Œuvres de la Sereine »",
    "Commune de Saint-Étienne-d'Œuf",
    "Comité des fêtes de l'Aïeul\u{a0}: cœur & mémoire",
    "SARL Où-Ça <Scénographies>",
    "Syndicat mixte du Haut-Val",
    "Foyer rural {{ des }} Grands Prés",
    "Compagnie n°\u{202f}7 {% et %} \"Fils\"",
];
const OBJECTS: [&str; 4] = [
    "Réfection de la toiture de la salle polyvalente",
    "Festival d'été – 12e édition",
    "Acquisition d'un véhicule > 3,5 t",
    "Fonctionnement général & actions éducatives",
];
const INSTALMENTS: [&str; 3] = ["Acompte", "Versement intermédiaire", "Solde"];

/// `1 234,56 €`, with the spaces of French typography.
fn amount(cents: usize) -> String {
    let euros = (cents / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in euros.char_indices() {
        if index > 0 && (euros.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    format!("{grouped},{:02}\u{a0}€", cents % 100)
}

fn dossier(index: usize) -> Value {
    let of = |list: &[&'static str], step: usize| list[(index / step) % list.len()];
    let rows = 6 + index * 7 % 10;
    let each = 12_345 + index * 7_919 % 900_000;
    let versements: Vec<Value> = (1..=rows)
        .map(|rang| {
            json!({
                "rang": rang.to_string(),
                "libelle": format!("{} n°\u{a0}{rang}", INSTALMENTS[rang * 3 / (rows + 1)]),
                "echeance": format!("{} juin {}", 1 + rang * 2, 2026 + rang % 3),
                "somme": amount(each),
            })
        })
        .collect();
    let convention = index.is_multiple_of(3);
    json!({
        "service": { "nom": "Direction de la culture & du patrimoine", "telephone": "01\u{202f}23\u{202f}45\u{202f}67\u{202f}89" },
        "beneficiaire": {
            "nom": of(&NAMES, 1),
            "civilite": of(&["Madame la Présidente", "Monsieur le Maire", "Madame, Monsieur"], 2),
            "rue": format!("{} rue de l'Église", 1 + index % 90),
            "code_postal": format!("{:05}", 31_000 + index % 990),
            "commune": of(&["BRUMEVILLE", "SAINT-ÉTIENNE-D'ŒUF", "HAUT-VAL"], 3),
        },
        "document": { "lieu": "Brumeville", "date": format!("{} mars 2026", 1 + index % 31) },
        "dossier": {
            "reference": format!("SUB-2026-{index:05}"),
            "dispositif": "Soutien aux initiatives locales",
            "objet": of(&OBJECTS, 5),
            "depose_le": format!("{} janvier 2026", 1 + index % 31),
        },
        "instructeur": { "nom": of(&["Mme Anaïs Lefèvre", "M. Loïc Kerguélen"], 4) },
        "decision": {
            "deliberation": format!("CP-2026-{:03}", index % 400),
            "date": "16 février 2026",
            "en_chiffres": amount(each * rows),
            "en_lettres": "dix-sept mille deux cent quatre-vingt-un euros et vingt et un centimes",
        },
        "convention": if convention { json!({ "numero": format!("CONV-{index:04}") }) } else { json!(null) },
        "versements": versements,
        "signataire": { "nom": "Élodie d'Aubigné", "qualite": "Vice-présidente chargée de la culture" },
    })
}

/// The first `count` dossiers.
pub fn dossiers(count: usize) -> Vec<Value> {
    (0..count).map(dossier).collect()
}
