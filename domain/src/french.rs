//! The catalogue: every French word that clerks and applicants read for our own terms, and what histories tell
//! of events (`events.rs`). Refusals and failures carry their sentence with them; e-mails are in
//! [`crate::letters`].

mod events;

pub use events::sentence;

use crate::{
    amount::Amount, document::DocumentStatus, dossier::DossierStatus, signature::Signature,
};
use chrono::{Datelike as _, NaiveDate};

/// A dossier's status.
pub fn dossier_status(status: DossierStatus) -> &'static str {
    match status {
        DossierStatus::Deposited => "déposé",
        DossierStatus::Complete => "complet",
        DossierStatus::UnderInstruction => "en instruction",
        DossierStatus::Scheduled => "inscrit en commission",
        DossierStatus::Granted => "accordé",
        DossierStatus::Refused => "refusé",
        DossierStatus::Adjourned => "ajourné",
        DossierStatus::Notified => "notifié",
        DossierStatus::Closed => "clos",
    }
}

/// A document's status.
pub fn document_status(status: DocumentStatus) -> &'static str {
    match status {
        DocumentStatus::Requested => "demandé",
        DocumentStatus::Merged => "fusionné",
        DocumentStatus::Converted => "en PDF",
        DocumentStatus::InVisa => "en visa",
        DocumentStatus::Visaed => "visé",
        DocumentStatus::VisaRefused => "visa refusé",
        DocumentStatus::InApproval => "en attente d'approbation",
        DocumentStatus::Waiting => "en attente d'une date",
        DocumentStatus::InSignature => "en signature",
        DocumentStatus::OnPaper => "à signer sur papier",
        DocumentStatus::Signed => "signé",
        DocumentStatus::SignatureRefused => "signature refusée",
        DocumentStatus::Registered => "enregistré au courrier",
        DocumentStatus::Attached => "rattaché",
        DocumentStatus::Delivered => "remis",
        DocumentStatus::Cancelled => "annulé",
    }
}

/// Why a document stopped when somebody refused to approve it.
pub fn approval_refused(reason: &str) -> String {
    format!("Approbation refusée : {reason}")
}

/// Where a passage at the signing desk stands, once it began.
pub fn signature_status(signature: &Signature) -> Option<&'static str> {
    match signature {
        Signature::Unborn => None,
        Signature::Prepared { .. } => Some("préparée"),
        Signature::Submitted { .. } => Some("au parapheur"),
        Signature::Signed { .. } => Some("signée"),
        Signature::Rejected { .. } => Some("refusée"),
        Signature::Withdrawn { .. } => Some("retirée"),
        Signature::Retrieved { .. } => Some("signée, PDF rapporté"),
        Signature::Archived { .. } => Some("signée, classée au parapheur"),
        Signature::Discarded { .. } => Some("refusée, classée au parapheur"),
    }
}

/// A sentence that may begin with the name of a neighbour, "le porte-documents".
pub fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| {
        // Proper names such as iParapheur keep their own letters.
        let first: String = if sentence.starts_with("iParapheur") {
            first.into()
        } else {
            first.to_uppercase().collect()
        };
        first + letters.as_str()
    })
}

/// The months, from January.
pub const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

/// A date as letters write it: "1er mars 2026".
pub fn date(date: NaiveDate) -> String {
    let day = if date.day() == 1 {
        "1er".to_owned()
    } else {
        date.day().to_string()
    };
    format!("{day} {} {}", MONTHS[date.month0() as usize], date.year())
}

/// An amount as people write it, with the spaces of French typography: `1 234,56 €`.
pub fn euros(amount: Amount) -> String {
    let cents = amount.cents().unsigned_abs();
    let digits = (cents / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    let sign = if amount.cents() < 0 { "-" } else { "" };
    format!("{sign}{grouped},{:02}\u{a0}€", cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital_unless_a_proper_name_does_not() {
        assert_eq!(
            capitalised("le porte-documents refuse la demande."),
            "Le porte-documents refuse la demande."
        );
        assert_eq!(
            capitalised("iParapheur n'a pas répondu à temps."),
            "iParapheur n'a pas répondu à temps."
        );
        assert_eq!(capitalised(""), "");
    }

    #[test]
    fn an_amount_is_grouped_by_thousands_with_a_comma_before_its_cents() {
        for (cents, expected) in [
            (5, "0,05 €"),
            (100_000, "1 000,00 €"),
            (123_456_789, "1 234 567,89 €"),
            (-100_050, "-1 000,50 €"),
        ] {
            let shown = euros(Amount::from_cents(cents)).replace(['\u{a0}', '\u{202f}'], " ");
            assert_eq!(shown, expected);
        }
    }
}
